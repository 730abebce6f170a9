//===- integer_avx512.cpp - Integer products with AVX-512 ------------------------------------===//
//
// Compiled for AVX-512 F, DQ, BW and VL; nothing of this file may run on a CPU without them. Where
// the CPU also has VNNI the table names the byte-plane kernels of avx512vnni.cpp.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/integer_impl.h"

#include <immintrin.h>

namespace fhe::tfhe {
namespace {

struct Common {
  using W = __m512i;
  static constexpr int tileVectors = 4, dotRegisters = 16;

  static FHE_INLINE W load(const void *p) { return _mm512_loadu_si512(p); }
  static FHE_INLINE void store(void *p, W x) { _mm512_storeu_si512(p, x); }
};

struct Words64 : Common {
  static constexpr int lanes = 8;
  static FHE_INLINE W broadcast(uint64_t x) { return _mm512_set1_epi64(int64_t(x)); }
  static FHE_INLINE W add(W a, W b) { return _mm512_add_epi64(a, b); }
  static FHE_INLINE W sub(W a, W b) { return _mm512_sub_epi64(a, b); }
  static FHE_INLINE W mul(W a, W b) { return _mm512_mullo_epi64(a, b); }
};

struct Words32 : Common {
  static constexpr int lanes = 16;
  static FHE_INLINE W broadcast(uint32_t x) { return _mm512_set1_epi32(int32_t(x)); }
  static FHE_INLINE W add(W a, W b) { return _mm512_add_epi32(a, b); }
  static FHE_INLINE W sub(W a, W b) { return _mm512_sub_epi32(a, b); }
  static FHE_INLINE W mul(W a, W b) { return _mm512_mullo_epi32(a, b); }
};

} // namespace

const IntegerKernels &avx512IntegerKernels() {
  static const IntegerKernels kernels = makeIntegerKernels<Words64, Words32>(
      __builtin_cpu_supports("avx512vnni") ? &vnniPlaneKernels() : nullptr);
  return kernels;
}

} // namespace fhe::tfhe
