//===- RealizationSearch.cpp - Realizations of tables, chosen with the parameters ------------===//
#include "passes/parameters/RealizationSearch.h"
#include <algorithm>

namespace fhe::parameters {

namespace {

class RealizationSearcher {
public:
  using Chosen = std::vector<size_t>;

  RealizationSearcher(const RealizableNetwork &network, const FailureBudget &budget,
                      const Grid &grid, const OperationCosts &costs, const Limits &limits,
                      unsigned maxSets)
      : network(network), options(network.options()), budget(budget), grid(grid), costs(costs),
        limits(limits), maxSets(maxSets) {}

  std::optional<RealizationChoice> run() {
    const Chosen first(options.size(), 0), fewest = fewestBits();
    attempt(fewest);
    if (first != fewest)
      attempt(first);
    if (best)
      changeSingleTables();
    return best;
  }

private:
  Chosen fewestBits() const {
    Chosen chosen;
    for (const std::vector<TableOption> &ways : options) {
      auto less = [](const TableOption &a, const TableOption &b) {
        return a.bits != b.bits ? a.bits < b.bits : a.exact && !b.exact;
      };
      chosen.push_back(std::min_element(ways.begin(), ways.end(), less) - ways.begin());
    }
    return chosen;
  }

  size_t exactTables(const Chosen &chosen) const {
    size_t count = 0;
    for (size_t table = 0; table != chosen.size(); ++table)
      count += options[table][chosen[table]].exact;
    return count;
  }

  bool attempt(const Chosen &chosen) {
    auto found = searchNetwork(network.with(chosen), budget, grid, costs, limits, maxSets);
    if (!found)
      return false;
    const bool better = !best || found->cost < best->network.cost ||
                        (found->cost == best->network.cost &&
                         exactTables(chosen) > exactTables(best->chosen));
    if (better)
      best = RealizationChoice{chosen, std::move(*found)};
    return better;
  }

  /// What a table of so many bits can be no dearer with: a width there are keys for already.
  unsigned widest() const {
    unsigned bits = 0;
    for (size_t table = 0; table != options.size(); ++table)
      bits = std::max(bits, options[table][best->chosen[table]].bits);
    return bits;
  }

  void changeSingleTables() {
    unsigned left = maxChanges;
    for (size_t table = 0; table != options.size(); ++table)
      for (size_t way = 0; way != options[table].size() && left > 0; ++way) {
        const TableOption &now = options[table][best->chosen[table]], &other = options[table][way];
        if (other.bits > widest() ||
            !(other.bits < now.bits || (other.exact && !now.exact)))
          continue; // dearer keys, or nothing to gain
        Chosen changed = best->chosen;
        changed[table] = way;
        --left;
        attempt(changed);
      }
  }

  static constexpr unsigned maxChanges = 8;

  const RealizableNetwork &network;
  const std::vector<std::vector<TableOption>> &options;
  const FailureBudget &budget;
  const Grid &grid;
  const OperationCosts &costs;
  const Limits &limits;
  const unsigned maxSets;
  std::optional<RealizationChoice> best;
};

} // namespace

std::optional<RealizationChoice> searchRealizations(const RealizableNetwork &network,
                                                    const FailureBudget &budget, const Grid &grid,
                                                    const OperationCosts &costs,
                                                    const Limits &limits, unsigned maxSets) {
  return RealizationSearcher(network, budget, grid, costs, limits, maxSets).run();
}

} // namespace fhe::parameters
