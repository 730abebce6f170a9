//===- EraseUnused.h - Operations of a network that nothing reads -------------------===//
#ifndef PASSES_QNN_ERASEUNUSED_H
#define PASSES_QNN_ERASEUNUSED_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fhe::qnn {

/// Erases the operations of `function`, of one block, whose results nothing uses.
inline void eraseUnused(mlir::func::FuncOp function) {
  llvm::SmallVector<mlir::Operation *> order;
  for (mlir::Operation &op : function.getBody().front().without_terminator())
    order.push_back(&op);
  for (mlir::Operation *op : llvm::reverse(order))
    if (op->use_empty())
      op->erase();
}

} // namespace fhe::qnn

#endif // PASSES_QNN_ERASEUNUSED_H
