//===- ciphertexts.cpp - Bytes of ciphertexts, and their C interface ----------------------===//
#include "runtime/formats/ciphertexts.h"

#include <memory>

namespace fhe::runtime {

FileHeader readHeader(ByteReader &reader, FileKind kind) {
  FileHeader header = reader.value<FileHeader>();
  require(header.magic == fileMagic, FHE_INVALID_DATA,
          "not a key or ciphertext file (the first bytes are not FHE-FILE)");
  const bool isKey = header.kind == FileKind::clientKey || header.kind == FileKind::evaluationKey;
  if (header.version != fileVersion && !(isKey && header.version == nestedFileVersion))
    throw Failure(FHE_UNSUPPORTED, "file version " + std::to_string(header.version) +
                                       ", this library reads version " +
                                       std::to_string(fileVersion) +
                                       (isKey ? " and " + std::to_string(nestedFileVersion) : ""));
  static const char *const names[] = {"", "a client key", "an evaluation key", "ciphertexts"};
  if (header.kind != kind) {
    uint32_t found = uint32_t(header.kind);
    throw Failure(FHE_INVALID_DATA,
                  "the file holds " +
                      std::string(found >= 1 && found <= 3 ? names[found] : "something else") +
                      ", not " + names[uint32_t(kind)]);
  }
  return header;
}

Parameters readKeyParameters(ByteReader &reader, const FileHeader &header) {
  Parameters parameters = readParameters(reader);
  if (header.version != fileVersionOf(parameters))
    throw Failure(FHE_INVALID_DATA, "file version " + std::to_string(header.version) +
                                        ", its parameters need version " +
                                        std::to_string(fileVersionOf(parameters)));
  require(parameterHash(parameters) == header.parameters, FHE_INVALID_DATA,
          "the parameters are not those that the header names");
  return parameters;
}

static CiphertextTensor readTensor(ByteReader &reader, Encoding encoding, uint64_t samples) {
  CiphertextTensor tensor;
  tensor.name = reader.text(maxNameBytes);
  tensor.key = reader.value<uint32_t>();
  tensor.dimension = reader.value<uint32_t>();
  tensor.elements = reader.value<uint64_t>();
  bool clear = encoding == Encoding::clear;
  require(clear ? tensor.dimension == 0 && tensor.key == 0
                : tensor.dimension >= 1 && tensor.dimension < UINT32_MAX,
          FHE_INVALID_DATA, "a tensor's key or dimension is impossible");
  if (encoding == Encoding::seeded)
    reader.bytes(tensor.maskSeed.data(), tensor.maskSeed.size());
  uint64_t values = 0, words = 0;
  if (__builtin_mul_overflow(samples, tensor.elements, &values) ||
      __builtin_mul_overflow(values, wordsPerValue(encoding, tensor.dimension), &words))
    throw Failure(FHE_INVALID_DATA, "tensor '" + tensor.name + "' has an impossible size");
  require(words != 0, FHE_INVALID_DATA, "a tensor has no values");
  reader.expect(words, sizeof(uint64_t), ("tensor '" + tensor.name + "'").c_str());
  tensor.words.resize(words);
  reader.values(std::span(tensor.words));
  return tensor;
}

static std::unique_ptr<fhe_ciphertexts> readCiphertexts(ByteReader &reader) {
  FileHeader header = readHeader(reader, FileKind::ciphertexts);
  auto result = std::make_unique<fhe_ciphertexts>();
  result->parameters = header.parameters;
  result->keyId = header.keyId;
  result->encoding = reader.value<Encoding>();
  uint32_t encoding = uint32_t(result->encoding);
  require(encoding >= 1 && encoding <= 3, FHE_UNSUPPORTED, "unknown encoding of ciphertexts");
  uint32_t count = reader.value<uint32_t>();
  result->samples = reader.value<uint64_t>();
  require(count >= 1 && count <= maxTensors, FHE_INVALID_DATA, "impossible number of tensors");
  for (uint32_t i = 0; i < count; ++i) {
    CiphertextTensor tensor = readTensor(reader, result->encoding, result->samples);
    require(!result->find(tensor.name), FHE_INVALID_DATA, "two tensors have one name");
    result->tensors.push_back(std::move(tensor));
  }
  reader.finish();
  return result;
}

} // namespace fhe::runtime

using namespace fhe::runtime;

const CiphertextTensor *fhe_ciphertexts::find(const std::string &name) const {
  for (const CiphertextTensor &tensor : tensors)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

void fhe_ciphertexts::write(ByteWriter &writer) const {
  FileHeader header;
  header.kind = FileKind::ciphertexts;
  header.parameters = parameters;
  header.keyId = keyId;
  writer.value(header);
  writer.value(encoding);
  writer.value(uint32_t(tensors.size()));
  writer.value(samples);
  for (const CiphertextTensor &tensor : tensors) {
    writer.text(tensor.name);
    writer.value(tensor.key);
    writer.value(tensor.dimension);
    writer.value(tensor.elements);
    if (encoding == Encoding::seeded)
      writer.bytes(tensor.maskSeed.data(), tensor.maskSeed.size());
    writer.values(std::span<const uint64_t>(tensor.words));
  }
}

uint64_t fhe::runtime::ciphertextFileBytes(Encoding encoding, uint64_t samples,
                                           const std::vector<CiphertextTensor> &tensors) {
  ByteWriter counter;
  fhe_ciphertexts empty;
  empty.encoding = encoding;
  empty.tensors = tensors;
  uint64_t words = 0;
  for (CiphertextTensor &tensor : empty.tensors) {
    tensor.words.clear();
    words += samples * tensor.elements * wordsPerValue(encoding, tensor.dimension);
  }
  empty.write(counter);
  return counter.written() + words * sizeof(uint64_t);
}

uint64_t fhe_ciphertexts_samples(const fhe_ciphertexts *ciphertexts) {
  return ciphertexts ? ciphertexts->samples : 0;
}

uint32_t fhe_ciphertexts_count(const fhe_ciphertexts *ciphertexts) {
  return ciphertexts ? uint32_t(ciphertexts->tensors.size()) : 0;
}

const char *fhe_ciphertexts_name(const fhe_ciphertexts *ciphertexts, uint32_t i) {
  return i < fhe_ciphertexts_count(ciphertexts) ? ciphertexts->tensors[i].name.c_str() : nullptr;
}

uint64_t fhe_ciphertexts_elements(const fhe_ciphertexts *ciphertexts, uint32_t i) {
  return i < fhe_ciphertexts_count(ciphertexts) ? ciphertexts->tensors[i].elements : 0;
}

int fhe_ciphertexts_is_clear(const fhe_ciphertexts *ciphertexts) {
  return ciphertexts && ciphertexts->isClear();
}

uint64_t fhe_ciphertexts_bytes(const fhe_ciphertexts *ciphertexts) {
  ByteWriter counter;
  if (ciphertexts)
    ciphertexts->write(counter);
  return counter.written();
}

fhe_status fhe_ciphertexts_write(const fhe_ciphertexts *ciphertexts, fhe_write_fn write,
                                 void *state) {
  return guarded([&] {
    require(ciphertexts && write, FHE_INVALID_ARGUMENT, "a null pointer");
    ByteWriter writer(write, state);
    ciphertexts->write(writer);
  });
}

fhe_status fhe_ciphertexts_read(fhe_read_fn read, void *state, uint64_t bytes,
                                fhe_ciphertexts **ciphertexts) {
  return guarded([&] {
    require(ciphertexts && read, FHE_INVALID_ARGUMENT, "a null pointer");
    ByteReader reader(read, state, bytes);
    *ciphertexts = readCiphertexts(reader).release();
  });
}

void fhe_ciphertexts_free(fhe_ciphertexts *ciphertexts) { delete ciphertexts; }
