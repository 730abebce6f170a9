//===- evaluation_key.cpp - Bytes of evaluation keys, and their C interface ---------------===//
#include "runtime/formats/evaluation_key.h"

#include <memory>

using namespace fhe::runtime;

uint64_t fhe::runtime::bodyWords(const Parameters &parameters, uint32_t conversion) {
  const fhe_conversion_record &record = parameters.conversions[conversion];
  if (record.kind == FHE_CONVERSION_KEYSWITCH)
    return uint64_t(parameters.keyswitch(record).coefficients()) * record.levels;
  auto glwe = parameters.glwe(record.to_key);
  return uint64_t(parameters.keys[record.from_key].live) * record.levels * (glwe.k + 1) *
         glwe.polynomialSize();
}

/// Torus words; of 32-bit ones (low halves zero) the high halves.
static void writeWords(ByteWriter &writer, std::span<const uint64_t> words, uint32_t bits) {
  if (bits == 64)
    return writer.values(words);
  std::vector<uint32_t> halves(words.size());
  for (size_t i = 0; i < words.size(); ++i)
    halves[i] = uint32_t(words[i] >> 32);
  writer.values(std::span<const uint32_t>(halves));
}

static std::vector<uint64_t> readWords(ByteReader &reader, uint64_t count, uint32_t bits) {
  reader.expect(count, bits / 8, "an evaluation key's section");
  std::vector<uint64_t> words(count);
  if (bits == 64) {
    reader.values(std::span(words));
    return words;
  }
  std::vector<uint32_t> halves(count);
  reader.values(std::span(halves));
  for (size_t i = 0; i < words.size(); ++i)
    words[i] = uint64_t(halves[i]) << 32;
  return words;
}

/// A section is its kind (that of the conversion), the conversion's number, its words and these.
void fhe_evaluation_key::write(ByteWriter &writer) const {
  FileHeader header;
  header.version = fileVersionOf(parameters);
  header.kind = FileKind::evaluationKey;
  header.parameters = parameterHash(parameters);
  header.keyId = keyId;
  writer.value(header);
  writeParameters(writer, parameters);
  writer.bytes(maskSeed.data(), maskSeed.size());
  for (uint32_t i = 0; i < bodies.size(); ++i) {
    writer.value(parameters.conversions[i].kind);
    writer.value(i);
    writer.value(uint64_t(bodies[i].size()));
    writeWords(writer, bodies[i], parameters.conversions[i].word_bits);
  }
}

uint64_t fhe::runtime::evaluationKeyFileBytes(const Parameters &parameters) {
  ByteWriter counter;
  fhe_evaluation_key empty;
  empty.parameters = parameters;
  empty.bodies.resize(parameters.conversions.size());
  empty.write(counter);
  uint64_t bytes = counter.written();
  for (uint32_t i = 0; i < parameters.conversions.size(); ++i)
    bytes += bodyWords(parameters, i) * (parameters.conversions[i].word_bits / 8);
  return bytes;
}

static std::unique_ptr<fhe_evaluation_key> readKey(ByteReader &reader) {
  FileHeader header = readHeader(reader, FileKind::evaluationKey);
  auto key = std::make_unique<fhe_evaluation_key>();
  key->keyId = header.keyId;
  key->parameters = readKeyParameters(reader, header);
  reader.bytes(key->maskSeed.data(), key->maskSeed.size());
  for (uint32_t i = 0; i < key->parameters.conversions.size(); ++i) {
    uint32_t kind = reader.value<uint32_t>(), number = reader.value<uint32_t>();
    uint64_t words = reader.value<uint64_t>();
    if (kind != key->parameters.conversions[i].kind || number != i)
      throw Failure(FHE_UNSUPPORTED, "section " + std::to_string(i) + " is of kind " +
                                         std::to_string(kind) + " and number " +
                                         std::to_string(number) + ", expected kind " +
                                         std::to_string(key->parameters.conversions[i].kind));
    if (words != bodyWords(key->parameters, i))
      throw Failure(FHE_INVALID_DATA, "section " + std::to_string(i) + " has " +
                                          std::to_string(words) + " words, its parameters need " +
                                          std::to_string(bodyWords(key->parameters, i)));
    key->bodies.push_back(readWords(reader, words, key->parameters.conversions[i].word_bits));
  }
  reader.finish();
  return key;
}

uint64_t fhe_evaluation_key_bytes(const fhe_evaluation_key *key) {
  ByteWriter counter;
  guarded([&] {
    if (key)
      key->write(counter);
  });
  return counter.written();
}

fhe_status fhe_evaluation_key_write(const fhe_evaluation_key *key, fhe_write_fn write,
                                    void *state) {
  return guarded([&] {
    require(key && write, FHE_INVALID_ARGUMENT, "a null pointer");
    ByteWriter writer(write, state);
    key->write(writer);
  });
}

fhe_status fhe_evaluation_key_read(fhe_read_fn read, void *state, uint64_t bytes,
                                   fhe_evaluation_key **key) {
  return guarded([&] {
    require(key && read, FHE_INVALID_ARGUMENT, "a null pointer");
    ByteReader reader(read, state, bytes);
    *key = readKey(reader).release();
  });
}

void fhe_evaluation_key_free(fhe_evaluation_key *key) { delete key; }
