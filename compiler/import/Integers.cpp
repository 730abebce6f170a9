//===- Integers.cpp - Shape arithmetic ------------------------------------------===//
//
// Exporters spell shapes as graphs of integer operators. All of it is evaluated
// here; a symbolic batch size goes through as kBatch.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/IntegerTensors.h"
#include "dialects/qnn/Functions.h"
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

/// What a cast does to a number of the network.
static std::optional<qnn::Function> castFunction(int64_t to) {
  if (to == TensorProto::FLOAT16)
    return qnn::Function::ToHalf;
  if (to == TensorProto::BFLOAT16)
    return qnn::Function::ToBfloat16;
  if (integerRange(int(to)) || to == TensorProto::INT64 || to == TensorProto::UINT64)
    return qnn::Function::Trunc;
  return std::nullopt;
}

static LogicalResult castValue(Node &node, int64_t to) {
  const Tensor &input = node.input(0);
  Tensor result = input;
  if (input.pending) { // its integers as they are
    if (input.pending->clear)
      return node.refuse(diag::QuantizePair, "takes the integers that a QuantizeLinear gives of a constant");
    FailureOr<Value> integers = storedIntegers(node, *input.pending);
    if (failed(integers))
      return failure();
    result = Tensor{nullptr, *integers, nullptr, false};
  }
  result.integral = castFunction(to) == qnn::Function::Trunc;
  if (to == TensorProto::FLOAT || to == TensorProto::DOUBLE)
    return node.define(0, result);
  if (to == TensorProto::BOOL) {
    result.value = createFunction(node, qnn::Function::Not,
                                  createFunction(node, qnn::Function::Not, result.value));
    return node.define(0, result);
  }
  std::optional<qnn::Function> function = castFunction(to);
  if (!function)
    return node.refuse(diag::UnsupportedForm, "casts an encrypted tensor to " +
                                                  dataTypeName(int(to)) +
                                                  ", which is not supported");
  result.value = createFunction(node, *function, result.value);
  return node.define(0, result);
}

static bool isFloating(int64_t to) {
  return to == TensorProto::FLOAT || to == TensorProto::DOUBLE || to == TensorProto::FLOAT16 ||
         to == TensorProto::BFLOAT16;
}

/// The nearest number of a floating type of at most 32 bits.
static double narrowed(int64_t to, double value) {
  return to == TensorProto::FLOAT16    ? qnn::roundToHalf(value)
         : to == TensorProto::BFLOAT16 ? qnn::roundToBfloat16(value)
                                       : value;
}

LogicalResult importCast(Node &node) {
  int64_t to = 0;
  node.ignoreAttribute("saturate"); // of 8-bit floats
  node.ignoreAttribute("round_mode");
  if (failed(node.attribute("to", to)))
    return failure();
  const Tensor &input = node.input(0);
  if (!input.constant)
    return castValue(node, to);
  const ConstantTensor &constant = *input.constant;
  ConstantTensor result = emptyLike(constant, constant.shape);
  result.range.reset();
  result.dataType = int(to);
  result.isReal = isFloating(to);
  result.isRounded = constant.isRounded && to == TensorProto::DOUBLE;
  if (constant.isRounded && to != TensorProto::FLOAT && to != TensorProto::DOUBLE)
    return node.refuse(diag::BadTensorData, "casts DOUBLE values that are not exact in 32-bit floats to " +
                                                dataTypeName(int(to)),
                       {"help: cast them to FLOAT first"});
  auto range = integerRange(int(to));
  if (to == TensorProto::BOOL)
    range = {{0, 1}};
  if (!result.isReal && !range && to != TensorProto::INT64)
    return node.refuse(diag::UnsupportedForm,
                       "casts a constant to " + dataTypeName(int(to)) + ", which is not supported");
  for (int64_t i = 0, e = constant.size(); i != e; ++i) {
    double value = constant.isReal ? double(constant.reals[i]) : double(constant.integers[i]);
    if (!constant.isReal && constant.integers[i] == kBatch && to == TensorProto::INT64) {
      result.integers.push_back(kBatch);
      continue;
    }
    if (to == TensorProto::BOOL)
      value = value != 0;
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
      result.reals.push_back(float(narrowed(to, value)));
    else
      result.integers.push_back(int64_t(std::trunc(value)));
    if (result.isReal && !std::isfinite(result.reals.back()))
      return node.refuse(diag::NotFinite, "casts " + std::to_string(value) + " to " +
                                              dataTypeName(int(to)) + ", which is infinity");
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

/// start, start + delta, ... below limit, of real numbers.
static LogicalResult rangeOfReals(Node &node) {
  double numbers[3];
  for (int i = 0; i != 3; ++i) {
    FailureOr<std::vector<float>> values = node.realInput(i, "start, limit or delta");
    if (failed(values))
      return failure();
    if (values->size() != 1)
      return node.refuse(diag::ShapeMismatch, "start, limit and delta must be single numbers");
    numbers[i] = values->front();
  }
  auto [start, limit, delta] = numbers;
  double count = std::max(std::ceil((limit - start) / delta), 0.0);
  if (!(count <= double(kMaxFoldedElements)))
    return node.refuse(diag::TooLarge,
                       "has delta 0 or gives more than " + llvm::Twine(kMaxFoldedElements) + " numbers");
  ConstantTensor result;
  result.isReal = true;
  result.shape = {int64_t(count)};
  for (int64_t i = 0; i != int64_t(count); ++i)
    result.reals.push_back(float(start + double(i) * delta));
  return node.define(std::move(result));
}

LogicalResult importRange(Node &node) {
  if (llvm::any_of(llvm::seq(0, 3), [&](int i) {
        return node.input(i).constant && node.input(i).constant->isReal;
      }))
    return rangeOfReals(node);
  int64_t numbers[3];
  for (int i = 0; i != 3; ++i) {
    FailureOr<std::vector<int64_t>> values = node.integerInput(i, "start, limit or delta");
    if (failed(values))
      return failure();
    if (values->size() != 1 || std::abs(values->front()) > kMaxElements)
      return node.refuse(diag::TooLarge, "start, limit and delta must be single small numbers");
    numbers[i] = values->front();
  }
  auto [start, limit, delta] = numbers;
  if (delta == 0)
    return node.refuse(diag::MalformedNode, "has delta 0");
  SmallVector<int64_t> values;
  for (int64_t v = start; delta > 0 ? v < limit : v > limit; v += delta) {
    values.push_back(v);
    if (int64_t(values.size()) > kMaxFoldedElements)
      return node.refuse(diag::TooLarge, "gives more than " + llvm::Twine(kMaxFoldedElements) +
                                             " numbers");
  }
  return node.define(integers(values, {int64_t(values.size())}));
}

} // namespace fhe::import
