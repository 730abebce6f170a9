//===- neon.cpp - Kernels for AArch64 Advanced SIMD -------------------------------------------===//
//
// Part of every 64-bit ARM processor. Two lanes, thirty-two registers: radix 8.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/table_impl.h"

#include <arm_neon.h>

namespace fhe::tfhe {
namespace {

struct Neon {
  using D = float64x2_t;
  using W = uint64x2_t;
  static constexpr int lanes = 2, log2Lanes = 1, maxLog2Radix = 3;

  static constexpr bool convertsWords = true;

  static FHE_INLINE D load(const double *p) { return vld1q_f64(p); }
  static FHE_INLINE void store(double *p, D x) { vst1q_f64(p, x); }
  static FHE_INLINE D broadcast(double x) { return vdupq_n_f64(x); }
  static FHE_INLINE D add(D a, D b) { return vaddq_f64(a, b); }
  static FHE_INLINE D sub(D a, D b) { return vsubq_f64(a, b); }
  static FHE_INLINE D mul(D a, D b) { return vmulq_f64(a, b); }
  static FHE_INLINE D fma(D a, D b, D c) { return vfmaq_f64(c, a, b); }
  static FHE_INLINE D fnma(D a, D b, D c) { return vfmsq_f64(c, a, b); }
  /// There is no fused form of it; twice a is exact all the same.
  static FHE_INLINE D twiceMinus(D a, D b) { return vsubq_f64(vaddq_f64(a, a), b); }
  /// A 2 x 2 transposition has one part only.
  static FHE_INLINE void transposeFirst(D *x) {
    const D a = vtrn1q_f64(x[0], x[1]), b = vtrn2q_f64(x[0], x[1]);
    x[0] = a, x[1] = b;
  }
  static FHE_INLINE void transposeRest(D *) {}

  static FHE_INLINE W loadWords(const uint64_t *p) { return vld1q_u64(p); }
  static FHE_INLINE void storeWords(uint64_t *p, W x) { vst1q_u64(p, x); }
  static FHE_INLINE W broadcastWord(uint64_t x) { return vdupq_n_u64(x); }
  static FHE_INLINE W addWordsTo(W a, W b) { return vaddq_u64(a, b); }
  static FHE_INLINE W subWords(W a, W b) { return vsubq_u64(a, b); }
  static FHE_INLINE W andWords(W a, W b) { return vandq_u64(a, b); }
  static FHE_INLINE W xorWords(W a, W b) { return veorq_u64(a, b); }
  static FHE_INLINE W shiftRight(W a, unsigned n) {
    return vshlq_u64(a, vdupq_n_s64(-int64_t(n)));
  }
  static FHE_INLINE void addWords(uint64_t *p, W x) { vst1q_u64(p, vaddq_u64(vld1q_u64(p), x)); }

  static FHE_INLINE D toDouble(W x) { return vcvtq_f64_s64(vreinterpretq_s64_u64(x)); }
  /// The integer next to x y modulo 2^64, |x y| < 2^115: adding 1.5 * 2^116 leaves the nearest
  /// multiple of 2^64. A rest of exactly 2^63 saturates one unit below: far below the error of a
  /// transform.
  static FHE_INLINE W productToWord(D x, D y) {
    const D magic = broadcast(0x1.8p116);
    const D turns = vsubq_f64(vfmaq_f64(magic, x, y), magic);
    return vreinterpretq_u64_s64(vcvtnq_s64_f64(vfmaq_f64(vnegq_f64(turns), x, y)));
  }
};

} // namespace

const KernelTable &neonKernels() {
  static const KernelTable table = makeTable<Neon>(Isa::neon);
  return table;
}

} // namespace fhe::tfhe
