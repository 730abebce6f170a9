//===- RealizationSearchTest.cpp - Realizations priced with the parameters -------------------===//
#include "passes/parameters/RealizationSearch.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::parameters;
using namespace fhe::tfhe;

namespace {

const Grid &grid() {
  static const Grid grid = [] {
    SearchSpace space;
    space.keyswitchWords = {32, 64};
    space.switches = {SwitchKind::centred};
    return Grid(space);
  }();
  return grid;
}

/// Tables of one input each; an option is bits, bootstraps and whether it is exact.
struct Options : RealizableNetwork {
  struct Way {
    unsigned bits;
    double bootstraps = 1;
    bool exact = true;
  };
  struct Table {
    double count, square; ///< on fresh encryptions
    std::vector<Way> ways;
  };

  explicit Options(std::vector<Table> list) : tables(std::move(list)) {
    for (const Table &table : tables) {
      auto &list = all.emplace_back();
      for (const Way &way : table.ways)
        list.push_back({way.bits, way.exact});
    }
  }
  const std::vector<std::vector<TableOption>> &options() const override { return all; }
  Network with(const std::vector<size_t> &chosen) const override {
    Network network;
    for (size_t i = 0; i != tables.size(); ++i) {
      const Way &way = tables[i].ways[chosen[i]];
      NetworkSum sum{std::exp2(-double(way.bits) - 2), tables[i].count, 0,
                     {{SourceTerm::input, tables[i].square}}, {}};
      network.tables.push_back({way.bits, sum, way.bootstraps, 1});
    }
    return network;
  }

  std::vector<Table> tables;
  std::vector<std::vector<TableOption>> all;
};

RealizationChoice choose(const Options &network, unsigned maxSets) {
  auto found = searchRealizations(network, {}, grid(), KernelCosts(), {}, maxSets);
  EXPECT_TRUE(found);
  if (!found)
    return {};
  // What is said of the choice is what it costs, and no dearer than the first options.
  auto cost = [&](const std::vector<size_t> &chosen) {
    auto priced = searchNetwork(network.with(chosen), {}, grid(), KernelCosts(), {}, maxSets);
    return priced ? priced->cost : HUGE_VAL;
  };
  EXPECT_EQ(found->network.cost, cost(found->chosen));
  EXPECT_LE(found->network.cost, cost(std::vector<size_t>(network.tables.size(), 0)));
  return *found;
}

using Chosen = std::vector<size_t>;

TEST(RealizationSearch, FewerBitsWhereTheyCostNothingElse) {
  EXPECT_EQ(choose(Options({{100, 10, {{8}, {7}}}}), 1).chosen, Chosen{1});
  EXPECT_EQ(choose(Options({{100, 10, {{8}, {7}}}}), 8).chosen, Chosen{1});
}

TEST(RealizationSearch, MoreBootstrapsOfFewerBitsArePriced) {
  // Neither is better by itself: twice the bootstraps pay where keys of 8 bits are spared...
  Options alone({{100, 10, {{8}, {6, 2}}}});
  EXPECT_EQ(choose(alone, 1).chosen, Chosen{1});
  // ...and where another table needs them anyway they do not, with one set.
  Options forced({{100, 10, {{8}, {6, 2}}}, {100, 10, {{8}}}});
  EXPECT_EQ(choose(forced, 1).chosen, (Chosen{0, 0}));
  // With several sets they do again.
  EXPECT_EQ(choose(forced, 8).chosen, (Chosen{1, 0}));
}

TEST(RealizationSearch, OneTableMayChangeBack) {
  // Neither all first options nor all of fewest bits is the cheapest.
  Options mixed({{1000, 10, {{8}, {6}}}, {10, 10, {{6}, {4, 40}}}});
  EXPECT_EQ(choose(mixed, 1).chosen[0], 1u);
}

TEST(RealizationSearch, ExactWhereItCostsNothing) {
  // Rounded to 4 bits without a padding bit: 3; exact, of 5: 4, which the other table needs anyway.
  Options free({{10, 10, {{4, 1, false}, {3, 1, false}, {5}, {4}}}, {10, 100, {{4}}}});
  EXPECT_EQ(choose(free, 1).chosen, (Chosen{3, 0}));
  // By itself the rounded one has the cheaper keys.
  Options dear({{10, 10, {{4, 1, false}, {3, 1, false}, {5}, {4}}}});
  EXPECT_EQ(choose(dear, 1).chosen, Chosen{1});
}

TEST(RealizationSearch, WithoutParametersForAnyThereIsNone) {
  Options impossible({{10, 1e60, {{8}, {7}}}});
  EXPECT_FALSE(searchRealizations(impossible, {}, grid(), KernelCosts()));
  // One of them is enough.
  Options possible({{10, 1e60, {{8}, {7}}}, {10, 10, {{4}}}});
  EXPECT_FALSE(searchRealizations(possible, {}, grid(), KernelCosts()));
}

} // namespace
