//===- Affine.cpp - Scales, zero points and ranges of quantizers ------------------===//
#include "passes/quantize/Affine.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fhe::quantize {

int64_t Affine::quantize(double x) const {
  double integer = std::nearbyint(x / scale) + double(zeroPoint);
  return int64_t(std::clamp(integer, double(lo), double(hi)));
}

Affine affineOf(Range range, unsigned bits) {
  int64_t top = (int64_t(1) << bits) - 1;
  double width = range.hi - range.lo;
  return {width / double(top), int64_t(std::nearbyint(-range.lo * double(top) / width)), 0, top};
}

Affine symmetricOf(double largest, unsigned bits) {
  int64_t top = (int64_t(1) << (bits - 1)) - 1;
  return {largest / double(top), 0, -top, top};
}

Range minMaxRange(std::span<const float> values) {
  auto [lo, hi] = std::minmax_element(values.begin(), values.end());
  return {double(*lo), double(*hi)};
}

Range percentileRange(std::span<const float> values, double outside) {
  std::vector<float> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  size_t skip = size_t(outside * double(sorted.size() - 1));
  return {double(sorted[skip]), double(sorted[sorted.size() - 1 - skip])};
}

Range leastErrorRange(std::span<const float> values, Range whole, unsigned bits) {
  constexpr size_t most = 4096;
  constexpr int steps = 20; // 1.00, 0.95, ... 0.05 of each end
  std::vector<double> some;
  size_t step = (values.size() + most - 1) / most;
  for (size_t i = 0; i < values.size(); i += step)
    some.push_back(double(values[i]));
  Range best = whole;
  double least = std::numeric_limits<double>::infinity();
  for (int a = steps; a > 0; --a) {
    for (int b = steps; b > 0; --b) {
      Range range{whole.lo * a / steps, whole.hi * b / steps};
      if (!(range.lo < range.hi))
        continue;
      Affine affine = affineOf(range, bits);
      double error = 0;
      for (double x : some) {
        double difference = affine.dequantize(affine.quantize(x)) - x;
        error += difference * difference;
      }
      if (error < least) {
        least = error;
        best = range;
      }
      if (whole.hi == 0)
        break;
    }
    if (whole.lo == 0)
      break; // that end does not move
  }
  return best;
}

} // namespace fhe::quantize
