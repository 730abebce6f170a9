//===- Elements.h - Element maps, clear values and real functions of qnn ------===//
//
// What the passes on qnn share: which element of an operand an element of the
// result reads, the numbers of clear operands, and the real functions, in the
// arithmetic asked for (float to fold as ONNX would, double for tables).
//
//===--------------------------------------------------------------------------===//
#ifndef PASSES_QNN_ELEMENTS_H
#define PASSES_QNN_ELEMENTS_H

#include "dialects/qnn/QNN.h"
#include <algorithm>
#include <cmath>
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

/// The elements of operand `operand` that the result of an element-wise op, a quantizer, or a reshape,
/// transpose or pad reads.
ElementMap inputElements(mlir::Operation *op, unsigned operand);

/// Element maps of the operands of a concat into the result: for each result element, operand number
/// and element.
std::vector<std::pair<int32_t, int32_t>> concatElements(ConcatOp op);

bool isLayout(mlir::Operation *op);      ///< reshape, transpose, pad
bool isElementwise(mlir::Operation *op); ///< add, mul, div, activation, batch_norm
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

template <typename T>
T applyFunction(Function function, T x, double alpha, double beta) {
  switch (function) {
  case Function::Relu:
    return x > 0 ? x : T(0);
  case Function::LeakyRelu:
    return x >= 0 ? x : T(alpha) * x;
  case Function::Sigmoid:
    return T(1) / (T(1) + std::exp(-x));
  case Function::HardSigmoid:
    return std::clamp(T(alpha) * x + T(beta), T(0), T(1));
  case Function::Tanh:
    return std::tanh(x);
  case Function::Clip:
    return std::min(std::max(x, T(alpha)), T(beta));
  case Function::Elu:
    return x >= 0 ? x : T(alpha) * (std::exp(x) - T(1));
  case Function::Abs:
    return std::fabs(x);
  case Function::Neg:
    return -x;
  case Function::Exp:
    return std::exp(x);
  case Function::Sign:
    return T((x > 0) - (x < 0));
  case Function::Floor:
    return std::floor(x);
  case Function::Ceil:
    return std::ceil(x);
  case Function::Round:
    return std::nearbyint(x); // halves to even, as ONNX Round
  }
  return x;
}

} // namespace fhe::qnn

#endif // PASSES_QNN_ELEMENTS_H
