//===- measured_noise_test.cpp - The kernels' noise against the formulas ---------------------===//
//
// Mean and variance of every operation, with the keys, noise, decompositions and sizes of the named
// sets, against the formulas conditioned on the drawn keys (conditioned_noise.h). At least 12,800
// independent samples each: 5 % is 4 sigma. Seeds are fixed.
//
// Independent, because errors of the coefficients of one accumulator are not: half of the variance
// of e S, e an error of the mask, goes through the mean 1/2 of the bits of S and is a running sum
// of e. Coefficients c and c + N/2 share none of it, so each accumulator gives two samples.
//
// Costs are kept down where a formula is a plain sum over key elements of one statistic: blind
// rotations pass 8 elements, keyswitches 256 input coefficients, all else is as in the set.
// The elements are drawn from 64, because errors made when a key element is transformed stay with
// it and have few degrees of freedom in their slowest mode.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tests/tfhe/conditioned_noise.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

constexpr size_t samples = 12800;

/// Tests over named sets.
class MeasuredNoise : public testing::TestWithParam<const char *> {
protected:
  const ParameterSet &set() const { return findNamedSet(GetParam())->set; }
};

void expectMatches(const char *what, const MeasuredErrors &errors, double predicted,
                   double tolerance = 0.05) {
  EXPECT_GE(errors.count, samples) << what;
  EXPECT_NEAR(errors.ratio(predicted), 1, tolerance) << what;
  EXPECT_LT(std::abs(errors.meanInSigmas(predicted)), 4) << what;
}

/// One coefficient of the phase of an accumulator rotated by X^rotation.
uint64_t phaseAt(const GlweKey &glwe, const GlweSecretKey &secret, const uint64_t *accumulator,
                 uint32_t coefficient, uint32_t rotation, std::span<uint64_t> lwe) {
  const uint32_t size = glwe.polynomialSize();
  const uint32_t from = (coefficient + 2 * size - rotation % (2 * size)) % (2 * size);
  uint64_t phase;
  sampleExtract(glwe, accumulator, from % size, lwe.data());
  decryptPhases(secret.flat(), lwe.data(), std::span(&phase, 1));
  return from < size ? phase : 0 - phase;
}

/// A bootstrap key of 64 elements whose bits are 0, 1, 0, 1, .., in Fourier form, and its noise.
struct FewElements {
  static constexpr uint32_t count = 64;
  GlweSecretKey secret;
  LweSecretKey bits;
  FourierBootstrapKey key;
  std::vector<GgswNoise> noise;
  double secretOnes;

  explicit FewElements(const ParameterSet &set)
      : secret(set.glwe.k, set.glwe.log2N, seedOf(30), 0, set.glwe.live), bits(count),
        key(count, set.glwe, set.bootstrap, availableIsas().back()),
        secretOnes(ones(secret.flat().bits())) {
    std::vector<uint64_t> element(BootstrapKey::elementWords(set.glwe, set.bootstrap));
    TestScratch generation(bootstrapGenerationScratchBytes(set.glwe));
    TestScratch conversion(key.conversionScratchBytes());
    for (uint32_t i = 0; i < count; ++i) {
      bits.bits()[i] = i % 2;
      generateBootstrapElement(set.glwe, set.bootstrap, bits, secret,
                               {seedOf(31), seedOf(32), 0}, i, element.data(), generation);
      key.setElement(i, element, conversion);
      noise.emplace_back(set.glwe, set.bootstrap, secret, element, bits.bits()[i]);
      EXPECT_TRUE(noise.back().rowsAsAsked) << i;
    }
  }
};

/// The error of the f64 FFT in each word of a CMUX, against exact integers: mask and body, every
/// instruction set.
void checkFft(const GlweKey &glwe, const Decomposition &digits) {
  const size_t words = size_t(glwe.k + 1) << glwe.log2N;
  for (Isa isa : availableIsas()) {
    ErrorStatistics errors;
    for (uint8_t seed = 20; errors.count < 4 * samples; seed += 3) {
      std::vector<uint64_t> element =
          randomWords(BootstrapKey::elementWords(glwe, digits), seed);
      std::vector<uint64_t> start = randomWords(words, uint8_t(seed + 1));
      const uint32_t rotation = (1 + 5 * seed) % (2 * glwe.polynomialSize());
      std::vector<uint64_t> exact = exactCmux(glwe, digits, element, rotation, start);
      FourierBootstrapKey key = singleElement(glwe, digits, element, isa);
      TestScratch scratch(bootstrapScratchBytes(1, glwe, digits));
      AlignedBuffer<uint64_t> accumulator(words);
      std::copy(start.begin(), start.end(), accumulator.begin());
      cmux(key, 0, rotation, accumulator.data(), scratch);
      for (size_t w = 0; w < words; ++w)
        errors.add(accumulator[w] - exact[w]);
    }
    EXPECT_NEAR(errors.variance() / fftWordVariance(glwe, digits), 1, 0.05) << name(isa);
    EXPECT_LT(std::abs(errors.meanInSigmas()), 4) << name(isa);
  }
}

} // namespace

TEST_P(MeasuredNoise, FreshEncryption) {
  // Under the small key; those under the big one are cheaper with few coefficients.
  for (const Noise &noise : {set().glwe.noise(), withKeyswitchWords(set(), 64).lwe.noise()}) {
    LweSecretKey key(775, seedOf(1), 0);
    Generator mask(seedOf(2), {StreamUse::encryptionMask});
    Generator stream(seedOf(3), {StreamUse::encryptionNoise});
    std::vector<uint64_t> plaintexts = randomWords(samples, 4), phases(samples);
    std::vector<uint64_t> ciphertexts(samples * 776);
    encrypt(key, plaintexts, noise, mask, stream, ciphertexts.data());
    decryptPhases(key, ciphertexts.data(), phases);
    MeasuredErrors errors;
    for (size_t c = 0; c < samples; ++c)
      errors.add(toTorus(phases[c] - plaintexts[c]));
    // A Gaussian of 4 units is rounded to units.
    const double rounding = noise.kind == NoiseKind::gaussian ? 0x1p-128 / 12 : 0;
    expectMatches("encryption", errors, freshVariance(noise.log2Std) + rounding);
  }
}

TEST_P(MeasuredNoise, FftErrorFollowsTheFit) { checkFft(set().glwe, set().bootstrap); }

// Sums of many rows: levels, polynomials, both.
TEST(MeasuredFft, ManyRows) {
  checkFft({1, 11, -50}, {9, 4});
  checkFft({5, 11, -50}, {23, 1});
  checkFft({2, 10, -50}, {16, 2});
  checkFft({4, 9, -50}, {15, 2});
  checkFft({1, 12, -50}, {11, 3});
}

// External products with GGSWs of 0 and of 1, on an accumulator whose mask each of them makes
// random again.
TEST_P(MeasuredNoise, ExternalProduct) {
  const GlweKey &glwe = set().glwe;
  const FewElements keys(set());
  const uint32_t size = glwe.polynomialSize();
  TestScratch scratch(bootstrapScratchBytes(keys.count, glwe, set().bootstrap));
  std::vector<uint64_t> lwe(glwe.lweWords());
  AlignedBuffer<uint64_t> accumulator((glwe.k + 1) * size);
  // Two samples each; four times as many as needed, because they are cheap and 12,800 leave 5 % at 4 sigma.
  const uint32_t repeats = 2 * samples;
  Generator random(seedOf(33), {StreamUse::derivedSeed});
  for (uint32_t bit = 0; bit < 2; ++bit) {
    random.fill(accumulator.span());
    MeasuredErrors errors;
    double predicted = 0;
    for (uint32_t repeat = 0; repeat < repeats; ++repeat) {
      const uint32_t element = (2 * repeat + bit) % keys.count;
      const uint32_t rotation = 1 + uint32_t(random.next() % (2 * size - 1));
      uint64_t before[2];
      for (uint32_t i = 0; i < 2; ++i)
        before[i] = phaseAt(glwe, keys.secret, accumulator.data(), i * size / 2,
                            bit ? rotation : 0, lwe);
      cmux(keys.key, element, rotation, accumulator.data(), scratch);
      for (uint32_t i = 0; i < 2; ++i) {
        const uint32_t at = i * size / 2;
        const uint64_t after = phaseAt(glwe, keys.secret, accumulator.data(), at, 0, lwe);
        errors.add(toTorus(after - before[i]) - keys.noise[element].mean[at]);
      }
      // The mean is taken off: the digits' variance, not their mean square.
      predicted += cmuxVariance(glwe, set().bootstrap, keys.noise[element], bit, keys.secretOnes) -
                   keys.noise[element].squares / 4;
    }
    expectMatches(bit ? "bit 1" : "bit 0", errors, predicted / repeats);
  }
}

TEST_P(MeasuredNoise, BlindRotation) {
  const GlweKey &glwe = set().glwe;
  const FewElements keys(set());
  const uint32_t passed = 8, size = glwe.polynomialSize();
  const size_t count = 16, words = (glwe.k + 1) * size;
  double predicted = 0;
  for (uint32_t i = 0; i < keys.count; ++i)
    predicted += cmuxVariance(glwe, set().bootstrap, keys.noise[i], keys.bits.bits()[i],
                              keys.secretOnes) *
                 passed / keys.count;

  TestScratch scratch(bootstrapScratchBytes(keys.count, glwe, set().bootstrap));
  std::vector<uint64_t> lwe(glwe.lweWords());
  AlignedBuffer<uint64_t> accumulators(count * words);
  std::vector<uint32_t> switched(count * keys.count);
  Generator random(seedOf(34), {StreamUse::derivedSeed});
  random.fill(accumulators.span());
  MeasuredErrors errors;
  for (uint32_t turn = 0; errors.count < samples; ++turn) {
    std::vector<uint64_t> before(2 * count);
    std::fill(switched.begin(), switched.end(), 0);
    for (size_t c = 0; c < count; ++c) {
      // Elements that are not passed have rotation 0 and add nothing.
      uint32_t rotation = 0;
      for (uint32_t i = uint32_t(turn + c) % 8; i < keys.count; i += keys.count / passed) {
        switched[c * keys.count + i] = 1 + uint32_t(random.next() % (2 * size - 1));
        rotation += switched[c * keys.count + i] * uint32_t(keys.bits.bits()[i]);
      }
      for (uint32_t i = 0; i < 2; ++i)
        before[2 * c + i] = phaseAt(glwe, keys.secret, accumulators.data() + c * words,
                                    i * size / 2, rotation, lwe);
    }
    blindRotate(keys.key, switched.data(), keys.count, count, accumulators.data(), scratch);
    for (size_t c = 0; c < count; ++c)
      for (uint32_t i = 0; i < 2; ++i)
        errors.add(toTorus(phaseAt(glwe, keys.secret, accumulators.data() + c * words,
                                   i * size / 2, 0, lwe) -
                           before[2 * c + i]));
  }
  expectMatches("blind rotation", errors, predicted);
  // And the formula that averages over keys: half of the bits are one.
  EXPECT_NEAR(predicted / blindRotationVariance(passed, glwe, set().bootstrap), 1, 0.1);
}

TEST_P(MeasuredNoise, Keyswitch) {
  for (uint32_t wordBits : {32u, 64u}) {
    const ParameterSet wide = withKeyswitchWords(set(), wordBits);
    const KeyswitchShape shape(256, wide.lwe.dimension, wide.keyswitch, wordBits);
    LweSecretKey input(256, seedOf(60), 0), output(wide.lwe.dimension, seedOf(60), 1);
    std::vector<uint64_t> rows(shape.allWords());
    generateKeyswitchRows(shape, input, output, wide.lwe.noise(), {seedOf(61), seedOf(62), 0}, 0,
                          256, rows.data());
    const KeyswitchNoise noise(shape, input, output, wide.lwe.noise(), rows);
    EXPECT_TRUE(noise.rowsAsAsked);
    LweKeyswitchKey key(shape);
    key.setCoefficients(0, rows);
    TestScratch scratch(keyswitchScratchBytes(shape));
    const size_t batch = 256;
    std::vector<uint64_t> in(batch * 257), out(batch * shape.words());
    std::vector<uint64_t> before(batch), after(batch);
    Generator random(seedOf(63), {StreamUse::derivedSeed});
    MeasuredErrors errors;
    while (errors.count < samples) {
      random.fill(std::span<uint64_t>(in));
      keyswitch(key, in.data(), batch, out.data(), scratch);
      decryptPhases(input, in.data(), before);
      decryptPhases(output, out.data(), after);
      for (size_t c = 0; c < batch; ++c)
        errors.add(toTorus(after[c] - before[c]) - noise.mean());
    }
    const double predicted = noise.variance(shape, ones(input.bits()));
    expectMatches(wordBits == 32 ? "32-bit words" : "64-bit words", errors, predicted);
    // The formula counts the mean as noise and averages over keys.
    EXPECT_NEAR(predicted / keyswitchVariance(256, wide.keyswitch,
                                              freshVariance(wide.lwe.log2Std), wordBits),
                1, 0.2);
  }
}

TEST_P(MeasuredNoise, ModulusSwitch) {
  const uint32_t n = set().lwe.dimension, log2N = set().glwe.log2N;
  LweSecretKey key(n, seedOf(70), 0);
  std::vector<uint64_t> in = randomWords(samples * (n + 1), 71), phases(samples);
  decryptPhases(key, in.data(), phases);
  std::vector<uint32_t> switched(in.size());
  for (SwitchKind kind : {SwitchKind::plain, SwitchKind::centred}) {
    modulusSwitch(kind, n, log2N, in.data(), samples, switched.data());
    MeasuredErrors errors;
    for (size_t c = 0; c < samples; ++c) {
      const uint32_t *words = switched.data() + c * (n + 1);
      uint64_t position = words[n];
      for (size_t i = 0; i < n; ++i)
        position -= words[i] * key.bits()[i];
      errors.add(toTorus((position << (63 - log2N)) - phases[c]));
    }
    const double predicted = switchVariance(kind, n, ones(key.bits()), log2N);
    expectMatches(kind == SwitchKind::plain ? "plain" : "centred", errors, predicted);
    EXPECT_NEAR(predicted / modulusSwitchVariance(n, log2N, kind), 1, 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, MeasuredNoise, testing::ValuesIn(measuredSets()),
                         [](const auto &info) { return std::string(info.param); });
