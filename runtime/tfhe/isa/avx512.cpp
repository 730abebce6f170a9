//===- avx512.cpp - Kernels for AVX-512 F, DQ, BW, VL ----------------------------------------===//
//
// Compiled with the flags of these extensions; nothing of this file may run on a CPU without them.
// Eight lanes, thirty-two registers: radix 8, blocks of 64 points that live in registers.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/table_impl.h"

#include <immintrin.h>

namespace fhe::tfhe {
namespace {

struct Avx512 {
  using D = __m512d;
  using W = __m512i;
  static constexpr int lanes = 8, log2Lanes = 3, maxLog2Radix = 3;

  static constexpr bool convertsWords = true;

  static FHE_INLINE D load(const double *p) { return _mm512_load_pd(p); }
  static FHE_INLINE void store(double *p, D x) { _mm512_store_pd(p, x); }
  static FHE_INLINE D broadcast(double x) { return _mm512_set1_pd(x); }
  static FHE_INLINE D add(D a, D b) { return _mm512_add_pd(a, b); }
  static FHE_INLINE D sub(D a, D b) { return _mm512_sub_pd(a, b); }
  static FHE_INLINE D mul(D a, D b) { return _mm512_mul_pd(a, b); }
  static FHE_INLINE D fma(D a, D b, D c) { return _mm512_fmadd_pd(a, b, c); }
  static FHE_INLINE D fnma(D a, D b, D c) { return _mm512_fnmadd_pd(a, b, c); }
  static FHE_INLINE D twiceMinus(D a, D b) {
    return _mm512_fmsub_pd(_mm512_set1_pd(2.0), a, b);
  }
  /// An 8 x 8 transposition in two parts. Pairs of lanes.
  static FHE_INLINE void transposeFirst(D *x) {
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      const D low = _mm512_unpacklo_pd(x[i], x[i + 1]);
      x[i + 1] = _mm512_unpackhi_pd(x[i], x[i + 1]);
      x[i] = low;
    }
  }
  /// Then pairs of pairs (even and odd 128-bit parts), then halves.
  static FHE_INLINE void transposeRest(D *x) {
    D b[8];
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        b[4 * i + j] = _mm512_shuffle_f64x2(x[4 * i + j], x[4 * i + j + 2], 0x88);
        b[4 * i + j + 2] = _mm512_shuffle_f64x2(x[4 * i + j], x[4 * i + j + 2], 0xDD);
      }
    }
    // b[j] = columns {j, j+4} of rows 0..3, b[j+2] = columns {j+2, j+6}; b[4..] the same of 4..7.
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      x[j] = _mm512_shuffle_f64x2(b[j], b[j + 4], 0x88);
      x[j + 4] = _mm512_shuffle_f64x2(b[j], b[j + 4], 0xDD);
    }
  }

  static FHE_INLINE W loadWords(const uint64_t *p) { return _mm512_loadu_si512(p); }
  static FHE_INLINE void storeWords(uint64_t *p, W x) { _mm512_storeu_si512(p, x); }
  static FHE_INLINE W broadcastWord(uint64_t x) { return _mm512_set1_epi64(int64_t(x)); }
  static FHE_INLINE W addWordsTo(W a, W b) { return _mm512_add_epi64(a, b); }
  static FHE_INLINE W subWords(W a, W b) { return _mm512_sub_epi64(a, b); }
  static FHE_INLINE W andWords(W a, W b) { return _mm512_and_si512(a, b); }
  static FHE_INLINE W xorWords(W a, W b) { return _mm512_xor_si512(a, b); }
  static FHE_INLINE W shiftRight(W a, unsigned n) {
    return _mm512_srl_epi64(a, _mm_cvtsi32_si128(int(n)));
  }
  static FHE_INLINE void addWords(uint64_t *p, W x) {
    storeWords(p, _mm512_add_epi64(loadWords(p), x));
  }

  static FHE_INLINE D toDouble(W x) { return _mm512_cvtepi64_pd(x); }
  /// The integer next to x y modulo 2^64, |x y| < 2^115: adding 1.5 * 2^116 leaves the nearest
  /// multiple of 2^64.
  static FHE_INLINE W productToWord(D x, D y) {
    const D magic = broadcast(0x1.8p116);
    const D turns = _mm512_sub_pd(_mm512_fmadd_pd(x, y, magic), magic);
    // A rest of exactly 2^63 converts to the word 2^63, as it should.
    return _mm512_cvtpd_epi64(_mm512_fmsub_pd(x, y, turns));
  }
};

} // namespace

const KernelTable &avx512Kernels() {
  static const KernelTable table = makeTable<Avx512>(Isa::avx512);
  return table;
}

} // namespace fhe::tfhe
