//===- Quantizers.cpp - Quantizers and quantized constants in ONNX ------------------===//
//
// QONNX: Quant, BipolarQuant and Trunc nodes; weights are the real numbers of their integers, which
// Quant rounds to the same integers. QCDQ: QuantizeLinear, Clip where the integers are fewer than those of
// the data type, DequantizeLinear; weights are integers.
//
//===--------------------------------------------------------------------------------===//
#include "compiler/export/Writer.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/StoredIntegers.h"
#include <cmath>

using namespace mlir;
using onnx::TensorProto;

namespace fhe::onnx_export {

static constexpr const char *kQonnxDomain = "qonnx.custom_op.general";

namespace {
/// The numbers of a quantized type.
struct Numbers {
  std::vector<float> scales;
  Integers zeroPoints;
  int64_t axis = 0; ///< of the qnn value, where there are several
  unsigned bits;
  bool isSigned;
  int64_t lo, hi;

  explicit Numbers(quant::QuantizedType type)
      : bits(type.getStorageTypeIntegralWidth()), isSigned(type.isSigned()), lo(type.getStorageTypeMin()),
        hi(type.getStorageTypeMax()) {
    if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
      for (double scale : perAxis.getScales())
        scales.push_back(float(scale));
      zeroPoints.assign(perAxis.getZeroPoints().begin(), perAxis.getZeroPoints().end());
      axis = perAxis.getQuantizedDimension();
    } else {
      auto uniform = cast<quant::UniformQuantizedType>(type);
      scales = {float(uniform.getScale())};
      zeroPoints = {uniform.getZeroPoint()};
    }
  }
  int64_t least() const { return isSigned ? -(int64_t(1) << (bits - 1)) : 0; }
  int64_t most() const { return (int64_t(1) << (isSigned ? bits - 1 : bits)) - 1; }
  bool isFull() const { return lo == least() && hi == most(); }
  bool isNarrow() const {
    return isSigned ? lo == least() + 1 && hi == most() : lo == 0 && hi == most() - 1;
  }
};
} // namespace

//===------------------------------------------------------------------------------===//
// QONNX
//===------------------------------------------------------------------------------===//

/// Scale and zero point as QONNX has them: numbers, or of the tensor's rank with one size.
static Strings qonnxParameters(Writer &writer, const Numbers &numbers, size_t rank) {
  std::vector<float> zeroPoints(numbers.zeroPoints.begin(), numbers.zeroPoints.end());
  if (numbers.scales.size() == 1)
    return {writer.scalar(numbers.scales[0]), writer.scalar(zeroPoints[0])};
  Integers shape(rank, 1);
  shape[numbers.axis] = int64_t(numbers.scales.size());
  return {writer.reals(numbers.scales, shape), writer.reals(zeroPoints, shape)};
}

static FailureOr<std::string> writeQuant(Writer &writer, Operation *op, const std::string &input,
                                         const Numbers &numbers, qnn::Rounding rounding) {
  if (!numbers.isFull() && !numbers.isNarrow())
    return refuse(op, writer, "integers " + Twine(numbers.lo) + " to " + Twine(numbers.hi) + " on " +
                                  Twine(numbers.bits) + " bits have no quantizer");
  if (numbers.bits == 1 && numbers.isSigned) // QONNX reads that as bipolar
    return refuse(op, writer, "a signed quantizer of one bit cannot be written");
  Strings inputs{input};
  llvm::append_range(inputs,
                     qonnxParameters(writer, numbers, qnn::shapeOf(op->getResult(0)).size()));
  inputs.push_back(writer.scalar(float(numbers.bits)));
  return writer.node("Quant", inputs,
                     {{"signed", int64_t(numbers.isSigned)},
                      {"narrow", int64_t(numbers.isNarrow())},
                      {"rounding_mode", qnn::stringifyRounding(rounding).str()}},
                     kQonnxDomain);
}

static FailureOr<std::string> writeTrunc(Writer &writer, qnn::TruncOp op, const std::string &input) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  Numbers to(cast<quant::QuantizedType>(type.getElementType()));
  double lost = std::log2(op.getDivisor().convertToDouble());
  if (lost != std::floor(lost) || lost < 0 || (op.getClip() && !to.isFull() && !to.isNarrow()))
    return refuse(op, writer, "a truncation by " +
                                  Twine(std::to_string(op.getDivisor().convertToDouble())) +
                                  " to integers " + Twine(to.lo) + " to " + Twine(to.hi) +
                                  " cannot be written");
  Strings inputs{input, writer.scalar(float(op.getScale().convertToDouble())),
                 writer.scalar(float(op.getZeroPoint())), writer.scalar(float(to.bits + lost))};
  std::vector<Attribute> attributes{
      {"rounding_mode", qnn::stringifyRounding(op.getRounding()).str()}};
  if (op.getClip()) { // version 2
    inputs.push_back(writer.scalar(to.scales[0]));
    attributes.push_back({"signed", int64_t(to.isSigned)});
    attributes.push_back({"narrow", int64_t(to.isNarrow())});
  }
  inputs.push_back(writer.scalar(float(to.bits)));
  return writer.node("Trunc", inputs, attributes, kQonnxDomain);
}

//===------------------------------------------------------------------------------===//
// QCDQ
//===------------------------------------------------------------------------------===//

/// The narrowest data type that holds the integers; wider than 16 bits only where `constant`.
static std::optional<int> dataTypeOf(const Numbers &numbers, bool constant) {
  if (numbers.bits <= 8)
    return numbers.isSigned ? TensorProto::INT8 : TensorProto::UINT8;
  if (numbers.bits <= 16 && !constant)
    return numbers.isSigned ? TensorProto::INT16 : TensorProto::UINT16;
  if (constant && numbers.isSigned && numbers.bits <= 32)
    return TensorProto::INT32;
  return std::nullopt;
}

static bool isWhole(const Numbers &numbers, int dataType) {
  switch (dataType) {
  case TensorProto::INT8:
    return numbers.lo == INT8_MIN && numbers.hi == INT8_MAX;
  case TensorProto::UINT8:
    return numbers.lo == 0 && numbers.hi == UINT8_MAX;
  case TensorProto::INT16:
    return numbers.lo == INT16_MIN && numbers.hi == INT16_MAX;
  case TensorProto::UINT16:
    return numbers.lo == 0 && numbers.hi == UINT16_MAX;
  default:
    return numbers.lo == INT32_MIN && numbers.hi == INT32_MAX;
  }
}

/// The integers `name` clipped where the data type has more.
static std::string clipped(Writer &writer, std::string name, const Numbers &numbers, int dataType) {
  if (isWhole(numbers, dataType))
    return name;
  return writer.node("Clip", {name, writer.stored({numbers.lo}, {}, dataType),
                              writer.stored({numbers.hi}, {}, dataType)});
}

/// Scale and zero point as QCDQ has them.
static Strings qcdqParameters(Writer &writer, const Numbers &numbers, int dataType) {
  Integers shape;
  if (numbers.scales.size() > 1)
    shape.push_back(int64_t(numbers.scales.size()));
  return {writer.reals(numbers.scales, shape), writer.stored(numbers.zeroPoints, shape, dataType)};
}

static FailureOr<std::string> writeQuantizeLinear(Writer &writer, Operation *op, std::string input,
                                                  const Numbers &numbers, qnn::QuantizerKind kind,
                                                  qnn::Rounding rounding) {
  std::optional<int> dataType = dataTypeOf(numbers, /*constant=*/false);
  if (!dataType)
    return refuse(op, writer, "a quantizer of " + Twine(numbers.bits) + " bits cannot be written");
  if (rounding != qnn::Rounding::Round)
    return refuse(op, writer, "rounding mode " + qnn::stringifyRounding(rounding) +
                                  " cannot be written");
  Strings parameters = qcdqParameters(writer, numbers, *dataType);
  if (kind == qnn::QuantizerKind::Bipolar) {
    float scale = numbers.scales[0];
    std::string upper = writer.node("GreaterOrEqual", {input, writer.scalar(0)});
    input = writer.node("Where", {upper, writer.scalar(scale), writer.scalar(-scale)});
  }
  std::string integers = writer.node("QuantizeLinear", {input, parameters[0], parameters[1]});
  return writer.node("DequantizeLinear",
                     {clipped(writer, integers, numbers, *dataType), parameters[0], parameters[1]});
}

static FailureOr<std::string> writeStoredConstant(Writer &writer, qnn::ConstantOp op,
                                                  const Numbers &numbers) {
  std::optional<int> dataType = dataTypeOf(numbers, /*constant=*/true);
  bool zero = llvm::all_of(numbers.zeroPoints, [](int64_t z) { return z == 0; });
  if (!dataType || (*dataType == TensorProto::INT32 && !zero))
    return refuse(op, writer, "weights of " + Twine(numbers.bits) + " bits cannot be written");
  auto values = readIntegers(cast<DenseElementsAttr>(op.getValue()));
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getResult());
  std::string integers = clipped(writer,
                                 writer.stored(Integers(values.begin(), values.end()),
                                               Integers(shape.begin(), shape.end()), *dataType),
                                 numbers, *dataType);
  Strings inputs = qcdqParameters(writer, numbers, *dataType);
  inputs.insert(inputs.begin(), integers);
  if (*dataType == TensorProto::INT32)
    inputs.pop_back(); // the standard has none there
  return writer.node("DequantizeLinear", inputs, {{"axis", numbers.scales.size() > 1 ? numbers.axis : 0}});
}

//===------------------------------------------------------------------------------===//
// Both
//===------------------------------------------------------------------------------===//

FailureOr<std::string> writeQuantizer(Writer &writer, Operation *op) {
  FailureOr<std::string> input = writer.operand(op->getOperand(0));
  if (failed(input))
    return failure();
  bool qonnx = writer.format() == OnnxFormat::Qonnx;
  if (auto trunc = dyn_cast<qnn::TruncOp>(op))
    return qonnx ? writeTrunc(writer, trunc, *input)
                 : FailureOr<std::string>(refuse(op, writer, "Trunc cannot be written"));
  auto quantize = cast<qnn::QuantizeOp>(op);
  Numbers numbers(cast<quant::QuantizedType>(
      cast<RankedTensorType>(quantize.getResult().getType()).getElementType()));
  if (!qonnx)
    return writeQuantizeLinear(writer, op, *input, numbers, quantize.getKind(), quantize.getRounding());
  if (quantize.getKind() == qnn::QuantizerKind::Bipolar)
    return writer.node("BipolarQuant", {*input, writer.scalar(numbers.scales[0])}, {}, kQonnxDomain);
  return writeQuant(writer, op, *input, numbers, quantize.getRounding());
}

FailureOr<std::string> writeQuantizedConstant(Writer &writer, qnn::ConstantOp op) {
  Numbers numbers(cast<quant::QuantizedType>(op.getType().getElementType()));
  if (writer.format() == OnnxFormat::Qcdq)
    return writeStoredConstant(writer, op, numbers);
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getResult());
  std::string values = writer.reals(qnn::clearReals(op), Integers(shape.begin(), shape.end()));
  return writeQuant(writer, op, values, numbers, qnn::Rounding::Round);
}

} // namespace fhe::onnx_export
