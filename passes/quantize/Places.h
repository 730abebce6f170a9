//===- Places.h - Where a float network needs quantizers --------------------------===//
//
// The operands that qnn-check-quantizers wants quantized, and the values whose quantizers
// give them: the quantizer stands before layout operations, next to what computes.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_PLACES_H
#define PASSES_QUANTIZE_PLACES_H

#include "dialects/qnn/QNN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace fhe::quantize {

/// By value, the last accumulator, sum, layout operation or argument it is an element-wise function of
/// alone; null where it is clear.
using Sources = llvm::DenseMap<mlir::Value, mlir::Value>;
Sources findSources(mlir::func::FuncOp function);

/// Whether `op` adds encrypted values that are not functions of one integer.
bool isSum(mlir::Operation *op, const Sources &sources);

/// Operands of `op` that must be quantized, all at one scale where there are several.
llvm::SmallVector<unsigned> quantizedOperands(mlir::Operation *op, const Sources &sources);

/// `value` without the layout operations it went through, and the maxima that were not quantized yet.
mlir::Value producerOf(mlir::Value value);

/// Whether a result of the network is an affine function of an accumulator, so that it may stay as it is.
bool isAffineResult(mlir::Value value, const Sources &sources);

/// The operand of the first operation of the client (Softmax) before `result`, where its quantizer stands;
/// `result` itself where there is none.
mlir::OpOperand &beforeClientOps(mlir::OpOperand &result);

/// Whether real zeros are put between elements anywhere: by pads of a window, a pad or a gather.
bool padsAnywhere(mlir::func::FuncOp function);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_PLACES_H
