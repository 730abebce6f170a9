//===- integer_impl.h - Integer products by whole words, for all vector types ----------------===//
//
// Internal; included by isa/integer_*.cpp only. Register tiles of ciphertexts (or outputs) times
// vectors of words. V names the word type, the vector type W, its lanes and operations modulo the
// word's range. All arithmetic is exact, so the order of additions is free.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_INTEGER_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_INTEGER_IMPL_H

#include "runtime/tfhe/isa/integer_kernels.h"

#define FHE_INLINE inline __attribute__((always_inline))

namespace fhe::tfhe {
namespace {

/// outs[c][at..) -= sum over rows of digits[row][c] * key[row], C ciphertexts, W vectors. `key` is
/// at word `at` of the first row.
template <class V, int C, int W, class Word>
FHE_INLINE void digitTile(const Word *key, size_t rows, size_t words, const Word *digits,
                          size_t digitStride, Word *const *outs, size_t at,
                          size_t prefetchDistance) {
  typename V::W sum[C][W];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w)
      sum[c][w] = V::broadcast(0);
  constexpr int lineVectors = 64 / int(sizeof(Word)) / V::lanes;
  for (size_t row = 0; row < rows; ++row, key += words, digits += digitStride) {
    if (prefetchDistance)
#pragma GCC unroll 8
      for (int w = 0; w < W; w += lineVectors)
        __builtin_prefetch(key + prefetchDistance + w * V::lanes, 0, 2);
    typename V::W k[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w)
      k[w] = V::load(key + w * V::lanes);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      auto digit = V::broadcast(digits[c]);
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w)
        sum[c][w] = V::add(sum[c][w], V::mul(digit, k[w]));
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) {
      Word *to = outs[c] + at + w * V::lanes;
      V::store(to, V::sub(V::load(to), sum[c][w]));
    }
}

template <class V, class Word>
void digitProductKernel(const Word *key, size_t rows, size_t words, const Word *digits,
                        size_t digitStride, size_t count, Word *const *outs, const Word *nextKey) {
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
  for (; w < words; ++w)
    for (size_t c = 0; c < count; ++c) {
      Word sum = 0;
      for (size_t row = 0; row < rows; ++row)
        sum += digits[row * digitStride + c] * key[row * words + w];
      outs[c][w] -= sum;
    }
}

/// outs[o][at..) = sum over taps of weights[t][o] * inputs[t][at..), O outputs, W vectors.
template <class V, int O, int W, class Word>
FHE_INLINE void dotVectors(const Word *const *inputs, const int64_t *weights, size_t taps,
                           size_t at, Word *const *outs) {
  typename V::W sum[O][W];
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w)
      sum[o][w] = V::broadcast(0);
  for (size_t t = 0; t < taps; ++t) {
    const Word *in = inputs[t] + at;
    typename V::W weight[O];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o)
      weight[o] = V::broadcast(Word(weights[t * O + o]));
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w) {
      auto word = V::load(in + w * V::lanes);
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o)
        sum[o][w] = V::add(sum[o][w], V::mul(weight[o], word));
    }
  }
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w)
      V::store(outs[o] + at + w * V::lanes, sum[o][w]);
}

template <class V, int O, class Word>
void dotOutputs(const Word *const *inputs, const int64_t *weights, size_t taps, size_t words,
                Word *const *outs) {
  constexpr int W = V::dotRegisters / O;
  size_t w = 0;
  for (; w + W * V::lanes <= words; w += W * V::lanes)
    dotVectors<V, O, W>(inputs, weights, taps, w, outs);
  for (; w + V::lanes <= words; w += V::lanes)
    dotVectors<V, O, 1>(inputs, weights, taps, w, outs);
  for (; w < words; ++w)
    for (int o = 0; o < O; ++o) {
      Word sum = 0;
      for (size_t t = 0; t < taps; ++t)
        sum += Word(weights[t * O + o]) * inputs[t][w];
      outs[o][w] = sum;
    }
}

template <class V, class Word>
void dotTileKernel(const Word *const *inputs, const int64_t *weights, size_t taps, size_t words,
                   Word *const *outs, size_t outputs) {
  if (outputs == 4)
    dotOutputs<V, 4>(inputs, weights, taps, words, outs);
  else if (outputs == 2)
    dotOutputs<V, 2>(inputs, weights, taps, words, outs);
  else
    dotOutputs<V, 1>(inputs, weights, taps, words, outs);
}

template <class V64, class V32> IntegerKernels makeIntegerKernels(const PlaneKernels *planes) {
  return {{digitProductKernel<V64, uint64_t>, dotTileKernel<V64, uint64_t>},
          {digitProductKernel<V32, uint32_t>, dotTileKernel<V32, uint32_t>},
          planes};
}

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_INTEGER_IMPL_H
