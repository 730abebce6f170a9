//===- noise_test.cpp - Bounds, security curve, noise formulas, probabilities ----------------===//
#include "runtime/tests/tfhe/support.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

TEST(Parameters, CurveFollowsTheEstimator) {
  // Lattice estimator of June 2026: log2 std for exactly 128 bits; the curve asks for no less.
  const struct {
    uint32_t n;
    double estimated;
  } points[] = {{600, -12.81}, {700, -15.35},  {800, -17.92},  {900, -20.50},
                {1024, -23.69}, {1536, -36.95}, {2048, -50.30}, {8192, -62}};
  for (auto [n, estimated] : points) {
    EXPECT_GE(*log2StdForDimension(n), estimated - 0.005) << n;
    EXPECT_LE(*log2StdForDimension(n), estimated + 0.4) << n;
    EXPECT_GE(*log2StdForDimension(n, 132), *log2StdForDimension(n)) << n;
  }
  EXPECT_EQ(*log2StdForDimension(4096), -62);
  EXPECT_FALSE(log2StdForDimension(449));
  EXPECT_TRUE(log2StdForDimension(450));
  EXPECT_FALSE(log2StdForDimension(800, 127));
}

TEST(Parameters, BoundsAreChecked) {
  const ParameterSet good = curveSet(775, 1, 11, {23, 1}, {3, 5});
  EXPECT_EQ(checkBounds(good), "");
  EXPECT_EQ(checkSecurity(good), "");
  auto refused = [&](auto change) {
    ParameterSet set = good;
    change(set);
    return !checkBounds(set).empty();
  };
  EXPECT_TRUE(refused([](ParameterSet &s) { s.lwe.dimension = 0; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.lwe.dimension = 4097; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.lwe.log2Std = NAN; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.lwe.log2Std = 1; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.glwe.k = 9; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.glwe.log2N = 7; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.glwe.log2N = 18; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.keyswitch.levels = 65; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.keyswitch = {0, 3}; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.bootstrap = {22, 3}; }));
  EXPECT_TRUE(refused([](ParameterSet &s) { s.bootstrap = {0x80000000u, 2}; }));
  ParameterSet set = good;
  set.bootstrap = {13, 5};
  EXPECT_EQ(checkBounds(set),
            "bootstrap: decomposition levels times log2 of the base is 65, allowed are 1 to 64");
  set = good;
  set.lwe.log2Std -= 0.01;
  EXPECT_NE(checkSecurity(set), "");
  set = good;
  set.glwe.log2Std -= 0.01;
  EXPECT_NE(checkSecurity(set), "");
  set = curveSet(775, 1, 11, {23, 1}, {3, 5});
  EXPECT_NE(checkSecurity(set, 132), "");
}

TEST(Parameters, KeySizes) {
  // Published for the set (838, 1, 4096, 2) with 5 keyswitch levels: 219.7 MB and 137.5 MB.
  EXPECT_NEAR(double(bootstrapKeyBytes(838, {1, 12, 0}, {15, 2})) / 1e6, 219.7, 0.05);
  EXPECT_NEAR(double(keyswitchKeyBytes(4096, 838, {3, 5})) / 1e6, 137.5, 0.05);
}

// Against an arbitrary-precision evaluation of log2 erfc(z / sqrt 2).
TEST(Noise, ErrorProbability) {
  const struct {
    double z, expected;
  } points[] = {{0.5, -0.69648206697411858902}, {1, -1.6560327974241060884},
                {3, -8.5329338513249494115},    {4, -13.94646703771930042},
                {5, -20.73419847400773274},     {7.14, -39.962710129788422135},
                {13.11, -128.02613228686781787}, {20, -293.1902688060662713},
                {37.2, -1003.7735721263626914}, {60, -2603.0841127311842406},
                {200, -28861.87045809890112}};
  for (auto [z, expected] : points) {
    EXPECT_NEAR(log2ErrorProbability(z, 1) / expected, 1, 1e-12) << z;
    EXPECT_NEAR(log2ErrorProbability(z * 0x1p-20, 0x1p-40) / expected, 1, 1e-12) << z;
  }
  EXPECT_EQ(log2ErrorProbability(0, 1), 0);
  EXPECT_EQ(log2ErrorProbability(-1, 1), 0);
  EXPECT_EQ(log2ErrorProbability(1, 0), -INFINITY);
}

TEST(Noise, ProbabilitiesOfMany) {
  EXPECT_NEAR(log2AnyOf(-40, 1024), -30, 1e-6);
  EXPECT_NEAR(log2AnyOf(-1, 2), std::log2(0.75), 1e-12);
  EXPECT_NEAR(log2AnyOf(-1000, 1 << 20), -980, 1e-9);
  EXPECT_NEAR(log2AnyOf(-61, std::exp2(61)), std::log2(1 - std::exp(-1)), 1e-9);
  EXPECT_EQ(log2AnyOf(-INFINITY, 5), -INFINITY);
  EXPECT_EQ(log2AnyOf(-5, 0), -INFINITY);
  EXPECT_NEAR(log2Add(-3, -3), -2, 1e-12);
  EXPECT_NEAR(log2Add(-3, -INFINITY), -3, 1e-12);
  EXPECT_EQ(log2Add(-INFINITY, -INFINITY), -INFINITY);
}

// Blind rotations measured with an independent prototype (log2 of the variance), 0.25 for its
// different FFT and its drawn keys.
TEST(Noise, BlindRotationAgreesWithAnotherImplementation) {
  auto log2Variance = [](uint32_t n, uint32_t log2N, Decomposition decomposition) {
    const GlweKey glwe{1, log2N, *log2StdForDimension(1u << log2N)};
    return std::log2(blindRotationVariance(n, glwe, decomposition));
  };
  EXPECT_NEAR(log2Variance(750, 11, {23, 1}), -30.37, 0.25);
  EXPECT_NEAR(log2Variance(750, 11, {15, 2}), -44.66, 0.25);
  EXPECT_NEAR(log2Variance(600, 12, {22, 1}), -28.34, 0.25);
}

// The published table for 2^-40 (128-bit curve, plain switch): every set meets its target at its
// norm, and most of the 128-bit ones are tight to a few bits.
TEST(Noise, PublishedSetsMeetTheirTarget) {
  const struct {
    unsigned bits, log2Norm;
    uint32_t n, k, log2N;
    Decomposition bootstrap, keyswitch;
  } rows[] = {{1, 0, 676, 5, 8, {15, 1}, {4, 3}},   {2, 4, 718, 4, 9, {23, 1}, {4, 3}},
              {3, 4, 772, 2, 10, {23, 1}, {4, 3}},  {4, 4, 775, 1, 11, {23, 1}, {3, 5}},
              {5, 2, 869, 1, 12, {22, 1}, {4, 4}},  {5, 4, 838, 1, 12, {15, 2}, {3, 5}},
              {6, 4, 896, 1, 13, {15, 2}, {3, 6}},  {6, 10, 897, 1, 13, {11, 3}, {3, 6}},
              {7, 4, 965, 1, 14, {15, 2}, {3, 6}},  {8, 4, 1032, 1, 15, {15, 2}, {3, 7}},
              {8, 10, 1051, 1, 15, {9, 4}, {3, 7}}};
  for (const auto &row : rows) {
    const ParameterSet set = curveSet(row.n, row.k, row.log2N, row.bootstrap, row.keyswitch);
    const double norm2 = std::exp2(2.0 * row.log2Norm);
    const double variance = tableInputVariance(set, norm2 * tableOutputVariance(set));
    const double log2P = log2ErrorProbability(std::exp2(-double(row.bits) - 2), variance);
    EXPECT_LE(log2P, -39.99) << row.bits << " bits, norm 2^" << row.log2Norm;
    EXPECT_GE(log2P, -50) << row.bits << " bits, norm 2^" << row.log2Norm;
    // The parts add up to the whole.
    EXPECT_NEAR(variance / (norm2 * blindRotationVariance(row.n, set.glwe, row.bootstrap) +
                            keyswitchVariance(row.k << row.log2N, row.keyswitch,
                                              freshVariance(set.lwe.log2Std)) +
                            modulusSwitchVariance(row.n, row.log2N)),
                1, 1e-12);
  }
}
