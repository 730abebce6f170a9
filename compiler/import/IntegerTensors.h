//===- IntegerTensors.h - Quantized integers between the nodes of a file ----------------===//
//
// qnn has real numbers only: an edge of the file that carries stored integers q is a
// PendingQuantizer until something reads it with a scale s and a zero point z, as
// (q - z) s, or as the integers themselves.
//
//===------------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_INTEGERTENSORS_H
#define COMPILER_IMPORT_INTEGERTENSORS_H

#include "compiler/import/QuantizedType.h"

namespace fhe::import {

/// How an operand is quantized: scales and zero points as the file has them, along an ONNX axis.
struct Linear {
  std::vector<float> scales{1.0f};
  std::vector<int64_t> zeroPoints{0};
  int64_t axis = 0;
  int dataType = 0; ///< of the zero point; 0 where there is none
};

/// Reads inputs `scale` (-1: all scales are 1) and `zeroPoint` (0 where it is left out) of an operand of
/// `shape`; `axis` is where they vary if they are lists.
mlir::FailureOr<Linear> readLinear(Node &node, int scale, int zeroPoint,
                                   llvm::ArrayRef<int64_t> shape, int64_t axis);

/// Stored integers of input `i` as the real numbers (q - z) s: a quantized constant, or the result of a
/// qnn.quantize.
mlir::FailureOr<Tensor> dequantize(Node &node, int i, const Linear &linear);
/// The same with scale 1, whatever scale an encrypted operand was quantized with.
mlir::FailureOr<Tensor> centre(Node &node, int i, const Linear &linear);
/// The real numbers of `pending`, quantized with the scale that was given with it.
mlir::FailureOr<mlir::Value> quantizedValue(const Node &node, const PendingQuantizer &pending);
/// The stored integers q of an encrypted tensor as real numbers.
mlir::FailureOr<mlir::Value> storedIntegers(Node &node, const PendingQuantizer &pending);
/// The real numbers `input` as stored integers of the data type of the zero point (`otherwise` where it has
/// none).
mlir::FailureOr<Tensor> quantize(Node &node, mlir::Value input, bool clear, const Linear &linear,
                                 int otherwise);

} // namespace fhe::import

#endif // COMPILER_IMPORT_INTEGERTENSORS_H
