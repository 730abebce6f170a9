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
  TestScratch switching(keyswitchScratchBytes(KeyswitchShape(set)));
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

// Position j of the test polynomial receives the phases that round to j / 2N: below 1/2 as they
// are, above negated. A trivial input has no noise and a key of ones makes each rotation visible.
TEST(Bootstrap, PositionsAreRoundedPhases) {
  const GlweKey glwe{1, 8, -62};
  const uint32_t n = 3;
  LweSecretKey bits(n);
  bits.bits()[0] = bits.bits()[2] = 1;
  GlweSecretKey secret(1, 8, seedOf(2), 0);
  for (Isa isa : availableIsas()) {
    FourierBootstrapKey key(n, glwe, {15, 2}, isa);
    std::vector<uint64_t> element(BootstrapKey::elementWords(glwe, {15, 2}));
    TestScratch generation(bootstrapGenerationScratchBytes(glwe));
    TestScratch conversion(key.conversionScratchBytes());
    for (uint32_t i = 0; i < n; ++i) {
      generateBootstrapElement(glwe, {15, 2}, bits, secret, {seedOf(3), seedOf(4), 0}, i,
                               element.data(), generation);
      key.setElement(i, element, conversion);
    }
    std::vector<uint64_t> table(256);
    for (size_t j = 0; j < table.size(); ++j)
      table[j] = (j + 1) << 54;
    const uint64_t step = uint64_t(1) << 55; // 1 / 2N.
    TestScratch scratch(bootstrapScratchBytes(n, glwe, {15, 2}));
    for (uint64_t position : {0, 1, 100, 255, 256, 300, 511})
      for (uint64_t offset : {uint64_t(0), step / 2 - 1, 0 - step / 2}) { // Round half up.
        // Phase: body - 5 steps - 7 steps.
        const uint64_t in[4] = {5 * step, 9 * step, 7 * step, (position + 12) * step + offset};
        std::vector<uint64_t> out(257);
        uint64_t phase;
        bootstrap(key, in, 1, table.data(), nullptr, out.data(), scratch);
        decryptPhases(secret.flat(), out.data(), std::span(&phase, 1));
        const uint64_t expected = position < 256 ? table[position] : 0 - table[position - 256];
        EXPECT_LT(std::abs(double(int64_t(phase - expected))), 0x1p50)
            << name(isa) << ", position " << position << ", offset " << int64_t(offset);
      }
  }
}

// One call, one ciphertext at a time, and uneven parts give the same words.
TEST(Bootstrap, BatchSplitsAreBitIdentical) {
  const ParameterSet set = curveSet(500, 2, 9, {12, 2}, {4, 3});
  Keys keys(set, availableIsas(), 9);
  const size_t count = 37;
  const size_t nSmall = set.lwe.words(), nBig = set.glwe.lweWords();
  std::vector<uint64_t> in = randomWords(count * nBig, 1);
  std::vector<uint64_t> tables = randomWords(3 * 512, 2), reference;
  std::vector<uint32_t> tableOf(count);
  for (size_t c = 0; c < count; ++c)
    tableOf[c] = uint32_t(c * c % 3);
  TestScratch scratch(bootstrapScratchBytes(500, set.glwe, set.bootstrap));
  for (const FourierBootstrapKey &key : keys.bootstrap) {
    LweKeyswitchKey switchKey(KeyswitchShape(set), key.isa());
    fillKeyswitchKey(switchKey, keys.big.flat(), keys.small, set.lwe.noise(),
                     {seedOf(30), seedOf(31), 0});
    TestScratch switching(keyswitchScratchBytes(switchKey.shape(), key.isa()));
    std::vector<uint64_t> whole(count * nBig), split(count * nBig);
    std::vector<uint64_t> small(count * nSmall), smallSplit(count * nSmall);
    keyswitch(switchKey, in.data(), count, small.data(), switching);
    bootstrap(key, small.data(), count, tables.data(), tableOf.data(), whole.data(), scratch);
    for (size_t begin = 0, part = 1; begin < count; begin += part, part = part * 3 % 11) {
      const size_t here = std::min(part, count - begin);
      keyswitch(switchKey, in.data() + begin * nBig, here, smallSplit.data() + begin * nSmall,
                switching);
      bootstrap(key, smallSplit.data() + begin * nSmall, here, tables.data(),
                tableOf.data() + begin, split.data() + begin * nBig, scratch);
    }
    EXPECT_EQ(small, smallSplit) << name(key.isa());
    EXPECT_EQ(whole, split) << name(key.isa());
    // The keyswitch is exact, so it is the same on every instruction set too.
    if (reference.empty())
      reference = small;
    EXPECT_EQ(small, reference) << name(key.isa());
  }
}

TEST(Bootstrap, SampleExtractGivesEachCoefficient) {
  const GlweKey glwe{2, 8, -20};
  GlweSecretKey secret(2, 8, seedOf(5), 0);
  std::vector<uint64_t> accumulator = randomWords(3 * 256, 6), out(513);
  std::vector<uint64_t> phase(accumulator.begin() + 512, accumulator.end());
  for (uint32_t j = 0; j < 2; ++j) {
    std::vector<uint64_t> product =
        negacyclicProduct(std::span(accumulator).subspan(j * 256, 256), secret.polynomial(j));
    for (size_t i = 0; i < 256; ++i)
      phase[i] -= product[i];
  }
  for (uint32_t i : {0u, 1u, 100u, 255u}) {
    uint64_t extracted;
    sampleExtract(glwe, accumulator.data(), i, out.data());
    decryptPhases(secret.flat(), out.data(), std::span(&extracted, 1));
    EXPECT_EQ(extracted, phase[i]);
  }
}

// Evaluating with another client's keys gives garbage.
TEST(Bootstrap, AnotherKeyGivesGarbage) {
  const ParameterSet set = curveSet(775, 1, 11, {23, 1}, {3, 5});
  Keys mine(set, availableIsas().first(0), 30), other(set, bestIsa(), 40);
  const size_t count = 32;
  std::vector<uint64_t> plaintexts(count, uint64_t(5) << 59), small(count * 776);
  std::vector<uint64_t> out(count * 2049), phases(count);
  ASSERT_TRUE(encryptFresh(mine.small, plaintexts, set.lwe.log2Std, small.data()));
  std::vector<uint64_t> table = testPolynomial(11, 4, [](uint64_t m) { return m << 59; });
  TestScratch scratch(bootstrapScratchBytes(775, set.glwe, set.bootstrap));
  bootstrap(other.bootstrap[0], small.data(), count, table.data(), nullptr, out.data(), scratch);
  decryptPhases(mine.big.flat(), out.data(), phases);
  size_t right = 0;
  for (uint64_t phase : phases)
    right += ((phase + (uint64_t(1) << 58)) >> 59) == 5;
  EXPECT_LE(right, 6u); // One of 32 expected for uniform phases.
}
