//===- generator.h - Seeded random streams from AES-128 in counter mode ----------------------===//
//
// A seed is an AES-128 key. A label picks one of 2^64 disjoint streams of 2^64 blocks: the counter
// block is the label (64 bits, big-endian) followed by the block number (64 bits, big-endian), and
// the stream is the key stream bytes in order. Words are read little-endian. So a stream depends on
// (seed, label) only, never on threads or on what other streams were read.
//
// Rule of the house: public masks and secret material (keys, noise) never share a seed. Both come
// from independent draws of the operating system; every encryption draws fresh ones.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_RANDOM_GENERATOR_H
#define FHE_RUNTIME_TFHE_RANDOM_GENERATOR_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fhe::tfhe {

/// A 128-bit seed. Zeroised on destruction (it may be secret).
struct Seed {
  std::array<uint8_t, 16> bytes{};

  Seed() = default;
  explicit Seed(const std::array<uint8_t, 16> &bytes) : bytes(bytes) {}
  Seed(const Seed &) = default;
  Seed &operator=(const Seed &) = default;
  ~Seed();

  /// 128 bits from the operating system. False when it has none to give; the seed is then all zero
  /// and must not be used.
  [[nodiscard]] static bool fromSystem(Seed &seed);
};

/// What a stream is for: the top byte of a label. Values are part of seeded formats: append only.
enum class StreamUse : uint8_t {
  derivedSeed = 1,
  lweSecretKey = 2,
  glweSecretKey = 3,
  keyswitchMask = 4,
  keyswitchNoise = 5,
  bootstrapMask = 6,
  bootstrapNoise = 7,
  encryptionMask = 8,
  encryptionNoise = 9,
};

/// One of the disjoint streams of a seed: use (8 bits) | number of the key (16 bits) | row (40
/// bits).
struct StreamLabel {
  StreamUse use;
  uint16_t key = 0;
  uint64_t row = 0; ///< Below 2^40.

  uint64_t word() const {
    return uint64_t(use) << 56 | uint64_t(key) << 40 | (row & 0xFFFFFFFFFFull);
  }
};

/// A read-once stream of pseudo-random bytes. Not for use by two threads at once; zeroised on
/// destruction. Not copyable (two copies would give the same bytes). Throws std::bad_alloc when
/// OpenSSL has no memory or no AES-128-CTR.
class Generator {
public:
  Generator(const Seed &seed, StreamLabel label);
  ~Generator();
  Generator(const Generator &) = delete;
  Generator &operator=(const Generator &) = delete;

  /// Goes to the beginning of another stream of the same seed; cheaper than a new Generator.
  void restart(StreamLabel label);

  /// The next bytes / the next 64-bit word of the stream.
  void fill(std::span<uint8_t> bytes);
  void fill(std::span<uint64_t> words);
  /// 32-bit torus words: the next four bytes each, in the high half; low halves are zero.
  void fillHigh(std::span<uint64_t> words);
  uint64_t next();

private:
  void refill();

  void *context; // EVP_CIPHER_CTX; the header does not depend on OpenSSL.
  alignas(64) std::array<uint8_t, 1024> block;
  size_t position;
};

/// A seed that depends on (seed, key, row) only and reveals nothing about `seed`.
Seed deriveSeed(const Seed &seed, uint16_t key, uint64_t row);

/// Overwrites memory in a way the compiler may not remove.
void cleanse(void *data, size_t bytes);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_RANDOM_GENERATOR_H
