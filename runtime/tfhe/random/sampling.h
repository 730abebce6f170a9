//===- sampling.h - Uniform bits, Gaussian and TUniform samples -------------------------------===//
//
// Samplers over a Generator. Bits of the stream are consumed in a fixed order, so the same stream
// gives the same samples. The Gaussian sampler is the polar form of Box and Muller (Marsaglia 1964)
// in f64, rounded to the torus: its running time depends on the samples, so it belongs on the
// client, where keys and encryptions are made. The TUniform sampler takes constant time.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_RANDOM_SAMPLING_H
#define FHE_RUNTIME_TFHE_RANDOM_SAMPLING_H

#include "runtime/tfhe/parameters.h"
#include "runtime/tfhe/random/generator.h"

namespace fhe::tfhe {

/// Fills `bits` with words 0 or 1: 64 of them per word of the stream, least significant bit first.
void sampleBits(Generator &generator, std::span<uint64_t> bits);

/// Adds (modulo 2^64) to each word a centred Gaussian of standard deviation 2^(64 + log2Std).
void addGaussian(Generator &generator, double log2Std, std::span<uint64_t> words);

/// Adds to each word a sample of TUniform(bound), bound at most 61 (29 for 32-bit words): uniform
/// on [-2^bound, 2^bound] but for the two ends, which are half as likely; mean 0, variance
/// (2^(2 bound + 1) + 1) / 6. A sample is (r + 1) / 2 - 2^bound, rounded down, of the low bound + 2
/// bits r of one word of the stream. No branch and no address depends on a sample.
void addTUniform(Generator &generator, uint32_t bound, std::span<uint64_t> words);
void addTUniform(Generator &generator, uint32_t bound, std::span<uint32_t> words);

/// Adds to each word noise of the distribution, which must have passed `checkBounds` for words of
/// this width. Gaussian samples are rounded to units of the words.
void addNoise(Generator &generator, const Noise &noise, std::span<uint64_t> words);
void addNoise(Generator &generator, const Noise &noise, std::span<uint32_t> words);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_RANDOM_SAMPLING_H
