//===- ResultError.cpp - How far the results of a network are off ------------------===//
#include "passes/quantize/ResultError.h"
#include <algorithm>
#include <cfloat>
#include <vector>

namespace fhe::quantize {

double resultError(std::span<const float> now, std::span<const float> before, int64_t samples) {
  auto size = int64_t(before.size()) / samples;
  std::vector<double> spreads(samples), errors(samples);
  double mean = 0;
  for (int64_t s = 0; s != samples; ++s) {
    double sum = 0, square = 0, shift = 0, difference = 0;
    for (int64_t e = s * size; e != (s + 1) * size; ++e) {
      double y = before[e], d = double(now[e]) - y;
      sum += y;
      square += y * y;
      shift += d;
      difference += d * d;
    }
    spreads[s] = size == 1 ? 1 : square - sum * sum / double(size);
    errors[s] = size == 1 ? difference : difference - shift * shift / double(size);
    mean += spreads[s] / double(samples);
  }
  double error = 0;
  for (int64_t s = 0; s != samples; ++s)
    error += errors[s] / std::max(spreads[s] + 0.1 * mean, DBL_MIN);
  return error;
}

} // namespace fhe::quantize
