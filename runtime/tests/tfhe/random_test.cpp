//===- random_test.cpp - Random streams, samplers, encryption ---------------------------------===//
#include "runtime/tests/tfhe/support.h"
#include "runtime/tfhe/random/sampling.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

// AES-128 of the zero block under the zero key (NIST CAVP known answer).
TEST(Generator, IsAesInCounterMode) {
  Generator zero(Seed(), {StreamUse(0), 0, 0});
  std::array<uint8_t, 16> block;
  zero.fill(std::span<uint8_t>(block));
  const std::array<uint8_t, 16> expected = {0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b,
                                            0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e};
  EXPECT_EQ(block, expected);
  EXPECT_EQ((StreamLabel{StreamUse::keyswitchMask, 0x0203, 0x0405060708}).word(),
            0x0402030405060708u);
}

TEST(Generator, ChunksDoNotMatter) {
  std::vector<uint8_t> whole(5000), parts(5000);
  Generator a(seedOf(1), {StreamUse::encryptionMask, 1, 2});
  Generator b(seedOf(1), {StreamUse::encryptionMask, 1, 2});
  a.fill(std::span<uint8_t>(whole));
  size_t at = 0;
  for (size_t length : {1, 7, 8, 1000, 24, 1024, 1030, 900, 1006})
    b.fill(std::span<uint8_t>(parts).subspan(at, length)), at += length;
  ASSERT_EQ(at, whole.size());
  EXPECT_EQ(whole, parts);
  b.restart({StreamUse::encryptionMask, 1, 2});
  uint64_t word = 0;
  for (int i = 7; i >= 0; --i)
    word = word << 8 | whole[size_t(i)];
  EXPECT_EQ(b.next(), word) << "words are little-endian";
}

TEST(Generator, StreamsAndSeedsDiffer) {
  auto first = [](const Seed &seed, StreamLabel label) { return Generator(seed, label).next(); };
  std::vector<uint64_t> firsts = {
      first(seedOf(1), {StreamUse::keyswitchMask, 0, 0}),
      first(seedOf(1), {StreamUse::keyswitchMask, 0, 1}),
      first(seedOf(1), {StreamUse::keyswitchMask, 1, 0}),
      first(seedOf(1), {StreamUse::keyswitchNoise, 0, 0}),
      first(seedOf(2), {StreamUse::keyswitchMask, 0, 0}),
      first(deriveSeed(seedOf(1), 0, 0), {StreamUse::keyswitchMask, 0, 0}),
      first(deriveSeed(seedOf(1), 0, 1), {StreamUse::keyswitchMask, 0, 0})};
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::unique(firsts.begin(), firsts.end()), firsts.end());
  Seed one, two;
  ASSERT_TRUE(Seed::fromSystem(one) && Seed::fromSystem(two));
  EXPECT_NE(one.bytes, two.bytes);
}

TEST(Sampling, BitsAreBalanced) {
  Generator generator(seedOf(3), {StreamUse::lweSecretKey});
  std::vector<uint64_t> bits(100001);
  sampleBits(generator, bits);
  for (uint64_t bit : bits)
    ASSERT_LE(bit, 1u);
  EXPECT_NEAR(ones(bits), 50000, 4 * std::sqrt(100000) / 2);
}

TEST(Sampling, GaussianMomentsAndTails) {
  for (double log2Std : {-62.0, -50.0, -17.0, -3.0}) {
    Generator generator(seedOf(4), {StreamUse::encryptionNoise});
    const size_t count = 200000;
    std::vector<uint64_t> words(count);
    addGaussian(generator, log2Std, words);
    double second = 0, fourth = 0, sum = 0;
    size_t beyond2 = 0, beyond4 = 0;
    for (uint64_t word : words) {
      const double z = double(int64_t(word)) * std::exp2(-64 - log2Std);
      sum += z;
      second += z * z;
      fourth += z * z * z * z;
      beyond2 += std::abs(z) > 2;
      beyond4 += std::abs(z) > 4;
    }
    // At four units of standard deviation the rounding to words adds 1/12 of 16.
    const double expected = log2Std == -62 ? 1 + 1.0 / 12 / 16 : 1;
    EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(count)) << log2Std;
    EXPECT_NEAR(second / count, expected, 4 * std::sqrt(2.0 / count)) << log2Std;
    if (log2Std < -3) {
      EXPECT_NEAR(fourth / count, 3 * expected * expected, 4 * std::sqrt(96.0 / count)) << log2Std;
    }
    if (log2Std == -50 || log2Std == -17) {
      EXPECT_NEAR(double(beyond2), 0.0455 * count, 4 * std::sqrt(0.0455 * count)) << log2Std;
      EXPECT_LE(beyond4, 30u) << log2Std; // 12.7 expected.
    }
  }
}

// A standard deviation as wide as the torus wraps instead of being undefined.
TEST(Sampling, HugeDeviationsWrap) {
  Generator generator(seedOf(5), {StreamUse::encryptionNoise});
  std::vector<uint64_t> words(4096);
  addGaussian(generator, 0, words);
  size_t high = 0;
  for (uint64_t word : words)
    high += word >> 63;
  EXPECT_NEAR(double(high), 2048, 4 * 32);
}

// Every value of a small bound with its probability, and the moments of those in use.
TEST(Sampling, TUniformDistribution) {
  const size_t count = 320000;
  Generator generator(seedOf(14), {StreamUse::keyswitchNoise});
  std::vector<uint64_t> words(count, 1000);
  addTUniform(generator, 2, words);
  std::array<size_t, 9> found{};
  for (uint64_t word : words) {
    ASSERT_GE(word, 996u);
    ASSERT_LE(word, 1004u);
    ++found[word - 996];
  }
  for (size_t value = 0; value < 9; ++value) {
    const double p = value == 0 || value == 8 ? 1 / 16.0 : 1 / 8.0;
    EXPECT_NEAR(double(found[value]), p * count, 4 * std::sqrt(count * p * (1 - p))) << value;
  }
  for (uint32_t bound : {3u, 17u, 40u, 41u, 45u, 46u, 61u}) {
    std::vector<uint64_t> samples(count);
    addTUniform(generator, bound, samples);
    const double log2Std = tuniformLog2Std(bound);
    double sum = 0, second = 0, fourth = 0;
    for (uint64_t word : samples) {
      ASSERT_LE(std::abs(double(int64_t(word))), std::exp2(bound));
      const double z = double(int64_t(word)) * std::exp2(-64 - log2Std);
      sum += z, second += z * z, fourth += z * z * z * z;
    }
    EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(count)) << bound;
    EXPECT_NEAR(second / count, 1, 4 * std::sqrt(0.8 / count)) << bound;
    EXPECT_NEAR(fourth / count, 1.8, 0.03) << bound; // Of a uniform; a Gaussian has 3.
  }
}

// The same distributions on 32-bit words: modulo 2^32, in units of their last place.
TEST(Sampling, NarrowWords) {
  const size_t count = 200000;
  for (Noise noise : {Noise(tuniformLog2Std(13, 32), NoiseKind::tuniform), Noise(-19.5)}) {
    Generator generator(seedOf(15), {StreamUse::keyswitchNoise});
    std::vector<uint32_t> words(count);
    addNoise(generator, noise, words);
    double sum = 0, second = 0;
    for (uint32_t word : words) {
      const double z = double(int32_t(word)) * std::exp2(-32 - noise.log2Std);
      sum += z, second += z * z;
    }
    EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(count));
    EXPECT_NEAR(second / count, 1, 4 * std::sqrt(2.0 / count));
  }
}

// The kind of the record is what is sampled.
TEST(Sampling, NoiseFollowsTheRecord) {
  std::vector<uint64_t> some(500), same(500);
  Generator one(seedOf(16), {StreamUse::encryptionNoise});
  Generator two(seedOf(16), {StreamUse::encryptionNoise});
  addNoise(one, {tuniformLog2Std(17), NoiseKind::tuniform}, some);
  addTUniform(two, 17, same);
  EXPECT_EQ(some, same);
  some.assign(500, 0), same.assign(500, 0);
  addNoise(one, -40.0, some);
  addGaussian(two, -40, same);
  EXPECT_EQ(some, same);
  // And keys: no row of a keyswitch key is off by more than the bound.
  const LweKey lwe{500, tuniformLog2Std(50), NoiseKind::tuniform};
  LweSecretKey input(40, seedOf(17), 0), output(500, seedOf(17), 1);
  const KeyswitchShape shape(40, 500, {4, 3});
  std::vector<uint64_t> rows(shape.allWords());
  generateKeyswitchRows(shape, input, output, lwe.noise(), {seedOf(18), seedOf(19), 0}, 0, 40,
                        rows.data());
  double largest = 0;
  for (uint32_t i = 0; i < 40; ++i)
    for (uint32_t level = 0; level < 3; ++level) {
      uint64_t phase;
      decryptPhases(output, rows.data() + (3 * i + level) * shape.words(), std::span(&phase, 1));
      phase -= input.bits()[i] << (60 - 4 * level);
      largest = std::max(largest, std::abs(double(int64_t(phase))));
    }
  EXPECT_LE(largest, 0x1p50);
  EXPECT_GT(largest, 0x1p49);
}

TEST(Encryption, TwoEncryptionsDifferInEveryMask) {
  const uint32_t n = 2048, count = 20;
  GlweSecretKey key(1, 11, seedOf(6), 0);
  std::vector<uint64_t> plaintexts(count, uint64_t(3) << 58);
  std::vector<uint64_t> one(count * (n + 1)), two(count * (n + 1)), phases(count);
  ASSERT_TRUE(encryptFresh(key.flat(), plaintexts, -49.9, one.data()));
  ASSERT_TRUE(encryptFresh(key.flat(), plaintexts, -49.9, two.data()));
  for (size_t i = 0; i < one.size(); ++i)
    ASSERT_NE(one[i], two[i]) << i;
  for (size_t c = 1; c < count; ++c)
    ASSERT_NE(one[c * (n + 1)], one[(c - 1) * (n + 1)]);
  decryptPhases(key.flat(), two.data(), phases);
  for (uint64_t phase : phases)
    EXPECT_LT(std::abs(double(int64_t(phase - plaintexts[0]))), std::exp2(64 - 49.9 + 3));
  LweSecretKey other(n, seedOf(7), 0);
  decryptPhases(other, two.data(), phases);
  // Keys are fixed, masks are fresh: a uniform phase is so near once in 2^13, three of them once in 2^28.
  size_t near = 0;
  for (uint64_t phase : phases)
    near += std::abs(double(int64_t(phase - plaintexts[0]))) < 0x1p50;
  EXPECT_LE(near, 2u) << "another key decrypts";
}

// Rows are named by their number: any order and any split give the same key.
TEST(KeyGeneration, OrderDoesNotMatter) {
  const ParameterSet set = curveSet(500, 1, 9, {10, 2}, {4, 3});
  LweSecretKey small(500, seedOf(8), 0);
  GlweSecretKey big(1, 9, seedOf(8), 1);
  const KeySeeds seeds{seedOf(9), seedOf(10), 3};
  for (uint32_t wordBits : {32u, 64u}) {
    const KeyswitchShape shape(512, 500, set.keyswitch, wordBits);
    std::vector<uint64_t> whole(shape.allWords()), split(shape.allWords());
    auto make = [&](uint32_t begin, uint32_t end, uint64_t *rows) {
      generateKeyswitchRows(shape, big.flat(), small, set.lwe.log2Std, seeds, begin, end, rows);
    };
    make(0, 512, whole.data());
    make(200, 512, split.data() + 200 * shape.coefficientWords());
    make(0, 200, split.data());
    EXPECT_EQ(whole, split);
  }

  BootstrapKey key(500, set.glwe, set.bootstrap);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key.words().size() * 8, bootstrapKeyBytes(500, set.glwe, set.bootstrap));
  TestScratch scratch(bootstrapGenerationScratchBytes(set.glwe));
  std::vector<uint64_t> again(key.element(7).size());
  for (uint32_t i : {7u, 3u})
    generateBootstrapElement(set.glwe, set.bootstrap, small, big, seeds, i,
                             key.element(i).data(), scratch);
  generateBootstrapElement(set.glwe, set.bootstrap, small, big, seeds, 7, again.data(), scratch);
  EXPECT_TRUE(std::ranges::equal(key.element(7), again));
  EXPECT_FALSE(std::ranges::equal(key.element(3), again));
}

// Products of masks and keys are exact, so the words of a key do not depend on the instruction set,
// and each row decrypts to its gadget with the noise asked for.
TEST(KeyGeneration, WordsDoNotDependOnTheInstructionSet) {
  for (uint32_t log2N : {8u, 11u, 13u}) {
    const GlweKey glwe{2, log2N, -30};
    const Decomposition decomposition{7, 2};
    LweSecretKey small(2);
    small.bits()[1] = 1;
    GlweSecretKey big(2, log2N, seedOf(11), 1);
    TestScratch scratch(bootstrapGenerationScratchBytes(glwe));
    std::vector<uint64_t> reference;
    for (Isa isa : availableIsas()) {
      std::vector<uint64_t> words(BootstrapKey::elementWords(glwe, decomposition));
      generateBootstrapElement(glwe, decomposition, small, big, {seedOf(12), seedOf(13), 0}, 1,
                               words.data(), scratch, isa);
      if (reference.empty())
        reference = words;
      EXPECT_EQ(words, reference) << name(isa) << ", N = " << (1u << log2N);
    }
    if (log2N > 8)
      continue;
    for (size_t row = 0; row < 6; ++row) {
      std::span<const uint64_t> from = std::span(reference).subspan(row * 3 * 256, 3 * 256);
      std::vector<uint64_t> phase(from.begin() + 512, from.end());
      for (uint32_t j = 0; j < 2; ++j) {
        std::vector<uint64_t> product =
            negacyclicProduct(from.subspan(j * 256, 256), big.polynomial(j));
        for (size_t i = 0; i < 256; ++i)
          phase[i] -= product[i];
      }
      // The gadget at polynomial row % 3: in the phase it is -S_j, or 1 for the body.
      const uint64_t gadget = uint64_t(1) << (64 - 7 * (row / 3 + 1));
      for (size_t i = 0; i < 256; ++i) {
        const uint64_t expected = row % 3 < 2 ? 0 - gadget * big.polynomial(row % 3)[i]
                                              : (i == 0 ? gadget : 0);
        ASSERT_LT(std::abs(double(int64_t(phase[i] - expected))), 7 * 0x1p34) << row << ' ' << i;
      }
    }
  }
}

// Run by ctest with FHE_ISA set to each name and to an unknown one.
TEST(Isa, EnvironmentIsObeyed) {
  const char *wanted = getenv("FHE_ISA");
  ASSERT_EQ(availableIsas()[0], Isa::scalar);
  if (!wanted || !*wanted) {
    EXPECT_EQ(activeIsa(), availableIsas().back());
    EXPECT_EQ(isaDiagnostic(), "");
    return;
  }
  for (Isa isa : availableIsas())
    if (std::string(wanted) == name(isa)) {
      EXPECT_EQ(activeIsa(), isa);
      EXPECT_EQ(isaDiagnostic(), "");
      return;
    }
  EXPECT_EQ(activeIsa(), availableIsas().back());
  EXPECT_NE(isaDiagnostic().find(wanted), std::string::npos);
}
