//===- Search.cpp - The cheapest parameter set within a failure budget -----------------------===//
#include "passes/parameters/Search.h"
#include "runtime/tfhe/portable_math.h"
#include <algorithm>
#include <cmath>
#include <map>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

static constexpr double infinity = HUGE_VAL;

/// x with erfc(x) of that probability or just below. A search asks for the same one again and again.
static double inverseLog2Erfc(double log2Probability) {
  static thread_local std::pair<double, double> last{0, 0};
  if (last.first == log2Probability)
    return last.second;
  double low = 0, high = 1;
  while (log2Erfc(high) > log2Probability)
    high *= 2;
  for (int i = 0; i != 100; ++i) {
    double middle = (low + high) / 2;
    (log2Erfc(middle) > log2Probability ? low : high) = middle;
  }
  last = {log2Probability, high};
  return high;
}

double varianceLimit(double halfSlot, double log2Probability) {
  constexpr double margin = 1e-9;
  if (!(halfSlot > 0))
    return 0;
  if (log2Probability >= 0)
    return infinity;
  double x = inverseLog2Erfc(log2Probability);
  return halfSlot * halfSlot / (2 * x * x) * (1 - margin);
}

double varianceLimit(const Requirement &requirement, const FailureBudget &budget) {
  double limit = infinity;
  if (budget.log2PError)
    limit = varianceLimit(requirement.halfSlot, *budget.log2PError);
  if (budget.log2Global) {
    // 1 - (1 - p)^count <= P at the latest where p = P (count >= 1), and p >= P / count holds it.
    double high = *budget.log2Global, low = high - portableLog2(std::max(1.0, requirement.count));
    for (int i = 0; i != 60; ++i) {
      double middle = (low + high) / 2;
      (log2AnyOf(middle, requirement.count) <= *budget.log2Global ? low : high) = middle;
    }
    limit = std::min(limit, varianceLimit(requirement.halfSlot, low));
  }
  return limit;
}

namespace {

/// Requirements with their limits; of those asking for the same or less than another only the
/// other is kept.
struct Place {
  double fresh, table, limit;
};

struct Places {
  std::vector<Place> tables, outputs;

  Places(const SearchProblem &problem) {
    std::map<std::pair<double, double>, double> limits; // by half slot and count
    for (const Requirement &requirement : problem.requirements) {
      auto [known, isNew] = limits.try_emplace({requirement.halfSlot, requirement.count}, 0);
      if (isNew)
        known->second = varianceLimit(requirement, problem.budget);
      for (const SquaredNorm &norm : requirement.norms)
        (requirement.table ? tables : outputs).push_back({norm.fresh, norm.table, known->second});
    }
    dropImplied(tables);
    dropImplied(outputs);
  }

  static void dropImplied(std::vector<Place> &places) {
    std::vector<Place> kept;
    for (const Place &place : places) {
      auto implies = [](const Place &a, const Place &b) {
        return a.fresh >= b.fresh && a.table >= b.table && a.limit <= b.limit;
      };
      if (std::any_of(kept.begin(), kept.end(),
                      [&](const Place &other) { return implies(other, place); }))
        continue;
      std::erase_if(kept, [&](const Place &other) { return implies(place, other); });
      kept.push_back(place);
    }
    places = std::move(kept);
  }

  /// What keyswitch and modulus switch may add; negative if there is no room.
  double room(double freshVariance, double tableVariance) const {
    for (const Place &place : outputs)
      if (place.fresh * freshVariance + place.table * tableVariance > place.limit)
        return -1;
    double room = infinity;
    for (const Place &place : tables)
      room = std::min(room, place.limit - place.fresh * freshVariance - place.table * tableVariance);
    return room;
  }

  double fill(double freshVariance, double tableVariance, double added) const {
    double fill = 0;
    for (const Place &place : outputs)
      fill = std::max(fill, (place.fresh * freshVariance + place.table * tableVariance) /
                                place.limit);
    for (const Place &place : tables)
      fill = std::max(fill, (place.fresh * freshVariance + place.table * tableVariance + added) /
                                place.limit);
    return fill;
  }
};

/// One run of the search.
class Searcher {
public:
  Searcher(const SearchProblem &problem, const Grid &grid, const OperationCosts &costs)
      : problem(problem), grid(grid), costs(costs), places(problem) {}

  std::optional<SearchResult> run() {
    for (const GlweCandidate &glwe : grid.glwe())
      visit(glwe);
    return best;
  }

private:
  double bestCost() const { return best ? best->cost : infinity; }

  void visit(const GlweCandidate &glwe) {
    if (places.room(glwe.fresh, 0) < 0)
      return;
    const double linear = problem.workload.products * costs.product(glwe.key);
    std::vector<double> steps;
    for (const BootstrapChoice &choice : glwe.choices)
      steps.push_back(costs.cmux(glwe.key, choice.digits.levels));
    size_t fewest = 0; // levels that leave room for anything else, by number
    for (const LweCandidate &lwe : grid.lwe()) {
      if (lwe.kind != glwe.key.noiseKind)
        continue;
      while (fewest != steps.size() &&
             places.room(glwe.fresh, lwe.dimension * glwe.choices[fewest].perStep) < 0)
        ++fewest;
      if (fewest == steps.size() ||
          linear + problem.workload.tables * lwe.dimension * steps[fewest] > bestCost())
        break; // longer keys only cost more and make more noise
      for (SwitchKind kind : grid.space().switches)
        visit(glwe, lwe, kind, linear, steps, fewest);
    }
  }

  void visit(const GlweCandidate &glwe, const LweCandidate &lwe, SwitchKind kind, double linear,
             const std::vector<double> &steps, size_t fewest) {
    const double switched = grid.model().switchVariance(lwe.dimension, glwe.key.log2N, kind);
    const uint32_t inputs = glwe.key.lweDimension();
    for (size_t i = fewest; i != glwe.choices.size(); ++i) {
      const double rotations =
          linear + problem.workload.tables * lwe.dimension * steps[i];
      if (rotations > bestCost())
        break;
      const double tableVariance = lwe.dimension * glwe.choices[i].perStep;
      const double room = places.room(glwe.fresh, tableVariance) - switched;
      if (!(room >= 0))
        continue;
      for (const KeyswitchList &list : lwe.lists)
        if (const KeyswitchChoice *choice =
                list.within(room, inputs, sharedOf(grid.smallKey(list.key, glwe.key))))
          consider(glwe, glwe.choices[i], list, choice, kind, rotations);
    }
  }

  static uint32_t sharedOf(const LweKey &key) { return key.nested ? key.dimension : 0; }

  /// The least levels that do are `choice`; more only where the global budget asks for them.
  void consider(const GlweCandidate &glwe, const BootstrapChoice &bootstrap,
                const KeyswitchList &list, const KeyswitchChoice *choice, SwitchKind kind,
                double rotations) {
    const KeyswitchChoice *end = list.choices.data() + list.choices.size();
    const LweKey small = grid.smallKey(list.key, glwe.key);
    const uint32_t inputs = glwe.key.lweDimension(), shared = sharedOf(small);
    for (; choice != end; ++choice) {
      double cost = rotations + problem.workload.tables *
                                    costs.keyswitch(inputs - shared, small.dimension,
                                                    choice->digits.levels, list.wordBits);
      if (problem.workload.passes > 0)
        cost += problem.workload.passes *
                costs.keyPass(keyswitchKeyBytes(inputs - shared, small.dimension, choice->digits,
                                                list.wordBits));
      if (cost > bestCost())
        return;
      ParameterSet set{small, glwe.key, choice->digits, bootstrap.digits, kind};
      if (!withinLimits(set))
        return;
      double fill = places.fill(
          glwe.fresh, small.dimension * bootstrap.perStep,
          choice->variance(inputs, shared, list.wordBits) +
              grid.model().switchVariance(small.dimension, glwe.key.log2N, kind));
      if (cost == bestCost() && fill >= best->fill)
        return;
      if (problem.budget.log2Global &&
          log2GlobalFailure(problem.requirements, set, grid.model()) > *problem.budget.log2Global)
        continue;
      best = SearchResult{set, cost, fill};
      return;
    }
  }

  bool withinLimits(const ParameterSet &set) const {
    const Limits &limits = problem.limits;
    if (!limits.keyBytes && !limits.memoryBytes)
      return true;
    KeyBytes keys = evaluationKeyBytes(set);
    if (limits.keyBytes && keys.stored > *limits.keyBytes)
      return false;
    if (!limits.memoryBytes)
      return true;
    const Workload &work = problem.workload;
    double bytes = double(keys.memory) + work.ciphertexts * double(ciphertextBytes(set)) +
                   work.polynomials * double(8 * uint64_t(set.glwe.polynomialSize()));
    if (work.tables > 0)
      bytes += double(scratchBytes(set, ciphertextBytes(set)));
    return bytes <= double(*limits.memoryBytes);
  }

  const SearchProblem &problem;
  const Grid &grid;
  const OperationCosts &costs;
  Places places;
  std::optional<SearchResult> best;
};

} // namespace

double log2GlobalFailure(const std::vector<Requirement> &requirements, const ParameterSet &set,
                         const NoiseModel &model) {
  const double fresh = freshVariance(set.glwe.log2Std);
  const double table =
      set.lwe.dimension *
      (exactExternalProductVariance(set.glwe, set.bootstrap, fresh) +
       model.fftVariance(set.glwe, set.bootstrap));
  const double added =
      keyswitchVariance(set.glwe.lweDimension(), set.keyswitch, freshVariance(set.lwe.log2Std),
                        set.keyswitchWordBits(), set.sharedCoefficients()) +
      model.switchVariance(set.lwe.dimension, set.glwe.log2N, set.modulusSwitch);
  double total = -infinity;
  for (const Requirement &requirement : requirements) {
    double most = 0;
    for (const SquaredNorm &norm : requirement.norms)
      most = std::max(most, norm.variance(fresh, table));
    double log2One =
        log2ErrorProbability(requirement.halfSlot, most + (requirement.table ? added : 0));
    total = log2Add(total, log2AnyOf(log2One, requirement.count));
  }
  return total;
}

std::optional<SearchResult> searchParameters(const SearchProblem &problem, const Grid &grid,
                                             const OperationCosts &costs) {
  return Searcher(problem, grid, costs).run();
}

} // namespace fhe::parameters
