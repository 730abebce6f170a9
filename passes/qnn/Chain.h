//===- Chain.h - The real function between a root and a value -------------------===//
//
// Evaluates, in double and in the order of the ONNX nodes, what an element of a
// value is for an integer of its root. The operations between may branch and meet
// again (x * sigmoid(x)). Elements with the same constants all the way form one
// class, so that a table is evaluated once a class.
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
  /// What one operation between gives, as the elements of the value read it.
  struct Step {
    mlir::Value value;    ///< the root, the result of an element-wise op, or of a padding one
    ElementMap elements;  ///< of `value` that each element of the chain's value reads
    bool isRoot = false;
    /// By operand: a step, or -1 where `numbers` has the clear ones.
    llvm::SmallVector<int32_t, 4> inputs;
    llvm::SmallVector<PerElement, 4> numbers; ///< of the root: scale and offset
    std::vector<bool> isZero;                 ///< padding put 0 there; empty: nowhere
  };
  /// The step that gives `value` through `elements`, added where there is none.
  int32_t stepOf(const Analysis &analysis, mlir::Value value, ElementMap elements);
  void connect(const Analysis &analysis, int32_t step);
  void sortSteps();
  void classify(int64_t count);

  std::vector<Step> steps; ///< in the order of the program; the last one gives the value
  int32_t last = 0;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int32_t, 1>> stepsOf;
  std::vector<int32_t> classOf, members;
};

} // namespace fhe::qnn

#endif // PASSES_QNN_CHAIN_H
