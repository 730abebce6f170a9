//===- NetworkSearch.cpp - One parameter set for a network, or several -----------------------===//
#include "passes/parameters/NetworkSearch.h"
#include "passes/parameters/SetDescent.h"
#include "runtime/tfhe/portable_math.h"
#include <algorithm>
#include <bit>
#include <cmath>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

uint32_t sharedOf(const SwitchChoice &change, const std::vector<SetChoice> &sets) {
  const SetChoice &to = sets[change.to];
  const bool own = to.lwe.nested && !change.conversion && sets[change.from].glwe == to.glwe;
  return own ? to.lwe.dimension : 0;
}

namespace {

/// Where in the grid a set found by `searchParameters` is.
SetPick pickOf(const ParameterSet &set, const Grid &grid) {
  SetPick pick;
  pick.kind = set.modulusSwitch;
  while (!(grid.glwe()[pick.glwe].key == set.glwe))
    ++pick.glwe;
  while (!(grid.glwe()[pick.glwe].choices[pick.bootstrap].digits == set.bootstrap))
    ++pick.bootstrap;
  while (grid.lwe()[pick.lwe].dimension != set.lwe.dimension ||
         grid.lwe()[pick.lwe].kind != set.lwe.noiseKind)
    ++pick.lwe;
  while (!(grid.smallKey(grid.lwe()[pick.lwe].lists[pick.list].key, set.glwe) == set.lwe))
    ++pick.list;
  return pick;
}

NetworkChoice choiceOf(const SetDescent &descent, const NetworkBlocks &blocks,
                       const SetState &state) {
  NetworkChoice choice;
  std::vector<size_t> setOf; // classes with equal picks are one set
  for (const SetPick &pick : state.picks) {
    SetChoice set = descent.setOf(pick);
    auto known = std::find(choice.sets.begin(), choice.sets.end(), set);
    setOf.push_back(size_t(known - choice.sets.begin()));
    if (known == choice.sets.end())
      choice.sets.push_back(set);
  }
  SwitchNeeds needs;
  descent.price(state, &needs);
  const size_t classes = state.picks.size();
  auto add = [&](const SwitchNeed &need, size_t from, size_t to, bool conversion) {
    if (!need.choice)
      return;
    SwitchChoice added{setOf[from],         setOf[to],  conversion,
                       need.choice->digits, need.count, need.passes};
    for (SwitchChoice &other : choice.switches)
      if (other.from == added.from && other.to == added.to && other.conversion == conversion) {
        other.count += added.count;
        other.passes += added.passes;
        if (added.digits.levels > other.digits.levels) // of two classes in one set the stricter
          other.digits = added.digits;
        return;
      }
    choice.switches.push_back(added);
  };
  for (size_t from = 0; from != classes; ++from)
    for (size_t to = 0; to != classes; ++to) {
      add(needs.switches[from * classes + to], from, to, false);
      add(needs.conversions[from * classes + to], from, to, true);
    }
  for (size_t table = 0; table != blocks.tableCount(); ++table) {
    choice.setOfTable.push_back(setOf[blocks.classOfTable(table)]);
    choice.homeOfTable.push_back(setOf[state.homes[blocks.blockOfPlace(table)]]);
  }
  for (size_t place = blocks.tableCount(); place != blocks.placeCount(); ++place)
    choice.homeOfOutput.push_back(setOf[state.homes[blocks.blockOfPlace(place)]]);
  // Of two classes in one set the stricter keyswitch serves both: again from what is chosen.
  choice.cost = descent.withoutSwitches(state);
  for (const SwitchChoice &change : choice.switches)
    choice.cost += descent.switchCost(change, choice.sets);
  return choice;
}

/// What each element may fail with so that all together keep the budget.
FailureBudget sharedOut(const SearchProblem &problem, const FailureBudget &budget) {
  FailureBudget shared;
  shared.log2PError = budget.log2PError;
  if (budget.log2Global) {
    double count = 0;
    for (const Requirement &requirement : problem.requirements)
      count += requirement.count;
    double each = *budget.log2Global - portableLog2(std::max(1.0, count));
    shared.log2PError = budget.log2PError ? std::min(*budget.log2PError, each) : each;
  }
  return shared;
}

} // namespace

SearchProblem singleSetProblem(const Network &network, const FailureBudget &budget,
                               const Limits &limits) {
  SearchProblem problem;
  problem.budget = budget;
  problem.limits = limits;
  auto add = [&](const NetworkSum &sum, bool isTable) {
    Requirement &requirement =
        problem.requirements.emplace_back(Requirement{sum.halfSlot, {}, sum.count, isTable});
    auto addNorm = [&](const std::vector<SourceTerm> &terms) {
      SquaredNorm &norm = requirement.norms.emplace_back();
      for (const SourceTerm &term : terms)
        (term.table == SourceTerm::input ? norm.fresh : norm.table) += term.square;
    };
    addNorm(sum.terms);
    for (const std::vector<SourceTerm> &terms : sum.others)
      addNorm(terms);
    problem.workload.products += sum.products;
    problem.workload.ciphertexts += sum.count;
  };
  for (const NetworkTable &table : network.tables) {
    add(table.input, true);
    problem.workload.tables += table.input.count * table.results;
    problem.workload.passes += unsharedPasses(table.input.count);
    problem.workload.polynomials += table.polynomials;
  }
  for (const NetworkSum &output : network.outputs)
    add(output, false);
  if (network.ciphertexts > 0)
    problem.workload.ciphertexts = network.ciphertexts;
  return problem;
}

namespace {

/// Tables put into classes, and what is chosen for them.
struct Grouping {
  std::vector<size_t> classOf; ///< by table
  SetState state;
  NetworkChoice choice;
  size_t classes() const { return state.picks.size(); }
};

/// One run of searchNetwork.
class NetworkSearcher {
public:
  NetworkSearcher(const Network &network, const FailureBudget &budget, const Grid &grid,
                  const OperationCosts &costs, const Limits &limits, unsigned maxSets)
      : network(network), budget(budget), priced(grid, costs), limits(limits), maxSets(maxSets) {}

  std::optional<NetworkChoice> run() {
    if (!startFromOne())
      return std::nullopt;
    if (start && maxSets > 1) {
      groupByWidth();
      moveTables();
    }
    best.choice.singleCost = singleCost;
    return best.choice;
  }

private:
  /// The best single set, of which everything begins; false if there is none.
  bool startFromOne() {
    SearchProblem problem = singleSetProblem(network, budget, limits);
    std::optional<SearchResult> single = searchParameters(problem, priced.grid, priced.costs);
    if (!single)
      return false;
    singleCost = single->cost;
    keyMemory = severalSetsMemory * evaluationKeyBytes(single->set).memory;
    shared = sharedOut(problem, budget);
    best.classOf.assign(network.tables.size(), 0);
    const NetworkBlocks whole(network, budget.log2Global ? budget : shared, best.classOf, 1);
    SetDescent descent(whole, priced, limits, keyMemory);
    SetPick pick = pickOf(single->set, priced.grid);
    best.state = {{pick}, std::vector<size_t>(whole.count(), 0), 0};
    best.choice = choiceOf(descent, whole, best.state);
    best.choice.cost = singleCost;
    if (best.choice.switches.size() == 1)
      best.choice.switches.front().digits = single->set.keyswitch;
    problem.budget = shared;
    if (budget.log2Global)
      single = searchParameters(problem, priced.grid, priced.costs);
    if (single)
      start = pickOf(single->set, priced.grid);
    // The best single set with nested keys leaves no room for keyswitches between two GLWE keys, which
    // are longer: several sets begin with what is best as if no key were nested.
    if (priced.grid.space().nestedKeys && maxSets > 1) {
      const Grid apart = priced.grid.apart();
      if (auto other = searchParameters(problem, apart, priced.costs))
        start = pickOf(other->set, apart);
    }
    return true;
  }

  /// Improves a state of a grouping further and takes it if it then costs less than `bound`.
  bool tryState(const NetworkBlocks &blocks, const SetDescent &descent, SetState state, double cost,
                double bound) {
    descent.improve(state, cost);
    if (!(cost < bound))
      return false;
    NetworkChoice found = choiceOf(descent, blocks, state);
    if (!(found.cost < bound))
      return false;
    best = {blocks.classOfTables(), std::move(state), std::move(found)};
    return true;
  }

  /// All ways to group neighbouring widths: a bit for each border between two of them.
  void groupByWidth() {
    std::vector<unsigned> widths;
    for (const NetworkTable &table : network.tables)
      widths.push_back(table.bits);
    std::sort(widths.begin(), widths.end());
    widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
    if (widths.size() < 2)
      return;
    for (unsigned borders = 1; borders < 1u << (widths.size() - 1); ++borders) {
      if (unsigned(std::popcount(borders)) >= maxSets)
        continue;
      std::vector<size_t> classOf;
      for (const NetworkTable &table : network.tables) {
        size_t below = std::lower_bound(widths.begin(), widths.end(), table.bits) - widths.begin();
        classOf.push_back(std::popcount(borders & ((1u << below) - 1)));
      }
      const size_t classes = std::popcount(borders) + 1;
      const NetworkBlocks blocks(network, shared, std::move(classOf), classes);
      SetDescent descent(blocks, priced, limits, keyMemory);
      SetState state{std::vector<SetPick>(classes, *start), blocks.firstHomes(), 0};
      tryState(blocks, descent, state, descent.price(state), best.choice.cost);
    }
  }

  /// One table after the other into another class, or one of its own: those whose weights ask for
  /// more, or less, than tables of their width do.
  void moveTables() {
    unsigned left = maxMoves;
    for (bool improved = true; improved;) {
      improved = false;
      for (size_t table = 0; table != network.tables.size(); ++table)
        for (size_t c = 0; c <= best.classes() && left > 0; ++c)
          if (c != best.classOf[table] && c < maxSets) {
            --left;
            improved |= tryMove(table, c);
          }
    }
  }

  bool tryMove(size_t table, size_t c) {
    const size_t from = best.classOf[table];
    std::vector<size_t> classOf = best.classOf;
    classOf[table] = c;
    if (std::find(classOf.begin(), classOf.end(), from) == classOf.end())
      return false; // a union of classes, or no change
    SetState state = best.state;
    const bool isNew = c == best.classes();
    if (isNew)
      state.picks.push_back(state.picks[from]);
    const NetworkBlocks blocks(network, shared, std::move(classOf), state.picks.size());
    SetDescent descent(blocks, priced, limits, keyMemory);
    double cost = descent.price(state);
    if (!std::isfinite(cost)) { // the table asks for more than its new class gives
      state.picks[c] = state.picks[from];
      cost = descent.price(state);
    }
    if (!std::isfinite(cost))
      return false;
    const double bound = best.choice.cost * (isNew ? 1 - leastGainOfSet : 1);
    descent.adjust(state, cost, c, from);
    return cost < bound && tryState(blocks, descent, std::move(state), cost, bound);
  }

  /// Moves tried at most, and what a set that widths do not ask for must save: it is one key more.
  static constexpr unsigned maxMoves = 64;
  static constexpr double leastGainOfSet = 0.02;

  const Network &network;
  const FailureBudget budget;
  const PricedGrid priced;
  const Limits &limits;
  const unsigned maxSets;
  FailureBudget shared; ///< of each element
  std::optional<SetPick> start; ///< what groups of several sets begin with
  uint64_t keyMemory = 0;
  double singleCost = 0;
  Grouping best;
};

} // namespace

std::optional<NetworkChoice> searchNetwork(const Network &network, const FailureBudget &budget,
                                           const Grid &grid, const OperationCosts &costs,
                                           const Limits &limits, unsigned maxSets) {
  return NetworkSearcher(network, budget, grid, costs, limits, maxSets).run();
}

double varianceOfChoice(const Network &network, const NetworkChoice &choice, size_t place) {
  const bool isTable = place < network.tables.size();
  const NetworkSum &sum =
      isTable ? network.tables[place].input : network.outputs[place - network.tables.size()];
  const size_t home = isTable ? choice.homeOfTable[place]
                              : choice.homeOfOutput[place - network.tables.size()];
  auto switchOf = [&](size_t from, size_t to, bool conversion) -> const SwitchChoice & {
    return *std::find_if(choice.switches.begin(), choice.switches.end(),
                         [&](const SwitchChoice &candidate) {
                           return candidate.from == from && candidate.to == to &&
                                  candidate.conversion == conversion;
                         });
  };
  const GlweKey &homeKey = choice.sets[home].glwe;
  auto ofSource = [&](const SourceTerm &term) {
    double source = freshVariance(homeKey.log2Std);
    if (term.table != SourceTerm::input) {
      const size_t from = choice.setOfTable[size_t(term.table)];
      const SetChoice &set = choice.sets[from];
      source = blindRotationVariance(set.lwe.dimension, set.glwe, set.bootstrap);
      if (!(set.glwe == homeKey))
        source += keyswitchVariance(set.glwe.lweDimension(), switchOf(from, home, true).digits,
                                    freshVariance(homeKey.log2Std));
    }
    return term.square * source;
  };
  auto ofTerms = [&](const std::vector<SourceTerm> &terms) {
    double sumOfAll = 0;
    for (const SourceTerm &term : terms)
      sumOfAll += ofSource(term);
    return sumOfAll;
  };
  double variance = ofTerms(sum.terms);
  for (const std::vector<SourceTerm> &terms : sum.others)
    variance = std::max(variance, ofTerms(terms));
  if (!isTable)
    return variance;
  const size_t to = choice.setOfTable[place];
  const SetChoice &set = choice.sets[to];
  return variance +
         keyswitchVariance(homeKey.lweDimension(), switchOf(home, to, false).digits,
                           freshVariance(set.lwe.log2Std), set.lwe.wordBits,
                           sharedOf(switchOf(home, to, false), choice.sets)) +
         modulusSwitchVariance(set.lwe.dimension, set.glwe.log2N, set.modulusSwitch);
}

} // namespace fhe::parameters
