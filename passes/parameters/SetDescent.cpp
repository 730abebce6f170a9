//===- SetDescent.cpp - Parameter sets of a network, improved one by one ----------------------===//
#include "passes/parameters/SetDescent.h"
#include <algorithm>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

/// Noise of a conversion as a share of the noise of what it converts.
static constexpr double conversionShares[] = {1, 64, 16, 4, 0.25, 0.0625};

PricedGrid::PricedGrid(const Grid &grid, const OperationCosts &costs) : grid(grid), costs(costs) {
  for (const GlweCandidate &glwe : grid.glwe()) {
    conversions.push_back(keyswitchChoices(glwe.fresh, torusBits, grid.space().maxBaseLog));
    products.push_back(costs.product(glwe.key));
    steps.emplace_back();
    for (const BootstrapChoice &choice : glwe.choices)
      steps.back().push_back(costs.cmux(glwe.key, choice.digits.levels));
  }
}

template <class Change>
void SetDescent::tryChange(SetState &state, double &cost, Change change) const {
  SetState changed = state;
  change(changed);
  double changedCost = price(changed, nullptr, cost);
  if (changedCost < cost) {
    state = std::move(changed);
    cost = changedCost;
  }
}

void SetDescent::improve(SetState &state, double &cost) const {
  for (double before = HUGE_VAL; cost < before;) {
    before = cost;
    for (size_t c = 0; c != classes; ++c)
      improveClass(state, c, cost, costOfOthers(state, c, /*atLeast=*/true));
    for (size_t block = 0; block != blocks.count(); ++block)
      for (size_t home = 0; home != classes; ++home)
        tryChange(state, cost, [&](SetState &changed) { changed.homes[block] = home; });
    for (size_t share = 0; share != std::size(conversionShares); ++share)
      tryChange(state, cost, [&](SetState &changed) { changed.share = share; });
  }
}

void SetDescent::adjust(SetState &state, double &cost, size_t first, size_t second) const {
  for (size_t c : {first, second})
    improveClass(state, c, cost, costOfOthers(state, c, /*atLeast=*/false));
}

double SetDescent::withoutSwitches(const SetState &state) const {
  double cost = 0;
  for (size_t c = 0; c != classes; ++c)
    cost += rotations(state.picks[c], c);
  for (size_t block = 0; block != blocks.count(); ++block)
    cost += blocks.products(block) * priced.products[state.picks[state.homes[block]].glwe];
  return cost;
}

double SetDescent::switchCost(const SwitchChoice &change,
                              const std::vector<SetChoice> &sets) const {
  const SetChoice &to = sets[change.to];
  const uint32_t from =
      sets[change.from].glwe.lweDimension() - parameters::sharedOf(change, sets);
  const uint32_t outputs = change.conversion ? to.glwe.lweDimension() : to.lwe.dimension;
  const unsigned wordBits = change.conversion ? torusBits : to.lwe.wordBits;
  return change.count * costs.keyswitch(from, outputs, change.digits.levels, wordBits) +
         change.passes * costs.keyPass(keyswitchKeyBytes(from, outputs, change.digits, wordBits));
}

double SetDescent::switchCost(const SwitchNeed &need, uint32_t from, uint32_t to,
                              unsigned wordBits) const {
  const Decomposition &digits = need.choice->digits;
  return need.count * costs.keyswitch(from, to, digits.levels, wordBits) +
         need.passes * costs.keyPass(keyswitchKeyBytes(from, to, digits, wordBits));
}

std::vector<SetDescent::Room> SetDescent::roomsFor(const SetState &state, size_t c) const {
  std::vector<Room> rooms;
  for (const BlockSum &sum : blocks.sums()) {
    const size_t home = state.homes[sum.block];
    Room room{sum.table[c], home == c ? sum.fresh : 0, sum.limit, sum.isTable && sum.user == c,
              home == c ? std::nullopt : std::optional(state.picks[home].glwe)};
    if (home != c)
      room.limit -= sum.fresh * glwe(state.picks[home]).fresh;
    if (sum.isTable && sum.user != c)
      room.limit -= switchedBy(state.picks[sum.user]);
    for (size_t d = 0; d != classes; ++d)
      if (d != c)
        room.limit -= sum.table[d] * rotatedBy(state.picks[d]);
    // Which of them binds is not for rounding to say.
    room.limit += 1e-9 * sum.limit;
    auto implies = [](const Room &a, const Room &b) {
      return a.table >= b.table && a.fresh >= b.fresh && a.limit <= b.limit &&
             (!b.isSwitched || (a.isSwitched && a.glwe == b.glwe));
    };
    if (std::any_of(rooms.begin(), rooms.end(),
                    [&](const Room &other) { return implies(other, room); }))
      continue;
    std::erase_if(rooms, [&](const Room &other) { return implies(room, other); });
    rooms.push_back(room);
  }
  return rooms;
}

double SetDescent::mostRotated(std::span<const Room> rooms, const SetPick &pick) const {
  const double switched = switchedBy(pick), fresh = glwe(pick).fresh;
  double most = -1;
  for (SetPick with = pick; with.list != grid.lwe()[pick.lwe].lists.size(); ++with.list) {
    const KeyswitchList &keys = list(with);
    double left = HUGE_VAL;
    for (const Room &room : rooms) {
      double added = 0;
      if (room.isSwitched) {
        const size_t from = room.glwe.value_or(pick.glwe);
        const uint32_t shared = from == pick.glwe ? sharedOf(with, with) : 0;
        added = switched + keys.choices.back().variance(grid.glwe()[from].key.lweDimension(), shared,
                                                        keys.wordBits);
      }
      left = std::min(left, room.leftFor(fresh, added));
      if (left <= most)
        break;
    }
    most = std::max(most, left);
  }
  return most;
}


void SetDescent::improveClass(SetState &state, size_t c, double &cost, double others) const {
  const std::vector<Room> rooms = roomsFor(state, c);
  SetState tried = state;
  SwitchNeeds needs;
  SetPick &pick = tried.picks[c];
  for (pick.glwe = 0; pick.glwe != grid.glwe().size(); ++pick.glwe) {
    const std::vector<BootstrapChoice> &choices = grid.glwe()[pick.glwe].choices;
    const std::vector<double> &steps = priced.steps[pick.glwe];
    double free = HUGE_VAL; // for rotations, were nothing switched
    for (const Room &room : rooms)
      free = std::min(free, room.leftFor(grid.glwe()[pick.glwe].fresh));
    size_t fewest = 0; // levels, by number
    for (pick.lwe = 0; pick.lwe != grid.lwe().size(); ++pick.lwe) {
      const LweCandidate &lwe = grid.lwe()[pick.lwe];
      if (lwe.kind != grid.glwe()[pick.glwe].key.noiseKind)
        continue;
      while (fewest != choices.size() && lwe.dimension * choices[fewest].perStep > free)
        ++fewest;
      const double perStep = blocks.tablesOf(c) * lwe.dimension;
      if (fewest == choices.size() || others + perStep * steps[fewest] > cost)
        break; // longer keys only cost more and make more noise
      for (SwitchKind kind : grid.space().switches) {
        pick.kind = kind;
        const double most = mostRotated(rooms, pick);
        auto first = std::partition_point(choices.begin(), choices.end(), [&](const BootstrapChoice &choice) {
          return lwe.dimension * choice.perStep > most;
        });
        for (pick.bootstrap = first - choices.begin(); pick.bootstrap != choices.size(); ++pick.bootstrap) {
          if (others + perStep * steps[pick.bootstrap] > cost)
            break;
          for (pick.list = 0; pick.list != lwe.lists.size(); ++pick.list) {
            double found = price(tried, &needs, cost);
            if (found < cost) {
              cost = found;
              state = tried;
            }
          }
          pick.list = 0;
        }
      }
    }
  }
}

/// Of sources that are used under another key than their own: the least levels that add at most the
/// state's share of their noise.
bool SetDescent::fillConversions(const SetState &state, std::span<const double> rotated,
                                 SwitchNeeds &needs) const {
  for (size_t block = 0; block != blocks.count(); ++block) {
    const size_t home = state.homes[block];
    for (size_t c = 0; c != classes; ++c) {
      if (!(blocks.produced(block, c) > 0) || state.picks[c].glwe == state.picks[home].glwe)
        continue; // one key
      SwitchNeed &need = needs.conversions[c * classes + home];
      need.count += blocks.produced(block, c);
      need.passes += blocks.producedPasses(block, c);
      need.room = conversionShares[state.share] * rotated[c];
      const auto &choices = priced.conversions[state.picks[home].glwe];
      const uint32_t inputs = glwe(state.picks[c]).key.lweDimension();
      auto found = std::partition_point(
          choices.begin(), choices.end(),
          [&](const KeyswitchChoice &choice) { return choice.variance(inputs) > need.room; });
      if (found == choices.end())
        return false;
      need.choice = &*found;
    }
  }
  return true;
}

/// Noise of sources, room for keyswitches, and the least levels that do.
bool SetDescent::fillNeeds(const SetState &state, SwitchNeeds &needs, size_t silent) const {
  needs.switches.assign(classes * classes, {});
  needs.conversions.assign(classes * classes, {});
  std::vector<double> rotated(classes), switched(classes);
  for (size_t c = 0; c != classes; ++c) {
    const SetPick &pick = state.picks[c];
    rotated[c] = rotatedBy(pick);
    switched[c] = switchedBy(pick);
  }
  if (!fillConversions(state, rotated, needs))
    return false;
  for (const BlockSum &sum : blocks.sums()) {
    const size_t home = state.homes[sum.block];
    double variance = home == silent ? 0 : sum.fresh * glwe(state.picks[home]).fresh;
    for (size_t c = 0; c != classes; ++c) {
      if (sum.table[c] == 0 || c == silent)
        continue;
      const KeyswitchChoice *conversion = needs.conversions[c * classes + home].choice;
      variance += sum.table[c] *
                  (rotated[c] + (conversion ? conversion->variance(
                                                  glwe(state.picks[c]).key.lweDimension())
                                            : 0));
    }
    const bool isSwitched = sum.isTable && sum.user != silent;
    const double room = sum.limit - variance - (isSwitched ? switched[sum.user] : 0);
    if (!(room >= 0))
      return false;
    if (sum.isTable) {
      SwitchNeed &need = needs.switches[home * classes + sum.user];
      need.room = std::min(need.room, room);
    }
  }
  for (size_t block = 0; block != blocks.count(); ++block)
    for (size_t c = 0; c != classes; ++c) {
      SwitchNeed &need = needs.switches[state.homes[block] * classes + c];
      need.count += blocks.switched(block, c);
      need.passes += blocks.switchedPasses(block, c);
    }
  for (size_t from = 0; from != classes; ++from)
    for (size_t to = 0; to != classes; ++to) {
      SwitchNeed &need = needs.switches[from * classes + to];
      if (need.count > 0) {
        need.choice = list(state.picks[to])
                          .within(need.room, glwe(state.picks[from]).key.lweDimension(),
                                  sharedOf(state.picks[from], state.picks[to]));
        if (!need.choice)
          return false;
      }
    }
  return true;
}

double SetDescent::switchCost(const SetState &state, const SwitchNeeds &needs, size_t from,
                              size_t to) const {
  const uint32_t inputs = glwe(state.picks[from]).key.lweDimension();
  const SwitchNeed &plain = needs.switches[from * classes + to];
  const SwitchNeed &conversion = needs.conversions[from * classes + to];
  double cost = 0;
  if (plain.choice) {
    const KeyswitchList &target = list(state.picks[to]);
    const uint32_t shared = sharedOf(state.picks[from], state.picks[to]);
    cost += switchCost(plain, inputs - shared, target.key.dimension, target.wordBits);
  }
  if (conversion.choice)
    cost += switchCost(conversion, inputs, glwe(state.picks[to]).key.lweDimension(), torusBits);
  return cost;
}

double SetDescent::costOfOthers(const SetState &state, size_t c, bool atLeast) const {
  SwitchNeeds needs;
  double cost = 0;
  for (size_t d = 0; d != classes; ++d)
    if (d != c)
      cost += rotations(state.picks[d], d);
  for (size_t block = 0; block != blocks.count(); ++block)
    if (state.homes[block] != c)
      cost += blocks.products(block) * priced.products[state.picks[state.homes[block]].glwe];
  if (!fillNeeds(state, needs, atLeast ? c : SIZE_MAX))
    return cost;
  for (size_t from = 0; from != classes; ++from)
    for (size_t to = 0; to != classes; ++to)
      if (from != c && to != c)
        cost += switchCost(state, needs, from, to);
  return cost;
}

double SetDescent::price(const SetState &state, SwitchNeeds *result, double bound) const {
  SwitchNeeds own;
  SwitchNeeds &needs = result ? *result : own;
  double cost = withoutSwitches(state);
  if (cost >= bound || !fillNeeds(state, needs))
    return HUGE_VAL;
  for (size_t from = 0; from != classes; ++from)
    for (size_t to = 0; to != classes; ++to)
      cost += switchCost(state, needs, from, to);
  return cost < bound && withinLimits(state, needs) ? cost : HUGE_VAL;
}

bool SetDescent::withinLimits(const SetState &state, const SwitchNeeds &needs) const {
  KeyBytes total;
  uint64_t widest = 0, scratch = 0;
  double tables = 0;
  struct Seen {
    size_t from;
    LweKey to;
    uint32_t shared;
    bool operator==(const Seen &) const = default;
  };
  std::vector<Seen> seen; // classes with equal picks share their keys
  auto addSwitch = [&](const SetPick &fromPick, const LweKey &to, const Decomposition &digits,
                       uint32_t shared = 0) {
    Seen key{fromPick.glwe, to, shared};
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return;
    seen.push_back(key);
    const uint32_t from = glwe(fromPick).key.lweDimension() - shared;
    total.stored += uint64_t(to.wordBits / 8) * from * digits.levels;
    total.memory += keyswitchKeyBytes(from, to.dimension, digits, to.wordBits);
  };
  for (size_t c = 0; c != classes; ++c) {
    const SetPick &pick = state.picks[c];
    const GlweKey &key = glwe(pick).key;
    widest = std::max(widest, key.lweWords() * 8);
    tables += blocks.polynomialsOf(c) * double(8 * uint64_t(key.polynomialSize()));
    scratch = std::max(scratch, scratchBytes({list(pick).key, key, {}, bootstrap(pick).digits},
                                             key.lweWords() * 8));
    for (size_t to = 0; to != classes; ++to) {
      if (const auto *choice = needs.switches[c * classes + to].choice)
        addSwitch(pick, list(state.picks[to]).key, choice->digits,
                  sharedOf(pick, state.picks[to]));
      if (const auto *choice = needs.conversions[c * classes + to].choice)
        addSwitch(pick, {glwe(state.picks[to]).key.lweDimension()}, choice->digits);
    }
    if (std::find(state.picks.begin(), state.picks.begin() + c, pick) !=
        state.picks.begin() + c)
      continue; // the same bootstrap key
    const Decomposition &digits = bootstrap(pick).digits;
    total.stored += uint64_t(8) * list(pick).key.dimension * digits.levels * (key.k + 1) *
                    key.polynomialSize();
    total.memory += bootstrapKeyBytes(list(pick).key.dimension, key, digits);
  }
  return total.memory <= keyMemory && (!limits.keyBytes || total.stored <= *limits.keyBytes) &&
         (!limits.memoryBytes || double(total.memory + scratch) + tables +
                                     blocks.ciphertexts() * double(widest) <=
                                 double(*limits.memoryBytes));
}

} // namespace fhe::parameters
