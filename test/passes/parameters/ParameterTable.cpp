//===- ParameterTable.cpp - Classical parameter sets by bits and norm ----------===//
#include "test/passes/parameters/ParameterTable.h"
#include <algorithm>
#include <cmath>

namespace fhe::parameters {

// bits, log2 norm; n, k, log2 N; bootstrap levels, log2 base; keyswitch levels, log2 base; cost.
// clang-format off
static constexpr Cell cells[] = {
    {1, 0, 676, 5, 8, 1, 15, 3, 4, 30},
    {1, 2, 709, 6, 8, 1, 18, 2, 5, 36},
    {1, 4, 674, 3, 9, 1, 18, 4, 3, 41},
    {1, 6, 703, 4, 9, 1, 23, 2, 5, 51},
    {1, 8, 670, 4, 9, 1, 23, 3, 4, 51},
    {1, 10, 616, 6, 8, 3, 9, 5, 2, 72},
    {2, 0, 709, 3, 9, 1, 18, 3, 4, 41},
    {2, 2, 721, 3, 9, 1, 18, 3, 4, 42},
    {2, 4, 718, 4, 9, 1, 23, 3, 4, 55},
    {2, 6, 720, 4, 9, 1, 23, 3, 4, 55},
    // The published cell (743,4,9,1/23,5/3) misses 2^-40 by the noise of this library's FFT.
    {2, 8, 699, 3, 9, 2, 12, 4, 3, 63},
    {2, 10, 683, 3, 9, 3, 9, 4, 3, 81},
    {3, 0, 771, 2, 10, 1, 23, 3, 4, 69},
    {3, 2, 772, 2, 10, 1, 23, 3, 4, 69},
    {3, 4, 772, 2, 10, 1, 23, 3, 4, 69},
    {3, 6, 761, 2, 10, 1, 23, 4, 3, 71},
    {3, 8, 740, 2, 10, 2, 15, 4, 3, 101},
    {3, 10, 740, 2, 10, 2, 15, 4, 3, 101},
    {4, 0, 771, 1, 11, 1, 23, 5, 3, 98},
    {4, 2, 771, 1, 11, 1, 23, 5, 3, 98},
    {4, 4, 775, 1, 11, 1, 23, 5, 3, 98},
    {4, 6, 771, 1, 11, 2, 15, 5, 3, 142},
    {4, 8, 771, 1, 11, 2, 15, 5, 3, 142},
    {4, 10, 771, 1, 11, 2, 15, 5, 3, 142},
    {5, 0, 838, 1, 12, 1, 22, 5, 3, 227},
    {5, 2, 869, 1, 12, 1, 22, 4, 4, 228},
    {5, 4, 838, 1, 12, 2, 15, 5, 3, 330},
    {5, 6, 838, 1, 12, 2, 15, 5, 3, 330},
    {5, 8, 838, 1, 12, 2, 15, 5, 3, 330},
    {5, 10, 852, 1, 12, 2, 15, 5, 3, 335},
    {6, 0, 950, 1, 13, 1, 22, 4, 4, 529},
    {6, 2, 896, 1, 13, 2, 15, 6, 3, 764},
    {6, 4, 896, 1, 13, 2, 15, 6, 3, 764},
    {6, 6, 896, 1, 13, 2, 15, 6, 3, 764},
    {6, 8, 906, 1, 13, 2, 15, 6, 3, 772},
    {6, 10, 897, 1, 13, 3, 11, 6, 3, 1000},
    {7, 0, 964, 1, 14, 2, 15, 6, 3, 1738},
    {7, 2, 964, 1, 14, 2, 15, 6, 3, 1738},
    {7, 4, 965, 1, 14, 2, 15, 6, 3, 1740},
    {7, 6, 979, 1, 14, 2, 15, 6, 3, 1765},
    {7, 8, 965, 1, 14, 3, 11, 6, 3, 2277},
    {7, 10, 981, 1, 14, 3, 11, 7, 3, 2347},
    {8, 0, 1054, 1, 15, 2, 15, 5, 4, 3938},
    {8, 2, 1055, 1, 15, 2, 15, 5, 4, 3942},
    {8, 4, 1032, 1, 15, 2, 15, 7, 3, 3991},
    {8, 6, 1022, 1, 15, 3, 11, 7, 3, 5158},
    {8, 8, 1043, 1, 15, 3, 11, 7, 3, 5264},
    {8, 10, 1051, 1, 15, 4, 9, 7, 3, 6544},
};
// clang-format on

std::span<const Cell> allCells() { return cells; }

const Cell *findCell(unsigned bits, double norm) {
  for (const Cell &cell : cells)
    // Norms are exact sums of squares; the tolerance forgives one rounding of the square root.
    if (cell.bits >= bits && norm <= std::exp2(cell.log2Norm) * (1 + 1e-12))
      return &cell;
  return nullptr;
}

std::vector<const Cell *> cellsByCost() {
  std::vector<const Cell *> sorted;
  for (const Cell &cell : cells)
    sorted.push_back(&cell);
  std::sort(sorted.begin(), sorted.end(), [](const Cell *a, const Cell *b) {
    return a->cost != b->cost ? a->cost < b->cost : a < b; // of one array
  });
  return sorted;
}

::fhe::tfhe::ParameterSet toParameterSet(const Cell &cell, unsigned keyswitchWordBits) {
  ::fhe::tfhe::ParameterSet set;
  set.lwe = {cell.n, *::fhe::tfhe::log2StdForDimension(cell.n, tableSecurity, keyswitchWordBits)};
  set.lwe.wordBits = keyswitchWordBits;
  set.glwe = {cell.k, cell.log2N,
              *::fhe::tfhe::log2StdForDimension(cell.k << cell.log2N, tableSecurity)};
  set.keyswitch = {cell.keyswitchBaseLog, cell.keyswitchLevels};
  set.bootstrap = {cell.bootstrapBaseLog, cell.bootstrapLevels};
  return set;
}

} // namespace fhe::parameters
