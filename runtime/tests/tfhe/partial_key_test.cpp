//===- partial_key_test.cpp - GLWE keys of which only some coefficients are live -------------===//
#include "runtime/tests/tfhe/support.h"

#include "runtime/tfhe/linear/linear.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

// The flattened key has `live` bits; the polynomials hold the same bits and zeros behind them.
TEST(PartialKey, DrawsLiveCoefficientsOnly) {
  for (auto [k, log2N, live] : {std::array<uint32_t, 3>{1, 12, 2560}, {2, 10, 1500}, {3, 9, 700}}) {
    GlweSecretKey partial(k, log2N, seedOf(1), 3, live), whole(k, log2N, seedOf(1), 3);
    ASSERT_EQ(partial.k(), k);
    ASSERT_EQ(partial.flat().dimension(), live);
    EXPECT_NEAR(ones(partial.flat().bits()), live / 2.0, 2 * std::sqrt(live));
    uint32_t at = 0;
    for (uint32_t j = 0; j < k; ++j)
      for (uint64_t bit : partial.polynomial(j)) {
        ASSERT_EQ(bit, at < live ? partial.flat().bits()[at] : 0) << at;
        ++at;
      }
    EXPECT_EQ(at, k << log2N);
    // The stream is that of a whole key, cut off.
    EXPECT_TRUE(std::ranges::equal(partial.flat().bits(), whole.flat().bits().first(live)));
    GlweSecretKey moved(std::move(partial));
    EXPECT_EQ(moved.flat().dimension(), live);
    EXPECT_EQ(partial.flat().dimension(), 0u);
  }
}

TEST(PartialKey, SampleExtractLeavesOutDeadWords) {
  for (uint32_t live : {300u, 512u, 513u, 700u}) {
    GlweKey glwe{3, 8, -20};
    glwe.live = live;
    GlweSecretKey secret(3, 8, seedOf(5), 0, live);
    std::vector<uint64_t> accumulator = randomWords(4 * 256, 6), out(live + 2, 77);
    std::vector<uint64_t> phase(accumulator.begin() + 768, accumulator.end());
    for (uint32_t j = 0; j < 3; ++j) {
      std::vector<uint64_t> product =
          negacyclicProduct(std::span(accumulator).subspan(j * 256, 256), secret.polynomial(j));
      for (size_t i = 0; i < 256; ++i)
        phase[i] -= product[i];
    }
    for (uint32_t i : {0u, 1u, 43u, 44u, 100u, 255u}) {
      uint64_t extracted;
      sampleExtract(glwe, accumulator.data(), i, out.data());
      decryptPhases(secret.flat(), out.data(), std::span(&extracted, 1));
      EXPECT_EQ(extracted, phase[i]) << live << ' ' << i;
      EXPECT_EQ(out[live + 1], 77u) << "wrote behind the ciphertext";
    }
  }
}

// Linear layer, keyswitch and bootstrap on ciphertexts of live + 1 words: a 5-bit set with N = 4096
// whose key has 2560 live coefficients, centred switch, TUniform noise.
TEST(PartialKey, LinearKeyswitchBootstrap) {
  ParameterSet set;
  set.lwe = {878, tuniformLog2Std(47), NoiseKind::tuniform};
  set.glwe = {1, 12, tuniformLog2Std(3), NoiseKind::tuniform, 2560};
  set.keyswitch = {3, 5};
  set.bootstrap = {15, 2};
  set.modulusSwitch = SwitchKind::centred;
  ASSERT_EQ(checkBounds(set), "");
  ASSERT_NE(checkSecurity(set), "");
  ASSERT_EQ(checkSecurity(set, 128, KeyAssumptions::partialKeys), "");
  std::span<const Isa> isa = availableIsas().last(1);
  Keys keys(set, isa, 80);
  ASSERT_EQ(keys.keyswitch.shape().inputDimension, 2560u);

  const unsigned bits = 5, shift = 63 - bits;
  const size_t count = 32, words = set.glwe.lweWords();
  ASSERT_EQ(words, 2561u);
  std::vector<uint64_t> plaintexts(count), phases(count), in(count * words), sums(count * words),
      small(count * set.lwe.words()), out(count * words);
  for (size_t c = 0; c < count; ++c)
    plaintexts[c] = c << shift;
  Generator mask(seedOf(81), {StreamUse::encryptionMask});
  Generator noise(seedOf(82), {StreamUse::encryptionNoise});
  encrypt(keys.big.flat(), plaintexts, set.glwe.noise(), mask, noise, in.data());

  // Row o of the layer: 3 times input o minus 2 times the next.
  std::vector<int8_t> weights(count * count);
  for (size_t o = 0; o < count; ++o)
    weights[o * count + o] = 3, weights[o * count + (o + 1) % count] = -2;
  GemmShape shape{1, count, count, words};
  TestScratch linear(gemmScratchBytes(shape));
  gemm(shape, in.data(), {weights.data(), 1}, sums.data(), 0, gemmItems(shape), linear);

  TestScratch switching(keyswitchScratchBytes(KeyswitchShape(set)));
  TestScratch scratch(bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
  auto square = [&](uint64_t m) { return m * m % 32 << shift; };
  std::vector<uint64_t> table = testPolynomial(set.glwe.log2N, bits, square);
  keyswitch(keys.keyswitch, sums.data(), count, small.data(), switching);
  bootstrap(keys.bootstrap[0], small.data(), count, table.data(), nullptr, out.data(), scratch,
            set.modulusSwitch);
  decryptPhases(keys.big.flat(), out.data(), phases);
  for (size_t c = 0; c < count; ++c) {
    // Modulo 2^6 with the padding bit: the upper half comes out negated.
    const uint64_t m = (3 * c + 64 - 2 * ((c + 1) % count)) % 64;
    const uint64_t expected = m < 32 ? square(m) : 0 - square(m - 32);
    EXPECT_LT(std::abs(double(int64_t(phases[c] - expected))), std::exp2(shift - 1)) << c;
  }
}
