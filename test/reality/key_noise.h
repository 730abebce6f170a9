//===- key_noise.h - Variances of a program under drawn keys -----------------------------------===//
//
// Each part of the noise twice: the model's variance (runtime/tfhe/noise.h, averaged over keys), and
// that for the keys at hand (runtime/tests/tfhe/conditioned_noise.h): their ones, and the errors in
// the rows of keyswitch keys, which also have a mean that every ciphertext gets.
//
//===---------------------------------------------------------------------------------------------===//
#ifndef TEST_REALITY_KEY_NOISE_H
#define TEST_REALITY_KEY_NOISE_H

#include "runtime/client/client_key.h"
#include "runtime/parallel/workers.h"
#include "runtime/tfhe/keyswitch/keyswitch_key.h"
#include "test/reality/shadow.h"

namespace fhe::reality {

/// Relative to the torus.
struct Noise {
  double model = 0, key = 0; ///< variances; `key` is about the mean
  double mean = 0;

  Noise &operator+=(const Noise &other) {
    model += other.model, key += other.key, mean += other.mean;
    return *this;
  }
};

class KeyNoise {
public:
  KeyNoise(const fhe_client_key &client, const fhe_evaluation_key &evaluation,
           runtime::Workers &workers);

  /// Of a sum of sources, on the torus.
  Noise of(const std::vector<Share> &shares) const;
  Noise of(Origin origin) const;
  /// What keyswitch and modulus switch of a lookup add.
  Noise switches(const fhe_lookup_desc &op) const;
  /// Positions [count] of 2N that the bootstraps of these ciphertexts turn their tables by. What
  /// the executor computes: factor, keyswitch, shift, modulus switch; then decrypted.
  std::vector<uint32_t> positions(const fhe_lookup_desc &op, const uint64_t *in,
                                  uint64_t count) const;

private:
  struct Keyswitch {
    tfhe::LweKeyswitchKey key;
    double sum = 0, squares = 0; ///< of the errors of all rows
  };
  void read(uint32_t conversion);
  double ones(uint32_t key) const;

  const fhe_client_key &client;
  const fhe_evaluation_key &evaluation;
  runtime::Workers &workers;
  std::vector<Keyswitch> keyswitches; ///< by conversion
};

} // namespace fhe::reality

#endif // TEST_REALITY_KEY_NOISE_H
