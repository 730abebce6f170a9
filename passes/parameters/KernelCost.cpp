//===- KernelCost.cpp - Prices of TFHE operations, sizes of keys -----------------------------===//
#include "passes/parameters/KernelCost.h"

namespace fhe::parameters {

const KernelRates &committedRates() {
  static constexpr KernelRates rates = {
      .fftFlopsPerSecond = 3.2e10,
      .cachedMacsPerSecond = 4.3e9,
      .streamedMacsPerSecond = 9.0e8,
      .cacheBytes = 7 << 18,
      .keyswitch64PerSecond = 3.3e10,
      .keyswitch32PerSecond = 6.5e10,
      .keyBytesPerSecond = 1.2e10,
      .linearPerSecond = 2.0e10,
  };
  return rates;
}

double KernelCosts::cmux(const ::fhe::tfhe::GlweKey &glwe, unsigned levels) const {
  // A real negacyclic transform of N coefficients is a complex FFT of N/2 points.
  const double k = glwe.k, points = glwe.polynomialSize() / 2.0;
  const double flops = (k + 1) * (levels + 1) * 5 * points * (glwe.log2N - 1.0);
  const double macs = (k + 1) * (k + 1) * levels * points;
  // Two elements of the key (one is on its way) and eight accumulators, 16 bytes a point: of what
  // exceeds the cache each pass reads everything again.
  const double resident = 2 * macs * 16 + 8 * (k + 1) * points * 16;
  const double streamed = resident > rates.cacheBytes ? 1 - rates.cacheBytes / resident : 0;
  return flops / rates.fftFlopsPerSecond +
         macs * ((1 - streamed) / rates.cachedMacsPerSecond +
                 streamed / rates.streamedMacsPerSecond);
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
         costs.keyswitch(set.glwe.lweDimension(), set.lwe.dimension, set.keyswitch.levels,
                         set.keyswitchWordBits());
}

double lookupSeconds(const ::fhe::tfhe::ParameterSet &set) {
  return tableCost(set, KernelCosts());
}

KeyBytes evaluationKeyBytes(const ::fhe::tfhe::ParameterSet &set) {
  // Stored rows hold bodies only, masks grow from a seed: one word a keyswitch row, one polynomial
  // a row of a GGSW.
  uint64_t keyswitchRows = uint64_t(set.glwe.lweDimension()) * set.keyswitch.levels;
  uint64_t bootstrapRows = uint64_t(set.lwe.dimension) * set.bootstrap.levels * (set.glwe.k + 1);
  KeyBytes bytes;
  bytes.stored =
      set.keyswitchWordBits() / 8 * keyswitchRows + 8 * bootstrapRows * set.glwe.polynomialSize();
  bytes.memory = ::fhe::tfhe::keyswitchKeyBytes(set.glwe.lweDimension(), set.lwe.dimension,
                                                set.keyswitch, set.keyswitchWordBits()) +
                 ::fhe::tfhe::bootstrapKeyBytes(set.lwe.dimension, set.glwe, set.bootstrap);
  return bytes;
}

uint64_t ciphertextBytes(const ::fhe::tfhe::ParameterSet &set) { return 8 * set.glwe.lweWords(); }

} // namespace fhe::parameters
