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
#include <span>

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

/// What all descents of one search share.
struct PricedGrid {
  PricedGrid(const Grid &grid, const OperationCosts &costs);

  const Grid &grid;
  const OperationCosts &costs;
  /// By GLWE candidate: keyswitches to its flattened key; the price of a product; by bootstrap choice
  /// that of a step.
  std::vector<std::vector<KeyswitchChoice>> conversions;
  std::vector<double> products;
  std::vector<std::vector<double>> steps;
};

class SetDescent {
public:
  /// All arguments must outlive it. `keyMemory`: that the keys may take.
  SetDescent(const NetworkBlocks &blocks, const PricedGrid &priced, const Limits &limits,
             uint64_t keyMemory)
      : blocks(blocks), priced(priced), grid(priced.grid), costs(priced.costs), limits(limits),
        keyMemory(keyMemory), classes(blocks.classes()) {}

  /// Down to where no single change helps; `cost` is the price of the state.
  void improve(SetState &state, double &cost) const;

  /// The sets of two classes once, as if the keyswitches between others cost what they cost now: much
  /// faster, and nearly as good where little has changed.
  void adjust(SetState &state, double &cost, size_t first, size_t second) const;

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
  SetChoice setOf(const SetPick &pick) const {
    return {grid.smallKey(list(pick).key, glwe(pick).key), glwe(pick).key, bootstrap(pick).digits,
            pick.kind};
  }

private:
  /// What a sum leaves for the noise of one class, were conversions and the keyswitches of others without
  /// any: table * rotated + fresh * that of a fresh encryption, and what keyswitch and modulus switch add
  /// if tables of the class look the sum up.
  struct Room {
    double table, fresh, limit;
    bool isSwitched;
    std::optional<size_t> glwe; ///< of the sum; none: the class's own

    /// Variance left for rotations; negative if none is.
    double leftFor(double freshVariance, double added = 0) const {
      const double left = limit - fresh * freshVariance - added;
      return left < 0 ? -1 : table > 0 ? left / table : HUGE_VAL;
    }
  };

  template <class Change> void tryChange(SetState &state, double &cost, Change change) const;
  double switchCost(const SwitchNeed &need, uint32_t from, uint32_t to, unsigned wordBits) const;
  /// The keyswitch and the conversion from one class to another.
  double switchCost(const SetState &state, const SwitchNeeds &needs, size_t from, size_t to) const;
  double rotations(const SetPick &pick, size_t c) const {
    return blocks.tablesOf(c) * list(pick).key.dimension * priced.steps[pick.glwe][pick.bootstrap];
  }
  /// Bits that the GLWE key of one pick has in common with the small key of another: those of a key
  /// nested in it.
  uint32_t sharedOf(const SetPick &from, const SetPick &to) const {
    const bool own = from.glwe == to.glwe && grid.isNested(list(to).key, glwe(to).key);
    return own ? list(to).key.dimension : 0;
  }
  double rotatedBy(const SetPick &pick) const {
    return list(pick).key.dimension * bootstrap(pick).perStep;
  }
  double switchedBy(const SetPick &pick) const {
    return grid.model().switchVariance(list(pick).key.dimension, glwe(pick).key.log2N, pick.kind);
  }
  /// Of all sums those that no other implies.
  std::vector<Room> roomsFor(const SetState &state, size_t c) const;
  /// What rotations of a pick's keys may add at most: with more, no choice of others keeps all sums right.
  double mostRotated(std::span<const Room> rooms, const SetPick &pick) const;
  /// The best pick for class `c`, all else as it is and costing at least `others`.
  void improveClass(SetState &state, size_t c, double &cost, double others) const;
  /// What classes other than `c` cost: rotations, products and keyswitches between them, as they are or
  /// with as few levels as whatever `c` becomes can leave them.
  double costOfOthers(const SetState &state, size_t c, bool atLeast) const;
  bool fillConversions(const SetState &state, std::span<const double> rotated,
                       SwitchNeeds &needs) const;
  /// Class `silent`, if any, counts as if it made no noise.
  bool fillNeeds(const SetState &state, SwitchNeeds &needs, size_t silent = SIZE_MAX) const;
  bool withinLimits(const SetState &state, const SwitchNeeds &needs) const;

  const NetworkBlocks &blocks;
  const PricedGrid &priced;
  const Grid &grid;
  const OperationCosts &costs;
  const Limits &limits;
  const uint64_t keyMemory;
  const size_t classes;
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_SETDESCENT_H
