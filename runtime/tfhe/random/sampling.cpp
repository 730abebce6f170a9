//===- sampling.cpp - Uniform bits, rounded Gaussians, TUniform ------------------------------===//
#include "runtime/tfhe/random/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fhe::tfhe {

void sampleBits(Generator &generator, std::span<uint64_t> bits) {
  for (size_t i = 0; i < bits.size(); i += 64) {
    uint64_t word = generator.next();
    for (size_t j = i; j < std::min(i + 64, bits.size()); ++j, word >>= 1)
      bits[j] = word & 1;
  }
}

/// Uniform in (-1, 1): 53 bits and the middle of their interval, so never 0.
static double symmetric(uint64_t word) {
  return (double(int64_t(word) >> 11) + 0.5) * 0x1p-52;
}

/// Rounds to a torus word; a sample so wide that it leaves the words wraps as the torus does.
static uint64_t toTorus(double sample) {
  if (std::abs(sample) < 0x1p62)
    return uint64_t(std::llrint(sample));
  double turns = sample * 0x1p-64;
  double word = (turns - std::floor(turns)) * 0x1p64; // In [0, 2^64], a whole number here.
  return word >= 0x1p64 ? 0 : uint64_t(word);
}

/// Gaussians of standard deviation `scale` units of the words, rounded to them.
template <class Word>
static void addScaledGaussian(Generator &generator, double scale, std::span<Word> words) {
  for (size_t i = 0; i < words.size(); i += 2) {
    double x, y, square;
    do {
      x = symmetric(generator.next());
      y = symmetric(generator.next());
      square = x * x + y * y;
    } while (square >= 1);
    const double factor = scale * std::sqrt(-2 * std::log(square) / square);
    words[i] += Word(toTorus(x * factor));
    if (i + 1 < words.size())
      words[i + 1] += Word(toTorus(y * factor));
  }
}

void addGaussian(Generator &generator, double log2Std, std::span<uint64_t> words) {
  addScaledGaussian(generator, std::exp2(64 + log2Std), words);
}

template <class Word>
static void addBounded(Generator &generator, uint32_t bound, std::span<Word> words) {
  const uint64_t mask = (uint64_t(4) << bound) - 1, middle = uint64_t(1) << bound;
  std::array<uint64_t, 256> stream;
  for (size_t i = 0; i < words.size(); i += stream.size()) {
    const size_t here = std::min(stream.size(), words.size() - i);
    generator.fill(std::span(stream).first(here));
    for (size_t j = 0; j < here; ++j)
      words[i + j] += Word((((stream[j] & mask) + 1) >> 1) - middle);
  }
  cleanse(stream.data(), sizeof stream);
}

void addTUniform(Generator &generator, uint32_t bound, std::span<uint64_t> words) {
  addBounded(generator, bound, words);
}

void addTUniform(Generator &generator, uint32_t bound, std::span<uint32_t> words) {
  addBounded(generator, bound, words);
}

template <class Word>
static void addAny(Generator &generator, const Noise &noise, std::span<Word> words) {
  constexpr unsigned wordBits = 8 * sizeof(Word);
  if (noise.kind == NoiseKind::tuniform)
    addBounded(generator, tuniformBound(noise.log2Std, wordBits).value(), words);
  else
    addScaledGaussian(generator, std::exp2(wordBits + noise.log2Std), words);
}

void addNoise(Generator &generator, const Noise &noise, std::span<uint64_t> words) {
  addAny(generator, noise, words);
}

void addNoise(Generator &generator, const Noise &noise, std::span<uint32_t> words) {
  addAny(generator, noise, words);
}

} // namespace fhe::tfhe
