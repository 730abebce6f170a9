//===- secret_key.cpp - LWE and GLWE secret keys ---------------------------------------------===//
#include "runtime/tfhe/client/secret_key.h"

#include "runtime/tfhe/random/sampling.h"

#include <algorithm>
#include <utility>

namespace fhe::tfhe {

LweSecretKey::LweSecretKey(uint32_t dimension, const Seed &secretSeed, uint16_t keyNumber)
    : LweSecretKey(dimension) {
  Generator generator(secretSeed, {StreamUse::lweSecretKey, keyNumber, 0});
  sampleBits(generator, bits());
}

LweSecretKey::LweSecretKey(const LweSecretKey &outer, uint32_t dimension)
    : LweSecretKey(dimension) {
  std::ranges::copy(outer.bits().first(dimension), words.begin());
}

LweSecretKey::~LweSecretKey() { cleanse(words.data(), words.size() * sizeof(uint64_t)); }

LweSecretKey::LweSecretKey(LweSecretKey &&other) noexcept
    : n(std::exchange(other.n, 0)), words(std::move(other.words)) {}

LweSecretKey &LweSecretKey::operator=(LweSecretKey &&other) noexcept {
  std::swap(n, other.n);
  words.swap(other.words); // The old key is cleansed with `other`.
  return *this;
}

GlweSecretKey::GlweSecretKey(uint32_t k, uint32_t log2N, const Seed &secretSeed,
                             uint16_t keyNumber, uint32_t live)
    : GlweSecretKey(k, log2N, live) {
  Generator generator(secretSeed, {StreamUse::glweSecretKey, keyNumber, 0});
  sampleBits(generator, flatKey.bits());
}

} // namespace fhe::tfhe
