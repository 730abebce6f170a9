//===- Quantizers.cpp - Import of quantizers ------------------------------------===//
//
// QONNX: Quant (IntQuant), BipolarQuant, Trunc of both domain versions. QCDQ:
// QuantizeLinear, Clip, DequantizeLinear fused to one qnn.quantize, and stored
// integers to quantized constants. Specifications: QONNX operator documentation;
// ONNX operators QuantizeLinear and DequantizeLinear.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include "compiler/import/WholeQuantizers.h"
#include "llvm/ADT/StringExtras.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using onnx::TensorProto;

namespace fhe::import {

namespace {
/// Scale, zero point and integer range of a quantizer.
struct Quantizer {
  std::vector<float> scales{1.0f};
  std::vector<int64_t> zeroPoints{0};
  int64_t axis = 0; ///< of the qnn value, where there are several scales
  unsigned bits = 8;
  bool isSigned = false;
  int64_t lo = 0, hi = 255;
};
} // namespace

//===-------------------------------------------------------------------------===//
// Quantized types
//===-------------------------------------------------------------------------===//

static LogicalResult checkQuantizer(Node &node, const Quantizer &q) {
  for (auto [c, scale] : llvm::enumerate(q.scales))
    if (!(scale >= FLT_MIN) || !std::isfinite(scale)) // x / scale would leave the floats
      return node.refuse(diag::BadQuantizer,
                         "scale must be positive, found " +
                             llvm::Twine(scale == 0 ? "0" : std::to_string(scale)) +
                             (q.scales.size() > 1 ? " for channel " + std::to_string(c) : ""),
                         {"help: a quantizer that has seen no data, or zeros only, has no scale: run the "
                          "network on data before the export, or take out the dead layer"});
  if (q.lo >= q.hi)
    return node.refuse(diag::BadQuantizer,
                       "has one integer only, " + llvm::Twine(q.lo) + "; two or more are needed",
                       {"help: use a wider bit width, or a one-bit quantizer (BipolarQuant)"});
  for (int64_t zeroPoint : q.zeroPoints)
    if (zeroPoint < q.lo || zeroPoint > q.hi)
      return node.refuse(diag::BadQuantizer, "zero point " + llvm::Twine(zeroPoint) +
                                                 " is outside the integers " + llvm::Twine(q.lo) +
                                                 " to " + llvm::Twine(q.hi),
                         {"help: use a quantizer whose range contains 0: signed, or from 0 on"});
  return success();
}

/// The quantized element type for a value of `shape`; refuses what the type cannot hold.
static FailureOr<Type> quantizedType(Node &node, Quantizer q, ArrayRef<int64_t> shape) {
  if (failed(checkQuantizer(node, q)))
    return failure();
  auto allEqual = [](const auto &list) { return llvm::all_equal(list); };
  if (allEqual(q.scales) && allEqual(q.zeroPoints)) {
    q.scales.resize(1);
    q.zeroPoints.resize(1);
  }
  MLIRContext *context = node.loc.getContext();
  // What the type itself refuses is said in our words below.
  auto emitError = [&] {
    InFlightDiagnostic diagnostic = mlir::emitError(node.loc);
    diagnostic.abandon();
    return diagnostic;
  };
  unsigned flags = q.isSigned ? quant::QuantizationFlags::Signed : 0;
  auto storage = IntegerType::get(context, q.bits);
  Type real = Float32Type::get(context), result;
  size_t channels = std::max(q.scales.size(), q.zeroPoints.size());
  if (channels == 1) {
    result = quant::UniformQuantizedType::getChecked(emitError, flags, storage, real, q.scales[0],
                                                     q.zeroPoints[0], q.lo, q.hi);
  } else {
    if (int64_t(channels) != shape[q.axis])
      return node.refuse(diag::ShapeMismatch, llvm::Twine(channels) + " scales for " +
                                                  llvm::Twine(shape[q.axis]) +
                                                  " elements along axis " + llvm::Twine(q.axis));
    q.scales.resize(channels, q.scales.front());
    q.zeroPoints.resize(channels, q.zeroPoints.front());
    SmallVector<double> scales(q.scales.begin(), q.scales.end());
    result = quant::UniformQuantizedPerAxisType::getChecked(
        emitError, flags, storage, real, scales, q.zeroPoints, int32_t(q.axis), q.lo, q.hi);
  }
  if (!result)
    return node.refuse(diag::BadQuantizer, "has no quantized type with integers " +
                                               llvm::Twine(q.lo) + " to " + llvm::Twine(q.hi));
  return result;
}

/// qnn.quantize of input 0.
static LogicalResult defineQuantize(Node &node, Value input, bool clear, const Quantizer &q,
                                    qnn::QuantizerKind kind, qnn::Rounding rounding) {
  FailureOr<Type> element = quantizedType(node, q, shapeOf(input));
  if (failed(element))
    return failure();
  if (!clear && isa<quant::UniformQuantizedPerAxisType>(*element))
    return node.refuse(diag::BadQuantizer,
                       "quantizes an activation with one scale per channel; activations are "
                       "quantized per tensor, only weights per channel",
                       {"help: use a per-tensor activation quantizer "
                        "(scaling_per_output_channel=False)"});
  auto type = RankedTensorType::get(shapeOf(input), *element);
  return node.define(qnn::QuantizeOp::create(node.builder, node.loc, type, input, kind, rounding),
                     clear);
}

//===-------------------------------------------------------------------------===//
// QONNX
//===-------------------------------------------------------------------------===//

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

/// Input 0 of a quantizer as a value; whole-number constants become real ones.
static FailureOr<Tensor> quantizerInput(Node &node) {
  const Tensor &input = node.input(0);
  if (!input.constant || input.constant->isReal)
    return node.valueInput(0);
  FailureOr<std::vector<float>> reals = node.realInput(0, "input");
  if (failed(reals))
    return failure();
  ConstantTensor constant;
  constant.shape = input.constant->shape;
  constant.isReal = true;
  constant.reals = *reals;
  FailureOr<Value> value = node.materialize(constant);
  if (failed(value))
    return failure();
  return Tensor{nullptr, *value, nullptr, true};
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

//===-------------------------------------------------------------------------===//
// QCDQ
//===-------------------------------------------------------------------------===//

/// Scales and zero points (inputs 1 and 2) of a QuantizeLinear or DequantizeLinear, and the ONNX
/// axis along which they vary.
static LogicalResult readLinear(Node &node, std::vector<float> &scales,
                                std::vector<int64_t> &zeroPoints, int64_t &axis, int &dataType) {
  int64_t blockSize = 0, precision = 0;
  axis = 1;
  if (failed(node.attribute("axis", axis)) || failed(node.attribute("block_size", blockSize)) ||
      failed(node.attribute("precision", precision)))
    return failure();
  if (blockSize)
    return node.refuse(diag::UnsupportedForm, "quantizes in blocks (block_size), which is not "
                                              "supported");
  FailureOr<Constant> scale = node.constantInput(1, "scale");
  if (failed(scale))
    return failure();
  FailureOr<std::vector<float>> values = node.realInput(1, "scale");
  if (failed(values))
    return failure();
  scales = *values;
  zeroPoints.assign(1, 0);
  if (node.has(2)) {
    FailureOr<Constant> zeroPoint = node.constantInput(2, "zero point");
    if (failed(zeroPoint))
      return failure();
    FailureOr<std::vector<int64_t>> integers = node.integerInput(2, "zero point");
    if (failed(integers))
      return failure();
    zeroPoints = *integers;
    dataType = (*zeroPoint)->dataType;
    if (zeroPoints.size() != scales.size())
      return node.refuse(diag::BadQuantizer, "has " + llvm::Twine(scales.size()) + " scales but " +
                                                 llvm::Twine(zeroPoints.size()) + " zero points");
  }
  if (scales.empty() || (*scale)->shape.size() > 1)
    return node.refuse(diag::BadQuantizer, "scale must be one number or one per channel, found "
                                           "shape " +
                                               describeShape((*scale)->shape));
  SmallVector<int64_t> shape = node.onnxShape(node.input(0));
  if (scales.size() == 1) {
    axis = 0;
    return success();
  }
  FailureOr<int64_t> normalized = node.normalizeAxis(axis, shape.size());
  if (failed(normalized))
    return failure();
  axis = *normalized;
  if (shape[axis] != int64_t(scales.size()))
    return node.refuse(diag::ShapeMismatch, "has " + llvm::Twine(scales.size()) +
                                                " scales for axis " + llvm::Twine(axis) + " of " +
                                                describeShape(shape));
  return success();
}

LogicalResult importQuantizeLinear(Node &node) {
  if (node.importer.wholeTensors())
    return defineWholeQuantizer(node, /*quantize=*/true);
  auto pending = std::make_shared<PendingQuantizer>();
  FailureOr<Tensor> input = quantizerInput(node);
  int64_t outputType = 0, saturate = 1;
  pending->dataType = TensorProto::UINT8;
  if (failed(input) || failed(node.attribute("output_dtype", outputType)) ||
      failed(node.attribute("saturate", saturate)))
    return failure();
  if (outputType)
    pending->dataType = int(outputType);
  if (failed(
          readLinear(node, pending->scales, pending->zeroPoints, pending->axis, pending->dataType)))
    return failure();
  auto range = integerRange(pending->dataType);
  if (!range)
    return node.refuse(diag::BadQuantizer, "quantizes to " + dataTypeName(pending->dataType) +
                                               ", which is not supported");
  pending->input = input->value;
  pending->clear = input->clear;
  std::tie(pending->lo, pending->hi) = *range;
  return node.define(Tensor{nullptr, {}, pending, input->clear});
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

static LogicalResult dequantizePending(Node &node, const PendingQuantizer &pending, Quantizer q,
                                       int64_t axis) {
  if (q.scales != pending.scales)
    return node.refuse(
        diag::QuantizePair,
        "its scale differs from that of the QuantizeLinear before it: " +
            std::to_string(q.scales.front()) + " and " + std::to_string(pending.scales.front()),
        {"some exporters write a truncation (Brevitas Trunc) this way, which does not reproduce "
         "the network it was exported from",
         "help: export with export_qonnx"});
  if (q.zeroPoints != pending.zeroPoints || axis != pending.axis)
    return node.refuse(diag::QuantizePair,
                       "its zero point or axis differs from that of the QuantizeLinear before it");
  q.axis = pending.clear ? axis : axis - 1;
  if (q.scales.size() > 1 && q.axis < 0)
    return node.refuse(diag::BadQuantizer, "scale varies along the batch");
  setStorage(q, pending.dataType, pending.lo, pending.hi);
  return defineQuantize(node, pending.input, pending.clear, q, qnn::QuantizerKind::Uniform,
                        qnn::Rounding::Round);
}

/// Stored integers: a quantized constant.
static LogicalResult dequantizeConstant(Node &node, const ConstantTensor &constant, Quantizer q,
                                        int64_t axis) {
  auto range = constant.range ? constant.range : integerRange(constant.dataType);
  if (constant.isReal || !range || range->second > INT32_MAX)
    return node.refuse(diag::BadQuantizer,
                       "dequantizes " +
                           dataTypeName(constant.isReal ? TensorProto::FLOAT : constant.dataType) +
                           " values, which is not supported");
  q.axis = axis;
  setStorage(q, constant.dataType, range->first, range->second);
  FailureOr<Type> element = quantizedType(node, q, constant.shape);
  if (failed(element))
    return failure();
  FailureOr<RankedTensorType> type = node.tensorType(constant.shape, *element);
  if (failed(type))
    return failure();
  std::vector<int32_t> stored(constant.integers.begin(), constant.integers.end());
  auto attr = DenseElementsAttr::get(
      RankedTensorType::get(constant.shape, node.builder.getI32Type()), ArrayRef<int32_t>(stored));
  return node.define(qnn::ConstantOp::create(node.builder, node.loc, *type, attr), true);
}

LogicalResult importDequantizeLinear(Node &node) {
  if (node.importer.wholeTensors())
    return defineWholeQuantizer(node, /*quantize=*/false);
  const Tensor &input = node.input(0);
  Quantizer q;
  int64_t axis = 0, outputType = TensorProto::FLOAT;
  int dataType = 0;
  if (failed(node.attribute("output_dtype", outputType)) ||
      failed(readLinear(node, q.scales, q.zeroPoints, axis, dataType)))
    return failure();
  if (outputType && outputType != TensorProto::FLOAT)
    return node.refuse(diag::UnsupportedForm, "dequantizes to " + dataTypeName(int(outputType)));
  int inputType = input.pending    ? input.pending->dataType
                  : input.constant ? input.constant->dataType
                                   : 0;
  if (!inputType)
    return node.refuse(diag::QuantizePair, "takes '" + node.proto.input(0) +
                                               "', which is neither the output of a "
                                               "QuantizeLinear nor a constant of integers");
  if (dataType && dataType != inputType)
    return node.refuse(diag::QuantizePair, "its zero point has type " + dataTypeName(dataType) +
                                               ", its input " + dataTypeName(inputType));
  return input.pending ? dequantizePending(node, *input.pending, q, axis)
                       : dequantizeConstant(node, *input.constant, q, axis);
}

} // namespace fhe::import
