//===- Estimate.h - What a compiled network will cost ------------------------------------------===//
//
// Times by given kernel rates, and sizes to the byte, of `fhe-run MODEL.so
// --mode=encrypted --samples S --threads T`: before any key is made.
//
//===----------------------------------------------------------------------------------------===//
#ifndef COMPILER_ESTIMATE_ESTIMATE_H
#define COMPILER_ESTIMATE_ESTIMATE_H

#include "compiler/estimate/HostRates.h"
#include "compiler/report/Report.h"

namespace fhe::estimate {

/// How the network will be run.
struct Conditions {
  NamedRates rates;
  unsigned threads = 1;
  uint64_t samples = 1;
};

struct Estimate {
  report::Report report; ///< its times are of all samples on all threads
  unsigned threads = 1;
  uint64_t samples = 1, samplesTogether = 1; ///< of a turn
  std::string rates;
  std::vector<std::string> sets; ///< each parameter set in words
  double seconds = 0;            ///< of all samples
  // Of files.
  uint64_t evaluationKeyBytes = 0, inputBytes = 0, outputBytes = 0;
  /// What the server holds: keys as evaluation uses them, ciphertexts, tables, scratch.
  uint64_t serverBytes = 0;
  /// Resident memory: fhe-run (both sides in one process), and fhe-evaluate with the key from a file.
  uint64_t runPeakBytes = 0, evaluatePeakBytes = 0;
};

/// Of a planned tfhe module with parameters and the fhe module it was made from.
mlir::FailureOr<Estimate> estimate(mlir::ModuleOp fhe, mlir::ModuleOp planned,
                                   llvm::StringRef name, const CompileOptions &options,
                                   const Conditions &conditions);

/// A table with one line a layer, then totals.
std::string toText(const Estimate &estimate);

/// One JSON object, ends with a newline.
std::string toJson(const Estimate &estimate);

} // namespace fhe::estimate

#endif // COMPILER_ESTIMATE_ESTIMATE_H
