//===- batch_bootstrap.cpp - The kernel library on its own -------------------------------------===//
//
// Encrypts the integers 0..15, squares each modulo 16 by a programmable bootstrap, all in one batch
// and at 128 bits of security, and decrypts. Links fhe_tfhe_client; a server would do with fhe_tfhe.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/client/key_generation.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/named_sets.h"

#include <algorithm>
#include <cstdio>

using namespace fhe::tfhe;

int main() {
  const ParameterSet &set = findNamedSet("p4")->set; // Tables of 4 bits.
  constexpr unsigned log2Delta = 63 - 4;             // One padding bit.
  constexpr size_t count = 16;

  Seed secret, mask;
  if (!Seed::fromSystem(secret) || !Seed::fromSystem(mask))
    return 1;
  LweSecretKey small(set.lwe.dimension, deriveSeed(secret, 0, 0), 0);
  GlweSecretKey big(set.glwe.k, set.glwe.log2N, deriveSeed(secret, 0, 1), 1);
  const KeySeeds seeds{mask, deriveSeed(secret, 0, 2)};

  LweKeyswitchKey keyswitchKey{KeyswitchShape(set)};
  generateKeyswitchKey(keyswitchKey, big.flat(), small, set.lwe.noise(), seeds);
  FourierBootstrapKey bootstrapKey(set.lwe.dimension, set.glwe, set.bootstrap);
  generateBootstrapKey(bootstrapKey, small, big, seeds);

  // Slots of 2N / 2^5 positions around each message, so the table starts half a slot early.
  AlignedBuffer<uint64_t> table(set.glwe.polynomialSize());
  const size_t slot = table.size() / count;
  for (size_t j = 0; j < table.size(); ++j) {
    const uint64_t m = (j + slot / 2) / slot;
    table[j] = m < count ? (m * m % 16) << log2Delta : 0;
  }

  std::vector<uint64_t> messages(count), phases(count);
  for (size_t m = 0; m < count; ++m)
    messages[m] = uint64_t(m) << log2Delta;
  AlignedBuffer<uint64_t> in(count * set.glwe.lweWords()), out(in.size());
  AlignedBuffer<uint64_t> switched(count * set.lwe.words());
  if (!encryptFresh(big.flat(), messages, set.glwe.noise(), in.data()))
    return 1;

  AlignedBuffer<std::byte> scratch(std::max(
      keyswitchScratchBytes(keyswitchKey.shape()),
      bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap)));
  keyswitch(keyswitchKey, in.data(), count, switched.data(), scratch.span());
  bootstrap(bootstrapKey, switched.data(), count, table.data(), nullptr, out.data(),
            scratch.span());

  decryptPhases(big.flat(), out.data(), phases);
  for (size_t m = 0; m < count; ++m) {
    const uint64_t square = ((phases[m] >> (log2Delta - 1)) + 1) / 2 % 32;
    std::printf("%zu^2 mod 16 = %u\n", m, unsigned(square));
    if (square != m * m % 16)
      return 1;
  }
}
