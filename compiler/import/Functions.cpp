//===- Functions.cpp - Import of element-wise functions -------------------------===//
//
// Functions of one number, and of several numbers of which at most one is encrypted
// or which all are functions of one encrypted number: with the affine operators of
// Elementwise.cpp they make up the tables.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

//===-------------------------------------------------------------------------===//
// One number
//===-------------------------------------------------------------------------===//

Value createFunction(Node &node, qnn::Function function, Value value, double alpha, double beta) {
  auto type = RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
  return qnn::ActivationOp::create(node.builder, node.loc, type, function, value, APFloat(alpha),
                                   APFloat(beta));
}

static LogicalResult defineFunction(Node &node, qnn::Function function, float alpha = 0,
                                    float beta = 0) {
  if (node.input(0).constant)
    return foldUnary(node, *node.input(0).constant, function, alpha, beta);
  FailureOr<Tensor> input = node.valueInput(0);
  if (failed(input))
    return failure();
  return node.define(createFunction(node, function, input->value, alpha, beta), input->clear);
}

namespace {
/// An operator, its function, and its attributes with their defaults.
struct FunctionRow {
  StringRef op;
  qnn::Function function;
  StringRef alpha = {}, beta = {};
  float alphaDefault = 0, betaDefault = 0;
};
} // namespace

static const FunctionRow kFunctions[] = {
    {"Abs", qnn::Function::Abs},
    {"Acos", qnn::Function::Acos},
    {"Acosh", qnn::Function::Acosh},
    {"Asin", qnn::Function::Asin},
    {"Asinh", qnn::Function::Asinh},
    {"Atan", qnn::Function::Atan},
    {"Atanh", qnn::Function::Atanh},
    {"Ceil", qnn::Function::Ceil},
    {"Celu", qnn::Function::Celu, "alpha", "", 1},
    {"Cos", qnn::Function::Cos},
    {"Cosh", qnn::Function::Cosh},
    {"Elu", qnn::Function::Elu, "alpha", "", 1},
    {"Erf", qnn::Function::Erf},
    {"Exp", qnn::Function::Exp},
    {"Floor", qnn::Function::Floor},
    {"HardSigmoid", qnn::Function::HardSigmoid, "alpha", "beta", 0.2f, 0.5f},
    {"HardSwish", qnn::Function::HardSwish},
    {"IsNaN", qnn::Function::IsNan},
    {"LeakyRelu", qnn::Function::LeakyRelu, "alpha", "", 0.01f},
    {"Log", qnn::Function::Log},
    {"Mish", qnn::Function::Mish},
    {"Neg", qnn::Function::Neg},
    {"Not", qnn::Function::Not},
    {"Reciprocal", qnn::Function::Reciprocal},
    {"Relu", qnn::Function::Relu},
    {"Round", qnn::Function::Round},
    {"Selu", qnn::Function::Selu, "alpha", "gamma", 1.67326319217681884765625f,
     1.05070102214813232421875f},
    {"Shrink", qnn::Function::Shrink, "lambd", "bias", 0.5f, 0},
    {"Sigmoid", qnn::Function::Sigmoid},
    {"Sign", qnn::Function::Sign},
    {"Sin", qnn::Function::Sin},
    {"Sinh", qnn::Function::Sinh},
    {"Softplus", qnn::Function::Softplus},
    {"Softsign", qnn::Function::Softsign},
    {"Sqrt", qnn::Function::Sqrt},
    {"Tan", qnn::Function::Tan},
    {"Tanh", qnn::Function::Tanh},
    {"ThresholdedRelu", qnn::Function::ThresholdedRelu, "alpha", "", 1},
};

LogicalResult importFunction(Node &node) {
  node.ignoreAttribute("consumed_inputs"); // operator sets before 6
  for (const FunctionRow &row : kFunctions) {
    if (row.op != node.op())
      continue;
    float alpha = row.alphaDefault, beta = row.betaDefault;
    if ((!row.alpha.empty() && failed(node.attribute(row.alpha, alpha))) ||
        (!row.beta.empty() && failed(node.attribute(row.beta, beta))))
      return failure();
    if (row.function == qnn::Function::Celu && alpha == 0)
      return node.refuse(diag::UnsupportedForm, "has alpha 0, by which Celu divides");
    return defineFunction(node, row.function, alpha, beta);
  }
  return node.refuse(diag::UnsupportedOperator, "operator '" + node.op() + "' is not supported");
}

LogicalResult importGelu(Node &node) {
  std::string approximate = "none";
  if (failed(node.attribute("approximate", approximate)))
    return failure();
  if (approximate != "none" && approximate != "tanh")
    return node.refuse(diag::UnsupportedForm, "has unknown approximate '" + approximate + "'");
  return defineFunction(node,
                        approximate == "tanh" ? qnn::Function::GeluTanh : qnn::Function::Gelu);
}

LogicalResult importIsInf(Node &node) {
  int64_t negative = 1, positive = 1;
  if (failed(node.attribute("detect_negative", negative)) ||
      failed(node.attribute("detect_positive", positive)))
    return failure();
  return defineFunction(node, qnn::Function::IsInf, float(negative != 0), float(positive != 0));
}

/// x * sigmoid(alpha x).
LogicalResult importSwish(Node &node) {
  float alpha = 1;
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input) || failed(node.attribute("alpha", alpha)))
    return failure();
  auto type = RankedTensorType::get(shapeOf(*input), node.builder.getF32Type());
  Value scaled = *input;
  if (alpha != 1)
    scaled = qnn::MulOp::create(node.builder, node.loc, type, scaled, node.scalar(alpha));
  Value gate = createFunction(node, qnn::Function::Sigmoid, scaled);
  return node.define(qnn::MulOp::create(node.builder, node.loc, type, *input, gate));
}

//===-------------------------------------------------------------------------===//
// Several numbers
//===-------------------------------------------------------------------------===//

static std::optional<qnn::BinaryFunction> binaryFunction(StringRef op) {
  if (std::optional<qnn::BinaryFunction> function = exactFunction(op))
    return function;
  return llvm::StringSwitch<std::optional<qnn::BinaryFunction>>(op)
      .Case("Pow", qnn::BinaryFunction::Pow)
      .Case("Mod", qnn::BinaryFunction::Mod)
      .Case("PRelu", qnn::BinaryFunction::PRelu)
      .Default(std::nullopt);
}

static FailureOr<Tensor> combine(Node &node, qnn::BinaryFunction function, Tensor lhs, Tensor rhs) {
  Tensor operands[] = {lhs, rhs};
  if (failed(alignOperands(node, operands)) || failed(checkOneSource(node, operands)))
    return failure();
  FailureOr<RankedTensorType> type = broadcastType(node, operands);
  if (failed(type))
    return failure();
  Value value = qnn::BinaryFunctionOp::create(node.builder, node.loc, *type, function,
                                              operands[0].value, operands[1].value);
  Tensor result{nullptr, value, nullptr, lhs.clear && rhs.clear};
  result.integral = lhs.integral && rhs.integral;
  return result;
}

/// Before operator set 7 the second operand of a broadcasting operator starts at attribute `axis`.
static LogicalResult alignOldBroadcast(Node &node, int64_t lhsRank, Tensor &rhs) {
  int64_t broadcast = 0, axis = 0;
  if (node.opset() >= 7)
    return success();
  if (failed(node.attribute("broadcast", broadcast)) || failed(node.attribute("axis", axis)))
    return failure();
  bool given = node.hasAttribute("axis");
  if (node.op() == "PRelu") {
    given = shapeOf(rhs.value).size() == 1 && shapeOf(rhs.value)[0] != 1;
    axis = 1;
  } else if (!broadcast) {
    return success();
  }
  SmallVector<int64_t> shape(shapeOf(rhs.value));
  if (!given)
    return success();
  if (axis < 0 || axis + int64_t(shape.size()) > lhsRank)
    return node.refuse(diag::ShapeMismatch, "axis " + llvm::Twine(axis) + " is outside its operand");
  shape.append(lhsRank - axis - shape.size(), 1);
  FailureOr<Value> view = reshapeClear(node, rhs.value, shape);
  if (failed(view))
    return failure();
  rhs.value = *view;
  return success();
}

LogicalResult importBinaryFunction(Node &node) {
  if (node.input(0).constant && node.input(1).constant)
    return foldBinary(node, *node.input(0).constant, *node.input(1).constant);
  qnn::BinaryFunction function = *binaryFunction(node.op());
  int64_t fmod = 0;
  if (node.op() == "Mod") {
    if (failed(node.attribute("fmod", fmod)))
      return failure();
    if (fmod)
      function = qnn::BinaryFunction::Fmod;
  }
  FailureOr<Tensor> lhs = node.valueInput(0), rhs = node.valueInput(1);
  if (failed(lhs) || failed(rhs))
    return failure();
  if (!node.hidesBatch(*rhs) &&
      failed(alignOldBroadcast(node, node.onnxShape(node.input(0)).size(), *rhs)))
    return failure();
  FailureOr<Tensor> result = combine(node, function, *lhs, *rhs);
  return failed(result) ? failure() : node.define(0, *result);
}

/// Min and Max of any number of operands.
LogicalResult importExtremum(Node &node) {
  int count = node.proto.input_size();
  bool constant = llvm::all_of(llvm::seq(0, count), [&](int i) {
    return node.has(i) && node.input(i).constant;
  });
  if (constant && count == 2)
    return foldBinary(node, *node.input(0).constant, *node.input(1).constant);
  FailureOr<Tensor> result = node.valueInput(0);
  for (int i = 1; i < count && succeeded(result); ++i) {
    FailureOr<Tensor> next = node.valueInput(i);
    result = failed(next) ? FailureOr<Tensor>(failure())
                          : combine(node, *binaryFunction(node.op()), *result, *next);
  }
  return failed(result) ? failure() : node.define(0, *result);
}

/// Sum and Mean of any number of operands.
LogicalResult importSum(Node &node) {
  FailureOr<Tensor> result = node.valueInput(0);
  int count = node.proto.input_size();
  for (int i = 1; i < count && succeeded(result); ++i) {
    FailureOr<Tensor> next = node.valueInput(i);
    if (failed(next))
      return failure();
    Tensor operands[] = {*result, *next};
    if (failed(alignOperands(node, operands)))
      return failure();
    FailureOr<RankedTensorType> type = broadcastType(node, operands);
    if (failed(type))
      return failure();
    Value sum = qnn::AddOp::create(node.builder, node.loc, *type, operands[0].value,
                                   operands[1].value);
    result = Tensor{nullptr, sum, nullptr, operands[0].clear && operands[1].clear};
  }
  if (failed(result))
    return failure();
  if (node.op() == "Mean" && count > 1) {
    auto type = RankedTensorType::get(shapeOf(result->value), node.builder.getF32Type());
    result->value = qnn::DivOp::create(node.builder, node.loc, type, result->value,
                                       node.scalar(float(count)));
  }
  return node.define(result->value, result->clear);
}

LogicalResult importWhere(Node &node) {
  if (node.input(0).constant && node.input(1).constant && node.input(2).constant)
    return foldWhere(node, *node.input(0).constant, *node.input(1).constant,
                     *node.input(2).constant);
  SmallVector<Tensor> operands;
  for (int i = 0; i != 3; ++i) {
    FailureOr<Tensor> operand = node.valueInput(i);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  if (failed(alignOperands(node, operands)) || failed(checkOneSource(node, operands)))
    return failure();
  FailureOr<RankedTensorType> type = broadcastType(node, operands);
  if (failed(type))
    return failure();
  Value value = qnn::SelectOp::create(node.builder, node.loc, *type, operands[0].value,
                                      operands[1].value, operands[2].value);
  bool clear = llvm::all_of(operands, [](const Tensor &t) { return t.clear; });
  return node.define(value, clear);
}

} // namespace fhe::import
