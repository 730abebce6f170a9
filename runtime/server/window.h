//===- window.h - What a lookup means: slots, saturation, negacyclic wrap -----------------===//
//
// The one implementation of the window that fhe/abi.h describes. The integer executors look values
// up through `slotOf` and `slotValue`; the encrypted executor fills its test polynomials with the
// same two functions, so the semantics cannot drift apart.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_SERVER_WINDOW_H
#define FHE_RUNTIME_SERVER_WINDOW_H

#include "fhe/abi.h"

#include <algorithm>

namespace fhe::runtime {

/// Slot of integer v, in [0, 2^(width+1)).
inline uint64_t slotOf(const fhe_lookup_desc &op, int64_t v) {
  uint64_t mask = (uint64_t(2) << op.width) - 1;
  return (uint64_t(v) - uint64_t(op.lo) + op.guard) & mask;
}

/// Value of `slot` in [0, 2^(width+1)) for one table of op.entries values.
inline int64_t slotValue(const fhe_lookup_desc &op, const int32_t *table, uint64_t slot) {
  uint64_t window = uint64_t(1) << op.width;
  bool negated = slot >= window;
  uint64_t place = negated ? slot - window : slot;
  uint64_t entry = place <= op.guard ? 0 : std::min(place - op.guard, op.entries - 1);
  return negated ? -int64_t(table[entry]) : int64_t(table[entry]);
}

/// Table t, result r.
inline const int32_t *tableOf(const fhe_lookup_desc &op, uint32_t t, uint32_t r) {
  return op.tables + (uint64_t(t) * op.results + r) * op.entries;
}

/// Whether v is one of the integers that the tables cover.
inline bool isCovered(const fhe_lookup_desc &op, int64_t v) {
  return uint64_t(v) - uint64_t(op.lo) < op.entries;
}

/// Slot whose centre is nearest to position j of 2^log2N. With more positions than slots, a slot
/// takes the positions [centre - h, centre + h): the tie goes up, and the phase is shifted by half
/// a position before the modulus switch (`bodyShift`) so that the slot is symmetric about its
/// centre.
inline uint64_t slotOfPosition(const fhe_lookup_desc &op, uint64_t j, uint32_t log2N) {
  if (op.width >= log2N)
    return j << (op.width - log2N);
  uint32_t shift = log2N - op.width;
  return (j + (uint64_t(1) << (shift - 1))) >> shift;
}

/// Torus word added to each body before the keyswitch: moves lo to slot `guard` (and the half
/// position above).
inline uint64_t bodyShift(const fhe_lookup_desc &op, uint32_t log2N) {
  uint64_t shift = (op.guard - uint64_t(op.lo)) << (63 - op.width);
  return op.width < log2N ? shift - (uint64_t(1) << (62 - log2N)) : shift;
}

/// Words of the test polynomial of one table and result: 2^log2N coefficients.
inline void fillTestPolynomial(const fhe_lookup_desc &op, const int32_t *table, uint32_t log2N,
                               uint64_t *polynomial) {
  for (uint64_t j = 0; j < uint64_t(1) << log2N; ++j)
    polynomial[j] = uint64_t(slotValue(op, table, slotOfPosition(op, j, log2N)))
                    << op.log2_delta_out;
}

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_WINDOW_H
