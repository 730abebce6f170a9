//===- Exhaustive.h - The cheapest set by trying all of them -----------------------------------===//
//
// What Search.h is compared with: every pair of keys of the compiler's grid, every number of levels
// with every base, both widths of keyswitch words; no order and no pruning, noise by the functions
// of runtime/tfhe/noise.h.
//
//===----------------------------------------------------------------------------------------===//
#ifndef TEST_PASSES_PARAMETERS_EXHAUSTIVE_H
#define TEST_PASSES_PARAMETERS_EXHAUSTIVE_H

#include "passes/parameters/Search.h"

namespace fhe::parameters {

/// The least cost of a set that satisfies the requirements, infinity if none does; how many sets
/// were looked at is added to `tried`.
double exhaustiveCost(const SearchProblem &problem, const Grid &grid, const OperationCosts &costs,
                      uint64_t &tried);

} // namespace fhe::parameters

#endif // TEST_PASSES_PARAMETERS_EXHAUSTIVE_H
