//===- FreezeStatistics.cpp - Constants in place of statistics of the data ----------===//
#include "passes/quantize/FreezeStatistics.h"
#include "dialects/qnn/Elements.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "passes/qnn/EraseUnused.h"
#include "passes/qnn/Passes.h"
#include "passes/quantize/CalibrationCheck.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

namespace {
/// The statistics of one normalization; either may be missing. `square` is the variance or the mean square.
struct Statistics {
  Location loc;
  Value mean, square;
  Value sameMean; ///< the mean once more, where a file computes it twice
};

/// How much the statistics of one normalization vary over the samples, root mean squares.
struct Spread {
  Location loc;
  double means = 0;      ///< of the means, in deviations
  double deviations = 0; ///< of the deviations, relative
};

using Encrypted = llvm::DenseSet<Value>;
} // namespace

static Encrypted encryptedValues(func::FuncOp main) {
  Encrypted found;
  for (Value argument : main.getArguments())
    found.insert(argument);
  for (Operation &op : main.getBody().front().without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value v) { return found.contains(v); }))
      found.insert(op.getResult(0));
  return found;
}

//===------------------------------------------------------------------------------===//
// Normalizations that are spelled out
//===------------------------------------------------------------------------------===//

static Value throughLayout(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isLayout(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// The average that `value` is, through layout operations; null where it is none.
static AvgPoolOp averageOf(Value value) {
  auto pool = throughLayout(value).getDefiningOp<AvgPoolOp>();
  return pool && !pool.getSum() ? pool : AvgPoolOp();
}

/// The x of x * x or x^2.
static Value squared(Value value) {
  value = throughLayout(value);
  if (auto mul = value.getDefiningOp<MulOp>())
    return mul.getLhs() == mul.getRhs() ? mul.getLhs() : Value();
  auto pow = value.getDefiningOp<BinaryFunctionOp>();
  if (!pow || pow.getFunction() != BinaryFunction::Pow)
    return {};
  ConstantOp exponent = clearConstant(pow.getRhs());
  bool isTwo = exponent && llvm::all_of(clearReals(exponent), [](float x) { return x == 2; });
  return isTwo ? pow.getLhs() : Value();
}

/// The average of x in x - average(x).
static Value subtractedMean(Value centred) {
  auto difference = centred.getDefiningOp<AddOp>();
  if (!difference)
    return {};
  auto negative = difference.getRhs().getDefiningOp<ActivationOp>();
  if (!negative || negative.getFunction() != Function::Neg)
    return {};
  AvgPoolOp mean = averageOf(negative.getInput());
  bool isOfLhs = mean && throughLayout(mean.getInput()) == throughLayout(difference.getLhs());
  return isOfLhs ? mean.getResult() : Value();
}

/// x / sqrt(average(y^2) + epsilon), y = x - average(x) or any other.
static std::optional<Statistics> spelledOut(DivOp op, const Encrypted &encrypted) {
  auto root = throughLayout(op.getRhs()).getDefiningOp<ActivationOp>();
  if (!encrypted.contains(op.getRhs()) || !root || root.getFunction() != Function::Sqrt)
    return std::nullopt;
  Value inside = throughLayout(root.getInput());
  if (auto shifted = inside.getDefiningOp<AddOp>())
    inside = encrypted.contains(shifted.getLhs()) ? shifted.getLhs() : shifted.getRhs();
  AvgPoolOp average = averageOf(inside);
  Value of = average ? squared(average.getInput()) : Value();
  if (!of)
    return std::nullopt;
  Value mean = subtractedMean(of), above = subtractedMean(throughLayout(op.getLhs()));
  if (!mean)
    std::swap(mean, above);
  return Statistics{op.getLoc(), mean, average.getResult(), above == mean ? Value() : above};
}

static std::vector<Statistics> findStatistics(func::FuncOp main) {
  Encrypted encrypted = encryptedValues(main);
  std::vector<Statistics> found;
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (auto div = dyn_cast<DivOp>(&op))
      if (auto statistics = spelledOut(div, encrypted))
        found.push_back(*statistics);
    auto statistic = dyn_cast<StatisticOp>(&op);
    if (!statistic || !encrypted.contains(statistic.getInput()))
      continue;
    bool isMean = statistic.getStatistic() == Statistic::Mean;
    // Mean and variance of the same numbers go together.
    if (!isMean && !found.empty() && found.back().mean && !found.back().square)
      if (auto mean = found.back().mean.getDefiningOp<StatisticOp>();
          mean && mean.getInput() == statistic.getInput() && mean.getType() == statistic.getType()) {
        found.back().square = statistic.getResult();
        continue;
      }
    found.push_back({op.getLoc(), isMean ? statistic.getResult() : Value(),
                     isMean ? Value() : statistic.getResult(), Value()});
  }
  return found;
}

//===------------------------------------------------------------------------------===//
// Freezing
//===------------------------------------------------------------------------------===//

/// The mean over the samples of each element of [samples][count].
static std::vector<double> meanOverSamples(ArrayRef<float> values, int64_t samples) {
  size_t count = values.size() / size_t(samples);
  std::vector<double> mean(count, 0.0);
  for (size_t i = 0; i != values.size(); ++i)
    mean[i % count] += double(values[i]) / double(samples);
  return mean;
}

static void replaceByConstant(Value value, ArrayRef<double> numbers) {
  OpBuilder b(value.getContext());
  b.setInsertionPointAfterValue(value);
  auto type = cast<RankedTensorType>(value.getType());
  std::vector<float> reals(numbers.begin(), numbers.end());
  value.replaceAllUsesWith(ConstantOp::create(b, value.getLoc(), type,
                                              DenseElementsAttr::get(type, ArrayRef<float>(reals))));
}

static FailureOr<Spread> freeze(ModuleOp module, const Statistics &statistics,
                                const RealTensors &inputs, int64_t samples) {
  auto interpreter = Interpreter::create(module);
  if (failed(interpreter))
    return failure();
  SmallVector<Value> values;
  for (Value value : {statistics.mean, statistics.square})
    if (value)
      values.push_back(value);
  RealTensors found = (*interpreter)->evaluate(values, inputs, samples);
  Spread spread{statistics.loc};
  const std::vector<float> *means = statistics.mean ? &found.front() : nullptr;
  const std::vector<float> *squares = statistics.square ? &found.back() : nullptr;
  std::vector<double> mean, square;
  if (means)
    mean = meanOverSamples(*means, samples);
  if (squares)
    square = meanOverSamples(*squares, samples);
  // A constant run has no deviation to compare with.
  double shift = 0, ratio = 0, counted = 0;
  for (size_t i = 0; squares && i != squares->size(); ++i) {
    size_t run = i % square.size();
    if (!(square[run] > 0))
      continue;
    ++counted;
    ratio += std::pow(std::sqrt(double((*squares)[i]) / square[run]) - 1, 2);
    if (means && mean.size() == square.size())
      shift += std::pow(double((*means)[i]) - mean[run], 2) / square[run];
  }
  if (counted > 0) {
    spread.means = std::sqrt(shift / counted);
    spread.deviations = std::sqrt(ratio / counted);
  }
  if (means)
    replaceByConstant(statistics.mean, mean);
  if (statistics.sameMean)
    replaceByConstant(statistics.sameMean, mean);
  if (squares)
    replaceByConstant(statistics.square, square);
  return spread;
}

/// The root mean square of the results' change, of their own deviation over the samples.
static double relativeChange(const RealTensors &now, const RealTensors &before, int64_t samples) {
  double change = 0, own = 0;
  for (auto [a, b] : llvm::zip(now, before)) {
    std::vector<double> mean = meanOverSamples(b, samples);
    for (size_t i = 0; i != a.size(); ++i) {
      change += std::pow(double(a[i]) - double(b[i]), 2);
      own += std::pow(double(b[i]) - mean[i % mean.size()], 2);
    }
  }
  return own > 0 ? std::sqrt(change / own) : 0;
}

/// Normalizations named in the warning: those that vary most.
static constexpr size_t kNamed = 5;

static void report(ModuleOp module, std::vector<Spread> spreads, double change) {
  auto warning = emitWarning(module.getLoc())
                 << "the statistics of " << spreads.size()
                 << (spreads.size() == 1 ? " normalization are" : " normalizations are")
                 << " replaced by their means over the calibration samples; there the results change by "
                 << llvm::formatv("{0:F1}", 100 * change).str() << " % of their spread";
  llvm::stable_sort(spreads, [](const Spread &a, const Spread &b) {
    return a.means + a.deviations > b.means + b.deviations;
  });
  for (const Spread &spread : ArrayRef(spreads).take_front(kNamed))
    warning.attachNote(spread.loc)
        << "from sample to sample its means vary by " << llvm::formatv("{0:F2}", spread.means).str()
        << " standard deviations, its standard deviations by "
        << llvm::formatv("{0:F1}", 100 * spread.deviations).str() << " %";
}

LogicalResult freezeStatistics(ModuleOp module, const RealTensors &inputs, int64_t samples) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (failed(checkValues(main, inputs, samples)))
    return failure();
  PassManager manager(module.getContext());
  manager.addNestedPass<func::FuncOp>(createQnnFold());
  if (failed(manager.run(module)))
    return failure();
  std::vector<Statistics> found = findStatistics(main);
  if (found.empty())
    return success();
  auto before = Interpreter::create(module);
  if (failed(before))
    return failure();
  RealTensors real = (*before)->run(inputs, samples);
  std::vector<Spread> spreads;
  for (const Statistics &statistics : found) {
    FailureOr<Spread> spread = freeze(module, statistics, inputs, samples);
    if (failed(spread))
      return failure();
    spreads.push_back(*spread);
  }
  eraseUnused(main);
  auto after = Interpreter::create(module);
  if (failed(after))
    return failure();
  report(module, std::move(spreads),
         relativeChange((*after)->run(inputs, samples), real, samples));
  return success();
}

} // namespace fhe::quantize
