//===- Functions.h - The element-wise functions of qnn ---------------------------===//
//
// In the arithmetic asked for: float to fold and interpret as an ONNX runtime
// would, double to fill tables. Semantics: the ONNX operators of the same names.
//
//===----------------------------------------------------------------------------===//
#ifndef DIALECTS_QNN_FUNCTIONS_H
#define DIALECTS_QNN_FUNCTIONS_H

#include "dialects/qnn/QNN.h"
#include <algorithm>
#include <cmath>

namespace fhe::qnn {

/// The nearest number of an IEEE format of the same exponent range or less; halves to even.
double roundToHalf(double x);
double roundToBfloat16(double x);

/// log(1 + exp(x)) without overflow.
template <typename T>
T softplus(T x) {
  return std::max(x, T(0)) + std::log1p(std::exp(-std::fabs(x)));
}

template <typename T>
T geluTanh(T x) {
  // Hendrycks and Gimpel, "Gaussian error linear units", eq. 2; sqrt(2/pi).
  return T(0.5) * x * (T(1) + std::tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)));
}

template <typename T>
T shrink(T x, T lambda, T bias) {
  return x < -lambda ? x + bias : x > lambda ? x - bias : T(0);
}

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
  case Function::Selu:
    return T(beta) * (x > 0 ? x : T(alpha) * std::exp(x) - T(alpha));
  case Function::Celu:
    return std::max(T(0), x) + std::min(T(0), T(alpha) * (std::exp(x / T(alpha)) - T(1)));
  case Function::HardSwish:
    return x * std::clamp(x / T(6) + T(0.5), T(0), T(1));
  case Function::Softplus:
    return softplus(x);
  case Function::Softsign:
    return x / (T(1) + std::fabs(x));
  case Function::Erf:
    return std::erf(x);
  case Function::Gelu:
    return T(0.5) * x * (T(1) + std::erf(x * T(0.7071067811865476)));
  case Function::GeluTanh:
    return geluTanh(x);
  case Function::Mish:
    return x * std::tanh(softplus(x));
  case Function::Log:
    return std::log(x);
  case Function::Sqrt:
    return std::sqrt(x);
  case Function::Reciprocal:
    return T(1) / x;
  case Function::Sin:
    return std::sin(x);
  case Function::Cos:
    return std::cos(x);
  case Function::Tan:
    return std::tan(x);
  case Function::Asin:
    return std::asin(x);
  case Function::Acos:
    return std::acos(x);
  case Function::Atan:
    return std::atan(x);
  case Function::Sinh:
    return std::sinh(x);
  case Function::Cosh:
    return std::cosh(x);
  case Function::Asinh:
    return std::asinh(x);
  case Function::Acosh:
    return std::acosh(x);
  case Function::Atanh:
    return std::atanh(x);
  case Function::ThresholdedRelu:
    return x > T(alpha) ? x : T(0);
  case Function::Shrink:
    return shrink(x, T(alpha), T(beta));
  case Function::Not:
    return T(x == 0);
  case Function::Trunc:
    return std::trunc(x);
  case Function::ToHalf:
    return T(roundToHalf(double(x)));
  case Function::ToBfloat16:
    return T(roundToBfloat16(double(x)));
  case Function::IsNan:
    return T(std::isnan(x));
  case Function::IsInf:
    return T(std::isinf(x) && (x < 0 ? alpha : beta) != 0);
  }
  return x;
}

template <typename T>
T applyBinary(BinaryFunction function, T a, T b) {
  switch (function) {
  case BinaryFunction::Pow:
    return std::pow(a, b);
  case BinaryFunction::Min:
    return std::min(a, b);
  case BinaryFunction::Max:
    return std::max(a, b);
  case BinaryFunction::Mod: {
    T rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  case BinaryFunction::Fmod:
    return std::fmod(a, b);
  case BinaryFunction::Less:
    return T(a < b);
  case BinaryFunction::LessOrEqual:
    return T(a <= b);
  case BinaryFunction::Greater:
    return T(a > b);
  case BinaryFunction::GreaterOrEqual:
    return T(a >= b);
  case BinaryFunction::Equal:
    return T(a == b);
  case BinaryFunction::And:
    return T(a != 0 && b != 0);
  case BinaryFunction::Or:
    return T(a != 0 || b != 0);
  case BinaryFunction::Xor:
    return T((a != 0) != (b != 0));
  case BinaryFunction::PRelu:
    return a < 0 ? b * a : a;
  }
  return a;
}

/// One element of an element-wise op other than batch_norm: `x` are its operands.
template <typename T>
T evaluateElement(mlir::Operation *op, llvm::ArrayRef<T> x) {
  if (llvm::isa<AddOp>(op))
    return x[0] + x[1];
  if (llvm::isa<MulOp>(op))
    return x[0] * x[1];
  if (llvm::isa<DivOp>(op))
    return x[0] / x[1];
  if (llvm::isa<SelectOp>(op))
    return x[0] != 0 ? x[1] : x[2];
  if (auto binary = llvm::dyn_cast<BinaryFunctionOp>(op))
    return applyBinary<T>(binary.getFunction(), x[0], x[1]);
  if (auto norm = llvm::dyn_cast<BatchNormOp>(op))
    return (x[0] - x[3]) / std::sqrt(x[4] + T(norm.getEpsilon().convertToDouble())) * x[1] + x[2];
  auto activation = llvm::cast<ActivationOp>(op);
  return applyFunction<T>(activation.getFunction(), x[0], activation.getAlpha().convertToDouble(),
                          activation.getBeta().convertToDouble());
}

} // namespace fhe::qnn

#endif // DIALECTS_QNN_FUNCTIONS_H
