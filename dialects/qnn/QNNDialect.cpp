//===- QNNDialect.cpp - The qnn dialect --------------------------------------===//
#include "dialects/qnn/QNN.h"
#include "mlir/IR/Builders.h"
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

#include "dialects/qnn/QNNDialect.cpp.inc"
#include "dialects/qnn/QNNEnums.cpp.inc"

void QNNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/qnn/QNNOps.cpp.inc"
      >();
}

double fhe::qnn::roundReal(double value, Rounding mode) {
  switch (mode) {
  case Rounding::Round:
    return std::nearbyint(value); // the default environment rounds halves to even
  case Rounding::Ceil:
    return std::ceil(value);
  case Rounding::Floor:
    return std::floor(value);
  case Rounding::Up:
    return value < 0 ? std::floor(value) : std::ceil(value);
  case Rounding::Down:
    return std::trunc(value);
  case Rounding::HalfUp:
    return std::copysign(std::floor(std::fabs(value) + 0.5), value);
  case Rounding::HalfDown:
    return std::copysign(std::ceil(std::fabs(value) - 0.5), value);
  }
  return value;
}
