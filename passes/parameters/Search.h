//===- Search.h - The cheapest parameter set within a failure budget -------------------------===//
//
// Complete search over a grid of keys and decompositions: of all sets that keep
// every table and output right often enough, the one of least price. The result
// depends on the arguments alone: all arithmetic is IEEE 754 without library
// functions (runtime/tfhe/portable_math.h), the order of candidates is fixed,
// equal prices are decided by less noise, then by order.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_SEARCH_H
#define PASSES_PARAMETERS_SEARCH_H

#include "passes/parameters/Grid.h"
#include "passes/parameters/KernelCost.h"
#include "passes/parameters/SquaredNorm.h"

namespace fhe::parameters {

/// A place where noise must stay below half a slot.
struct Requirement {
  double halfSlot = 0;            ///< relative to the torus
  std::vector<SquaredNorm> norms; ///< of the elements that no other exceeds in both kinds
  double count = 1;               ///< elements, for the failure probability of an inference
  bool table = true;              ///< keyswitch and modulus switch come on top
};

/// How often things may go wrong; each applies if given.
struct FailureBudget {
  std::optional<double> log2PError = -40; ///< one element of one place
  std::optional<double> log2Global;       ///< any element of any place of one inference
};

/// Operations of one inference.
struct Workload {
  double tables = 0;      ///< keyswitches and bootstraps
  double products = 0;    ///< clear weights times ciphertexts
  double passes = 0;      ///< over the keyswitch key, of all layers: their `unsharedPasses`
  // For the memory limit.
  double ciphertexts = 0; ///< of all arenas and results
  double polynomials = 0; ///< test polynomials of tables
};

struct Limits {
  std::optional<uint64_t> keyBytes;    ///< stored evaluation keys
  std::optional<uint64_t> memoryBytes; ///< evaluation keys in use, ciphertexts, tables, scratch
};

struct SearchProblem {
  std::vector<Requirement> requirements;
  FailureBudget budget;
  Workload workload;
  Limits limits;
};

struct SearchResult {
  ::fhe::tfhe::ParameterSet set;
  double cost = 0;
  /// The largest ratio of a place's variance to what its own budget allows; at most 1.
  double fill = 0;
};

/// The largest variance at which an error exceeds `halfSlot` with probability at most
/// 2^log2Probability. A margin of 1e-9 is left, so that the probability computed from the chosen
/// numbers does not exceed it by rounding.
double varianceLimit(double halfSlot, double log2Probability);

/// The variance a place may have at most, by either budget taken alone.
double varianceLimit(const Requirement &requirement, const FailureBudget &budget);

/// log2 of the probability that any element of any requirement fails with this set.
double log2GlobalFailure(const std::vector<Requirement> &requirements,
                         const ::fhe::tfhe::ParameterSet &set, const NoiseModel &model = {});

/// Empty if no set of the grid satisfies all requirements and limits. Time: about the number of
/// pairs of keys times bootstrap levels times requirements; a fraction of a second.
std::optional<SearchResult> searchParameters(const SearchProblem &problem, const Grid &grid,
                                             const OperationCosts &costs);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_SEARCH_H
