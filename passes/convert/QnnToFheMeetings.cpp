//===- QnnToFheMeetings.cpp - Sums, maxima, products and concatenations ---------------===//
//
// What the analysis decided (passes/qnn/Meetings.cpp) as integer operations: factors,
// tables that rescale, trees of pairwise maxima, tables of squares.
//
//===---------------------------------------------------------------------------------===//
#include "passes/convert/Maxima.h"
#include "passes/convert/QnnToFheLowering.h"
#include <numeric>

using namespace mlir;
using namespace fhe;

Value QnnToFhe::createTable(Location loc, Value source, llvm::function_ref<int64_t(int64_t)> f) {
  IntType range = rangeOf(source);
  unsigned log2Step = log2StepOf(range);
  std::vector<int32_t> table;
  for (int64_t u = tableStep(range.getLo(), log2Step); u <= tableStep(range.getHi(), log2Step); ++u)
    table.push_back(int32_t(f(u * (int64_t(1) << log2Step))));
  return createLut(loc, source, {std::move(table)}, {});
}

Value QnnToFhe::scaledOperand(Location loc, Value value, const qnn::Scaled &scaled,
                              ArrayRef<int64_t> shape) {
  auto elements = qnn::broadcastElements(qnn::shapeOf(value), shape);
  if (scaled.ratio == 0)
    return readElements(loc, materialize(value), elements, shape);
  // Where the fewer elements are: on the integers themselves or on what is read of them.
  const qnn::Form &form = analysis.form(value);
  bool atRoot = qnn::elementCount(form.root) <= qnn::elementCount(value);
  Value source = atRoot ? integers.lookup(form.root) : materialize(value);
  Value &table = rescaled[{source.getAsOpaquePointer(), scaled.ratio}];
  if (!table)
    table = createTable(loc, source, [&](int64_t v) { return scaled.of(v); });
  Value integersOfValue =
      atRoot ? readElements(loc, table, form.elements, qnn::shapeOf(value)) : table;
  return readElements(loc, integersOfValue, elements, shape);
}

Value QnnToFhe::metOperand(Location loc, Value value, const qnn::Scaled &scaled,
                           ArrayRef<int64_t> shape) {
  Value met = scaledOperand(loc, value, scaled, shape);
  if (scaled.ratio != 0 || scaled.factor == 1)
    return met;
  auto [lo, hi] = scaled.of({rangeOf(met).getLo(), rangeOf(met).getHi()});
  return MulConstOp::create(builder, loc, tensor(shape, lo, hi), met,
                            builder.getI64IntegerAttr(scaled.factor));
}

Value QnnToFhe::createSum(Location loc, Value lhs, Value rhs, int64_t lhsFactor, int64_t rhsFactor) {
  auto times = [](IntType range, int64_t factor) {
    return std::minmax({range.getLo() * factor, range.getHi() * factor});
  };
  auto [aLo, aHi] = times(rangeOf(lhs), lhsFactor);
  auto [bLo, bHi] = times(rangeOf(rhs), rhsFactor);
  int64_t lo = aLo + bLo, hi = aHi + bHi;
  auto ranges = RangesAttr::get(builder.getContext(), {lo, hi}, {lo, hi}, {});
  return fhe::AddOp::create(builder, loc, tensor(qnn::shapeOf(lhs), lo, hi), lhs, rhs,
                            builder.getI64IntegerAttr(lhsFactor), builder.getI64IntegerAttr(rhsFactor),
                            ranges, UnitAttr(), UnitAttr());
}

Value QnnToFhe::createLargerOf(Location loc, Value a, Value b, bool isMax) {
  Value difference = createSum(loc, a, b, 1, -1);
  Value more = createTable(loc, difference, [&](int64_t v) {
    return isMax ? std::max<int64_t>(v, 0) : std::min<int64_t>(v, 0);
  });
  IntType x = rangeOf(a), y = rangeOf(b);
  auto pick = [&](int64_t p, int64_t q) { return isMax ? std::max(p, q) : std::min(p, q); };
  auto type = tensor(qnn::shapeOf(a), pick(x.getLo(), y.getLo()), pick(x.getHi(), y.getHi()));
  return fhe::AddOp::create(builder, loc, type, b, more, builder.getI64IntegerAttr(1),
                            builder.getI64IntegerAttr(1), RangesAttr(), UnitAttr(),
                            builder.getUnitAttr());
}

void QnnToFhe::convertSum(qnn::AddOp op) {
  const qnn::Root &root = analysis.root(op.getResult());
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getResult());
  Value lhs = scaledOperand(op.getLoc(), op.getLhs(), root.scaled[0], shape);
  Value rhs = scaledOperand(op.getLoc(), op.getRhs(), root.scaled[1], shape);
  auto factor = [](const qnn::Scaled &scaled) { return scaled.ratio == 0 ? scaled.factor : 1; };
  Value sum = createSum(op.getLoc(), lhs, rhs, factor(root.scaled[0]), factor(root.scaled[1]));
  IntType proven = rangeOf(sum);
  sum.getDefiningOp<fhe::AddOp>().setRangesAttr(RangesAttr::get(
      builder.getContext(), {root.lo, root.hi}, {proven.getLo(), proven.getHi()}, {}));
  integers[op.getResult()] = sum;
}

void QnnToFhe::convertLargerOf(qnn::BinaryFunctionOp op) {
  const qnn::Root &root = analysis.root(op.getResult());
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getResult());
  Value lhs = metOperand(op.getLoc(), op.getLhs(), root.scaled[0], shape);
  Value rhs = metOperand(op.getLoc(), op.getRhs(), root.scaled[1], shape);
  integers[op.getResult()] =
      createLargerOf(op.getLoc(), lhs, rhs, op.getFunction() == qnn::BinaryFunction::Max);
}

void QnnToFhe::convertProduct(qnn::MulOp op) {
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getResult());
  Location loc = op.getLoc();
  auto operand = [&](Value value) {
    return readElements(loc, materialize(value), qnn::broadcastElements(qnn::shapeOf(value), shape), shape);
  };
  Value a = operand(op.getLhs()), b = operand(op.getRhs());
  auto quarter = [](int64_t v) { return v * v / 4; };
  Value sum = createTable(loc, createSum(loc, a, b, 1, 1), quarter);
  Value difference = createTable(loc, createSum(loc, a, b, 1, -1), quarter);
  integers[op.getResult()] = createSum(loc, sum, difference, 1, -1);
}

void QnnToFhe::convertMax(qnn::MaxOp op) {
  const qnn::Form &form = analysis.form(op.getInput());
  Location loc = op.getLoc();
  Value source = integers.lookup(form.root);
  int64_t leaves = qnn::elementCount(source), places = qnn::shapeOf(op.getInput()).back();
  qnn::ElementMap map = form.elements;
  if (map.empty()) {
    map.resize(qnn::elementCount(op.getInput()));
    std::iota(map.begin(), map.end(), 0);
  }
  // Windows that overlap share pairs only where they read the same elements, not copies of them.
  while (auto gather = source.getDefiningOp<GatherOp>()) {
    if (gather.getInputs().size() != 1)
      break;
    for (int32_t &element : map)
      element = element < 0 ? -1 : int32_t(gather.getSource()[element]);
    source = gather.getInputs()[0];
    leaves = qnn::elementCount(source);
  }
  SmallVector<int64_t> shape(qnn::shapeOf(source));
  if (llvm::is_contained(map, -1)) { // padding: one more element, 0
    qnn::ElementMap all;
    for (int64_t e = 0; e != leaves; ++e)
      all.push_back(int32_t(e));
    all.push_back(-1);
    shape = {leaves + 1};
    source = readElements(loc, source, all, shape);
    llvm::replace(map, -1, int32_t(leaves++));
  }
  MaximaPlan plan = planMaxima(map, places, shape);
  IntType range = rangeOf(source);
  auto read = [&](ArrayRef<Value> from, const std::vector<int64_t> &elements, ArrayRef<int64_t> shape) -> Value {
    if (from.size() == 1)
      return readElements(loc, from[0], qnn::ElementMap(elements.begin(), elements.end()), shape);
    return GatherOp::create(builder, loc, tensor(shape, range.getLo(), range.getHi()), from, elements);
  };
  bool isMax = form.scale[0] > 0;
  SmallVector<Value> pool{source};
  for (const MaximaPlan::Level &level : plan.levels) {
    int64_t size = int64_t(level.lhs.size());
    Value larger = createLargerOf(loc, read(pool, level.lhs, {size}), read(pool, level.rhs, {size}), isMax);
    // What nobody reads any more is left behind.
    Value kept = level.kept.empty() ? Value() : read(pool, level.kept, {int64_t(level.kept.size())});
    pool.clear();
    if (kept)
      pool.push_back(kept);
    pool.push_back(larger);
  }
  integers[op.getResult()] = read(pool, plan.results, qnn::shapeOf(op.getResult()));
}

void QnnToFhe::convertConcat(qnn::ConcatOp op) {
  ArrayRef<int64_t> shape = qnn::shapeOf(op.getResult());
  const qnn::Root &root = analysis.root(op.getResult());
  auto elements = qnn::concatElements(op);
  Value joined;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    if (analysis.form(input).isClear())
      continue;
    Value next = metOperand(op.getLoc(), input, root.scaled[i], qnn::shapeOf(input));
    SmallVector<int64_t> source(elements.size(), -1);
    // Elements of later operands stay 0 until their turn.
    for (size_t e = 0; e != elements.size(); ++e)
      if (elements[e].first == int32_t(i))
        source[e] = elements[e].second + (joined ? int64_t(elements.size()) : 0);
      else if (joined && elements[e].first < int32_t(i))
        source[e] = int64_t(e);
    IntType range = rangeOf(next);
    int64_t lo = range.getLo(), hi = range.getHi();
    if (joined) {
      lo = std::min(lo, rangeOf(joined).getLo());
      hi = std::max(hi, rangeOf(joined).getHi());
    }
    if (llvm::is_contained(source, -1)) {
      lo = std::min<int64_t>(lo, 0);
      hi = std::max<int64_t>(hi, 0);
    }
    SmallVector<Value> inputs;
    if (joined)
      inputs.push_back(joined);
    inputs.push_back(next);
    joined = GatherOp::create(builder, op.getLoc(), tensor(shape, lo, hi), inputs, source);
  }
  integers[op.getResult()] = joined;
}
