//===- kernels.h - What `fhe-bench kernels` measures ---------------------------------------===//
//
// Rows of figures for transforms, linear layers, keyswitch and bootstrap of the named parameter
// sets. Keys and ciphertexts hold random words: no kernel's time depends on their values.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_FHE_BENCH_KERNELS_H
#define PYTHON_FREE_TOOLS_FHE_BENCH_KERNELS_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace fhe::tools {

struct KernelOptions {
  std::vector<std::string> sets;               ///< Names; "fft" and "linear" are two of them.
  std::vector<unsigned> batches = {1, 4, 16, 64};
  std::vector<unsigned> threads = {1, 2};
  double seconds = 0.3; ///< Spent on each row, about.
};

/// One figure. An item is a transform, a linear layer of one sample, or a ciphertext.
struct KernelRow {
  std::string set;
  std::string op; ///< fft, ifft, linear, ks, pbs, ks+pbs
  unsigned batch = 1, threads = 1;
  double nsPerItem = 0;    ///< Time of all threads' rounds divided by all their items.
  double fmaPeakShare = 0; ///< Nominal operations a second over the peak of as many threads.
  /// Bootstraps: ns per n (k+1) l N log2 N.
  std::optional<double> nsPerStep;
  std::optional<uint64_t> keyBytes; ///< In memory, of the keys that the operation reads.
};

struct KernelReport {
  std::string isa;
  std::vector<std::pair<unsigned, double>> fmaPeakGflops; ///< By number of threads.
  std::vector<KernelRow> rows;
  /// By parameter set, with its keys and working memory in use: bytes of resident memory, and how
  /// many of them lie on huge pages.
  std::vector<std::tuple<std::string, uint64_t, uint64_t>> memory;
  std::vector<std::string> skipped; ///< Sets that do not fit the memory, with the reason.
};

/// Names that `KernelOptions::sets` may hold, in order.
std::vector<std::string> kernelSetNames();

/// Measures. `found` is called with each row as soon as it is known.
KernelReport measureKernels(const KernelOptions &options,
                            const std::function<void(const KernelRow &)> &found);

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_FHE_BENCH_KERNELS_H
