//===- sampling.h - Uniform, binary and Gaussian samples --------------------------------------===//
//
// Samplers over a Generator. Bits of the stream are consumed in a fixed order, so the same stream
// gives the same samples. The Gaussian sampler is the polar form of Box and Muller (Marsaglia 1964)
// in f64, rounded to the 64-bit torus: its running time depends on the samples, so it belongs on
// the client, where keys and encryptions are made.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_RANDOM_SAMPLING_H
#define FHE_RUNTIME_TFHE_RANDOM_SAMPLING_H

#include "runtime/tfhe/random/generator.h"

namespace fhe::tfhe {

/// Fills `bits` with words 0 or 1: 64 of them per word of the stream, least significant bit first.
void sampleBits(Generator &generator, std::span<uint64_t> bits);

/// Adds (modulo 2^64) to each word a centred Gaussian of standard deviation 2^(64 + log2Std).
void addGaussian(Generator &generator, double log2Std, std::span<uint64_t> words);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_RANDOM_SAMPLING_H
