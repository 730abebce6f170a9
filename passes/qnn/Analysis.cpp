//===- Analysis.cpp - Roots, element maps and affine forms ----------------------===//
#include "passes/qnn/Analysis.h"
#include "dialects/qnn/PostSteps.h"
#include "passes/qnn/PerElement.h"
#include "passes/qnn/WeightGrid.h"
#include "dialects/shared/DiagnosticIds.h"
#include "passes/pipeline/Command.h"
#include "dialects/shared/NodeLocation.h"
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
  std::vector<int32_t> out;
  out.reserve(values.getNumElements());
  for (auto [e, v] : llvm::enumerate(values.getValues<int32_t>()))
    out.push_back(int32_t(v - zeroPointAt(tensor.getElementType(), tensor.getShape(), e)));
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

LogicalResult Analysis::visit(Operation *op) {
  if (op->getNumResults() != 1 || !isa<QNNDialect>(op->getDialect()))
    return op->emitError("is no operation of a quantized network");
  if (isa<ConstantOp>(op) || clearConstant(op->getResult(0))) {
    forms[op->getResult(0)] = Form();
    return success();
  }
  if (llvm::all_of(op->getOperands(), [&](Value v) { return forms.find(v)->second.isClear(); }))
    return op->emitError("has only clear operands; qnn-fold evaluates those");
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

/// Calls f(channel, weight, element of the input or -1 in the padding, element of the result) for each
/// product of a linear op.
template <typename F>
static void forEachProduct(Operation *op, ArrayRef<int32_t> weights, F f) {
  ArrayRef<int64_t> in = shapeOf(op->getOperand(0)), w = shapeOf(op->getOperand(1)),
                    out = shapeOf(op->getResult(0));
  if (isa<GemmOp>(op)) {
    int64_t rows = ShapedType::getNumElements(in) / w[1];
    for (int64_t r = 0; r != rows; ++r)
      for (int64_t o = 0; o != w[0]; ++o)
        for (int64_t i = 0; i != w[1]; ++i)
          f(o, weights[o * w[1] + i], r * w[1] + i, r * w[0] + o);
    return;
  }
  auto conv = cast<ConvOp>(op);
  int64_t perGroup = w[0] / conv.getGroups();
  for (int64_t o = 0; o != w[0]; ++o)
    for (int64_t y = 0; y != out[1]; ++y)
      for (int64_t x = 0; x != out[2]; ++x)
        for (int64_t c = 0; c != w[1]; ++c)
          for (int64_t ky = 0; ky != w[2]; ++ky)
            for (int64_t kx = 0; kx != w[3]; ++kx) {
              int64_t iy = y * conv.getStrides()[0] - conv.getPads()[0] + ky * conv.getDilations()[0],
                      ix = x * conv.getStrides()[1] - conv.getPads()[1] + kx * conv.getDilations()[1];
              bool inside = iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2];
              int64_t channel = o / perGroup * w[1] + c;
              f(o, weights[((o * w[1] + c) * w[2] + ky) * w[3] + kx],
                inside ? (channel * in[1] + iy) * in[2] + ix : -1, (o * out[1] + y) * out[2] + x);
            }
}

void Analysis::addAccumulator(Operation *op, ConstantOp weights, const Form &input, Root root) {
  Value result = op->getResult(0);
  int64_t count = elementCount(result), channels = shapeOf(weights.getResult())[0];
  int64_t inner = isa<ConvOp>(op) ? count / channels : 1;
  Type type = cast<RankedTensorType>(weights.getType()).getElementType();
  ArrayRef<int64_t> weightShape = shapeOf(weights.getResult());
  int64_t perChannel = elementCount(weights.getResult()) / channels;
  auto channelOf = [&](int64_t e) { return e / inner % channels; };
  Form form;
  form.root = result;
  form.scale.values.resize(count);
  form.offset.values.assign(count, 0.0);
  for (int64_t e = 0; e != count; ++e)
    form.scale.values[e] = input.scale[0] * scaleAt(type, weightShape, channelOf(e) * perChannel);
  // The real offset of the operand times the weights, then the bias.
  if (!input.offset.isUniform() || input.offset[0] != 0)
    forEachProduct(op, centredIntegers(weights), [&](int64_t o, int32_t w, int64_t i, int64_t e) {
      if (i >= 0)
        form.offset.values[e] +=
            w * scaleAt(type, weightShape, o * perChannel) * input.offset[i];
    });
  if (op->getNumOperands() == 3) {
    std::vector<float> bias = clearReals(clearConstant(op->getOperand(2)));
    for (int64_t e = 0; e != count; ++e)
      form.offset.values[e] += bias[channelOf(e)];
  }
  form.scale.compress();
  form.offset.compress();
  roots[result] = std::move(root);
  forms[result] = std::move(form);
}

LogicalResult Analysis::visitLinear(Operation *op) {
  Value input = op->getOperand(0), weights = op->getOperand(1);
  // A file without any quantizer is better named as such than by its first weight.
  if (failed(requireQuantized(op, input, "input")) || failed(requireWeights(op, weights)))
    return failure();
  if (op->getNumOperands() == 3 && !clearConstant(op->getOperand(2)))
    return (op->emitError("bias is encrypted; it must be clear")
            << diag::tag(diag::BothEncrypted))
               .attachNote() << "it comes from " << describeOrigin(op->getOperand(2));
  ConstantOp constant = clearConstant(weights);
  std::vector<int32_t> integers = centredIntegers(constant);
  const Form &from = form(input);
  auto [lo, hi] = rangeOf(from);
  if (auto conv = dyn_cast<ConvOp>(op);
      conv && llvm::any_of(conv.getPads(), [](int64_t p) { return p != 0; })) {
    lo = std::min<int64_t>(lo, 0);
    hi = std::max<int64_t>(hi, 0);
  }
  Root root;
  root.kind = RootKind::Linear;
  int64_t channels = shapeOf(weights)[0], terms = int64_t(integers.size()) / channels;
  for (int64_t o = 0; o != channels; ++o) {
    __int128 sumLo = 0, sumHi = 0;
    int64_t nonZero = 0;
    for (int64_t i = 0; i != terms; ++i) {
      __int128 w = integers[o * terms + i];
      sumLo += w > 0 ? w * lo : w * hi;
      sumHi += w > 0 ? w * hi : w * lo;
      nonZero += w != 0;
    }
    int64_t channelLo = saturated(sumLo), channelHi = saturated(sumHi);
    root.channelLo.push_back(channelLo);
    root.channelHi.push_back(channelHi);
    if (o == 0 || std::max(-channelLo, channelHi) >
                      std::max(-root.channelLo[root.worstChannel], root.channelHi[root.worstChannel])) {
      root.worstChannel = o;
      root.worstTerms = nonZero;
    }
    root.lo = o == 0 ? channelLo : std::min(root.lo, channelLo);
    root.hi = o == 0 ? channelHi : std::max(root.hi, channelHi);
  }
  addAccumulator(op, constant, from, std::move(root));
  return success();
}

LogicalResult Analysis::visitPool(AvgPoolOp op) {
  if (failed(requireQuantized(op, op.getInput(), "input")))
    return failure();
  const Form &from = form(op.getInput());
  ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getResult()), kernel = op.getKernel(),
                    strides = op.getStrides(), pads = op.getPads();
  int64_t window = kernel[0] * kernel[1], count = elementCount(op.getResult());
  auto [lo, hi] = rangeOf(from);
  Root root;
  root.kind = RootKind::Pool;
  Form result;
  result.root = op.getResult();
  result.scale.values.assign(count, 0.0);
  result.offset.values.assign(count, 0.0);
  root.lo = INT64_MAX;
  root.hi = INT64_MIN;
  for (int64_t e = 0; e != count; ++e) {
    int64_t x = e % out[2], y = e / out[2] % out[1], c = e / (out[1] * out[2]), real = 0;
    double offset = 0;
    for (int64_t k = 0; k != window; ++k) {
      int64_t iy = y * strides[0] - pads[0] + k / kernel[1], ix = x * strides[1] - pads[1] + k % kernel[1];
      if (iy < 0 || iy >= in[1] || ix < 0 || ix >= in[2])
        continue;
      ++real;
      offset += from.offset[(c * in[1] + iy) * in[2] + ix];
    }
    double divisor = double(op.getSum()               ? 1
                            : op.getCountIncludePad() ? window
                                                      : std::max<int64_t>(real, 1));
    result.scale.values[e] = from.scale[0] / divisor;
    result.offset.values[e] = offset / divisor;
    root.lo = std::min(root.lo, saturated(__int128(real) * lo));
    root.hi = std::max(root.hi, saturated(__int128(real) * hi));
  }
  result.scale.compress();
  result.offset.compress();
  roots[op.getResult()] = root;
  forms[op.getResult()] = std::move(result);
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

/// Numbers of clear operand `operand` of an element-wise op, one for all or one an element.
static PerElement clearOperand(Operation *op, unsigned operand) {
  PerElement values;
  std::vector<float> reals = clearReals(clearConstant(op->getOperand(operand)));
  values.values.assign(reals.begin(), reals.end());
  values.compress();
  return permute(values, inputElements(op, operand), false);
}

/// Whether two element maps of `count` elements read the same elements.
static bool sameElements(const ElementMap &a, const ElementMap &b, int64_t count) {
  if (a.empty() == b.empty())
    return a == b;
  const ElementMap &map = a.empty() ? b : a;
  for (int64_t e = 0; e != count; ++e)
    if (map[e] != e)
      return false;
  return int64_t(map.size()) == count;
}

std::optional<ElementMap> Analysis::commonElements(Operation *op, ArrayRef<unsigned> operands) const {
  std::optional<ElementMap> common;
  for (unsigned i : operands) {
    const Form &from = form(op->getOperand(i));
    ElementMap map = compose(inputElements(op, i), from.elements);
    if (from.root != form(op->getOperand(operands[0])).root ||
        (common && !sameElements(*common, map, elementCount(op->getResult(0)))))
      return std::nullopt;
    common = std::move(map);
  }
  return common;
}

LogicalResult Analysis::visitSeveral(Operation *op, ArrayRef<unsigned> operands) {
  std::optional<ElementMap> elements = commonElements(op, operands);
  auto add = dyn_cast<AddOp>(op);
  if (!elements && add)
    return visitSum(add);
  if (auto binary = dyn_cast<BinaryFunctionOp>(op); !elements && binary)
    if (binary.getFunction() == BinaryFunction::Max || binary.getFunction() == BinaryFunction::Min)
      return visitLargerOf(binary);
  if (auto mul = dyn_cast<MulOp>(op); !elements && mul && isQuantized(mul.getLhs()) && isQuantized(mul.getRhs()))
    return visitProduct(mul);
  if (!elements) {
    InFlightDiagnostic diagnostic =
        op->emitError(isa<DivOp>(op) ? "divides by an encrypted tensor"
                                     : "several operands are encrypted; all but one must be clear, or "
                                       "functions of the same integers")
        << diag::tag(diag::BothEncrypted);
    for (unsigned i : operands)
      diagnostic.attachNote() << "operand " << i << " is over the integers of "
                              << describeOrigin(form(op->getOperand(i)).root);
    return diagnostic;
  }
  Form out;
  out.root = form(op->getOperand(operands[0])).root;
  out.elements = std::move(*elements);
  out.isAffine = add && llvm::all_of(op->getOperands(), [&](Value v) { return form(v).isAffine; });
  if (out.isAffine) {
    int64_t count = elementCount(op->getResult(0));
    auto read = [&](unsigned i, PerElement Form::*numbers) {
      return permute(form(op->getOperand(i)).*numbers, inputElements(op, i), false);
    };
    auto plus = [](double a, double b) { return a + b; };
    out.scale = combine(count, read(0, &Form::scale), read(1, &Form::scale), plus);
    out.offset = combine(count, read(0, &Form::offset), read(1, &Form::offset), plus);
  }
  forms[op->getResult(0)] = std::move(out);
  return success();
}

LogicalResult Analysis::visitElementwise(Operation *op) {
  SmallVector<unsigned> encrypted;
  for (unsigned i = 0; i != op->getNumOperands(); ++i)
    if (!form(op->getOperand(i)).isClear())
      encrypted.push_back(i);
  if (encrypted.size() > 1)
    return visitSeveral(op, encrypted);
  unsigned data = encrypted.front();
  int64_t count = elementCount(op->getResult(0));
  const Form &from = form(op->getOperand(data));
  ElementMap map = inputElements(op, data);
  Form out;
  out.root = from.root;
  out.elements = compose(map, from.elements);
  out.isAffine = from.isAffine && (!isa<DivOp>(op) || data == 0);
  if (out.isAffine)
    scaleAffine(op, data, permute(from.scale, map, false), permute(from.offset, map, false), count,
                out);
  forms[op->getResult(0)] = std::move(out);
  return success();
}

void Analysis::scaleAffine(Operation *op, unsigned data, PerElement scale, PerElement offset,
                           int64_t count, Form &out) const {
  auto times = [](double a, double b) { return a * b; };
  auto plus = [](double a, double b) { return a + b; };
  auto minus = [](double a, double b) { return a - b; };
  auto divide = [](double a, double b) { return a / b; };
  out.scale = std::move(scale);
  out.offset = std::move(offset);
  if (isa<AddOp>(op)) {
    out.offset = combine(count, out.offset, clearOperand(op, 1 - data), plus);
  } else if (isa<MulOp>(op)) {
    PerElement c = clearOperand(op, 1 - data);
    out.scale = combine(count, out.scale, c, times);
    out.offset = combine(count, out.offset, c, times);
  } else if (isa<DivOp>(op)) {
    PerElement c = clearOperand(op, 1);
    out.scale = combine(count, out.scale, c, divide);
    out.offset = combine(count, out.offset, c, divide);
  } else if (auto norm = dyn_cast<BatchNormOp>(op)) {
    double epsilon = norm.getEpsilon().convertToDouble();
    PerElement factor = combine(count, clearOperand(op, 1), clearOperand(op, 4),
                                [&](double s, double v) { return s / std::sqrt(v + epsilon); });
    out.scale = combine(count, out.scale, factor, times);
    out.offset = combine(count, out.offset, clearOperand(op, 3), minus);
    out.offset = combine(count, combine(count, out.offset, factor, times), clearOperand(op, 2), plus);
  } else {
    auto activation = dyn_cast<ActivationOp>(op);
    out.isAffine = activation && activation.getFunction() == Function::Neg;
    out.scale = combine(count, out.scale, {}, [](double a, double) { return -a; });
    out.offset = combine(count, out.offset, {}, [](double a, double) { return -a; });
  }
}

} // namespace fhe::qnn
