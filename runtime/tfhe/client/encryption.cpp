//===- encryption.cpp - LWE encryption and decryption to the torus ---------------------------===//
#include "runtime/tfhe/client/encryption.h"

#include "runtime/tfhe/random/sampling.h"

namespace fhe::tfhe {

/// <mask, key>: each bit selects its word by a mask, never by a branch.
static uint64_t dot(const uint64_t *mask, std::span<const uint64_t> bits) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bits.size(); ++i)
    sum += mask[i] & (0 - bits[i]);
  return sum;
}

void encrypt(const LweSecretKey &key, std::span<const uint64_t> plaintexts, const Noise &noise,
             Generator &mask, Generator &noiseStream, uint64_t *ciphertexts) {
  const size_t n = key.dimension();
  for (size_t c = 0; c < plaintexts.size(); ++c) {
    uint64_t *a = ciphertexts + c * (n + 1), &b = a[n];
    mask.fill(std::span(a, n));
    b = dot(a, key.bits()) + plaintexts[c];
    addNoise(noiseStream, noise, std::span(&b, 1));
  }
}

bool encryptFresh(const LweSecretKey &key, std::span<const uint64_t> plaintexts, const Noise &noise,
                  uint64_t *ciphertexts) {
  Seed maskSeed, noiseSeed;
  if (!Seed::fromSystem(maskSeed) || !Seed::fromSystem(noiseSeed))
    return false;
  Generator mask(maskSeed, {StreamUse::encryptionMask});
  Generator noiseStream(noiseSeed, {StreamUse::encryptionNoise});
  encrypt(key, plaintexts, noise, mask, noiseStream, ciphertexts);
  return true;
}

void decryptPhases(const LweSecretKey &key, const uint64_t *ciphertexts,
                   std::span<uint64_t> phases) {
  const size_t n = key.dimension();
  for (size_t c = 0; c < phases.size(); ++c) {
    const uint64_t *a = ciphertexts + c * (n + 1);
    phases[c] = a[n] - dot(a, key.bits());
  }
}

} // namespace fhe::tfhe
