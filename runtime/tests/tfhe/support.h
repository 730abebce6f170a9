//===- support.h - What the kernel tests share -----------------------------------------------===//
//
// Parameter sets on the 128-bit curve, seeded keys, exact reference products, and statistics of
// errors. Seeds are fixed, so every run sees the same numbers.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TESTS_TFHE_SUPPORT_H
#define FHE_RUNTIME_TESTS_TFHE_SUPPORT_H

#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/client/key_generation.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/noise.h"

#include <cmath>
#include <vector>

namespace fhe::tfhe::test {

inline Seed seedOf(uint8_t number) {
  std::array<uint8_t, 16> bytes{};
  bytes[0] = number;
  bytes[15] = 0x5E;
  return Seed(bytes);
}

inline std::vector<uint64_t> randomWords(size_t count, uint8_t number) {
  Generator generator(seedOf(number), {StreamUse::derivedSeed, 7, 7});
  std::vector<uint64_t> words(count);
  generator.fill(std::span<uint64_t>(words));
  return words;
}

/// A set whose noise lies exactly on the 128-bit curve.
inline ParameterSet curveSet(uint32_t n, uint32_t k, uint32_t log2N, Decomposition bootstrap,
                             Decomposition keyswitch) {
  return {{n, log2StdForDimension(n).value()},
          {k, log2N, log2StdForDimension(k << log2N).value()},
          keyswitch,
          bootstrap};
}

/// Scratch of the size a kernel asks for.
class TestScratch {
public:
  explicit TestScratch(size_t bytes) : buffer(bytes ? bytes : 1) {}
  operator Scratch() { return buffer.span(); }

private:
  AlignedBuffer<std::byte> buffer;
};

/// Makes all rows of a keyswitch key.
inline void fillKeyswitchKey(LweKeyswitchKey &key, const LweSecretKey &input,
                             const LweSecretKey &output, const Noise &noise,
                             const KeySeeds &seeds) {
  std::vector<uint64_t> rows(key.shape().allWords());
  generateKeyswitchRows(key.shape(), input, output, noise, seeds, 0, key.shape().coefficients(),
                        rows.data());
  key.setCoefficients(0, rows);
}

/// Secret and evaluation keys of one set; the bootstrap key also in Fourier form of each
/// instruction set asked for.
struct Keys {
  ParameterSet set;
  GlweSecretKey big;
  LweSecretKey small;
  LweKeyswitchKey keyswitch;
  std::vector<FourierBootstrapKey> bootstrap;

  explicit Keys(const ParameterSet &set, std::span<const Isa> isas, uint8_t seed = 1)
      : set(set), big(set.glwe.k, set.glwe.log2N, seedOf(seed), 1, set.glwe.live),
        small(set.lwe.nested ? LweSecretKey(big.flat(), set.lwe.dimension)
                             : LweSecretKey(set.lwe.dimension, seedOf(seed), 0)),
        keyswitch(KeyswitchShape(set)) {
    KeySeeds seeds{seedOf(uint8_t(seed + 100)), seedOf(uint8_t(seed + 101)), 0};
    fillKeyswitchKey(keyswitch, big.flat(), small, set.lwe.noise(), seeds);
    for (Isa isa : isas)
      bootstrap.emplace_back(set.lwe.dimension, set.glwe, set.bootstrap, isa);
    std::vector<uint64_t> element(BootstrapKey::elementWords(set.glwe, set.bootstrap));
    TestScratch generation(bootstrapGenerationScratchBytes(set.glwe));
    TestScratch conversion(set.glwe.polynomialSize() * sizeof(double));
    for (uint32_t i = 0; i < set.lwe.dimension && !bootstrap.empty(); ++i) {
      generateBootstrapElement(set.glwe, set.bootstrap, small, big, seeds, i, element.data(),
                               generation);
      for (FourierBootstrapKey &key : bootstrap)
        key.setElement(i, element, conversion);
    }
  }
};

inline uint32_t ones(std::span<const uint64_t> bits) {
  uint32_t count = 0;
  for (uint64_t bit : bits)
    count += uint32_t(bit);
  return count;
}

/// Mean and variance of torus errors (words as signed fractions of a turn).
struct ErrorStatistics {
  double sum = 0, squares = 0;
  size_t count = 0;

  void add(uint64_t error) {
    double e = double(int64_t(error)) * 0x1p-64;
    sum += e;
    squares += e * e;
    ++count;
  }
  double mean() const { return sum / double(count); }
  double variance() const { return squares / double(count) - mean() * mean(); }
  /// Mean in units of its own standard error.
  double meanInSigmas() const { return mean() / std::sqrt(variance() / double(count)); }
};

/// Coefficients of a * b modulo (2^64, X^N + 1), the schoolbook way.
inline std::vector<uint64_t> negacyclicProduct(std::span<const uint64_t> a,
                                               std::span<const uint64_t> b) {
  const size_t size = a.size();
  std::vector<uint64_t> out(size);
  for (size_t i = 0; i < size; ++i) {
    if (b[i] == 0)
      continue;
    for (size_t j = 0; j < size - i; ++j)
      out[i + j] += a[j] * b[i];
    for (size_t j = size - i; j < size; ++j)
      out[i + j - size] -= a[j] * b[i];
  }
  return out;
}

/// The table m -> f(m) of p-bit messages with one padding bit as a test polynomial: slots of
/// 2N / 2^(p+1) positions, written half a slot early (see bootstrap.h).
template <class F> std::vector<uint64_t> testPolynomial(uint32_t log2N, unsigned bits, F f) {
  const size_t size = size_t(1) << log2N, slot = size >> bits;
  std::vector<uint64_t> out(size);
  for (size_t j = 0; j < size; ++j) {
    size_t m = (j + slot / 2) / slot;
    out[j] = m < size_t(1) << bits ? f(m) : 0 - f(0);
  }
  return out;
}

} // namespace fhe::tfhe::test

#endif // FHE_RUNTIME_TESTS_TFHE_SUPPORT_H
