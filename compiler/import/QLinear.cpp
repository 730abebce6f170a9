//===- QLinear.cpp - Import of operators on stored integers ------------------------------===//
//
// QLinearConv and QLinearMatMul are the operator on dequantized operands and a
// quantizer of the result; ConvInteger and MatMulInteger give sums of centred integers,
// which Cast and Mul turn into real numbers. Specification: the ONNX operators of these
// names, onnxruntime's quantization documentation.
//
//===-------------------------------------------------------------------------------===//
#include "compiler/import/IntegerTensors.h"
#include "compiler/import/WholeQuantizers.h"

using namespace mlir;
using onnx::TensorProto;

namespace fhe::import {

namespace {
/// An operand with its scale (-1: none) and zero point, as input numbers.
struct OperandPlaces {
  int input, scale, zeroPoint;
};
} // namespace

/// The real numbers of an operand; those of ConvInteger and MatMulInteger have scale 1.
static FailureOr<Tensor> readOperand(Node &node, OperandPlaces places, int64_t axis) {
  if (node.importer.wholeTensors())
    return dequantizeWhole(node, places.input, places.scale, places.zeroPoint, axis);
  FailureOr<Linear> linear = readLinear(node, places.scale, places.zeroPoint,
                                        node.onnxShape(node.input(places.input)), axis);
  if (failed(linear))
    return failure();
  return places.scale < 0 ? centre(node, places.input, *linear)
                          : dequantize(node, places.input, *linear);
}

static LogicalResult refuseTwo(Node &node, int second) {
  return node.refuse(diag::BothEncrypted,
                     "both operands are encrypted ('" + node.proto.input(0) + "' and '" +
                         node.proto.input(second) + "'); a matrix product needs clear weights",
                     {"attention and other products of two activations cannot be compiled",
                      "help: replace one operand by weights, or leave this part to the client"});
}

static LogicalResult refuseConstants(Node &node) {
  return node.refuse(diag::UnsupportedForm, "has constant operands only");
}

/// Result of a convolution; `bias` [O] or null.
static FailureOr<Value> convolveOperands(Node &node, OperandPlaces x, OperandPlaces w, Value bias) {
  if (node.input(w.input).isEncrypted() && node.input(x.input).isEncrypted())
    return refuseTwo(node, w.input);
  if (node.input(w.input).isEncrypted())
    return node.refuse(diag::UnsupportedForm,
                       "has encrypted weights '" + node.proto.input(w.input) + "'");
  FailureOr<Tensor> input = readOperand(node, x, 1);
  FailureOr<Tensor> weights = failed(input) ? input : readOperand(node, w, 0);
  if (failed(weights))
    return failure();
  if (input->clear && !node.importer.wholeTensors())
    return refuseConstants(node);
  return convolve(node, input->value, weights->value, bias);
}

static FailureOr<Value> multiplyOperands(Node &node, OperandPlaces a, OperandPlaces b) {
  int64_t rankA = node.onnxShape(node.input(a.input)).size(),
          rankB = node.onnxShape(node.input(b.input)).size();
  if (node.input(a.input).isEncrypted() && node.input(b.input).isEncrypted())
    return refuseTwo(node, b.input);
  // Per row of the first operand, per column of the second.
  FailureOr<Tensor> lhs = readOperand(node, a, std::max<int64_t>(rankA - 2, 0));
  FailureOr<Tensor> rhs = failed(lhs) ? lhs : readOperand(node, b, rankB - 1);
  if (failed(rhs))
    return failure();
  if (lhs->clear && rhs->clear && !node.importer.wholeTensors())
    return refuseConstants(node);
  return rhs->clear ? multiplyRight(node, lhs->value, rhs->value)
                    : multiplyLeft(node, lhs->value, rhs->value);
}

/// The real numbers `value` as the integers of the result.
static LogicalResult defineQuantized(Node &node, Value value, int scale, int zeroPoint) {
  if (node.importer.wholeTensors()) {
    FailureOr<Tensor> result =
        quantizeWhole(node, Tensor{nullptr, value, nullptr, false}, scale, zeroPoint, 1);
    return failed(result) ? failure() : node.define(0, *result);
  }
  SmallVector<int64_t> shape(shapeOf(value));
  shape.insert(shape.begin(), node.importer.batchSize());
  FailureOr<Linear> linear = readLinear(node, scale, zeroPoint, shape, 1);
  if (failed(linear))
    return failure();
  if (linear->scales.size() != 1)
    return node.refuse(diag::BadQuantizer,
                       "quantizes its result with one scale per channel; activations are quantized "
                       "per tensor, only weights per channel",
                       {"help: export with per-tensor activations (the default of onnxruntime)"});
  FailureOr<Tensor> result = quantize(node, value, /*clear=*/false, *linear, TensorProto::UINT8);
  return failed(result) ? failure() : node.define(*result);
}

/// Input 8: integers of scale x_scale * w_scale[o], rounded to f32 as exporters write it for a
/// DequantizeLinear of the bias.
static FailureOr<Value> readIntegerBias(Node &node, int64_t outputs) {
  if (!node.has(8))
    return Value();
  FailureOr<Constant> constant = node.constantInput(8, "bias");
  FailureOr<std::vector<float>> input = node.realInput(1, "scale");
  FailureOr<std::vector<float>> weights = failed(input) ? input : node.realInput(4, "scale");
  if (failed(constant) || failed(weights))
    return failure();
  if ((*constant)->dataType != TensorProto::INT32)
    return node.refuse(diag::BadTensorData, "bias '" + node.proto.input(8) + "' must hold INT32, found " +
                                                dataTypeName((*constant)->dataType));
  if (ArrayRef((*constant)->shape) != ArrayRef<int64_t>{outputs} || input->size() != 1 ||
      (weights->size() != 1 && int64_t(weights->size()) != outputs))
    return node.refuse(diag::ShapeMismatch,
                       "bias of shape " + describeShape((*constant)->shape) + " and " +
                           llvm::Twine(weights->size()) + " weight scales do not fit " +
                           llvm::Twine(outputs) + " outputs");
  if (node.importer.wholeTensors()) {
    ConstantTensor reals;
    reals.isReal = true;
    reals.shape = {outputs};
    for (int64_t o = 0; o != outputs; ++o)
      reals.reals.push_back(float((*constant)->integers[o]) *
                            (input->front() * (*weights)[weights->size() == 1 ? 0 : o]));
    return node.materialize(reals);
  }
  Linear linear;
  linear.scales.clear();
  for (float scale : *weights)
    linear.scales.push_back(input->front() * scale);
  linear.zeroPoints.assign(linear.scales.size(), 0);
  FailureOr<Tensor> bias = dequantize(node, 8, linear);
  return failed(bias) ? FailureOr<Value>(failure()) : FailureOr<Value>(bias->value);
}

LogicalResult importQLinearConv(Node &node) {
  SmallVector<int64_t> kernel = node.onnxShape(node.input(3));
  FailureOr<Value> bias = readIntegerBias(node, kernel.empty() ? 0 : kernel[0]);
  FailureOr<Value> result =
      failed(bias) ? bias : convolveOperands(node, {0, 1, 2}, {3, 4, 5}, *bias);
  return failed(result) ? failure() : defineQuantized(node, *result, 6, 7);
}

LogicalResult importQLinearMatMul(Node &node) {
  FailureOr<Value> result = multiplyOperands(node, {0, 1, 2}, {3, 4, 5});
  return failed(result) ? failure() : defineQuantized(node, *result, 6, 7);
}

/// Sums of integers, as real numbers.
static LogicalResult defineIntegers(Node &node, FailureOr<Value> value) {
  if (failed(value))
    return failure();
  Tensor result{nullptr, *value, nullptr, false};
  result.integral = true;
  return node.define(0, result);
}

LogicalResult importConvInteger(Node &node) {
  return defineIntegers(node, convolveOperands(node, {0, -1, 2}, {1, -1, 3}, Value()));
}

LogicalResult importMatMulInteger(Node &node) {
  return defineIntegers(node, multiplyOperands(node, {0, -1, 2}, {1, -1, 3}));
}

} // namespace fhe::import
