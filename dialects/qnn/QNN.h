//===- QNN.h - The qnn dialect: real numbers and how each edge is quantized ----===//
#ifndef DIALECTS_QNN_QNN_H
#define DIALECTS_QNN_QNN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/qnn/QNNDialect.h.inc"
#include "dialects/qnn/QNNEnums.h.inc"
#define GET_OP_CLASSES
#include "dialects/qnn/QNNOps.h.inc"

namespace fhe::qnn {

/// Rounds as the QONNX quantizers do (QONNX specification, rounding_mode). Halves: see the enum.
double roundReal(double value, Rounding mode);

/// The same type, quantized along `axis`.
mlir::quant::UniformQuantizedPerAxisType
withQuantizedDimension(mlir::quant::UniformQuantizedPerAxisType type, int64_t axis);

} // namespace fhe::qnn

#endif // DIALECTS_QNN_QNN_H
