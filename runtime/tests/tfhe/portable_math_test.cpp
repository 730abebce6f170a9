//===- portable_math_test.cpp - The portable functions against the mathematics library --------===//
#include "runtime/tfhe/portable_math.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

using namespace fhe::tfhe;

namespace {

TEST(PortableMath, Exp2) {
  for (int i = -1022; i <= 1023; ++i)
    EXPECT_EQ(portableExp2(i), std::ldexp(1.0, i)) << i;
  for (double x = -120; x < 120; x += 0.0137)
    EXPECT_NEAR(portableExp2(x) / std::exp2(x), 1, 1e-15) << x;
  EXPECT_EQ(portableExp2(1025), std::numeric_limits<double>::infinity());
  EXPECT_EQ(portableExp2(-2000), 0);
}

TEST(PortableMath, Log2) {
  for (int i = -1022; i <= 1023; ++i)
    EXPECT_EQ(portableLog2(std::ldexp(1.0, i)), i);
  for (double x = 1e-30; x < 1e30; x *= 1.0371)
    EXPECT_NEAR(portableLog2(x), std::log2(x), 1e-15 * std::max(1.0, std::abs(std::log2(x)))) << x;
}

TEST(PortableMath, Pow) {
  for (double x : {1.0, 2.0, 3.0, 5.0, 7.0, 64.0, 131072.0})
    for (double y : {1.01827, 1.22003, 2.22003, 2.94548, -0.5})
      EXPECT_NEAR(portablePow(x, y) / std::pow(x, y), 1, 5e-14) << x << " " << y;
  EXPECT_EQ(portablePow(1, 2.22003), 1);
}

TEST(PortableMath, NearOne) {
  for (double x = 1e-300; x < 0.99; x *= 1.7) {
    EXPECT_NEAR(portableLog1p(x) / std::log1p(x), 1, 1e-14) << x;
    EXPECT_NEAR(portableLog1p(-x) / std::log1p(-x), 1, 1e-14) << x;
    EXPECT_NEAR(portableExpm1(x) / std::expm1(x), 1, 1e-14) << x;
    EXPECT_NEAR(portableExpm1(-x) / std::expm1(-x), 1, 1e-14) << x;
  }
}

TEST(PortableMath, Erfc) {
  EXPECT_EQ(log2Erfc(0), 0);
  EXPECT_EQ(log2Erfc(-1), 0);
  for (double x = 1e-9; x < 26; x = x * 1.003 + 1e-4) {
    double expected = std::log2(std::erfc(x));
    EXPECT_NEAR(log2Erfc(x), expected, 1e-12 * std::max(1.0, -expected)) << x;
  }
  // Far below the smallest double: erfc(x) = exp(-x^2)/(x sqrt(pi)) (1 - 1/(2x^2) + 3/(4x^4) ..).
  const double x = 100, square = x * x;
  const double series = 1 - 1 / (2 * square) + 3 / (4 * square * square);
  EXPECT_NEAR(log2Erfc(x),
              -square * std::numbers::log2e - std::log2(x * std::sqrt(std::numbers::pi) / series),
              1e-8);
}

} // namespace
