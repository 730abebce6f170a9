//===- KernelCost.cpp - Prices of TFHE operations, sizes of keys -----------------------------===//
#include "passes/parameters/KernelCost.h"

namespace fhe::parameters {

const KernelRates &committedRates() {
  // Printed by fhe_shape_bench.
  static constexpr KernelRates rates = {
      .fftFlopsPerSecond = 3.512e+10,
      .macsPerSecond = 4459000000,
      .nearWordsPerSecond = 4651000000,
      .farWordsPerSecond = 1702000000,
      .nearBytes = 3527000,
      .farBytes = 23730000,
      .keyswitch64PerSecond = 3.593e+10,
      .keyswitch32PerSecond = 7.604e+10,
      .keyBytesPerSecond = 1.667e+10,
      .linearPerSecond = 2.93e+10,
      .bootstrapKeyBytesPerSecond = 2.084e+10,
      .copyBytesPerSecond = 2.59e+10,
      .allCores = 2,
      .allCoresSlowdown = 1,
  };
  return rates;
}

/// What of `bytes` does not fit `cache`, as a share.
static double beyond(double bytes, double cache) { return bytes > cache ? 1 - cache / bytes : 0; }

StepWork stepWork(const ::fhe::tfhe::GlweKey &glwe, unsigned levels, const KernelRates &rates) {
  // A real negacyclic transform of N coefficients is a complex FFT of N/2 points.
  const double columns = glwe.k + 1.0, points = glwe.polynomialSize() / 2.0;
  StepWork work;
  work.flops = columns * (levels + 1) * 5 * points * (glwe.log2N - 1.0);
  work.macs = columns * columns * levels * points;
  // Accumulators, and rows written by one pass and read by the next.
  const double words = columns * (levels + 2) * 2 * points;
  const double set = 2 * work.macs * 16 + 8 * columns * (levels + 1) * points * 16;
  work.nearWords = words * beyond(set, rates.nearBytes);
  work.farWords = words * beyond(set, rates.farBytes);
  return work;
}

double KernelCosts::cmux(const ::fhe::tfhe::GlweKey &glwe, unsigned levels) const {
  const StepWork work = stepWork(glwe, levels, rates);
  return work.flops / rates.fftFlopsPerSecond + work.macs / rates.macsPerSecond +
         work.nearWords / rates.nearWordsPerSecond + work.farWords / rates.farWordsPerSecond;
}

double KernelCosts::keyswitch(uint32_t in, uint32_t out, unsigned levels,
                              unsigned wordBits) const {
  return double(in) * levels * (out + 1.0) /
         (wordBits == 32 ? rates.keyswitch32PerSecond : rates.keyswitch64PerSecond);
}

double KernelCosts::keyPass(uint64_t bytes) const {
  return double(bytes) / rates.keyBytesPerSecond;
}

double KernelCosts::product(const ::fhe::tfhe::GlweKey &glwe) const {
  return double(glwe.lweWords()) / rates.linearPerSecond;
}

double tableCost(const ::fhe::tfhe::ParameterSet &set, const OperationCosts &costs) {
  return set.lwe.dimension * costs.cmux(set.glwe, set.bootstrap.levels) +
         costs.keyswitch(set.glwe.lweDimension() - set.sharedCoefficients(), set.lwe.dimension,
                         set.keyswitch.levels, set.keyswitchWordBits());
}

double lookupSeconds(const ::fhe::tfhe::ParameterSet &set, const KernelRates &rates) {
  return tableCost(set, KernelCosts(rates));
}

KeyBytes evaluationKeyBytes(const ::fhe::tfhe::ParameterSet &set) {
  // Stored rows hold bodies only, masks grow from a seed: one word a keyswitch row, one polynomial
  // a row of a GGSW.
  const uint32_t switched = set.glwe.lweDimension() - set.sharedCoefficients();
  uint64_t keyswitchRows = uint64_t(switched) * set.keyswitch.levels;
  uint64_t bootstrapRows = uint64_t(set.lwe.dimension) * set.bootstrap.levels * (set.glwe.k + 1);
  KeyBytes bytes;
  bytes.stored =
      set.keyswitchWordBits() / 8 * keyswitchRows + 8 * bootstrapRows * set.glwe.polynomialSize();
  bytes.memory = ::fhe::tfhe::keyswitchKeyBytes(switched, set.lwe.dimension, set.keyswitch,
                                                set.keyswitchWordBits()) +
                 ::fhe::tfhe::bootstrapKeyBytes(set.lwe.dimension, set.glwe, set.bootstrap);
  return bytes;
}

uint64_t scratchBytes(const ::fhe::tfhe::ParameterSet &set, uint64_t inputBytes) {
  constexpr uint64_t batch = 16;
  uint64_t polynomial = 8 * uint64_t(set.glwe.polynomialSize()), columns = set.glwe.k + 1;
  return batch * (columns * polynomial + 8 * set.lwe.words() + inputBytes) +
         set.bootstrap.levels * columns * polynomial;
}

uint64_t ciphertextBytes(const ::fhe::tfhe::ParameterSet &set) { return 8 * set.glwe.lweWords(); }

} // namespace fhe::parameters
