//===- portable_math.cpp - Functions that are the same on every machine --------------------------===//
#include "runtime/tfhe/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace fhe::tfhe {

static_assert(std::numeric_limits<double>::is_iec559);

/// 2 atanh(s) = ln((1 + s) / (1 - s)) for |s| < 0.172: s^2 < 0.0296, and 0.0296^15 / 31 < 2^-80.
static double twoAtanh(double s) {
  const double s2 = s * s;
  double sum = 0;
  for (int i = 15; i >= 1; --i)
    sum = (sum + 1.0 / (2 * i + 1)) * s2;
  return 2 * (s + s * sum);
}

double portableExp2(double x) {
  if (!(x <= 1024))
    return x > 0 ? std::numeric_limits<double>::infinity() : x; // NaN stays
  if (x < -1100)
    return 0;
  const double whole = std::floor(x + 0.5);
  if (x == whole && x > -1023 && x < 1024) // a normal number: its exponent
    return std::bit_cast<double>(uint64_t(int64_t(x) + 1023) << 52);
  if (x == whole)
    return std::ldexp(1.0, int(whole));
  const double t = (x - whole) * std::numbers::ln2; // |t| < 0.35
  double sum = 1;
  for (int i = 16; i >= 1; --i) // 0.35^17 / 17! < 2^-70
    sum = 1 + sum * t / i;
  return std::ldexp(sum, int(whole));
}

double portableLog2(double x) {
  int exponent;
  double m = std::frexp(x, &exponent); // in [1/2, 1)
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  return exponent + twoAtanh((m - 1) / (m + 1)) * std::numbers::log2e;
}

double portablePow(double x, double y) { return portableExp2(y * portableLog2(x)); }

double portableLog1p(double x) {
  const double s = x / (2 + x);
  return std::abs(s) < 0.172 ? twoAtanh(s) : portableLog2(1 + x) * std::numbers::ln2;
}

double portableExpm1(double x) {
  if (std::abs(x) > 0.35)
    return portableExp2(x * std::numbers::log2e) - 1;
  double sum = 1;
  for (int i = 16; i >= 2; --i)
    sum = 1 + sum * x / i;
  return x * sum;
}

double log2Erfc(double x) {
  if (!(x > 0))
    return 0;
  const double square = x * x;
  if (x < 2) {
    // erf(x) = 2/sqrt(pi) exp(-x^2) sum_i 2^i x^(2i+1) / (1 * 3 * .. * (2i+1)): no cancellation.
    double term = x, sum = x;
    for (int i = 1; i <= 60; ++i) {
      term = term * 2 * square / (2 * i + 1);
      sum += term;
    }
    const double gauss = portableExp2(-square * std::numbers::log2e);
    return portableLog2(1 - 2 * std::numbers::inv_sqrtpi * gauss * sum);
  }
  // erfc(x) = exp(-x^2) / (sqrt(pi) (x + (1/2)/(x + 1/(x + (3/2)/(x + ..))))): Laplace's continued
  // fraction, evaluated from the far end.
  double tail = x;
  for (int i = 120; i >= 1; --i)
    tail = x + (i / 2.0) / tail;
  return -square * std::numbers::log2e - portableLog2(tail / std::numbers::inv_sqrtpi);
}

} // namespace fhe::tfhe
