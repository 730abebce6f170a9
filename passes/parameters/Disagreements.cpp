//===- Disagreements.cpp - How often an approximately rounded table is a step off -===//
#include "passes/parameters/Disagreements.h"
#include "dialects/tfhe/TFHE.h"
#include <deque>

using namespace mlir;

namespace fhe::parameters {

namespace {

/// One table in its window, as fhe.lut describes it.
struct PlacedTable {
  ArrayRef<int32_t> values;
  int64_t guard, offset;
  unsigned width, log2N; ///< 2^width slots on the polynomial: the window, or half of a negacyclic one

  int32_t at(int64_t slot) const {
    slot = slotRead(slot, width, log2N) & ((int64_t(2) << width) - 1);
    bool negated = slot >> width & 1;
    int64_t place = (slot & ((int64_t(1) << width) - 1)) - guard;
    int32_t value = values[std::clamp<int64_t>(place, 0, int64_t(values.size()) - 1)];
    return negated ? offset - value : value;
  }

  /// For each entry, the probability that another value is read. Only entries within reach of a
  /// threshold can have one.
  std::vector<double> probabilities(const StepProbabilities &steps) const {
    int64_t entries = values.size(), reach = steps.reach();
    std::vector<double> result(entries);
    int64_t lastChange = INT64_MIN / 2, next = guard - reach;
    for (int64_t i = 0; i != entries; ++i) {
      int64_t slot = guard + i;
      // A change lies between slots next - 1 and next.
      for (; next <= slot + reach; ++next)
        if (at(next) != at(next - 1))
          lastChange = next;
      if (lastChange > slot - reach)
        result[i] = steps.of([&](int64_t d) { return at(slot + d) != at(slot); });
    }
    return result;
  }
};

} // namespace

Disagreements disagreementsOf(tfhe_ir::LookupOp lookup, double noiseStd, unsigned log2N) {
  ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
  int64_t tables = shape[0], results = shape[1], entries = shape[2];
  std::vector<int32_t> values(lookup.getTables().getValues<int32_t>().begin(),
                              lookup.getTables().getValues<int32_t>().end());
  std::vector<double> elements(tables); // that use each table
  if (auto map = lookup.getTableOfElement())
    for (int32_t t : *map)
      ++elements[t];
  else
    elements[0] = tfhe_ir::elementsOf(lookup.getInput());
  std::vector<double> frequencies;
  if (auto given = dyn_cast_or_null<DenseFPElementsAttr>(lookup.getFrequenciesAttr()))
    frequencies.assign(given.getValues<double>().begin(), given.getValues<double>().end());

  StepProbabilities steps(noiseStd * std::exp2(double(lookup.getTorusBits())));
  std::vector<int64_t> offsets = lookup.getOffsets();
  Disagreements sum;
  double expected = 0;
  for (int64_t t = 0; t != tables; ++t)
    for (int64_t r = 0; r != results; ++r) {
      PlacedTable table{{values.data() + (t * results + r) * entries, size_t(entries)},
                        int64_t(lookup.getGuard()),
                        offsets[t * results + r],
                        unsigned(lookup.getTorusBits() - 1),
                        log2N};
      std::vector<double> probabilities = table.probabilities(steps);
      sum.atMost += elements[t] * *std::max_element(probabilities.begin(), probabilities.end());
      for (int64_t i = 0; i != entries && !frequencies.empty(); ++i)
        expected += frequencies[t * entries + i] * probabilities[i];
    }
  if (!frequencies.empty())
    sum.expected = expected;
  return sum;
}

/// The largest rise from one value to a later one at most `reach` places on.
static int64_t largestRise(ArrayRef<int32_t> values, int64_t reach) {
  std::deque<size_t> least; // places of increasing values within reach, the smallest first
  int64_t most = 0;
  for (size_t i = 0; i != values.size(); ++i) {
    while (!least.empty() && values[least.back()] >= values[i])
      least.pop_back();
    least.push_back(i);
    while (int64_t(i - least.front()) > reach)
      least.pop_front();
    most = std::max(most, int64_t(values[i]) - values[least.front()]);
  }
  return most;
}

int64_t mostStepsWithinPrecision(tfhe_ir::LookupOp lookup) {
  ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
  std::vector<int32_t> values(lookup.getTables().getValues<int32_t>().begin(),
                              lookup.getTables().getValues<int32_t>().end());
  int64_t reach = (int64_t(1) << (lookup.getWidth() - lookup.getPrecision())) / 2, most = 0;
  for (int64_t t = 0; t != shape[0] * shape[1]; ++t) {
    auto begin = values.begin() + t * shape[2];
    std::vector<int32_t> table(begin, begin + shape[2]);
    most = std::max(most, largestRise(table, reach));
    std::reverse(table.begin(), table.end());
    most = std::max(most, largestRise(table, reach));
  }
  return most;
}

} // namespace fhe::parameters
