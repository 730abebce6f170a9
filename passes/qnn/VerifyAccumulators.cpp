//===- VerifyAccumulators.cpp - No accumulator can exceed the limit ----------------===//
#include "dialects/fhe/FHE.h"
#include "dialects/shared/DiagnosticIds.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Passes.h"
#include <cmath>

namespace fhe {
#define GEN_PASS_DEF_QNNVERIFYACCUMULATORS
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

/// Bits of the integers of the next level.
static constexpr unsigned widestType = 40;

/// Bits of one element of the weights or of the input of a linear op.
static unsigned storageBits(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  auto type = dyn_cast<quant::QuantizedType>(element);
  if (!type)
    return 0;
  return fhe::accumulatorBits(type.getStorageTypeMin(), type.getStorageTypeMax());
}

/// Integers an operand of a product can have.
struct Range {
  int64_t lo, hi;
};

/// All that quantized weights could be, zero points removed.
static Range weightRange(Value weights) {
  Type element = cast<RankedTensorType>(weights.getType()).getElementType();
  auto type = cast<quant::QuantizedType>(element);
  int64_t least = 0, most = 0;
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element))
    std::tie(least, most) = std::minmax(
        {*llvm::min_element(perAxis.getZeroPoints()), *llvm::max_element(perAxis.getZeroPoints())});
  else if (auto uniform = dyn_cast<quant::UniformQuantizedType>(element))
    least = most = uniform.getZeroPoint();
  return {type.getStorageTypeMin() - most, type.getStorageTypeMax() - least};
}

/// The range of so many bits in place of `from`, rounded outwards.
static Range narrowed(Range range, unsigned from, unsigned to) {
  double ratio = (std::exp2(double(to)) - 1) / (std::exp2(double(from)) - 1);
  return {int64_t(std::floor(double(range.lo) * ratio)),
          int64_t(std::ceil(double(range.hi) * ratio))};
}

/// Whether `terms` products fit an accumulator of `limit` bits, whatever their values.
static bool fits(Range weights, Range inputs, int64_t terms, unsigned limit) {
  // Limits are at most 40 bits: what doubles round is far beyond them.
  double ends[] = {double(weights.lo) * double(inputs.lo), double(weights.lo) * double(inputs.hi),
                   double(weights.hi) * double(inputs.lo), double(weights.hi) * double(inputs.hi)};
  auto [lo, hi] = std::minmax_element(std::begin(ends), std::end(ends));
  auto sum = [&](double end) {
    return int64_t(std::clamp(end * double(terms), -0x1p61, 0x1p61));
  };
  return fhe::accumulatorBits(sum(std::min(*lo, 0.0)), sum(std::max(*hi, 0.0))) <= limit;
}

/// Changes of a linear layer that fit whatever weights of that form training finds, most gentle
/// first. Two bits are the least that train well.
static void suggestTraining(InFlightDiagnostic &diagnostic, Operation *op, const Root &root,
                            Range inputs, unsigned limit) {
  unsigned weightBits = storageBits(op->getOperand(1)), inputBits = storageBits(op->getOperand(0));
  Range weights = weightRange(op->getOperand(1));
  int64_t terms = root.worstTerms;
  auto fit = [&](unsigned w, unsigned x) {
    return fits(w < weightBits ? narrowed(weights, weightBits, w) : weights,
                x < inputBits ? narrowed(inputs, inputBits, x) : inputs, terms, limit);
  };
  unsigned w = weightBits, x = inputBits;
  while (w > 2 && !fit(w, inputBits))
    --w;
  while (x > 2 && !fit(weightBits, x))
    --x;
  bool narrowWeights = fit(w, inputBits), narrowInput = fit(weightBits, x);
  if (narrowWeights && w < weightBits)
    diagnostic.attachNote() << "help: quantize the weights of this layer to " << w
                            << " bits (they have " << weightBits << ")";
  if (narrowInput && x < inputBits)
    diagnostic.attachNote() << "help: quantize its input to " << x << " bits (it has " << inputBits
                            << ")";
  if (!narrowWeights && !narrowInput) {
    // Both: the wider one loses its bits first.
    for (w = weightBits, x = inputBits; (w > 2 || x > 2) && !fit(w, x);)
      --(w >= x ? w : x);
    if (fit(w, x) && w < weightBits && x < inputBits)
      diagnostic.attachNote() << "help: quantize the weights of this layer to " << w
                              << " bits and its input to " << x << " bits (they have " << weightBits
                              << " and " << inputBits << ")";
  }
  // Pruning by much more than a factor of 4 would leave no layer.
  int64_t kept = terms;
  while (kept * 4 >= terms && !fits(weights, inputs, kept, limit))
    --kept;
  if (kept < terms && kept * 4 >= terms)
    diagnostic.attachNote() << "help: prune its weights to at most " << kept
                            << " non-zero weights a channel (channel " << root.worstChannel
                            << " has " << terms << ")";
}

namespace {
struct QnnVerifyAccumulators : fhe::impl::QnnVerifyAccumulatorsBase<QnnVerifyAccumulators> {
  using QnnVerifyAccumulatorsBase::QnnVerifyAccumulatorsBase;

  /// `enough` bits let the whole network pass, with rounded tables where there are more than 2^16
  /// integers; 0: no limit would.
  void refuse(Operation *op, const Analysis &analysis, unsigned limit, unsigned enough, bool isWide) {
    const Root &root = analysis.root(op->getResult(0));
    unsigned bits = fhe::accumulatorBits(root.lo, root.hi);
    InFlightDiagnostic diagnostic = op->emitError()
                                    << "accumulator needs " << bits << " bits, the limit is "
                                    << limit << fhe::diag::tag(fhe::diag::AccumulatorTooWide);
    auto &note = diagnostic.attachNote();
    note << "its integers lie in [" << root.lo << ", " << root.hi << "]";
    if (root.worstChannel >= 0)
      note << "; worst is output channel " << root.worstChannel << " with ["
           << root.channelLo[root.worstChannel] << ", " << root.channelHi[root.worstChannel]
           << "] from " << root.worstTerms << " non-zero weights";
    if (root.kind == RootKind::Linear) {
      Value source = analysis.form(op->getOperand(0)).root;
      const Root &input = analysis.root(source);
      diagnostic.attachNote() << "its input is what " << describeOrigin(source) << " gives, integers in ["
                              << input.lo << ", " << input.hi << "]; its weights come from "
                              << describeOrigin(op->getOperand(1));
      suggestTraining(diagnostic, op, root, {input.lo, input.hi}, limit);
    } else {
      diagnostic.attachNote() << "help: put a QuantIdentity of " << bits - limit
                              << (bits - limit == 1 ? " bit" : " bits") << " less on the operands";
    }
    if (enough)
      diagnostic.attachNote() << "help: " << command.getValue()
                              << " --max-accumulator-bits=" << enough
                              << (isWide && !round ? " --round-accumulators=6" : "");
  }

  void runOnOperation() override {
    FailureOr<Analysis> analysis = Analysis::run(getOperation(), command, {!exactScales, products});
    if (failed(analysis))
      return signalPassFailure();
    unsigned limit = maxBits.getValue(), widest = 0;
    bool isWide = false; // exact tables have at most 2^16 entries
    SmallVector<Operation *> wide;
    for (Operation &op : getOperation().getBody().front().without_terminator()) {
      Value value = op.getResult(0);
      if (analysis->form(value).root != value)
        continue;
      const Root &root = analysis->root(value);
      if (root.kind == RootKind::Quantizer || root.kind == RootKind::Concat ||
          root.kind == RootKind::Max)
        continue;
      unsigned bits = fhe::accumulatorBits(root.lo, root.hi);
      if (bits <= limit)
        continue;
      wide.push_back(&op);
      widest = std::max(widest, bits);
      isWide |= root.hi - root.lo >= int64_t(1) << 16;
    }
    for (Operation *op : wide)
      refuse(op, *analysis, limit, widest <= widestType ? widest : 0, isWide);
    if (!wide.empty())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
