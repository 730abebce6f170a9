//===- encryption.h - LWE encryption and decryption to the torus -----------------------------===//
//
// A ciphertext is n mask words a, then the body b = <a, s> + m + e. Decryption gives the phase
// b - <a, s> = m + e; rounding to a message is the caller's business (it knows the encoding). No
// branch and no address depends on a secret bit.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_CLIENT_ENCRYPTION_H
#define FHE_RUNTIME_TFHE_CLIENT_ENCRYPTION_H

#include "runtime/tfhe/client/secret_key.h"
#include "runtime/tfhe/parameters.h"

namespace fhe::tfhe {

/// Encrypts torus words [count] to `ciphertexts` [count][n+1] (mask, body). Masks are read from
/// `mask` (n words a ciphertext, in order), noise of the distribution `noise` from `noiseStream`;
/// the two generators must come from independent seeds, and `mask` must never be reused for another
/// encryption (its seed may be published, which is what a compressed ciphertext does).
void encrypt(const LweSecretKey &key, std::span<const uint64_t> plaintexts, const Noise &noise,
             Generator &mask, Generator &noiseStream, uint64_t *ciphertexts);

/// The same with both seeds drawn from the operating system. False when it has no randomness to
/// give; nothing is written then.
[[nodiscard]] bool encryptFresh(const LweSecretKey &key, std::span<const uint64_t> plaintexts,
                                const Noise &noise, uint64_t *ciphertexts);

/// Phases [count] of `ciphertexts` [phases.size()][n+1].
void decryptPhases(const LweSecretKey &key, const uint64_t *ciphertexts,
                   std::span<uint64_t> phases);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_CLIENT_ENCRYPTION_H
