//===- secret_key.h - LWE and GLWE secret keys -----------------------------------------------===//
//
// Uniform binary keys, one bit a word so that dot products are masks and additions. Zeroised on
// destruction. This folder (target fhe_tfhe_client) is all of the library that touches secrets; a
// server links fhe_tfhe only.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_CLIENT_SECRET_KEY_H
#define FHE_RUNTIME_TFHE_CLIENT_SECRET_KEY_H

#include "runtime/tfhe/random/generator.h"

#include <span>
#include <vector>

namespace fhe::tfhe {

/// A binary LWE key. Movable, not copyable.
class LweSecretKey {
public:
  LweSecretKey() = default;
  /// `dimension` zero bits; set them through `bits()` (deserialization) or draw them.
  explicit LweSecretKey(uint32_t dimension) : LweSecretKey(dimension, dimension) {}
  /// Uniform bits from stream (lweSecretKey, keyNumber) of a secret seed.
  LweSecretKey(uint32_t dimension, const Seed &secretSeed, uint16_t keyNumber);
  /// A nested key: the first `dimension` bits of `outer`, at most all.
  LweSecretKey(const LweSecretKey &outer, uint32_t dimension);
  ~LweSecretKey();
  LweSecretKey(LweSecretKey &&other) noexcept;
  LweSecretKey &operator=(LweSecretKey &&other) noexcept;
  LweSecretKey(const LweSecretKey &) = delete;
  LweSecretKey &operator=(const LweSecretKey &) = delete;

  uint32_t dimension() const { return n; }
  /// One word per bit, each 0 or 1 (any other value is a broken invariant: check files first).
  std::span<const uint64_t> bits() const { return std::span(words).first(n); }
  std::span<uint64_t> bits() { return std::span(words).first(n); }

private:
  friend class GlweSecretKey;
  /// With `coefficients` - `dimension` zeros behind the bits.
  LweSecretKey(uint32_t dimension, uint32_t coefficients) : n(dimension), words(coefficients) {}

  uint32_t n = 0;
  std::vector<uint64_t> words;
};

/// A binary GLWE key: k polynomials of N coefficients. `flat()` is the same key as an LWE key of
/// dimension k * N, polynomial after polynomial: the key of a bootstrap's results. Of a partial key
/// only the first `live` coefficients may be one; then `flat()` has dimension `live`.
class GlweSecretKey {
public:
  GlweSecretKey() = default;
  /// All-zero key; set it through `flat().bits()`. `live` as in GlweKey: 0 for all coefficients.
  GlweSecretKey(uint32_t k, uint32_t log2N, uint32_t live = 0)
      : polynomials(k), log2Size(log2N), flatKey(live ? live : k << log2N, k << log2N) {}
  /// Uniform bits from stream (glweSecretKey, keyNumber) of a secret seed.
  GlweSecretKey(uint32_t k, uint32_t log2N, const Seed &secretSeed, uint16_t keyNumber,
                uint32_t live = 0);

  uint32_t k() const { return polynomials; }
  uint32_t log2N() const { return log2Size; }
  uint32_t polynomialSize() const { return uint32_t(1) << log2Size; }
  std::span<const uint64_t> polynomial(uint32_t j) const {
    return std::span(flatKey.words).subspan(size_t(j) << log2Size, polynomialSize());
  }
  const LweSecretKey &flat() const { return flatKey; }
  LweSecretKey &flat() { return flatKey; }

private:
  uint32_t polynomials = 0;
  uint32_t log2Size = 0;
  LweSecretKey flatKey;
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_CLIENT_SECRET_KEY_H
