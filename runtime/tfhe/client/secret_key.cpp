//===- secret_key.cpp - LWE and GLWE secret keys ---------------------------------------------===//
#include "runtime/tfhe/client/secret_key.h"

#include "runtime/tfhe/random/sampling.h"

#include <utility>

namespace fhe::tfhe {

LweSecretKey::LweSecretKey(uint32_t dimension, const Seed &secretSeed, uint16_t keyNumber)
    : words(dimension) {
  Generator generator(secretSeed, {StreamUse::lweSecretKey, keyNumber, 0});
  sampleBits(generator, words);
}

LweSecretKey::~LweSecretKey() { cleanse(words.data(), words.size() * sizeof(uint64_t)); }

LweSecretKey &LweSecretKey::operator=(LweSecretKey &&other) noexcept {
  words.swap(other.words); // The old key is cleansed with `other`.
  return *this;
}

GlweSecretKey::GlweSecretKey(uint32_t k, uint32_t log2N, const Seed &secretSeed,
                             uint16_t keyNumber)
    : log2Size(log2N), flatKey(k << log2N) {
  Generator generator(secretSeed, {StreamUse::glweSecretKey, keyNumber, 0});
  sampleBits(generator, flatKey.bits());
}

} // namespace fhe::tfhe
