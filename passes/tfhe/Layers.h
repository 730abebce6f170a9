//===- Layers.h - Which accumulator an operation belongs to -----------------------===//
//
// The report has one layer an accumulator (linear, conv, add, sum_pool), numbered in
// program order; the conversion writes the same numbers on tfhe operations.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_TFHE_LAYERS_H
#define PASSES_TFHE_LAYERS_H

#include "dialects/fhe/FHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include <optional>

namespace fhe {

using LayerNumbers = llvm::MapVector<mlir::Operation *, int64_t>;

/// Numbers the accumulators of a one-block fhe function.
inline LayerNumbers numberLayers(mlir::func::FuncOp function) {
  LayerNumbers layers;
  for (mlir::Operation &op : function.front())
    if (mlir::isa<LinearOp, ConvOp, SumPoolOp>(op) ||
        (mlir::isa<AddOp>(op) && !mlir::cast<AddOp>(op).getMaximum())) {
      int64_t next = layers.size();
      layers[&op] = next;
    }
  return layers;
}

/// The accumulator a table or result looks at, through changes of layout and constant factors.
inline std::optional<int64_t> layerOf(mlir::Value value, const LayerNumbers &layers) {
  while (mlir::Operation *op = value.getDefiningOp()) {
    if (auto it = layers.find(op); it != layers.end())
      return it->second;
    if (!mlir::isa<ReshapeOp, GatherOp, MulConstOp, AddOp>(op))
      break;
    // The larger of two values belongs where one of them does.
    value = op->getOperand(0);
  }
  return std::nullopt;
}

} // namespace fhe

#endif // PASSES_TFHE_LAYERS_H
