//===- Quantize.h - Post-training quantization of a float network -----------------===//
//
// Turns a float qnn network into a quantized one: quantizers on the inputs of the network, of every
// linear op, pool, sum and concatenation, and integer weights, all chosen from calibration values.
// The network is worked on in its order, so that each layer sees its predecessors as they will be.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_QUANTIZE_H
#define PASSES_QUANTIZE_QUANTIZE_H

#include "dialects/qnn/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/quantize/QuantizeOptions.h"

namespace fhe::quantize {

/// Quantizes @main of `module`. `inputs` are [samples][elements] by argument. Deterministic, whatever
/// the number of threads. Time: some tens of evaluations of the network over the samples, and for a
/// layer of n inputs and m outputs m n^2 operations a scale tried. Memory: the tensors of one layer for
/// all samples and n^2 numbers. Refuses a network that has quantizers [Q062], calibration values that
/// cannot be meant [Q061], bit widths outside the limits [Q063].
mlir::LogicalResult quantizeNetwork(mlir::ModuleOp module, const qnn::RealTensors &inputs,
                                    int64_t samples, const QuantizeOptions &options);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_QUANTIZE_H
