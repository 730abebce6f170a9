//===- WholeQuantizers.h - Quantizers of whole tensors, for evaluation ------------------===//
//
// With ImportOptions::wholeTensors an edge of integers is one of real numbers that are
// whole, and scales may be computed.
//
//===------------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_WHOLEQUANTIZERS_H
#define COMPILER_IMPORT_WHOLEQUANTIZERS_H

#include "compiler/import/Node.h"

namespace fhe::import {

/// QuantizeLinear or DequantizeLinear by itself.
mlir::LogicalResult defineWholeQuantizer(Node &node, bool quantize);
/// Input `input` as (q - zero point) * scale; `scale` -1: 1. Lists lie along `axis`.
mlir::FailureOr<Tensor> dequantizeWhole(Node &node, int input, int scale, int zeroPoint,
                                        int64_t axis);
/// saturate(round(value / scale) + zero point), halves to even.
mlir::FailureOr<Tensor> quantizeWhole(Node &node, Tensor value, int scale, int zeroPoint,
                                      int64_t axis);

} // namespace fhe::import

#endif // COMPILER_IMPORT_WHOLEQUANTIZERS_H
