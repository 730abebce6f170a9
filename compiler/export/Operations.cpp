//===- Operations.cpp - Operations of qnn as ONNX nodes --------------------------------===//
#include "compiler/export/Writer.h"
#include "dialects/qnn/Elements.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using onnx::TensorProto;

namespace fhe::onnx_export {

using Result = FailureOr<std::string>;

static Integers listOf(ArrayRef<int64_t> list) { return {list.begin(), list.end()}; }

static size_t rankOf(Value value) { return qnn::shapeOf(value).size(); }

static std::string toTruth(Writer &writer, const std::string &tensor) {
  return writer.node("Cast", {tensor}, {{"to", int64_t(TensorProto::BOOL)}});
}

static std::string fromTruth(Writer &writer, const std::string &tensor) {
  return writer.node("Cast", {tensor}, {{"to", int64_t(TensorProto::FLOAT)}});
}

//===------------------------------------------------------------------------------===//
// Element by element
//===------------------------------------------------------------------------------===//

namespace {
/// A function that is one node, and the attributes its parameters are.
struct FunctionNode {
  qnn::Function function;
  const char *op;
  const char *alpha = nullptr, *beta = nullptr;
};
} // namespace

static constexpr FunctionNode kFunctions[] = {
    {qnn::Function::Relu, "Relu"},
    {qnn::Function::LeakyRelu, "LeakyRelu", "alpha"},
    {qnn::Function::Sigmoid, "Sigmoid"},
    {qnn::Function::HardSigmoid, "HardSigmoid", "alpha", "beta"},
    {qnn::Function::Tanh, "Tanh"},
    {qnn::Function::Elu, "Elu", "alpha"},
    {qnn::Function::Abs, "Abs"},
    {qnn::Function::Neg, "Neg"},
    {qnn::Function::Exp, "Exp"},
    {qnn::Function::Sign, "Sign"},
    {qnn::Function::Floor, "Floor"},
    {qnn::Function::Ceil, "Ceil"},
    {qnn::Function::Round, "Round"},
    {qnn::Function::Selu, "Selu", "alpha", "gamma"},
    {qnn::Function::Celu, "Celu", "alpha"},
    {qnn::Function::HardSwish, "HardSwish"},
    {qnn::Function::Softplus, "Softplus"},
    {qnn::Function::Softsign, "Softsign"},
    {qnn::Function::Erf, "Erf"},
    {qnn::Function::Gelu, "Gelu"},
    {qnn::Function::Mish, "Mish"},
    {qnn::Function::Log, "Log"},
    {qnn::Function::Sqrt, "Sqrt"},
    {qnn::Function::Reciprocal, "Reciprocal"},
    {qnn::Function::Sin, "Sin"},
    {qnn::Function::Cos, "Cos"},
    {qnn::Function::Tan, "Tan"},
    {qnn::Function::Asin, "Asin"},
    {qnn::Function::Acos, "Acos"},
    {qnn::Function::Atan, "Atan"},
    {qnn::Function::Sinh, "Sinh"},
    {qnn::Function::Cosh, "Cosh"},
    {qnn::Function::Asinh, "Asinh"},
    {qnn::Function::Acosh, "Acosh"},
    {qnn::Function::Atanh, "Atanh"},
    {qnn::Function::ThresholdedRelu, "ThresholdedRelu", "alpha"},
    {qnn::Function::Shrink, "Shrink", "lambd", "bias"},
};

static std::string throughType(Writer &writer, const std::string &input, int64_t dataType) {
  return fromTruth(writer, writer.node("Cast", {input}, {{"to", dataType}}));
}

static Result writeFunction(Writer &writer, qnn::ActivationOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  auto alpha = float(op.getAlpha().convertToDouble()), beta = float(op.getBeta().convertToDouble());
  for (const FunctionNode &row : kFunctions) {
    if (row.function != op.getFunction())
      continue;
    std::vector<Attribute> attributes;
    if (row.alpha)
      attributes.push_back({row.alpha, alpha});
    if (row.beta)
      attributes.push_back({row.beta, beta});
    return writer.node(row.op, {*input}, attributes);
  }
  switch (op.getFunction()) {
  case qnn::Function::Clip: {
    Strings inputs{*input, std::isfinite(alpha) ? writer.scalar(alpha) : ""};
    if (std::isfinite(beta))
      inputs.push_back(writer.scalar(beta));
    return writer.node("Clip", inputs);
  }
  case qnn::Function::GeluTanh:
    return writer.node("Gelu", {*input}, {{"approximate", std::string("tanh")}});
  case qnn::Function::Not:
    return fromTruth(writer, writer.node("Not", {toTruth(writer, *input)}));
  case qnn::Function::Trunc:
    return throughType(writer, *input, TensorProto::INT64);
  case qnn::Function::ToHalf:
    return throughType(writer, *input, TensorProto::FLOAT16);
  case qnn::Function::ToBfloat16:
    return throughType(writer, *input, TensorProto::BFLOAT16);
  case qnn::Function::IsNan:
    return fromTruth(writer, writer.node("IsNaN", {*input}));
  case qnn::Function::IsInf:
    return fromTruth(writer, writer.node("IsInf", {*input},
                                         {{"detect_negative", int64_t(alpha != 0)},
                                          {"detect_positive", int64_t(beta != 0)}}));
  default:
    return refuse(op, writer, "function " + qnn::stringifyFunction(op.getFunction()) +
                                  " cannot be written");
  }
}

/// All operands with the rank of the result.
static FailureOr<Strings> broadcastOperands(Writer &writer, Operation *op) {
  Strings names;
  for (Value operand : op->getOperands()) {
    Result name = writer.operand(operand, rankOf(op->getResult(0)));
    if (failed(name))
      return failure();
    names.push_back(*name);
  }
  return names;
}

static Result writeBroadcast(Writer &writer, Operation *op, const char *node) {
  FailureOr<Strings> operands = broadcastOperands(writer, op);
  return failed(operands) ? Result(failure()) : Result(writer.node(node, *operands));
}

static Result writeBinary(Writer &writer, qnn::BinaryFunctionOp op) {
  FailureOr<Strings> operands = broadcastOperands(writer, op);
  if (failed(operands))
    return failure();
  auto compare = [&](const char *node) { return fromTruth(writer, writer.node(node, *operands)); };
  auto logic = [&](const char *node) {
    return fromTruth(writer, writer.node(node, {toTruth(writer, operands->at(0)),
                                                toTruth(writer, operands->at(1))}));
  };
  switch (op.getFunction()) {
  case qnn::BinaryFunction::Pow:
    return writer.node("Pow", *operands);
  case qnn::BinaryFunction::Min:
    return writer.node("Min", *operands);
  case qnn::BinaryFunction::Max:
    return writer.node("Max", *operands);
  case qnn::BinaryFunction::Mod: // with fmod = 0 the standard has it for integers only
    return refuse(op, writer, "Mod of real numbers with the sign of the divisor cannot be written");
  case qnn::BinaryFunction::Fmod:
    return writer.node("Mod", *operands, {{"fmod", int64_t(1)}});
  case qnn::BinaryFunction::Less:
    return compare("Less");
  case qnn::BinaryFunction::LessOrEqual:
    return compare("LessOrEqual");
  case qnn::BinaryFunction::Greater:
    return compare("Greater");
  case qnn::BinaryFunction::GreaterOrEqual:
    return compare("GreaterOrEqual");
  case qnn::BinaryFunction::Equal:
    return compare("Equal");
  case qnn::BinaryFunction::And:
    return logic("And");
  case qnn::BinaryFunction::Or:
    return logic("Or");
  case qnn::BinaryFunction::Xor:
    return logic("Xor");
  case qnn::BinaryFunction::PRelu:
    return writer.node("PRelu", *operands);
  }
  return failure();
}

static Result writeSelect(Writer &writer, qnn::SelectOp op) {
  FailureOr<Strings> operands = broadcastOperands(writer, op);
  if (failed(operands))
    return failure();
  operands->front() = toTruth(writer, operands->front());
  return writer.node("Where", *operands);
}

/// The names of all operands.
static FailureOr<Strings> operandsOf(Writer &writer, Operation *op) {
  Strings names;
  for (Value operand : op->getOperands()) {
    Result name = writer.operand(operand);
    if (failed(name))
      return failure();
    names.push_back(*name);
  }
  return names;
}

static Result writeBatchNorm(Writer &writer, qnn::BatchNormOp op) {
  FailureOr<Strings> inputs = operandsOf(writer, op);
  if (failed(inputs))
    return failure();
  return writer.node("BatchNormalization", *inputs,
                     {{"epsilon", float(op.getEpsilon().convertToDouble())}});
}

//===------------------------------------------------------------------------------===//
// Linear operations and pools
//===------------------------------------------------------------------------------===//

static Result writeGemm(Writer &writer, qnn::GemmOp op) {
  Result input = writer.operand(op.getInput()), weights = writer.operand(op.getWeights());
  if (failed(input) || failed(weights))
    return failure();
  Result bias = op.getBias() ? writer.operand(op.getBias()) : Result(std::string());
  if (failed(bias))
    return failure();
  if (rankOf(op.getInput()) == 1) {
    Strings inputs{*input, *weights};
    if (op.getBias())
      inputs.push_back(*bias);
    return writer.node("Gemm", inputs, {{"transB", int64_t(1)}});
  }
  std::string matrix = writer.node("Transpose", {*weights}, {{"perm", Integers{1, 0}}});
  std::string product = writer.node("MatMul", {*input, matrix});
  return op.getBias() ? writer.node("Add", {product, *bias}) : product;
}

static Result writeConv(Writer &writer, qnn::ConvOp op) {
  FailureOr<Strings> inputs = operandsOf(writer, op);
  if (failed(inputs))
    return failure();
  return writer.node("Conv", *inputs,
                     {{"kernel_shape", listOf(qnn::shapeOf(op.getWeights()).drop_front(2))},
                      {"strides", listOf(op.getStrides())},
                      {"pads", listOf(op.getPads())},
                      {"dilations", listOf(op.getDilations())},
                      {"group", int64_t(op.getGroups())}});
}

static Result writeAvgPool(Writer &writer, qnn::AvgPoolOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getInput());
  if (op.getSum()) { // of all places: what importers make of ReduceSum
    bool pads = llvm::any_of(op.getPads(), [](int64_t p) { return p != 0; });
    if (pads || op.getKernel() != shape.drop_front())
      return refuse(op, writer, "a sum over windows cannot be written");
    return writer.node("ReduceSum", {*input, writer.integers({2, 3})}, {{"keepdims", int64_t(1)}});
  }
  return writer.node("AveragePool", {*input},
                     {{"kernel_shape", listOf(op.getKernel())},
                      {"strides", listOf(op.getStrides())},
                      {"pads", listOf(op.getPads())},
                      {"count_include_pad", int64_t(op.getCountIncludePad())}});
}

/// Averages of rows; a variance is the average square of what is left of a row without its average.
static Result writeStatistic(Writer &writer, qnn::StatisticOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  int64_t runs = qnn::elementCount(op.getResult()), size = qnn::elementCount(op.getInput()) / runs;
  auto average = [&](const std::string &rows) {
    return writer.node("AveragePool", {rows}, {{"kernel_shape", Integers{1, size}}});
  };
  std::string rows = writer.reshape(*input, {runs, 1, size});
  if (op.getStatistic() == qnn::Statistic::Variance)
    rows = writer.node("Sub", {rows, average(rows)});
  if (op.getStatistic() != qnn::Statistic::Mean)
    rows = writer.node("Mul", {rows, rows});
  return writer.reshape(average(rows), {runs});
}

static Result writeMax(Writer &writer, qnn::MaxOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  Integers axes{int64_t(rankOf(op.getInput()))}; // the last, after the batch
  std::vector<Attribute> attributes{{"keepdims", int64_t(0)}};
  Strings inputs{*input};
  if (writer.opset() >= 18)
    inputs.push_back(writer.integers(axes));
  else
    attributes.push_back({"axes", axes});
  return writer.node("ReduceMax", inputs, attributes);
}

//===------------------------------------------------------------------------------===//
// Layout
//===------------------------------------------------------------------------------===//

static Result writeTranspose(Writer &writer, qnn::TransposeOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  Integers permutation{0};
  for (int64_t d : op.getPermutation())
    permutation.push_back(d + 1);
  return writer.node("Transpose", {*input}, {{"perm", permutation}});
}

static Result writePad(Writer &writer, qnn::PadOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  Integers pads{0};
  llvm::append_range(pads, op.getLow());
  pads.push_back(0);
  llvm::append_range(pads, op.getHigh());
  return writer.node("Pad", {*input, writer.integers(pads)});
}

/// Elements of the flattened tensor; a zero is put behind it where some are padding.
static Result writeGather(Writer &writer, qnn::GatherOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  int64_t count = qnn::elementCount(op.getInput());
  std::string flat = writer.reshape(*input, {count});
  Integers source(op.getSource().begin(), op.getSource().end());
  if (llvm::is_contained(source, -1)) {
    flat = writer.node("Pad", {flat, writer.integers({0, 0, 0, 1})});
    std::replace(source.begin(), source.end(), int64_t(-1), count);
  }
  std::string chosen = writer.node("Gather", {flat, writer.integers(source)}, {{"axis", int64_t(1)}});
  return writer.reshape(chosen, qnn::shapeOf(op.getResult()));
}

static Result writeConcat(Writer &writer, qnn::ConcatOp op) {
  Strings inputs;
  for (Value operand : op.getInputs()) {
    if (qnn::clearConstant(operand)) // it has no batch dimension
      return refuse(op, writer, "a concatenation with constants cannot be written");
    Result name = writer.operand(operand);
    if (failed(name))
      return failure();
    inputs.push_back(*name);
  }
  return writer.node("Concat", inputs, {{"axis", int64_t(op.getAxis()) + 1}});
}

static Result writeReshape(Writer &writer, qnn::ReshapeOp op) {
  Result input = writer.operand(op.getInput());
  return failed(input) ? input : Result(writer.reshape(*input, qnn::shapeOf(op.getResult())));
}

//===------------------------------------------------------------------------------===//
// The client's part
//===------------------------------------------------------------------------------===//

static Result writeSoftmax(Writer &writer, qnn::SoftmaxOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  return writer.node(op.getLog() ? "LogSoftmax" : "Softmax", {*input},
                     {{"axis", int64_t(op.getAxis()) + 1}});
}

static Result writeHardmax(Writer &writer, qnn::HardmaxOp op) {
  Result input = writer.operand(op.getInput());
  return failed(input) ? input
                       : Result(writer.node("Hardmax", {*input}, {{"axis", int64_t(op.getAxis()) + 1}}));
}

static Result writeTopK(Writer &writer, qnn::TopKOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  int64_t axis = op.getAxis() + 1;
  if (!op.getIndices())
    return writer.node("TopK", {*input, writer.integers({int64_t(op.getK())})}, {{"axis", axis}});
  std::string index =
      op.getK() == 1 ? writer.node("ArgMax", {*input},
                                   {{"axis", axis}, {"select_last_index", int64_t(op.getLast())}})
                     : writer.node("TopK", {*input, writer.integers({int64_t(op.getK())})},
                                   {{"axis", axis}}, "", /*outputs=*/2);
  return writer.node("Cast", {index}, {{"to", int64_t(onnx::TensorProto::FLOAT)}});
}

static Result writeOneHot(Writer &writer, qnn::OneHotOp op) {
  Result input = writer.operand(op.getInput());
  if (failed(input))
    return failure();
  return writer.node("OneHot", {*input, writer.integers({qnn::shapeOf(op.getResult()).back()}),
                                writer.reals({0, 1}, {2})});
}

//===------------------------------------------------------------------------------===//
// All
//===------------------------------------------------------------------------------===//

Result writeOperation(Writer &writer, Operation *op) {
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](qnn::AddOp add) { return writeBroadcast(writer, add, "Add"); })
      .Case([&](qnn::MulOp mul) { return writeBroadcast(writer, mul, "Mul"); })
      .Case([&](qnn::DivOp div) { return writeBroadcast(writer, div, "Div"); })
      .Case([&](qnn::ActivationOp function) { return writeFunction(writer, function); })
      .Case([&](qnn::BinaryFunctionOp binary) { return writeBinary(writer, binary); })
      .Case([&](qnn::SelectOp select) { return writeSelect(writer, select); })
      .Case([&](qnn::BatchNormOp norm) { return writeBatchNorm(writer, norm); })
      .Case([&](qnn::GemmOp gemm) { return writeGemm(writer, gemm); })
      .Case([&](qnn::ConvOp conv) { return writeConv(writer, conv); })
      .Case([&](qnn::AvgPoolOp pool) { return writeAvgPool(writer, pool); })
      .Case([&](qnn::StatisticOp statistic) { return writeStatistic(writer, statistic); })
      .Case([&](qnn::MaxOp max) { return writeMax(writer, max); })
      .Case([&](qnn::ReshapeOp reshape) { return writeReshape(writer, reshape); })
      .Case([&](qnn::TransposeOp transpose) { return writeTranspose(writer, transpose); })
      .Case([&](qnn::PadOp pad) { return writePad(writer, pad); })
      .Case([&](qnn::GatherOp gather) { return writeGather(writer, gather); })
      .Case([&](qnn::ConcatOp concat) { return writeConcat(writer, concat); })
      .Case([&](qnn::SoftmaxOp softmax) { return writeSoftmax(writer, softmax); })
      .Case([&](qnn::HardmaxOp hardmax) { return writeHardmax(writer, hardmax); })
      .Case([&](qnn::TopKOp top) { return writeTopK(writer, top); })
      .Case([&](qnn::OneHotOp encoded) { return writeOneHot(writer, encoded); })
      .Default([&](Operation *other) -> Result {
        return refuse(other, writer, other->getName().getStringRef() + " cannot be written");
      });
}

int64_t neededOpset(func::FuncOp function, OnnxFormat format) {
  int64_t opset = 13;
  function.walk([&](Operation *op) {
    int64_t needed = 13;
    if (auto activation = dyn_cast<qnn::ActivationOp>(op)) {
      qnn::Function f = activation.getFunction();
      needed = f == qnn::Function::HardSwish                             ? 14
               : f == qnn::Function::Mish                                ? 18
               : f == qnn::Function::Gelu || f == qnn::Function::GeluTanh ? 20
                                                                          : 13;
    }
    if (isa<qnn::QuantizeOp>(op) && format == OnnxFormat::Qcdq) {
      auto type = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
      if (cast<quant::QuantizedType>(type).getStorageTypeIntegralWidth() > 8)
        needed = 21; // QuantizeLinear to 16 bits
    }
    opset = std::max(opset, needed);
  });
  return opset;
}

} // namespace fhe::onnx_export
