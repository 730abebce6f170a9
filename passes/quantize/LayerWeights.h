//===- LayerWeights.h - Integer weights and bias of one linear operation ----------===//
//
// Either each weight to its nearest integer, or integers and bias of least squared error of the
// layer's results (RowRounding.h).
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_LAYERWEIGHTS_H
#define PASSES_QUANTIZE_LAYERWEIGHTS_H

#include "dialects/qnn/QNN.h"
#include "passes/quantize/QuantizeOptions.h"
#include <span>
#include <vector>

namespace fhe::quantize {

/// Gives `op` (a gemm or conv with float constants) quantized weights: one scale a tensor, each weight
/// to the nearest integer.
void roundWeights(mlir::Operation *op, const QuantizeOptions &options);

/// Gives `op` quantized weights, one scale an output channel, and a new bias. `x` are the values of
/// its input as it is quantized, `y` those of its result in the float network, both [samples][elements].
/// `ridge`: how much the integers are held to the weights of the file, in parts of the mean square of an
/// input; calibration values say little of directions in which they hardly vary.
/// Layers of more than 4096 terms a result: nearest integers, and the bias corrected.
void fitWeights(mlir::Operation *op, std::span<const float> x, std::span<const float> y,
                int64_t samples, const QuantizeOptions &options, double ridge);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_LAYERWEIGHTS_H
