//===- Integers.cpp - Shape arithmetic ------------------------------------------===//
//
// Exporters spell shapes as graphs of integer operators. All of it is evaluated
// here; a symbolic batch size goes through as kBatch.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include <cmath>

using namespace mlir;
using onnx::TensorProto;

namespace fhe::import {

static ConstantTensor integers(ArrayRef<int64_t> values, ArrayRef<int64_t> shape) {
  ConstantTensor result;
  result.shape.assign(shape.begin(), shape.end());
  result.integers.assign(values.begin(), values.end());
  result.dataType = TensorProto::INT64;
  return result;
}

LogicalResult importShape(Node &node) {
  SmallVector<int64_t> shape = node.onnxShape(node.input(0));
  int64_t rank = shape.size(), start = 0, end = rank;
  if (failed(node.attribute("start", start)) || failed(node.attribute("end", end)))
    return failure();
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  ArrayRef<int64_t> part = ArrayRef(shape).slice(start, end - start);
  return node.define(integers(part, {int64_t(part.size())}));
}

LogicalResult importSize(Node &node) {
  SmallVector<int64_t> shape = node.onnxShape(node.input(0));
  int64_t count = countElements(shape);
  if (count < 0)
    return node.refuse(diag::IntegerTensor, "computes with a symbolic batch size");
  return node.define(integers(count, {}));
}

/// Input 0 as a constant; activations are refused by name of the operator.
static FailureOr<Constant> constantOnly(Node &node) {
  if (!node.input(0).constant)
    return node.refuse(diag::UnsupportedOperator,
                       "is supported on constants and shapes only, not on encrypted tensors");
  return node.input(0).constant;
}

LogicalResult importGather(Node &node) {
  int64_t axis = 0;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Constant> data = constantOnly(node);
  FailureOr<Constant> indices =
      failed(data) ? FailureOr<Constant>(failure()) : node.constantInput(1, "indices");
  if (failed(indices))
    return failure();
  FailureOr<int64_t> d = node.normalizeAxis(axis, (*data)->shape.size());
  if (failed(d))
    return failure();
  ArrayRef<int64_t> shape = (*data)->shape;
  SmallVector<int64_t> result(shape.take_front(*d));
  llvm::append_range(result, (*indices)->shape);
  llvm::append_range(result, shape.drop_front(*d + 1));
  if ((*indices)->isReal || countElements(result, kMaxFoldedElements) < 0)
    return node.refuse(diag::IntegerTensor, "indices must be integers, and few");
  ConstantTensor out = emptyLike(**data, result);
  int64_t size = shape[*d], outer = countElements(shape.take_front(*d)),
          inner = countElements(shape.drop_front(*d + 1));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : (*indices)->integers) {
      if (index < -size || index >= size)
        return node.refuse(diag::ShapeMismatch, "index " + llvm::Twine(index) +
                                                    " is outside dimension of size " +
                                                    llvm::Twine(size));
      int64_t at = index < 0 ? index + size : index;
      for (int64_t i = 0; i < inner; ++i)
        appendElement(out, **data, (o * size + at) * inner + i);
    }
  return node.define(std::move(out));
}

/// One of starts, ends, axes, steps: an attribute in older operator sets, an input in newer ones.
static FailureOr<SmallVector<int64_t>> sliceList(Node &node, int i, StringRef name) {
  SmallVector<int64_t> list;
  if (failed(node.attribute(name, list)))
    return failure();
  if (node.hasAttribute(name) || !node.has(i))
    return list;
  FailureOr<std::vector<int64_t>> values = node.integerInput(i, name);
  if (failed(values))
    return failure();
  return SmallVector<int64_t>(ArrayRef(*values));
}

/// The source indices that a slice takes along a dimension of `size` (ONNX Slice-13).
static SmallVector<int64_t> sliceIndices(int64_t start, int64_t end, int64_t step, int64_t size) {
  auto clampTo = [&](int64_t v, int64_t lo, int64_t hi) {
    return std::clamp(v < 0 ? v + size : v, lo, hi);
  };
  SmallVector<int64_t> indices;
  if (step > 0)
    for (int64_t i = clampTo(start, 0, size), e = clampTo(end, 0, size); i < e;) {
      indices.push_back(i);
      if (step >= size)
        break;
      i += step;
    }
  else
    for (int64_t i = clampTo(start, 0, size - 1), e = clampTo(end, -1, size - 1); i > e;) {
      indices.push_back(i);
      if (step <= -size)
        break;
      i += step;
    }
  return indices;
}

LogicalResult importSlice(Node &node) {
  auto starts = sliceList(node, 1, "starts"), ends = sliceList(node, 2, "ends"),
       axes = sliceList(node, 3, "axes"), steps = sliceList(node, 4, "steps");
  if (failed(starts) || failed(ends) || failed(axes) || failed(steps))
    return failure();
  FailureOr<Constant> data = constantOnly(node);
  if (failed(data))
    return failure();
  if (axes->empty())
    axes->assign(llvm::seq<int64_t>(0, starts->size()).begin(),
                 llvm::seq<int64_t>(0, starts->size()).end());
  if (steps->empty())
    steps->assign(starts->size(), 1);
  if (ends->size() != starts->size() || axes->size() != starts->size() ||
      steps->size() != starts->size() || starts->size() > (*data)->shape.size())
    return node.refuse(diag::ShapeMismatch, "starts, ends, axes and steps do not fit together");
  if (failed(node.charge((*data)->size())))
    return failure();
  ConstantTensor current = **data;
  for (size_t k = 0; k != starts->size(); ++k) {
    FailureOr<int64_t> d = node.normalizeAxis((*axes)[k], current.shape.size());
    if (failed(d))
      return failure();
    if ((*steps)[k] == 0)
      return node.refuse(diag::MalformedNode, "has step 0");
    ArrayRef<int64_t> shape = current.shape;
    int64_t size = shape[*d], outer = countElements(shape.take_front(*d)),
            inner = countElements(shape.drop_front(*d + 1));
    SmallVector<int64_t> indices;
    if (size > 0)
      indices = sliceIndices((*starts)[k], (*ends)[k], (*steps)[k], size);
    SmallVector<int64_t> result(shape);
    result[*d] = indices.size();
    ConstantTensor next = emptyLike(current, result);
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t index : indices)
        for (int64_t i = 0; i < inner; ++i)
          appendElement(next, current, (o * size + index) * inner + i);
    current = std::move(next);
  }
  return node.define(std::move(current));
}

LogicalResult importCast(Node &node) {
  int64_t to = 0;
  node.ignoreAttribute("saturate"); // of 8-bit floats
  node.ignoreAttribute("round_mode");
  if (failed(node.attribute("to", to)))
    return failure();
  const Tensor &input = node.input(0);
  if (!input.constant) {
    if (to != TensorProto::FLOAT)
      return node.refuse(diag::UnsupportedForm, "casts an encrypted tensor to " +
                                                    dataTypeName(int(to)) +
                                                    "; only FLOAT is supported");
    return input.pending
               ? node.refuse(diag::QuantizePair, "takes the integer output of a QuantizeLinear")
               : node.define(input);
  }
  const ConstantTensor &constant = *input.constant;
  ConstantTensor result = emptyLike(constant, constant.shape);
  result.range.reset();
  result.dataType = int(to);
  result.isReal = to == TensorProto::FLOAT;
  auto range = integerRange(int(to));
  if (!result.isReal && !range && to != TensorProto::INT64)
    return node.refuse(diag::UnsupportedForm,
                       "casts a constant to " + dataTypeName(int(to)) + ", which is not supported");
  for (int64_t i = 0, e = constant.size(); i != e; ++i) {
    double value = constant.isReal ? double(constant.reals[i]) : double(constant.integers[i]);
    if (!constant.isReal && constant.integers[i] == kBatch && to == TensorProto::INT64) {
      result.integers.push_back(kBatch);
      continue;
    }
    double lo = range ? double(range->first) : -double(int64_t(1) << 53);
    double hi = range ? double(range->second) : double(int64_t(1) << 53);
    bool exact = result.isReal ? double(float(value)) == value && std::fabs(value) <= 0x1p24
                               : std::trunc(value) >= lo && std::trunc(value) <= hi;
    if (constant.isReal && result.isReal)
      exact = true;
    if (!exact)
      return node.refuse(diag::IntegerTensor, "casts " + std::to_string(value) + " to " +
                                                  dataTypeName(int(to)) + ", which cannot hold it");
    if (result.isReal)
      result.reals.push_back(float(value));
    else
      result.integers.push_back(int64_t(std::trunc(value)));
  }
  return node.define(std::move(result));
}

LogicalResult importConstant(Node &node) {
  const onnx::TensorProto *tensor = nullptr;
  if (node.hasAttribute("value")) {
    if (failed(node.attribute("value", tensor)))
      return failure();
    Constant constant =
        decodeTensor(*tensor, "value", node.importer.folder(),
                     [&](const char *id, const llvm::Twine &m) { (void)node.refuse(id, m); });
    return constant ? node.define(ConstantTensor(*constant)) : failure();
  }
  ConstantTensor result;
  SmallVector<int64_t> list;
  int64_t integer = 0;
  float real = 0;
  if (failed(node.attribute("value_int", integer)) || failed(node.attribute("value_ints", list)) ||
      failed(node.attribute("value_float", real)))
    return failure();
  if (node.hasAttribute("value_int"))
    return node.define(integers(integer, {}));
  if (node.hasAttribute("value_ints"))
    return node.define(integers(list, {int64_t(list.size())}));
  result.isReal = true;
  if (node.hasAttribute("value_float")) {
    result.reals = {real};
    return node.define(std::move(result));
  }
  for (const onnx::AttributeProto &attribute : node.proto.attribute())
    if (attribute.name() == "value_floats") {
      node.ignoreAttribute("value_floats");
      result.reals.assign(attribute.floats().begin(), attribute.floats().end());
      result.shape.assign(1, result.reals.size());
      for (float value : result.reals)
        if (!std::isfinite(value))
          return node.refuse(diag::NotFinite, "holds NaN or infinity");
      return node.define(std::move(result));
    }
  return node.refuse(diag::MalformedNode, "has no value this version reads (value, value_float, "
                                          "value_floats, value_int, value_ints)");
}

LogicalResult importConstantOfShape(Node &node) {
  const onnx::TensorProto *tensor = nullptr;
  if (failed(node.attribute("value", tensor)))
    return failure();
  FailureOr<std::vector<int64_t>> shape = node.integerInput(0, "shape");
  if (failed(shape))
    return failure();
  int64_t count = countElements(*shape, kMaxFoldedElements);
  if (count < 0)
    return node.refuse(diag::TooLarge, "gives a constant of shape " + describeShape(*shape) +
                                           ", more than " + llvm::Twine(kMaxFoldedElements) +
                                           " elements or a symbolic batch size");
  ConstantTensor result;
  result.shape.assign(shape->begin(), shape->end());
  result.isReal = true;
  if (!tensor) {
    result.reals.assign(count, 0.0f);
    return node.define(std::move(result));
  }
  Constant value =
      decodeTensor(*tensor, "value", node.importer.folder(),
                   [&](const char *id, const llvm::Twine &m) { (void)node.refuse(id, m); });
  if (!value)
    return failure();
  if (value->size() != 1)
    return node.refuse(diag::ShapeMismatch, "value must be one number");
  result.isReal = value->isReal;
  result.dataType = value->dataType;
  for (int64_t i = 0; i < count; ++i)
    appendElement(result, *value, 0);
  return node.define(std::move(result));
}

} // namespace fhe::import
