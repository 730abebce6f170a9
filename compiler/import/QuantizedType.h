//===- QuantizedType.h - Scale, zero point and range as a quantized type ---------------===//
#ifndef COMPILER_IMPORT_QUANTIZEDTYPE_H
#define COMPILER_IMPORT_QUANTIZEDTYPE_H

#include "compiler/import/Node.h"

namespace fhe::import {

/// Scale, zero point and integer range of a quantizer.
struct Quantizer {
  std::vector<float> scales{1.0f};
  std::vector<int64_t> zeroPoints{0};
  int64_t axis = 0; ///< of the qnn value, where there are several scales
  unsigned bits = 8;
  bool isSigned = false;
  int64_t lo = 0, hi = 255;
};

/// Refuses scales that are not positive, ranges of one integer, zero points outside the range.
mlir::LogicalResult checkQuantizer(Node &node, const Quantizer &q);
/// The quantized element type for a value of `shape`; refuses what the type cannot hold.
mlir::FailureOr<mlir::Type> quantizedType(Node &node, Quantizer q, llvm::ArrayRef<int64_t> shape);
/// qnn.quantize of `input`.
mlir::FailureOr<mlir::Value> createQuantize(Node &node, mlir::Value input, bool clear,
                                            const Quantizer &q, qnn::QuantizerKind kind,
                                            qnn::Rounding rounding);
/// Input 0 of a quantizer as a value; whole-number constants become real ones.
mlir::FailureOr<Tensor> quantizerInput(Node &node);

} // namespace fhe::import

#endif // COMPILER_IMPORT_QUANTIZEDTYPE_H
