//===- events.cpp - Counts of independent events against their probabilities -------------------===//
#include "test/reality/events.h"

#include <cstddef>
#include <vector>

namespace fhe::reality {

std::pair<uint64_t, uint64_t> Events::interval(double tail) const {
  // distribution[k] is the probability of first + k events; ends below 1e-30 are dropped.
  std::vector<double> distribution{1};
  uint64_t first = 0;
  for (auto [p, count] : counts)
    for (uint64_t i = 0; i < count; ++i) {
      distribution.push_back(0);
      for (std::size_t k = distribution.size() - 1; k > 0; --k)
        distribution[k] = distribution[k] * (1 - p) + distribution[k - 1] * p;
      distribution[0] *= 1 - p;
      while (distribution.size() > 1 && distribution.back() < 1e-30)
        distribution.pop_back();
      while (distribution.size() > 1 && distribution.front() < 1e-30) {
        distribution.erase(distribution.begin());
        ++first;
      }
    }
  uint64_t low = 0, high = distribution.size() - 1;
  for (double sum = distribution[low]; sum <= tail && low < high; sum += distribution[low])
    ++low;
  for (double sum = distribution[high]; sum <= tail && high > low; sum += distribution[high])
    --high;
  return {first + low, first + high};
}

} // namespace fhe::reality
