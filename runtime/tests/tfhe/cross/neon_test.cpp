//===- neon_test.cpp - The NEON kernels against the scalar reference --------------------------===//
//
// A program of its own, without GoogleTest and without OpenSSL, so that it can be built for AArch64
// on another machine and run under an emulator. Integer kernels must agree to the bit; transforms
// and blind rotations up to the rounding of doubles.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/linear.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

using namespace fhe::tfhe;

namespace {

int failures = 0;

void expect(bool condition, const std::string &what) {
  std::printf("%-60s %s\n", what.c_str(), condition ? "ok" : "FAILED");
  failures += !condition;
}

AlignedBuffer<uint64_t> randomWords(size_t count, uint64_t seed) {
  AlignedBuffer<uint64_t> words(count);
  std::mt19937_64 engine(seed);
  for (uint64_t &word : words)
    word = engine();
  return words;
}

double largestDifference(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(double(int64_t(a[i] - b[i]))));
  return most;
}

/// a * b modulo X^N + 1 and 2^64, b of small signed coefficients, through one instruction set.
AlignedBuffer<uint64_t> product(Isa isa, uint32_t log2N, std::span<const uint64_t> a,
                                std::span<const uint64_t> b) {
  const FftPlan &plan = fftPlan(isa, log2N);
  const KernelTable &table = kernelTable(isa);
  AlignedBuffer<double> x(a.size()), y(a.size());
  AlignedBuffer<uint64_t> out(a.size());
  table.forward(plan, a.data(), x.data());
  table.forward(plan, b.data(), y.data());
  table.multiply(plan, x.data(), y.data(), x.data());
  table.inverseAdd(plan, x.data(), out.data());
  return out;
}

void testProducts() {
  for (uint32_t log2N = minLog2PolynomialSize; log2N <= 14; ++log2N) {
    const size_t size = size_t(1) << log2N;
    AlignedBuffer<uint64_t> a = randomWords(size, log2N), b(size);
    b[0] = 5, b[1] = uint64_t(-3), b[size - 1] = 100;
    std::vector<uint64_t> exact(size);
    for (size_t i = 0; i < size; ++i)
      exact[i] = 5 * a[i] - 3 * (i ? a[i - 1] : 0 - a[size - 1]) -
                 100 * (i + 1 < size ? a[i + 1] : 0 - a[0]);
    // Products of 2^63 and about 100 with 53 bits of mantissa: errors of some 2^17.
    expect(largestDifference(product(Isa::neon, log2N, a.span(), b.span()).span(), exact) <
               0x1p22,
           "product of polynomials, N = " + std::to_string(size));
  }
}

/// One step only: in further ones the two would take other digits after other roundings.
void testExternalProduct(uint32_t k, uint32_t log2N, Decomposition digits) {
  const GlweKey glwe{k, log2N, -50};
  const size_t words = (k + 1) * glwe.polynomialSize();
  AlignedBuffer<uint64_t> results[2];
  for (Isa isa : {Isa::scalar, Isa::neon}) {
    FourierBootstrapKey key(1, glwe, digits, isa);
    AlignedBuffer<std::byte> conversion(key.conversionScratchBytes());
    key.setElement(0, randomWords(BootstrapKey::elementWords(glwe, digits), 10).span(),
                   conversion.span());
    AlignedBuffer<std::byte> scratch(bootstrapScratchBytes(1, glwe, digits));
    AlignedBuffer<uint64_t> &accumulator = results[isa == Isa::neon];
    accumulator = randomWords(words, 1);
    cmux(key, 0, glwe.polynomialSize() + 3, accumulator.data(), scratch.span());
  }
  // Digits up to 2^22 times words of 2^63, summed over the polynomial, with 53 bits.
  expect(largestDifference(results[0].span(), results[1].span()) < 0x1p44,
         "external product, k = " + std::to_string(k) + ", N = " +
             std::to_string(glwe.polynomialSize()) + ", l = " + std::to_string(digits.levels));
}

void testKeyswitch(unsigned wordBits) {
  const KeyswitchShape shape{600, 451, {4, 3}, wordBits};
  const size_t count = 7, inWords = 601, outWords = 452;
  AlignedBuffer<uint64_t> in = randomWords(count * inWords, 3);
  std::vector<uint64_t> results[2];
  for (Isa isa : {Isa::scalar, Isa::neon}) {
    LweKeyswitchKey key(shape, isa);
    constexpr uint32_t group = LweKeyswitchKey::coefficientGroup;
    for (uint32_t i = 0; i < 600; i += group)
      key.setCoefficients(i, randomWords(group * shape.coefficientWords(), 50 + i).span());
    AlignedBuffer<std::byte> scratch(keyswitchScratchBytes(shape, isa));
    std::vector<uint64_t> &out = results[isa == Isa::neon];
    out.resize(count * outWords);
    keyswitch(key, in.data(), count, out.data(), scratch.span());
  }
  expect(results[0] == results[1], "keyswitch, " + std::to_string(wordBits) + "-bit key");
}

void testLinear() {
  const GemmShape shape{2, 50, 9, 613};
  AlignedBuffer<uint64_t> in = randomWords(2 * 50 * 613, 4);
  std::vector<int16_t> weights(50 * 9);
  std::mt19937_64 engine(5);
  for (int16_t &weight : weights)
    weight = int16_t(engine());
  std::vector<uint64_t> results[2];
  for (Isa isa : {Isa::scalar, Isa::neon}) {
    AlignedBuffer<std::byte> scratch(gemmScratchBytes(shape));
    std::vector<uint64_t> &out = results[isa == Isa::neon];
    out.resize(2 * 9 * 613);
    gemm(shape, in.data(), {weights.data(), 2}, out.data(), 0, gemmItems(shape), scratch.span(),
         isa);
  }
  expect(results[0] == results[1], "matrix product");
}

} // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0); // So that a crash leaves what came before it.
  const std::span<const Isa> isas = availableIsas();
  expect(std::find(isas.begin(), isas.end(), Isa::neon) != isas.end(), "NEON is there");
  expect(activeIsa() == Isa::neon, "NEON is chosen");
  testProducts();
  testExternalProduct(1, 11, {23, 1});
  testExternalProduct(4, 9, {23, 1});
  testExternalProduct(1, 12, {15, 2});
  testExternalProduct(2, 8, {10, 3});
  testKeyswitch(64);
  testKeyswitch(32);
  testLinear();
  return failures != 0;
}
