//===- Chain.h - The real function between a root and a value -------------------===//
//
// Evaluates, in double and in the order of the ONNX nodes, what an element of a
// value is for an integer of its root. Elements with the same constants all the
// way form one class, so that a table is evaluated once a class.
//
//===--------------------------------------------------------------------------===//
#ifndef PASSES_QNN_CHAIN_H
#define PASSES_QNN_CHAIN_H

#include "passes/qnn/Analysis.h"

namespace fhe::qnn {

class Chain {
public:
  Chain(const Analysis &analysis, mlir::Value value);

  /// Class of each element of the value, and one element of each class.
  llvm::ArrayRef<int32_t> classes() const { return classOf; }
  llvm::ArrayRef<int32_t> representatives() const { return members; }

  /// The real value of element `element` where its root element holds `integer`.
  double evaluate(int64_t element, double integer) const;

private:
  struct Step {
    mlir::Operation *op = nullptr;
    /// Numbers of the clear operands in operand order, one for all or one an element of the value.
    llvm::SmallVector<PerElement, 4> constants;
  };
  void addStep(mlir::Operation *op, unsigned data, const ElementMap &elements);
  void classify(int64_t count);

  llvm::SmallVector<Step> steps; ///< in the order of the program
  PerElement scale, offset;      ///< of the root, as read by each element
  std::vector<int32_t> zeroFrom; ///< first step after a padding put 0 there; empty: no padding
  std::vector<int32_t> classOf, members;
};

} // namespace fhe::qnn

#endif // PASSES_QNN_CHAIN_H
