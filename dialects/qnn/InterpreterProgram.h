//===- InterpreterProgram.h - Steps of the float interpreter -------------------------===//
//
// Inside of Interpreter.cpp and InterpreterSteps.cpp: @main as a list of steps over
// numbered buffers. A buffer holds [elements][width]: `width` samples of a block,
// innermost so that every loop over them is contiguous, or 1 where the value is clear.
//
//===-----------------------------------------------------------------------------===//
#ifndef DIALECTS_QNN_INTERPRETERPROGRAM_H
#define DIALECTS_QNN_INTERPRETERPROGRAM_H

#include "dialects/qnn/Elements.h"
#include "dialects/qnn/Interpreter.h"
#include "llvm/ADT/DenseMap.h"
#include <functional>

namespace fhe::qnn {

/// Samples evaluated together: enough for the vector units, few enough for the caches.
inline constexpr int64_t kBlock = 32;

/// The buffers of one thread, or of what is clear (width 1).
struct Frame {
  const std::vector<std::vector<float>> &clear; ///< by number, empty where not clear
  int64_t width = 1;
  std::vector<std::vector<float>> own;

  const float *read(unsigned n) const { return clear[n].empty() ? own[n].data() : clear[n].data(); }
  int64_t widthOf(unsigned n) const { return clear[n].empty() ? width : 1; }
};

/// Writes the result of one operation, [elements][width].
using StepFunction = std::function<void(Frame &, float *)>;

struct Step {
  mlir::Operation *op = nullptr;
  unsigned result = 0;
  llvm::SmallVector<unsigned> operands;
  StepFunction evaluate;
};

struct Interpreter::Program {
  mlir::func::FuncOp function;
  std::vector<Step> steps;
  std::vector<int64_t> sizes;
  std::vector<std::vector<float>> clear;
  llvm::DenseMap<mlir::Value, unsigned> numbers;

  unsigned add(mlir::Value value) {
    unsigned number = sizes.size();
    sizes.push_back(elementCount(value));
    clear.emplace_back();
    numbers[value] = number;
    return number;
  }
  mlir::LogicalResult build(mlir::ModuleOp module);
  mlir::LogicalResult build(mlir::Operation *op);
  bool isClear(mlir::Value value) const { return !clear[numbers.lookup(value)].empty(); }
  StepFunction evaluator(mlir::Operation *op);
  StepFunction linear(GemmOp op);
  StepFunction conv(ConvOp op);
  StepFunction pool(AvgPoolOp op);
  StepFunction statistic(StatisticOp op);
  StepFunction elementwise(mlir::Operation *op);
  StepFunction quantizer(mlir::Operation *op);
  StepFunction moved(mlir::Operation *op);
  StepFunction clientSide(mlir::Operation *op);
  StepFunction oneHot(OneHotOp op);
  std::vector<bool> needed(llvm::ArrayRef<mlir::Value> values) const;
  std::vector<unsigned> lastUses(llvm::ArrayRef<mlir::Value> values) const;
};

} // namespace fhe::qnn

#endif // DIALECTS_QNN_INTERPRETERPROGRAM_H
