//===- Maxima.cpp - Which pairs give the largest of each window ----------------------===//
#include "passes/convert/Maxima.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

using namespace llvm;

namespace fhe {

namespace {

using Elements = std::vector<int32_t>; ///< sorted, each once

/// Pairs for one order of axes and one way to join runs.
class Tree {
public:
  Tree(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, bool overlapping)
      : axes(axes.begin(), axes.end()), overlapping(overlapping) {
    int64_t inner = 1;
    strides.resize(shape.size());
    for (size_t d = shape.size(); d-- != 0; inner *= shape[d])
      strides[d] = {inner, shape[d]};
    leaves = inner;
  }

  /// The number of the set's maximum: an element, or `leaves` and more for a pair.
  int64_t add(const Elements &set) {
    if (set.size() == 1)
      return set.front();
    if (auto known = numbers.find(set); known != numbers.end())
      return known->second;
    auto [first, second] = split(set);
    int64_t lhs = add(first), rhs = add(second);
    pairs.push_back({lhs, rhs, std::max(depthOf(lhs), depthOf(rhs)) + 1});
    return numbers[set] = leaves + int64_t(pairs.size()) - 1;
  }

  int64_t count() const { return pairs.size(); }
  int64_t depth() const {
    int64_t most = 0;
    for (const Pair &pair : pairs)
      most = std::max(most, pair.depth);
    return most;
  }
  MaximaPlan plan(ArrayRef<int64_t> results) const;

private:
  struct Pair {
    int64_t lhs, rhs, depth;
  };
  int64_t depthOf(int64_t number) const { return number < leaves ? 0 : pairs[number - leaves].depth; }
  int64_t along(int64_t axis, int32_t element) const {
    return element / strides[axis].first % strides[axis].second;
  }

  /// Two parts along the first axis on which the elements differ, the first one a run of a power of two.
  std::pair<Elements, Elements> split(const Elements &set) const {
    std::vector<int64_t> places;
    int64_t axis = 0;
    for (int64_t candidate : axes) {
      axis = candidate;
      places.clear();
      for (int32_t element : set)
        places.push_back(along(axis, element));
      std::sort(places.begin(), places.end());
      places.erase(std::unique(places.begin(), places.end()), places.end());
      if (places.size() > 1)
        break;
    }
    size_t run = 1;
    while (2 * run < places.size())
      run *= 2;
    int64_t firstEnd = places[run], secondBegin = places[overlapping ? places.size() - run : run];
    std::pair<Elements, Elements> parts;
    for (int32_t element : set) {
      if (along(axis, element) < firstEnd)
        parts.first.push_back(element);
      if (along(axis, element) >= secondBegin)
        parts.second.push_back(element);
    }
    return parts;
  }

  std::vector<std::pair<int64_t, int64_t>> strides; ///< and sizes
  std::vector<int64_t> axes;
  bool overlapping;
  int64_t leaves = 1;
  std::map<Elements, int64_t> numbers;
  std::vector<Pair> pairs;
};

MaximaPlan Tree::plan(ArrayRef<int64_t> results) const {
  // The last level that reads each value.
  int64_t levels = depth();
  std::vector<int64_t> last(leaves + pairs.size(), 0);
  for (const Pair &pair : pairs)
    for (int64_t operand : {pair.lhs, pair.rhs})
      last[operand] = std::max(last[operand], pair.depth);
  for (int64_t result : results)
    last[result] = levels + 1;
  std::vector<int64_t> place(leaves + pairs.size(), -1), pool(leaves);
  std::iota(place.begin(), place.begin() + leaves, 0);
  std::iota(pool.begin(), pool.end(), 0);
  MaximaPlan plan;
  for (int64_t depth = 1; depth <= levels; ++depth) {
    MaximaPlan::Level level;
    std::vector<int64_t> next, made;
    for (size_t i = 0; i != pairs.size(); ++i)
      if (pairs[i].depth == depth) {
        level.lhs.push_back(place[pairs[i].lhs]);
        level.rhs.push_back(place[pairs[i].rhs]);
        made.push_back(leaves + int64_t(i));
      }
    for (int64_t number : pool)
      if (last[number] > depth) {
        level.kept.push_back(place[number]);
        next.push_back(number);
      }
    next.insert(next.end(), made.begin(), made.end());
    pool = std::move(next);
    for (size_t i = 0; i != pool.size(); ++i)
      place[pool[i]] = int64_t(i);
    plan.levels.push_back(std::move(level));
  }
  for (int64_t result : results)
    plan.results.push_back(place[result]);
  return plan;
}

} // namespace

int64_t MaximaPlan::pairs() const {
  int64_t sum = 0;
  for (const Level &level : levels)
    sum += int64_t(level.lhs.size());
  return sum;
}

MaximaPlan planMaxima(ArrayRef<int32_t> elements, int64_t places, ArrayRef<int64_t> shape) {
  std::vector<Elements> rows;
  for (size_t first = 0; first < elements.size(); first += places) {
    Elements row(elements.begin() + first, elements.begin() + first + places);
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    rows.push_back(std::move(row));
  }
  // Axes of size 1 and the order of more than three others make no difference worth trying.
  std::vector<int64_t> axes;
  for (size_t d = 0; d != shape.size(); ++d)
    if (shape[d] > 1)
      axes.push_back(int64_t(d));
  if (axes.empty())
    axes.push_back(0);
  std::optional<MaximaPlan> best;
  std::pair<int64_t, int64_t> least;
  bool permutes = axes.size() <= 3;
  do {
    for (bool overlapping : {false, true}) {
      Tree tree(shape, axes, overlapping);
      std::vector<int64_t> results;
      for (const Elements &row : rows)
        results.push_back(tree.add(row));
      std::pair<int64_t, int64_t> cost{tree.count(), tree.depth()};
      if (!best || cost < least) {
        best = tree.plan(results);
        least = cost;
      }
    }
  } while (permutes && std::next_permutation(axes.begin(), axes.end()));
  return *best;
}

} // namespace fhe
