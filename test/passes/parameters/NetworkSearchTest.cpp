//===- NetworkSearchTest.cpp - Networks with one parameter set or several --------------------===//
#include "passes/parameters/NetworkBlocks.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::parameters;
using namespace fhe::tfhe;

namespace {

const Grid &extendedGrid() {
  static const Grid grid = [] {
    SearchSpace space;
    space.keyswitchWords = {32, 64};
    space.switches = {SwitchKind::centred};
    space.partialKeys = space.nestedKeys = true;
    return Grid(space);
  }();
  return grid;
}

const Grid &grid() {
  static const Grid grid = [] {
    SearchSpace space;
    space.keyswitchWords = {32, 64};
    space.switches = {SwitchKind::centred};
    return Grid(space);
  }();
  return grid;
}

NetworkTable table(unsigned bits, double count, std::vector<SourceTerm> terms,
                   double products = 0) {
  return {bits, {std::exp2(-double(bits) - 2), count, products, std::move(terms), {}}};
}

/// Checks keys, failure probabilities and price of a choice with the formulas of runtime/tfhe.
NetworkChoice search(const Network &network, FailureBudget budget = {}, Limits limits = {},
                     unsigned maxSets = 8, const Grid &candidates = grid()) {
  auto found = searchNetwork(network, budget, candidates, KernelCosts(), limits, maxSets);
  EXPECT_LE(found ? found->sets.size() : 0, maxSets);
  EXPECT_TRUE(found);
  if (!found)
    return {};
  for (const SetChoice &set : found->sets) {
    EXPECT_EQ(checkBounds(set.lwe) + checkBounds(set.glwe) + checkBounds(set.bootstrap), "");
    const auto assumed =
        candidates.space().nestedKeys ? KeyAssumptions::extended : KeyAssumptions::standard;
    EXPECT_EQ(checkSecurity(set.lwe, 128, assumed) + checkSecurity(set.glwe, 128, assumed), "");
  }
  double total = -HUGE_VAL;
  for (size_t place = 0; place != network.tables.size() + network.outputs.size(); ++place) {
    const NetworkSum &sum = place < network.tables.size()
                                ? network.tables[place].input
                                : network.outputs[place - network.tables.size()];
    double log2P = log2ErrorProbability(sum.halfSlot, varianceOfChoice(network, *found, place));
    if (budget.log2PError)
      EXPECT_LE(log2P, *budget.log2PError) << place;
    total = log2Add(total, log2AnyOf(log2P, sum.count));
  }
  if (budget.log2Global)
    EXPECT_LE(total, *budget.log2Global);
  KernelCosts costs;
  double cost = 0;
  for (size_t i = 0; i != network.tables.size(); ++i) {
    const SetChoice &set = found->sets[found->setOfTable[i]];
    cost += network.tables[i].input.count * set.lwe.dimension *
            costs.cmux(set.glwe, set.bootstrap.levels);
    cost += network.tables[i].input.products *
            costs.product(found->sets[found->homeOfTable[i]].glwe);
  }
  for (size_t i = 0; i != network.outputs.size(); ++i)
    cost += network.outputs[i].products *
            costs.product(found->sets[found->homeOfOutput[i]].glwe);
  for (const SwitchChoice &change : found->switches) {
    const SetChoice &to = found->sets[change.to];
    // To a key nested in the one it leads from, the other coefficients.
    bool own = to.lwe.nested && !change.conversion && found->sets[change.from].glwe == to.glwe;
    uint32_t inputs =
        found->sets[change.from].glwe.lweDimension() - (own ? to.lwe.dimension : 0);
    uint32_t outputs = change.conversion ? to.glwe.lweDimension() : to.lwe.dimension;
    unsigned wordBits = change.conversion ? 64 : to.lwe.wordBits;
    cost += change.count * costs.keyswitch(inputs, outputs, change.digits.levels, wordBits);
    cost += change.passes * costs.keyPass(keyswitchKeyBytes(inputs, outputs, change.digits, wordBits));
  }
  EXPECT_NEAR(found->cost / cost, 1, 1e-9);
  EXPECT_LE(found->cost, found->singleCost);
  return *found;
}

/// The bootstrap key's element of the table's own set is smaller.
uint32_t log2NOf(const NetworkChoice &choice, size_t table) {
  return choice.sets[choice.setOfTable[table]].glwe.log2N;
}

TEST(NetworkSearch, OneSetIsWhatTheSearchOverOneGives) {
  Network network;
  network.tables = {table(5, 100, {{SourceTerm::input, 30}}), table(5, 50, {{0, 300}}),
                    table(5, 10, {{1, 200}})};
  network.outputs = {{0x1p-6, 10, 0, {{2, 1}}, {}}};
  NetworkChoice choice = search(network, {}, {}, 1);
  EXPECT_EQ(choice.sets.size(), 1u);
  EXPECT_EQ(choice.switches.size(), 1u);
  EXPECT_EQ(choice.cost, choice.singleCost);
  EXPECT_EQ(choice.setOfTable, std::vector<size_t>(3, 0));
  // The same as the search over one set gives.
  auto single =
      searchParameters(singleSetProblem(network, {}), grid(), KernelCosts());
  ASSERT_TRUE(single);
  EXPECT_EQ(choice.sets[0].lwe, single->set.lwe);
  EXPECT_EQ(choice.sets[0].glwe, single->set.glwe);
  EXPECT_EQ(choice.switches[0].digits, single->set.keyswitch);
}

TEST(NetworkSearch, ChainOfWidthsTakesAKeyswitchEach) {
  Network network;
  network.tables = {table(8, 800, {{SourceTerm::input, 30}}), table(4, 100, {{0, 100}}),
                    table(4, 400, {{1, 100}}), table(8, 10, {{2, 100}})};
  NetworkChoice choice = search(network);
  ASSERT_EQ(choice.sets.size(), 2u);
  EXPECT_LT(choice.cost, 0.8 * choice.singleCost);
  EXPECT_EQ(choice.setOfTable[0], choice.setOfTable[3]);
  EXPECT_EQ(choice.setOfTable[1], choice.setOfTable[2]);
  EXPECT_LT(log2NOf(choice, 1), log2NOf(choice, 0));
  // Nothing meets across sets, and to convert many results for few keyswitches does not pay.
  double uses = 0;
  for (const SwitchChoice &change : choice.switches) {
    EXPECT_FALSE(change.conversion);
    uses += change.count;
  }
  EXPECT_EQ(uses, 1310);
  EXPECT_GE(choice.switches.size(), 3u);
  EXPECT_EQ(choice.homeOfTable[2], choice.setOfTable[1]);
  EXPECT_EQ(choice.homeOfTable[3], choice.setOfTable[2]);
}

TEST(NetworkSearch, ResidualAcrossSetsIsConverted) {
  // Table 1 (4 bits) and table 0 (7 bits) are added up before table 2.
  Network network;
  network.tables = {table(7, 50, {{SourceTerm::input, 20}}), table(4, 800, {{0, 50}}),
                    table(7, 50, {{0, 1}, {1, 16}})};
  NetworkChoice choice = search(network, {}, {}, 2);
  ASSERT_EQ(choice.sets.size(), 2u);
  EXPECT_LT(choice.cost, choice.singleCost);
  // Tables 0 and 1 meet in table 2, and table 0 alone feeds table 1: one block, one home.
  EXPECT_EQ(choice.homeOfTable[1], choice.homeOfTable[2]);
  const SwitchChoice *conversion = nullptr;
  for (const SwitchChoice &change : choice.switches)
    if (change.conversion) {
      EXPECT_EQ(conversion, nullptr);
      conversion = &change;
    }
  ASSERT_NE(conversion, nullptr);
  EXPECT_NE(conversion->from, conversion->to);
  EXPECT_EQ(conversion->to, choice.homeOfTable[2]);
  // What is converted are the results of the tables whose set is not the home.
  double away = 0;
  for (size_t i : {0, 1})
    if (choice.setOfTable[i] != choice.homeOfTable[2])
      away += network.tables[i].input.count;
  EXPECT_EQ(conversion->count, away);
}

TEST(NetworkSearch, ConversionsMayPayInAChain) {
  // Few wide results feed many narrow tables: one conversion each is cheaper than long keyswitches.
  Network network;
  network.tables = {table(8, 20, {{SourceTerm::input, 30}}), table(4, 4000, {{0, 100}}),
                    table(4, 10, {{1, 100}})};
  NetworkChoice choice = search(network);
  ASSERT_EQ(choice.sets.size(), 2u);
  EXPECT_EQ(choice.homeOfTable[1], choice.setOfTable[1]);
  EXPECT_NE(choice.homeOfTable[1], choice.setOfTable[0]);
}

TEST(NetworkSearch, NestedKeysOfSeveralSets) {
  Network network;
  network.tables = {table(8, 800, {{SourceTerm::input, 30}}), table(4, 100, {{0, 100}}),
                    table(4, 400, {{1, 100}}), table(8, 10, {{2, 100}})};
  NetworkChoice standard = search(network);
  NetworkChoice choice = search(network, {}, {}, 8, extendedGrid());
  EXPECT_LT(choice.cost, standard.cost);
  ASSERT_GE(choice.sets.size(), 2u);
  for (const SetChoice &set : choice.sets) {
    EXPECT_TRUE(set.lwe.nested);
    EXPECT_LT(set.lwe.dimension, set.glwe.lweDimension());
  }
  // Nested is what stays under one GLWE key; what crosses over switches all coefficients.
  bool crosses = false, stays = false;
  for (const SwitchChoice &change : choice.switches) {
    const bool own = choice.sets[change.from].glwe == choice.sets[change.to].glwe;
    EXPECT_EQ(sharedOf(change, choice.sets), own ? choice.sets[change.to].lwe.dimension : 0);
    (own ? stays : crosses) = true;
  }
  EXPECT_TRUE(crosses && stays);
}

TEST(NetworkSearch, FewSourcesOfManyTablesBecomeQuieter) {
  // One width: with quiet keys for two tables a thousand others need not be so quiet.
  Network network;
  network.tables = {table(8, 1, {{SourceTerm::input, 20}}), table(8, 1, {{0, 1}}),
                    table(8, 1000, {{0, 1}, {1, 16}})};
  NetworkChoice choice = search(network);
  EXPECT_GE(choice.sets.size(), 2u);
  EXPECT_LT(choice.cost, 0.8 * choice.singleCost);
}

TEST(NetworkSearch, OutputsBindTheSetOfTheirSources) {
  Network network;
  network.tables = {table(4, 100, {{SourceTerm::input, 20}}), table(6, 10, {{0, 20}})};
  network.outputs = {{0x1p-6, 10, 0, {{0, 30}}, {}}};
  double loose = search(network).cost;
  network.outputs = {{0x1p-20, 10, 0, {{0, 30}}, {}}};
  NetworkChoice choice = search(network);
  EXPECT_GT(choice.cost, loose);
  network.outputs = {{0x1p-40, 10, 0, {{0, 30}}, {}}};
  EXPECT_FALSE(searchNetwork(network, {}, grid(), KernelCosts()));
}

TEST(NetworkSearch, ThreeWidths) {
  Network network;
  network.tables = {table(3, 500, {{SourceTerm::input, 10}}, 5000), table(5, 300, {{0, 60}}, 20000),
                    table(8, 20, {{1, 200}}, 3000), table(3, 300, {{2, 40}}, 100)};
  network.outputs = {{0x1p-7, 10, 3000, {{3, 40}}, {}}};
  NetworkChoice choice = search(network, {}, {}, 3);
  EXPECT_EQ(choice.sets.size(), 3u);
  EXPECT_LT(log2NOf(choice, 0), log2NOf(choice, 1));
  EXPECT_LT(log2NOf(choice, 1), log2NOf(choice, 2));
}

TEST(NetworkSearch, BudgetsAndLimits) {
  Network network;
  network.tables = {table(7, 20, {{SourceTerm::input, 30}}), table(4, 400, {{0, 100}}),
                    table(7, 10, {{1, 100}})};
  NetworkChoice free = search(network);
  EXPECT_GT(search(network, {-64, std::nullopt}).cost, free.cost);
  NetworkChoice global = search(network, {std::nullopt, -30});
  EXPECT_LT(global.cost, search(network, {-64, -64}).cost);
  // Two bootstrap keys are more than one: with room for only the larger there is one set.
  KeyBytes one = evaluationKeyBytes(
      searchParameters(singleSetProblem(network, {}), grid(), KernelCosts())->set);
  NetworkChoice tight = search(network, {}, {one.stored, std::nullopt});
  EXPECT_GT(tight.cost, free.cost);
  EXPECT_FALSE(searchNetwork(network, {}, grid(), KernelCosts(), {std::nullopt, 1000}));
}

TEST(NetworkSearch, BlocksJoinWhatMeets) {
  Network network;
  network.tables = {table(4, 1, {{SourceTerm::input, 1}}), table(5, 2, {{0, 1}}),
                    table(4, 3, {{0, 1}, {1, 1}}), table(4, 4, {{2, 1}}),
                    table(4, 5, {{SourceTerm::input, 1}})};
  network.outputs = {{0x1p-6, 1, 0, {{3, 1}}, {}}};
  NetworkBlocks blocks(network, {}, {0, 1, 0, 0, 0}, 2);
  EXPECT_EQ(blocks.classes(), 2u);
  EXPECT_EQ(blocks.count(), 4u); // inputs; 0 with 1; 2; 3
  EXPECT_EQ(blocks.blockOfPlace(0), blocks.blockOfPlace(4));
  EXPECT_EQ(blocks.blockOfPlace(1), blocks.blockOfPlace(2));
  EXPECT_NE(blocks.blockOfPlace(2), blocks.blockOfPlace(3));
  EXPECT_NE(blocks.blockOfPlace(3), blocks.blockOfPlace(5));
  EXPECT_EQ(blocks.produced(blocks.blockOfPlace(2), 0), 1);
  EXPECT_EQ(blocks.produced(blocks.blockOfPlace(2), 1), 2);
  EXPECT_EQ(blocks.switched(blocks.blockOfPlace(2), 0), 3);
  EXPECT_EQ(blocks.switched(blocks.blockOfPlace(2), 1), 2);
  EXPECT_EQ(blocks.tablesOf(0), 13);
}

} // namespace
