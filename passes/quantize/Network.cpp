//===- Network.cpp - One way of quantizing a network --------------------------------===//
#include "passes/quantize/Network.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/Pass/PassManager.h"
#include "passes/qnn/EraseUnused.h"
#include "passes/qnn/Passes.h"
#include "passes/quantize/Equalize.h"
#include "passes/quantize/LayerWeights.h"
#include "passes/quantize/ResultError.h"
#include <algorithm>
#include <cfloat>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

/// Multiplications spent on the choice of one range, in evaluations of the network; between the limits
/// below, so that small networks try many ranges and large ones some.
static constexpr int64_t kChoiceBudget = 1'000'000'000;
static constexpr int kLeastRanges = 8, kMostRanges = 64;
/// Samples that ranges are compared on.
static constexpr int64_t kChoiceSamples = 512;
static constexpr double kOutside = 0.0005; ///< of the values, at each end, for a percentile range

/// The first `count` of `samples` samples.
static RealTensors firstSamples(const RealTensors &tensors, int64_t samples, int64_t count) {
  RealTensors out;
  for (const std::vector<float> &tensor : tensors)
    out.emplace_back(tensor.begin(), tensor.begin() + int64_t(tensor.size()) / samples * count);
  return out;
}

static int64_t multiplications(func::FuncOp function) {
  int64_t count = 0;
  function.walk([&](Operation *op) {
    if (isa<GemmOp, ConvOp>(op))
      count += elementCount(op->getResult(0)) *
               ShapedType::getNumElements(shapeOf(op->getOperand(1)).drop_front());
    else if (op->getNumResults() == 1 && isa<QNNDialect>(op->getDialect()))
      count += 8 * elementCount(op->getResult(0)); // functions cost more than a product
  });
  return std::max<int64_t>(count, 1);
}

/// How many ranges are compared for one activation.
static int rangesToTry(ModuleOp module, int64_t samples) {
  int64_t cost = multiplications(module.lookupSymbol<func::FuncOp>("main")) *
                 std::min(samples, kChoiceSamples);
  return int(std::clamp<int64_t>(kChoiceBudget / cost, kLeastRanges, kMostRanges));
}

bool isSmall(ModuleOp module, int64_t samples) { return rangesToTry(module, samples) == kMostRanges; }

unsigned Network::bitsOf(Value producer) const {
  return isa<BlockArgument>(producer) ? options.inputBits.value_or(options.activationBits)
                                      : options.activationBits;
}

LogicalResult Network::prepare() {
  PassManager manager(module.getContext());
  manager.addNestedPass<func::FuncOp>(createQnnFold());
  if (failed(manager.run(module)))
    return failure();
  for (Operation &op : main().getBody().front().without_terminator())
    if (isa<GemmOp, ConvOp>(op))
      for (Value operand : op.getOperands().drop_front())
        if (!clearConstant(operand))
          return op.emitError("multiplies two encrypted tensors; one must be clear")
                 << diag::tag(diag::BothEncrypted);
  if (variant.equalizes && failed(equalize(module, inputs, samples)))
    return failure();
  floatModule = cast<ModuleOp>(module->clone(toFloat));
  auto created = Interpreter::create(*floatModule);
  if (failed(created))
    return failure();
  floatNetwork = std::move(*created);
  choiceSamples = std::min(samples, kChoiceSamples);
  choiceInputs = firstSamples(inputs, samples, choiceSamples);
  choiceResults = floatNetwork->run(choiceInputs, choiceSamples);
  sources = findSources(main());
  return success();
}

//===------------------------------------------------------------------------------===//
// Activations
//===------------------------------------------------------------------------------===//

FailureOr<std::vector<float>> Network::evaluate(Value value) {
  auto interpreter = Interpreter::create(module);
  if (failed(interpreter))
    return failure();
  return std::move((*interpreter)->evaluate({value}, inputs, samples).front());
}

/// resultError of the network as it is now.
static FailureOr<double> errorNow(ModuleOp module, const RealTensors &inputs, const RealTensors &before,
                                  int64_t samples) {
  auto interpreter = Interpreter::create(module);
  if (failed(interpreter))
    return failure();
  RealTensors results = (*interpreter)->run(inputs, samples);
  double error = 0;
  for (auto [now, real] : llvm::zip(results, before))
    error += resultError(now, real, samples);
  return error;
}

FailureOr<double> Network::errorOn(const RealTensors &others, int64_t count) const {
  FailureOr<double> error = errorNow(module, others, floatNetwork->run(others, count), count);
  if (failed(error))
    return failure();
  return *error / double(count);
}

/// Replaces uses of `producer` by `value`, except by what makes `value`.
static void replaceUses(Value producer, Value value, Operation *first) {
  producer.replaceUsesWithIf(value, [&](OpOperand &use) { return use.getOwner() != first; });
}

/// The error of the results with `producer` quantized so and what lies behind it still float.
FailureOr<double> Network::errorWith(Value producer, const ActivationQuantizer &candidate) {
  Value value = insertQuantizer(producer, candidate), real = value;
  Operation *first = firstOf(value, producer);
  if (!candidate.shifted) { // as f32: layout operations keep the element type of their operand
    OpBuilder b(value.getContext());
    b.setInsertionPointAfterValue(value);
    real = ActivationOp::create(b, value.getLoc(), producer.getType(), Function::Clip, value,
                                APFloat(-double(FLT_MAX)), APFloat(double(FLT_MAX)));
  }
  replaceUses(producer, real, first);
  FailureOr<double> error = errorNow(module, choiceInputs, choiceResults, choiceSamples);
  removeQuantizer(real, producer);
  return error;
}

FailureOr<ActivationQuantizer> Network::chooseRange(Value producer, ArrayRef<float> values,
                                                    unsigned bits) {
  RangeMethod range = variant.range.value_or(options.range);
  Range whole = minMaxRange(values);
  bool shifted = isa<BlockArgument>(producer) && !options.perTensor && !padsAnywhere(main());
  Range withZero = shifted ? whole : Range{std::min(whole.lo, 0.0), std::max(whole.hi, 0.0)};
  if (range == RangeMethod::MinMax)
    return quantizerOf(withZero, bits, shifted);
  if (range == RangeMethod::Percentile)
    return quantizerOf(percentileRange(values, kOutside), bits, shifted);
  if (range == RangeMethod::LeastError)
    return quantizerOf(leastErrorRange(values, withZero, bits), bits, shifted);
  std::vector<Range> tried{withZero, percentileRange(values, kOutside),
                           leastErrorRange(values, withZero, bits)};
  // Shrunk, and a little wider: thresholds that fall well may lie outside.
  double centre = shifted ? (whole.lo + whole.hi) / 2 : 0;
  int count = rangesToTry(module, samples);
  for (int i = 0; i != count; ++i) {
    double part = 1.25 - 0.85 * double(i) / double(count - 1);
    tried.push_back({centre + part * (withZero.lo - centre), centre + part * (withZero.hi - centre)});
  }
  std::optional<ActivationQuantizer> best;
  double least = 0;
  for (const Range &range : tried) {
    ActivationQuantizer candidate = quantizerOf(range, bits, shifted);
    FailureOr<double> error = errorWith(producer, candidate);
    if (failed(error))
      return failure();
    if (!best || *error < least) {
      best = candidate;
      least = *error;
    }
  }
  return *best;
}

/// The quantized value of `producer`, at `scale` where that is given.
FailureOr<Value> Network::quantized(Value producer, unsigned bits, std::optional<double> scale) {
  if (Value known = done.lookup(producer); known && !scale)
    return known;
  FailureOr<std::vector<float>> values = evaluate(producer);
  if (failed(values))
    return failure();
  ActivationQuantizer quantizer;
  if (scale) {
    quantizer = quantizerAt(*scale, minMaxRange(*values));
  } else {
    FailureOr<ActivationQuantizer> chosen = chooseRange(producer, *values, bits);
    if (failed(chosen))
      return failure();
    quantizer = *chosen;
  }
  Value value = insertQuantizer(producer, quantizer);
  sources[value] = sources.lookup(producer);
  done[value] = value;
  if (!scale)
    done[producer] = value;
  return value;
}

LogicalResult Network::quantizeOperands(Operation *op, ArrayRef<unsigned> operands) {
  if (operands.size() == 1 || isa<AvgPoolOp>(op)) {
    Value operand = op->getOperand(operands[0]), producer = producerOf(operand);
    FailureOr<Value> value = quantized(producer, bitsOf(producer), std::nullopt);
    if (failed(value))
      return failure();
    op->setOperand(operands[0], throughLayout(*value, operand, producer));
    if (isa<MaxOp>(op)) { // the largest of integers: its readers need no quantizer
      Value result = op->getResult(0);
      auto from = cast<RankedTensorType>(op->getOperand(0).getType());
      result.setType(cast<RankedTensorType>(result.getType()).clone(from.getElementType()));
      done[result] = result;
    }
    return success();
  }
  // One scale for all: that of an argument, whose quantizer is one, or the widest.
  SmallVector<Value> producers;
  for (unsigned i : operands)
    producers.push_back(producerOf(op->getOperand(i)));
  std::optional<double> scale;
  SmallVector<Value> own;
  for (Value producer : producers) {
    FailureOr<Value> value = quantized(producer, bitsOf(producer), std::nullopt);
    if (failed(value))
      return failure();
    own.push_back(*value);
    if (isa<BlockArgument>(producer))
      scale = scaleOf(*value);
  }
  if (!scale)
    for (Value value : own)
      scale = std::max(scale.value_or(0), scaleOf(value));
  for (auto [i, producer, value] : llvm::zip(operands, producers, own)) {
    Value common = value;
    if (scaleOf(value) != *scale) {
      FailureOr<Value> other = quantized(producer, bitsOf(producer), scale);
      if (failed(other))
        return failure();
      common = *other;
    }
    op->setOperand(i, throughLayout(common, op->getOperand(i), producer));
  }
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    concat.getResult().setType(type.clone(Float32Type::get(op->getContext())));
  }
  return success();
}

//===------------------------------------------------------------------------------===//
// Weights, results, the whole
//===------------------------------------------------------------------------------===//

LogicalResult Network::quantizeWeights(Operation *op) {
  if (options.perTensor) {
    roundWeights(op, options);
    return success();
  }
  FailureOr<std::vector<float>> x = evaluate(op->getOperand(0));
  if (failed(x))
    return failure();
  Value result = toFloat.lookup(op->getResult(0));
  std::vector<float> y = std::move(floatNetwork->evaluate({result}, inputs, samples).front());
  fitWeights(op, *x, y, samples, options, variant.ridge);
  return success();
}

LogicalResult Network::quantizeResults() {
  Operation *end = main().getBody().front().getTerminator();
  for (OpOperand &result : end->getOpOperands()) {
    if (!options.outputBits && isAffineResult(result.get(), sources))
      continue;
    OpOperand &operand = beforeClientOps(result);
    Value value = operand.get(), producer = producerOf(value);
    FailureOr<Value> integers =
        quantized(producer, options.outputBits.value_or(defaultOutputBits), std::nullopt);
    if (failed(integers))
      return failure();
    operand.set(throughLayout(*integers, value, producer));
  }
  main().setType(FunctionType::get(module.getContext(), main().getArgumentTypes(),
                                   end->getOperandTypes()));
  return success();
}

/// The plain way also quantizes what an activation function reads.
LogicalResult Network::quantizeBeforeFunctions(Value result) {
  auto users = result.getUsers();
  if (users.empty() || !llvm::all_of(users, [](Operation *user) { return isa<ActivationOp>(user); }))
    return success();
  FailureOr<Value> value = quantized(result, options.activationBits, std::nullopt);
  if (failed(value))
    return failure();
  replaceUses(result, *value, firstOf(*value, result));
  return success();
}

LogicalResult Network::run() {
  if (failed(prepare()))
    return failure();
  SmallVector<Operation *> order;
  for (Operation &op : main().getBody().front().without_terminator())
    order.push_back(&op);
  for (Operation *op : order) {
    SmallVector<unsigned> operands = quantizedOperands(op, sources);
    if (operands.empty())
      continue;
    if (failed(quantizeOperands(op, operands)))
      return failure();
    if (!isa<GemmOp, ConvOp>(op))
      continue;
    if (failed(quantizeWeights(op)) ||
        (options.perTensor && failed(quantizeBeforeFunctions(op->getResult(0)))))
      return failure();
  }
  if (failed(quantizeResults()))
    return failure();
  eraseUnused(main());
  return success();
}

} // namespace fhe::quantize
