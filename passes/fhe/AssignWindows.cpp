//===- AssignWindows.cpp - Final ranges and table windows --------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/IR/Builders.h"
#include "passes/fhe/Passes.h"
#include "passes/parameters/Search.h"
#include "llvm/ADT/MapVector.h"
#include <algorithm>
#include <cmath>

using namespace mlir;

namespace fhe {
#define GEN_PASS_DEF_FHEASSIGNWINDOWS
#include "passes/fhe/Passes.h.inc"

int64_t endGuard(unsigned width, unsigned precision, double log2PError) {
  double halfSlot = std::ldexp(1.0, int(width) - int(precision) - 1); // in slots of the window
  return int64_t(std::ceil(6 * std::sqrt(parameters::varianceLimit(halfSlot, log2PError))));
}
} // namespace fhe

using namespace fhe;

namespace {

struct Range {
  int64_t lo = INT64_MAX, hi = INT64_MIN;
  void include(Range other) {
    lo = std::min(lo, other.lo);
    hi = std::max(hi, other.hi);
  }
  int64_t size() const { return hi - lo + 1; }
};

/// A window: 2^width slots, of which `guard` at the lower end and as many or one more at the upper
/// hold no integer of `range`.
struct Window {
  Range range;
  unsigned width = 1;
  int64_t guard = 0;
  bool rounded = false;
};

IntType elementOf(Value value) {
  return cast<IntType>(cast<RankedTensorType>(value.getType()).getElementType());
}

/// Accumulators have at most 40 bits.
constexpr unsigned widestWindow = 48;

/// Widens `range` inside `limit` to at most `size` integers, evenly to both sides.
Range widen(Range range, Range limit, int64_t size) {
  int64_t extra = size - range.size();
  int64_t below = std::min(std::max<int64_t>(extra / 2, 0), range.lo - limit.lo);
  int64_t above = std::min(std::max<int64_t>(extra - below, 0), limit.hi - range.hi);
  below = std::min(std::max<int64_t>(extra - above, 0), range.lo - limit.lo);
  return {range.lo - below, range.hi + above};
}

/// The window of a table that must see `needed` right; `covered` is what its function is known on.
/// Empty where guards take the whole of every window: few bits at a large failure probability.
std::optional<Window> chooseWindow(Range needed, Range covered, unsigned round, bool calibrated,
                                   double log2PError) {
  Window window;
  window.width = std::max(1u, tableBits(needed.lo, needed.hi));
  int64_t guard = 0;
  for (;; ++window.width) {
    window.rounded = round && window.width > round;
    if (window.rounded || log2PError > unguardedLog2PError)
      guard = endGuard(window.width, window.rounded ? round : window.width, log2PError);
    if (needed.size() + 2 * guard <= int64_t(1) << window.width)
      break;
    if (window.width == widestWindow)
      return std::nullopt;
  }
  int64_t slots = int64_t(1) << window.width;
  window.range = calibrated ? widen(needed, covered, slots - 2 * guard) : needed;
  window.guard = (slots - window.range.size()) / 2;
  return window;
}

struct AssignWindows : fhe::impl::FheAssignWindowsBase<AssignWindows> {
  using FheAssignWindowsBase::FheAssignWindowsBase;

  /// Observed range of a value: of the accumulator behind it, seen through layout operations; its
  /// type where no accumulator is behind it.
  FailureOr<Range> observedRange(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto gather = dyn_cast_or_null<GatherOp>(op)) {
      Range range;
      for (Value input : gather.getInputs()) {
        FailureOr<Range> part = observedRange(input);
        if (failed(part))
          return failure();
        range.include(*part);
      }
      if (llvm::is_contained(gather.getSource(), -1))
        range.include({0, 0});
      return range;
    }
    if (auto reshape = dyn_cast_or_null<ReshapeOp>(op))
      return observedRange(reshape.getInput());
    if (op)
      if (auto ranges = op->getAttrOfType<RangesAttr>("ranges")) {
        if (ranges.getObserved().empty())
          return op->emitError("calibrated compilation needs an observed range"), failure();
        return Range{ranges.getObserved()[0], ranges.getObserved()[1]};
      }
    return Range{elementOf(value).getLo(), elementOf(value).getHi()};
  }

  /// Gives the value, and the layout operations and accumulator behind it, a new range.
  void retype(Value value, Range range) {
    Operation *op = value.getDefiningOp();
    if (!op || isa<LutOp, ConstantOp>(op))
      return;
    auto type = cast<RankedTensorType>(value.getType());
    if (elementOf(value).getLo() == range.lo && elementOf(value).getHi() == range.hi)
      return;
    value.setType(type.clone(IntType::get(type.getContext(), range.lo, range.hi)));
    if (isa<ReshapeOp, GatherOp>(op)) {
      for (Value operand : op->getOperands())
        retype(operand, range);
      return;
    }
    if (op->hasAttr("ranges"))
      op->setAttr("calibrated", UnitAttr::get(op->getContext()));
  }

  /// A stepped table with steps 2^coarser times as long: their centres are sampled.
  void coarsen(LutOp lut, unsigned coarser) {
    ArrayRef<int64_t> shape = cast<ShapedType>(lut.getTables().getType()).getShape();
    int64_t oldLo = lut.getLo(), entries = shape[2], lo = tableStep(oldLo, coarser),
            kept = tableStep(oldLo + entries - 1, coarser) - lo + 1;
    std::vector<int32_t> values, old(lut.getTables().getValues<int32_t>().begin(),
                                     lut.getTables().getValues<int32_t>().end());
    for (int64_t t = 0; t != shape[0] * shape[1]; ++t)
      for (int64_t u = lo; u != lo + kept; ++u)
        values.push_back(
            old[t * entries + std::clamp<int64_t>((u << coarser) - oldLo, 0, entries - 1)]);
    Builder builder(&getContext());
    auto type = RankedTensorType::get({shape[0], shape[1], kept}, builder.getI32Type());
    if (auto given = dyn_cast_or_null<DenseFPElementsAttr>(lut.getFrequenciesAttr())) {
      std::vector<double> sums(shape[0] * kept);
      auto frequency = given.getValues<double>().begin();
      for (int64_t t = 0; t != shape[0]; ++t)
        for (int64_t u = oldLo; u != oldLo + entries; ++u, ++frequency)
          sums[t * kept + tableStep(u, coarser) - lo] += *frequency;
      lut.setFrequenciesAttr(cast<ElementsAttr>(DenseElementsAttr::get(
          RankedTensorType::get({shape[0], kept}, given.getElementType()),
          ArrayRef<double>(sums))));
    }
    lut.setTablesAttr(
        cast<DenseIntElementsAttr>(DenseElementsAttr::get(type, ArrayRef<int32_t>(values))));
    lut.setLo(lo);
    lut.setLog2Step(lut.getLog2Step() + coarser);
  }

  /// `frequencies` of tables that began at `lo`, for those of `range`: what was looked up outside is
  /// counted at the ends.
  void cutFrequencies(LutOp lut, int64_t lo, Range range) {
    auto given = dyn_cast_or_null<DenseFPElementsAttr>(lut.getFrequenciesAttr());
    if (!given)
      return;
    ArrayRef<int64_t> shape = given.getType().getShape();
    std::vector<double> kept(shape[0] * range.size());
    auto frequency = given.getValues<double>().begin();
    for (int64_t t = 0; t != shape[0]; ++t)
      for (int64_t v = lo; v != lo + shape[1]; ++v, ++frequency)
        kept[t * range.size() + std::clamp(v, range.lo, range.hi) - range.lo] += *frequency;
    auto type = RankedTensorType::get({shape[0], range.size()}, given.getElementType());
    lut.setFrequenciesAttr(
        cast<ElementsAttr>(DenseElementsAttr::get(type, ArrayRef<double>(kept))));
  }

  /// The tables of `lut` cut to the window's range and placed in it.
  void apply(LutOp lut, const Window &window) {
    Builder builder(&getContext());
    ArrayRef<int64_t> shape = cast<ShapedType>(lut.getTables().getType()).getShape();
    int64_t lo = lut.getLo(), entries = shape[2], kept = window.range.size();
    if (window.range.lo != lo || kept != entries) {
      std::vector<int32_t> values, old(lut.getTables().getValues<int32_t>().begin(),
                                       lut.getTables().getValues<int32_t>().end());
      values.reserve(shape[0] * shape[1] * kept);
      for (int64_t t = 0; t != shape[0] * shape[1]; ++t)
        for (int64_t v = window.range.lo; v <= window.range.hi; ++v)
          values.push_back(old[t * entries + std::clamp<int64_t>(v - lo, 0, entries - 1)]);
      auto type = RankedTensorType::get({shape[0], shape[1], kept}, builder.getI32Type());
      lut.setTablesAttr(
          cast<DenseIntElementsAttr>(DenseElementsAttr::get(type, ArrayRef<int32_t>(values))));
      lut.setLo(window.range.lo);
      cutFrequencies(lut, lo, window.range);
    }
    lut.setRealization(directRealization);
    lut.setWidth(window.width);
    lut.setGuard(window.guard);
    if (window.rounded)
      lut.setRoundedWidth(round);
    else
      lut.removeRoundedWidthAttr();
    if (!window.rounded) // An exact table does not differ.
      lut.removeFrequenciesAttr();
  }

  /// The value whose range decides that of `value`: layout operations do not change it.
  static Value rootOf(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      if (!isa<ReshapeOp>(op) && !(isa<GatherOp>(op) && op->getNumOperands() == 1))
        break;
      value = op->getOperand(0);
    }
    return value;
  }

  /// What must be right of a value. What the client sees without a table is never calibrated: it
  /// would wrap unnoticed, and its range costs noise only, not a wider table.
  FailureOr<Range> neededRange(Value value, bool raw) {
    if (calibrated && !raw)
      return observedRange(value);
    return Range{elementOf(value).getLo(), elementOf(value).getHi()};
  }

  /// What a table reads of `range`.
  static Range stepsOf(Range range, LutOp lut) {
    return {lut.stepOf(range.lo), lut.stepOf(range.hi)};
  }

  /// The integers of `possible` whose steps are those of `range`.
  static Range integersOf(Range range, LutOp lut, Range possible) {
    int64_t step = int64_t(1) << lut.getLog2Step(), half = step / 2;
    return {std::max(range.lo * step - half, possible.lo),
            std::min(range.hi * step + (step - 1) - half, possible.hi)};
  }

  /// A sampled table stands in for an exact one only where rounding tells its samples not apart.
  void refuseSteps(LutOp lut, Range needed) {
    int64_t step = int64_t(1) << lut.getLog2Step();
    InFlightDiagnostic error = lut.emitError();
    if (round)
      error << "the observed range of a table, " << needed.lo << " to " << needed.hi
            << ", is too small a part of the proven one: its function is known at every " << step
            << "th integer, which is coarser than " << round.getValue() << " bits";
    else
      error << "table would need " << elementOf(lut.getInput()).getHi() - elementOf(lut.getInput()).getLo() + 1
            << " entries, exact ones have at most 65536";
    error << " [" << diag::TableTooWide << "]";
    if (round)
      error.attachNote() << "help: prune the layer in front, or train it with narrower weights or inputs, "
                            "until its accumulator needs fewer bits";
    else
      error.attachNote() << "help: " << command.getValue() << " --round-accumulators=6";
    signalPassFailure();
  }

  /// A step too many of these would leave the range of the maximum.
  static bool isOfMaximum(LutOp lut) {
    return llvm::any_of(lut->getUsers(), [](Operation *user) {
      auto add = dyn_cast<AddOp>(user);
      return add && add.getMaximum();
    });
  }

  /// Bits beyond those that rounding looks at which a sampled table keeps: the samples then are some
  /// seven times as close as the noise is wide.
  static constexpr unsigned sampleBits = 6;

  /// The window of a table; nothing where it was refused. Sampled tables get no more samples than
  /// rounding can tell apart.
  std::optional<Window> windowOf(LutOp lut, Range needed) {
    Range proven{elementOf(lut.getInput()).getLo(), elementOf(lut.getInput()).getHi()};
    auto choose = [&] {
      return chooseWindow(stepsOf(needed, lut), stepsOf(proven, lut), isOfMaximum(lut) ? 0u : round.getValue(),
                          calibrated, log2PError);
    };
    std::optional<Window> window = choose();
    if (window && lut.getLog2Step()) {
      if (!window->rounded)
        return refuseSteps(lut, needed), std::nullopt;
      if (window->width > round + sampleBits) {
        coarsen(lut, window->width - round - sampleBits);
        window = choose();
      }
    }
    if (!window)
      refuseWindow(lut);
    return window;
  }

  void refuseWindow(LutOp lut) {
    lut.emitError("a table rounded to ")
        << round.getValue()
        << " bits has no window that leaves 6 standard deviations of the noise free at its ends "
        << "at a failure probability of 2^" << int64_t(std::floor(log2PError)) << " ["
        << diag::WindowEnds << "]";
    signalPassFailure();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    // All uses of one accumulator agree on its range: first collect what they need.
    llvm::MapVector<Value, Range> needed;
    SmallVector<LutOp> luts;
    SmallVector<Value> raw;
    bool failedAny = false;
    auto need = [&](Value value, bool isRaw) {
      FailureOr<Range> range = neededRange(value, isRaw);
      if (failed(range))
        failedAny = true;
      else
        needed[rootOf(value)].include(*range);
    };
    function.walk([&](Operation *op) {
      if (auto lut = dyn_cast<LutOp>(op)) {
        luts.push_back(lut);
        need(lut.getInput(), /*isRaw=*/false);
      } else if (isa<func::ReturnOp>(op)) {
        for (Value value : op->getOperands()) {
          raw.push_back(value);
          need(value, /*isRaw=*/true);
        }
      }
    });
    if (failedAny)
      return signalPassFailure();
    // Then the windows, from the types as they are; then the types, which no window must see.
    SmallVector<std::pair<Value, Range>> retyped;
    for (Value value : raw)
      retyped.push_back({value, needed[rootOf(value)]});
    SmallVector<Window> windows;
    for (LutOp lut : luts) {
      Range proven{elementOf(lut.getInput()).getLo(), elementOf(lut.getInput()).getHi()};
      std::optional<Window> window = windowOf(lut, needed[rootOf(lut.getInput())]);
      if (!window)
        return;
      windows.push_back(*window);
      retyped.push_back({lut.getInput(), integersOf(window->range, lut, proven)});
    }
    for (auto [lut, window] : llvm::zip(luts, windows))
      apply(lut, window);
    if (!calibrated)
      return;
    for (auto &[value, range] : retyped)
      retype(value, range);
    function.setType(FunctionType::get(&getContext(), function.getArgumentTypes(),
                                       function.getBody().back().getTerminator()->getOperandTypes()));
  }
};

} // namespace
