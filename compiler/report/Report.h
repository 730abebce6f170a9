//===- Report.h - What a compilation found, layer by layer -----------------------===//
//
// `collect` reads the fhe level (after fhe-assign-windows): enough for --check.
// `addParameters` adds what the tfhe level knows (after tfhe-verify-noise, better
// after tfhe-plan-arena). A field that is not known is null in the JSON.
// Predicted times come from a cost model (passes/parameters/CostModel.h), never
// from the machine.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_REPORT_REPORT_H
#define COMPILER_REPORT_REPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "passes/pipeline/Options.h"
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace fhe::report {

using Range = std::array<int64_t, 2>;

/// How many results of approximately rounded tables are expected to differ from the table's value in
/// one inference (see passes/parameters/Disagreements.h). None where no table is rounded.
struct Disagreements {
  std::optional<double> expected; ///< on the calibration inputs; none without them
  std::optional<double> atMost;   ///< whatever the inputs
};

/// One accumulator: a linear, conv, add or sum_pool operation, in program order.
struct Layer {
  std::string onnxNode, tensor, op; ///< node name, its output tensor, ONNX operator
  Range interval{}, proven{};
  std::optional<Range> observed;
  unsigned accumulatorBits = 0; ///< of `interval`
  std::optional<unsigned> tableInputBits; ///< window of its widest table; none: no table
  std::optional<unsigned> roundedBits;    ///< P of that table, if it is rounded
  uint64_t tables = 0; ///< lookups of its elements
  // From the tfhe level.
  std::optional<double> norm2;
  std::optional<std::string> parameterSet;
  std::optional<double> log2Failure; ///< of the whole layer
  Disagreements disagreements;
  std::optional<double> predictedSeconds;
};

/// A place where noise may change a result: a lookup, or a result of @main at its full width. All
/// numbers are logarithms to base 2: probabilities of 2^-1000 do not underflow.
struct LedgerEntry {
  std::string onnxNode; ///< of a lookup: its own node; of a result: its name
  unsigned bits = 0;    ///< precision of the lookup, width of the result
  /// Of an approximately rounded table: steps its result may be off without a failure.
  std::optional<int64_t> steps;
  uint64_t elements = 0;                     ///< of one inference
  double log2NoiseStd = 0, log2HalfSlot = 0; ///< relative to the torus; noise of the worst element
  double log2Failure = 0;                    ///< of the worst element
  double log2AnyFailure = 0;                 ///< of any element of one inference
};

struct Report {
  std::string name;
  std::vector<Layer> layers;
  uint64_t tables = 0;
  unsigned maxAccumulatorBits = 0; ///< from the intervals
  CompileOptions options;
  // From the tfhe level.
  bool clearOnly = false;
  std::optional<unsigned> securityBits;
  std::optional<double> log2Failure, predictedSeconds; ///< of one inference
  std::vector<LedgerEntry> tableLedger, outputLedger;  ///< in program order
  Disagreements disagreements;
  std::optional<uint64_t> evaluationKeyBytes, evaluationKeyMemory, inputBytes, peakBytes;
};

/// Reads @main of a module in the fhe dialect.
Report collect(mlir::ModuleOp fhe, llvm::StringRef name, const CompileOptions &options);

/// log2 of the failure probability of a million inferences.
std::optional<double> log2FailureOfAMillion(const Report &report);

/// Adds what a module in the tfhe dialect, made from that fhe module, knows.
void addParameters(Report &report, mlir::ModuleOp tfhe);

/// NAME.report.json, ends with a newline. Same report, same bytes.
std::string toJson(const Report &report);

/// The table `--check` prints: a header line, one line a layer, a total.
std::string toText(const Report &report);

/// The five closing lines of fhe-compile, each ending with a newline. `nextCommand` is the last.
std::string closingLines(const Report &report, llvm::StringRef nextCommand);

} // namespace fhe::report

#endif // COMPILER_REPORT_REPORT_H
