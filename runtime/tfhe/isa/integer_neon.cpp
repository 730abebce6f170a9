//===- integer_neon.cpp - Integer products with AArch64 Advanced SIMD -------------------------===//
//
// Part of every 64-bit ARM processor.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/integer_impl.h"

#include <arm_neon.h>

namespace fhe::tfhe {
namespace {

struct Words64 {
  using W = uint64x2_t;
  static constexpr int lanes = 2, tileVectors = 4, dotRegisters = 16;

  static FHE_INLINE W load(const uint64_t *p) { return vld1q_u64(p); }
  static FHE_INLINE void store(uint64_t *p, W x) { vst1q_u64(p, x); }
  static FHE_INLINE W broadcast(uint64_t x) { return vdupq_n_u64(x); }
  static FHE_INLINE W add(W a, W b) { return vaddq_u64(a, b); }
  static FHE_INLINE W sub(W a, W b) { return vsubq_u64(a, b); }
  /// From 32-bit halves: low times low, and the two cross products moved up.
  static FHE_INLINE W mul(W a, W b) {
    const uint32x4_t swapped = vrev64q_u32(vreinterpretq_u32_u64(b));
    const uint64x2_t cross = vpaddlq_u32(vmulq_u32(vreinterpretq_u32_u64(a), swapped));
    return vmlal_u32(vshlq_n_u64(cross, 32), vmovn_u64(a), vmovn_u64(b));
  }
};

struct Words32 {
  using W = uint32x4_t;
  static constexpr int lanes = 4, tileVectors = 4, dotRegisters = 16;

  static FHE_INLINE W load(const uint32_t *p) { return vld1q_u32(p); }
  static FHE_INLINE void store(uint32_t *p, W x) { vst1q_u32(p, x); }
  static FHE_INLINE W broadcast(uint32_t x) { return vdupq_n_u32(x); }
  static FHE_INLINE W add(W a, W b) { return vaddq_u32(a, b); }
  static FHE_INLINE W sub(W a, W b) { return vsubq_u32(a, b); }
  static FHE_INLINE W mul(W a, W b) { return vmulq_u32(a, b); }
};

} // namespace

const IntegerKernels &neonIntegerKernels() {
  static const IntegerKernels kernels = makeIntegerKernels<Words64, Words32>(nullptr);
  return kernels;
}

} // namespace fhe::tfhe
