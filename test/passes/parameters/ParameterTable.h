//===- ParameterTable.h - Classical parameter sets by bits and norm ------------===//
//
// Reference for the tests of the search: parameter sets for a failure
// probability of 2^-40 a table, Gaussian noise exactly on the 128-bit curve,
// plain modulus switch. A cell holds for tables of at most its bits and inputs
// of at most its 2-norm. Found by search over Concrete's noise and cost
// formulas; our search must never choose anything dearer.
//
//===---------------------------------------------------------------------------===//
#ifndef TEST_PASSES_PARAMETERS_PARAMETERTABLE_H
#define TEST_PASSES_PARAMETERS_PARAMETERTABLE_H

#include "runtime/tfhe/parameters.h"
#include <span>
#include <vector>

namespace fhe::parameters {

inline constexpr double tableLog2PError = -40;
inline constexpr unsigned tableSecurity = 128;
inline constexpr unsigned maxLog2Norm = 10;

/// One cell. `cost` is in 10^6 operations of Concrete's model; only its order is used.
struct Cell {
  unsigned bits;
  unsigned log2Norm; ///< of the 2-norm
  uint32_t n, k, log2N, bootstrapLevels, bootstrapBaseLog, keyswitchLevels, keyswitchBaseLog;
  unsigned cost;
};

/// All cells, by bits, then by norm.
std::span<const Cell> allCells();

/// The cell of `bits` and `norm`, both rounded up; null where the table ends.
const Cell *findCell(unsigned bits, double norm);

/// All cells by increasing cost (bits, then norm, where equal).
std::vector<const Cell *> cellsByCost();

/// The parameter set of a cell, noise exactly on the curve, with keyswitch words of that width.
::fhe::tfhe::ParameterSet toParameterSet(const Cell &cell, unsigned keyswitchWordBits);

} // namespace fhe::parameters

#endif // TEST_PASSES_PARAMETERS_PARAMETERTABLE_H
