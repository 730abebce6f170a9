//===- NetworkSearch.h - One parameter set for a network, or several -------------------------===//
//
// A network's tables of different widths may use different keys. Values that are
// added up must lie under one GLWE key: sources and sums connected by linear
// operations form a block, which has a home key. A table's keyswitch leads from
// the home of its input to the small key of its own set, so a change of sets
// between a table and the next costs nothing but a further key; only where sources
// of different sets meet in one block (a residual branch) are some converted, by
// a keyswitch between flattened GLWE keys.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_NETWORKSEARCH_H
#define PASSES_PARAMETERS_NETWORKSEARCH_H

#include "passes/parameters/Search.h"

namespace fhe::parameters {

/// The squared coefficient of a sum on one source of noise.
struct SourceTerm {
  static constexpr int input = -1; ///< a fresh encryption, not a table's result
  int table = input;               ///< index into Network::tables
  double square = 0;
};

/// A sum of sources that must be right: the input of a table, or an output. Terms of one table with
/// all its elements' squared coefficients added up; correlated paths merged before squaring.
struct NetworkSum {
  double halfSlot = 0;
  double count = 1;    ///< elements
  double products = 0; ///< clear weights times ciphertexts, for all elements
  /// Also terms with a square of 0: what must lie under the same key though no element weighs it.
  std::vector<SourceTerm> terms;
  /// Of further elements, where no element has the largest weights on all sources.
  std::vector<std::vector<SourceTerm>> others;
};

struct NetworkTable {
  unsigned bits = 0; ///< tables of equal bits share a set to begin with
  NetworkSum input;
  double results = 1; ///< bootstraps of each element of the input
  double polynomials = 0; ///< different test polynomials, for the memory limit
};

struct Network {
  std::vector<NetworkTable> tables;
  std::vector<NetworkSum> outputs;
  double ciphertexts = 0; ///< for the memory limit (Workload); 0: all elements of all places
};

/// The keys of one set. Its small key is reached by keyswitches of their own.
struct SetChoice {
  ::fhe::tfhe::LweKey lwe;
  ::fhe::tfhe::GlweKey glwe;
  ::fhe::tfhe::Decomposition bootstrap;
  ::fhe::tfhe::SwitchKind modulusSwitch = ::fhe::tfhe::SwitchKind::plain;
  friend bool operator==(const SetChoice &, const SetChoice &) = default;
};

/// From the flattened GLWE key of set `from` to the small key of set `to`, or, as a conversion
/// between homes, to the flattened GLWE key of set `to`. Sets with equal GLWE keys share one key and
/// need no conversion.
struct SwitchChoice {
  size_t from = 0, to = 0;
  bool conversion = false;
  ::fhe::tfhe::Decomposition digits;
  double count = 0;  ///< uses in one inference
  double passes = 0; ///< readings of the key that full batches do not hide (`unsharedPasses`)
};

/// Bits of the small key that a keyswitch leads to, where it is nested in the GLWE key it leads from.
uint32_t sharedOf(const SwitchChoice &change, const std::vector<SetChoice> &sets);

struct NetworkChoice {
  std::vector<SetChoice> sets;
  std::vector<SwitchChoice> switches;
  std::vector<size_t> setOfTable;   ///< index into sets
  std::vector<size_t> homeOfTable;  ///< set whose GLWE key the table's input lies under
  std::vector<size_t> homeOfOutput; ///< the same of each output
  double cost = 0;
  double singleCost = 0; ///< of the best one set for all
};

/// The single-set problem of a network: all tables and outputs, norms summed over all sources.
SearchProblem singleSetProblem(const Network &network, const FailureBudget &budget,
                               const Limits &limits = {});

/// The keys of several sets may take at most so many times the memory of the best single set's:
/// conversions between long keys are fast, and large.
inline constexpr uint64_t severalSetsMemory = 2;

/// The cheapest choice found: the best single set (complete search), or up to `maxSets` sets by
/// groups of tables. All ways to group neighbouring widths are tried; in each, starting from the
/// single set, one set or one home after the other is replaced by the best given the rest, until
/// nothing improves; then single tables are moved to another group, or one of their own. So never
/// dearer than the single set. A global budget is shared out equally among all elements. Empty if no
/// single set does.
std::optional<NetworkChoice> searchNetwork(const Network &network, const FailureBudget &budget,
                                           const Grid &grid, const OperationCosts &costs,
                                           const Limits &limits = {}, unsigned maxSets = 8);

/// The variance at the sum of a table (`table` < tables.size()) or of an output (above) with a
/// choice: keyswitch and modulus switch included for tables. For verification.
double varianceOfChoice(const Network &network, const NetworkChoice &choice, size_t place);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_NETWORKSEARCH_H
