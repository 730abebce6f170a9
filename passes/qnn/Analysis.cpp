//===- Analysis.cpp - Roots, element maps and affine forms ----------------------===//
#include "passes/qnn/Analysis.h"
#include "dialects/qnn/PostSteps.h"
#include "passes/qnn/PerElement.h"
#include "passes/qnn/WeightGrid.h"
#include "dialects/shared/DiagnosticIds.h"
#include "passes/pipeline/Command.h"
#include "dialects/shared/NodeLocation.h"
#include "dialects/shared/StoredIntegers.h"
#include <cfloat>

using namespace mlir;

namespace fhe::qnn {

void PerElement::compress() {
  if (llvm::all_equal(values))
    values.resize(1);
}

std::vector<int32_t> centredIntegers(ConstantOp constant) {
  auto tensor = cast<RankedTensorType>(constant.getType());
  auto values = cast<DenseElementsAttr>(constant.getValue());
  std::vector<int32_t> out = readIntegers(values);
  // One zero point for each run of elements of a channel.
  size_t run = out.size();
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(tensor.getElementType())) {
    if (llvm::all_of(perAxis.getZeroPoints(), [](int64_t zero) { return zero == 0; }))
      return out;
    run = 1;
    for (int64_t size : tensor.getShape().drop_front(perAxis.getQuantizedDimension() + 1))
      run *= size_t(size);
  }
  for (size_t start = 0; start < out.size(); start += run) {
    const int64_t zeroPoint = zeroPointAt(tensor.getElementType(), tensor.getShape(), start);
    for (size_t e = start; e != start + run; ++e)
      out[e] = int32_t(out[e] - zeroPoint);
  }
  return out;
}

std::string describeOrigin(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name = function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qnn.name")
                         : StringAttr();
    return "graph input '" + (name ? name.str() : "#" + std::to_string(argument.getArgNumber())) + "'";
  }
  Operation *op = value.getDefiningOp();
  if (auto node = primaryNode(op->getLoc()))
    return "node '" + node->name.str() + "' (" +
           (node->op.empty() ? op->getName().getStringRef() : node->op).str() + ")";
  return op->getName().getStringRef().str();
}

bool Analysis::isQuantized(Value value) const {
  const Form &form = this->form(value);
  if (form.isClear() || !form.isAffine || !form.scale.isUniform() || form.scale[0] == 0)
    return false;
  RootKind kind = root(form.root).kind;
  return kind != RootKind::Argument && kind != RootKind::Linear && kind != RootKind::Client;
}

BlockArgument argumentOf(Value root) {
  if (auto oneHot = root.getDefiningOp<OneHotOp>())
    root = oneHot.getInput();
  return cast<BlockArgument>(root);
}

static Form formOfReals(Value root) {
  Form form;
  form.root = root;
  form.scale.values = {1.0};
  return form;
}

/// Centred integers a value's root can have, with 0 where the value is padded.
std::pair<int64_t, int64_t> Analysis::rangeOf(const Form &form) const {
  const Root &root = this->root(form.root);
  if (llvm::is_contained(form.elements, -1))
    return {std::min<int64_t>(root.lo, 0), std::max<int64_t>(root.hi, 0)};
  return {root.lo, root.hi};
}

static LogicalResult refuseUnknownRange(Operation *op, Value input) {
  InFlightDiagnostic diagnostic = op->emitError("truncates a value of unknown range")
                                  << diag::tag(diag::OperandNotQuantized);
  diagnostic.attachNote() << "it comes from " << describeOrigin(input);
  diagnostic.attachNote() << "help: put a QuantIdentity before it";
  return diagnostic;
}

/// After so many refusals the rest is not looked at.
static constexpr unsigned kMaxRefusals = 20;

FailureOr<Analysis> Analysis::run(func::FuncOp function, StringRef command, Meetings allowed) {
  Analysis analysis;
  analysis.command = command.str();
  analysis.allowed = allowed;
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("a network is a function of one block");
  // Quantized constants count: a network with quantized weights only is no float network.
  function.walk([&](Operation *op) {
    analysis.hasQuantizers |= isQuantizer(op);
    if (auto constant = dyn_cast<ConstantOp>(op))
      analysis.hasQuantizers |= !constant.getType().getElementType().isF32();
  });
  for (BlockArgument argument : function.getArguments()) {
    analysis.forms[argument] = formOfReals(argument);
    analysis.roots[argument] = Root();
  }
  DenseSet<Value> unknown; // results of refused operations, and what is computed from them
  unsigned refusals = 0;
  for (Operation &op : function.getBody().front().without_terminator()) {
    // Only a quantizer gives known integers whatever its operand was.
    bool follows = llvm::any_of(op.getOperands(), [&](Value v) { return unknown.contains(v); }) &&
                   !isa<QuantizeOp>(op);
    if (!follows && succeeded(analysis.visit(&op)))
      continue;
    refusals += !follows;
    if (refusals == kMaxRefusals || !analysis.hasQuantizers || op.getNumResults() != 1)
      return failure();
    Value result = op.getResult(0);
    unknown.insert(result);
    Form form;
    form.root = result;
    form.isAffine = false;
    analysis.forms[result] = std::move(form);
    analysis.roots[result] = Root();
  }
  if (refusals)
    return failure();
  return analysis;
}

LogicalResult refuseStatistic(StatisticOp op, StringRef command) {
  StringRef what = op.getStatistic() == Statistic::Mean ? "the mean" : "the variance";
  InFlightDiagnostic diagnostic = op.emitError()
                                  << "normalizes by " << what
                                  << " of encrypted numbers, and no table can divide by that"
                                  << diag::tag(diag::StatisticOfData);
  diagnostic.attachNote() << "constants may stand in its place: the means over calibration samples, or "
                             "train with BatchNorm, whose running statistics are constants in model.eval()";
  bool calibrated = command.contains("--calibration");
  diagnostic.attachNote() << "help: " << command << (calibrated ? "" : " --calibration F.npy")
                          << " --freeze-statistics";
  return diagnostic;
}

LogicalResult Analysis::visit(Operation *op) {
  if (op->getNumResults() != 1 || !isa<QNNDialect>(op->getDialect()))
    return op->emitError("is no operation of a quantized network");
  if (isa<ConstantOp>(op) || clearConstant(op->getResult(0))) {
    forms[op->getResult(0)] = Form();
    return success();
  }
  if (llvm::all_of(op->getOperands(), [&](Value v) { return forms.find(v)->second.isClear(); }))
    return op->emitError("has only clear operands; qnn-fold evaluates those");
  if (auto statistic = dyn_cast<StatisticOp>(op)) {
    // Of a mean and a variance of the same numbers the variance says it.
    bool follows = statistic.getStatistic() == Statistic::Mean &&
                   llvm::any_of(statistic.getInput().getUsers(), [](Operation *user) {
                     auto other = dyn_cast<StatisticOp>(user);
                     return other && other.getStatistic() != Statistic::Mean;
                   });
    return follows ? failure() : refuseStatistic(statistic, command);
  }
  if (isClientOp(op)) {
    roots[op->getResult(0)].kind = RootKind::Client;
    forms[op->getResult(0)] = formOfReals(op->getResult(0));
    return success();
  }
  if (failed(refuseBehindClient(op)))
    return failure();
  if (auto oneHot = dyn_cast<OneHotOp>(op))
    return visitOneHot(oneHot);
  if (isQuantizer(op))
    return visitQuantizer(op);
  if (isa<GemmOp, ConvOp>(op))
    return visitLinear(op);
  if (auto pool = dyn_cast<AvgPoolOp>(op))
    return visitPool(pool);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return visitConcat(concat);
  if (isLayout(op)) {
    visitLayout(op);
    return success();
  }
  if (auto max = dyn_cast<MaxOp>(op))
    return visitMax(max);
  return visitElementwise(op);
}

/// Behind an operation of the client there are only others of the client.
LogicalResult Analysis::refuseBehindClient(Operation *op) {
  unsigned encrypted = 0;
  Value client;
  for (Value operand : op->getOperands()) {
    const Form &from = form(operand);
    encrypted += !from.isClear();
    if (!from.isClear() && root(from.root).kind == RootKind::Client)
      client = from.root;
  }
  if (!client || (encrypted == 1 && (isElementwise(op) || isa<ReshapeOp>(op))))
    return success();
  InFlightDiagnostic diagnostic = op->emitError()
      << "takes what only the client can compute, on decrypted numbers: "
      << describeOrigin(client) << diag::tag(diag::BehindClient);
  diagnostic.attachNote() << "help: end the network with " << describeOrigin(client)
                          << ", or remove it where only the order of the numbers matters";
  return diagnostic;
}

LogicalResult Analysis::visitOneHot(OneHotOp op) {
  if (!isa<BlockArgument>(op.getInput())) {
    InFlightDiagnostic diagnostic =
        op.emitError("encodes class numbers that are no input of the network") << diag::tag(diag::InputForm);
    diagnostic.attachNote() << "they come from " << describeOrigin(op.getInput());
    diagnostic.attachNote() << "help: make the class numbers an input, which the client encodes";
    return diagnostic;
  }
  roots[op.getResult()] = Root();
  forms[op.getResult()] = formOfReals(op.getResult());
  return success();
}

LogicalResult Analysis::visitQuantizer(Operation *op) {
  Value input = op->getOperand(0), result = op->getResult(0);
  auto tensor = cast<RankedTensorType>(result.getType());
  auto type = cast<quant::QuantizedType>(tensor.getElementType());
  int64_t count = tensor.getNumElements();
  Root root;
  root.kind = RootKind::Quantizer;
  root.lo = INT64_MAX;
  root.hi = INT64_MIN;
  Form form;
  form.root = result;
  form.scale.values.resize(isa<quant::UniformQuantizedPerAxisType>(type) ? count : 1);
  for (size_t e = 0; e != form.scale.values.size(); ++e) {
    int64_t zeroPoint = zeroPointAt(type, tensor.getShape(), e);
    root.lo = std::min(root.lo, type.getStorageTypeMin() - zeroPoint);
    root.hi = std::max(root.hi, type.getStorageTypeMax() - zeroPoint);
    form.scale.values[e] = scaleAt(type, tensor.getShape(), e);
  }
  form.scale.compress();
  auto trunc = dyn_cast<TruncOp>(op);
  if (trunc && !trunc.getClip()) {
    // Without a clip the range is what the input's range gives, and the ends of an affine input suffice.
    const Form &from = this->form(input);
    if (from.isClear() || !from.isAffine || this->root(from.root).kind == RootKind::Argument)
      return refuseUnknownRange(op, input);
    auto [lo, hi] = rangeOf(from);
    root.lo = INT64_MAX;
    root.hi = INT64_MIN;
    for (int64_t e = 0; e != count; ++e)
      for (int64_t end : {lo, hi}) {
        int64_t t = quantizeReal(op, e, double(end) * from.scale[e] + from.offset[e]);
        root.lo = std::min(root.lo, t);
        root.hi = std::max(root.hi, t);
      }
  }
  roots[result] = root;
  forms[result] = std::move(form);
  return success();
}

/// The two ways to quantize an input of the network.
static void suggestDeclaration(InFlightDiagnostic &diagnostic, BlockArgument input,
                               StringRef command) {
  diagnostic.attachNote() << "put a QuantIdentity first in the network, or declare what the values are; "
                             "the line below does it for 16 steps from 0 to 1: put the bits and the "
                             "range of your data";
  auto function = cast<func::FuncOp>(input.getOwner()->getParentOp());
  auto name = function.getArgAttrOfType<StringAttr>(input.getArgNumber(), "qnn.name");
  std::string prefix = function.getNumArguments() > 1 && name ? name.str() + "=" : "";
  diagnostic.attachNote() << "help: " << command << " "
                          << shellWord("--input-bits=" + prefix + "4") << " "
                          << shellWord("--input-range=" + prefix + "0:1");
}

LogicalResult Analysis::requireQuantized(Operation *op, Value operand, StringRef what) {
  if (isQuantized(operand))
    return success();
  const Form &form = this->form(operand);
  if (form.isClear())
    return op->emitError() << what << " is clear, only its weights may be"
                           << diag::tag(diag::OperandNotQuantized);
  if (!hasQuantizers) {
    InFlightDiagnostic diagnostic = op->emitError()
        << what << " is not quantized: the file has no quantizer at all, it is a float network"
        << diag::tag(diag::NoQuantizers);
    diagnostic.attachNote() << "help: " << command << " --calibration F.npy --weight-bits 4 --activation-bits 4";
    diagnostic.attachNote() << "help: or train it quantization-aware with Brevitas and export it with "
                               "export_qonnx or export_onnx_qcdq";
    return diagnostic;
  }
  RootKind kind = root(form.root).kind;
  InFlightDiagnostic diagnostic = op->emitError()
      << what << " is not quantized"
      << diag::tag(kind == RootKind::Argument ? diag::InputNotQuantized : diag::OperandNotQuantized);
  if (kind == RootKind::Argument) {
    diagnostic.attachNote() << "it comes from " << describeOrigin(form.root)
                            << " without a quantizer between";
    suggestDeclaration(diagnostic, argumentOf(form.root), command);
    return diagnostic;
  }
  diagnostic.attachNote() << "it comes from " << describeOrigin(operand)
                          << (form.isAffine && form.scale.isUniform() && kind == RootKind::Linear
                                  ? ", a wide accumulator"
                              : form.isAffine && !form.scale.isUniform()
                                  ? ", whose scale differs between channels"
                                  : ", a real function of integers")
                          << ", over the integers of " << describeOrigin(form.root);
  diagnostic.attachNote() << "help: put a QuantIdentity (or QuantReLU) between "
                          << describeOrigin(operand) << " and this node";
  return diagnostic;
}

LogicalResult Analysis::requireWeights(Operation *op, Value weights) {
  ConstantOp constant = clearConstant(weights);
  if (!constant)
    return (op->emitError("both operands are encrypted; the weights must be clear")
            << diag::tag(diag::BothEncrypted))
               .attachNote() << "the second operand comes from " << describeOrigin(weights);
  auto type = cast<RankedTensorType>(constant.getType()).getElementType();
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type);
  if (type.isF32() || (perAxis && perAxis.getQuantizedDimension() != 0)) {
    InFlightDiagnostic diagnostic = op->emitError()
        << (perAxis ? "weights are quantized along their inputs, not their output channels"
                    : "weights are not quantized")
        << diag::tag(diag::WeightsNotQuantized);
    if (std::string why = perAxis ? "" : describeOffGrid(constant); !why.empty())
      diagnostic.attachNote() << why;
    diagnostic.attachNote() << "help: use QuantLinear or QuantConv2d with a weight quantizer, per "
                               "tensor or per output channel";
    return diagnostic;
  }
  return success();
}

void Analysis::visitLayout(Operation *op) {
  const Form &from = form(op->getOperand(0));
  ElementMap map = inputElements(op, 0);
  Form out = from;
  out.elements = compose(map, from.elements);
  if (out.isAffine) {
    out.scale = permute(from.scale, map, false);
    out.offset = permute(from.offset, map, true);
  }
  forms[op->getResult(0)] = std::move(out);
}

} // namespace fhe::qnn
