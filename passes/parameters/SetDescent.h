//===- SetDescent.h - Parameter sets of a network, improved one by one ------------------------===//
//
// For tables that have been put into classes: from one choice in every class down
// to where no single change of a set, of a block's home or of the conversions'
// share of the noise is cheaper.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_SETDESCENT_H
#define PASSES_PARAMETERS_SETDESCENT_H

#include "passes/parameters/NetworkBlocks.h"

namespace fhe::parameters {

/// One choice from the grid for one set.
struct SetPick {
  size_t glwe = 0, bootstrap = 0, lwe = 0, list = 0;
  ::fhe::tfhe::SwitchKind kind = ::fhe::tfhe::SwitchKind::plain;
  friend bool operator==(const SetPick &, const SetPick &) = default;
};

struct SetState {
  std::vector<SetPick> picks; ///< by class
  std::vector<size_t> homes;  ///< by block, a class
  size_t share = 0;           ///< of the noise that conversions may add, by number
};

/// A keyswitch or conversion that a state needs.
struct SwitchNeed {
  double room = HUGE_VAL; ///< variance it may add
  double count = 0, passes = 0;
  const KeyswitchChoice *choice = nullptr;
};

struct SwitchNeeds {
  std::vector<SwitchNeed> switches, conversions; ///< [from * classes + to]
};

class SetDescent {
public:
  /// All arguments must outlive it. `conversionLists`: by GLWE candidate, keyswitches to its
  /// flattened key. `keyMemory`: that the keys may take.
  SetDescent(const NetworkBlocks &blocks, const Grid &grid,
             const std::vector<std::vector<KeyswitchChoice>> &conversionLists,
             const OperationCosts &costs, const Limits &limits, uint64_t keyMemory);

  /// From `start` in every class down to where no single change helps; `cost` is its price.
  SetState run(const SetPick &start, double &cost) const;

  /// Infinite if the state keeps not everything right, exceeds a limit or costs `bound` or more.
  double price(const SetState &state, SwitchNeeds *needs = nullptr, double bound = HUGE_VAL) const;

  /// Rotations and products of a state.
  double withoutSwitches(const SetState &state) const;
  /// All uses of one keyswitch or conversion between chosen sets.
  double switchCost(const SwitchChoice &change, const std::vector<SetChoice> &sets) const;

  const GlweCandidate &glwe(const SetPick &pick) const { return grid.glwe()[pick.glwe]; }
  const KeyswitchList &list(const SetPick &pick) const {
    return grid.lwe()[pick.lwe].lists[pick.list];
  }
  const BootstrapChoice &bootstrap(const SetPick &pick) const {
    return glwe(pick).choices[pick.bootstrap];
  }

private:
  /// What the rotations and the switch of a class may add at most, whatever the others do.
  struct Bounds {
    double rotated = HUGE_VAL, switched = HUGE_VAL;
  };

  template <class Change> void tryChange(SetState &state, double &cost, Change change) const;
  double switchCost(const SwitchNeed &need, uint32_t from, uint32_t to, unsigned wordBits) const;
  double rotations(const SetPick &pick, size_t c) const {
    return blocks.tablesOf(c) * list(pick).key.dimension * steps[pick.glwe][pick.bootstrap];
  }
  Bounds boundsOf(size_t c) const;
  void improveClass(SetState &state, size_t c, double &cost) const;
  bool fillConversions(const SetState &state, const std::vector<double> &rotated,
                       SwitchNeeds &needs) const;
  bool fillNeeds(const SetState &state, SwitchNeeds &needs) const;
  bool withinLimits(const SetState &state, const SwitchNeeds &needs) const;

  const NetworkBlocks &blocks;
  const Grid &grid;
  const std::vector<std::vector<KeyswitchChoice>> &conversionLists;
  const OperationCosts &costs;
  const Limits &limits;
  const uint64_t keyMemory;
  const size_t classes;
  std::vector<double> products;           ///< by GLWE candidate
  std::vector<std::vector<double>> steps; ///< by GLWE candidate and bootstrap choice
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_SETDESCENT_H
