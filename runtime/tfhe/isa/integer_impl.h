//===- integer_impl.h - Integer products modulo 2^64, written once for all vector types ------===//
//
// Internal; included by isa/*.cpp only. Register tiles of ciphertexts (or outputs) times vectors of
// words. All arithmetic is exact modulo 2^64, so the order of additions is free.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_INTEGER_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_INTEGER_IMPL_H

#include "runtime/tfhe/isa/fft_impl.h"

namespace fhe::tfhe {
namespace {

/// outs[c][at..) -= sum over rows of digits[row][c] * key[row], C ciphertexts, W vectors. `key` is
/// at word `at` of the first row.
template <class V, int C, int W>
FHE_INLINE void digitTile(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                          size_t digitStride, uint64_t *const *outs, size_t at,
                          size_t prefetchDistance) {
  typename V::W sum[C][W];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w)
      sum[c][w] = V::broadcastWord(0);
  for (size_t row = 0; row < rows; ++row, key += words, digits += digitStride) {
    if (prefetchDistance)
#pragma GCC unroll 8
      for (int w = 0; w < W; w += 8 / V::lanes)
        __builtin_prefetch(key + prefetchDistance + w * V::lanes, 0, 2);
    typename V::W k[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w)
      k[w] = V::loadWords(key + w * V::lanes);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      auto digit = V::broadcastWord(digits[c]);
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w)
        sum[c][w] = V::addWordsTo(sum[c][w], V::mulWords(digit, k[w]));
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) {
      uint64_t *to = outs[c] + at + w * V::lanes;
      V::storeWords(to, V::subWords(V::loadWords(to), sum[c][w]));
    }
}

/// The words [from, words) that are left after the tiles of vectors, one by one.
inline void digitRest(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                      size_t digitStride, size_t count, uint64_t *const *outs, size_t from) {
  for (size_t w = from; w < words; ++w)
    for (size_t c = 0; c < count; ++c) {
      uint64_t sum = 0;
      for (size_t row = 0; row < rows; ++row)
        sum += digits[row * digitStride + c] * key[row * words + w];
      outs[c][w] -= sum;
    }
}

template <class V>
void digitProductKernel(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                        size_t digitStride, unsigned, size_t count, uint64_t *const *outs,
                        const uint64_t *nextKey) {
  constexpr int C = 4, W = V::tileVectors;
  const size_t ahead = nextKey ? size_t(nextKey - key) : 0;
  size_t w = 0;
  for (; w + W * V::lanes <= words; w += W * V::lanes) {
    size_t c = 0;
    for (; c + C <= count; c += C)
      digitTile<V, C, W>(key + w, rows, words, digits + c, digitStride, outs + c, w,
                         c == 0 ? ahead : 0);
    for (; c < count; ++c)
      digitTile<V, 1, W>(key + w, rows, words, digits + c, digitStride, outs + c, w,
                         c == 0 ? ahead : 0);
  }
  for (; w + V::lanes <= words; w += V::lanes)
    for (size_t c = 0; c < count; ++c)
      digitTile<V, 1, 1>(key + w, rows, words, digits + c, digitStride, outs + c, w, 0);
  digitRest(key, rows, words, digits, digitStride, count, outs, w);
}

/// outs[o][at..) = sum over taps of weights[t][o] * inputs[t][at..), O outputs, W vectors.
template <class V, int O, int W>
FHE_INLINE void dotVectors(const uint64_t *const *inputs, const int64_t *weights, size_t taps,
                           size_t at, uint64_t *const *outs) {
  typename V::W sum[O][W];
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w)
      sum[o][w] = V::broadcastWord(0);
  for (size_t t = 0; t < taps; ++t) {
    const uint64_t *in = inputs[t] + at;
    typename V::W weight[O];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o)
      weight[o] = V::broadcastWord(uint64_t(weights[t * O + o]));
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w) {
      auto word = V::loadWords(in + w * V::lanes);
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o)
        sum[o][w] = V::addWordsTo(sum[o][w], V::mulWords(weight[o], word));
    }
  }
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w)
      V::storeWords(outs[o] + at + w * V::lanes, sum[o][w]);
}

template <class V, int O>
void dotOutputs(const uint64_t *const *inputs, const int64_t *weights, size_t taps, size_t words,
                uint64_t *const *outs) {
  constexpr int W = V::dotRegisters / O;
  size_t w = 0;
  for (; w + W * V::lanes <= words; w += W * V::lanes)
    dotVectors<V, O, W>(inputs, weights, taps, w, outs);
  for (; w + V::lanes <= words; w += V::lanes)
    dotVectors<V, O, 1>(inputs, weights, taps, w, outs);
  for (; w < words; ++w)
    for (int o = 0; o < O; ++o) {
      uint64_t sum = 0;
      for (size_t t = 0; t < taps; ++t)
        sum += uint64_t(weights[t * O + o]) * inputs[t][w];
      outs[o][w] = sum;
    }
}

template <class V>
void dotTileKernel(const uint64_t *const *inputs, const int64_t *weights, size_t taps, size_t words,
                   uint64_t *const *outs, size_t outputs) {
  if (outputs == 4)
    dotOutputs<V, 4>(inputs, weights, taps, words, outs);
  else if (outputs == 2)
    dotOutputs<V, 2>(inputs, weights, taps, words, outs);
  else
    dotOutputs<V, 1>(inputs, weights, taps, words, outs);
}

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_INTEGER_IMPL_H
