//===- Equalize.h - Cross-layer equalization ---------------------------------------===//
//
// Between two layers with a ReLU between them a channel may be divided by a positive number in the first
// and multiplied by it in the second without changing the function: relu(a x) = a relu(x). One scale
// for the tensor between then serves all channels (Nagel, van Baalen, Blankevoort, Welling, "Data-free
// quantization through weight equalization and bias correction", ICCV 2019, section 4.1, here with
// the observed largest activation in place of the first layer's weights, which have a scale each).
//
//===--------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_EQUALIZE_H
#define PASSES_QUANTIZE_EQUALIZE_H

#include "dialects/qnn/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"

namespace fhe::quantize {

/// Equalizes all pairs of gemms with only a ReLU between them, of the folded float network. Rounding apart its results stay the same.
mlir::LogicalResult equalize(mlir::ModuleOp module, const qnn::RealTensors &inputs, int64_t samples);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_EQUALIZE_H
