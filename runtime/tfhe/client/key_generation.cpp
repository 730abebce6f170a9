//===- key_generation.cpp - Makes keyswitch and bootstrap keys -------------------------------===//
#include "runtime/tfhe/client/key_generation.h"

#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"
#include "runtime/tfhe/random/sampling.h"

#include <cstring>

namespace fhe::tfhe {

void generateKeyswitchRows(const KeyswitchShape &shape, const LweSecretKey &input,
                           const LweSecretKey &output, const Noise &noise, const KeySeeds &seeds,
                           uint32_t begin, uint32_t end, uint64_t *rows) {
  const Decomposition &decomposition = shape.decomposition;
  const std::span<const uint64_t> bits = output.bits();
  Generator mask(seeds.mask, {StreamUse::keyswitchMask, seeds.keyNumber, 0});
  Generator noiseStream(seeds.noise, {StreamUse::keyswitchNoise, seeds.keyNumber, 0});
  for (uint32_t i = begin; i < end; ++i)
    for (uint32_t level = 0; level < decomposition.levels; ++level, rows += shape.words()) {
      const uint64_t row = uint64_t(i) * decomposition.levels + level;
      mask.restart({StreamUse::keyswitchMask, seeds.keyNumber, row});
      noiseStream.restart({StreamUse::keyswitchNoise, seeds.keyNumber, row});
      const uint64_t plaintext = input.bits()[shape.shared + i]
                                 << (64 - decomposition.baseLog * (level + 1));
      if (shape.wordBits == 64) {
        encrypt(output, std::span(&plaintext, 1), noise, mask, noiseStream, rows);
        continue;
      }
      mask.fillHigh(std::span(rows, bits.size()));
      uint32_t body = uint32_t(plaintext >> 32);
      for (size_t j = 0; j < bits.size(); ++j)
        body += uint32_t(rows[j] >> 32) * uint32_t(bits[j]);
      addNoise(noiseStream, noise, std::span(&body, 1));
      rows[bits.size()] = uint64_t(body) << 32;
    }
}

namespace {

/// Working memory of one element: k transforms of the key, one of a half, and three polynomials of
/// words. All of it may hold secrets.
struct Workspace {
  double *key, *half;
  uint64_t *words, *product;

  Workspace(const GlweKey &glwe, Scratch scratch) {
    const size_t size = glwe.polynomialSize();
    key = reinterpret_cast<double *>(scratch.data());
    half = key + glwe.k * size;
    words = reinterpret_cast<uint64_t *>(half + size);
    product = words + size;
  }
};

/// body += polynomial * S for the key polynomial whose transform is `key`, exactly modulo (2^64,
/// X^N + 1): signed halves of 32 bits times a binary polynomial stay below 2^49, so their f64
/// transforms round to the exact integers (tests go to N = 2^17).
void addProduct(const KernelTable &table, const FftPlan &plan, const uint64_t *polynomial,
                const double *key, const Workspace &work, uint64_t *body) {
  const size_t size = plan.polynomialSize();
  for (int high = 0; high < 2; ++high) {
    for (size_t i = 0; i < size; ++i) {
      const uint64_t low = uint64_t(int64_t(int32_t(uint32_t(polynomial[i]))));
      work.words[i] = high ? uint64_t(int64_t(polynomial[i] - low) >> 32) : low;
    }
    table.forward(plan, work.words, work.half);
    table.multiply(plan, work.half, key, work.half);
    std::memset(work.product, 0, size * sizeof(uint64_t));
    table.inverseAdd(plan, work.half, work.product);
    for (size_t i = 0; i < size; ++i)
      body[i] += work.product[i] << (high ? 32 : 0);
  }
}

} // namespace

size_t bootstrapGenerationScratchBytes(const GlweKey &glwe) {
  return size_t(glwe.k + 3) * glwe.polynomialSize() * sizeof(uint64_t);
}

void generateBootstrapElement(const GlweKey &glwe, const Decomposition &decomposition,
                              const LweSecretKey &input, const GlweSecretKey &output,
                              const KeySeeds &seeds, uint32_t element, uint64_t *words,
                              Scratch scratch, Isa isa) {
  const KernelTable &table = kernelTable(isa);
  const FftPlan &plan = fftPlan(isa, glwe.log2N);
  const size_t size = glwe.polynomialSize();
  const uint32_t k = glwe.k;
  const Workspace work(glwe, scratch);
  for (uint32_t j = 0; j < k; ++j)
    table.forward(plan, output.polynomial(j).data(), work.key + j * size);

  const uint64_t bit = input.bits()[element];
  Generator mask(seeds.mask, {StreamUse::bootstrapMask, seeds.keyNumber, 0});
  Generator noise(seeds.noise, {StreamUse::bootstrapNoise, seeds.keyNumber, 0});
  for (uint32_t level = 0; level < decomposition.levels; ++level)
    for (uint32_t j = 0; j <= k; ++j) {
      const uint64_t row = (uint64_t(element) * decomposition.levels + level) * (k + 1) + j;
      mask.restart({StreamUse::bootstrapMask, seeds.keyNumber, row});
      noise.restart({StreamUse::bootstrapNoise, seeds.keyNumber, row});
      uint64_t *glweRow = words + (size_t(level) * (k + 1) + j) * (k + 1) * size;
      uint64_t *body = glweRow + k * size;
      mask.fill(std::span(glweRow, k * size));
      std::memset(body, 0, size * sizeof(uint64_t));
      for (uint32_t p = 0; p < k; ++p)
        addProduct(table, plan, glweRow + p * size, work.key + p * size, work, body);
      addNoise(noise, glwe.noise(), std::span(body, size));
      glweRow[j * size] += bit << (64 - decomposition.baseLog * (level + 1));
    }
  cleanse(scratch.data(), bootstrapGenerationScratchBytes(glwe));
}

} // namespace fhe::tfhe
