//===- CalibrationCheck.h - What post-training quantization refuses -----------------===//
//
// Options outside their limits, networks with quantizers of their own, and calibration values that
// cannot be meant.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_CALIBRATIONCHECK_H
#define PASSES_QUANTIZE_CALIBRATIONCHECK_H

#include "dialects/qnn/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/quantize/QuantizeOptions.h"

namespace fhe::quantize {

/// Refuses bit widths outside the limits [Q063], a network that has quantizers [Q062], and less than two
/// samples, values of another shape, NaN or infinity, and samples that are all the same [Q061].
mlir::LogicalResult checkRequest(mlir::ModuleOp module, const qnn::RealTensors &inputs,
                                 int64_t samples, const QuantizeOptions &options);

/// The last four of these, on calibration values for the arguments of `function`.
mlir::LogicalResult checkValues(mlir::func::FuncOp function, const qnn::RealTensors &inputs,
                                int64_t samples);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_CALIBRATIONCHECK_H
