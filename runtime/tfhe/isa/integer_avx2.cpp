//===- integer_avx2.cpp - Integer products with AVX2 -----------------------------------------===//
//
// Compiled with -mavx2; nothing of this file may run on a CPU without it.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/integer_impl.h"

#include <immintrin.h>

namespace fhe::tfhe {
namespace {

struct Common {
  using W = __m256i;
  static constexpr int tileVectors = 2, dotRegisters = 8;

  static FHE_INLINE W load(const void *p) {
    return _mm256_loadu_si256(static_cast<const __m256i *>(p));
  }
  static FHE_INLINE void store(void *p, W x) {
    _mm256_storeu_si256(static_cast<__m256i *>(p), x);
  }
};

struct Words64 : Common {
  static constexpr int lanes = 4;
  static FHE_INLINE W broadcast(uint64_t x) { return _mm256_set1_epi64x(int64_t(x)); }
  static FHE_INLINE W add(W a, W b) { return _mm256_add_epi64(a, b); }
  static FHE_INLINE W sub(W a, W b) { return _mm256_sub_epi64(a, b); }
  static FHE_INLINE W mul(W a, W b) {
    W cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b),
                               _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));
    return _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
  }
};

struct Words32 : Common {
  static constexpr int lanes = 8;
  static FHE_INLINE W broadcast(uint32_t x) { return _mm256_set1_epi32(int32_t(x)); }
  static FHE_INLINE W add(W a, W b) { return _mm256_add_epi32(a, b); }
  static FHE_INLINE W sub(W a, W b) { return _mm256_sub_epi32(a, b); }
  static FHE_INLINE W mul(W a, W b) { return _mm256_mullo_epi32(a, b); }
};

} // namespace

const IntegerKernels &avx2IntegerKernels() {
  static const IntegerKernels kernels = makeIntegerKernels<Words64, Words32>(nullptr);
  return kernels;
}

} // namespace fhe::tfhe
