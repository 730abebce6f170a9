//===- Node.cpp - Checked access to one ONNX node -------------------------------===//
#include "compiler/import/IntegerTensors.h"
#include "dialects/shared/Printable.h"
#include <cmath>

using namespace mlir;

namespace fhe::import {

LogicalResult refuse(Location loc, const char *id, const llvm::Twine &message,
                     ArrayRef<std::string> notes) {
  InFlightDiagnostic diagnostic = emitError(loc) << printable(message.str()) << " [" << id << "]";
  for (const std::string &note : notes)
    diagnostic.attachNote(UnknownLoc::get(loc.getContext())) << printable(note); // names no node again
  return diagnostic;
}

std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? "," : "") + (size == kBatch ? std::string("batch") : std::to_string(size));
  return text + "]";
}

//===-------------------------------------------------------------------------===//
// Inputs
//===-------------------------------------------------------------------------===//

FailureOr<Constant> Node::constantInput(int i, StringRef what) const {
  if (!has(i))
    return refuse(diag::MalformedNode, "lacks its " + what + " (input " + llvm::Twine(i) + ")");
  const Tensor &tensor = input(i);
  if (!tensor.constant)
    return refuse(diag::NotConstant,
                  what + llvm::Twine(" '") + proto.input(i) + "' must be a constant of the file");
  return tensor.constant;
}

FailureOr<std::vector<int64_t>> Node::integerInput(int i, StringRef what) const {
  FailureOr<Constant> constant = constantInput(i, what);
  if (failed(constant))
    return failure();
  if ((*constant)->isReal)
    return refuse(diag::IntegerTensor,
                  what + llvm::Twine(" '") + proto.input(i) + "' must hold integers");
  return (*constant)->integers;
}

FailureOr<std::vector<float>> Node::realInput(int i, StringRef what) const {
  FailureOr<Constant> constant = constantInput(i, what);
  if (failed(constant))
    return failure();
  if ((*constant)->isReal)
    return (*constant)->reals;
  std::vector<float> reals;
  for (int64_t value : (*constant)->integers) {
    if (std::abs(double(value)) > double(1 << 24))
      return refuse(diag::IntegerTensor, what + llvm::Twine(" '") + proto.input(i) + "' holds " +
                                             llvm::Twine(value) +
                                             ", which is not exact in 32-bit floats");
    reals.push_back(float(value));
  }
  return reals;
}

FailureOr<Tensor> Node::valueInput(int i) const {
  if (!has(i))
    return refuse(diag::MalformedNode, "lacks input " + llvm::Twine(i));
  return valueOf(input(i), proto.input(i));
}

FailureOr<Tensor> Node::valueOf(const Tensor &tensor, StringRef name) const {
  if (tensor.pending) {
    FailureOr<Value> value = movedIntegers(*tensor.pending, name);
    if (failed(value))
      return failure();
    return Tensor{nullptr, *value, nullptr, tensor.pending->clear};
  }
  if (!tensor.constant)
    return tensor;
  FailureOr<Value> value = realValue(*tensor.constant, "input '" + name + "'");
  if (failed(value))
    return failure();
  Tensor result{nullptr, *value, nullptr, true};
  result.integral = !tensor.constant->isReal;
  return result;
}

/// Operators that choose among their input's elements.
static bool movesElements(StringRef op) {
  static const StringRef movers[] = {
      "Concat",  "DepthToSpace", "Expand",  "Flatten", "Gather",    "Identity", "MaxPool",   "Reshape",
      "Slice",   "SpaceToDepth", "Split",   "Squeeze", "Tile",      "Transpose", "Unsqueeze"};
  return llvm::is_contained(movers, op);
}

FailureOr<Value> Node::movedIntegers(const PendingQuantizer &pending, StringRef name) const {
  // The largest of a network's inputs is nothing a client computes.
  bool largest = pending.isInput && op() == "MaxPool";
  if (pending.clear || largest || !movesElements(op()))
    return refuse(diag::QuantizePair,
                  "input '" + name + "' is the integer " +
                      (pending.isInput ? "input of the network"
                                       : "output of a " + pending.description) +
                      ", which only Clip and DequantizeLinear may take",
                  {"others that take integers are quantized operators (QLinearConv, QLinearMatMul, "
                   "ConvInteger, MatMulInteger), Cast, and what moves them (Reshape, MaxPool, ...)"});
  bool same = !moved || (moved->dataType == pending.dataType && moved->isInput == pending.isInput &&
                         (pending.isInput || (moved->scales == pending.scales &&
                                              moved->zeroPoints == pending.zeroPoints)));
  if (!same)
    return refuse(diag::QuantizePair, "joins integers of unequal scales or zero points",
                  {"help: export in the QDQ format, where Concat takes real numbers"});
  FailureOr<Value> value =
      pending.isInput ? FailureOr<Value>(pending.input) : quantizedValue(*this, pending);
  if (failed(value))
    return failure();
  int64_t lo = moved ? std::min(moved->lo, pending.lo) : pending.lo,
          hi = moved ? std::max(moved->hi, pending.hi) : pending.hi;
  moved = std::make_shared<PendingQuantizer>(pending);
  moved->lo = lo;
  moved->hi = hi;
  moved->producer = loc;
  return value;
}

FailureOr<Value> Node::realValue(const ConstantTensor &constant, const llvm::Twine &what) const {
  if (constant.isReal)
    return materialize(constant);
  bool isTruth = constant.dataType == onnx::TensorProto::BOOL;
  if (!isTruth && !importer.wholeTensors())
    return refuse(diag::IntegerTensor, what + " holds integers (" + dataTypeName(constant.dataType) +
                                           "), expected real numbers");
  ConstantTensor reals = constant;
  reals.isReal = true;
  reals.integers.clear();
  for (int64_t value : constant.integers) {
    if (double(float(value)) != double(value) || value == kBatch)
      return refuse(diag::IntegerTensor, what + " holds " + llvm::Twine(value) +
                                             ", which is not exact in 32-bit floats");
    reals.reals.push_back(isTruth ? float(value != 0) : float(value));
  }
  return materialize(reals);
}

FailureOr<Value> Node::encryptedInput(int i) const {
  FailureOr<Tensor> tensor = valueInput(i);
  if (failed(tensor))
    return failure();
  if (tensor->clear)
    return refuse(diag::UnsupportedForm,
                  "input '" + proto.input(i) +
                      "' is a constant, expected a tensor computed from the network's inputs");
  return tensor->value;
}

//===-------------------------------------------------------------------------===//
// Attributes
//===-------------------------------------------------------------------------===//

bool Node::hasAttribute(StringRef name) const {
  return llvm::any_of(proto.attribute(), [&](const auto &a) { return a.name() == name; });
}

const onnx::AttributeProto *Node::findAttribute(StringRef name) {
  seen.insert(name);
  for (const onnx::AttributeProto &attribute : proto.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

LogicalResult Node::wrongType(StringRef name, StringRef expected) const {
  return refuse(diag::MalformedNode, "attribute '" + name + "' must be " + expected);
}

/// Very old exporters leave `type` unset; then the field that is there decides.
static bool hasType(const onnx::AttributeProto &attribute, onnx::AttributeProto::AttributeType type,
                    bool present) {
  return attribute.has_type() ? attribute.type() == type : present;
}

LogicalResult Node::attribute(StringRef name, int64_t &value) {
  if (const auto *a = findAttribute(name)) {
    if (!hasType(*a, onnx::AttributeProto::INT, a->has_i()))
      return wrongType(name, "an integer");
    value = a->i();
  }
  return success();
}

LogicalResult Node::attribute(StringRef name, float &value) {
  if (const auto *a = findAttribute(name)) {
    if (!hasType(*a, onnx::AttributeProto::FLOAT, a->has_f()))
      return wrongType(name, "a float");
    if (!std::isfinite(a->f()))
      return refuse(diag::NotFinite, "attribute '" + name + "' is NaN or infinite");
    value = a->f();
  }
  return success();
}

LogicalResult Node::attribute(StringRef name, std::string &value) {
  if (const auto *a = findAttribute(name)) {
    if (!hasType(*a, onnx::AttributeProto::STRING, a->has_s()))
      return wrongType(name, "a string");
    value = a->s();
  }
  return success();
}

LogicalResult Node::attribute(StringRef name, SmallVector<int64_t> &value) {
  if (const auto *a = findAttribute(name)) {
    if (!hasType(*a, onnx::AttributeProto::INTS, true))
      return wrongType(name, "a list of integers");
    value.assign(a->ints().begin(), a->ints().end());
  }
  return success();
}

LogicalResult Node::attribute(StringRef name, const onnx::TensorProto *&value) {
  if (const auto *a = findAttribute(name)) {
    if (!hasType(*a, onnx::AttributeProto::TENSOR, a->has_t()))
      return wrongType(name, "a tensor");
    value = &a->t();
  }
  return success();
}

LogicalResult Node::checkAttributes() const {
  for (const onnx::AttributeProto &attribute : proto.attribute())
    if (!seen.contains(attribute.name()))
      return refuse(diag::MalformedNode,
                    "attribute '" + attribute.name() + "' is not one of this operator");
  return success();
}

FailureOr<std::optional<SmallVector<int64_t>>> Node::axes(int i) {
  SmallVector<int64_t> axes;
  if (failed(attribute("axes", axes)))
    return failure();
  if (hasAttribute("axes"))
    return std::optional(axes);
  if (!has(i))
    return std::optional<SmallVector<int64_t>>();
  FailureOr<std::vector<int64_t>> values = integerInput(i, "axes");
  if (failed(values))
    return failure();
  return std::optional(SmallVector<int64_t>(ArrayRef(*values)));
}

FailureOr<int64_t> Node::normalizeAxis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return refuse(diag::ShapeMismatch, "axis " + llvm::Twine(axis) +
                                           " is outside a tensor of rank " + llvm::Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

//===-------------------------------------------------------------------------===//
// Values
//===-------------------------------------------------------------------------===//

SmallVector<int64_t> Node::onnxShape(const Tensor &tensor) const {
  if (tensor.constant)
    return tensor.constant->shape;
  Value value = tensor.pending ? tensor.pending->input : tensor.value;
  SmallVector<int64_t> shape;
  if (hidesBatch(tensor))
    shape.push_back(importer.batchSize());
  llvm::append_range(shape, shapeOf(value));
  return shape;
}

FailureOr<RankedTensorType> Node::tensorType(ArrayRef<int64_t> shape, Type element) const {
  int64_t count = countElements(shape);
  if (count < 1)
    return refuse(diag::TooLarge, "gives a tensor of shape " + describeShape(shape) +
                                      "; between 1 and " + llvm::Twine(kMaxElements) +
                                      " elements are supported");
  return RankedTensorType::get(shape, element ? element : Type(Float32Type::get(loc.getContext())));
}

FailureOr<Value> Node::materialize(const ConstantTensor &constant,
                                   std::optional<ArrayRef<int64_t>> shape) const {
  FailureOr<RankedTensorType> type = tensorType(shape.value_or(constant.shape));
  if (failed(type) || failed(charge(constant.size())))
    return failure();
  auto attr = DenseElementsAttr::get(*type, ArrayRef<float>(constant.reals));
  return qnn::ConstantOp::create(builder, loc, *type, attr).getResult();
}

Value Node::scalar(float value) const {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  return qnn::ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, value));
}

LogicalResult Node::charge(int64_t elements) const {
  importer.touchedElements += elements;
  if (importer.touchedElements <= importer.touchedLimit())
    return success();
  return refuse(diag::TooLarge, "the constants of the network, with those computed from them, have "
                                "more than " +
                                    llvm::Twine(importer.touchedLimit()) + " elements");
}

LogicalResult Node::define(const Tensor &tensor) { return define(0, tensor); }

LogicalResult Node::define(int output, Tensor tensor) {
  if (moved && tensor.value && !tensor.clear) {
    moved->input = tensor.value;
    moved->quantized = moved->isInput ? Value() : tensor.value;
    tensor = Tensor{nullptr, {}, std::make_shared<PendingQuantizer>(*moved), false};
  }
  if (output < proto.output_size() && !proto.output(output).empty())
    importer.define(proto.output(output), std::move(tensor));
  return success();
}

LogicalResult Node::define(Value value, bool clear) {
  Tensor tensor{nullptr, value, nullptr, clear};
  // Only Cast changes the kind of its numbers; it sets it itself.
  tensor.integral = proto.input_size() && llvm::all_of(proto.input(), [&](const std::string &name) {
    const Tensor *input = importer.find(name);
    return input && (input->constant ? !input->constant->isReal : input->integral);
  });
  return define(0, tensor);
}

LogicalResult Node::define(ConstantTensor constant) {
  constant.name = proto.output(0);
  if (failed(charge(constant.size())))
    return failure();
  return define(Tensor{std::make_shared<ConstantTensor>(std::move(constant)), {}, nullptr, true});
}

} // namespace fhe::import
