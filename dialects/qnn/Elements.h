//===- Elements.h - Element maps, clear values and real functions of qnn ------===//
//
// What the interpreter and the passes on qnn share: which element of an operand an element of the
// result reads, the numbers of clear operands, and what quantizers do.
//
//===--------------------------------------------------------------------------===//
#ifndef DIALECTS_QNN_ELEMENTS_H
#define DIALECTS_QNN_ELEMENTS_H

#include "dialects/qnn/Functions.h"
#include <optional>
#include <vector>

namespace fhe::qnn {

/// For each element (row-major) the element it is taken from, or -1 for a padding zero. Empty: the
/// identity.
using ElementMap = std::vector<int32_t>;

int64_t elementCount(mlir::Value value);
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// `inner` after `outer`: element e reads inner[outer[e]].
ElementMap compose(const ElementMap &outer, const ElementMap &inner);

/// NumPy broadcasting: the operand element that each element of `to` reads.
ElementMap broadcastElements(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// The elements of operand `operand` that the result of an element-wise op, a quantizer or a layout op
/// reads.
ElementMap inputElements(mlir::Operation *op, unsigned operand);

/// Element maps of the operands of a concat into the result: for each result element, operand number
/// and element.
std::vector<std::pair<int32_t, int32_t>> concatElements(ConcatOp op);

bool isLayout(mlir::Operation *op);      ///< reshape, transpose, pad, gather
bool isElementwise(mlir::Operation *op); ///< on reals: add, mul, div, activation, binary, ...
bool isQuantizer(mlir::Operation *op);   ///< quantize, trunc

/// The constant behind a clear value, or null.
ConstantOp clearConstant(mlir::Value value);
/// Its real values in f32 arithmetic, as the file's runtime would have them.
std::vector<float> clearReals(ConstantOp constant);

/// Scale and zero point of a quantized element type at an element of a tensor of `shape`.
double scaleAt(mlir::Type elementType, llvm::ArrayRef<int64_t> shape, int64_t element);
int64_t zeroPointAt(mlir::Type elementType, llvm::ArrayRef<int64_t> shape, int64_t element);

/// A quantizer (quantize or trunc) on the real `x`: stored integer minus zero point.
int64_t quantizeReal(mlir::Operation *quantizer, int64_t element, double x);
/// The same in f32 arithmetic, as an ONNX runtime computes; the stored integer.
int64_t quantizeStored(mlir::Operation *quantizer, int64_t element, float x);

} // namespace fhe::qnn

#endif // DIALECTS_QNN_ELEMENTS_H
