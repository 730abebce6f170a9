//===- kernel_timing.h - Times of single kernels on this machine -----------------------------===//
//
// What the compiler's cost model is made of: one step of a blind rotation, one keyswitch, one clear
// product; each alone, on one thread or on several at once. Times are processor time of a thread,
// the minimum of several runs, so that other load on the machine shows little.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_BENCH_KERNEL_TIMING_H
#define FHE_RUNTIME_BENCH_KERNEL_TIMING_H

#include "runtime/tfhe/parameters.h"

#include <optional>

namespace fhe::bench {

/// A blind rotation to measure: `dimension` steps, which all read another element of the key.
struct RotationShape {
  tfhe::GlweKey glwe;
  tfhe::Decomposition digits;
  uint32_t dimension;

  /// Elements of about `keyBytes` in all, within [24, 600].
  static RotationShape of(uint32_t k, uint32_t log2N, uint32_t levels, size_t keyBytes);
};

/// How one measurement is made.
struct Effort {
  double seconds = 0.4; ///< at least so long
  int runs = 4;         ///< and at least so often
};

/// Seconds of one step for one of `count` ciphertexts (0: a full group of the kernel) on each of
/// `threads` threads that work at once. Empty if there is no memory.
std::optional<double> stepSeconds(const RotationShape &shape, uint32_t count, unsigned threads,
                                  Effort effort);

/// Seconds of one of `count` keyswitches. The first `shared` of the `in` bits are those of a nested
/// output key. Empty if there is no memory.
std::optional<double> keyswitchSeconds(uint32_t in, uint32_t out, tfhe::Decomposition digits,
                                       uint32_t wordBits, uint32_t count, Effort effort,
                                       uint32_t shared = 0);

/// Seconds of one weight times one word of a matrix product with 4-bit weights on LWE ciphertexts.
double productSeconds(Effort effort);

/// Bytes a second of one thread that copies memory which no cache holds (read and written, each
/// counted).
double copyBytesPerSecond(Effort effort);

} // namespace fhe::bench

#endif // FHE_RUNTIME_BENCH_KERNEL_TIMING_H
