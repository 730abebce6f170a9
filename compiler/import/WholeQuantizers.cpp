//===- WholeQuantizers.cpp - Quantizers of whole tensors, for evaluation ----------------===//
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

/// `tensor` becomes OpTy of itself and `operand`.
template <typename OpTy>
static LogicalResult combine(Node &node, Tensor &tensor, FailureOr<Value> operand) {
  if (failed(operand))
    return failure();
  FailureOr<RankedTensorType> type =
      broadcastType(node, {tensor, Tensor{nullptr, *operand, nullptr, true}});
  if (failed(type))
    return failure();
  tensor.value = OpTy::create(node.builder, node.loc, *type, tensor.value, *operand);
  return success();
}

FailureOr<Tensor> dequantizeWhole(Node &node, int input, int scale, int zeroPoint, int64_t axis) {
  FailureOr<Tensor> result = node.valueInput(input);
  if (failed(result))
    return failure();
  int64_t rank = shapeOf(result->value).size();
  if (node.has(zeroPoint)) {
    FailureOr<Value> zero = alongAxis(node, zeroPoint, rank, axis);
    if (failed(zero) ||
        failed(combine<qnn::AddOp>(node, *result, createFunction(node, qnn::Function::Neg, *zero))))
      return failure();
  }
  if (scale >= 0 && failed(combine<qnn::MulOp>(node, *result, alongAxis(node, scale, rank, axis))))
    return failure();
  result->integral = scale < 0;
  return result;
}

FailureOr<Tensor> quantizeWhole(Node &node, Tensor value, int scale, int zeroPoint, int64_t axis) {
  int64_t rank = shapeOf(value.value).size();
  bool has = node.has(zeroPoint);
  auto range = has && node.input(zeroPoint).constant
                   ? integerRange(node.input(zeroPoint).constant->dataType)
                   : std::nullopt;
  auto [lo, hi] = range.value_or(std::pair<int64_t, int64_t>(0, 255));
  value.integral = true;
  if (failed(combine<qnn::DivOp>(node, value, alongAxis(node, scale, rank, axis))))
    return failure();
  value.value = createFunction(node, qnn::Function::Round, value.value);
  if (has && failed(combine<qnn::AddOp>(node, value, alongAxis(node, zeroPoint, rank, axis))))
    return failure();
  value.value = createFunction(node, qnn::Function::Clip, value.value, double(lo), double(hi));
  return value;
}

LogicalResult defineWholeQuantizer(Node &node, bool quantize) {
  int64_t axis = 1;
  FailureOr<Tensor> input = node.valueInput(0);
  if (failed(input) || failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Tensor> result =
      quantize ? quantizeWhole(node, *input, 1, 2, axis) : dequantizeWhole(node, 0, 1, 2, axis);
  return failed(result) ? failure() : node.define(0, *result);
}

} // namespace fhe::import
