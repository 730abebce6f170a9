//===- Interpreter.h - Float evaluation of the qnn level --------------------------===//
//
// Evaluates @main of an imported network in f32, op by op, as an ONNX runtime
// would: the reference for accuracy and the source of calibration data. (The
// integers of a compiled network are those of dialects/fhe/Interpreter.h; where
// a value lies on a rounding tie the two may differ by one step.)
//
// Tensors are row-major, samples outermost: [samples][elements].
//
//===-----------------------------------------------------------------------------===//
#ifndef DIALECTS_QNN_INTERPRETER_H
#define DIALECTS_QNN_INTERPRETER_H

#include "dialects/qnn/QNN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <memory>
#include <vector>

namespace fhe::qnn {

/// One tensor an entry, each [samples][elements].
using RealTensors = std::vector<std::vector<float>>;

class Interpreter {
public:
  /// Reads @main and evaluates what depends on constants only. A diagnostic names an operation that
  /// is not of this level or whose weights are not clear.
  static mlir::FailureOr<std::unique_ptr<Interpreter>> create(mlir::ModuleOp module);
  ~Interpreter();

  mlir::func::FuncOp function() const;

  /// Elements of one sample of each argument and result of @main.
  std::vector<int64_t> argumentSizes() const;
  std::vector<int64_t> resultSizes() const;

  /// Evaluates `samples` samples; inputs[a] is [samples][elements] of argument a. Gives the results of
  /// @main in the same form. `threads` 0 takes one a core; the numbers do not depend on it. Sums are
  /// accumulated in double and rounded once.
  RealTensors run(const RealTensors &inputs, int64_t samples, unsigned threads = 0) const;

  /// As run, for any values of @main; evaluates only what they need. Memory: the tensors asked for,
  /// and of others those alive at once, for 32 samples a thread.
  RealTensors evaluate(llvm::ArrayRef<mlir::Value> values, const RealTensors &inputs,
                       int64_t samples, unsigned threads = 0) const;

private:
  struct Program;
  explicit Interpreter(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program;
};

} // namespace fhe::qnn

#endif // DIALECTS_QNN_INTERPRETER_H
