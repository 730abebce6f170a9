//===- peak.cpp - The fused multiply-add peak ----------------------------------------------===//
//
// Independent chains of fused multiply-adds, more of them than latency times width asks for, in the
// registers of the instruction set that the kernels have chosen. Times of kernels are given as a
// share of this, so that machines can be compared.
//
//===----------------------------------------------------------------------------------------===//
#include "python-free-tools/fhe-bench/measure.h"
#include "runtime/tfhe/isa/isa.h"

#include <cstdint>
#include <vector>

namespace fhe::tools {

namespace {

constexpr int chains = 12;
constexpr uint64_t iterations = 1 << 18;

/// The values stay near 1; the sum keeps the loop from being removed.
template <class Vector>
inline __attribute__((always_inline)) double chainsOf() {
  constexpr int lanes = sizeof(Vector) / sizeof(double);
  Vector factor, term, values[chains];
  for (int lane = 0; lane < lanes; ++lane)
    factor[lane] = 0.999, term[lane] = 0.001;
  for (int c = 0; c < chains; ++c)
    values[c] = term * double(c + 1);
  for (uint64_t i = 0; i < iterations; ++i)
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c)
      values[c] = __builtin_elementwise_fma(values[c], factor, term);
  double sum = 0;
  for (int c = 0; c < chains; ++c)
    for (int lane = 0; lane < lanes; ++lane)
      sum += values[c][lane];
  return sum;
}

using Vector2 = double __attribute__((ext_vector_type(2)));
double twoLanes() { return chainsOf<Vector2>(); }

#if defined(__x86_64__)
using Vector4 = double __attribute__((ext_vector_type(4)));
using Vector8 = double __attribute__((ext_vector_type(8)));
__attribute__((target("avx2,fma"))) double fourLanes() { return chainsOf<Vector4>(); }
__attribute__((target("avx512f"))) double eightLanes() {
  return chainsOf<Vector8>();
}
#endif

struct Loop {
  double (*run)();
  double lanes;
};

Loop loopOfKernels() {
#if defined(__x86_64__)
  switch (tfhe::activeIsa()) {
  case tfhe::Isa::avx512:
    return {eightLanes, 8};
  case tfhe::Isa::avx2:
    return {fourLanes, 4};
  default:
    break;
  }
#endif
  return {twoLanes, 2};
}

} // namespace

double fmaPeak(unsigned threads, double duration) {
  const Loop loop = loopOfKernels();
  std::vector<double> sums(size_t(threads) * 16); // A cache line and more apart.
  const double seconds = minimumSeconds(
      threads, duration, [&](unsigned thread) { sums[size_t(thread) * 16] += loop.run(); });
  return threads * 2.0 * chains * loop.lanes * double(iterations) / seconds * 1e-9;
}

} // namespace fhe::tools
