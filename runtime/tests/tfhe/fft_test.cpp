//===- fft_test.cpp - The FFT against exact integer products ---------------------------------===//
#include "runtime/tests/tfhe/exact_product.h"
#include "runtime/tests/tfhe/support.h"
#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

class Fft : public testing::TestWithParam<Isa> {
protected:
  const KernelTable &table() const { return kernelTable(GetParam()); }

  std::vector<uint64_t> product(uint32_t log2N, const std::vector<uint64_t> &a,
                                const std::vector<uint64_t> &b) {
    const FftPlan &plan = fftPlan(GetParam(), log2N);
    AlignedBuffer<double> fa(a.size()), fb(a.size());
    table().forward(plan, a.data(), fa.data());
    table().forward(plan, b.data(), fb.data());
    table().multiply(plan, fa.data(), fb.data(), fa.data());
    std::vector<uint64_t> out(a.size());
    table().inverseAdd(plan, fa.data(), out.data());
    return out;
  }
};

/// Words masked to signed values in [-2^(bits-1), 2^(bits-1)).
std::vector<uint64_t> signedWords(size_t count, unsigned bits, uint8_t seed) {
  std::vector<uint64_t> words = randomWords(count, seed);
  for (uint64_t &word : words)
    word = uint64_t(int64_t(word) >> (64 - bits));
  return words;
}

/// Largest absolute difference, as signed words.
double worst(const std::vector<uint64_t> &a, const std::vector<uint64_t> &b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(double(int64_t(a[i] - b[i]))));
  return largest;
}

} // namespace

// Products of words that f64 holds exactly come out as the exact integers.
TEST_P(Fft, SmallProductsAreExact) {
  for (uint32_t log2N = 8; log2N <= 12; ++log2N) {
    const size_t size = size_t(1) << log2N;
    std::vector<uint64_t> a = signedWords(size, 20, 1), b = signedWords(size, 12, 2);
    EXPECT_EQ(product(log2N, a, b), negacyclicProduct(a, b)) << "N = " << size;
  }
}

// Every size up to the largest: a sparse factor makes the exact product cheap.
TEST_P(Fft, EverySize) {
  for (uint32_t log2N = 8; log2N <= 17; ++log2N) {
    const size_t size = size_t(1) << log2N;
    std::vector<uint64_t> a = signedWords(size, 24, 3), b(size);
    b[0] = 5;
    b[1] = uint64_t(-3);
    b[size / 2 - 1] = 7;
    b[size / 2] = 1000;
    b[size - 1] = uint64_t(-1);
    EXPECT_EQ(product(log2N, a, b), negacyclicProduct(a, b)) << "N = " << size;
  }
}

// Full 64-bit words times digits: the error stays in the last bits that f64 cannot hold.
TEST_P(Fft, WordsTimesDigits) {
  for (uint32_t log2N = 8; log2N <= 11; ++log2N) {
    const size_t size = size_t(1) << log2N;
    std::vector<uint64_t> a = randomWords(size, 4), b = signedWords(size, 23, 5);
    // rms about 2^(63 + 22 + log2(N)/2 - 53 - a little); the bound is a generous worst case.
    EXPECT_LT(worst(product(log2N, a, b), negacyclicProduct(a, b)), std::exp2(34 + log2N))
        << "N = " << size;
  }
}

// Extreme words: smallest, largest, alternating, and reduction modulo 2^64 right at the half turn.
TEST_P(Fft, ExtremeWords) {
  const uint32_t log2N = 9;
  const size_t size = size_t(1) << log2N;
  std::vector<uint64_t> one(size), half(size), low(size, uint64_t(1) << 63),
      high(size, ~uint64_t(0) >> 1);
  one[0] = 1;
  half[0] = uint64_t(1) << 63;
  EXPECT_EQ(product(log2N, half, one), half); // Minus 2^63 is exact; it must not become 2^63 - 1.
  // All coefficients near the half turn: f64 is a few times 2^10 off, across the wrap.
  EXPECT_LE(worst(product(log2N, low, one), low), 0x1p15);
  EXPECT_LE(worst(product(log2N, high, one), high), 0x1p15);
  std::vector<uint64_t> alternating(size);
  for (size_t i = 0; i < size; ++i)
    alternating[i] = i % 2 ? uint64_t(-(int64_t(1) << 20)) : uint64_t(1) << 20;
  EXPECT_EQ(product(log2N, alternating, alternating), negacyclicProduct(alternating, alternating));
  std::vector<uint64_t> zero(size);
  EXPECT_EQ(product(log2N, zero, high), zero);
}

TEST_P(Fft, InverseAddsToWhatIsThere) {
  const uint32_t log2N = 10;
  const FftPlan &plan = fftPlan(GetParam(), log2N);
  std::vector<uint64_t> a = signedWords(1024, 40, 6), start = randomWords(1024, 7);
  AlignedBuffer<double> values(1024);
  table().forward(plan, a.data(), values.data());
  std::vector<uint64_t> out = start;
  table().inverseAdd(plan, values.data(), out.data());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(out[i], start[i] + a[i]) << i;
}

// The claim key generation rests on: 32-bit halves times a binary polynomial are exact up to 2^17.
TEST_P(Fft, HalvesTimesBinaryAreExactAtTheLargestSize) {
  const uint32_t log2N = 17;
  const size_t size = size_t(1) << log2N;
  std::vector<uint64_t> a = signedWords(size, 32, 8), b(size);
  Generator generator(seedOf(9), {StreamUse::lweSecretKey});
  for (size_t i = 0; i < size; i += 1021)
    b[i] = 1;
  EXPECT_EQ(product(log2N, a, b), negacyclicProduct(a, b));
  // All ones is the binary factor with the largest coefficients; its product is a running sum.
  std::fill(b.begin(), b.end(), 1);
  uint64_t total = 0;
  for (uint64_t word : a)
    total += word;
  std::vector<uint64_t> expected(size);
  uint64_t prefix = 0;
  for (size_t i = 0; i < size; ++i) {
    prefix += a[i];
    expected[i] = prefix - (total - prefix);
  }
  EXPECT_EQ(product(log2N, a, b), expected);
}

// Two independent oracles.
TEST(ExactProduct, AgreesWithTheSchoolbook) {
  for (uint32_t log2N = 2; log2N <= 10; ++log2N) {
    const size_t size = size_t(1) << log2N;
    std::vector<uint64_t> a = randomWords(size, 50), b = signedWords(size, 24, 51);
    EXPECT_EQ(exactProduct(a, b), negacyclicProduct(a, b)) << "N = " << size;
  }
}

// Every size against exact integers. Random words and digits: no word is farther off than six
// standard deviations of the fit that parameters are chosen with (the largest of 2^17 normal errors
// lies near 4.5), and the variance is that of the fit.
TEST_P(Fft, EverySizeWithinTheErrorOfTheFit) {
  for (uint32_t log2N = 8; log2N <= 17; ++log2N) {
    const size_t size = size_t(1) << log2N;
    std::vector<uint64_t> a = randomWords(size, 60), b = signedWords(size, 23, 61);
    std::vector<uint64_t> exact = exactProduct(a, b), got = product(log2N, a, b);
    // One row of the two of k = 1.
    const double variance = fftWordVariance({1, log2N, 0}, {23, 1}) / 2 * 0x1p128;
    double sum = 0;
    for (size_t i = 0; i < size; ++i)
      sum += std::pow(double(int64_t(got[i] - exact[i])), 2) / double(size);
    EXPECT_LT(worst(got, exact), 6 * std::sqrt(variance)) << "N = " << size;
    EXPECT_NEAR(sum / variance, 1, log2N < 10 ? 0.4 : 0.2) << "N = " << size;
  }
}

// Every size, the largest factors there are, in patterns that put all of a transform into a few
// points. An error is at most 4 log2(N) 2^-53 times the product of the factors' Euclidean norms.
TEST_P(Fft, EverySizeOfExtremeFactors) {
  for (uint32_t log2N = 8; log2N <= 17; ++log2N) {
    const size_t size = size_t(1) << log2N;
    const uint64_t least = uint64_t(1) << 63, digit = uint64_t(-(int64_t(1) << 22));
    std::vector<uint64_t> constant(size, least), digits(size, digit), alternating(size), step(size);
    for (size_t i = 0; i < size; ++i) {
      alternating[i] = i % 2 ? ~least : least;
      step[i] = i < size / 2 ? digit : 0 - digit - 1;
    }
    const double bound = 4 * log2N * 0x1p-53 * double(size) * 0x1p63 * 0x1p22;
    for (const std::vector<uint64_t> *a : {&constant, &alternating})
      for (const std::vector<uint64_t> *b : {&digits, &step})
        EXPECT_LE(worst(product(log2N, *a, *b), exactProduct(*a, *b)), bound) << "N = " << size;
  }
}

INSTANTIATE_TEST_SUITE_P(AllIsas, Fft,
                         testing::ValuesIn(availableIsas().begin(), availableIsas().end()),
                         [](const auto &info) { return std::string(name(info.param)); });
