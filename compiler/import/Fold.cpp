//===- Fold.cpp - Arithmetic on constants ---------------------------------------===//
//
// Shape arithmetic (integers, exact) and scalar constants that exporters spell
// as nodes (real numbers, in f32 as the file computes them).
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include "dialects/qnn/Functions.h"
#include <cmath>

using namespace mlir;

namespace fhe::import {

FailureOr<SmallVector<int64_t>> broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> out(std::max(a.size(), b.size()));
  for (size_t i = 0; i != out.size(); ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return failure();
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

ConstantTensor emptyLike(const ConstantTensor &like, ArrayRef<int64_t> shape) {
  ConstantTensor result;
  result.shape.assign(shape.begin(), shape.end());
  result.isReal = like.isReal;
  result.dataType = like.dataType;
  result.range = like.range;
  return result;
}

void appendElement(ConstantTensor &to, const ConstantTensor &from, int64_t source) {
  if (from.isReal)
    to.reals.push_back(from.reals[source]);
  else
    to.integers.push_back(from.integers[source]);
}

/// Calls `visit` with the offset of each element, row-major over `shape`, where axis d of `shape`
/// steps by `strides[d]` elements of the source.
static void forEachOffset(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                          llvm::function_ref<void(int64_t)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t offset = 0;
  for (int64_t left = countElements(shape); left > 0; --left) {
    visit(offset);
    for (int64_t d = int64_t(shape.size()) - 1; d >= 0; --d) {
      offset += strides[d];
      if (++index[d] < shape[d])
        break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = int64_t(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

ConstantTensor transposed(const ConstantTensor &input, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape, strides, inputStrides = stridesOf(input.shape);
  for (int64_t axis : permutation) {
    shape.push_back(input.shape[axis]);
    strides.push_back(inputStrides[axis]);
  }
  ConstantTensor result = emptyLike(input, shape);
  forEachOffset(shape, strides, [&](int64_t offset) { appendElement(result, input, offset); });
  return result;
}

ConstantTensor broadcastTo(const ConstantTensor &input, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 0), inputStrides = stridesOf(input.shape);
  size_t lead = shape.size() - input.shape.size();
  for (size_t d = 0; d != input.shape.size(); ++d)
    strides[lead + d] = input.shape[d] == 1 ? 0 : inputStrides[d];
  ConstantTensor result = emptyLike(input, shape);
  forEachOffset(shape, strides, [&](int64_t offset) { appendElement(result, input, offset); });
  return result;
}

std::optional<qnn::BinaryFunction> exactFunction(StringRef op) {
  return llvm::StringSwitch<std::optional<qnn::BinaryFunction>>(op)
      .Case("Min", qnn::BinaryFunction::Min)
      .Case("Max", qnn::BinaryFunction::Max)
      .Case("Less", qnn::BinaryFunction::Less)
      .Case("LessOrEqual", qnn::BinaryFunction::LessOrEqual)
      .Case("Greater", qnn::BinaryFunction::Greater)
      .Case("GreaterOrEqual", qnn::BinaryFunction::GreaterOrEqual)
      .Case("Equal", qnn::BinaryFunction::Equal)
      .Case("And", qnn::BinaryFunction::And)
      .Case("Or", qnn::BinaryFunction::Or)
      .Case("Xor", qnn::BinaryFunction::Xor)
      .Default(std::nullopt);
}

/// One integer operation; nothing where it overflows or divides by zero.
static std::optional<int64_t> applyInteger(StringRef op, int64_t a, int64_t b) {
  // The symbolic batch size goes through where it stays itself.
  if (a == kBatch || b == kBatch) {
    if (a == kBatch &&
        ((b == 1 && (op == "Mul" || op == "Div")) || (b == 0 && (op == "Add" || op == "Sub"))))
      return kBatch;
    if (b == kBatch && ((a == 1 && op == "Mul") || (a == 0 && op == "Add")))
      return kBatch;
    return std::nullopt;
  }
  int64_t result;
  constexpr int64_t exact = int64_t(1) << 53; // integers of a double
  if (auto function = exactFunction(op))
    return std::abs(a) <= exact && std::abs(b) <= exact
               ? std::optional(int64_t(qnn::applyBinary<double>(*function, double(a), double(b))))
               : std::nullopt;
  if (op == "Mod")
    return b == 0 || b == -1 ? (b ? std::optional<int64_t>(0) : std::nullopt)
                             : std::optional(a % b + (a % b && (a % b < 0) != (b < 0) ? b : 0));
  if (op == "Div") {
    if (b == 0 || b == -1)
      return b ? std::optional(-a) : std::nullopt;
    return a / b;
  }
  bool overflow = op == "Add"   ? __builtin_add_overflow(a, b, &result)
                  : op == "Sub" ? __builtin_sub_overflow(a, b, &result)
                                : __builtin_mul_overflow(a, b, &result);
  if (overflow || result == kBatch)
    return std::nullopt;
  return result;
}

static std::optional<float> applyReal(StringRef op, float a, float b) {
  if (op == "Add")
    return a + b;
  if (op == "Sub")
    return a - b;
  if (op == "Mul")
    return a * b;
  if (op == "Div")
    return a / b;
  if (op == "Pow")
    return std::pow(a, b);
  if (op == "PRelu")
    return qnn::applyBinary(qnn::BinaryFunction::PRelu, a, b);
  if (auto function = exactFunction(op))
    return qnn::applyBinary<float>(*function, a, b);
  return std::nullopt;
}

static bool isComparison(StringRef op) {
  return exactFunction(op) && op != "Min" && op != "Max";
}

LogicalResult foldBinary(Node &node, const ConstantTensor &lhs, const ConstantTensor &rhs) {
  FailureOr<SmallVector<int64_t>> shape = broadcastShapes(lhs.shape, rhs.shape);
  if (failed(shape))
    return node.refuse(diag::ShapeMismatch, "constants of shapes " + describeShape(lhs.shape) +
                                                " and " + describeShape(rhs.shape) +
                                                " do not broadcast");
  if (countElements(*shape, kMaxFoldedElements) < 0)
    return node.refuse(diag::TooLarge, "gives a constant of shape " + describeShape(*shape));
  if (node.op() == "Mod" && node.hasAttribute("fmod"))
    node.ignoreAttribute("fmod");
  for (StringRef name : {"broadcast", "axis"}) // operator sets before 7
    node.ignoreAttribute(name);
  if (lhs.isReal != rhs.isReal || (!lhs.isReal && (node.op() == "Pow" || node.op() == "PRelu")) ||
      (lhs.isReal && node.op() == "Mod"))
    return node.refuse(diag::IntegerTensor, "mixes integers and real numbers, or raises integers");
  if (failed(node.charge(2 * countElements(*shape))))
    return failure();
  ConstantTensor a = broadcastTo(lhs, *shape), b = broadcastTo(rhs, *shape),
                 result = emptyLike(lhs, *shape);
  result.range.reset();
  for (int64_t i = 0, e = a.size(); i != e; ++i) {
    if (a.isReal) {
      result.reals.push_back(applyReal(node.op(), a.reals[i], b.reals[i]).value_or(NAN));
      if (!std::isfinite(result.reals.back()))
        return node.refuse(diag::NotFinite,
                           "gives NaN or infinity at element " + llvm::Twine(i) + " of constants");
      continue;
    }
    std::optional<int64_t> value = applyInteger(node.op(), a.integers[i], b.integers[i]);
    if (!value)
      return node.refuse(diag::IntegerTensor,
                         "shape arithmetic overflows, divides by zero, or computes with a "
                         "symbolic batch size");
    result.integers.push_back(*value);
  }
  if (isComparison(node.op())) {
    if (result.isReal)
      result.integers.assign(result.reals.begin(), result.reals.end());
    result.reals.clear();
    result.isReal = false;
    result.dataType = onnx::TensorProto::BOOL;
  }
  return node.define(std::move(result));
}

LogicalResult foldWhere(Node &node, const ConstantTensor &condition, const ConstantTensor &lhs,
                        const ConstantTensor &rhs) {
  FailureOr<SmallVector<int64_t>> shape = broadcastShapes(lhs.shape, rhs.shape);
  if (succeeded(shape))
    shape = broadcastShapes(*shape, condition.shape);
  if (failed(shape) || lhs.isReal != rhs.isReal || condition.isReal)
    return node.refuse(diag::ShapeMismatch, "constants do not go together: " +
                                                describeShape(condition.shape) + ", " +
                                                describeShape(lhs.shape) + " and " +
                                                describeShape(rhs.shape));
  if (countElements(*shape, kMaxFoldedElements) < 0)
    return node.refuse(diag::TooLarge, "gives a constant of shape " + describeShape(*shape));
  if (failed(node.charge(3 * countElements(*shape))))
    return failure();
  ConstantTensor c = broadcastTo(condition, *shape), a = broadcastTo(lhs, *shape),
                 b = broadcastTo(rhs, *shape), result = emptyLike(lhs, *shape);
  result.range.reset();
  for (int64_t i = 0, e = c.size(); i != e; ++i)
    appendElement(result, c.integers[i] ? a : b, i);
  return node.define(std::move(result));
}

LogicalResult foldUnary(Node &node, const ConstantTensor &input, qnn::Function function,
                        double alpha, double beta) {
  ConstantTensor result = input;
  if (!input.isReal) {
    for (int64_t &value : result.integers)
      if (function == qnn::Function::Neg && value != kBatch)
        value = -value;
      else if (function == qnn::Function::Abs && value != kBatch)
        value = std::abs(value);
      else if (function == qnn::Function::Not && input.dataType == onnx::TensorProto::BOOL)
        value = value == 0;
      else
        return node.refuse(diag::IntegerTensor, "is not supported on integers");
    return node.define(std::move(result));
  }
  for (float &value : result.reals) {
    value = qnn::applyFunction<float>(function, value, alpha, beta);
    if (!std::isfinite(value))
      return node.refuse(diag::NotFinite, "gives NaN for a constant");
  }
  return node.define(std::move(result));
}

LogicalResult foldReduction(Node &node, const ConstantTensor &input, ArrayRef<int64_t> axes,
                            bool keep) {
  auto combined = llvm::StringSwitch<StringRef>(node.op())
                      .Case("ReduceSum", "Add")
                      .Case("ReduceProd", "Mul")
                      .Case("ReduceMax", "Max")
                      .Case("ReduceMin", "Min")
                      .Default("");
  if (combined.empty())
    return node.refuse(diag::IntegerTensor, "is not supported on integers");
  if (failed(node.charge(2 * input.size())))
    return failure();
  SmallVector<int64_t> order, shape, kept;
  int64_t inner = 1;
  for (auto [d, size] : llvm::enumerate(input.shape)) {
    bool reduced = llvm::is_contained(axes, int64_t(d));
    if (reduced)
      inner *= size;
    else
      order.push_back(int64_t(d));
    if (!reduced || keep)
      shape.push_back(reduced ? 1 : size);
  }
  llvm::append_range(order, axes);
  ConstantTensor moved = transposed(input, order), result = emptyLike(input, shape);
  result.range.reset();
  for (int64_t e = 0, count = countElements(shape); e != count; ++e) {
    std::optional<int64_t> value;
    for (int64_t i = 0; i != inner; ++i) {
      int64_t next = moved.integers[e * inner + i];
      value = i == 0 ? next : applyInteger(combined, *value, next);
      if (!value)
        break;
    }
    if (!value)
      return node.refuse(diag::IntegerTensor, "shape arithmetic overflows, is over no elements, or "
                                              "computes with a symbolic batch size");
    result.integers.push_back(*value);
  }
  return node.define(std::move(result));
}

LogicalResult foldConcat(Node &node, ArrayRef<Constant> inputs, int64_t axis) {
  ConstantTensor result = emptyLike(*inputs.front(), inputs.front()->shape);
  result.range.reset();
  result.shape[axis] = 0;
  for (const Constant &input : inputs) {
    bool same = input->shape.size() == result.shape.size() && input->isReal == result.isReal;
    for (size_t d = 0; same && d != result.shape.size(); ++d)
      same = int64_t(d) == axis || input->shape[d] == result.shape[d];
    if (!same)
      return node.refuse(diag::ShapeMismatch,
                         "constants do not go together: " + describeShape(input->shape) + " and " +
                             describeShape(inputs.front()->shape));
    result.shape[axis] += input->shape[axis];
  }
  if (countElements(result.shape, kMaxFoldedElements) < 0)
    return node.refuse(diag::TooLarge, "gives a constant of shape " + describeShape(result.shape));
  int64_t outer = countElements(ArrayRef(result.shape).take_front(axis));
  for (int64_t o = 0; o < outer; ++o)
    for (const Constant &input : inputs)
      for (int64_t chunk = input->size() / outer, i = 0; i < chunk; ++i)
        appendElement(result, *input, o * chunk + i);
  return node.define(std::move(result));
}

} // namespace fhe::import
