//===- Interpreter.h - The semantic authority of the fhe level ------------------===//
//
// Evaluates @main of a module in the fhe dialect exactly, on int64 values, for any
// number of samples at once. What it gives is what decrypt(run(encrypt(x))) must
// give: tables have the window of fhe.lut (saturation, then negacyclic wrap).
//
// Tensors are row-major, samples outermost: [samples][elements].
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_FHE_INTERPRETER_H
#define DIALECTS_FHE_INTERPRETER_H

#include "dialects/fhe/FHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <memory>
#include <vector>

namespace fhe {

/// What one operation was seen to do over all samples run so far.
struct OpObservation {
  mlir::Operation *op = nullptr;
  int64_t lo = 0, hi = 0;   ///< smallest and largest value of its (first) result
  uint64_t evaluated = 0;   ///< lut: elements looked up
  uint64_t outside = 0;     ///< lut: inputs outside the integers its tables cover
  std::vector<uint64_t> entries; ///< lut, after countEntries: lookups by [table][entry]
};

class Interpreter {
public:
  /// Reads @main; a diagnostic names an operation that is not of this level.
  static mlir::FailureOr<std::unique_ptr<Interpreter>> create(mlir::ModuleOp module);
  ~Interpreter();

  mlir::func::FuncOp function() const;

  /// From now on counts how often each entry of each table is looked up.
  void countEntries();

  /// Elements of one sample of each argument and result of @main.
  std::vector<int64_t> argumentSizes() const;
  std::vector<int64_t> resultSizes() const;

  /// Evaluates `samples` samples; inputs[a] is [samples][elements]. Returns the same for results.
  /// `threads` 0 takes one a core. The result does not depend on it.
  std::vector<std::vector<int64_t>> run(const std::vector<std::vector<int64_t>> &inputs,
                                        int64_t samples, unsigned threads = 0);

  /// One entry an operation with a result, in program order, over all runs.
  const std::vector<OpObservation> &observations() const;

private:
  struct Program;
  explicit Interpreter(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program;
};

/// Runs the calibration inputs and sets `observed` in the `ranges` of every accumulator, and with
/// `frequencies` those of every lut. inputs[a] is [samples][elements] of argument a.
mlir::LogicalResult recordObservedRanges(mlir::ModuleOp module,
                                         const std::vector<std::vector<int64_t>> &inputs,
                                         int64_t samples, bool frequencies = false);

} // namespace fhe

#endif // DIALECTS_FHE_INTERPRETER_H
