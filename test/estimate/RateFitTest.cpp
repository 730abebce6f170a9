//===- RateFitTest.cpp - Rates from measurements, and their files ------------------------------===//
#include "compiler/estimate/RateFit.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::estimate;
using fhe::parameters::KernelCosts;
using fhe::parameters::committedRates;

namespace {

/// Steps as machines of these rates would take them, each off by up to `error`.
std::vector<StepTime> stepsOf(const KernelRates &rates, double error) {
  std::vector<StepTime> steps;
  for (unsigned log2N = 8; log2N <= 16; ++log2N)
    for (unsigned k = 1; k <= 4; ++k)
      for (unsigned levels = 1; levels <= 3; ++levels) {
        fhe::tfhe::GlweKey glwe{k, log2N, -50};
        double off = error * (int(log2N * 7 + k * 5 + levels * 3) % 11 - 5) / 5.0;
        steps.push_back({glwe, levels, KernelCosts(rates).cmux(glwe, levels) * (1 + off)});
      }
  return steps;
}

TEST(RateFit, FindsTheRatesThatMadeTheTimes) {
  KernelRates made = committedRates();
  made.fftFlopsPerSecond *= 1.7;
  made.macsPerSecond *= 0.6;
  made.nearWordsPerSecond *= 3;
  made.nearBytes = std::round(std::exp2(21.25));
  made.farBytes = std::round(std::exp2(24.5));
  KernelRates found = committedRates();
  std::vector<StepTime> steps = stepsOf(made, 0);
  EXPECT_GT(largestError(steps, found), 0.2);
  fitSteps(steps, found);
  EXPECT_LT(largestError(steps, found), 1e-6);
  EXPECT_NEAR(found.fftFlopsPerSecond / made.fftFlopsPerSecond, 1, 1e-6);
  EXPECT_NEAR(found.macsPerSecond / made.macsPerSecond, 1, 1e-6);
  EXPECT_EQ(found.nearBytes, made.nearBytes);
  EXPECT_EQ(found.farBytes, made.farBytes);
  // What is not a step's stays.
  EXPECT_EQ(found.keyswitch32PerSecond, committedRates().keyswitch32PerSecond);
}

TEST(RateFit, NoiseStaysSmallAndNoRateIsNegative) {
  KernelRates found = committedRates();
  std::vector<StepTime> steps = stepsOf(committedRates(), 0.05);
  fitSteps(steps, found);
  EXPECT_LT(largestError(steps, found), 0.08);
  for (double rate : {found.fftFlopsPerSecond, found.macsPerSecond, found.nearWordsPerSecond,
                      found.farWordsPerSecond})
    EXPECT_GT(rate, 0);
}

/// The search prunes by this.
TEST(KernelCosts, GrowWithEveryArgument) {
  KernelCosts costs;
  for (unsigned log2N = 8; log2N <= 17; ++log2N)
    for (unsigned k = 1; k <= 6; ++k)
      for (unsigned levels = 1; levels <= 8; ++levels) {
        fhe::tfhe::GlweKey glwe{k, log2N, -50};
        double cost = costs.cmux(glwe, levels);
        EXPECT_LT(cost, costs.cmux(glwe, levels + 1));
        EXPECT_LT(cost, costs.cmux({k + 1, log2N, -50}, levels));
        EXPECT_LT(cost, costs.cmux({k, log2N + 1, -50}, levels));
      }
}

TEST(Rates, JsonThereAndBack) {
  std::string error;
  auto read = ratesFromJson(toJson(committedRates()), error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(toJson(*read), toJson(committedRates()));
}

TEST(Rates, BrokenFilesAreRefused) {
  std::string good = toJson(committedRates());
  auto refused = [](const std::string &text) {
    std::string error;
    EXPECT_FALSE(ratesFromJson(text, error)) << text;
    EXPECT_FALSE(error.empty());
    return error;
  };
  refused("");
  refused("[1, 2]");
  refused("{\"format\": 5}");
  refused(good.substr(0, good.size() / 2));
  for (const auto &member : fhe::parameters::rateMembers) {
    std::string quoted = std::string("\"") + member.name + "\": ";
    size_t at = good.find(quoted), from = at + quoted.size(), to = good.find_first_of(",\n", from);
    ASSERT_NE(at, std::string::npos);
    for (const char *value : {"0", "-1", "\"fast\"", "null", "1e30"})
      EXPECT_NE(refused(good.substr(0, from) + value + good.substr(to)).find(member.name),
                std::string::npos);
  }
}

} // namespace
