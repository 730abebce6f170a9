//===- Quantize.cpp - Post-training quantization of a float network ---------------===//
#include "passes/quantize/Quantize.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "passes/qnn/Passes.h"
#include "passes/quantize/Affine.h"
#include "passes/quantize/Equalize.h"
#include "passes/quantize/LayerWeights.h"
#include "passes/quantize/Places.h"
#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

/// Multiplications spent on the choice of one range, in evaluations of the network; between the limits
/// below, so that small networks try many ranges and large ones some.
static constexpr int64_t kChoiceBudget = 1'000'000'000;
static constexpr int kLeastRanges = 8, kMostRanges = 64;
/// Samples that ranges are compared on.
static constexpr int64_t kChoiceSamples = 512;
/// How much integers are held to the weights of the file (LayerWeights.h): the first alone where the network is
/// too large to be quantized several times, else the one with the least error of the results.
static constexpr double kRidges[] = {0.05, 0.01, 0.002};
static constexpr double kOutside = 0.0005; ///< of the values, at each end, for a percentile range

namespace {
/// One activation quantizer: input-range integers, and the real number integer 0 stands for where
/// `shifted` (then the zero point is 0).
struct ActivationQuantizer {
  Affine affine;
  unsigned bits = 0;
  bool shifted = false;
  double offset = 0;
};

class Network {
public:
  Network(ModuleOp module, const RealTensors &inputs, int64_t samples,
          const QuantizeOptions &options, double ridge, bool equalizes)
      : module(module), options(options), inputs(inputs), samples(samples), ridge(ridge),
        equalizes(equalizes) {}

  LogicalResult run();
  FailureOr<double> outputError();
  bool isSmall() const { return rangesToTry() == kMostRanges; }

private:
  LogicalResult check();
  LogicalResult prepare();
  LogicalResult quantizeOperands(Operation *op, ArrayRef<unsigned> operands);
  LogicalResult quantizeWeights(Operation *op);
  LogicalResult quantizeResults();
  FailureOr<Value> quantized(Value producer, unsigned bits, std::optional<double> scale);
  Value insert(Value producer, const ActivationQuantizer &quantizer);
  FailureOr<ActivationQuantizer> chooseRange(Value producer, ArrayRef<float> values, unsigned bits);
  FailureOr<std::vector<float>> evaluate(Value value);
  ActivationQuantizer quantizerOf(Range range, unsigned bits, bool shifted) const;
  int rangesToTry() const;
  unsigned bitsOf(Value producer) const;
  void eraseUnused();

  func::FuncOp main() { return module.lookupSymbol<func::FuncOp>("main"); }

  ModuleOp module;
  const QuantizeOptions &options;
  const RealTensors &inputs;
  int64_t samples;
  double ridge;
  bool equalizes;
  OwningOpRef<ModuleOp> floatModule;
  IRMapping toFloat; ///< values of the module as it was imported to those of its copy
  std::unique_ptr<Interpreter> floatNetwork;
  RealTensors floatResults; ///< of the first kChoiceSamples samples
  RealTensors choiceInputs;
  int64_t choiceSamples = 0;
  Sources sources;
  llvm::DenseMap<Value, Value> done; ///< producer to its quantized value
};
} // namespace

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

int Network::rangesToTry() const {
  int64_t cost = multiplications(const_cast<Network *>(this)->main()) * choiceSamples;
  return int(std::clamp<int64_t>(kChoiceBudget / std::max<int64_t>(cost, 1), kLeastRanges, kMostRanges));
}

unsigned Network::bitsOf(Value producer) const {
  return isa<BlockArgument>(producer) ? options.inputBits.value_or(options.activationBits)
                                      : options.activationBits;
}

//===------------------------------------------------------------------------------===//
// What cannot be meant
//===------------------------------------------------------------------------------===//

static LogicalResult checkBits(Location loc, const char *what, unsigned bits, unsigned least, unsigned most) {
  if (bits >= least && bits <= most)
    return success();
  return emitError(loc) << what << " must be from " << least << " to " << most << ", found " << bits
                        << diag::tag(diag::QuantizeBits);
}

static LogicalResult checkValues(func::FuncOp function, const RealTensors &inputs, int64_t samples) {
  if (samples < 2)
    return function.emitError("quantizing from calibration values needs two or more samples, found ")
           << samples << diag::tag(diag::CalibrationUnfit);
  for (auto [i, values] : llvm::enumerate(inputs)) {
    auto name = function.getArgAttrOfType<StringAttr>(i, "qnn.name");
    std::string input = "input '" + (name ? name.str() : std::to_string(i)) + "'";
    if (int64_t(values.size()) != samples * elementCount(function.getArgument(i)))
      return function.emitError("calibration values of ") << input << " do not fit its shape"
                                                          << diag::tag(diag::CalibrationUnfit);
    if (!llvm::all_of(values, [](float x) { return std::isfinite(x); }))
      return function.emitError("calibration values of ") << input << " hold NaN or infinity"
                                                          << diag::tag(diag::CalibrationUnfit);
    int64_t size = int64_t(values.size()) / samples;
    bool same = true;
    for (int64_t s = 1; s != samples && same; ++s)
      same = std::equal(values.begin(), values.begin() + size, values.begin() + s * size);
    if (!same)
      continue;
    auto error = function.emitError("all calibration samples of ")
                 << input << " are the same" << diag::tag(diag::CalibrationUnfit);
    error.attachNote() << "help: give inputs as the network will see them, some hundred different ones";
    return failure();
  }
  return success();
}

LogicalResult Network::check() {
  Location loc = module.getLoc();
  if (failed(checkBits(loc, "--weight-bits", options.weightBits, leastWeightBits, mostQuantizeBits)) ||
      failed(checkBits(loc, "--activation-bits", options.activationBits, 1, mostQuantizeBits)) ||
      failed(checkBits(loc, "--input-bits", options.inputBits.value_or(1), 1, mostInterfaceBits)) ||
      failed(checkBits(loc, "--output-bits", options.outputBits.value_or(1), 1, mostInterfaceBits)))
    return failure();
  Operation *quantizer = nullptr;
  main().walk([&](Operation *op) {
    auto constant = dyn_cast<ConstantOp>(op);
    if (!quantizer && (isQuantizer(op) || (constant && !constant.getType().getElementType().isF32())))
      quantizer = op;
  });
  if (quantizer) {
    auto error = quantizer->emitError("the network is quantized already; --weight-bits and "
                                      "--activation-bits choose quantizers for a float network")
                 << diag::tag(diag::AlreadyQuantized);
    error.attachNote() << "help: leave out --weight-bits and --activation-bits, or export the network "
                          "before quantization";
    return failure();
  }
  return checkValues(main(), inputs, samples);
}

/// Folds what is clear, and refuses what the interpreter does not take.
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
  if (equalizes && failed(equalize(module, inputs, samples)))
    return failure();
  floatModule = cast<ModuleOp>(module->clone(toFloat));
  auto created = Interpreter::create(*floatModule);
  if (failed(created))
    return failure();
  floatNetwork = std::move(*created);
  choiceSamples = std::min(samples, kChoiceSamples);
  choiceInputs = firstSamples(inputs, samples, choiceSamples);
  floatResults = floatNetwork->run(choiceInputs, choiceSamples);
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

/// Squared error of one result: in each sample relative to how far its elements lie apart (a class is decided
/// where they hardly do), and without what all of its elements have in common.
static double resultError(ArrayRef<float> now, ArrayRef<float> before, int64_t samples) {
  auto size = int64_t(before.size()) / samples;
  std::vector<double> spreads(samples), errors(samples);
  double mean = 0;
  for (int64_t s = 0; s != samples; ++s) {
    double sum = 0, square = 0, shift = 0, difference = 0;
    for (int64_t e = s * size; e != (s + 1) * size; ++e) {
      double y = before[e], d = double(now[e]) - y;
      sum += y;
      square += y * y;
      shift += d;
      difference += d * d;
    }
    spreads[s] = size == 1 ? 1 : square - sum * sum / double(size);
    errors[s] = size == 1 ? difference : difference - shift * shift / double(size);
    mean += spreads[s] / double(samples);
  }
  double error = 0;
  for (int64_t s = 0; s != samples; ++s)
    error += errors[s] / std::max(spreads[s] + 0.1 * mean, DBL_MIN);
  return error;
}

/// Squared error of the network as it is now, each result relative to its variance.
FailureOr<double> Network::outputError() {
  auto interpreter = Interpreter::create(module);
  if (failed(interpreter))
    return failure();
  RealTensors results = (*interpreter)->run(choiceInputs, choiceSamples);
  double error = 0;
  for (auto [now, before] : llvm::zip(results, floatResults)) {
    error += resultError(now, before, choiceSamples);
  }
  return error;
}

ActivationQuantizer Network::quantizerOf(Range range, unsigned bits, bool shifted) const {
  ActivationQuantizer out;
  out.bits = bits;
  out.shifted = shifted;
  if (!shifted) { // 0 is an integer, as padding and exported files need it
    range.lo = std::min(range.lo, 0.0);
    range.hi = std::max(range.hi, 0.0);
  }
  if (!(range.hi - range.lo > double(FLT_MIN) * 0x1p20))
    range.hi = range.lo + 1; // a value that never varies
  out.affine = affineOf(range, bits);
  out.affine.scale = double(float(out.affine.scale)); // files hold f32 scales
  if (shifted) {
    out.offset = double(float(range.lo));
    out.affine.zeroPoint = 0;
  }
  return out;
}

Value Network::insert(Value producer, const ActivationQuantizer &quantizer) {
  OpBuilder b(module.getContext());
  b.setInsertionPointAfterValue(producer);
  Location loc = producer.getLoc();
  auto real = cast<RankedTensorType>(producer.getType());
  auto scalar = RankedTensorType::get({}, b.getF32Type());
  auto shift = [&](Value value, double by) -> Value {
    Value constant = ConstantOp::create(b, loc, scalar, DenseElementsAttr::get(scalar, float(by)));
    return AddOp::create(b, loc, real, value, constant);
  };
  auto type = quant::UniformQuantizedType::get(0, b.getIntegerType(quantizer.bits), b.getF32Type(),
                                               quantizer.affine.scale, quantizer.affine.zeroPoint,
                                               quantizer.affine.lo, quantizer.affine.hi);
  Value value = quantizer.shifted ? shift(producer, -quantizer.offset) : producer;
  value = QuantizeOp::create(b, loc, real.clone(type), value, QuantizerKind::Uniform, Rounding::Round);
  return quantizer.shifted ? shift(value, quantizer.offset) : value;
}

/// `value` put through the layout and max operations that `like` went through since `producer`.
static Value throughLayout(Value value, Value like, Value producer) {
  if (like == producer)
    return value;
  Operation *op = like.getDefiningOp();
  Value input = throughLayout(value, op->getOperand(0), producer);
  OpBuilder b(op);
  Operation *copy = b.clone(*op);
  copy->setOperand(0, input);
  auto type = cast<RankedTensorType>(copy->getResult(0).getType());
  copy->getResult(0).setType(type.clone(cast<RankedTensorType>(input.getType()).getElementType()));
  return copy->getResult(0);
}

/// Replaces uses of `producer` by `value`, except by what makes `value`.
static void replaceUses(Value producer, Value value, Operation *first) {
  producer.replaceUsesWithIf(value, [&](OpOperand &use) { return use.getOwner() != first; });
}

/// The operation of an inserted quantizer that reads `producer`.
static Operation *firstOf(Value value, Value producer) {
  Operation *op = value.getDefiningOp();
  while (op->getOperand(0) != producer)
    op = op->getOperand(0).getDefiningOp();
  return op;
}

/// Takes an inserted quantizer away again.
static void removeQuantizer(Value value, Value producer) {
  value.replaceAllUsesWith(producer);
  while (value != producer) {
    Operation *op = value.getDefiningOp();
    value = op->getOperand(0);
    Operation *constant = op->getNumOperands() == 2 ? op->getOperand(1).getDefiningOp() : nullptr;
    op->erase();
    if (constant)
      constant->erase();
  }
}

FailureOr<ActivationQuantizer> Network::chooseRange(Value producer, ArrayRef<float> values,
                                                    unsigned bits) {
  Range whole = minMaxRange(values);
  bool shifted = isa<BlockArgument>(producer) && !options.perTensor && !padsAnywhere(main());
  Range withZero = shifted ? whole : Range{std::min(whole.lo, 0.0), std::max(whole.hi, 0.0)};
  if (options.range == RangeMethod::MinMax)
    return quantizerOf(withZero, bits, shifted);
  if (options.range == RangeMethod::Percentile)
    return quantizerOf(percentileRange(values, kOutside), bits, shifted);
  if (options.range == RangeMethod::LeastError)
    return quantizerOf(leastErrorRange(values, withZero, bits), bits, shifted);
  std::vector<Range> tried{withZero, percentileRange(values, kOutside),
                           leastErrorRange(values, withZero, bits)};
  // Shrunk, and a little wider: thresholds that fall well may lie outside.
  double centre = shifted ? (whole.lo + whole.hi) / 2 : 0;
  int count = rangesToTry();
  for (int i = 0; i != count; ++i) {
    double part = 1.25 - 0.85 * double(i) / double(count - 1);
    tried.push_back({centre + part * (withZero.lo - centre), centre + part * (withZero.hi - centre)});
  }
  std::optional<ActivationQuantizer> best;
  double least = 0;
  for (const Range &range : tried) {
    ActivationQuantizer candidate = quantizerOf(range, bits, shifted);
    Value value = insert(producer, candidate);
    Operation *first = firstOf(value, producer);
    Value real = value;
    // As f32: layout operations keep the element type of their operand.
    if (!candidate.shifted) {
      OpBuilder b(value.getDefiningOp()->getContext());
      b.setInsertionPointAfterValue(value);
      real = ActivationOp::create(b, value.getLoc(), producer.getType(), Function::Clip, value,
                                  APFloat(-double(FLT_MAX)), APFloat(double(FLT_MAX)));
    }
    replaceUses(producer, real, first);
    FailureOr<double> error = outputError();
    removeQuantizer(real, producer);
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
    // As many integers as the values need at that scale.
    Range range = minMaxRange(*values);
    quantizer.affine.scale = *scale;
    double lo = std::nearbyint(std::min(range.lo, 0.0) / *scale),
           hi = std::nearbyint(std::max(range.hi, 0.0) / *scale);
    quantizer.bits = 1;
    while (quantizer.bits < mostInterfaceBits && std::ldexp(1.0, int(quantizer.bits)) - 1 < hi - lo)
      ++quantizer.bits;
    quantizer.affine.hi = (int64_t(1) << quantizer.bits) - 1;
    quantizer.affine.zeroPoint = std::clamp<int64_t>(int64_t(-lo), 0, quantizer.affine.hi);
  } else {
    FailureOr<ActivationQuantizer> chosen = chooseRange(producer, *values, bits);
    if (failed(chosen))
      return failure();
    quantizer = *chosen;
  }
  Value value = insert(producer, quantizer);
  if (!scale)
    done[producer] = value;
  return value;
}

/// The scale an inserted quantizer has.
static double scaleOf(Value value) {
  while (!isa<QuantizeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return cast<quant::UniformQuantizedType>(cast<RankedTensorType>(value.getType()).getElementType())
      .getScale();
}

LogicalResult Network::quantizeOperands(Operation *op, ArrayRef<unsigned> operands) {
  if (operands.size() == 1 || isa<AvgPoolOp>(op)) {
    Value operand = op->getOperand(operands[0]), producer = producerOf(operand);
    FailureOr<Value> value = quantized(producer, bitsOf(producer), std::nullopt);
    if (failed(value))
      return failure();
    op->setOperand(operands[0], throughLayout(*value, operand, producer));
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
  fitWeights(op, *x, y, samples, options, ridge);
  return success();
}

LogicalResult Network::quantizeResults() {
  Operation *end = main().getBody().front().getTerminator();
  for (OpOperand &operand : end->getOpOperands()) {
    Value value = operand.get();
    if (!options.outputBits && isAffineResult(value, sources))
      continue;
    Value producer = producerOf(value);
    FailureOr<Value> result =
        quantized(producer, options.outputBits.value_or(defaultOutputBits), std::nullopt);
    if (failed(result))
      return failure();
    operand.set(throughLayout(*result, value, producer));
  }
  main().setType(FunctionType::get(module.getContext(), main().getArgumentTypes(),
                                   end->getOperandTypes()));
  return success();
}

void Network::eraseUnused() {
  SmallVector<Operation *> order;
  for (Operation &op : main().getBody().front().without_terminator())
    order.push_back(&op);
  for (Operation *op : llvm::reverse(order))
    if (op->use_empty())
      op->erase();
}

LogicalResult Network::run() {
  if (failed(check()) || failed(prepare()))
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
    if (isa<GemmOp, ConvOp>(op) && failed(quantizeWeights(op)))
      return failure();
  }
  if (failed(quantizeResults()))
    return failure();
  eraseUnused();
  return success();
}

namespace {
/// One way to quantize; small networks take the best of all, by the error of the results.
struct Variant {
  bool equalizes;
  double ridge;
};
} // namespace

LogicalResult quantizeNetwork(ModuleOp module, const RealTensors &inputs, int64_t samples,
                              const QuantizeOptions &options) {
  OwningOpRef<ModuleOp> best;
  double least = 0;
  SmallVector<Variant> variants;
  for (bool equalizes : {false, true})
    for (double ridge : kRidges)
      variants.push_back({equalizes, ridge});
  for (const Variant &variant : variants) {
    OwningOpRef<ModuleOp> tried = module.clone();
    Network network(*tried, inputs, samples, options, variant.ridge, variant.equalizes);
    if (failed(network.run()))
      return failure();
    FailureOr<double> error = network.outputError();
    if (failed(error))
      return failure();
    if (!best || *error < least) {
      best = std::move(tried);
      least = *error;
    }
    if (options.perTensor || !network.isSmall())
      break;
  }
  module.getBodyRegion().takeBody(best->getBodyRegion());
  return success();
}

} // namespace fhe::quantize
