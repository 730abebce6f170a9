//===- RealizationSearch.h - Realizations of tables, chosen with the parameters --------------===//
//
// A table may be evaluated in several ways that ask for different keys. What one
// asks for depends on the others: on the encodings of the values they share, and on
// the tables their keys are shared with. So whole networks are priced.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_REALIZATIONSEARCH_H
#define PASSES_PARAMETERS_REALIZATIONSEARCH_H

#include "passes/parameters/NetworkSearch.h"

namespace fhe::parameters {

/// One way to evaluate a table, as far as the order of attempts depends on it.
struct TableOption {
  unsigned bits = 0;  ///< of the direct table that asks for as little noise
  bool exact = true;  ///< not rounded
};

/// A network whose tables may be evaluated in several ways.
class RealizableNetwork {
public:
  virtual ~RealizableNetwork() = default;
  /// By table: at least one option.
  virtual const std::vector<std::vector<TableOption>> &options() const = 0;
  /// The network with option `chosen[t]` of table t.
  virtual Network with(const std::vector<size_t> &chosen) const = 0;
};

struct RealizationChoice {
  std::vector<size_t> chosen; ///< by table: index into its options
  NetworkChoice network;
};

/// The cheapest found, of networks with the first option everywhere, with the one of fewest bits
/// everywhere, and from the cheaper of these with one table's option changed at a time. So never
/// dearer than the first options alone, with one set or several. Of equal prices the one with more
/// exact tables, then the one of fewer bits, which fails less often. Empty if nothing tried has
/// parameters.
std::optional<RealizationChoice> searchRealizations(const RealizableNetwork &network,
                                                    const FailureBudget &budget, const Grid &grid,
                                                    const OperationCosts &costs,
                                                    const Limits &limits = {},
                                                    unsigned maxSets = 8);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_REALIZATIONSEARCH_H
