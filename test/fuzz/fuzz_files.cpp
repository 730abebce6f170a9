//===- fuzz_files.cpp - Any bytes as a file of the runtime ----------------------===//
//
// The readers of what others send: .npy arrays, manifests, ciphertexts, evaluation
// keys. Each must give a value or a Failure, with memory in proportion to the
// bytes. What was read and can be written must be the same when read again.
//
//===---------------------------------------------------------------------------===//
#include "fhe/common.h"
#include "runtime/client/manifest.h"
#include "runtime/formats/npy.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace fhe::runtime;

namespace {

struct Cursor {
  const uint8_t *data;
  size_t left;
};

int readBytes(void *state, void *out, size_t bytes) {
  auto &cursor = *static_cast<Cursor *>(state);
  if (bytes > cursor.left)
    std::abort(); // a reader that asks for more than it was promised
  std::memcpy(out, cursor.data, bytes);
  cursor.data += bytes;
  cursor.left -= bytes;
  return 0;
}

int appendBytes(void *state, const void *data, size_t bytes) {
  auto *first = static_cast<const uint8_t *>(data);
  auto &all = *static_cast<std::vector<uint8_t> *>(state);
  all.insert(all.end(), first, first + bytes);
  return 0;
}

NpyArray parseNpy(const uint8_t *data, size_t size) {
  Cursor cursor{data, size};
  ByteReader reader(readBytes, &cursor, size);
  return readNpy(reader);
}

void tryNpy(const uint8_t *data, size_t size) {
  try {
    NpyArray array = parseNpy(data, size);
    if (array.toFloat().size() != array.elements())
      std::abort();
    std::vector<uint8_t> written;
    ByteWriter writer(appendBytes, &written);
    writeNpy(writer, array);
    NpyArray again = parseNpy(written.data(), written.size());
    if (again.type != array.type || again.shape != array.shape || again.data != array.data)
      std::abort();
    array.toIntegers();
  } catch (const Failure &) {
  }
}

void tryManifest(const uint8_t *data, size_t size) {
  try {
    parseManifest({reinterpret_cast<const char *>(data), size});
  } catch (const Failure &failure) {
    if (std::strlen(failure.what()) == 0)
      std::abort();
  }
}

void tryCiphertexts(const uint8_t *data, size_t size) {
  Cursor cursor{data, size};
  fhe_ciphertexts *ciphertexts = nullptr;
  if (fhe_ciphertexts_read(readBytes, &cursor, size, &ciphertexts) != FHE_OK)
    return;
  std::vector<uint8_t> written;
  if (fhe_ciphertexts_write(ciphertexts, appendBytes, &written) != FHE_OK || written.size() != size ||
      std::memcmp(written.data(), data, size) != 0)
    std::abort();
  fhe_ciphertexts_free(ciphertexts);
}

void tryEvaluationKey(const uint8_t *data, size_t size) {
  Cursor cursor{data, size};
  fhe_evaluation_key *key = nullptr;
  if (fhe_evaluation_key_read(readBytes, &cursor, size, &key) == FHE_OK)
    fhe_evaluation_key_free(key);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The first bytes tell the formats apart, and all readers check them.
  tryNpy(data, size);
  tryManifest(data, size);
  tryCiphertexts(data, size);
  tryEvaluationKey(data, size);
  return 0;
}
