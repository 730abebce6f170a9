//===- ShapeRules.h - Shapes that several dialects check alike -------------------===//
#ifndef DIALECTS_SHARED_SHAPERULES_H
#define DIALECTS_SHARED_SHAPERULES_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/Operation.h"

namespace fhe {

/// Checks a convolution or pool of `op` from [C,H,W] `input` to `result`: `kernel`, `strides` and
/// `dilations` are [height, width], `pads` [top, left, bottom, right]. Channels are the caller's.
mlir::LogicalResult verifyWindow(mlir::Operation *op, llvm::ArrayRef<int64_t> input,
                                 llvm::ArrayRef<int64_t> result, llvm::ArrayRef<int64_t> kernel,
                                 llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> pads,
                                 llvm::ArrayRef<int64_t> dilations);

/// Checks how often each entry of each table is looked up: null, or dense f64 of `shape` [T, entries],
/// none negative.
mlir::LogicalResult verifyFrequencies(mlir::Operation *op, mlir::ElementsAttr frequencies,
                                      llvm::ArrayRef<int64_t> shape);

} // namespace fhe

#endif // DIALECTS_SHARED_SHAPERULES_H
