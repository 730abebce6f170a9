//===- measure.h - Times of a function on one or several threads ---------------------------===//
//
// One thread is timed by its processor time, so that what else runs on the machine disturbs less;
// several threads by the wall, between two barriers. The smallest of several rounds is kept: noise
// only ever adds.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_FHE_BENCH_MEASURE_H
#define PYTHON_FREE_TOOLS_FHE_BENCH_MEASURE_H

#include <cstdint>
#include <functional>

namespace fhe::tools {

/// Seconds of one round of `work(thread)` on each of `threads` threads at once: the minimum of at
/// least three rounds (after one that warms up) and about `duration` seconds of them.
double minimumSeconds(unsigned threads, double duration,
                      const std::function<void(unsigned thread)> &work);

/// Billions of double-precision operations a second that `threads` threads reach with nothing but
/// fused multiply-adds (two operations each) in the widest registers the kernels use.
double fmaPeak(unsigned threads, double duration);

/// Memory of this process that is resident, and how much of it lies on huge pages, in bytes. Zeros
/// where the system does not say (Linux does).
struct MemoryPages {
  uint64_t resident = 0, huge = 0;
};
MemoryPages memoryPages();

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_FHE_BENCH_MEASURE_H
