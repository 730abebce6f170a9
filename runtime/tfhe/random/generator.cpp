//===- generator.cpp - AES-128 in counter mode through OpenSSL -------------------------------===//
#include "runtime/tfhe/random/generator.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace fhe::tfhe {

void cleanse(void *data, size_t bytes) { OPENSSL_cleanse(data, bytes); }

Seed::~Seed() { cleanse(bytes.data(), bytes.size()); }

bool Seed::fromSystem(Seed &seed) {
  seed.bytes = {};
  if (RAND_priv_bytes(seed.bytes.data(), int(seed.bytes.size())) == 1)
    return true;
  seed.bytes = {};
  return false;
}

static void start(void *context, const uint8_t *key, StreamLabel label) {
  uint8_t counter[16] = {};
  uint64_t word = label.word();
  for (int i = 0; i < 8; ++i)
    counter[i] = uint8_t(word >> (56 - 8 * i));
  // With the cipher set once, a null key keeps it and only the counter changes. This cannot fail
  // for lack of anything but memory.
  auto *ctx = static_cast<EVP_CIPHER_CTX *>(context);
  if (EVP_EncryptInit_ex(ctx, key ? EVP_aes_128_ctr() : nullptr, nullptr, key, counter) != 1)
    throw std::bad_alloc();
}

Generator::Generator(const Seed &seed, StreamLabel label)
    : context(EVP_CIPHER_CTX_new()), position(block.size()) {
  if (!context)
    throw std::bad_alloc();
  start(context, seed.bytes.data(), label);
}

Generator::~Generator() {
  EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX *>(context)); // Cleanses the key schedule.
  cleanse(block.data(), block.size());
}

void Generator::restart(StreamLabel label) {
  start(context, nullptr, label);
  position = block.size();
}

/// The next `bytes` of the key stream: the encryption of zeros.
static void keyStream(void *context, uint8_t *data, size_t bytes) {
  auto *ctx = static_cast<EVP_CIPHER_CTX *>(context);
  while (bytes != 0) {
    int now = int(std::min<size_t>(bytes, size_t(1) << 28)), written = 0;
    std::memset(data, 0, size_t(now));
    if (EVP_EncryptUpdate(ctx, data, &written, data, now) != 1 || written != now)
      throw std::bad_alloc();
    data += now;
    bytes -= size_t(now);
  }
}

void Generator::refill() {
  keyStream(context, block.data(), block.size());
  position = 0;
}

void Generator::fill(std::span<uint8_t> bytes) {
  size_t buffered = std::min(bytes.size(), block.size() - position);
  std::memcpy(bytes.data(), block.data() + position, buffered);
  position += buffered;
  bytes = bytes.subspan(buffered);
  if (bytes.size() >= block.size()) {
    keyStream(context, bytes.data(), bytes.size());
  } else if (!bytes.empty()) {
    refill();
    std::memcpy(bytes.data(), block.data(), bytes.size());
    position = bytes.size();
  }
}

void Generator::fill(std::span<uint64_t> words) {
  fill(std::span(reinterpret_cast<uint8_t *>(words.data()), words.size() * 8));
  if constexpr (std::endian::native == std::endian::big)
    for (uint64_t &word : words)
      word = __builtin_bswap64(word);
}

void Generator::fillHigh(std::span<uint64_t> words) {
  std::array<uint8_t, 1024> bytes;
  while (!words.empty()) {
    const size_t count = std::min(words.size(), bytes.size() / 4);
    fill(std::span(bytes.data(), 4 * count));
    for (size_t i = 0; i < count; ++i) {
      uint32_t word;
      std::memcpy(&word, bytes.data() + 4 * i, 4);
      words[i] = uint64_t(std::endian::native == std::endian::big ? __builtin_bswap32(word) : word)
                 << 32;
    }
    words = words.subspan(count);
  }
}

uint64_t Generator::next() {
  uint64_t word;
  if (position + 8 <= block.size()) {
    std::memcpy(&word, block.data() + position, 8);
    position += 8;
    return std::endian::native == std::endian::big ? __builtin_bswap64(word) : word;
  }
  fill(std::span(&word, 1));
  return word;
}

Seed deriveSeed(const Seed &seed, uint16_t key, uint64_t row) {
  Generator generator(seed, {StreamUse::derivedSeed, key, row});
  Seed derived;
  generator.fill(std::span<uint8_t>(derived.bytes));
  return derived;
}

} // namespace fhe::tfhe
