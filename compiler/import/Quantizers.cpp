//===- Quantizers.cpp - Import of QONNX quantizers ------------------------------===//
//
// Quant (IntQuant), BipolarQuant, Trunc of both domain versions. Specification: QONNX
// operator documentation.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/QuantizedType.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;

namespace fhe::import {

/// Defines the node as the qnn.quantize of `input`.
static LogicalResult defineQuantize(Node &node, Value input, bool clear, const Quantizer &q,
                                    qnn::QuantizerKind kind, qnn::Rounding rounding) {
  FailureOr<Value> value = createQuantize(node, input, clear, q, kind, rounding);
  return failed(value) ? failure() : node.define(*value, clear);
}

/// The rounding mode named by the attribute, in any case of letters.
static FailureOr<qnn::Rounding> readRounding(Node &node, StringRef otherwise) {
  std::string mode = otherwise.str();
  if (failed(node.attribute("rounding_mode", mode)))
    return failure();
  std::string upper = StringRef(mode).upper();
  if (upper == "HALF_EVEN")
    upper = "ROUND";
  if (auto rounding = qnn::symbolizeRounding(upper))
    return *rounding;
  return node.refuse(diag::BadQuantizer, "rounding_mode '" + mode +
                                             "' is not one of ROUND, CEIL, "
                                             "FLOOR, UP, DOWN, HALF_UP, HALF_DOWN",
                     {"help: export with the rounding that training used, ROUND in Brevitas unless set "
                      "otherwise"});
}

/// A parameter that is one integer, stored as a float or an integer.
static FailureOr<std::vector<int64_t>> readWhole(Node &node, int i, StringRef what) {
  FailureOr<std::vector<float>> values = node.realInput(i, what);
  if (failed(values))
    return failure();
  std::vector<int64_t> result;
  for (float value : *values) {
    if (std::trunc(value) != value || std::fabs(value) > 0x1p24f)
      return node.refuse(diag::BadQuantizer,
                         what + llvm::Twine(" must be a whole number, found ") + std::to_string(value),
                         {"help: learned bit widths and zero points are rounded before the export"});
    result.push_back(int64_t(value));
  }
  return result;
}

static FailureOr<unsigned> readBits(Node &node, int i, StringRef what) {
  FailureOr<std::vector<int64_t>> bits = readWhole(node, i, what);
  if (failed(bits))
    return failure();
  if (bits->size() != 1 || bits->front() < 1 || bits->front() > 32)
    return node.refuse(diag::BadQuantizer,
                       what + llvm::Twine(" must be one number from 1 to 32, found ") +
                           (bits->size() == 1 ? std::to_string(bits->front())
                                              : std::to_string(bits->size()) + " numbers"),
                       {"help: use one bit width for the tensor; 2 to 4 bits are what encrypted "
                        "evaluation is fast with"});
  return unsigned(bits->front());
}

/// The axis of input 0's qnn value along which parameter `i` varies; -1 where it is one number.
static FailureOr<int64_t> channelAxis(Node &node, int i, StringRef what) {
  FailureOr<Constant> parameter = node.constantInput(i, what);
  if (failed(parameter))
    return failure();
  ArrayRef<int64_t> shape = (*parameter)->shape;
  SmallVector<int64_t> target = node.onnxShape(node.input(0));
  int64_t axis = -1, shift = int64_t(target.size()) - int64_t(shape.size());
  if ((*parameter)->size() < 1)
    return node.refuse(diag::BadQuantizer, what + llvm::Twine(" is empty"));
  for (auto [d, size] : llvm::enumerate(shape)) {
    if (size == 1)
      continue;
    int64_t at = int64_t(d) + shift;
    if (axis >= 0 || at < 0 || target[at] != size)
      return node.refuse(diag::BadQuantizer, what + llvm::Twine(" of shape ") +
                                                 describeShape(shape) +
                                                 " does not give one number per tensor or per "
                                                 "channel of " +
                                                 describeShape(target),
                         {"help: export with one scale per tensor, or for weights one per output "
                          "channel"});
    axis = at;
  }
  if (axis < 0 || !node.input(0).isEncrypted())
    return axis;
  if (axis == 0)
    return node.refuse(diag::BadQuantizer, what + llvm::Twine(" varies along the batch"));
  return axis - 1;
}

/// Scale (input 1) and zero point (input 2, where `zeroPoint`) with their axis.
static LogicalResult readScale(Node &node, Quantizer &q, bool zeroPoint) {
  FailureOr<std::vector<float>> scales = node.realInput(1, "scale");
  if (failed(scales))
    return failure();
  FailureOr<int64_t> axis = channelAxis(node, 1, "scale");
  if (failed(axis))
    return failure();
  q.scales = *scales;
  q.axis = std::max<int64_t>(*axis, 0);
  if (!zeroPoint)
    return success();
  FailureOr<std::vector<int64_t>> zeroPoints = readWhole(node, 2, "zero point");
  if (failed(zeroPoints))
    return failure();
  FailureOr<int64_t> other = channelAxis(node, 2, "zero point");
  if (failed(other))
    return failure();
  q.zeroPoints = *zeroPoints;
  if (*other >= 0 && *axis >= 0 && *other != *axis)
    return node.refuse(diag::BadQuantizer, "scale and zero point vary along different axes");
  q.axis = std::max<int64_t>(std::max(*axis, *other), 0);
  return success();
}

static void setRange(Quantizer &q, unsigned bits, bool isSigned, bool narrow) {
  q.bits = bits;
  q.isSigned = isSigned;
  q.lo = isSigned ? -(int64_t(1) << (bits - 1)) + (narrow ? 1 : 0) : 0;
  q.hi = isSigned ? (int64_t(1) << (bits - 1)) - 1 : (int64_t(1) << bits) - 1 - (narrow ? 1 : 0);
}

/// {-scale, +scale} by sign; 0 maps to +scale.
static LogicalResult defineBipolar(Node &node, Value input, bool clear, Quantizer q) {
  q.bits = 2;
  q.isSigned = true;
  q.lo = -1;
  q.hi = 1;
  for (int64_t zeroPoint : q.zeroPoints)
    if (zeroPoint)
      return node.refuse(diag::BadQuantizer, "a one-bit signed quantizer has zero point 0, found " +
                                                 llvm::Twine(zeroPoint));
  return defineQuantize(node, input, clear, q, qnn::QuantizerKind::Bipolar, qnn::Rounding::Round);
}

LogicalResult importQuant(Node &node) {
  int64_t isSigned = 1, narrow = 0;
  FailureOr<qnn::Rounding> rounding = readRounding(node, "ROUND");
  if (failed(rounding) || failed(node.attribute("signed", isSigned)) ||
      failed(node.attribute("narrow", narrow)))
    return failure();
  FailureOr<Tensor> input = quantizerInput(node);
  if (failed(input))
    return failure();
  FailureOr<unsigned> bits = readBits(node, 3, "bit width");
  Quantizer q;
  if (failed(bits) || failed(readScale(node, q, /*zeroPoint=*/true)))
    return failure();
  if (*bits == 1 && isSigned) // QONNX: a signed one-bit Quant is bipolar
    return defineBipolar(node, input->value, input->clear, q);
  setRange(q, *bits, isSigned, narrow);
  return defineQuantize(node, input->value, input->clear, q, qnn::QuantizerKind::Uniform,
                        *rounding);
}

LogicalResult importBipolarQuant(Node &node) {
  FailureOr<Tensor> input = quantizerInput(node);
  Quantizer q;
  if (failed(input) || failed(readScale(node, q, /*zeroPoint=*/false)))
    return failure();
  return defineBipolar(node, input->value, input->clear, q);
}

/// Whether the integers behind `value` are never negative, seen from the quantizer before it.
static bool comesFromUnsigned(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<qnn::QuantizeOp, qnn::TruncOp>(op))
      return cast<quant::QuantizedType>(elementOf(value)).getStorageTypeMin() >= 0;
    if (!isa<qnn::AvgPoolOp, qnn::PadOp, qnn::ReshapeOp, qnn::TransposeOp, qnn::MulOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

/// Version 1 (five inputs): the integer of the input loses low bits, the scale stays.
static LogicalResult importTruncV1(Node &node, Value input, Quantizer q, qnn::Rounding rounding) {
  FailureOr<unsigned> inBits = readBits(node, 3, "input bit width"),
                      outBits = readBits(node, 4, "output bit width");
  if (failed(inBits) || failed(outBits))
    return failure();
  if (*inBits < *outBits)
    return node.refuse(diag::BadQuantizer, "grows from " + llvm::Twine(*inBits) + " to " +
                                               llvm::Twine(*outBits) + " bits");
  setRange(q, *outBits, !comesFromUnsigned(input), false);
  FailureOr<Type> element = quantizedType(node, q, shapeOf(input));
  if (failed(element))
    return failure();
  auto type = RankedTensorType::get(shapeOf(input), *element);
  return node.define(qnn::TruncOp::create(
      node.builder, node.loc, type, input, APFloat(double(q.scales[0])), q.zeroPoints[0],
      APFloat(std::ldexp(1.0, int(*inBits) - int(*outBits))), /*clip=*/false, rounding));
}

/// Version 2 (six inputs): the output scale is given and the result clipped.
static LogicalResult importTruncV2(Node &node, Value input, const Quantizer &in,
                                   qnn::Rounding rounding) {
  int64_t isSigned = 1, narrow = 0;
  if (failed(node.attribute("signed", isSigned)) || failed(node.attribute("narrow", narrow)))
    return failure();
  FailureOr<std::vector<float>> outScale = node.realInput(4, "output scale");
  if (failed(outScale))
    return failure();
  FailureOr<unsigned> outBits = readBits(node, 5, "output bit width");
  if (failed(outBits))
    return failure();
  if (outScale->size() != 1 || !(outScale->front() > 0))
    return node.refuse(diag::BadQuantizer, "output scale must be one positive number");
  if (failed(checkQuantizer(node, in)))
    return failure();
  double ratio = std::round(std::log2(double(outScale->front()) / double(in.scales[0])));
  double divisor = std::exp2(ratio), zeroPoint = double(in.zeroPoints[0]) / divisor;
  if (ratio < 0 || ratio > 32 || std::trunc(zeroPoint) != zeroPoint)
    return node.refuse(diag::BadQuantizer,
                       "output scale must be the input scale times a power of two that divides "
                       "the zero point");
  Quantizer q;
  setRange(q, *outBits, isSigned, narrow);
  q.scales = *outScale;
  q.zeroPoints = {int64_t(zeroPoint)};
  FailureOr<Type> element = quantizedType(node, q, shapeOf(input));
  if (failed(element))
    return failure();
  auto type = RankedTensorType::get(shapeOf(input), *element);
  return node.define(qnn::TruncOp::create(node.builder, node.loc, type, input,
                                          APFloat(double(in.scales[0])), in.zeroPoints[0],
                                          APFloat(divisor), /*clip=*/true, rounding));
}

LogicalResult importTrunc(Node &node) {
  FailureOr<qnn::Rounding> rounding = readRounding(node, "FLOOR");
  if (failed(rounding))
    return failure();
  FailureOr<Value> input = node.encryptedInput(0);
  Quantizer q;
  if (failed(input) || failed(readScale(node, q, /*zeroPoint=*/true)))
    return failure();
  if (q.scales.size() != 1 || q.zeroPoints.size() != 1)
    return node.refuse(diag::BadQuantizer, "truncates with one scale per channel");
  q.lo = INT32_MIN; // of the input, whose range is not written in the node
  q.hi = INT32_MAX;
  bool six = node.proto.input_size() == 6;
  // In version 1, as in version 2, the input bit width is input 3; it is read there only.
  return six ? importTruncV2(node, *input, q, *rounding)
             : importTruncV1(node, *input, q, *rounding);
}

} // namespace fhe::import
