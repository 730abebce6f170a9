//===- WholeQuantizers.cpp - QuantizeLinear and DequantizeLinear for evaluation ---------===//
#include "compiler/import/WholeQuantizers.h"

using namespace mlir;

namespace fhe::import {

/// An operand of a quantizer of whole tensors, along `axis` of one of `rank` where it is a list.
static FailureOr<Value> alongAxis(Node &node, int i, int64_t rank, int64_t axis) {
  FailureOr<Tensor> tensor = node.valueInput(i);
  if (failed(tensor))
    return failure();
  SmallVector<int64_t> shape(shapeOf(tensor->value));
  axis += axis < 0 ? rank : 0;
  if (shape.size() == 1 && axis >= 0 && axis < rank)
    shape.append(rank - 1 - axis, 1);
  return reshapeClear(node, tensor->value, shape);
}

LogicalResult defineWholeQuantizer(Node &node, bool quantize) {
  int64_t axis = 1;
  FailureOr<Tensor> input = node.valueInput(0);
  if (failed(input) || failed(node.attribute("axis", axis)))
    return failure();
  int64_t rank = shapeOf(input->value).size();
  FailureOr<Value> scale = alongAxis(node, 1, rank, axis);
  FailureOr<Value> zero = node.has(2) ? alongAxis(node, 2, rank, axis)
                                      : FailureOr<Value>(node.scalar(0));
  if (failed(scale) || failed(zero))
    return failure();
  auto range = node.has(2) && node.input(2).constant ? integerRange(node.input(2).constant->dataType)
                                                     : std::nullopt;
  auto [lo, hi] = range.value_or(std::pair<int64_t, int64_t>(0, 255));
  Tensor result = *input;
  result.integral = quantize;
  auto binary = [&](auto make, Value operand) -> LogicalResult {
    Tensor other{nullptr, operand, nullptr, true};
    FailureOr<RankedTensorType> type = broadcastType(node, {result, other});
    if (failed(type))
      return failure();
    result.value = make(*type, result.value, operand);
    return success();
  };
  auto create = [&]<typename OpTy>(std::type_identity<OpTy>) {
    return [&](Type type, Value a, Value b) -> Value {
      return OpTy::create(node.builder, node.loc, type, a, b);
    };
  };
  if (quantize) {
    if (failed(binary(create(std::type_identity<qnn::DivOp>()), *scale)))
      return failure();
    result.value = createFunction(node, qnn::Function::Round, result.value);
    if (failed(binary(create(std::type_identity<qnn::AddOp>()), *zero)))
      return failure();
    result.value = createFunction(node, qnn::Function::Clip, result.value, double(lo), double(hi));
  } else if (failed(binary(create(std::type_identity<qnn::AddOp>()),
                           createFunction(node, qnn::Function::Neg, *zero))) ||
             failed(binary(create(std::type_identity<qnn::MulOp>()), *scale))) {
    return failure();
  }
  return node.define(0, result);
}

} // namespace fhe::import
