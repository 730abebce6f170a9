//===- IntegerTensors.cpp - Quantized integers between the nodes of a file --------------===//
#include "compiler/import/IntegerTensors.h"
#include "dialects/shared/StoredIntegers.h"

using namespace mlir;
using onnx::TensorProto;

namespace fhe::import {

FailureOr<Linear> readLinear(Node &node, int scale, int zeroPoint, ArrayRef<int64_t> shape,
                             int64_t axis) {
  Linear linear;
  if (scale >= 0) {
    FailureOr<Constant> constant = node.constantInput(scale, "scale");
    FailureOr<std::vector<float>> values =
        failed(constant) ? FailureOr<std::vector<float>>() : node.realInput(scale, "scale");
    if (failed(values))
      return failure();
    linear.scales = *values;
    if (linear.scales.empty() || (*constant)->shape.size() > 1)
      return node.refuse(diag::BadQuantizer, "scale must be one number or one per channel, found shape " +
                                                 describeShape((*constant)->shape));
  }
  if (node.has(zeroPoint)) {
    FailureOr<Constant> constant = node.constantInput(zeroPoint, "zero point");
    FailureOr<std::vector<int64_t>> values =
        failed(constant) ? FailureOr<std::vector<int64_t>>()
                         : node.integerInput(zeroPoint, "zero point");
    if (failed(values))
      return failure();
    linear.zeroPoints = *values;
    linear.dataType = (*constant)->dataType;
    if (values->empty() || (*constant)->shape.size() > 1)
      return node.refuse(diag::BadQuantizer,
                         "zero point must be one number or one per channel, found shape " +
                             describeShape((*constant)->shape));
    if (scale >= 0 && values->size() != linear.scales.size())
      return node.refuse(diag::BadQuantizer, "has " + llvm::Twine(linear.scales.size()) +
                                                 " scales but " + llvm::Twine(values->size()) +
                                                 " zero points");
  }
  size_t channels = std::max(linear.scales.size(), linear.zeroPoints.size());
  if (channels == 1)
    return linear;
  FailureOr<int64_t> normalized = node.normalizeAxis(axis, shape.size());
  if (failed(normalized))
    return failure();
  linear.axis = *normalized;
  if (shape[linear.axis] != int64_t(channels))
    return node.refuse(diag::ShapeMismatch,
                       "has " + llvm::Twine(channels) +
                           (linear.scales.size() > 1 ? " scales" : " zero points") + " for axis " +
                           llvm::Twine(linear.axis) + " of " + describeShape(shape));
  return linear;
}

/// Bits of the storage type for the integers lo..hi; signed as the data type says.
static void setStorage(Quantizer &q, int dataType, int64_t lo, int64_t hi) {
  q.isSigned = integerRange(dataType)->first < 0;
  q.lo = lo;
  q.hi = hi;
  q.bits = 1;
  auto fits = [&] {
    return q.isSigned ? lo >= -(int64_t(1) << (q.bits - 1)) && hi < (int64_t(1) << (q.bits - 1))
                      : hi < (int64_t(1) << q.bits);
  };
  while (!fits())
    ++q.bits;
}

/// The quantizer of `pending` with what the file says of scale and zero point.
static FailureOr<Quantizer> quantizerOf(Node &node, const PendingQuantizer &pending,
                                        const Linear &linear) {
  Quantizer q;
  q.scales = linear.scales;
  q.zeroPoints = linear.zeroPoints;
  q.axis = pending.clear ? linear.axis : linear.axis - 1;
  if (std::max(q.scales.size(), q.zeroPoints.size()) > 1 && q.axis < 0)
    return node.refuse(diag::BadQuantizer, "scale varies along the batch");
  setStorage(q, pending.dataType, pending.lo, pending.hi);
  return q;
}

/// `value` + `offset`, times `factor` or divided by `divisor`; what changes nothing is left out.
static Value affine(Node &node, Value value, float offset, float factor, float divisor = 1) {
  auto type = RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
  if (divisor != 1)
    value = qnn::DivOp::create(node.builder, node.loc, type, value, node.scalar(divisor));
  if (offset != 0)
    value = qnn::AddOp::create(node.builder, node.loc, type, value, node.scalar(offset));
  if (factor != 1)
    value = qnn::MulOp::create(node.builder, node.loc, type, value, node.scalar(factor));
  return value;
}

/// The integers of a network input: (q - z) s is affine, and quantizing it with the same s and z gives q.
/// Later readers compute their numbers from those of the first: an input has one quantizer.
static FailureOr<Value> quantizeInput(Node &node, const PendingQuantizer &pending,
                                      const Linear &linear) {
  FailureOr<Quantizer> q = quantizerOf(node, pending, linear);
  if (failed(q) || failed(checkQuantizer(node, *q)))
    return failure();
  float scale = q->scales[0];
  int64_t zeroPoint = q->zeroPoints[0];
  if (q->scales.size() > 1 || q->zeroPoints.size() > 1) // refused
    return createQuantize(node, pending.input, /*clear=*/false, *q, qnn::QuantizerKind::Uniform,
                          qnn::Rounding::Round);
  if (pending.quantized && scale == pending.scales[0] && zeroPoint == pending.zeroPoints[0])
    return pending.quantized;
  if (pending.quantized) // the quotient of a scale by itself is exactly 1
    return affine(node, pending.quantized, float(pending.zeroPoints[0] - zeroPoint), scale,
                  pending.scales[0]);
  FailureOr<Value> value =
      createQuantize(node, affine(node, pending.input, -float(zeroPoint), scale), /*clear=*/false, *q,
                     qnn::QuantizerKind::Uniform, qnn::Rounding::Round);
  if (failed(value))
    return failure();
  pending.scales = {scale};
  pending.zeroPoints = {zeroPoint};
  pending.quantized = *value;
  return value;
}

/// The real numbers of `pending` with the scale that it was quantized with.
FailureOr<Value> quantizedValue(const Node &node, const PendingQuantizer &pending) {
  if (pending.quantized)
    return pending.quantized;
  // With its DequantizeLinear a QuantizeLinear is one quantizer, under the name of the former.
  bool isPair = node.op() == "DequantizeLinear";
  Node producer(node.importer, node.proto, isPair ? node.loc : pending.producer);
  FailureOr<Quantizer> q = quantizerOf(
      producer, pending, {pending.scales, pending.zeroPoints, pending.axis, pending.dataType});
  if (failed(q))
    return failure();
  FailureOr<Value> value = createQuantize(producer, pending.input, pending.clear, *q,
                                          qnn::QuantizerKind::Uniform, qnn::Rounding::Round);
  if (succeeded(value) && !isPair)
    pending.quantized = *value;
  return value;
}

static LogicalResult checkZeroPoint(Node &node, const PendingQuantizer &pending,
                                    const Linear &linear) {
  if (linear.zeroPoints == pending.zeroPoints &&
      (linear.axis == pending.axis || linear.zeroPoints.size() == 1))
    return success();
  return node.refuse(diag::QuantizePair,
                     "its zero point or axis differs from that of the " +
                         pending.description + " before it",
                     {"help: export with the zero point that the tensor was quantized with"});
}

static FailureOr<Value> dequantizePending(Node &node, const PendingQuantizer &pending,
                                          const Linear &linear) {
  if (pending.isInput)
    return quantizeInput(node, pending, linear);
  if (linear.scales != pending.scales) {
    SmallVector<std::string> notes;
    if (node.op() == "DequantizeLinear")
      notes = {"some exporters write a truncation (Brevitas Trunc) this way, which does not reproduce "
               "the network it was exported from",
               "help: export with export_qonnx"};
    else
      notes = {"help: export with the scale that the tensor was quantized with"};
    return node.refuse(diag::QuantizePair,
                       "its scale differs from that of the " + pending.description +
                           " before it: " + std::to_string(linear.scales.front()) + " and " +
                           std::to_string(pending.scales.front()),
                       notes);
  }
  if (failed(checkZeroPoint(node, pending, linear)))
    return failure();
  return quantizedValue(node, pending);
}

/// Stored integers of the file: a quantized constant.
static FailureOr<Value> dequantizeConstant(Node &node, const ConstantTensor &constant,
                                           const Linear &linear) {
  auto range = constant.range ? constant.range : integerRange(constant.dataType);
  if (constant.isReal || !range || range->second > INT32_MAX)
    return node.refuse(diag::BadQuantizer,
                       "dequantizes " +
                           dataTypeName(constant.isReal ? TensorProto::FLOAT : constant.dataType) +
                           " values, which is not supported");
  Quantizer q;
  q.scales = linear.scales;
  q.zeroPoints = linear.zeroPoints;
  q.axis = linear.axis;
  setStorage(q, constant.dataType, range->first, range->second);
  FailureOr<Type> element = quantizedType(node, q, constant.shape);
  if (failed(element))
    return failure();
  FailureOr<RankedTensorType> type = node.tensorType(constant.shape, *element);
  if (failed(type))
    return failure();
  std::vector<int32_t> stored(constant.integers.begin(), constant.integers.end());
  auto attr = storeIntegers(node.loc.getContext(), constant.shape, stored, /*withUnsigned=*/true);
  return Value(qnn::ConstantOp::create(node.builder, node.loc, *type, attr));
}

/// Refuses an operand that holds no integers, or others than its zero point.
static LogicalResult checkType(Node &node, int i, const Linear &linear) {
  const Tensor &input = node.input(i);
  int inputType = input.pending    ? input.pending->dataType
                  : input.constant ? input.constant->dataType
                                   : 0;
  if (!inputType)
    return node.refuse(diag::QuantizePair, "takes '" + node.proto.input(i) +
                                               "', which is neither the output of a "
                                               "QuantizeLinear nor a constant of integers");
  if (linear.dataType && linear.dataType != inputType)
    return node.refuse(diag::QuantizePair, "its zero point has type " +
                                               dataTypeName(linear.dataType) + ", its input " +
                                               dataTypeName(inputType));
  return success();
}

FailureOr<Tensor> dequantize(Node &node, int i, const Linear &linear) {
  if (failed(checkType(node, i, linear)))
    return failure();
  const Tensor &input = node.input(i);
  FailureOr<Value> value = input.pending ? dequantizePending(node, *input.pending, linear)
                                         : dequantizeConstant(node, *input.constant, linear);
  if (failed(value))
    return failure();
  return Tensor{nullptr, *value, nullptr, !input.pending || input.pending->clear};
}

FailureOr<Tensor> centre(Node &node, int i, const Linear &linear) {
  const Tensor &input = node.input(i);
  if (!input.pending || input.pending->isInput)
    return dequantize(node, i, linear);
  if (failed(checkType(node, i, linear)) || failed(checkZeroPoint(node, *input.pending, linear)))
    return failure();
  if (input.pending->clear)
    return node.refuse(diag::UnsupportedForm, "takes '" + node.proto.input(i) +
                                                  "', a constant that a QuantizeLinear gives",
                       {"help: store the integers themselves in the file"});
  FailureOr<Value> value = quantizedValue(node, *input.pending);
  if (failed(value))
    return failure();
  // The quotient of two equal scales is exactly 1.
  return Tensor{nullptr, affine(node, *value, 0, 1, input.pending->scales[0]), nullptr, false};
}

FailureOr<Value> storedIntegers(Node &node, const PendingQuantizer &pending) {
  if (pending.isInput)
    return pending.input;
  FailureOr<Value> value = quantizedValue(node, pending);
  if (failed(value))
    return failure();
  return affine(node, *value, float(pending.zeroPoints[0]), 1, pending.scales[0]);
}

FailureOr<Tensor> quantize(Node &node, Value input, bool clear, const Linear &linear,
                           int otherwise) {
  int dataType = linear.dataType ? linear.dataType : otherwise;
  auto range = integerRange(dataType);
  if (!range)
    return node.refuse(diag::BadQuantizer,
                       "quantizes to " + dataTypeName(dataType) + ", which is not supported");
  auto pending = std::make_shared<PendingQuantizer>(node.loc);
  pending->input = input;
  pending->clear = clear;
  pending->scales = linear.scales;
  pending->zeroPoints = linear.zeroPoints;
  pending->axis = linear.axis;
  pending->dataType = dataType;
  pending->description = node.op().str();
  std::tie(pending->lo, pending->hi) = *range;
  return Tensor{nullptr, {}, pending, clear};
}

} // namespace fhe::import
