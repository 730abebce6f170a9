//===- integer_scalar.cpp - Scalar reference of the integer products -------------------------===//
#include "runtime/tfhe/isa/integer_impl.h"

namespace fhe::tfhe {
namespace {

/// Vectors of one lane.
template <class T> struct Scalar {
  using W = T;
  static constexpr int lanes = 1, tileVectors = 8, dotRegisters = 8;

  static FHE_INLINE W load(const T *p) { return *p; }
  static FHE_INLINE void store(T *p, W x) { *p = x; }
  static FHE_INLINE W broadcast(T x) { return x; }
  static FHE_INLINE W add(W a, W b) { return a + b; }
  static FHE_INLINE W sub(W a, W b) { return a - b; }
  static FHE_INLINE W mul(W a, W b) { return a * b; }
};

} // namespace

const IntegerKernels &scalarIntegerKernels() {
  static const IntegerKernels kernels =
      makeIntegerKernels<Scalar<uint64_t>, Scalar<uint32_t>>(nullptr);
  return kernels;
}

} // namespace fhe::tfhe
