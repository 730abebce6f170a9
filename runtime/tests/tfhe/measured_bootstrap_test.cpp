//===- measured_bootstrap_test.cpp - The noise of a whole bootstrap --------------------------===//
//
// Keyswitch, modulus switch, blind rotation and extraction as a user calls them, 12,800 times a
// set: the error of the position that is looked up, and the noise of the result, against the
// formulas conditioned on the drawn keys. Noise, decompositions, word widths, switch kind and GLWE
// sizes are those of the set; the small key has 16 bits, which both formulas are sums over.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tests/tfhe/conditioned_noise.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

class MeasuredBootstrap : public testing::TestWithParam<const char *> {};

/// The keys of a set whose small key has few bits, with all of their noise.
struct SmallKeys {
  ParameterSet set;
  LweSecretKey small;
  GlweSecretKey big;
  LweKeyswitchKey keyswitchKey;
  FourierBootstrapKey bootstrapKey;
  double positionVariance = 0, positionMean = 0, resultVariance = 0;

  SmallKeys(const ParameterSet &named, uint32_t n)
      : set(named), small(n), big(set.glwe.k, set.glwe.log2N, seedOf(90), 1, set.glwe.live) {
    set.lwe.dimension = n;
    for (uint32_t i = 0; i < n; ++i)
      small.bits()[i] = i % 2;
    if (set.lwe.nested)
      small = LweSecretKey(big.flat(), n);
    makeKeyswitch();
    makeBootstrap();
  }

private:
  const KeySeeds seeds{seedOf(91), seedOf(92), 0};

  void makeKeyswitch() {
    const KeyswitchShape shape(set);
    std::vector<uint64_t> rows(shape.allWords());
    generateKeyswitchRows(shape, big.flat(), small, set.lwe.noise(), seeds, 0,
                          shape.coefficients(), rows.data());
    keyswitchKey = LweKeyswitchKey(shape);
    keyswitchKey.setCoefficients(0, rows);
    const KeyswitchNoise noise(shape, big.flat(), small, set.lwe.noise(), rows);
    EXPECT_TRUE(noise.rowsAsAsked);
    positionMean = noise.mean();
    positionVariance = noise.variance(shape, ones(big.flat().bits()),
                                      set.lwe.nested ? ones(small.bits()) : 0) +
                       switchVariance(set.modulusSwitch, small.dimension(), ones(small.bits()),
                                      set.glwe.log2N);
  }

  void makeBootstrap() {
    const GlweKey &glwe = set.glwe;
    bootstrapKey = FourierBootstrapKey(small.dimension(), glwe, set.bootstrap);
    std::vector<uint64_t> element(BootstrapKey::elementWords(glwe, set.bootstrap));
    TestScratch generation(bootstrapGenerationScratchBytes(glwe));
    TestScratch conversion(bootstrapKey.conversionScratchBytes());
    for (uint32_t i = 0; i < small.dimension(); ++i) {
      generateBootstrapElement(glwe, set.bootstrap, small, big, seeds, i, element.data(),
                               generation);
      bootstrapKey.setElement(i, element, conversion);
      const uint64_t bit = small.bits()[i];
      const GgswNoise noise(glwe, set.bootstrap, big, element, bit);
      EXPECT_TRUE(noise.rowsAsAsked) << i;
      const auto added = i == 0 ? firstCmuxVariance : cmuxVariance;
      resultVariance += added(glwe, set.bootstrap, noise, bit, ones(big.flat().bits()));
    }
  }
};

void measure(const SmallKeys &keys) {
  const ParameterSet &set = keys.set;
  const uint32_t n = set.lwe.dimension, size = set.glwe.polynomialSize();
  const size_t samples = 12800, batch = 128, words = set.glwe.lweWords();
  // Slots of equal words, as tables have them: their products must not be noisier than others.
  std::vector<uint64_t> table = testPolynomial(
      set.glwe.log2N, set.glwe.log2N - 7, [&](uint64_t m) { return m << (70 - set.glwe.log2N); });
  std::vector<uint64_t> in(batch * words), out(batch * words);
  std::vector<uint64_t> small(batch * (n + 1)), before(batch), after(batch);
  std::vector<uint32_t> switched(batch * (n + 1));
  TestScratch switching(keyswitchScratchBytes(keys.keyswitchKey.shape()));
  TestScratch scratch(bootstrapScratchBytes(n, set.glwe, set.bootstrap));
  Generator random(seedOf(94), {StreamUse::derivedSeed});
  MeasuredErrors positions, results;
  while (results.count < samples) {
    random.fill(std::span<uint64_t>(in)); // Every phase, by every mask.
    decryptPhases(keys.big.flat(), in.data(), before);
    keyswitch(keys.keyswitchKey, in.data(), batch, small.data(), switching);
    modulusSwitch(set.modulusSwitch, n, set.glwe.log2N, small.data(), batch, switched.data());
    bootstrap(keys.bootstrapKey, small.data(), batch, table.data(), nullptr, out.data(), scratch,
              set.modulusSwitch);
    decryptPhases(keys.big.flat(), out.data(), after);
    for (size_t c = 0; c < batch; ++c) {
      uint32_t position = switched[c * (n + 1) + n];
      for (uint32_t i = 0; i < n; ++i)
        position -= switched[c * (n + 1) + i] * uint32_t(keys.small.bits()[i]);
      position %= 2 * size;
      const uint64_t at = uint64_t(position) << (63 - set.glwe.log2N);
      positions.add(toTorus(at - before[c]) - keys.positionMean);
      results.add(toTorus(after[c] - (position < size ? table[position]
                                                      : 0 - table[position - size])));
    }
  }
  EXPECT_NEAR(positions.ratio(keys.positionVariance), 1, 0.05);
  EXPECT_LT(std::abs(positions.meanInSigmas(keys.positionVariance)), 4);
  // Nearly all is the FFT's error at N = 32768 and 65536, where its slowest mode leaves the fit.
  EXPECT_NEAR(results.ratio(keys.resultVariance), 1, set.glwe.log2N > 14 ? 0.15 : 0.05);
  EXPECT_LT(std::abs(results.meanInSigmas(keys.resultVariance)), 4);
  // The formulas that choose parameters; they count the first products like the others.
  EXPECT_NEAR(keys.positionVariance / tableInputVariance(set, 0), 1, 0.12);
  EXPECT_NEAR(keys.resultVariance / tableOutputVariance(set), 1, 0.12);
}

} // namespace

TEST_P(MeasuredBootstrap, PositionAndResult) {
  measure(SmallKeys(findNamedSet(GetParam())->set, 16));
}

// 2560 of 4096 coefficients live: less of every error of the mask, and a keyswitch from 2560 bits.
TEST(MeasuredPartialKey, PositionAndResult) {
  ParameterSet set = findNamedSet("p5")->set;
  const double whole = tableOutputVariance(set);
  set.glwe.live = 2560;
  ASSERT_EQ(checkSecurity(set, 128, KeyAssumptions::partialKeys), "");
  EXPECT_LT(tableOutputVariance(set), 0.7 * whole);
  measure(SmallKeys(set, 16));
}

// The same with a small key that is part of the big one. The 16 bits of its blind rotation see what
// any others do; keyswitches from 2544 bits.
TEST(MeasuredNestedKey, PositionAndResult) {
  ParameterSet set = findNamedSet("p5")->set;
  set.glwe.live = 2560;
  set.lwe.nested = true;
  ASSERT_EQ(checkSecurity(set, 128, KeyAssumptions::extended), "");
  measure(SmallKeys(set, 16));
}

// Seconds to minutes each: run by test/long.sh.
INSTANTIATE_TEST_SUITE_P(DISABLED_Large, MeasuredBootstrap, testing::Values("p7", "p8", "m4c4"),
                         [](const auto &info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Sets, MeasuredBootstrap, testing::ValuesIn(measuredSets()),
                         [](const auto &info) { return std::string(info.param); });
