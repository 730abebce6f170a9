//===- FreezeStatistics.h - Constants in place of statistics of the data ------------===//
//
// Normalizations by statistics of their input (LayerNormalization, InstanceNormalization,
// ...) divide by encrypted numbers, which no table can. With constants in place of the
// statistics they are affine maps, as BatchNormalization is in inference.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_FREEZESTATISTICS_H
#define PASSES_QUANTIZE_FREEZESTATISTICS_H

#include "dialects/qnn/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"

namespace fhe::quantize {

/// Replaces each qnn.statistic of encrypted numbers in @main of `module`, and mean and variance where they are
/// spelled out (ReduceMean, Sub, Pow or Mul, ReduceMean, Sqrt, Div), by their means over the samples: one
/// number a channel, group or row, as the normalization has them. In the network's order, each with
/// its predecessors frozen. `inputs` are [samples][elements] by argument. Warns of how much the statistics vary
/// over the samples and what that does to the results. Refuses values that cannot be meant [Q061].
/// Time: one evaluation of the network for each normalization.
mlir::LogicalResult freezeStatistics(mlir::ModuleOp module, const qnn::RealTensors &inputs,
                                     int64_t samples);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_FREEZESTATISTICS_H
