//===- avx2.cpp - Kernels for AVX2 and FMA ---------------------------------------------------===//
//
// Compiled with -mavx2 -mfma; nothing of this file may run on a CPU without them. Four lanes,
// sixteen registers: radix 4.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/table_impl.h"

#include <immintrin.h>

namespace fhe::tfhe {
namespace {

struct Avx2 {
  using D = __m256d;
  using W = __m256i;
  static constexpr int lanes = 4, log2Lanes = 2, maxLog2Radix = 2;

  static constexpr bool convertsWords = false;

  static FHE_INLINE D load(const double *p) { return _mm256_load_pd(p); }
  static FHE_INLINE void store(double *p, D x) { _mm256_store_pd(p, x); }
  static FHE_INLINE D broadcast(double x) { return _mm256_set1_pd(x); }
  static FHE_INLINE D add(D a, D b) { return _mm256_add_pd(a, b); }
  static FHE_INLINE D sub(D a, D b) { return _mm256_sub_pd(a, b); }
  static FHE_INLINE D mul(D a, D b) { return _mm256_mul_pd(a, b); }
  static FHE_INLINE D fma(D a, D b, D c) { return _mm256_fmadd_pd(a, b, c); }
  static FHE_INLINE D fnma(D a, D b, D c) { return _mm256_fnmadd_pd(a, b, c); }
  static FHE_INLINE D twiceMinus(D a, D b) {
    return _mm256_fmsub_pd(_mm256_set1_pd(2.0), a, b);
  }
  /// A 4 x 4 transposition in two parts: pairs of lanes, then halves.
  static FHE_INLINE void transposeFirst(D *x) {
    D a = _mm256_unpacklo_pd(x[0], x[1]), b = _mm256_unpackhi_pd(x[0], x[1]);
    D c = _mm256_unpacklo_pd(x[2], x[3]), d = _mm256_unpackhi_pd(x[2], x[3]);
    x[0] = a, x[1] = b, x[2] = c, x[3] = d;
  }
  static FHE_INLINE void transposeRest(D *x) {
    D a = _mm256_permute2f128_pd(x[0], x[2], 0x20), b = _mm256_permute2f128_pd(x[1], x[3], 0x20);
    D c = _mm256_permute2f128_pd(x[0], x[2], 0x31), d = _mm256_permute2f128_pd(x[1], x[3], 0x31);
    x[0] = a, x[1] = b, x[2] = c, x[3] = d;
  }

  static FHE_INLINE W loadWords(const uint64_t *p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
  }
  static FHE_INLINE void storeWords(uint64_t *p, W x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), x);
  }
  static FHE_INLINE W broadcastWord(uint64_t x) { return _mm256_set1_epi64x(int64_t(x)); }
  static FHE_INLINE W addWordsTo(W a, W b) { return _mm256_add_epi64(a, b); }
  static FHE_INLINE W subWords(W a, W b) { return _mm256_sub_epi64(a, b); }
  static FHE_INLINE W andWords(W a, W b) { return _mm256_and_si256(a, b); }
  static FHE_INLINE W xorWords(W a, W b) { return _mm256_xor_si256(a, b); }
  static FHE_INLINE W mulWords(W a, W b) {
    W cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b),
                               _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));
    return _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
  }
  static FHE_INLINE W shiftRight(W a, unsigned n) {
    return _mm256_srl_epi64(a, _mm_cvtsi32_si128(int(n)));
  }
  static FHE_INLINE void addWords(uint64_t *p, W x) {
    storeWords(p, _mm256_add_epi64(loadWords(p), x));
  }

  /// Signed words to doubles, rounded once: the halves are placed into the bits of 2^84 and 2^52.
  static FHE_INLINE D toDouble(W x) {
    W high = _mm256_xor_si256(_mm256_srli_epi64(x, 32), broadcastWord(0x4530000080000000u));
    W low = _mm256_blend_epi32(x, broadcastWord(0x4330000000000000u), 0xAA);
    D top = _mm256_sub_pd(_mm256_castsi256_pd(high), broadcast(0x1p84 + 0x1p63 + 0x1p52));
    return _mm256_add_pd(top, _mm256_castsi256_pd(low));
  }
  /// The double (2^52 + x) 2^shift, x below 2^52.
  static FHE_INLINE D fieldToDouble(W x, unsigned shift) {
    return _mm256_castsi256_pd(_mm256_or_si256(x, broadcastWord(uint64_t(0x433 + shift) << 52)));
  }
  /// The integer next to x y modulo 2^64, |x y| < 2^115. Adding 1.5 * 2^52 units rounds to the
  /// unit: first to a multiple of 2^64, which goes away, then to two halves of 32 bits.
  static FHE_INLINE W productToWord(D x, D y) {
    const D turnMagic = broadcast(0x1.8p116), highMagic = broadcast(0x1.8p84);
    const D lowMagic = broadcast(0x1.8p52);
    D rest = _mm256_fmsub_pd(x, y, _mm256_sub_pd(_mm256_fmadd_pd(x, y, turnMagic), turnMagic));
    D high = _mm256_add_pd(rest, highMagic);
    D low = _mm256_add_pd(_mm256_sub_pd(rest, _mm256_sub_pd(high, highMagic)), lowMagic);
    W h = _mm256_slli_epi64(_mm256_castpd_si256(high), 32);
    W l = _mm256_sub_epi64(_mm256_castpd_si256(low), _mm256_castpd_si256(lowMagic));
    return _mm256_add_epi64(h, l);
  }
};

} // namespace

const KernelTable &avx2Kernels() {
  static const KernelTable table = makeTable<Avx2>(Isa::avx2);
  return table;
}

} // namespace fhe::tfhe
