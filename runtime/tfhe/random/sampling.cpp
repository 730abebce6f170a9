//===- sampling.cpp - Uniform bits and rounded Gaussians -------------------------------------===//
#include "runtime/tfhe/random/sampling.h"

#include <algorithm>
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

void addGaussian(Generator &generator, double log2Std, std::span<uint64_t> words) {
  const double scale = std::exp2(64 + log2Std);
  for (size_t i = 0; i < words.size(); i += 2) {
    double x, y, square;
    do {
      x = symmetric(generator.next());
      y = symmetric(generator.next());
      square = x * x + y * y;
    } while (square >= 1);
    const double factor = scale * std::sqrt(-2 * std::log(square) / square);
    words[i] += toTorus(x * factor);
    if (i + 1 < words.size())
      words[i + 1] += toTorus(y * factor);
  }
}

} // namespace fhe::tfhe
