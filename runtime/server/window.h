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

/// log2 of the slots that a test polynomial holds: all of the window, or without padding bit the
/// lower half.
inline uint32_t polynomialBits(const fhe_lookup_desc &op) {
  return op.width - (op.realization == FHE_REALIZATION_NEGACYCLIC ? 1 : 0);
}

/// Slots are counted modulo this plus 1: 2^(width+1), or 2^width without padding bit.
inline uint64_t slotMask(const fhe_lookup_desc &op) {
  return (uint64_t(2) << polynomialBits(op)) - 1;
}

/// What the table is read at for the integer v: v itself, or the step of 2^log2_step integers around it.
inline int64_t stepOf(const fhe_lookup_desc &op, int64_t v) {
  return op.log2_step ? int64_t(uint64_t(v) + (uint64_t(1) << (op.log2_step - 1))) >> op.log2_step : v;
}

/// Slot of integer v, at most slotMask.
inline uint64_t slotOf(const fhe_lookup_desc &op, int64_t v) {
  return (uint64_t(stepOf(op, v)) - uint64_t(op.lo) + op.guard) & slotMask(op);
}

/// How far v lies above the centre of its slot, in slots: 0 unless slots hold several integers.
inline double placeInSlot(const fhe_lookup_desc &op, int64_t v) {
  uint64_t centre = uint64_t(stepOf(op, v)) << op.log2_step;
  return double(int64_t(uint64_t(v) - centre)) / double(uint64_t(1) << op.log2_step);
}

/// Table t, result r.
inline const int32_t *tableOf(const fhe_lookup_desc &op, uint32_t t, uint32_t r) {
  return op.tables + (uint64_t(t) * op.results + r) * op.entries;
}

/// What a slot and the one half a turn further add up to, in table t of result r.
inline int64_t offsetOf(const fhe_lookup_desc &op, uint32_t t, uint32_t r) {
  return op.realization == FHE_REALIZATION_NEGACYCLIC ? op.offsets[uint64_t(t) * op.results + r] : 0;
}

/// Value of `slot` (at most slotMask) of table t, result r.
inline int64_t slotValue(const fhe_lookup_desc &op, uint32_t t, uint32_t r, uint64_t slot) {
  uint64_t half = uint64_t(1) << polynomialBits(op);
  bool upper = slot >= half;
  uint64_t place = upper ? slot - half : slot;
  uint64_t entry = place <= op.guard ? 0 : std::min(place - op.guard, op.entries - 1);
  int64_t value = tableOf(op, t, r)[entry];
  return upper ? offsetOf(op, t, r) - value : value;
}

/// Whether v is one of the integers that the tables cover.
inline bool isCovered(const fhe_lookup_desc &op, int64_t v) {
  return uint64_t(stepOf(op, v)) - uint64_t(op.lo) < op.entries;
}

/// Slot whose centre is nearest to position j of 2^log2N. With more positions than slots, a slot
/// takes the positions [centre - h, centre + h): the tie goes up, and the phase is shifted by half
/// a position before the modulus switch (`bodyShift`) so that the slot is symmetric about its
/// centre.
inline uint64_t slotOfPosition(const fhe_lookup_desc &op, uint64_t j, uint32_t log2N) {
  uint32_t bits = polynomialBits(op);
  if (bits >= log2N)
    return j << (bits - log2N);
  uint32_t shift = log2N - bits;
  return (j + (uint64_t(1) << (shift - 1))) >> shift;
}

/// Torus word added to each body before the keyswitch: moves lo to slot `guard` (and the half
/// position above).
inline uint64_t bodyShift(const fhe_lookup_desc &op, uint32_t log2N) {
  uint32_t bits = polynomialBits(op);
  uint64_t shift = (op.guard - uint64_t(op.lo)) << (63 - bits);
  return bits < log2N ? shift - (uint64_t(1) << (62 - log2N)) : shift;
}

/// Words of the test polynomial of table t, result r: 2^log2N coefficients. Without padding bit they
/// are the values less half the offset, which `resultShift` adds to each result.
inline void fillTestPolynomial(const fhe_lookup_desc &op, uint32_t t, uint32_t r, uint32_t log2N,
                               uint64_t *polynomial) {
  bool negacyclic = op.realization == FHE_REALIZATION_NEGACYCLIC;
  int64_t offset = offsetOf(op, t, r);
  for (uint64_t j = 0; j < uint64_t(1) << log2N; ++j) {
    int64_t value = slotValue(op, t, r, slotOfPosition(op, j, log2N));
    polynomial[j] = negacyclic ? uint64_t(2 * value - offset) << (op.log2_delta_out - 1)
                               : uint64_t(value) << op.log2_delta_out;
  }
}

/// Torus word added to the body of each bootstrap's result.
inline uint64_t resultShift(const fhe_lookup_desc &op, uint32_t t, uint32_t r) {
  return op.realization == FHE_REALIZATION_NEGACYCLIC
             ? uint64_t(offsetOf(op, t, r)) << (op.log2_delta_out - 1)
             : 0;
}

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_WINDOW_H
