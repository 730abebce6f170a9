//===- NetworkSearch.cpp - One parameter set for a network, or several -----------------------===//
#include "passes/parameters/NetworkSearch.h"
#include "passes/parameters/NetworkBlocks.h"
#include "runtime/tfhe/portable_math.h"
#include <algorithm>
#include <bit>
#include <cmath>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

namespace {

/// One choice from the grid for one set.
struct Pick {
  size_t glwe = 0, bootstrap = 0, lwe = 0, list = 0;
  SwitchKind kind = SwitchKind::plain;
  friend bool operator==(const Pick &, const Pick &) = default;
};

/// Noise of a conversion as a share of the noise of what it converts.
constexpr double conversionShares[] = {1, 64, 16, 4, 0.25, 0.0625};

struct State {
  std::vector<Pick> picks;  ///< by class
  std::vector<size_t> homes; ///< by block, a class
  size_t share = 0;
};

/// A keyswitch or conversion that a state needs.
struct Need {
  double room = HUGE_VAL; ///< variance it may add
  double count = 0, passes = 0;
  const KeyswitchChoice *choice = nullptr;
};

struct Needs {
  std::vector<Need> switches, conversions; ///< [from * classes + to]
};

/// The descent for one assignment of tables to classes.
class Descent {
public:
  Descent(const NetworkBlocks &blocks, const Grid &grid,
          const std::vector<std::vector<KeyswitchChoice>> &conversionLists,
          const OperationCosts &costs, const Limits &limits, uint64_t keyMemory)
      : blocks(blocks), grid(grid), conversionLists(conversionLists), costs(costs),
        limits(limits), keyMemory(keyMemory), classes(blocks.classes()) {
    for (const GlweCandidate &glwe : grid.glwe()) {
      products.push_back(costs.product(glwe.key));
      steps.emplace_back();
      for (const BootstrapChoice &choice : glwe.choices)
        steps.back().push_back(costs.cmux(glwe.key, choice.digits.levels));
    }
  }

  /// From `start` in every class down to where no single change helps.
  State run(const Pick &start, double &cost) {
    State state{std::vector<Pick>(classes, start), blocks.firstHomes(), 0};
    cost = price(state);
    for (double before = HUGE_VAL; cost < before;) {
      before = cost;
      for (size_t c = 0; c != classes; ++c)
        improveClass(state, c, cost);
      for (size_t block = 0; block != blocks.count(); ++block)
        for (size_t home = 0; home != classes; ++home)
          tryChange(state, cost, [&](State &changed) { changed.homes[block] = home; });
      for (size_t share = 0; share != std::size(conversionShares); ++share)
        tryChange(state, cost, [&](State &changed) { changed.share = share; });
    }
    return state;
  }

  /// Infinite if the state keeps not everything right, exceeds a limit or costs `bound` or more.
  double price(const State &state, Needs *needs = nullptr, double bound = HUGE_VAL) const;

  /// Rotations and products of a state.
  double withoutSwitches(const State &state) const {
    double cost = 0;
    for (size_t c = 0; c != classes; ++c)
      cost += rotations(state.picks[c], c);
    for (size_t block = 0; block != blocks.count(); ++block)
      cost += blocks.products(block) * products[state.picks[state.homes[block]].glwe];
    return cost;
  }

  double switchCost(const SwitchChoice &change, const std::vector<SetChoice> &sets) const {
    const SetChoice &to = sets[change.to];
    const uint32_t from = sets[change.from].glwe.lweDimension();
    const uint32_t outputs = change.conversion ? to.glwe.lweDimension() : to.lwe.dimension;
    const unsigned wordBits = change.conversion ? torusBits : to.lwe.wordBits;
    return change.count * costs.keyswitch(from, outputs, change.digits.levels, wordBits) +
           change.passes *
               costs.keyPass(keyswitchKeyBytes(from, outputs, change.digits, wordBits));
  }

  const GlweCandidate &glwe(const Pick &pick) const { return grid.glwe()[pick.glwe]; }
  const KeyswitchList &list(const Pick &pick) const {
    return grid.lwe()[pick.lwe].lists[pick.list];
  }
  const BootstrapChoice &bootstrap(const Pick &pick) const {
    return glwe(pick).choices[pick.bootstrap];
  }

private:
  template <class Change>
  void tryChange(State &state, double &cost, Change change) const {
    State changed = state;
    change(changed);
    double changedCost = price(changed, nullptr, cost);
    if (changedCost < cost) {
      state = std::move(changed);
      cost = changedCost;
    }
  }

  double switchCost(const Need &need, uint32_t from, uint32_t to, unsigned wordBits) const {
    const Decomposition &digits = need.choice->digits;
    return need.count * costs.keyswitch(from, to, digits.levels, wordBits) +
           need.passes * costs.keyPass(keyswitchKeyBytes(from, to, digits, wordBits));
  }

  double rotations(const Pick &pick, size_t c) const {
    return blocks.tablesOf(c) * list(pick).key.dimension * steps[pick.glwe][pick.bootstrap];
  }

  /// What the rotations and the switch of class `c` may add at most, whatever the others do.
  struct Bounds {
    double rotated = HUGE_VAL, switched = HUGE_VAL;
  };
  Bounds boundsOf(size_t c) const;

  void improveClass(State &state, size_t c, double &cost) const;
  bool fillNeeds(const State &state, Needs &needs) const;
  bool withinLimits(const State &state, const Needs &needs) const;

  const NetworkBlocks &blocks;
  const Grid &grid;
  const std::vector<std::vector<KeyswitchChoice>> &conversionLists;
  const OperationCosts &costs;
  const Limits &limits;
  const uint64_t keyMemory; ///< that the keys may take
  const size_t classes;
  std::vector<double> products;           ///< by GLWE candidate
  std::vector<std::vector<double>> steps; ///< by GLWE candidate and bootstrap choice
};

Descent::Bounds Descent::boundsOf(size_t c) const {
  Bounds bounds;
  for (const BlockSum &sum : blocks.sums()) {
    if (sum.table[c] > 0)
      bounds.rotated = std::min(bounds.rotated, sum.limit / sum.table[c]);
    if (sum.isTable && sum.user == c)
      bounds.switched = std::min(bounds.switched, sum.limit);
  }
  return bounds;
}

/// The best pick for class `c`, all else as it is.
void Descent::improveClass(State &state, size_t c, double &cost) const {
  double others = 0;
  for (size_t d = 0; d != classes; ++d)
    if (d != c)
      others += rotations(state.picks[d], d);
  const Bounds bounds = boundsOf(c);
  State tried = state;
  Needs needs;
  Pick &pick = tried.picks[c];
  for (pick.glwe = 0; pick.glwe != grid.glwe().size(); ++pick.glwe)
    for (pick.lwe = 0; pick.lwe != grid.lwe().size(); ++pick.lwe) {
      const LweCandidate &lwe = grid.lwe()[pick.lwe];
      if (lwe.kind != grid.glwe()[pick.glwe].key.noiseKind)
        continue;
      const double perStep = blocks.tablesOf(c) * lwe.dimension;
      if (others + perStep * steps[pick.glwe].front() > cost)
        break; // longer keys only cost more
      for (SwitchKind kind : grid.space().switches) {
        const uint32_t log2N = grid.glwe()[pick.glwe].key.log2N;
        if (grid.model().switchVariance(lwe.dimension, log2N, kind) > bounds.switched)
          continue;
        pick.kind = kind;
        for (pick.bootstrap = 0; pick.bootstrap != steps[pick.glwe].size(); ++pick.bootstrap) {
          if (others + perStep * steps[pick.glwe][pick.bootstrap] > cost)
            break;
          if (lwe.dimension * bootstrap(pick).perStep > bounds.rotated)
            continue;
          for (pick.list = 0; pick.list != lwe.lists.size(); ++pick.list) {
            double found = price(tried, &needs, cost);
            if (found < cost) {
              cost = found;
              state = tried;
            }
          }
          pick.list = 0;
        }
      }
    }
}

/// Noise of sources, room for keyswitches, and the least levels that do.
bool Descent::fillNeeds(const State &state, Needs &needs) const {
  needs.switches.assign(classes * classes, {});
  needs.conversions.assign(classes * classes, {});
  std::vector<double> rotated(classes), switched(classes);
  for (size_t c = 0; c != classes; ++c) {
    const Pick &pick = state.picks[c];
    rotated[c] = list(pick).key.dimension * bootstrap(pick).perStep;
    switched[c] = grid.model().switchVariance(list(pick).key.dimension, glwe(pick).key.log2N,
                                              pick.kind);
  }
  for (size_t block = 0; block != blocks.count(); ++block) {
    const size_t home = state.homes[block];
    for (size_t c = 0; c != classes; ++c) {
      if (!(blocks.produced(block, c) > 0) || state.picks[c].glwe == state.picks[home].glwe)
        continue; // one key
      Need &need = needs.conversions[c * classes + home];
      need.count += blocks.produced(block, c);
      need.passes += blocks.producedPasses(block, c);
      need.room = conversionShares[state.share] * rotated[c];
      const auto &choices = conversionLists[state.picks[home].glwe];
      const uint32_t inputs = glwe(state.picks[c]).key.lweDimension();
      auto found = std::partition_point(
          choices.begin(), choices.end(),
          [&](const KeyswitchChoice &choice) { return choice.variance(inputs) > need.room; });
      if (found == choices.end())
        return false;
      need.choice = &*found;
    }
  }
  for (const BlockSum &sum : blocks.sums()) {
    const size_t home = state.homes[sum.block];
    double variance = sum.fresh * glwe(state.picks[home]).fresh;
    for (size_t c = 0; c != classes; ++c) {
      if (sum.table[c] == 0)
        continue;
      const KeyswitchChoice *conversion = needs.conversions[c * classes + home].choice;
      variance += sum.table[c] *
                  (rotated[c] + (conversion ? conversion->variance(
                                                  glwe(state.picks[c]).key.lweDimension())
                                            : 0));
    }
    const double room = sum.limit - variance - (sum.isTable ? switched[sum.user] : 0);
    if (!(room >= 0))
      return false;
    if (sum.isTable) {
      Need &need = needs.switches[home * classes + sum.user];
      need.room = std::min(need.room, room);
    }
  }
  for (size_t block = 0; block != blocks.count(); ++block)
    for (size_t c = 0; c != classes; ++c) {
      Need &need = needs.switches[state.homes[block] * classes + c];
      need.count += blocks.switched(block, c);
      need.passes += blocks.switchedPasses(block, c);
    }
  for (size_t from = 0; from != classes; ++from)
    for (size_t to = 0; to != classes; ++to) {
      Need &need = needs.switches[from * classes + to];
      if (need.count > 0) {
        need.choice =
            list(state.picks[to]).within(need.room, glwe(state.picks[from]).key.lweDimension());
        if (!need.choice)
          return false;
      }
    }
  return true;
}

double Descent::price(const State &state, Needs *result, double bound) const {
  Needs own;
  Needs &needs = result ? *result : own;
  double cost = withoutSwitches(state);
  if (cost >= bound || !fillNeeds(state, needs))
    return HUGE_VAL;
  for (size_t from = 0; from != classes; ++from)
    for (size_t to = 0; to != classes; ++to) {
      const uint32_t inputs = glwe(state.picks[from]).key.lweDimension();
      const Need &plain = needs.switches[from * classes + to];
      const Need &conversion = needs.conversions[from * classes + to];
      if (plain.choice) {
        const KeyswitchList &target = list(state.picks[to]);
        cost += switchCost(plain, inputs, target.key.dimension, target.wordBits);
      }
      if (conversion.choice)
        cost += switchCost(conversion, inputs, glwe(state.picks[to]).key.lweDimension(), torusBits);
    }
  return cost < bound && withinLimits(state, needs) ? cost : HUGE_VAL;
}

bool Descent::withinLimits(const State &state, const Needs &needs) const {
  KeyBytes total;
  uint64_t widest = 0;
  struct Seen {
    size_t from;
    LweKey to;
    bool operator==(const Seen &) const = default;
  };
  std::vector<Seen> seen; // classes with equal picks share their keys
  auto addSwitch = [&](const Pick &fromPick, const LweKey &to, const Decomposition &digits) {
    Seen key{fromPick.glwe, to};
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return;
    seen.push_back(key);
    const uint32_t from = glwe(fromPick).key.lweDimension();
    total.stored += uint64_t(to.wordBits / 8) * from * digits.levels;
    total.memory += keyswitchKeyBytes(from, to.dimension, digits, to.wordBits);
  };
  for (size_t c = 0; c != classes; ++c) {
    const Pick &pick = state.picks[c];
    const GlweKey &key = glwe(pick).key;
    widest = std::max(widest, key.lweWords() * 8);
    for (size_t to = 0; to != classes; ++to) {
      if (const auto *choice = needs.switches[c * classes + to].choice)
        addSwitch(pick, list(state.picks[to]).key, choice->digits);
      if (const auto *choice = needs.conversions[c * classes + to].choice)
        addSwitch(pick, {glwe(state.picks[to]).key.lweDimension()}, choice->digits);
    }
    if (std::find(state.picks.begin(), state.picks.begin() + c, pick) !=
        state.picks.begin() + c)
      continue; // the same bootstrap key
    const Decomposition &digits = bootstrap(pick).digits;
    total.stored += uint64_t(8) * list(pick).key.dimension * digits.levels * (key.k + 1) *
                    key.polynomialSize();
    total.memory += bootstrapKeyBytes(list(pick).key.dimension, key, digits);
  }
  return total.memory <= keyMemory && (!limits.keyBytes || total.stored <= *limits.keyBytes) &&
         (!limits.memoryBytes || double(total.memory) + blocks.ciphertexts() * double(widest) <=
                                     double(*limits.memoryBytes));
}

/// Where in the grid a set found by `searchParameters` is.
Pick pickOf(const ParameterSet &set, const Grid &grid) {
  Pick pick;
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

NetworkChoice choiceOf(const Descent &descent, const NetworkBlocks &blocks, const State &state) {
  NetworkChoice choice;
  std::vector<size_t> setOf; // classes with equal picks are one set
  for (const Pick &pick : state.picks) {
    SetChoice set{descent.list(pick).key, descent.glwe(pick).key, descent.bootstrap(pick).digits,
                  pick.kind};
    auto known = std::find(choice.sets.begin(), choice.sets.end(), set);
    setOf.push_back(size_t(known - choice.sets.begin()));
    if (known == choice.sets.end())
      choice.sets.push_back(set);
  }
  Needs needs;
  descent.price(state, &needs);
  const size_t classes = state.picks.size();
  auto add = [&](const Need &need, size_t from, size_t to, bool conversion) {
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
  Descent trivial(whole, grid, conversionLists, costs, limits, keyMemory);
  NetworkChoice best =
      choiceOf(trivial, whole,
               State{{pickOf(single->set, grid)}, std::vector<size_t>(whole.count(), 0), 0});
  best.cost = single->cost;
  if (best.switches.size() == 1)
    best.switches.front().digits = single->set.keyswitch;
  for (unsigned borders = 1; start && widths.size() > 1 && borders < 1u << (widths.size() - 1);
       ++borders) {
    if (unsigned(std::popcount(borders)) >= maxSets)
      continue;
    NetworkBlocks blocks(network, shared, widths, borders);
    Descent descent(blocks, grid, conversionLists, costs, limits, keyMemory);
    double cost;
    State state = descent.run(pickOf(start->set, grid), cost);
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
