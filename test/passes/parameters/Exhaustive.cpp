//===- Exhaustive.cpp - The cheapest set by trying all of them ---------------------------------===//
#include "test/passes/parameters/Exhaustive.h"
#include "runtime/tfhe/noise.h"
#include <array>
#include <cmath>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

namespace {

/// One number of levels; of all bases the one of least noise for `inputs` bits.
double leastKeyswitch(uint32_t inputs, unsigned levels, double keyVariance, unsigned wordBits) {
  double least = HUGE_VAL;
  for (uint32_t base = 1; base * levels <= wordBits && base <= 32; ++base)
    least = std::min(least, keyswitchVariance(inputs, {base, levels}, keyVariance, wordBits));
  return least;
}

double leastRotation(const GlweKey &glwe, unsigned levels) {
  double least = HUGE_VAL;
  for (uint32_t base = 1; base * levels <= 64 && base <= 32; ++base)
    least = std::min(least, externalProductVariance(glwe, {base, levels},
                                                    freshVariance(glwe.log2Std)));
  return least;
}

/// What keyswitch and switch may add where a table reads; negative where there is no room.
double roomOf(const std::vector<std::pair<Requirement, double>> &limits, double fresh,
              double table) {
  double room = HUGE_VAL;
  for (const auto &[requirement, limit] : limits)
    for (const SquaredNorm &norm : requirement.norms) {
      double left = limit - norm.fresh * fresh - norm.table * table;
      if (left < 0)
        return -1;
      if (requirement.table)
        room = std::min(room, left);
    }
  return room;
}

} // namespace

double exhaustiveCost(const SearchProblem &problem, const Grid &grid, const OperationCosts &costs,
                      uint64_t &tried) {
  std::vector<std::pair<Requirement, double>> limits;
  for (const Requirement &requirement : problem.requirements)
    limits.emplace_back(requirement, varianceLimit(requirement, problem.budget));
  const Workload &work = problem.workload;
  double best = HUGE_VAL;
  uint32_t inputs = 0;
  // Noise of keyswitches depends on the number of inputs, not on k and N by themselves: by small key,
  // width and levels.
  std::vector<std::array<std::array<double, maxLevels + 1>, 2>> switches(grid.lwe().size());
  for (const GlweCandidate &glwe : grid.glwe()) {
    const GlweKey &key = glwe.key;
    if (key.lweDimension() != inputs) {
      inputs = key.lweDimension();
      for (size_t i = 0; i != grid.lwe().size(); ++i)
        for (size_t width = 0; width != grid.lwe()[i].lists.size(); ++width) {
          const KeyswitchList &list = grid.lwe()[i].lists[width];
          for (unsigned levels = 1; levels <= maxLevels; ++levels)
            switches[i][width][levels] =
                leastKeyswitch(inputs, levels, freshVariance(list.key.log2Std), list.wordBits);
        }
    }
    for (unsigned levels = 1; levels <= maxLevels; ++levels) {
      const double step = leastRotation(key, levels), stepCost = costs.cmux(key, levels);
      for (size_t i = 0; i != grid.lwe().size(); ++i) {
        const uint32_t n = grid.lwe()[i].dimension;
        const double room = roomOf(limits, freshVariance(key.log2Std), n * step) -
                            modulusSwitchVariance(n, key.log2N, SwitchKind::centred);
        for (size_t width = 0; width != grid.lwe()[i].lists.size(); ++width)
          for (unsigned switchLevels = 1; switchLevels <= maxLevels; ++switchLevels) {
            ++tried;
            if (!(switches[i][width][switchLevels] <= room))
              continue;
            const unsigned bits = grid.lwe()[i].lists[width].wordBits;
            double cost = work.products * costs.product(key) +
                          work.tables * (n * stepCost + costs.keyswitch(inputs, n, switchLevels, bits));
            if (work.passes > 0)
              cost += work.passes *
                      costs.keyPass(keyswitchKeyBytes(inputs, n, {1, switchLevels}, bits));
            best = std::min(best, cost);
          }
      }
    }
  }
  return best;
}

} // namespace fhe::parameters
