//===- client_key.cpp - Draws, writes and reads client keys -------------------------------===//
#include "runtime/client/client_key.h"

#include "runtime/client/manifest.h"

using namespace fhe::runtime;
namespace tfhe = fhe::tfhe;

tfhe::Seed fhe::runtime::freshSeed() {
  tfhe::Seed seed;
  require(tfhe::Seed::fromSystem(seed), FHE_NO_RANDOMNESS,
          "the operating system gave no randomness");
  return seed;
}

static std::unique_ptr<fhe_client_key> emptyKey(const Parameters &parameters) {
  auto key = std::make_unique<fhe_client_key>();
  key->parameters = parameters;
  key->hash = parameterHash(parameters);
  key->secrets.resize(parameters.keys.size());
  return key;
}

/// Nested keys from the keys they are nested in, which are there.
static void fillNestedKeys(fhe_client_key &key) {
  for (uint32_t i = 0; i < key.secrets.size(); ++i)
    if (const fhe_key_record &record = key.parameters.keys[i]; record.nested_in)
      key.secrets[i].lwe =
          tfhe::LweSecretKey(key.secrets[record.nested_in - 1].glwe.flat(), record.dimension);
}

static std::unique_ptr<fhe_client_key> drawKey(const Parameters &parameters,
                                               tfhe::KeyAssumptions assumptions) {
  checkSecurity(parameters, assumptions);
  auto key = emptyKey(parameters);
  key->keyId = freshSeed().bytes;
  tfhe::Seed seed = freshSeed();
  for (uint32_t i = 0; i < parameters.keys.size(); ++i) {
    const fhe_key_record &record = parameters.keys[i];
    if (key->isGlwe(i))
      key->secrets[i].glwe =
          tfhe::GlweSecretKey(record.dimension, record.log2_poly, seed, uint16_t(i),
                              parameters.glwe(i).live);
    else if (!record.nested_in)
      key->secrets[i].lwe = tfhe::LweSecretKey(record.dimension, seed, uint16_t(i));
  }
  fillNestedKeys(*key);
  return key;
}

/// Packed bits that are zeroised when done with.
struct SecretBytes {
  std::vector<uint8_t> bytes;
  explicit SecretBytes(size_t size) : bytes(size) {}
  ~SecretBytes() { tfhe::cleanse(bytes.data(), bytes.size()); }
};

void fhe_client_key::write(ByteWriter &writer) const {
  FileHeader header;
  header.version = fileVersionOf(parameters);
  header.kind = FileKind::clientKey;
  header.parameters = hash;
  header.keyId = keyId;
  writer.value(header);
  writeParameters(writer, parameters);
  for (uint32_t i = 0; i < secrets.size(); ++i) {
    if (parameters.keys[i].nested_in)
      continue; // it is in the other key
    std::span<const uint64_t> bits = flat(i).bits();
    SecretBytes packed((bits.size() + 7) / 8);
    for (size_t b = 0; b < bits.size(); ++b)
      packed.bytes[b / 8] |= uint8_t(bits[b] << (b % 8));
    writer.bytes(packed.bytes.data(), packed.bytes.size());
  }
}

static std::unique_ptr<fhe_client_key> readKey(ByteReader &reader) {
  FileHeader header = readHeader(reader, FileKind::clientKey);
  Parameters parameters = readKeyParameters(reader, header);
  // A key file could otherwise smuggle in parameters that make fresh encryptions weak. Whoever drew
  // a partial or nested key asked for it.
  checkSecurity(parameters, tfhe::KeyAssumptions::extended);
  auto key = emptyKey(parameters);
  key->keyId = header.keyId;
  for (uint32_t i = 0; i < parameters.keys.size(); ++i) {
    const fhe_key_record &record = parameters.keys[i];
    if (record.nested_in)
      continue;
    SecretBytes packed((uint64_t(record.live) + 7) / 8);
    reader.bytes(packed.bytes.data(), packed.bytes.size());
    std::span<uint64_t> bits;
    if (key->isGlwe(i)) {
      key->secrets[i].glwe = tfhe::GlweSecretKey(record.dimension, record.log2_poly,
                                                     parameters.glwe(i).live);
      bits = key->secrets[i].glwe.flat().bits();
    } else {
      key->secrets[i].lwe = tfhe::LweSecretKey(record.dimension);
      bits = key->secrets[i].lwe.bits();
    }
    for (size_t b = 0; b < bits.size(); ++b)
      bits[b] = packed.bytes[b / 8] >> (b % 8) & 1;
  }
  fillNestedKeys(*key);
  reader.finish();
  return key;
}

fhe_status fhe_client_key_generate(const fhe_manifest *manifest, fhe_client_key **key) {
  return fhe_client_key_generate_assuming(manifest, FHE_KEY_ASSUMPTIONS_STANDARD, key);
}

fhe_status fhe_client_key_generate_assuming(const fhe_manifest *manifest, uint32_t assumptions,
                                            fhe_client_key **key) {
  return guarded([&] {
    require(manifest && key, FHE_INVALID_ARGUMENT, "a null pointer");
    bool extended = assumptions == FHE_KEY_ASSUMPTIONS_EXTENDED;
    require(extended || assumptions == FHE_KEY_ASSUMPTIONS_STANDARD, FHE_INVALID_ARGUMENT,
            "unknown key assumptions");
    if (manifest->clearOnly)
      throw Failure(FHE_MISMATCH, "model '" + manifest->name +
                                      "' was compiled with --clear-only: it has no keys");
    *key = drawKey(manifest->parameters, extended ? tfhe::KeyAssumptions::extended
                                                  : tfhe::KeyAssumptions::standard)
               .release();
  });
}

uint64_t fhe_client_key_bytes(const fhe_client_key *key) {
  ByteWriter counter;
  guarded([&] {
    if (key)
      key->write(counter);
  });
  return counter.written();
}

fhe_status fhe_client_key_write(const fhe_client_key *key, fhe_write_fn write, void *state) {
  return guarded([&] {
    require(key && write, FHE_INVALID_ARGUMENT, "a null pointer");
    ByteWriter writer(write, state);
    key->write(writer);
  });
}

fhe_status fhe_client_key_read(fhe_read_fn read, void *state, uint64_t bytes,
                               fhe_client_key **key) {
  return guarded([&] {
    require(key && read, FHE_INVALID_ARGUMENT, "a null pointer");
    ByteReader reader(read, state, bytes);
    *key = readKey(reader).release();
  });
}

void fhe_client_key_free(fhe_client_key *key) { delete key; }
