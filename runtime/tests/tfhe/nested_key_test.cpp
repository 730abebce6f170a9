//===- nested_key_test.cpp - Small keys that are the first bits of the GLWE key --------------===//
#include "runtime/tests/tfhe/conditioned_noise.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

/// A 5-bit set with N = 4096 of which 2560 coefficients are live, the first 878 being the small key.
ParameterSet nestedSet(unsigned wordBits) {
  ParameterSet set;
  set.lwe = {878, tuniformLog2Std(47 - (64 - wordBits), wordBits), NoiseKind::tuniform, wordBits};
  set.lwe.nested = true;
  set.glwe = {1, 12, tuniformLog2Std(3), NoiseKind::tuniform, 2560};
  set.keyswitch = {3, 5};
  set.bootstrap = {15, 2};
  set.modulusSwitch = SwitchKind::centred;
  return set;
}

/// Errors of `count` keyswitches of random words, less `mean`.
MeasuredErrors switchErrors(const LweKeyswitchKey &key, const LweSecretKey &input,
                            const LweSecretKey &output, size_t count, double mean) {
  const KeyswitchShape &shape = key.shape();
  const size_t batch = 256, wordsIn = shape.inputDimension + size_t(1);
  std::vector<uint64_t> in(batch * wordsIn), out(batch * shape.words());
  std::vector<uint64_t> before(batch), after(batch);
  TestScratch scratch(keyswitchScratchBytes(shape, key.isa()));
  Generator random(seedOf(83), {StreamUse::derivedSeed});
  MeasuredErrors errors;
  while (errors.count < count) {
    random.fill(std::span<uint64_t>(in));
    keyswitch(key, in.data(), batch, out.data(), scratch);
    decryptPhases(input, in.data(), before);
    decryptPhases(output, out.data(), after);
    for (size_t c = 0; c < batch; ++c)
      errors.add(toTorus(after[c] - before[c]) - mean);
  }
  return errors;
}

} // namespace

TEST(NestedKey, IsThePrefixOfTheOuterKey) {
  const GlweSecretKey big(2, 9, seedOf(7), 1, 700), whole(2, 9, seedOf(7), 1);
  for (uint32_t n : {1u, 300u, 512u, 699u, 700u}) {
    LweSecretKey small(big.flat(), n);
    ASSERT_EQ(small.dimension(), n);
    EXPECT_TRUE(std::ranges::equal(small.bits(), whole.flat().bits().first(n)));
    LweSecretKey moved(std::move(small));
    EXPECT_EQ(moved.dimension(), n);
    EXPECT_EQ(small.dimension(), 0u);
  }
}

TEST(NestedKey, MustBeAskedFor) {
  ParameterSet set = nestedSet(32);
  EXPECT_EQ(checkBounds(set), "");
  EXPECT_NE(checkSecurity(set).find("asked for"), std::string::npos);
  EXPECT_NE(checkSecurity(set, 128, KeyAssumptions::partialKeys).find("nested"), std::string::npos);
  EXPECT_NE(checkSecurity(set, 128, KeyAssumptions::nestedKeys).find("partial"),
            std::string::npos);
  EXPECT_EQ(checkSecurity(set, 128, KeyAssumptions::extended), "");
  // The small key's own dimension is what the curve is asked at.
  set.lwe.log2Std = tuniformLog2Std(12, 32);
  EXPECT_NE(checkSecurity(set, 128, KeyAssumptions::extended), "");
  set = nestedSet(32);
  set.glwe.live = 0;
  EXPECT_EQ(checkSecurity(set, 128, KeyAssumptions::nestedKeys), "") << "whole keys nest too";
  set.glwe.live = 878;
  EXPECT_NE(checkBounds(set).find("allowed are 1 to 877"), std::string::npos);
  set.glwe.live = 879;
  EXPECT_EQ(checkBounds(set), "");
}

TEST(NestedKey, SizesAndNoiseCountTheOtherCoefficients) {
  ParameterSet nested = nestedSet(32), apart = nested;
  apart.lwe.nested = false;
  const KeyswitchShape shape(nested);
  EXPECT_EQ(shape.inputDimension, 2560u);
  EXPECT_EQ(shape.shared, 878u);
  EXPECT_EQ(shape.coefficients(), 1682u);
  EXPECT_EQ(KeyswitchShape(apart).coefficients(), 2560u);
  EXPECT_EQ(keyswitchKeyBytes(shape.coefficients(), 878, nested.keyswitch, 32),
            shape.allWords() * 4);
  EXPECT_LT(LweKeyswitchKey::bytes(shape), LweKeyswitchKey::bytes(KeyswitchShape(apart)) * 0.67);
  // The rounding of 878 words to 32 bits is little next to the key's noise.
  const double noise = tableInputVariance(apart, 0) - tableInputVariance(nested, 0);
  const double variance = freshVariance(nested.lwe.log2Std);
  EXPECT_NEAR(noise, keyswitchVariance(878, nested.keyswitch, variance, 32), noise * 1e-5);
  EXPECT_EQ(sharedVariance(878, 64), 0);
  EXPECT_DOUBLE_EQ(sharedVariance(878, 32), 878 / 24.0 * 0x1p-64);
}

// Encryptions of a tiny key under its own prefix: the phase survives, on every instruction set.
TEST(NestedKey, KeyswitchKeepsThePhase) {
  for (uint32_t wordBits : {32u, 64u})
    for (Decomposition digits : {Decomposition{4, 4}, Decomposition{11, 2}}) {
      const LweSecretKey outer(75, seedOf(8), 0), inner(outer, 30);
      const KeyswitchShape shape(75, 30, digits, wordBits, 30);
      for (Isa isa : availableIsas()) {
        LweKeyswitchKey key(shape, isa);
        fillKeyswitchKey(key, outer, inner, Noise(-32), {seedOf(9), seedOf(10), 0});
        const MeasuredErrors errors = switchErrors(key, outer, inner, 512, 0);
        const double expected =
            keyswitchVariance(75, digits, freshVariance(-32), wordBits, 30);
        EXPECT_LT(errors.squares / double(errors.count), 2 * expected) << name(isa);
        EXPECT_GT(errors.squares / double(errors.count), expected / 2) << name(isa);
      }
    }
}

// A linear layer's sums through a nested keyswitch with either word width and a bootstrap.
TEST(NestedKey, LinearKeyswitchBootstrap) {
  for (unsigned wordBits : {32u, 64u}) {
    const ParameterSet set = nestedSet(wordBits);
    ASSERT_EQ(checkSecurity(set, 128, KeyAssumptions::extended), "");
    Keys keys(set, availableIsas().last(1), 80);
    const unsigned bits = 5, shift = 63 - bits;
    const size_t count = 32, words = set.glwe.lweWords();
    std::vector<uint64_t> plaintexts(count), phases(count), in(count * words);
    std::vector<uint64_t> small(count * set.lwe.words()), out(count * words);
    for (size_t c = 0; c < count; ++c)
      plaintexts[c] = c << shift;
    Generator mask(seedOf(81), {StreamUse::encryptionMask});
    Generator noise(seedOf(82), {StreamUse::encryptionNoise});
    encrypt(keys.big.flat(), plaintexts, set.glwe.noise(), mask, noise, in.data());
    // Three times each ciphertext, less twice the next.
    std::vector<uint64_t> sums(in.size());
    for (size_t c = 0; c < count; ++c)
      for (size_t w = 0; w < words; ++w)
        sums[c * words + w] = 3 * in[c * words + w] - 2 * in[(c + 1) % count * words + w];
    TestScratch switching(keyswitchScratchBytes(KeyswitchShape(set)));
    TestScratch scratch(bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
    auto square = [&](uint64_t m) { return m * m % 32 << shift; };
    std::vector<uint64_t> table = testPolynomial(set.glwe.log2N, bits, square);
    keyswitch(keys.keyswitch, sums.data(), count, small.data(), switching);
    bootstrap(keys.bootstrap[0], small.data(), count, table.data(), nullptr, out.data(), scratch,
              set.modulusSwitch);
    decryptPhases(keys.big.flat(), out.data(), phases);
    for (size_t c = 0; c < count; ++c) {
      const uint64_t m = (3 * c + 64 - 2 * ((c + 1) % count)) % 64;
      const uint64_t expected = m < 32 ? square(m) : 0 - square(m - 32);
      EXPECT_LT(std::abs(double(int64_t(phases[c] - expected))), std::exp2(shift - 1)) << c;
    }
  }
}

TEST(MeasuredNestedKey, Keyswitch) {
  for (unsigned wordBits : {32u, 64u}) {
    const ParameterSet set = nestedSet(wordBits);
    const KeyswitchShape shape(set);
    const GlweSecretKey big(1, 12, seedOf(60), 1, set.glwe.live);
    const LweSecretKey small(big.flat(), set.lwe.dimension);
    std::vector<uint64_t> rows(shape.allWords());
    generateKeyswitchRows(shape, big.flat(), small, set.lwe.noise(), {seedOf(61), seedOf(62), 0},
                          0, shape.coefficients(), rows.data());
    const KeyswitchNoise noise(shape, big.flat(), small, set.lwe.noise(), rows);
    EXPECT_TRUE(noise.rowsAsAsked);
    LweKeyswitchKey key(shape);
    key.setCoefficients(0, rows);
    const MeasuredErrors errors = switchErrors(key, big.flat(), small, 12800, noise.mean());
    const double predicted =
        noise.variance(shape, ones(big.flat().bits()), ones(small.bits()));
    EXPECT_NEAR(errors.ratio(predicted), 1, 0.05) << wordBits;
    EXPECT_LT(std::abs(errors.meanInSigmas(predicted)), 4) << wordBits;
    // The formula counts the mean as noise and averages over keys.
    EXPECT_NEAR(predicted / keyswitchVariance(2560, set.keyswitch,
                                              freshVariance(set.lwe.log2Std), wordBits, 878),
                1, 0.05);
  }
}

// With rows that carry no noise and digits of all 32 bits only roundings are left: of the digits,
// of the words that are taken over, and of the body.
TEST(MeasuredNestedKey, RoundingOfSharedWords) {
  const KeyswitchShape shape(120, 100, {8, 4}, 32, 100);
  const LweSecretKey outer(120, seedOf(63), 0), inner(outer, 100);
  LweKeyswitchKey key(shape);
  fillKeyswitchKey(key, outer, inner, Noise(-60), {seedOf(64), seedOf(65), 0});
  const MeasuredErrors errors = switchErrors(key, outer, inner, 25600, 0);
  const double predicted = (1 + ones(outer.bits())) * 0x1p-64 / 12;
  EXPECT_NEAR(errors.ratio(predicted), 1, 0.05);
  EXPECT_NEAR(predicted / keyswitchVariance(120, {8, 4}, 0, 32, 100), 1, 0.2);
}
