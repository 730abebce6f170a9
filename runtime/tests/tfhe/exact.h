//===- exact.h - Exact references of products and CMUXes, for tests --------------------------===//
//
// Products of words and digits in pieces small enough that the transforms round to the right
// integers; phases of accumulators; a CMUX in integers.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TESTS_TFHE_EXACT_H
#define FHE_RUNTIME_TESTS_TFHE_EXACT_H

#include "runtime/tests/tfhe/support.h"

#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"

#include <algorithm>
#include <bit>

namespace fhe::tfhe::test {

/// words * digits exactly, fast: in signed pieces of 16 bits, whose f64 products with digits of up
/// to 23 bits round to the exact integers (FFT tests check such products against the schoolbook).
inline std::vector<uint64_t> productInPieces(std::span<const uint64_t> words,
                                      std::span<const uint64_t> digits) {
  const size_t size = words.size();
  const Isa isa = availableIsas().back();
  const KernelTable &table = kernelTable(isa);
  const FftPlan &plan = fftPlan(isa, uint32_t(std::countr_zero(size)));
  AlignedBuffer<double> with(size), piece(size);
  table.forward(plan, digits.data(), with.data());
  std::vector<uint64_t> rest(words.begin(), words.end()), part(size), out(size);
  for (unsigned shift = 0; shift < 64; shift += 16) {
    for (size_t i = 0; i < size; ++i) {
      part[i] = uint64_t(int64_t(int16_t(uint16_t(rest[i]))));
      rest[i] = uint64_t(int64_t(rest[i] - part[i]) >> 16);
    }
    table.forward(plan, part.data(), piece.data());
    table.multiply(plan, piece.data(), with.data(), piece.data());
    std::fill(part.begin(), part.end(), 0);
    table.inverseAdd(plan, piece.data(), part.data());
    for (size_t i = 0; i < size; ++i)
      out[i] += part[i] << shift;
  }
  return out;
}

/// Phase polynomial body - sum mask_j S_j of an accumulator.
inline std::vector<uint64_t> phaseOf(const GlweSecretKey &key,
                                     std::span<const uint64_t> accumulator) {
  const size_t size = key.polynomialSize();
  std::vector<uint64_t> phase(accumulator.end() - ptrdiff_t(size), accumulator.end());
  for (uint32_t j = 0; j < key.k(); ++j) {
    std::vector<uint64_t> product =
        productInPieces(accumulator.subspan(j * size, size), key.polynomial(j));
    for (size_t i = 0; i < size; ++i)
      phase[i] -= product[i];
  }
  return phase;
}

inline std::vector<uint64_t> rotated(std::span<const uint64_t> polynomial, uint32_t rotation) {
  const size_t size = polynomial.size();
  std::vector<uint64_t> out(size);
  for (size_t i = 0; i < size; ++i) {
    const size_t to = (i + rotation) % (2 * size);
    out[to % size] = to < size ? polynomial[i] : 0 - polynomial[i];
  }
  return out;
}

/// Balanced digits of the closest multiple of 2^(64 - baseLog * levels), written independently of
/// the kernels: from the least significant digit up, with carries.
inline std::vector<int64_t> digitsOf(uint64_t word, const Decomposition &decomposition) {
  const unsigned kept = decomposition.baseLog * decomposition.levels;
  const uint64_t base = uint64_t(1) << decomposition.baseLog;
  uint64_t rest = kept < 64 ? (word >> (64 - kept)) + ((word >> (63 - kept)) & 1) : word;
  std::vector<int64_t> digits(decomposition.levels);
  for (uint32_t level = decomposition.levels; level-- > 0;) {
    uint64_t digit = rest % base;
    rest /= base;
    digits[level] = int64_t(digit);
    if (digit >= base / 2) {
      digits[level] -= int64_t(base);
      ++rest;
    }
  }
  return digits;
}

/// accumulator + GGSW x (X^rotation - 1) accumulator in exact integer arithmetic.
inline std::vector<uint64_t> exactCmux(const GlweKey &glwe, const Decomposition &decomposition,
                                std::span<const uint64_t> element, uint32_t rotation,
                                std::span<const uint64_t> accumulator) {
  const size_t size = glwe.polynomialSize();
  std::vector<uint64_t> out(accumulator.begin(), accumulator.end());
  for (uint32_t j = 0; j <= glwe.k; ++j) {
    std::span<const uint64_t> polynomial = accumulator.subspan(j * size, size);
    std::vector<uint64_t> difference = rotated(polynomial, rotation);
    for (size_t i = 0; i < size; ++i)
      difference[i] -= polynomial[i];
    for (uint32_t level = 0; level < decomposition.levels; ++level) {
      std::vector<uint64_t> digits(size);
      for (size_t i = 0; i < size; ++i)
        digits[i] = uint64_t(digitsOf(difference[i], decomposition)[level]);
      for (uint32_t column = 0; column <= glwe.k; ++column) {
        const size_t at = ((size_t(level) * (glwe.k + 1) + j) * (glwe.k + 1) + column) * size;
        std::vector<uint64_t> product = productInPieces(element.subspan(at, size), digits);
        for (size_t i = 0; i < size; ++i)
          out[column * size + i] += product[i];
      }
    }
  }
  return out;
}

/// A key with one element of the given words.
inline FourierBootstrapKey singleElement(const GlweKey &glwe, const Decomposition &decomposition,
                                  std::span<const uint64_t> words, Isa isa) {
  FourierBootstrapKey key(1, glwe, decomposition, isa);
  TestScratch scratch(key.conversionScratchBytes());
  key.setElement(0, words, scratch);
  return key;
}

} // namespace fhe::tfhe::test

#endif // FHE_RUNTIME_TESTS_TFHE_EXACT_H
