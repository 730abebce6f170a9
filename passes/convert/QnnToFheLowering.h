//===- QnnToFheLowering.h - State of the conversion from qnn to fhe ------------------===//
//
// One object converts one function: the integers of each root become one fhe
// value, and each use of a qnn value reads them through its element map.
//
//===---------------------------------------------------------------------------------===//
#ifndef PASSES_CONVERT_QNNTOFHELOWERING_H
#define PASSES_CONVERT_QNNTOFHELOWERING_H

#include "dialects/fhe/FHE.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Chain.h"
#include <map>

namespace fhe {

/// Tables have at most 2^16 entries: of wider ranges they are sampled at multiples of 2^this, and
/// fhe-assign-windows refuses them where they are not rounded.
inline unsigned log2StepOf(IntType range) {
  unsigned step = 0;
  while (tableStep(range.getHi(), step) - tableStep(range.getLo(), step) >= int64_t(1) << 16)
    ++step;
  return step;
}

/// The quantizer of an argument and the affine map before it, as the client applies them.
struct InputQuantizer {
  mlir::Operation *quantizer = nullptr;
  qnn::PerElement scale, offset; ///< of the real input, per channel of the first axis or one
  int64_t classes = 0;           ///< of a one-hot encoding before it; 0: none
};

class QnnToFhe {
public:
  QnnToFhe(mlir::func::FuncOp from, qnn::Analysis analysis)
      : from(from), analysis(std::move(analysis)), builder(from.getContext()) {}

  /// Replaces the function; a failure was reported.
  mlir::LogicalResult run();

private:
  mlir::LogicalResult convertArguments();
  mlir::LogicalResult convertArgument(mlir::BlockArgument argument);
  mlir::LogicalResult readClientInput(mlir::Operation *quantizer, InputQuantizer &input);
  mlir::LogicalResult convertOp(mlir::Operation *op);
  void convertLinear(mlir::Operation *op);
  void convertSum(qnn::AddOp op);
  void convertPool(qnn::AvgPoolOp op);
  void convertConcat(qnn::ConcatOp op);
  void convertMax(qnn::MaxOp op);
  void convertLargerOf(qnn::BinaryFunctionOp op);
  void convertProduct(qnn::MulOp op);
  mlir::LogicalResult convertInputQuantizer(mlir::Operation *op);
  mlir::LogicalResult convertQuantizer(mlir::Operation *op);
  mlir::LogicalResult convertResults(mlir::Operation *end);

  /// The integers of a qnn value in its shape.
  mlir::Value materialize(mlir::Value value);
  /// The elements of `source` (in its shape) that `map` names, as a tensor of `shape`; -1 is 0.
  mlir::Value readElements(mlir::Location loc, mlir::Value source, const qnn::ElementMap &map,
                           llvm::ArrayRef<int64_t> shape);
  /// The integers of an operand at the scale of what it meets, but for an exact factor, in `shape`.
  mlir::Value scaledOperand(mlir::Location loc, mlir::Value value, const qnn::Scaled &scaled,
                            llvm::ArrayRef<int64_t> shape);
  /// The same, times the factor.
  mlir::Value metOperand(mlir::Location loc, mlir::Value value, const qnn::Scaled &scaled,
                         llvm::ArrayRef<int64_t> shape);
  /// lhsFactor * lhs + rhsFactor * rhs with its range.
  mlir::Value createSum(mlir::Location loc, mlir::Value lhs, mlir::Value rhs, int64_t lhsFactor,
                        int64_t rhsFactor);
  /// One table of f on the integers of `source`.
  mlir::Value createTable(mlir::Location loc, mlir::Value source, llvm::function_ref<int64_t(int64_t)> f);
  /// The larger (the smaller) one of each two elements.
  mlir::Value createLargerOf(mlir::Location loc, mlir::Value a, mlir::Value b, bool isMax);
  /// A lut on all elements of `source`; `tables` each [entries].
  mlir::Value createLut(mlir::Location loc, mlir::Value source,
                        const std::vector<std::vector<int32_t>> &tables,
                        std::vector<int32_t> tableOfElement);
  /// Places live elements and constants: `live[e]` is an element of `source` or -1, then `constants[e]`.
  mlir::Value mixConstants(mlir::Location loc, mlir::Value source, llvm::ArrayRef<int32_t> live,
                           llvm::ArrayRef<int64_t> constants, llvm::ArrayRef<int64_t> shape);

  IntType rangeOf(mlir::Value value) const;
  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> shape, int64_t lo, int64_t hi);

  mlir::func::FuncOp from, to;
  qnn::Analysis analysis;
  mlir::OpBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::Value> integers;     ///< of each root, in the root's shape
  llvm::DenseMap<mlir::Value, mlir::Value> materialized; ///< of other values
  std::map<std::pair<void *, double>, mlir::Value> rescaled; ///< integers times a ratio, by table
  /// Per root: the value of each element that can have one value only (linear rows of zeros).
  llvm::DenseMap<mlir::Value, llvm::SmallVector<bool>> isDead;
};

} // namespace fhe

#endif // PASSES_CONVERT_QNNTOFHELOWERING_H
