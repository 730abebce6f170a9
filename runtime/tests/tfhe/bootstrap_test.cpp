//===- bootstrap_test.cpp - Keyswitch and programmable bootstrap with real parameters ---------===//
#include "runtime/tests/tfhe/support.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

std::span<const Isa> bestIsa() { return availableIsas().last(1); }

/// Encrypts every message of `bits` bits under the big key, keyswitches and bootstraps with two
/// tables, and checks every decrypted result.
void checkEveryMessage(const Keys &keys, const FourierBootstrapKey &bootstrapKey, unsigned bits,
                       size_t count) {
  const ParameterSet &set = keys.set;
  const unsigned shift = 63 - bits;
  const uint64_t values = uint64_t(1) << bits;
  std::vector<uint64_t> plaintexts(count);
  std::vector<uint32_t> tableOf(count);
  for (size_t c = 0; c < count; ++c) {
    plaintexts[c] = (c * 5 % values) << shift;
    tableOf[c] = uint32_t(c % 3 == 0);
  }
  auto square = [&](uint64_t m) { return m * m % values << shift; };
  auto reverse = [&](uint64_t m) { return (values - 1 - m) << shift; };
  std::vector<uint64_t> tables = testPolynomial(set.glwe.log2N, bits, square);
  std::vector<uint64_t> second = testPolynomial(set.glwe.log2N, bits, reverse);
  tables.insert(tables.end(), second.begin(), second.end());

  std::vector<uint64_t> in(count * set.glwe.lweWords()), switched(count * set.lwe.words()),
      out(count * set.glwe.lweWords()), phases(count);
  Generator mask(seedOf(20), {StreamUse::encryptionMask}),
      noise(seedOf(21), {StreamUse::encryptionNoise});
  encrypt(keys.big.flat(), plaintexts, set.glwe.log2Std, mask, noise, in.data());
  TestScratch switching(
      keyswitchScratchBytes(set.glwe.lweDimension(), set.lwe.dimension, set.keyswitch));
  TestScratch scratch(bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
  keyswitch(keys.keyswitch, in.data(), count, switched.data(), switching);
  bootstrap(bootstrapKey, switched.data(), count, tables.data(), tableOf.data(), out.data(),
            scratch);
  decryptPhases(keys.big.flat(), out.data(), phases);
  for (size_t c = 0; c < count; ++c) {
    const uint64_t m = plaintexts[c] >> shift;
    const uint64_t expected = tableOf[c] ? reverse(m) : square(m);
    const int64_t error = int64_t(phases[c] - expected);
    ASSERT_LT(std::abs(double(error)), std::exp2(shift - 1)) << "message " << m << " of " << c;
  }
}

} // namespace

// The 4-bit set of 2^-40 (775, 1, 2048, 1/23, 5/3) on every instruction set.
TEST(Bootstrap, FourBits) {
  Keys keys(curveSet(775, 1, 11, {23, 1}, {3, 5}), availableIsas());
  for (const FourierBootstrapKey &key : keys.bootstrap) {
    SCOPED_TRACE(name(key.isa()));
    checkEveryMessage(keys, key, 4, key.isa() == Isa::scalar ? 16 : 40);
  }
}

// k = 2 (3-bit set of 2^-40).
TEST(Bootstrap, ThreeBitsTwoMaskPolynomials) {
  Keys keys(curveSet(772, 2, 10, {23, 1}, {4, 3}), availableIsas());
  for (const FourierBootstrapKey &key : keys.bootstrap) {
    SCOPED_TRACE(name(key.isa()));
    checkEveryMessage(keys, key, 3, 16);
  }
}

// k = 5, N = 256, the smallest polynomials (1-bit set of 2^-40).
TEST(Bootstrap, OneBitSmallestPolynomials) {
  Keys keys(curveSet(676, 5, 8, {15, 1}, {4, 3}), availableIsas());
  for (const FourierBootstrapKey &key : keys.bootstrap) {
    SCOPED_TRACE(name(key.isa()));
    checkEveryMessage(keys, key, 1, 12);
  }
}

// Two levels (5-bit set of 2^-40, norm 2^4).
TEST(Bootstrap, FiveBitsTwoLevels) {
  Keys keys(curveSet(838, 1, 12, {15, 2}, {3, 5}), bestIsa());
  checkEveryMessage(keys, keys.bootstrap[0], 5, 32);
}
