//===- avx512ifma.cpp - The keyswitch product with 52-bit multiply-add -----------------------===//
//
// Compiled for AVX-512 F, DQ and IFMA. A key word is cut into its low 44 bits and its high 20: a
// product with a digit of up to 8 bits then fits the 52 bits that vpmadd52luq adds, so one word
// costs two instructions and no separate addition (vpmullq and an addition are four).
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/integer_impl.h"

#include <immintrin.h>

namespace fhe::tfhe {
namespace {

constexpr unsigned limbBits = 44, maxDigitBits = 8;
constexpr int lanes = 8;

/// outs[c][at..) -= sum over rows of digits[row][c] * key[row], C ciphertexts, W vectors.
template <int C, int W>
FHE_INLINE void tile(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                     size_t digitStride, uint64_t *const *outs, size_t at,
                     size_t prefetchDistance) {
  const __m512i mask = _mm512_set1_epi64((int64_t(1) << limbBits) - 1);
  __m512i low[C][W], high[C][W];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w)
      low[c][w] = high[c][w] = _mm512_setzero_si512();
  for (size_t row = 0; row < rows; ++row, key += words, digits += digitStride) {
    __m512i keyLow[W], keyHigh[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) {
      if (prefetchDistance)
        __builtin_prefetch(key + prefetchDistance + w * lanes, 0, 2);
      const __m512i word = _mm512_loadu_si512(key + w * lanes);
      keyLow[w] = _mm512_and_si512(word, mask);
      keyHigh[w] = _mm512_srli_epi64(word, limbBits);
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const __m512i digit = _mm512_set1_epi64(int64_t(digits[c]));
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w) {
        low[c][w] = _mm512_madd52lo_epu64(low[c][w], digit, keyLow[w]);
        high[c][w] = _mm512_madd52lo_epu64(high[c][w], digit, keyHigh[w]);
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) {
      uint64_t *to = outs[c] + at + w * lanes;
      const __m512i sum =
          _mm512_add_epi64(low[c][w], _mm512_slli_epi64(high[c][w], limbBits));
      _mm512_storeu_si512(to, _mm512_sub_epi64(_mm512_loadu_si512(to), sum));
    }
}

/// Tiles of C ciphertexts and W vectors over the words from `at`; returns where it stopped.
template <int C, int W>
size_t tiles(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
             size_t digitStride, size_t count, uint64_t *const *outs, size_t at, size_t ahead) {
  for (; at + W * lanes <= words; at += W * lanes) {
    size_t c = 0;
    for (; c + C <= count; c += C)
      tile<C, W>(key + at, rows, words, digits + c, digitStride, outs + c, at,
                 c == 0 ? ahead : 0);
    for (; c < count; ++c)
      tile<1, W>(key + at, rows, words, digits + c, digitStride, outs + c, at,
                 c == 0 ? ahead : 0);
  }
  return at;
}

} // namespace

void digitProductIfma(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                      size_t digitStride, unsigned digitBits, size_t count, uint64_t *const *outs,
                      const uint64_t *nextKey) {
  if (digitBits > maxDigitBits) {
    digitProductAvx512(key, rows, words, digits, digitStride, digitBits, count, outs, nextKey);
    return;
  }
  const size_t ahead = nextKey ? size_t(nextKey - key) : 0;
  // Few ciphertexts wait for the key: longer runs of each row then come faster from memory.
  size_t w = count < 4
                 ? tiles<2, 4>(key, rows, words, digits, digitStride, count, outs, 0, ahead)
                 : tiles<4, 2>(key, rows, words, digits, digitStride, count, outs, 0, ahead);
  w = tiles<1, 1>(key, rows, words, digits, digitStride, count, outs, w, 0);
  digitRest(key, rows, words, digits, digitStride, count, outs, w);
}

} // namespace fhe::tfhe
