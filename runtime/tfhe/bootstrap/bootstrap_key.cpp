//===- bootstrap_key.cpp - Bootstrap key containers and Fourier conversion -------------------===//
#include "runtime/tfhe/bootstrap/bootstrap_key.h"

#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"

namespace fhe::tfhe {

size_t BootstrapKey::elementWords(const GlweKey &glwe, const Decomposition &decomposition) {
  return size_t(decomposition.levels) * (glwe.k + 1) * (glwe.k + 1) << glwe.log2N;
}

BootstrapKey::BootstrapKey(uint32_t lweDimension, const GlweKey &glwe,
                           const Decomposition &decomposition)
    : n(lweDimension), output(glwe), digits(decomposition),
      storage(lweDimension * elementWords(glwe, decomposition)) {}

FourierBootstrapKey::FourierBootstrapKey(uint32_t lweDimension, const GlweKey &glwe,
                                         const Decomposition &decomposition, Isa isa)
    : n(lweDimension), output(glwe), digits(decomposition), instructions(isa),
      storage(lweDimension * BootstrapKey::elementWords(glwe, decomposition)) {
  fftPlan(isa, glwe.log2N); // So that kernels never build one.
}

size_t FourierBootstrapKey::conversionScratchBytes() const {
  return size_t(output.polynomialSize()) * sizeof(double);
}

void FourierBootstrapKey::setElement(uint32_t i, std::span<const uint64_t> words,
                                     Scratch scratch) {
  const FftPlan &plan = fftPlan(instructions, output.log2N);
  const KernelTable &table = kernelTable(instructions);
  const size_t size = output.polynomialSize();
  const size_t polynomials = size_t(digits.levels) * (output.k + 1) * (output.k + 1);
  const size_t block = 2 * size_t(plan.blockPoints());
  double *transformed = reinterpret_cast<double *>(scratch.data());
  double *to = storage.data() + i * elementDoubles();
  // A block of points of all rows and columns is contiguous: the CMUX reads the key in order.
  for (size_t p = 0; p < polynomials; ++p) {
    const uint32_t level = uint32_t(p / (size_t(output.k + 1) * (output.k + 1)));
    const double scale = 1 / digitUnit(digits.baseLog, level);
    table.forward(plan, words.data() + p * size, transformed);
    for (size_t b = 0; b < plan.blocks(); ++b)
      for (size_t i = 0; i < block; ++i)
        to[(b * polynomials + p) * block + i] = scale * transformed[b * block + i];
  }
}

} // namespace fhe::tfhe
