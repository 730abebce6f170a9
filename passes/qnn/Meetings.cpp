//===- Meetings.cpp - Where several encrypted tensors meet ----------------------===//
//
// Sums, concatenations and maxima need one scale. Ratios of small integers are exact
// (each integer times a factor); any other ratio is a table on one operand, whose
// results are at most half a step of the finer scale away from what they stand for.
//
//===--------------------------------------------------------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "passes/pipeline/Command.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/PerElement.h"
#include <cfloat>

using namespace mlir;

namespace fhe::qnn {

/// Integers that one operand may be multiplied by to meet another.
static constexpr int64_t mostFactor = 16;

int64_t Scaled::of(int64_t integer) const {
  // nearbyint: halves to even, in the default rounding mode.
  if (ratio == 0)
    return saturated(__int128(integer) * factor);
  return saturated(__int128(std::nearbyint(std::clamp(double(integer) * ratio, -0x1p62, 0x1p62))));
}

std::pair<int64_t, int64_t> Scaled::of(std::pair<int64_t, int64_t> range) const {
  return std::minmax({of(range.first), of(range.second)});
}

/// The integer that x is to the precision of f32, if it is one from 1 to mostFactor in size.
static std::optional<int64_t> smallInteger(double x) {
  int64_t whole = std::llround(x);
  if (whole == 0 || std::llabs(whole) > mostFactor ||
      std::fabs(x - double(whole)) > FLT_EPSILON * std::fabs(x))
    return std::nullopt;
  return whole;
}

/// Factors p, q <= 16 with a/b = p/q to the precision of f32, or nothing.
static std::optional<std::pair<int64_t, int64_t>> smallRatio(double a, double b) {
  for (int64_t q = 1; q <= mostFactor; ++q)
    if (std::optional<int64_t> p = smallInteger(a / b * double(q)))
      return std::pair<int64_t, int64_t>{*p, q};
  return std::nullopt;
}

std::optional<double> Analysis::meet(ArrayRef<Value> operands,
                                     SmallVectorImpl<Scaled> &scaled) const {
  double finest = 0;
  for (Value operand : operands)
    if (!form(operand).isClear()) {
      double scale = std::fabs(form(operand).scale[0]);
      finest = finest == 0 ? scale : std::min(finest, scale);
    }
  for (int64_t q = 1; q <= mostFactor; ++q) {
    scaled.assign(operands.size(), {});
    bool exact = true;
    for (auto [operand, s] : llvm::zip(operands, scaled)) {
      if (form(operand).isClear())
        continue;
      std::optional<int64_t> factor = smallInteger(form(operand).scale[0] / finest * double(q));
      exact &= factor.has_value();
      s.factor = factor.value_or(1);
    }
    if (exact)
      return finest / double(q);
  }
  if (!allowed.rescale)
    return std::nullopt;
  // All at the finest scale: what has a coarser one is known to half a step of it.
  scaled.assign(operands.size(), {});
  for (auto [operand, s] : llvm::zip(operands, scaled)) {
    if (form(operand).isClear())
      continue;
    double ratio = form(operand).scale[0] / finest;
    std::optional<int64_t> factor = smallInteger(ratio);
    s.factor = factor.value_or(1);
    s.ratio = factor ? 0 : ratio;
    auto [lo, hi] = s.of(rangeOf(form(operand)));
    if (std::max(std::llabs(lo), std::llabs(hi)) >= int64_t(1) << 24)
      return std::nullopt;
  }
  return finest;
}

bool Analysis::isTableFree(Value value) const {
  const Form &at = form(value);
  if (root(at.root).kind != RootKind::Quantizer)
    return false;
  Value before = at.root.getDefiningOp()->getOperand(0);
  if (root(form(before).root).kind == RootKind::Argument)
    return false;
  // Only what keeps the order of the integers lies between, and nobody else reads them.
  for (; value != at.root; value = value.getDefiningOp()->getOperand(0)) {
    if (!value.hasOneUse() || form(value.getDefiningOp()->getOperand(0)).isClear() ||
        (isLayout(value.getDefiningOp()) && !isa<ReshapeOp>(value.getDefiningOp())))
      return false;
  }
  return at.root.hasOneUse();
}

std::optional<double> Analysis::meetByTable(Value lhs, Value rhs,
                                            SmallVectorImpl<Scaled> &scaled) const {
  if (!allowed.rescale)
    return std::nullopt;
  struct Choice {
    double tables, integers; ///< cost of the table; integers of the sum
    double scale;
    Scaled of[2];
  };
  std::optional<Choice> best;
  for (unsigned side : {0u, 1u}) {
    Value looked = side ? rhs : lhs, kept = side ? lhs : rhs;
    const Form &a = form(looked), &b = form(kept);
    // The other operand's steps are divided until they are no longer than those of the finer scale.
    double k = std::ceil(std::fabs(b.scale[0] / a.scale[0]) * (1 - FLT_EPSILON));
    if (k > double(mostFactor))
      continue;
    Choice choice;
    choice.scale = b.scale[0] / std::max(k, 1.0);
    choice.of[1 - side].factor = int64_t(std::max(k, 1.0));
    choice.of[side].ratio = a.scale[0] / choice.scale;
    auto [lo, hi] = rangeOf(a);
    double width = std::log2(double(hi - lo + 1));
    int64_t looks = std::min(elementCount(looked), elementCount(a.root));
    choice.tables = isTableFree(looked) ? 0 : double(looks) * std::exp2(width);
    auto [newLo, newHi] = choice.of[side].of({lo, hi});
    if (std::max(std::llabs(newLo), std::llabs(newHi)) >= int64_t(1) << 24)
      continue;
    auto [bLo, bHi] = choice.of[1 - side].of(rangeOf(b));
    choice.integers = double(newHi - newLo) + double(bHi - bLo);
    if (!best || std::pair(choice.tables, choice.integers) < std::pair(best->tables, best->integers))
      best = choice;
  }
  if (!best)
    return std::nullopt;
  scaled.assign({best->of[0], best->of[1]});
  return best->scale;
}

LogicalResult Analysis::refuseScales(Operation *op, ArrayRef<Value> operands, StringRef where) {
  InFlightDiagnostic diagnostic = op->emitError("operands are not quantized with one common scale")
                                  << diag::tag(diag::NoCommonScale);
  bool areQuantized = true;
  for (Value operand : operands) {
    const Form &form = this->form(operand);
    if (form.isClear())
      continue;
    auto &note = diagnostic.attachNote();
    note << describeOrigin(operand);
    bool known = form.isAffine && form.scale.isUniform();
    areQuantized &= isQuantized(operand);
    if (isQuantized(operand)) {
      note << " has scale " << form.scale[0];
      if (operand != form.root)
        note << " over the integers of " << describeOrigin(form.root);
      continue;
    }
    note << " gives no quantized tensor";
    if (known)
      note << " (scale " << form.scale[0] << ")";
  }
  diagnostic.attachNote() << "help: pass the operands through one shared QuantIdentity before the "
                          << where
                          << (areQuantized ? "" : " (some exporters drop the QuantTensor in residual adds)");
  if (areQuantized && !allowed.rescale)
    diagnostic.attachNote() << "help: " << command << " --unequal-scales=rescale";
  return diagnostic;
}

/// Offset of element-wise op `op` of two operands, each the operand's real one.
static std::pair<PerElement, PerElement> offsetsOf(Operation *op, const Form &lhs, const Form &rhs) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  auto read = [&](unsigned i, const Form &form) {
    return permute(form.offset, broadcastElements(shapeOf(op->getOperand(i)), shape), false);
  };
  return {read(0, lhs), read(1, rhs)};
}

LogicalResult Analysis::visitSum(AddOp op) {
  Value operands[] = {op.getLhs(), op.getRhs()};
  if (!isQuantized(op.getLhs()) || !isQuantized(op.getRhs()))
    return refuseScales(op, operands, "addition");
  const Form &lhs = form(op.getLhs()), &rhs = form(op.getRhs());
  Root root;
  root.kind = RootKind::Sum;
  std::optional<double> scale;
  if (auto ratio = smallRatio(lhs.scale[0], rhs.scale[0])) {
    root.scaled = {Scaled{ratio->first}, Scaled{ratio->second}};
    scale = rhs.scale[0] / double(ratio->second);
  } else {
    scale = meetByTable(op.getLhs(), op.getRhs(), root.scaled);
  }
  if (!scale)
    return refuseScales(op, operands, "addition");
  auto [aLo, aHi] = root.scaled[0].of(rangeOf(lhs));
  auto [bLo, bHi] = root.scaled[1].of(rangeOf(rhs));
  root.lo = saturated(__int128(aLo) + bLo);
  root.hi = saturated(__int128(aHi) + bHi);
  Form out;
  out.root = op.getResult();
  out.scale.values = {*scale};
  auto [a, b] = offsetsOf(op, lhs, rhs);
  out.offset = combine(elementCount(op.getResult()), a, b, [](double x, double y) { return x + y; });
  roots[op.getResult()] = std::move(root);
  forms[op.getResult()] = std::move(out);
  return success();
}

/// Maxima compare integers: what is added to them must be one number.
static LogicalResult refuseOffsets(Operation *op) {
  InFlightDiagnostic diagnostic =
      op->emitError("compares values that are no multiples of one scale: different numbers were added to them")
      << diag::tag(diag::NoCommonScale);
  diagnostic.attachNote() << "help: put a QuantIdentity between those additions and this node";
  return diagnostic;
}

/// Differences are looked up exactly: 2^16 integers at most.
static LogicalResult checkNarrow(Operation *op, const Root &root) {
  if (root.hi - root.lo < int64_t(1) << 15)
    return success();
  InFlightDiagnostic diagnostic = op->emitError("compares integers in [")
                                  << root.lo << ", " << root.hi << "], which need more than 15 bits"
                                  << diag::tag(diag::TableTooWide);
  diagnostic.attachNote() << "help: put a QuantIdentity of few bits before this node";
  return diagnostic;
}

LogicalResult Analysis::visitLargerOf(BinaryFunctionOp op) {
  Value operands[] = {op.getLhs(), op.getRhs()};
  if (!isQuantized(op.getLhs()) || !isQuantized(op.getRhs()))
    return refuseScales(op, operands, "comparison");
  Root root;
  root.kind = RootKind::Max;
  std::optional<double> scale = meet(operands, root.scaled);
  if (!scale)
    return refuseScales(op, operands, "comparison");
  auto [a, b] = offsetsOf(op, form(op.getLhs()), form(op.getRhs()));
  if (!a.isUniform() || !b.isUniform() || a[0] != b[0])
    return refuseOffsets(op);
  auto [aLo, aHi] = root.scaled[0].of(rangeOf(form(op.getLhs())));
  auto [bLo, bHi] = root.scaled[1].of(rangeOf(form(op.getRhs())));
  bool isMax = op.getFunction() == BinaryFunction::Max;
  Root both;
  both.lo = std::min(aLo, bLo);
  both.hi = std::max(aHi, bHi);
  if (failed(checkNarrow(op, both)))
    return failure();
  root.lo = isMax ? std::max(aLo, bLo) : std::min(aLo, bLo);
  root.hi = isMax ? std::max(aHi, bHi) : std::min(aHi, bHi);
  Form out;
  out.root = op.getResult();
  out.scale.values = {*scale};
  out.offset = a;
  roots[op.getResult()] = std::move(root);
  forms[op.getResult()] = std::move(out);
  return success();
}

LogicalResult Analysis::visitMax(MaxOp op) {
  if (failed(requireQuantized(op, op.getInput(), "input")))
    return failure();
  const Form &from = form(op.getInput());
  if (!from.offset.isUniform() || (from.offset[0] != 0 && llvm::is_contained(from.elements, -1)))
    return refuseOffsets(op);
  Root root;
  root.kind = RootKind::Max;
  std::tie(root.lo, root.hi) = rangeOf(from);
  if (failed(checkNarrow(op, root)))
    return failure();
  Form out;
  out.root = op.getResult();
  out.scale = from.scale;
  out.offset = from.offset;
  roots[op.getResult()] = root;
  forms[op.getResult()] = std::move(out);
  return success();
}

LogicalResult Analysis::visitProduct(MulOp op) {
  const Form &lhs = form(op.getLhs()), &rhs = form(op.getRhs());
  auto plain = [](const Form &form) { return form.offset.isUniform() && form.offset[0] == 0; };
  auto [aLo, aHi] = rangeOf(lhs);
  auto [bLo, bHi] = rangeOf(rhs);
  // A table of the sum of both: 16 bits at most, whatever the parameters.
  bool isNarrow = std::max({std::llabs(aLo), std::llabs(aHi), std::llabs(bLo), std::llabs(bHi)}) < 1 << 15;
  if (!allowed.products || !plain(lhs) || !plain(rhs) || !isNarrow) {
    InFlightDiagnostic diagnostic = op.emitError("multiplies two encrypted tensors")
                                    << diag::tag(diag::BothEncrypted);
    const Form *sides[] = {&lhs, &rhs};
    for (auto [i, side] : llvm::enumerate(sides))
      diagnostic.attachNote() << "operand " << i << " is over the integers of "
                              << describeOrigin(side->root);
    if (!isNarrow || !plain(lhs) || !plain(rhs))
      diagnostic.attachNote() << "help: put a QuantIdentity of few bits on both operands";
    else
      diagnostic.attachNote() << "help: " << command << " --encrypted-products=tables";
    return diagnostic;
  }
  Root root;
  root.kind = RootKind::Product;
  // ((a+b)^2 - (a-b)^2) / 4: both squares leave the same remainder, so each is divided by itself.
  auto quarters = [](int64_t lo, int64_t hi) {
    auto [least, most] = std::minmax<int64_t>({lo * lo / 4, hi * hi / 4});
    return std::pair(lo <= 0 && hi >= 0 ? 0 : least, most);
  };
  auto [sumLeast, sumMost] = quarters(aLo + bLo, aHi + bHi);
  auto [differenceLeast, differenceMost] = quarters(aLo - bHi, aHi - bLo);
  root.lo = sumLeast - differenceMost;
  root.hi = sumMost - differenceLeast;
  Form out;
  out.root = op.getResult();
  out.scale.values = {lhs.scale[0] * rhs.scale[0]};
  roots[op.getResult()] = root;
  forms[op.getResult()] = std::move(out);
  return success();
}

LogicalResult Analysis::visitConcat(ConcatOp op) {
  Root root;
  root.kind = RootKind::Concat;
  root.lo = INT64_MAX;
  root.hi = INT64_MIN;
  SmallVector<Value> operands(op.getInputs());
  std::vector<std::vector<float>> clear(operands.size());
  for (auto [i, input] : llvm::enumerate(operands)) {
    if (form(input).isClear())
      clear[i] = clearReals(clearConstant(input));
    else if (failed(requireQuantized(op, input, "operand " + std::to_string(i))))
      return failure();
  }
  std::optional<double> scale = meet(operands, root.scaled);
  if (!scale)
    return refuseScales(op, operands, "concatenation");
  for (auto [input, scaled] : llvm::zip(operands, root.scaled)) {
    auto [lo, hi] = form(input).isClear() ? std::pair<int64_t, int64_t>{0, 0}
                                          : scaled.of(rangeOf(form(input)));
    root.lo = std::min(root.lo, lo);
    root.hi = std::max(root.hi, hi);
  }
  Form out;
  out.root = op.getResult();
  out.scale.values = {*scale};
  out.offset.values.clear();
  // A clear operand is the integer 0 with its numbers as real offsets.
  for (auto [operand, element] : concatElements(op))
    out.offset.values.push_back(clear[operand].empty() ? form(op.getInputs()[operand]).offset[element]
                                                       : clear[operand][element]);
  out.offset.compress();
  roots[op.getResult()] = std::move(root);
  forms[op.getResult()] = std::move(out);
  return success();
}

} // namespace fhe::qnn
