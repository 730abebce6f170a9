//===- Layout.cpp - Import of operators that move elements ----------------------===//
//
// An activation loses its batch dimension at import, so an operator that would
// move, merge or remove it is refused. Constants are folded.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

LogicalResult refuseBatch(Node &node, ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  return node.refuse(
      diag::BatchMoved,
      "moves, merges or removes the batch dimension: " + describeShape(from) + " to " +
          describeShape(to),
      {"help: keep dimension 0 as the batch, for example x.reshape(x.shape[0], -1)"});
}

/// A constant under another shape of the same size.
static LogicalResult defineReshaped(Node &node, const ConstantTensor &input,
                                    ArrayRef<int64_t> shape) {
  ConstantTensor result = input;
  result.shape.assign(shape.begin(), shape.end());
  return node.define(std::move(result));
}

/// Defines the node's output as its input under the ONNX shape `shape` (with the batch where the
/// input has one).
static LogicalResult defineView(Node &node, ArrayRef<int64_t> shape) {
  const Tensor &input = node.input(0);
  SmallVector<int64_t> from = node.onnxShape(input);
  ArrayRef<int64_t> sample = shape;
  bool encrypted = node.hidesBatch(input);
  if (encrypted) {
    if (shape.empty() || (shape.front() != node.importer.batchSize() && shape.front() != 1))
      return refuseBatch(node, from, shape);
    sample = shape.drop_front();
  }
  ArrayRef<int64_t> fromSample = ArrayRef(from).drop_front(encrypted ? 1 : 0);
  if (llvm::is_contained(sample, kBatch))
    return refuseBatch(node, from, shape);
  int64_t count = countElements(sample);
  if (count < 0 || count != countElements(fromSample))
    return node.refuse(diag::ShapeMismatch,
                       "cannot view " + describeShape(from) + " as " + describeShape(shape));
  if (input.constant)
    return defineReshaped(node, *input.constant, sample);
  FailureOr<Tensor> tensor = node.valueInput(0);
  if (failed(tensor))
    return failure();
  FailureOr<Value> view = reshapeClear(node, tensor->value, sample);
  if (failed(view))
    return failure();
  return node.define(*view, tensor->clear);
}

/// The per-axis dimension `axis` of `from` in `to`, where the two differ in dimensions of size 1
/// only and that axis is not one of them.
static FailureOr<int64_t> followAxis(ArrayRef<int64_t> from, ArrayRef<int64_t> to, int64_t axis) {
  auto isOne = [](int64_t size) { return size == 1; };
  SmallVector<int64_t> a(from), b(to);
  llvm::erase_if(a, isOne);
  llvm::erase_if(b, isOne);
  if (a != b || from[axis] == 1)
    return failure();
  int64_t rank = axis - llvm::count_if(from.take_front(axis), isOne);
  for (auto [d, size] : llvm::enumerate(to))
    if (size != 1 && rank-- == 0)
      return int64_t(d);
  return failure();
}

/// The element type after a reshape; per-axis types follow their axis.
static FailureOr<Type> reshapedElement(Node &node, Type element, ArrayRef<int64_t> from,
                                       ArrayRef<int64_t> to) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element);
  if (!perAxis)
    return element;
  FailureOr<int64_t> axis = followAxis(from, to, perAxis.getQuantizedDimension());
  if (failed(axis))
    return node.refuse(diag::UnsupportedForm, "reshapes a per-channel quantized constant from " +
                                                  describeShape(from) + " to " + describeShape(to));
  return Type(qnn::withQuantizedDimension(perAxis, *axis));
}

FailureOr<Value> reshapeClear(Node &node, Value value, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> to(shape);
  if (shapeOf(value) == ArrayRef(to))
    return value;
  FailureOr<Type> element = reshapedElement(node, elementOf(value), shapeOf(value), to);
  if (failed(element))
    return failure();
  FailureOr<RankedTensorType> type = node.tensorType(to, *element);
  if (failed(type))
    return failure();
  // qnn.reshape keeps the element type; per channel, the view moves into the constant.
  if (isa<quant::UniformQuantizedPerAxisType>(*element)) {
    if (auto constant = value.getDefiningOp<qnn::ConstantOp>()) {
      auto values = cast<DenseElementsAttr>(constant.getValue());
      auto attr = values.reshape(RankedTensorType::get(to, values.getElementType()));
      return Value(qnn::ConstantOp::create(node.builder, node.loc, *type, attr));
    }
    if (auto quantize = value.getDefiningOp<qnn::QuantizeOp>()) {
      FailureOr<Value> input = reshapeClear(node, quantize.getInput(), to);
      if (failed(input))
        return failure();
      return Value(qnn::QuantizeOp::create(node.builder, quantize.getLoc(), *type, *input,
                                           quantize.getKind(), quantize.getRounding()));
    }
    return node.refuse(diag::UnsupportedForm,
                       "reshapes a per-channel quantized tensor that is not a constant");
  }
  return Value(qnn::ReshapeOp::create(node.builder, node.loc, *type, value));
}

//===-------------------------------------------------------------------------===//
// Reshape, Flatten, Squeeze, Unsqueeze
//===-------------------------------------------------------------------------===//

LogicalResult importReshape(Node &node) {
  SmallVector<int64_t> target;
  int64_t allowZero = 0;
  if (failed(node.attribute("allowzero", allowZero)) || failed(node.attribute("shape", target)))
    return failure();
  if (!node.hasAttribute("shape")) {
    FailureOr<std::vector<int64_t>> values = node.integerInput(1, "shape");
    if (failed(values))
      return failure();
    target.assign(values->begin(), values->end());
  }
  SmallVector<int64_t> from = node.onnxShape(node.input(0));
  const SmallVector<int64_t> written = target;
  for (auto [d, size] : llvm::enumerate(target))
    if (size == 0 && !allowZero) {
      if (d >= from.size())
        return node.refuse(diag::ShapeMismatch, "shape " + describeShape(written) +
                                                    " copies a dimension that " +
                                                    describeShape(from) + " does not have");
      size = from[d];
    }
  if (llvm::any_of(target, [](int64_t size) { return size < -1 && size != kBatch; }) ||
      llvm::count(target, -1) > 1)
    return node.refuse(diag::ShapeMismatch, "shape " + describeShape(written) +
                                                " has negative dimensions or several -1");
  // The -1: along the batch it is the batch, or defineView refuses the sizes.
  if (auto *free = llvm::find(target, -1); free != target.end()) {
    bool encrypted = node.hidesBatch(node.input(0));
    SmallVector<int64_t> rest(target), all(from);
    rest.erase(rest.begin() + (free - target.begin()));
    if (encrypted && free == target.begin()) {
      *free = node.importer.batchSize();
    } else {
      // Batch sizes on both sides cancel.
      for (SmallVector<int64_t> *shape : {&rest, &all})
        for (int64_t &size : *shape)
          size = size == kBatch ? 1 : size;
      int64_t known = countElements(rest), total = countElements(all);
      if (known <= 0 || total % known)
        return node.refuse(diag::ShapeMismatch,
                           "cannot view " + describeShape(from) + " as " + describeShape(written));
      *free = total / known;
    }
  }
  return defineView(node, target);
}

LogicalResult importFlatten(Node &node) {
  int64_t axis = 1;
  if (failed(node.attribute("axis", axis)))
    return failure();
  SmallVector<int64_t> from = node.onnxShape(node.input(0));
  int64_t rank = from.size();
  if (axis < -rank || axis > rank)
    return node.refuse(diag::ShapeMismatch, "axis " + llvm::Twine(axis) +
                                                " is outside a tensor of rank " +
                                                llvm::Twine(rank));
  if (axis < 0)
    axis += rank;
  int64_t outer = 1, inner = 1;
  bool symbolic = false;
  for (int64_t d = 0; d != rank; ++d)
    if (from[d] == kBatch)
      symbolic = true;
    else
      (d < axis ? outer : inner) *= from[d];
  if (node.hidesBatch(node.input(0)) && (axis == 0 || outer != 1))
    return refuseBatch(node, from, {outer, inner});
  return defineView(node, {symbolic ? kBatch : outer, inner});
}

LogicalResult importSqueeze(Node &node) {
  auto axes = node.axes(1);
  if (failed(axes))
    return failure();
  SmallVector<int64_t> from = node.onnxShape(node.input(0)), to;
  SmallVector<bool> removed(from.size(), false);
  if (!*axes)
    for (auto [d, size] : llvm::enumerate(from))
      removed[d] = size == 1;
  for (int64_t axis : axes->value_or(SmallVector<int64_t>())) {
    FailureOr<int64_t> d = node.normalizeAxis(axis, from.size());
    if (failed(d))
      return failure();
    removed[*d] = true;
    if (from[*d] != 1 && from[*d] != kBatch)
      return node.refuse(diag::ShapeMismatch, "axis " + llvm::Twine(axis) + " of " +
                                                  describeShape(from) + " is not of size 1");
  }
  for (auto [d, size] : llvm::enumerate(from))
    if (!removed[d])
      to.push_back(size);
  if (node.hidesBatch(node.input(0)) && removed[0])
    return refuseBatch(node, from, to);
  return defineView(node, to);
}

LogicalResult importUnsqueeze(Node &node) {
  auto axes = node.axes(1);
  if (failed(axes))
    return failure();
  if (!*axes)
    return node.refuse(diag::MalformedNode, "lacks its axes");
  SmallVector<int64_t> from = node.onnxShape(node.input(0)), to;
  if ((*axes)->size() > 16)
    return node.refuse(diag::UnsupportedForm, "adds more than 16 dimensions");
  SmallVector<bool> added(from.size() + (*axes)->size(), false);
  for (int64_t axis : **axes) {
    FailureOr<int64_t> d = node.normalizeAxis(axis, added.size());
    if (failed(d))
      return failure();
    if (added[*d])
      return node.refuse(diag::MalformedNode, "names axis " + llvm::Twine(axis) + " twice");
    added[*d] = true;
  }
  size_t next = 0;
  for (bool isNew : added)
    to.push_back(isNew ? 1 : from[next++]);
  if (node.hidesBatch(node.input(0)) && added[0])
    return refuseBatch(node, from, to);
  return defineView(node, to);
}

//===-------------------------------------------------------------------------===//
// Transpose, Concat
//===-------------------------------------------------------------------------===//

FailureOr<Value> transposeValue(Node &node, Value value, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape;
  for (int64_t axis : permutation)
    shape.push_back(shapeOf(value)[axis]);
  Type element = elementOf(value);
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element)) {
    auto *at = llvm::find(permutation, perAxis.getQuantizedDimension());
    element = qnn::withQuantizedDimension(perAxis, at - permutation.begin());
  }
  auto type = RankedTensorType::get(shape, element);
  return Value(qnn::TransposeOp::create(node.builder, node.loc, type, value, permutation));
}

LogicalResult importTranspose(Node &node) {
  const Tensor &input = node.input(0);
  SmallVector<int64_t> from = node.onnxShape(input), perm;
  if (failed(node.attribute("perm", perm)))
    return failure();
  int64_t rank = from.size();
  if (!node.hasAttribute("perm"))
    for (int64_t d = rank; d-- > 0;)
      perm.push_back(d);
  SmallVector<int64_t> sorted(perm), to;
  llvm::sort(sorted);
  if (int64_t(perm.size()) != rank || !llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return node.refuse(diag::ShapeMismatch,
                       "perm must name each of " + llvm::Twine(rank) + " axes once");
  for (int64_t axis : perm)
    to.push_back(from[axis]);
  if (input.constant)
    return node.define(transposed(*input.constant, perm));
  FailureOr<Tensor> tensor = node.valueInput(0);
  if (failed(tensor))
    return failure();
  if (node.hidesBatch(*tensor)) {
    if (perm.front() != 0)
      return refuseBatch(node, from, to);
    perm.erase(perm.begin());
    for (int64_t &axis : perm)
      --axis;
  }
  FailureOr<Value> value = transposeValue(node, tensor->value, perm);
  if (failed(value))
    return failure();
  return node.define(*value, tensor->clear);
}

/// Operand `i` of a Concat as an activation without batch; constants must have batch size 1.
static FailureOr<Value> concatOperand(Node &node, int i) {
  FailureOr<Tensor> tensor = node.valueInput(i);
  if (failed(tensor) || !tensor->clear || node.importer.wholeTensors())
    return failed(tensor) ? FailureOr<Value>(failure()) : FailureOr<Value>(tensor->value);
  ArrayRef<int64_t> shape = shapeOf(tensor->value);
  if (shape.empty() || shape.front() != 1)
    return node.refuse(diag::BatchMoved, "joins the constant '" + node.proto.input(i) +
                                             "' of shape " + describeShape(shape) +
                                             " with encrypted tensors: its batch size must be 1");
  return reshapeClear(node, tensor->value, shape.drop_front());
}

FailureOr<Value> concatValues(Node &node, ArrayRef<Value> values, int64_t axis) {
  if (values.size() == 1)
    return values.front();
  SmallVector<int64_t> shape(shapeOf(values.front()));
  shape[axis] = 0;
  Type element = elementOf(values.front());
  for (Value value : values) {
    shape[axis] += shapeOf(value)[axis];
    if (elementOf(value) != element)
      element = node.builder.getF32Type();
  }
  // Encrypted operands are joined two by two later, each time with a list of all elements.
  FailureOr<RankedTensorType> type = node.tensorType(shape, element);
  if (failed(type) ||
      (values.size() > 2 &&
       failed(node.charge(8 * int64_t(values.size()) * countElements(shape)))))
    return failure();
  return Value(qnn::ConcatOp::create(node.builder, node.loc, *type, values, axis));
}

LogicalResult importConcat(Node &node) {
  int64_t axis = 1; // the default before operator set 4
  if (!node.hasAttribute("axis") && node.opset() >= 4)
    return node.refuse(diag::MalformedNode, "lacks its attribute 'axis'");
  if (failed(node.attribute("axis", axis)))
    return failure();
  SmallVector<Constant> constants;
  bool encrypted = false;
  for (int i = 0; i != node.proto.input_size(); ++i) {
    if (!node.has(i))
      return node.refuse(diag::MalformedNode, "has an input without a name");
    encrypted |= node.input(i).isEncrypted();
    if (node.input(i).constant)
      constants.push_back(node.input(i).constant);
  }
  FailureOr<int64_t> normalized = node.normalizeAxis(axis, node.onnxShape(node.input(0)).size());
  if (failed(normalized))
    return failure();
  if (int(constants.size()) == node.proto.input_size())
    return foldConcat(node, constants, *normalized);
  if (!encrypted)
    return node.refuse(diag::UnsupportedForm, "joins quantized constants");
  bool hidden = !node.importer.wholeTensors();
  if (*normalized == 0 && hidden)
    return node.refuse(diag::BatchMoved, "joins along the batch dimension");
  SmallVector<Value> operands;
  for (int i = 0; i != node.proto.input_size(); ++i) {
    FailureOr<Value> operand = concatOperand(node, i);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  *normalized -= hidden;
  SmallVector<int64_t> shape(shapeOf(operands.front()));
  if (*normalized >= int64_t(shape.size()))
    return node.refuse(diag::ShapeMismatch, "joins tensors without dimensions");
  for (Value operand : operands) {
    ArrayRef<int64_t> other = shapeOf(operand);
    bool same = other.size() == shape.size();
    for (size_t d = 0; same && d != shape.size(); ++d)
      same = int64_t(d) == *normalized || other[d] == shape[d];
    if (!same)
      return node.refuse(diag::ShapeMismatch, "cannot join shapes " + describeShape(shape) +
                                                  " and " + describeShape(other) +
                                                  (hidden ? " (without batch)" : ""));
  }
  FailureOr<Value> joined = concatValues(node, operands, *normalized);
  return failed(joined) ? failure() : node.define(*joined);
}

} // namespace fhe::import
