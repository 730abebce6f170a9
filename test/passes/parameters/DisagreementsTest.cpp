//===- DisagreementsTest.cpp - Predicted rounding steps against sampled noise -----===//
#include "passes/parameters/Disagreements.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>
#include <random>

using namespace fhe::parameters;

namespace {

TEST(StepProbabilities, AddUpToOneAndAreSymmetric) {
  for (double sigma : {0.01, 0.3, 2.5, 40.0}) {
    StepProbabilities steps(sigma);
    EXPECT_NEAR(steps.of([](int64_t) { return true; }), 1, 1e-12);
    EXPECT_DOUBLE_EQ(steps.of([](int64_t d) { return d > 0; }),
                     steps.of([](int64_t d) { return d < 0; }));
    EXPECT_GE(steps.reach(), 8 * sigma);
  }
  // One slot up at sigma = 1: beyond half a standard deviation.
  EXPECT_NEAR(StepProbabilities(1).of([](int64_t d) { return d >= 1; }), 0.3085375387, 1e-9);
}

TEST(SlotRead, SharesPositionsOnlyWhereSlotsAreMany) {
  EXPECT_EQ(slotRead(5, 10, 10), 5);
  EXPECT_EQ(slotRead(5, 12, 10), 4);
  EXPECT_EQ(slotRead(6, 12, 10), 8);
  EXPECT_EQ(slotRead(-1, 12, 10), 0);
  EXPECT_EQ(slotRead(-3, 12, 10), -4);
}

/// Two tables of two results over 12 integers in a window of 16 slots, three elements.
const char *const network = R"mlir(
func.func @main(%x: tensor<3x!tfhe.lwe<@p::@g0, 59>>) {
  %y:2 = tfhe.lookup %x lo -6 tables dense<[[[0,0,0,0,1,1,1,2,2,2,2,3], [-1,-1,-1,-1,-1,-1,1,1,1,1,1,1]],
                                            [[5,5,5,5,5,5,5,5,5,5,5,5], [0,1,0,1,0,1,0,1,0,1,0,1]]]>
      : tensor<2x2x12xi32> width 4 guard 2 {rounded_width = 2 : i64, table_of_element = array<i32: 0, 1, 0>, FREQUENCIES}
      : tensor<3x!tfhe.lwe<@p::@g0, 59>>
     -> tensor<3x!tfhe.lwe<@p::@g0, 59>>, tensor<3x!tfhe.lwe<@p::@g0, 59>>
  return
}
tfhe.parameters @p security 128 clear_only {
  tfhe.clear_key @g0
}
)mlir";

class DisagreementsTest : public testing::Test {
protected:
  Disagreements predict(const std::string &frequencies, double sigmaSlots, unsigned log2N) {
    context.loadDialect<fhe::tfhe_ir::TFHEDialect, mlir::func::FuncDialect>();
    std::string text = network;
    text.replace(text.find(", FREQUENCIES"), 13, frequencies);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    fhe::tfhe_ir::LookupOp lookup;
    module->walk([&](fhe::tfhe_ir::LookupOp op) { lookup = op; });
    return disagreementsOf(lookup, sigmaSlots / 32, log2N); // 2^(4+1) slots on the torus
  }
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(DisagreementsTest, AgreesWithSampledNoise) {
  // Element 0 is always -2, element 2 is -6 (at the end of the table, two slots of guard below) or
  // 5, element 1 is 0.
  const int64_t tables[2][2][12] = {
      {{0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3}, {-1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1}},
      {{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}}};
  const char *const frequencies =
      ", frequencies = dense<[[0.25,0.,0.,0.,1.,0.,0.,0.,0.,0.,0.,0.75],"
      "[0.,0.,0.,0.,0.,0.,1.,0.,0.,0.,0.,0.]]> : tensor<2x12xf64>";
  const double sigma = 1.2;
  Disagreements predicted = predict(frequencies, sigma, 10);
  ASSERT_TRUE(predicted.expected);

  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, sigma);
  auto valueAt = [&](int table, int result, int64_t slot) {
    int64_t round = ((slot % 32) + 32) % 32;
    int64_t entry = std::clamp<int64_t>(round % 16 - 2, 0, 11),
            value = tables[table][result][entry];
    return round < 16 ? value : -value;
  };
  const int trials = 200000;
  int64_t differ = 0;
  for (int trial = 0; trial != trials; ++trial)
    for (auto [table, entry] : {std::pair{0, 4}, {1, 6}, {0, trial % 4 ? 11 : 0}})
      for (int result : {0, 1}) {
        int64_t slot = entry + 2;
        differ += valueAt(table, result, slot + int64_t(std::llround(noise(random)))) !=
                  valueAt(table, result, slot);
      }
  // A standard deviation is at most sqrt(6 * 0.25 / trials) = 0.003.
  EXPECT_NEAR(*predicted.expected, double(differ) / trials, 0.015);
  EXPECT_GT(predicted.atMost, *predicted.expected);
  EXPECT_LE(predicted.atMost, 6);
}

TEST_F(DisagreementsTest, WithoutFrequenciesOnlyTheWorstCase) {
  Disagreements predicted = predict("", 0.2, 10);
  EXPECT_FALSE(predicted.expected);
  // At sigma = 0.2 a slot: each element beside a threshold on one side costs 0.0062, on both twice
  // that (the middle entries of the alternating table).
  double one = 0.5 * std::erfc(2.5 / std::sqrt(2.0));
  EXPECT_NEAR(predicted.atMost, 2 * (one + one) + 2 * one, 1e-9);
}

TEST_F(DisagreementsTest, PositionsThatSlotsShare) {
  // 16 slots on 4 positions: an input between two positions is read at one of them for certain, so
  // small noise changes nothing at its middle.
  Disagreements fine = predict(", frequencies = dense<0.25> : tensor<2x12xf64>", 0.05, 4);
  Disagreements coarse = predict(", frequencies = dense<0.25> : tensor<2x12xf64>", 0.05, 2);
  EXPECT_LT(*coarse.expected, *fine.expected + 1e-15);
}

} // namespace
