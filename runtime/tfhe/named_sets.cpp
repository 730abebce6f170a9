//===- named_sets.cpp - Parameter sets with a name -------------------------------------------===//
#include "runtime/tfhe/named_sets.h"

#include "runtime/tfhe/noise.h"

#include <cmath>
#include <vector>

namespace fhe::tfhe {

/// A set of tfhe-rs with TUniform noise; bounds are in units of 64-bit words, as it states them.
static NamedSet peer(const char *name, unsigned bits, double norm, uint32_t n, uint32_t lweBound,
                     uint32_t k, uint32_t log2N, uint32_t glweBound, Decomposition bootstrap,
                     Decomposition keyswitch) {
  ParameterSet set;
  set.lwe = {n, tuniformLog2Std(lweBound), NoiseKind::tuniform};
  set.glwe = {k, log2N, tuniformLog2Std(glweBound), NoiseKind::tuniform};
  set.keyswitch = keyswitch;
  set.bootstrap = bootstrap;
  set.modulusSwitch = SwitchKind::centred;
  set = withKeyswitchWords(set, 32);
  return {name, set, 132, bits, norm, -128};
}

/// Norm 2^4, noise exactly on the curve.
static NamedSet own(const char *name, unsigned bits, uint32_t n, uint32_t log2N,
                    Decomposition bootstrap, Decomposition keyswitch) {
  ParameterSet set;
  set.lwe = {n, log2StdForDimension(n).value()};
  set.glwe = {1, log2N, log2StdForDimension(uint32_t(1) << log2N).value()};
  set.keyswitch = keyswitch;
  set.bootstrap = bootstrap;
  set = withKeyswitchWords(set, 32);
  return {name, set, 128, bits, 16, -40};
}

std::span<const NamedSet> namedSets() {
  static const std::vector<NamedSet> sets = {
      peer("m1c1", 2, 3, 879, 46, 4, 9, 17, {23, 1}, {5, 3}),
      peer("m2c2", 4, 5, 918, 45, 1, 11, 17, {23, 1}, {4, 4}),
      peer("m3c3", 6, 9, 1077, 41, 1, 13, 3, {15, 2}, {4, 5}),
      peer("m4c4", 8, 17, 1117, 40, 1, 16, 3, {11, 3}, {3, 7}),
      own("p4", 4, 775, 11, {23, 1}, {3, 5}),
      own("p5", 5, 838, 12, {15, 2}, {3, 5}),
      own("p6", 6, 896, 13, {15, 2}, {3, 6}),
      own("p7", 7, 965, 14, {15, 2}, {3, 6}),
      own("p8", 8, 1032, 15, {15, 2}, {3, 7}),
  };
  return sets;
}

const NamedSet *findNamedSet(std::string_view name) {
  for (const NamedSet &set : namedSets())
    if (set.name == name)
      return &set;
  return nullptr;
}

double NamedSet::log2FailureProbability() const {
  const double variance = tableInputVariance(set, norm * norm * tableOutputVariance(set));
  return log2ErrorProbability(halfSlot(bits, Padding::one), variance);
}

ParameterSet withKeyswitchWords(const ParameterSet &set, unsigned wordBits) {
  ParameterSet result = set;
  if (set.lwe.noiseKind == NoiseKind::tuniform && wordBits != set.lwe.wordBits) {
    const uint32_t bound = tuniformBound(set.lwe.log2Std, set.lwe.wordBits).value();
    result.lwe.log2Std = tuniformLog2Std(bound + wordBits - set.lwe.wordBits, wordBits);
  }
  result.lwe.wordBits = wordBits;
  return result;
}

} // namespace fhe::tfhe
