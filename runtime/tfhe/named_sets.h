//===- named_sets.h - Parameter sets with a name ---------------------------------------------===//
//
// The sets that benchmarks, tests and documentation speak of: m1c1 .. m4c4 are those of tfhe-rs for
// 2^-128 (V1_4, TUniform noise, centred switch, 132-bit curve), p4 .. p8 are for 2^-40 at norm 2^4
// (Gaussian noise on the 128-bit curve, plain switch). All have 32-bit keyswitch words, which cost
// no precision. Whoever expects something of a set reads it here.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_NAMED_SETS_H
#define FHE_RUNTIME_TFHE_NAMED_SETS_H

#include "runtime/tfhe/parameters.h"

#include <span>
#include <string_view>

namespace fhe::tfhe {

struct NamedSet {
  const char *name;
  ParameterSet set;
  unsigned security;       ///< The curve its noise lies on or above: 128 or 132.
  unsigned bits;           ///< Of a table's input, with one padding bit.
  double norm;             ///< 2-norm of the weights that the failure probability allows for.
  double log2FailureGoal;  ///< What the set was chosen for.

  /// log2 of the probability that one table of `bits` bits, whose input is a sum of outputs of
  /// bootstraps with weights of 2-norm `norm`, is read a slot off.
  double log2FailureProbability() const;
};

/// All named sets: m1c1, m2c2, m3c3, m4c4, p4, p5, p6, p7, p8.
std::span<const NamedSet> namedSets();

/// The set of that name, or null.
const NamedSet *findNamedSet(std::string_view name);

/// The set with keyswitch words of 32 or 64 bits: TUniform keeps its bound relative to the torus,
/// Gaussian noise its standard deviation.
ParameterSet withKeyswitchWords(const ParameterSet &set, unsigned wordBits);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_NAMED_SETS_H
