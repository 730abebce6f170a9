//===- QNNOps.cpp - Verifiers of the qnn operations ----------------------------===//
//
// A verifier refuses what makes an op meaningless (shapes, element types). What
// makes it unsupported under encryption is the business of the passes.
//
//===---------------------------------------------------------------------------===//
#include "dialects/qnn/QNN.h"
#include "dialects/shared/ShapeRules.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace fhe::qnn;
using fhe::verifyWindow;

#define GET_OP_CLASSES
#include "dialects/qnn/QNNOps.cpp.inc"
#include "dialects/shared/StoredIntegers.h"

static RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }
static ArrayRef<int64_t> shapeOf(Value value) { return tensorOf(value).getShape(); }

LogicalResult ConstantOp::verify() {
  auto type = cast<ShapedType>(getValue().getType());
  if (type.getShape() != shapeOf(getResult()))
    return emitOpError("value has shape ")
           << type << " but the result is " << getResult().getType();
  bool quantized = !tensorOf(getResult()).getElementType().isF32();
  if (quantized ? !isStoredInteger(type.getElementType(), true) : !type.getElementType().isF32())
    return emitOpError("a ") << (quantized ? "quantized constant holds i32, i8 or ui8"
                                           : "real constant holds f32")
                             << " values, found " << type.getElementType();
  return success();
}

static LogicalResult verifyQuantizer(Operation *op, Value input, Value result) {
  if (shapeOf(input) != shapeOf(result))
    return op->emitOpError("changes the shape from ")
           << input.getType() << " to " << result.getType();
  if (tensorOf(result).getElementType().isF32())
    return op->emitOpError("result must have a quantized element type");
  return success();
}

LogicalResult QuantizeOp::verify() {
  if (failed(verifyQuantizer(*this, getInput(), getResult())))
    return failure();
  if (getKind() == QuantizerKind::Bipolar) {
    auto type = cast<quant::QuantizedType>(tensorOf(getResult()).getElementType());
    if (type.getStorageTypeMin() != -1 || type.getStorageTypeMax() != 1)
      return emitOpError("a bipolar quantizer has storage range -1:1, found ")
             << type.getStorageTypeMin() << ":" << type.getStorageTypeMax();
  }
  return success();
}

LogicalResult TruncOp::verify() {
  if (getScale().convertToDouble() <= 0 || getDivisor().convertToDouble() <= 0)
    return emitOpError("scale and divisor must be positive");
  return verifyQuantizer(*this, getInput(), getResult());
}

LogicalResult GemmOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), weights = shapeOf(getWeights()),
                    result = shapeOf(getResult());
  if (weights.size() != 2 || input.empty() || input.size() != result.size() ||
      input.back() != weights[1] || result.back() != weights[0] ||
      input.drop_back() != result.drop_back())
    return emitOpError("shapes do not agree: ")
           << getInput().getType() << " times " << getWeights().getType() << " to "
           << getResult().getType();
  if (getBias() && shapeOf(getBias()) != ArrayRef<int64_t>{weights[0]})
    return emitOpError("bias must have ")
           << weights[0] << " elements, found " << getBias().getType();
  return success();
}

LogicalResult ConvOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), weights = shapeOf(getWeights()),
                    result = shapeOf(getResult());
  if (weights.size() != 4)
    return emitOpError("weights must be [O, C/groups, KH, KW], found ") << getWeights().getType();
  if (failed(verifyWindow(*this, input, result, weights.drop_front(2), getStrides(), getPads(),
                          getDilations())))
    return failure();
  int64_t groups = getGroups();
  if (groups < 1 || input[0] != weights[1] * groups || weights[0] % groups ||
      result[0] != weights[0])
    return emitOpError("channels do not agree: ")
           << getInput().getType() << " with " << getWeights().getType() << " in " << groups
           << " groups to " << getResult().getType();
  if (getBias() && shapeOf(getBias()) != ArrayRef<int64_t>{weights[0]})
    return emitOpError("bias must have ")
           << weights[0] << " elements, found " << getBias().getType();
  return success();
}

LogicalResult AvgPoolOp::verify() {
  if (failed(verifyWindow(*this, shapeOf(getInput()), shapeOf(getResult()), getKernel(),
                          getStrides(), getPads(), {1, 1})))
    return failure();
  if (shapeOf(getInput())[0] != shapeOf(getResult())[0])
    return emitOpError("must keep the channels");
  return success();
}

/// NumPy broadcasting of two static shapes; nullopt where they do not go together.
static std::optional<SmallVector<int64_t>> broadcast(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> out(std::max(a.size(), b.size()));
  for (size_t i = 0; i != out.size(); ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return std::nullopt;
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

static LogicalResult verifyBinary(Operation *op) {
  auto shape = broadcast(shapeOf(op->getOperand(0)), shapeOf(op->getOperand(1)));
  if (!shape || ArrayRef<int64_t>(*shape) != shapeOf(op->getResult(0)))
    return op->emitOpError("operands ")
           << op->getOperand(0).getType() << " and " << op->getOperand(1).getType()
           << " do not broadcast to " << op->getResult(0).getType();
  return success();
}

LogicalResult AddOp::verify() { return verifyBinary(*this); }
LogicalResult MulOp::verify() { return verifyBinary(*this); }
LogicalResult DivOp::verify() { return verifyBinary(*this); }

LogicalResult BinaryFunctionOp::verify() { return verifyBinary(*this); }

LogicalResult SelectOp::verify() {
  auto inner = broadcast(shapeOf(getOnTrue()), shapeOf(getOnFalse()));
  auto shape = inner ? broadcast(shapeOf(getCondition()), *inner) : std::nullopt;
  if (!shape || ArrayRef<int64_t>(*shape) != shapeOf(getResult()))
    return emitOpError("operands ")
           << getCondition().getType() << ", " << getOnTrue().getType() << " and "
           << getOnFalse().getType() << " do not broadcast to " << getResult().getType();
  return success();
}

LogicalResult ActivationOp::verify() {
  if (shapeOf(getInput()) != shapeOf(getResult()))
    return emitOpError("must keep the shape");
  return success();
}

LogicalResult BatchNormOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput());
  if (input.empty() || input != shapeOf(getResult()))
    return emitOpError("must keep the shape of an input with a channel axis");
  for (Value parameter : {getScale(), getBias(), getMean(), getVariance()})
    if (shapeOf(parameter) != ArrayRef<int64_t>{input[0]})
      return emitOpError("scale, bias, mean and variance must have ")
             << input[0] << " elements, found " << parameter.getType();
  return success();
}

static LogicalResult verifySameElement(Operation *op, Value input) {
  if (tensorOf(input).getElementType() != tensorOf(op->getResult(0)).getElementType())
    return op->emitOpError("must keep the element type, found ")
           << input.getType() << " to " << op->getResult(0).getType();
  return success();
}

LogicalResult ReshapeOp::verify() {
  if (tensorOf(getInput()).getNumElements() != tensorOf(getResult()).getNumElements())
    return emitOpError("must keep the number of elements: ")
           << getInput().getType() << " to " << getResult().getType();
  return verifySameElement(*this, getInput());
}

quant::UniformQuantizedPerAxisType
fhe::qnn::withQuantizedDimension(quant::UniformQuantizedPerAxisType type, int64_t axis) {
  return quant::UniformQuantizedPerAxisType::get(
      type.getFlags(), type.getStorageType(), type.getExpressedType(), type.getScales(),
      type.getZeroPoints(), int32_t(axis), type.getStorageTypeMin(), type.getStorageTypeMax());
}

LogicalResult TransposeOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult()),
                    permutation = getPermutation();
  SmallVector<bool> seen(input.size(), false);
  if (permutation.size() != input.size() || result.size() != input.size())
    return emitOpError("permutation must have one entry an axis");
  for (auto [d, axis] : llvm::enumerate(permutation)) {
    if (axis < 0 || axis >= int64_t(input.size()) || seen[axis])
      return emitOpError("permutation must name each axis once");
    seen[axis] = true;
    if (result[d] != input[axis])
      return emitOpError("result axis ") << d << " must have size " << input[axis];
  }
  // The quantized dimension of a per-channel type follows the permutation.
  Type element = tensorOf(getInput()).getElementType();
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element)) {
    auto other =
        dyn_cast<quant::UniformQuantizedPerAxisType>(tensorOf(getResult()).getElementType());
    int64_t axis = llvm::find(permutation, perAxis.getQuantizedDimension()) - permutation.begin();
    if (!other || withQuantizedDimension(perAxis, axis) != other)
      return emitOpError("the result must be quantized per channel along axis ")
             << axis << ", found " << getResult().getType();
    return success();
  }
  return verifySameElement(*this, getInput());
}

LogicalResult PadOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult()), low = getLow(),
                    high = getHigh();
  if (low.size() != input.size() || high.size() != input.size() || result.size() != input.size())
    return emitOpError("low and high must have one entry an axis");
  for (size_t d = 0; d != input.size(); ++d)
    if (low[d] < 0 || high[d] < 0 || result[d] != low[d] + input[d] + high[d])
      return emitOpError("axis ") << d << " does not add up to " << result[d];
  return verifySameElement(*this, getInput());
}

LogicalResult GatherOp::verify() {
  int64_t count = tensorOf(getInput()).getNumElements();
  if (int64_t(getSource().size()) != tensorOf(getResult()).getNumElements())
    return emitOpError("has ") << getSource().size() << " sources for a result of "
                               << tensorOf(getResult()).getNumElements() << " elements";
  for (int32_t source : getSource())
    if (source < -1 || source >= count)
      return emitOpError("source ") << source << " is outside the input's " << count << " elements";
  if (isa<quant::UniformQuantizedPerAxisType>(tensorOf(getInput()).getElementType()))
    return emitOpError("input must not be quantized per channel");
  return verifySameElement(*this, getInput());
}

LogicalResult MaxOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput());
  if (input.empty() || input.drop_back() != shapeOf(getResult()))
    return emitOpError("must drop the last axis: ")
           << getInput().getType() << " to " << getResult().getType();
  if (isa<quant::UniformQuantizedPerAxisType>(tensorOf(getInput()).getElementType()))
    return emitOpError("input must not be quantized per channel");
  return verifySameElement(*this, getInput());
}

/// Of operations along an axis that keep the shape.
static LogicalResult verifyAlongAxis(Operation *op, int64_t axis) {
  ArrayRef<int64_t> input = shapeOf(op->getOperand(0));
  if (input != shapeOf(op->getResult(0)))
    return op->emitOpError("must keep the shape");
  if (axis < 0 || axis >= int64_t(input.size()))
    return op->emitOpError("axis ") << axis << " is none of " << op->getOperand(0).getType();
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifyAlongAxis(*this, getAxis()); }
LogicalResult HardmaxOp::verify() { return verifyAlongAxis(*this, getAxis()); }

LogicalResult StatisticOp::verify() {
  ArrayRef<int64_t> result = shapeOf(getResult());
  int64_t count = ShapedType::getNumElements(shapeOf(getInput()));
  if (result.size() != 1 || result[0] == 0 || count == 0 || count % result[0] != 0)
    return emitOpError("must have one axis whose size divides the number of elements: ")
           << getInput().getType() << " to " << getResult().getType();
  return success();
}

LogicalResult TopKOp::verify() {
  SmallVector<int64_t> shape(shapeOf(getInput()));
  if (getAxis() < 0 || getAxis() >= int64_t(shape.size()))
    return emitOpError("axis ") << getAxis() << " is none of " << getInput().getType();
  if (getK() < 1 || getK() > shape[getAxis()])
    return emitOpError("k is ") << getK() << ", allowed are 1 to " << shape[getAxis()];
  if (getLast() && (getK() != 1 || !getIndices()))
    return emitOpError("`last` needs k = 1 and `indices`");
  shape[getAxis()] = getK();
  if (ArrayRef<int64_t>(shape) != shapeOf(getResult()))
    return emitOpError("must have ") << getK() << " elements along axis " << getAxis() << ": "
                                     << getInput().getType() << " to " << getResult().getType();
  return success();
}

LogicalResult OneHotOp::verify() {
  ArrayRef<int64_t> result = shapeOf(getResult());
  if (result.empty() || result.drop_back() != shapeOf(getInput()))
    return emitOpError("must add one axis at the end: ")
           << getInput().getType() << " to " << getResult().getType();
  return success();
}

LogicalResult ConcatOp::verify() {
  ArrayRef<int64_t> result = shapeOf(getResult());
  int64_t axis = getAxis(), total = 0;
  if (getInputs().empty() || axis < 0 || axis >= int64_t(result.size()))
    return emitOpError("needs operands and an axis of the result");
  for (Value input : getInputs()) {
    ArrayRef<int64_t> shape = shapeOf(input);
    if (shape.size() != result.size())
      return emitOpError("operands must have the rank of the result");
    for (size_t d = 0; d != shape.size(); ++d)
      if (int64_t(d) != axis && shape[d] != result[d])
        return emitOpError("operand axis ") << d << " must have size " << result[d];
    total += shape[axis];
  }
  // Operands of different scales give real numbers; equal ones keep their type.
  Type element = tensorOf(getResult()).getElementType();
  if (!element.isF32())
    for (Value input : getInputs())
      if (failed(verifySameElement(*this, input)))
        return failure();
  if (total != result[axis])
    return emitOpError("axis ") << axis << " must have size " << total;
  return success();
}
