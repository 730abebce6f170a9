//===- support.h - What the runtime's tests share -----------------------------------------===//
//
// The tests speak to the runtime as users do, through the C interface. Keys are made once a
// process: they are the slow part.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TESTS_SUPPORT_H
#define FHE_RUNTIME_TESTS_SUPPORT_H

#include "fhe/fhe.hpp"
#include "fixtures/fixtures.h"

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace fhe::runtime::test {

/// Appends to, or reads from, a vector of bytes.
inline int appendBytes(void *state, const void *data, size_t bytes) {
  auto &out = *static_cast<std::vector<uint8_t> *>(state);
  const auto *from = static_cast<const uint8_t *>(data);
  out.insert(out.end(), from, from + bytes);
  return 0;
}

struct ByteSource {
  const std::vector<uint8_t> &bytes;
  size_t at = 0;
  static int read(void *state, void *data, size_t count) {
    auto &source = *static_cast<ByteSource *>(state);
    if (count > source.bytes.size() - source.at)
      return 1;
    std::memcpy(data, source.bytes.data() + source.at, count);
    source.at += count;
    return 0;
  }
};

inline fhe::Manifest manifestOf(const fhe_model &model) {
  return fhe::Manifest({model.manifest, model.manifest_bytes});
}

/// A client of the fixtures' parameters.
struct Client {
  fhe::ClientKey secret;
  fhe::EvaluationKey evaluation;
  Client() : secret(manifestOf(demo_model)), evaluation(secret) {}
};

inline const Client &client() {
  static const Client only;
  return only;
}

/// Small numbers that look random and are the same everywhere.
inline uint32_t pseudoRandom(uint32_t &state) {
  state = state * 1664525u + 1013904223u;
  return state >> 16;
}

/// Floats of `samples` samples of every input of a fixture: what its quantizer turns into integers
/// all over its range.
inline std::vector<std::vector<float>> inputsOf(const fhe_model &model, uint64_t samples) {
  uint32_t state = 12345;
  std::vector<std::vector<float>> inputs;
  for (uint32_t i = 0; i < model.input_count; ++i) {
    const fhe_port &port = model.inputs[i];
    std::string name = port.name;
    std::vector<float> values(samples * port.elements);
    for (uint64_t e = 0; e < values.size(); ++e) {
      if (name == "x")
        values[e] = float(pseudoRandom(state) % 4) * 0.5f;
      else if (name == "v")
        values[e] = float(int64_t(e % 32) - 16);
      else
        values[e] = float(pseudoRandom(state) % 2);
      if (name == "b")
        values[e] = values[e] * 2 - 1;
    }
    inputs.push_back(values);
  }
  return inputs;
}

inline std::vector<fhe::Input> asInputs(const fhe_model &model,
                                        const std::vector<std::vector<float>> &values) {
  std::vector<fhe::Input> inputs;
  for (uint32_t i = 0; i < model.input_count; ++i)
    inputs.push_back({model.inputs[i].name, values[i]});
  return inputs;
}

/// Integers of the only output of a clear run.
inline std::vector<int64_t> runClear(const fhe_model &model,
                                     const std::vector<std::vector<float>> &values,
                                     uint64_t samples, fhe::Options options = {}) {
  fhe::Manifest manifest = manifestOf(model);
  if (options.mode == FHE_MODE_ENCRYPTED)
    options.mode = FHE_MODE_CLEAR;
  fhe::Prepared prepared(model, nullptr, options);
  fhe::Ciphertexts in = fhe::encodeClear(manifest, asInputs(model, values), samples);
  return fhe::decodeClearIntegers(manifest, prepared.run(in));
}

inline std::vector<int64_t> runEncrypted(const fhe_model &model,
                                         const std::vector<std::vector<float>> &values,
                                         uint64_t samples, fhe::Options options = {}) {
  fhe::Manifest manifest = manifestOf(model);
  fhe::Prepared prepared(model, &client().evaluation, options);
  fhe::Ciphertexts in = fhe::encrypt(manifest, client().secret, asInputs(model, values), samples);
  return fhe::decryptIntegers(manifest, client().secret, prepared.run(in));
}

} // namespace fhe::runtime::test

#endif // FHE_RUNTIME_TESTS_SUPPORT_H
