//===- FuseLuts.cpp - Share and compose tables -------------------------------------===//
#include "mlir/IR/Builders.h"
#include "passes/fhe/Passes.h"
#include "llvm/ADT/MapVector.h"
#include <algorithm>
#include <map>

using namespace mlir;

namespace fhe {
#define GEN_PASS_DEF_FHEFUSELUTS
#include "passes/fhe/Passes.h.inc"
} // namespace fhe

using namespace fhe;

namespace {

/// The tables of a lut: one list of values a behaviour, results one after the other.
struct Tables {
  int64_t lo = 0, entries = 0, results = 0, log2Step = 0;
  std::vector<std::vector<int32_t>> tables; ///< [T][results * entries]
  std::vector<int32_t> ofElement;

  explicit Tables(LutOp op) {
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getTables().getType()).getShape();
    lo = op.getLo();
    log2Step = op.getLog2Step();
    results = shape[1];
    entries = shape[2];
    auto values = op.getTables().getValues<int32_t>().begin();
    for (int64_t t = 0; t != shape[0]; ++t) {
      tables.emplace_back();
      for (int64_t i = 0; i != results * entries; ++i, ++values)
        tables.back().push_back(*values);
    }
    ofElement.assign(cast<ShapedType>(op.getInput().getType()).getNumElements(), 0);
    if (auto map = op.getTableOfElement())
      ofElement.assign(map->begin(), map->end());
  }
};

/// Numbers distinct tables in order of first use.
class TableSet {
public:
  int32_t add(std::vector<int32_t> table) {
    auto [place, inserted] = numbers.try_emplace(std::move(table), int32_t(order.size()));
    if (inserted)
      order.push_back(&place->first);
    return place->second;
  }
  std::vector<int32_t> flatten() const {
    std::vector<int32_t> values;
    for (const std::vector<int32_t> *table : order)
      values.insert(values.end(), table->begin(), table->end());
    return values;
  }
  int64_t size() const { return order.size(); }

private:
  std::map<std::vector<int32_t>, int32_t> numbers;
  std::vector<const std::vector<int32_t> *> order;
};

/// A lut over [lo, lo + entries), its window not yet assigned.
LutOp createLut(OpBuilder &builder, Location loc, Value input, ArrayRef<Type> types, int64_t lo,
                int64_t entries, int64_t results, const TableSet &set,
                ArrayRef<int32_t> ofElement, int64_t log2Step) {
  auto type = RankedTensorType::get({set.size(), results, entries}, builder.getI32Type());
  std::vector<int32_t> values = set.flatten();
  auto tables = cast<DenseIntElementsAttr>(
      DenseElementsAttr::get(type, ArrayRef<int32_t>(values)));
  DenseI32ArrayAttr map;
  if (set.size() > 1)
    map = builder.getDenseI32ArrayAttr(ofElement);
  return LutOp::create(builder, loc, types, input, builder.getI64IntegerAttr(lo), tables,
                       builder.getI64IntegerAttr(std::max(1u, tableBits(lo, lo + entries - 1))),
                       builder.getI64IntegerAttr(0), map, IntegerAttr(), ElementsAttr(),
                       StringAttr(), builder.getI64IntegerAttr(log2Step));
}

/// outer(inner(x)) as one table, where inner's value has no other use.
bool compose(LutOp outer) {
  Value source = outer.getInput();
  auto reshape = source.getDefiningOp<ReshapeOp>();
  if (reshape && !source.hasOneUse())
    return false;
  if (reshape)
    source = reshape.getInput();
  auto inner = source.getDefiningOp<LutOp>();
  if (!inner || inner.getOutputs().size() != 1 || !source.hasOneUse() || outer.getLog2Step())
    return false;
  Tables in(inner), out(outer);
  TableSet set;
  std::map<std::pair<int32_t, int32_t>, int32_t> pairs;
  std::vector<int32_t> ofElement;
  for (auto [i, o] : llvm::zip(in.ofElement, out.ofElement)) {
    auto known = pairs.find({i, o});
    if (known == pairs.end()) {
      std::vector<int32_t> table;
      for (int64_t r = 0; r != out.results; ++r)
        for (int64_t e = 0; e != in.entries; ++e)
          table.push_back(out.tables[o][r * out.entries + (in.tables[i][e] - out.lo)]);
      known = pairs.emplace(std::pair(i, o), set.add(std::move(table))).first;
    }
    ofElement.push_back(known->second);
  }
  OpBuilder builder(outer);
  Location loc = builder.getFusedLoc({inner.getLoc(), outer.getLoc()});
  // A reshape in between keeps the order of elements: it moves behind the table.
  SmallVector<Type> types;
  ArrayRef<int64_t> shape = cast<ShapedType>(inner.getInput().getType()).getShape();
  for (Value result : outer.getOutputs())
    types.push_back(cast<RankedTensorType>(result.getType()).clone(shape));
  LutOp lut = createLut(builder, loc, inner.getInput(), types, in.lo, in.entries, out.results, set,
                        ofElement, in.log2Step);
  for (auto [oldResult, newResult] : llvm::zip(outer.getOutputs(), lut.getOutputs())) {
    Value value = newResult;
    if (value.getType() != oldResult.getType())
      value = ReshapeOp::create(builder, loc, oldResult.getType(), value);
    oldResult.replaceAllUsesWith(value);
  }
  outer.erase();
  if (reshape)
    reshape.erase();
  inner.erase();
  return true;
}

namespace {
/// What a lut reads through a gather: elements of another lut, and integers that are known.
struct Gathered {
  GatherOp gather;
  LutOp inner;
  std::vector<int64_t> source; ///< of each element read, the inner lut's element, or -1: `known`
  std::vector<int64_t> known;
};
} // namespace

/// Takes apart what `value` reads, where that is one lut and constants, and nothing else reads them.
static std::optional<Gathered> takeApart(Value value) {
  auto gather = value.getDefiningOp<GatherOp>();
  if (!gather || !value.hasOneUse())
    return std::nullopt;
  Gathered found{gather, {}, {}, {}};
  SmallVector<std::pair<int64_t, int64_t>> places; // of each element that is gathered from: inner element, constant
  for (Value input : gather.getInputs()) {
    int64_t count = cast<ShapedType>(input.getType()).getNumElements();
    auto constant = input.getDefiningOp<fhe::ConstantOp>();
    auto lut = input.getDefiningOp<LutOp>();
    if (!constant && (!lut || found.inner || lut.getOutputs().size() != 1 || !input.hasOneUse()))
      return std::nullopt;
    if (lut)
      found.inner = lut;
    std::vector<int64_t> values;
    if (constant)
      for (int64_t v : cast<DenseIntElementsAttr>(constant.getValue()).getValues<int64_t>())
        values.push_back(v);
    for (int64_t e = 0; e != count; ++e)
      places.push_back({constant ? -1 : e, constant ? values[e] : 0});
  }
  if (!found.inner)
    return std::nullopt;
  for (int64_t element : gather.getSource()) {
    found.source.push_back(element < 0 ? -1 : places[element].first);
    found.known.push_back(element < 0 ? 0 : places[element].second);
  }
  return found;
}

/// Elements `source` of `from` as a tensor of `type`; where that is -1, the integer `known` gives.
static Value gatherWithConstants(OpBuilder &builder, Location loc, Value from, RankedTensorType type,
                                 ArrayRef<int64_t> source, llvm::function_ref<int64_t(size_t)> known) {
  int64_t count = cast<ShapedType>(from.getType()).getNumElements();
  std::map<int64_t, int64_t> places{{0, -1}}; // a gather gives 0 for -1
  SmallVector<int64_t> values, elements(source);
  for (auto [e, element] : llvm::enumerate(elements)) {
    if (element >= 0)
      continue;
    int64_t value = known(e);
    auto [place, isNew] = places.try_emplace(value, count + int64_t(values.size()));
    if (isNew)
      values.push_back(value);
    element = place->second;
  }
  SmallVector<Value> inputs{from};
  if (!values.empty()) {
    auto [lo, hi] = std::minmax_element(values.begin(), values.end());
    auto constants = RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
    inputs.push_back(fhe::ConstantOp::create(
        builder, loc, constants.clone(IntType::get(builder.getContext(), *lo, *hi)),
        DenseIntElementsAttr::get(constants, ArrayRef<int64_t>(values))));
  }
  return GatherOp::create(builder, loc, type, inputs, elements);
}

/// outer(gather(inner(x), constants)) as gather(table(x), other constants): one table an element of x, where
/// all that is read of it needs the same one and nothing of it is left unread.
static bool composeThroughGather(LutOp outer) {
  Value source = outer.getInput();
  auto reshape = source.getDefiningOp<ReshapeOp>();
  if (reshape && source.hasOneUse())
    source = reshape.getInput();
  std::optional<Gathered> found = takeApart(source);
  if (!found || outer.getOutputs().size() != 1 || outer.getLog2Step())
    return false;
  LutOp inner = found->inner;
  Tables in(inner), out(outer);
  std::vector<int32_t> outerOf(in.ofElement.size(), -1);
  for (size_t e = 0; e != found->source.size(); ++e) {
    int64_t i = found->source[e];
    if (i >= 0 && outerOf[i] >= 0 && outerOf[i] != out.ofElement[e])
      return false;
    if (i >= 0)
      outerOf[i] = out.ofElement[e];
  }
  if (llvm::is_contained(outerOf, -1))
    return false;
  TableSet set;
  std::vector<int32_t> ofElement;
  for (auto [i, o] : llvm::zip(in.ofElement, outerOf)) {
    std::vector<int32_t> table;
    for (int32_t value : in.tables[i])
      table.push_back(out.tables[o][value - out.lo]);
    ofElement.push_back(set.add(std::move(table)));
  }
  OpBuilder builder(outer);
  Location loc = builder.getFusedLoc({inner.getLoc(), outer.getLoc()});
  auto type = cast<RankedTensorType>(outer.getOutputs()[0].getType());
  ArrayRef<int64_t> shape = cast<ShapedType>(inner.getInput().getType()).getShape();
  LutOp lut = createLut(builder, loc, inner.getInput(), {type.clone(shape)}, in.lo, in.entries, 1, set,
                        ofElement, in.log2Step);
  auto tableOfKnown = [&](size_t e) { return out.tables[out.ofElement[e]][found->known[e] - out.lo]; };
  outer.getOutputs()[0].replaceAllUsesWith(
      gatherWithConstants(builder, loc, lut.getOutputs()[0], type, found->source, tableOfKnown));
  outer.erase();
  if (reshape)
    reshape.erase();
  found->gather.erase();
  inner.erase();
  return true;
}

/// Several luts of one value as one with several results.
void share(ArrayRef<LutOp> luts) {
  LutOp first = luts.front();
  OpBuilder builder(first);
  std::vector<Tables> all;
  SmallVector<Type> types;
  SmallVector<Location> locs;
  int64_t lo = INT64_MAX, hi = INT64_MIN, results = 0;
  for (LutOp lut : luts) {
    all.emplace_back(lut);
    llvm::append_range(types, lut.getOutputs().getTypes());
    locs.push_back(lut.getLoc());
    lo = std::min(lo, all.back().lo);
    hi = std::max(hi, all.back().lo + all.back().entries - 1);
    results += all.back().results;
  }
  TableSet set;
  std::map<std::vector<int32_t>, int32_t> known; // by the tables of an element, one a lut
  std::vector<int32_t> ofElement;
  for (size_t e = 0; e != all.front().ofElement.size(); ++e) {
    std::vector<int32_t> key;
    for (const Tables &t : all)
      key.push_back(t.ofElement[e]);
    auto place = known.find(key);
    if (place == known.end()) {
      std::vector<int32_t> table;
      for (auto [t, number] : llvm::zip(all, key))
        for (int64_t r = 0; r != t.results; ++r)
          for (int64_t v = lo; v <= hi; ++v)
            table.push_back(
                t.tables[number][r * t.entries + std::clamp<int64_t>(v - t.lo, 0, t.entries - 1)]);
      place = known.emplace(key, set.add(std::move(table))).first;
    }
    ofElement.push_back(place->second);
  }
  LutOp lut = createLut(builder, builder.getFusedLoc(locs), first.getInput(), types, lo,
                        hi - lo + 1, results, set, ofElement, all.front().log2Step);
  auto result = lut.getOutputs().begin();
  for (LutOp old : luts) {
    for (Value value : old.getOutputs())
      value.replaceAllUsesWith(*result++);
    old.erase();
  }
}

/// Stores equal tables once, and none that no element uses.
void deduplicate(LutOp lut) {
  Tables t(lut);
  TableSet kept;
  std::vector<int32_t> ofElement;
  for (int32_t table : t.ofElement)
    ofElement.push_back(kept.add(t.tables[table]));
  if (kept.size() == int64_t(t.tables.size()))
    return;
  OpBuilder builder(lut);
  SmallVector<Type> types(lut.getOutputs().getTypes());
  LutOp replacement = createLut(builder, lut.getLoc(), lut.getInput(), types, t.lo, t.entries,
                                t.results, kept, ofElement, t.log2Step);
  lut->replaceAllUsesWith(replacement->getResults());
  lut.erase();
}

SmallVector<LutOp> collect(func::FuncOp function) {
  SmallVector<LutOp> luts;
  function.walk([&](LutOp lut) { luts.push_back(lut); });
  return luts;
}

struct FuseLuts : fhe::impl::FheFuseLutsBase<FuseLuts> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    for (bool changed = true; changed;) {
      changed = false;
      SmallVector<LutOp> luts = collect(function); // named: llvm::reverse keeps no temporary alive
      for (LutOp lut : llvm::reverse(luts))
        if (lut.use_empty()) {
          lut.erase();
          changed = true;
        }
      for (LutOp lut : collect(function))
        if (compose(lut) || composeThroughGather(lut)) {
          changed = true;
          break; // the list is stale
        }
    }
    llvm::MapVector<std::pair<Value, int64_t>, SmallVector<LutOp>> bySource; // and step
    for (LutOp lut : collect(function))
      bySource[{lut.getInput(), lut.getLog2Step()}].push_back(lut);
    for (auto &[source, luts] : bySource)
      if (luts.size() > 1)
        share(luts);
    for (LutOp lut : collect(function))
      deduplicate(lut);
  }
};

} // namespace
