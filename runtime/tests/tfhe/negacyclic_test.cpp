//===- negacyclic_test.cpp - Tables without a padding bit ------------------------------------===//
#include "runtime/tests/tfhe/support.h"

#include "runtime/tfhe/named_sets.h"

#include <functional>
#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

// The 4-bit set reads 5 bits where the table obeys f(m + 16) = -f(m): sign, an odd saturating
// function, and a random one. All 32 messages, norm 16, no padding bit in or out.
TEST(NegacyclicTables, OneBitMoreForTheSameKeys) {
  const NamedSet &named = *findNamedSet("p4");
  const ParameterSet &set = named.set;
  const unsigned bits = named.bits + 1, shift = 64 - bits;
  std::span<const Isa> isa = availableIsas().last(1);
  Keys keys(set, isa, 110);
  // What 4 bits with a padding bit have, and as good: half a slot is the same.
  EXPECT_EQ(halfSlot(bits, Padding::none), halfSlot(named.bits, Padding::one));
  EXPECT_LT(log2ErrorProbability(halfSlot(bits, Padding::none),
                                 tableInputVariance(set, 256 * tableOutputVariance(set))),
            -40);

  const std::vector<uint64_t> random = randomWords(16, 111);
  auto saturate = [](uint64_t m) { return std::min<uint64_t>(m, 4); };
  auto mountain = [&](uint64_t m) { return m < 8 ? saturate(m) : saturate(16 - m); };
  const std::vector<std::function<uint64_t(uint64_t)>> halves = {
      [](uint64_t) { return 1; }, mountain, [&](uint64_t m) { return random[m] % 32; }};
  const size_t count = 2 * 32, words = set.glwe.lweWords();
  std::vector<uint64_t> plaintexts(count), phases(count), in(count * words), out(count * words);
  std::vector<uint64_t> small(count * set.lwe.words());
  for (size_t c = 0; c < count; ++c)
    plaintexts[c] = uint64_t(c) << shift; // Modulo the torus: each message twice.
  TestScratch switching(keyswitchScratchBytes(keys.keyswitch.shape()));
  TestScratch scratch(bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
  for (const auto &half : halves) {
    auto f = [&](uint64_t m) { return (m < 16 ? half(m) : 0 - half(m - 16)) << shift; };
    Generator mask(seedOf(112), {StreamUse::encryptionMask});
    Generator noise(seedOf(113), {StreamUse::encryptionNoise});
    encrypt(keys.big.flat(), plaintexts, set.glwe.noise(), mask, noise, in.data());
    // One half of the table is the test polynomial; X^N = -1 is the other.
    std::vector<uint64_t> table = testPolynomial(set.glwe.log2N, bits - 1, f);
    keyswitch(keys.keyswitch, in.data(), count, small.data(), switching);
    bootstrap(keys.bootstrap[0], small.data(), count, table.data(), nullptr, out.data(), scratch,
              set.modulusSwitch);
    decryptPhases(keys.big.flat(), out.data(), phases);
    for (size_t c = 0; c < count; ++c) {
      const uint64_t half = uint64_t(1) << (shift - 1);
      EXPECT_EQ((phases[c] + half) >> shift, f(c % 32) >> shift) << "message " << c % 32;
    }
  }
}
