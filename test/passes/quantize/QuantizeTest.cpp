//===- QuantizeTest.cpp - Formulas of affine quantization, ranges, rounding -------===//
#include "passes/quantize/Affine.h"
#include "passes/quantize/RowRounding.h"
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using namespace fhe::quantize;

namespace {

/// The ten numbers of a published two-bit example (numpy, seed 42).
TEST(Affine, TwoBitExample) {
  std::vector<float> x{0.37454012f, 0.95071431f, 0.73199394f, 0.59865848f, 0.15601864f,
                       0.15599452f, 0.05808361f, 0.86617615f, 0.60111501f, 0.70807258f};
  Affine affine = affineOf(minMaxRange(x), 2);
  EXPECT_NEAR(affine.scale, 0.29754356, 5e-9);
  EXPECT_EQ(affine.zeroPoint, 0);
  EXPECT_EQ(affine.hi, 3);
  std::vector<int64_t> integers{1, 3, 2, 2, 1, 1, 0, 3, 2, 2};
  std::vector<double> reals{0.29754356, 0.89263069, 0.59508713, 0.59508713, 0.29754356,
                            0.29754356, 0,          0.89263069, 0.59508713, 0.59508713};
  for (size_t i = 0; i != x.size(); ++i) {
    EXPECT_EQ(affine.quantize(double(x[i])), integers[i]);
    EXPECT_NEAR(affine.dequantize(integers[i]), reals[i], 1e-8);
  }
}

/// Sixteen pixels of a normalized MNIST digit on six bits.
TEST(Affine, SixBitPixels) {
  Affine affine = affineOf({-0.42421296, 2.8214867}, 6);
  EXPECT_NEAR(affine.scale, 0.05151904, 5e-9);
  EXPECT_EQ(affine.zeroPoint, 8);
  std::vector<double> x{0.64495873, 1.9305104, 1.5995764, 1.4977505, 0.33948106, 0.03400347,
                        2.401455,   2.8087585, 2.8087585, 2.8087585, 2.8087585,  2.6432915,
                        2.0959773,  2.0959773, 2.0959773, 2.0959773};
  std::vector<int64_t> integers{21, 45, 39, 37, 15, 9, 55, 63, 63, 63, 63, 59, 49, 49, 49, 49};
  std::vector<double> reals{0.66974755, 1.90620457, 1.59709032, 1.49405223, 0.3606333,  0.05151904,
                            2.42139499, 2.83354733, 2.83354733, 2.83354733, 2.83354733, 2.62747116,
                            2.11228074, 2.11228074, 2.11228074, 2.11228074};
  for (size_t i = 0; i != x.size(); ++i) {
    EXPECT_EQ(affine.quantize(x[i]), integers[i]) << i;
    EXPECT_NEAR(affine.dequantize(integers[i]), reals[i], 1.5e-7) << i;
  }
}

/// Sixteen weights of the first layer of the same published network. Only their integers were published: they
/// are those of numbers around zero, whose zero point on six unsigned bits is the middle, and quantizing what they
/// stand for gives them again.
TEST(Affine, SixBitWeights) {
  Affine affine = affineOf({-0.25, 0.25}, 6);
  EXPECT_EQ(affine.lo, 0);
  EXPECT_EQ(affine.hi, 63);
  EXPECT_EQ(affine.zeroPoint, 32); // 31.5, to even
  EXPECT_DOUBLE_EQ(affine.scale, 0.5 / 63);
  std::vector<int64_t> integers{31, 30, 33, 31, 32, 33, 32, 32, 31, 32, 33, 30, 33, 34, 32, 33};
  for (size_t i = 0; i != integers.size(); ++i) {
    double weight = affine.dequantize(integers[i]);
    EXPECT_DOUBLE_EQ(weight, double(integers[i] - 32) * 0.5 / 63) << i;
    for (double inside : {-0.49, 0.0, 0.49})
      EXPECT_EQ(affine.quantize(weight + inside * affine.scale), integers[i]) << i;
  }
  EXPECT_EQ(affine.quantize(-0.25), 0);
  EXPECT_EQ(affine.quantize(0.25), 63);
}

TEST(Affine, HalvesToEvenAndClipped) {
  Affine affine{0.5, 2, 0, 7};
  EXPECT_EQ(affine.quantize(0.25), 2); // 0.5 to 0
  EXPECT_EQ(affine.quantize(0.75), 4); // 1.5 to 2
  EXPECT_EQ(affine.quantize(100), 7);
  EXPECT_EQ(affine.quantize(-100), 0);
}

TEST(Affine, SymmetricIsNarrow) {
  for (unsigned bits = 2; bits <= 8; ++bits) {
    Affine affine = symmetricOf(3, bits);
    EXPECT_EQ(affine.zeroPoint, 0);
    EXPECT_EQ(affine.lo, -affine.hi);
    EXPECT_EQ(affine.hi, (1 << (bits - 1)) - 1);
    EXPECT_EQ(affine.quantize(-3), affine.lo);
    EXPECT_EQ(affine.quantize(3), affine.hi);
  }
}

TEST(Affine, RangesLeaveOutOutliers) {
  std::vector<float> x;
  for (int i = 0; i <= 4000; ++i)
    x.push_back(float(i) / 4000);
  x.push_back(100);
  EXPECT_EQ(minMaxRange(x).hi, 100);
  EXPECT_LT(percentileRange(x, 0.0005).hi, 1.01);
  EXPECT_GE(percentileRange(x, 0.0005).hi, 0.99);
  // Of the 100 that one value costs: shrinking pays only where many values gain more.
  std::vector<float> y(x);
  y.back() = 3;
  Range range = leastErrorRange(y, {0, 3}, 2);
  EXPECT_LT(range.hi, 1.5);
  EXPECT_GT(range.hi, 0.8);
}

/// Coordinate descent never ends above its start, and finds weights that are integers already.
TEST(RowRounding, FindsExactIntegers) {
  NormalEquations sums(3, 1);
  std::vector<float> q{2, -3, 1};
  uint32_t state = 1;
  auto random = [&] {
    state = state * 1664525u + 1013904223u;
    return float(state >> 8) / float(1 << 24) - 0.5f;
  };
  for (int i = 0; i != 64; ++i) {
    std::vector<float> x{random(), random(), random()};
    float y = 0.25f * (q[0] * x[0] + q[1] * x[1] + q[2] * x[2]) + 7;
    sums.add(x, std::vector<float>{y});
  }
  sums.centre();
  std::vector<double> start{0.3, -0.5, 0.4};
  Row row = roundRow(sums.gram, sums.cross, start, 0.25, {-3, 3});
  EXPECT_EQ(row.integers, (std::vector<int32_t>{2, -3, 1}));
  EXPECT_NEAR(row.scale, 0.25, 1e-6);
  double bias = sums.meanY[0];
  for (int i = 0; i != 3; ++i)
    bias -= row.scale * row.integers[i] * sums.meanX[i];
  EXPECT_NEAR(bias, 7, 1e-5);
}

TEST(RowRounding, CorrelatedInputsMakeUpForEachOther) {
  // Two equal inputs: 0.5 + 0.5 is 1 + 0, which rounding each (to even) would lose.
  std::vector<double> a{1.01, 1, 1, 1.01}, w{0.5, 0.5}, r{1.005, 1.005};
  Row row = roundRow(a, r, w, 1, {-1, 1});
  EXPECT_EQ(row.integers[0] + row.integers[1], 1);
}

} // namespace
