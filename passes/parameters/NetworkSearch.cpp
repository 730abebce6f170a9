//===- NetworkSearch.cpp - One parameter set for a network, or several -----------------------===//
#include "passes/parameters/NetworkSearch.h"
#include "passes/parameters/SetDescent.h"
#include "runtime/tfhe/portable_math.h"
#include <algorithm>
#include <bit>
#include <cmath>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

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
  while (!(grid.lwe()[pick.lwe].lists[pick.list].key == set.lwe))
    ++pick.list;
  return pick;
}

NetworkChoice choiceOf(const SetDescent &descent, const NetworkBlocks &blocks,
                       const SetState &state) {
  NetworkChoice choice;
  std::vector<size_t> setOf; // classes with equal picks are one set
  for (const SetPick &pick : state.picks) {
    SetChoice set{descent.list(pick).key, descent.glwe(pick).key, descent.bootstrap(pick).digits,
                  pick.kind};
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
  }
  for (const NetworkSum &output : network.outputs)
    add(output, false);
  if (network.ciphertexts > 0)
    problem.workload.ciphertexts = network.ciphertexts;
  return problem;
}

std::optional<NetworkChoice> searchNetwork(const Network &network, const FailureBudget &budget,
                                           const Grid &grid, const OperationCosts &costs,
                                           const Limits &limits, unsigned maxSets) {
  SearchProblem problem = singleSetProblem(network, budget, limits);
  std::optional<SearchResult> single = searchParameters(problem, grid, costs);
  if (!single)
    return std::nullopt;
  std::vector<std::vector<KeyswitchChoice>> conversionLists;
  for (const GlweCandidate &glwe : grid.glwe())
    conversionLists.push_back(keyswitchChoices(glwe.fresh, torusBits, grid.space().maxBaseLog));

  std::vector<unsigned> widths;
  for (const NetworkTable &table : network.tables)
    widths.push_back(table.bits);
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());

  // A bit for each border between neighbouring widths; without any it is the single set.
  FailureBudget shared = sharedOut(problem, budget);
  problem.budget = shared;
  std::optional<SearchResult> start =
      budget.log2Global ? searchParameters(problem, grid, costs) : single;
  const NetworkBlocks whole(network, budget.log2Global ? budget : shared, widths, 0);
  const uint64_t keyMemory = severalSetsMemory * evaluationKeyBytes(single->set).memory;
  SetDescent trivial(whole, grid, conversionLists, costs, limits, keyMemory);
  NetworkChoice best =
      choiceOf(trivial, whole,
               SetState{{pickOf(single->set, grid)}, std::vector<size_t>(whole.count(), 0), 0});
  best.cost = single->cost;
  if (best.switches.size() == 1)
    best.switches.front().digits = single->set.keyswitch;
  for (unsigned borders = 1; start && widths.size() > 1 && borders < 1u << (widths.size() - 1);
       ++borders) {
    if (unsigned(std::popcount(borders)) >= maxSets)
      continue;
    NetworkBlocks blocks(network, shared, widths, borders);
    SetDescent descent(blocks, grid, conversionLists, costs, limits, keyMemory);
    double cost;
    SetState state = descent.run(pickOf(start->set, grid), cost);
    if (!(cost < best.cost))
      continue;
    NetworkChoice found = choiceOf(descent, blocks, state);
    if (found.cost < best.cost)
      best = std::move(found);
  }
  best.singleCost = single->cost;
  return best;
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
                           freshVariance(set.lwe.log2Std), set.lwe.wordBits) +
         modulusSwitchVariance(set.lwe.dimension, set.glwe.log2N, set.modulusSwitch);
}

} // namespace fhe::parameters
