//===- SearchTest.cpp - The parameter search by itself ---------------------------------------===//
#include "passes/parameters/Search.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::parameters;
using namespace fhe::tfhe;

namespace {

Requirement tableOf(double bits, double log2Norm, double count = 1) {
  return {std::exp2(-bits - 2), {{0, std::exp2(2 * log2Norm)}}, count, true};
}

SearchProblem problemOf(std::vector<Requirement> requirements) {
  SearchProblem problem;
  problem.requirements = std::move(requirements);
  for (const Requirement &requirement : problem.requirements)
    if (requirement.table)
      problem.workload.tables += requirement.count;
  return problem;
}

/// The failure probability by the functions that the noise verifier uses.
double log2Failure(const Requirement &requirement, const ParameterSet &set) {
  double most = 0;
  for (const SquaredNorm &norm : requirement.norms)
    most = std::max(most,
                    norm.variance(freshVariance(set.glwe.log2Std), tableOutputVariance(set)));
  return log2ErrorProbability(requirement.halfSlot,
                              requirement.table ? tableInputVariance(set, most) : most);
}

const Grid &standardGrid() {
  static const Grid grid((SearchSpace()));
  return grid;
}

SearchSpace everything() {
  SearchSpace space;
  space.keyswitchWords = {32, 64};
  space.switches = {SwitchKind::plain, SwitchKind::centred};
  return space;
}

const Grid &wideGrid() {
  static const Grid grid(everything());
  return grid;
}

SearchResult search(const SearchProblem &problem, const Grid &grid) {
  auto found = searchParameters(problem, grid, KernelCosts());
  EXPECT_TRUE(found);
  if (!found)
    return {};
  EXPECT_EQ(checkBounds(found->set), "");
  EXPECT_EQ(checkSecurity(found->set, grid.space().security,
                          grid.space().nestedKeys    ? KeyAssumptions::extended
                          : grid.space().partialKeys ? KeyAssumptions::partialKeys
                                                     : KeyAssumptions::standard),
            "");
  if (problem.budget.log2PError)
    for (const Requirement &requirement : problem.requirements)
      EXPECT_LE(log2Failure(requirement, found->set), *problem.budget.log2PError);
  EXPECT_LE(found->fill, 1);
  return *found;
}

TEST(Search, VarianceLimitIsTheLastThatHolds) {
  for (double log2P : {-1.0, -3.0, -13.9, -40.0, -64.0, -128.0, -1000.0}) {
    double limit = varianceLimit(0x1p-9, log2P);
    EXPECT_LE(log2ErrorProbability(0x1p-9, limit), log2P);
    EXPECT_GT(log2ErrorProbability(0x1p-9, limit * (1 + 3e-9)), log2P);
  }
  EXPECT_EQ(varianceLimit(0x1p-9, 0), HUGE_VAL);
  EXPECT_EQ(varianceLimit(0, -40), 0);
}

TEST(Search, HalfASlotIsSixDeviationsUpTo2ToMinus28) {
  // Why exact tables at 2^-40 need no further guard at the ends of their windows (docs/noise.md).
  auto sixDeviations = [](double log2P) { return 6 * std::sqrt(varianceLimit(0.5, log2P)); };
  for (double log2P = -40; log2P > -257; --log2P)
    EXPECT_LT(sixDeviations(log2P), 0.421) << log2P;
  EXPECT_LT(sixDeviations(-29), 0.5);
  EXPECT_GT(sixDeviations(-28), 0.5);
}

/// All sets of a small space, one by one, with the verifier's formulas.
void compareWithExhaustion(bool nested) {
  SearchSpace space = everything();
  space.nestedKeys = nested;
  space.minLweDimension = 740, space.maxLweDimension = 770;
  space.minLog2N = 10, space.maxLog2N = 12, space.maxK = 2;
  Grid grid(space);
  SearchProblem problem = problemOf({tableOf(4, 5, 30), tableOf(3, 7.5, 2)});
  problem.requirements.push_back({0x1p-9, {{4, 0}, {1, 64}}, 10, false});
  problem.workload.products = 5000;
  SearchResult found = search(problem, grid);
  KernelCosts costs;
  double least = HUGE_VAL;
  for (uint32_t log2N = 10; log2N <= 12; ++log2N)
    for (uint32_t k = 1; k <= 2; ++k)
      for (uint32_t n = 740; n <= 770; ++n)
        for (uint32_t levels = 1; levels <= 4; ++levels)
          for (uint32_t base = 5; base <= 25 && base * levels <= 64; ++base) {
            ParameterSet set{{n, *log2StdForDimension(n)},
                             {k, log2N, *log2StdForDimension(k << log2N)},
                             {},
                             {base, levels},
                             SwitchKind::centred};
            set.lwe.nested = nested && n < set.glwe.lweDimension();
            const uint32_t inputs = set.glwe.lweDimension() - (set.lwe.nested ? n : 0);
            double rotations = 32 * n * costs.cmux(set.glwe, levels) + 5000 * costs.product(set.glwe);
            for (uint32_t l = 1; l <= 16 && rotations < least; ++l)
              for (uint32_t b = 1; b <= 6 && l * b <= 32; ++b)
                for (unsigned bits : {32, 64}) {
                  set.keyswitch = {b, l};
                  set.lwe.wordBits = bits;
                  double cost =
                      rotations + 32 * costs.keyswitch(inputs, n, l, bits);
                  bool holds = cost < least;
                  for (const Requirement &requirement : problem.requirements)
                    holds = holds && log2Failure(requirement, set) <= -40;
                  if (holds)
                    least = cost;
                }
          }
  EXPECT_NEAR(found.cost / least, 1, 1e-12);
  EXPECT_EQ(found.set.lwe.nested, nested);
}

TEST(Search, FindsWhatExhaustionFinds) { compareWithExhaustion(false); }
TEST(Search, FindsWhatExhaustionFindsWithNestedKeys) { compareWithExhaustion(true); }

TEST(Search, CostGrowsWithBitsNormAndSecurity) {
  double last = 0;
  for (int bits = 1; bits <= 8; ++bits) {
    double cost = search(problemOf({tableOf(bits, 5)}), standardGrid()).cost;
    EXPECT_GT(cost, last) << bits;
    last = cost;
  }
  SearchProblem problem = problemOf({tableOf(5, 4)});
  double cost = search(problem, standardGrid()).cost;
  EXPECT_GT(search(problemOf({tableOf(5, 9)}), standardGrid()).cost, cost);
  SearchSpace space;
  space.security = 132;
  EXPECT_GT(search(problem, Grid(space)).cost, cost);
  problem.budget.log2PError = -128;
  EXPECT_GT(search(problem, standardGrid()).cost, cost);
}

TEST(Search, WiderSpacesAreNeverWorse) {
  for (int bits = 2; bits <= 8; ++bits) {
    SearchProblem problem = problemOf({tableOf(bits, 5)});
    SearchResult plain = search(problem, standardGrid()), wide = search(problem, wideGrid());
    EXPECT_LT(wide.cost, plain.cost) << bits;
    EXPECT_EQ(wide.set.modulusSwitch, SwitchKind::centred) << bits;
    EXPECT_EQ(wide.set.keyswitchWordBits(), 32u) << bits;
    EXPECT_EQ(plain.set.modulusSwitch, SwitchKind::plain) << bits;
    EXPECT_EQ(plain.set.keyswitchWordBits(), 64u) << bits;
  }
}

TEST(Search, PartialKeysOnlyWhenAsked) {
  SearchSpace space = everything();
  space.partialKeys = true;
  Grid grid(space);
  for (const GlweCandidate &candidate : wideGrid().glwe())
    EXPECT_FALSE(candidate.key.partial());
  SearchProblem problem = problemOf({tableOf(8, 5)});
  SearchResult partial = search(problem, grid);
  EXPECT_TRUE(partial.set.glwe.partial());
  EXPECT_LT(partial.cost, search(problem, wideGrid()).cost);
  EXPECT_NE(checkSecurity(partial.set, 128), "");
}

TEST(Search, NestedKeysOnlyWhenAskedAndNeverDearer) {
  SearchSpace space = everything();
  space.partialKeys = true;
  const Grid partialGrid(space);
  space.nestedKeys = true;
  const Grid grid(space);
  for (int bits = 3; bits <= 8; ++bits) {
    SearchProblem problem = problemOf({tableOf(bits, 5)});
    SearchResult nested = search(problem, grid), partial = search(problem, partialGrid);
    EXPECT_TRUE(nested.set.lwe.nested) << bits;
    EXPECT_FALSE(partial.set.lwe.nested) << bits;
    EXPECT_LT(nested.cost, partial.cost) << bits;
    EXPECT_NE(checkSecurity(nested.set, 128, KeyAssumptions::partialKeys), "");
    // Key sizes by the records that the runtime makes keys from.
    const uint64_t rows = uint64_t(nested.set.glwe.lweDimension() - nested.set.lwe.dimension) *
                          nested.set.keyswitch.levels;
    ParameterSet apart = nested.set;
    apart.lwe.nested = false;
    EXPECT_EQ(evaluationKeyBytes(apart).stored - evaluationKeyBytes(nested.set).stored,
              uint64_t(nested.set.lwe.dimension) * nested.set.keyswitch.levels *
                  nested.set.keyswitchWordBits() / 8);
    EXPECT_EQ(evaluationKeyBytes(nested.set).memory,
              rows * nested.set.lwe.words() * nested.set.keyswitchWordBits() / 8 +
                  bootstrapKeyBytes(nested.set.lwe.dimension, nested.set.glwe,
                                    nested.set.bootstrap));
  }
}

// A key that is as short as the small one or shorter holds no other.
TEST(Search, OnlyLongerKeysNest) {
  SearchSpace space = everything();
  space.nestedKeys = true;
  const Grid grid(space);
  const LweKey key{600, -12};
  EXPECT_TRUE(grid.smallKey(key, GlweKey{1, 10, -20}).nested);
  EXPECT_TRUE(grid.smallKey(key, GlweKey{1, 10, -20, NoiseKind::gaussian, 601}).nested);
  EXPECT_FALSE(grid.smallKey(key, GlweKey{1, 10, -20, NoiseKind::gaussian, 600}).nested);
  EXPECT_FALSE(grid.smallKey(key, GlweKey{2, 8, -12}).nested);
  EXPECT_FALSE(wideGrid().smallKey(key, GlweKey{1, 10, -20}).nested);
}

TEST(Search, TuniformHasItsOwnDimensions) {
  SearchSpace space = everything();
  space.security = 132;
  space.noiseKinds = {NoiseKind::tuniform};
  Grid grid(space);
  // The smallest dimensions of tfhe-rs' rule, one for each bound from 49 to 40.
  const uint32_t expected[] = {759, 799, 839, 879, 918, 958, 998, 1038, 1077, 1117};
  uint32_t bound = 49;
  for (uint32_t n : expected) {
    auto candidate = std::find_if(grid.lwe().begin(), grid.lwe().end(),
                                  [&](const LweCandidate &lwe) { return lwe.dimension == n; });
    ASSERT_NE(candidate, grid.lwe().end()) << n;
    for (const KeyswitchList &list : candidate->lists)
      EXPECT_EQ(tuniformBound(list.key.log2Std, list.wordBits), bound + list.wordBits - 64) << n;
    --bound;
  }
  SearchResult found = search(problemOf({tableOf(4, std::log2(5))}), grid);
  EXPECT_EQ(found.set.lwe.noiseKind, NoiseKind::tuniform);
  EXPECT_EQ(found.set.glwe.noiseKind, NoiseKind::tuniform);
  // Both kinds: the cheaper one; Gaussian noise, which lies exactly on the curve.
  space.noiseKinds = {NoiseKind::tuniform, NoiseKind::gaussian};
  SearchResult either = search(problemOf({tableOf(4, std::log2(5))}), Grid(space));
  EXPECT_LE(either.cost, found.cost);
  EXPECT_EQ(either.set.lwe.noiseKind, either.set.glwe.noiseKind);
}

TEST(Search, RawOutputsBind) {
  SearchProblem problem = problemOf({tableOf(4, 4)});
  SearchResult table = search(problem, wideGrid());
  // 12 bits at norm 2^5: the 4-bit set carries about 5.
  problem.requirements.push_back({0x1p-13, {{0, 1024}}, 10, false});
  SearchResult both = search(problem, wideGrid());
  EXPECT_GT(both.cost, table.cost);
  EXPECT_GT(both.set.bootstrap.levels, table.set.bootstrap.levels);
  problem.requirements.push_back({0x1p-40, {{0, 1024}}, 10, false});
  EXPECT_FALSE(searchParameters(problem, wideGrid(), KernelCosts()));
}

TEST(Search, FreshNoiseCounts) {
  SearchProblem problem;
  problem.requirements = {{0x1p-8, {{0x1p70, 0}}, 1, false}};
  problem.workload.products = 1;
  SearchResult found = search(problem, wideGrid());
  EXPECT_GT(found.set.glwe.coefficients(), 1024u);
}

TEST(Search, KeyBytesAndMemory) {
  unsigned smaller = 0;
  for (int bits = 2; bits <= 8; ++bits) {
    SearchProblem problem = problemOf({tableOf(bits, 3)});
    problem.workload.ciphertexts = 100;
    SearchResult free = search(problem, wideGrid());
    KeyBytes bytes = evaluationKeyBytes(free.set);
    problem.limits.keyBytes = bytes.stored;
    EXPECT_EQ(search(problem, wideGrid()).set, free.set);
    problem.limits.keyBytes = bytes.stored - 1;
    if (auto found = searchParameters(problem, wideGrid(), KernelCosts())) {
      ++smaller;
      EXPECT_LT(evaluationKeyBytes(found->set).stored, bytes.stored);
      EXPECT_GT(found->cost, free.cost);
    }
    problem.limits.keyBytes = 1000;
    EXPECT_FALSE(searchParameters(problem, wideGrid(), KernelCosts()));
    problem.limits.keyBytes.reset();
    auto scratch = [](const ParameterSet &set) { return scratchBytes(set, ciphertextBytes(set)); };
    uint64_t memory = bytes.memory + 100 * ciphertextBytes(free.set) + scratch(free.set);
    problem.limits.memoryBytes = memory;
    EXPECT_EQ(search(problem, wideGrid()).set, free.set);
    problem.limits.memoryBytes = memory - 1;
    if (auto found = searchParameters(problem, wideGrid(), KernelCosts())) {
      ++smaller;
      EXPECT_LT(evaluationKeyBytes(found->set).memory + 100 * ciphertextBytes(found->set) +
                    scratch(found->set),
                memory);
      EXPECT_GT(found->cost, free.cost);
    }
  }
  EXPECT_GT(smaller, 5u);
}

// A bit more costs more, on one and the same graph.
TEST(Search, EveryBitCosts) {
  double before = 0;
  for (int bits = 2; bits <= 8; ++bits) {
    double cost = search(problemOf({tableOf(bits, 5, 100)}), wideGrid()).cost;
    EXPECT_GT(cost, before) << bits;
    before = cost;
  }
}

TEST(Search, GlobalBudget) {
  SearchProblem problem = problemOf({tableOf(5, 4, 1000), tableOf(4, 6, 2000)});
  problem.requirements.push_back({0x1p-7, {{0, 100}}, 10, false});
  problem.budget = {std::nullopt, -20};
  SearchResult found = search(problem, wideGrid());
  double total = log2GlobalFailure(problem.requirements, found.set);
  EXPECT_LE(total, -20);
  double expected = 0;
  for (const Requirement &requirement : problem.requirements)
    expected += requirement.count * std::exp2(log2Failure(requirement, found.set));
  EXPECT_NEAR(total, std::log2(expected), 1e-5);
  // Cheaper than asking each element for its share, dearer than asking each for the whole.
  problem.budget = {-20 - std::log2(3010), std::nullopt};
  EXPECT_LE(found.cost, search(problem, wideGrid()).cost);
  problem.budget = {-20, std::nullopt};
  EXPECT_GE(found.cost, search(problem, wideGrid()).cost);
  // One inference in two: far from where probabilities add up.
  problem.budget = {std::nullopt, -1};
  EXPECT_LE(log2GlobalFailure(problem.requirements, search(problem, wideGrid()).set), -1);
}

TEST(Search, FewCiphertextsTakeSmallerKeys) {
  SearchProblem problem = problemOf({tableOf(6, 5, 8)});
  SearchResult many = search(problem, wideGrid());
  problem.workload.passes = 1;
  SearchResult few = search(problem, wideGrid());
  EXPECT_LE(few.set.keyswitch.levels, many.set.keyswitch.levels);
  EXPECT_GT(few.cost, many.cost);
  problem.workload.passes = 100;
  EXPECT_LT(search(problem, wideGrid()).set.keyswitch.levels, many.set.keyswitch.levels);
}

TEST(Search, ManyRequirementsAreOne) {
  // What another implies changes nothing.
  SearchProblem one = problemOf({tableOf(6, 5)}), many = one;
  for (int bits = 2; bits <= 6; ++bits)
    for (double norm = 0; norm <= 5; norm += 0.25) {
      many.requirements.push_back(tableOf(bits, norm));
      many.requirements.push_back(tableOf(bits, norm));
    }
  EXPECT_EQ(search(one, wideGrid()).set, search(many, wideGrid()).set);
}

TEST(Search, NothingToSatisfy) {
  auto found = searchParameters({}, standardGrid(), KernelCosts());
  ASSERT_TRUE(found);
  EXPECT_EQ(checkSecurity(found->set), "");
}

} // namespace
