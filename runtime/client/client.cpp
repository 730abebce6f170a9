//===- client.cpp - The C interface of a client: manifests, encryption, decryption --------===//
#include "runtime/client/client_key.h"
#include "runtime/client/manifest.h"
#include "runtime/client/values.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/parallel/workers.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/random/sampling.h"

using namespace fhe::runtime;
namespace tfhe = fhe::tfhe;

namespace {

/// Integers of inputs or outputs; zeroised, because they are what is being hidden.
struct Integers {
  std::vector<int64_t> values;
  explicit Integers(uint64_t count) : values(count) {}
  ~Integers() { tfhe::cleanse(values.data(), values.size() * sizeof(int64_t)); }
};

const fhe_input &findInput(const InputSpec &spec, const fhe_input *inputs, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i)
    if (!inputs[i].name || inputs[i].name == spec.name)
      return inputs[i];
  throw Failure(FHE_INVALID_ARGUMENT, "input '" + spec.name + "' is missing");
}

void checkInputs(const fhe_manifest &manifest, const fhe_input *inputs, uint32_t count,
                 uint64_t samples) {
  require(inputs && samples >= 1, FHE_INVALID_ARGUMENT, "no inputs or no samples");
  if (count != manifest.inputs.size())
    throw Failure(FHE_INVALID_ARGUMENT, std::to_string(count) + " inputs given, the model has " +
                                            std::to_string(manifest.inputs.size()));
  for (uint32_t i = 0; i < count; ++i) {
    const InputSpec &spec = manifest.input(inputs[i].name);
    uint64_t expected = 0;
    if (__builtin_mul_overflow(samples, spec.floatElements, &expected) || !inputs[i].data ||
        inputs[i].elements != expected)
      throw Failure(FHE_INVALID_ARGUMENT, "input '" + spec.name + "' has " +
                                              std::to_string(inputs[i].elements) +
                                              " values, expected " + std::to_string(samples) +
                                              " samples of " + std::to_string(spec.floatElements));
  }
}

/// Encrypts all integers of a tensor under fresh seeds. Each ciphertext has streams of its own, so
/// any number of threads gives the same words.
void encryptTensor(const fhe_client_key &key, const InputSpec &spec,
                   std::span<const int64_t> integers, CiphertextTensor &tensor, Workers &workers) {
  tfhe::Seed maskSeed = freshSeed(), noiseSeed = freshSeed();
  tensor.maskSeed = maskSeed.bytes;
  tensor.key = spec.key;
  tensor.dimension = key.parameters.keys[spec.key].live;
  constexpr uint64_t block = 64;
  workers.forEach((integers.size() + block - 1) / block, [&](uint64_t item, uint32_t) {
    tfhe::Generator mask(maskSeed, {tfhe::StreamUse::encryptionMask});
    tfhe::Generator noise(noiseSeed, {tfhe::StreamUse::encryptionNoise});
    std::vector<uint64_t> ciphertext(uint64_t(tensor.dimension) + 1);
    uint64_t end = std::min<uint64_t>(integers.size(), (item + 1) * block);
    for (uint64_t c = item * block; c < end; ++c) {
      uint64_t plaintext = uint64_t(integers[c]) << spec.log2Delta;
      mask.restart({tfhe::StreamUse::encryptionMask, 0, c});
      noise.restart({tfhe::StreamUse::encryptionNoise, 0, c});
      tfhe::encrypt(key.flat(spec.key), std::span(&plaintext, 1),
                    key.parameters.noise(spec.key), mask, noise, ciphertext.data());
      tensor.words[c] = ciphertext.back();
    }
  });
}

/// `key` null: clear.
std::unique_ptr<fhe_ciphertexts> makeCiphertexts(const fhe_manifest &manifest,
                                                 const fhe_client_key *key, const fhe_input *inputs,
                                                 uint32_t count, uint64_t samples) {
  checkInputs(manifest, inputs, count, samples);
  Workers workers(0);
  auto result = std::make_unique<fhe_ciphertexts>();
  result->encoding = key ? Encoding::seeded : Encoding::clear;
  result->samples = samples;
  if (key) {
    result->keyId = key->keyId;
    result->parameters = key->hash;
  }
  for (const InputSpec &spec : manifest.inputs) {
    const float *data = findInput(spec, inputs, count).data;
    CiphertextTensor tensor;
    tensor.name = spec.name;
    tensor.elements = spec.elements;
    tensor.words.resize(samples * spec.elements);
    Integers integers(tensor.words.size());
    for (uint64_t s = 0; s < samples; ++s) {
      quantize(spec, {data + s * spec.floatElements, spec.floatElements},
               std::span(integers.values).subspan(s * spec.elements, spec.elements), s);
    }
    if (key)
      encryptTensor(*key, spec, integers.values, tensor, workers);
    else
      std::copy(integers.values.begin(), integers.values.end(), tensor.words.begin());
    result->tensors.push_back(std::move(tensor));
  }
  return result;
}

/// The tensor of output `spec`, after every check that it can be decoded with `key`.
const CiphertextTensor &checkOutput(const fhe_manifest &manifest, const fhe_client_key *key,
                                    const fhe_ciphertexts &ciphertexts, const OutputSpec &spec) {
  if (ciphertexts.isClear() == bool(key))
    throw Failure(FHE_MISMATCH, key ? "the values are clear, not encrypted"
                                    : "the values are encrypted, not clear");
  if (key) {
    require(ciphertexts.parameters == key->hash && manifest.hash == key->hash, FHE_MISMATCH,
            "key, ciphertexts and model do not have the same parameters");
    if (ciphertexts.keyId != key->keyId)
      throw Failure(FHE_MISMATCH, "the ciphertexts belong to key " + toHex(ciphertexts.keyId) +
                                      ", this is key " + toHex(key->keyId));
  }
  const CiphertextTensor *tensor = ciphertexts.find(spec.name);
  if (!tensor)
    throw Failure(FHE_MISMATCH, "the ciphertexts hold no output '" + spec.name + "'");
  if (tensor->elements != spec.elements ||
      (key && (tensor->key != spec.key || tensor->dimension != key->flat(spec.key).dimension())))
    throw Failure(FHE_MISMATCH, "the ciphertexts of output '" + spec.name +
                                    "' have another size or key than the model's");
  return *tensor;
}

void decodeSample(const fhe_manifest &manifest, const fhe_client_key *key, Encoding encoding,
                  const OutputSpec &spec, const CiphertextTensor &tensor, uint64_t sample,
                  std::span<int64_t> integers) {
  std::vector<uint64_t> expanded;
  for (uint64_t e = 0; e < spec.elements; ++e) {
    uint64_t c = sample * spec.elements + e;
    if (!key) {
      integers[e] = manifest.clearOnly
                        ? int64_t(tensor.words[c])
                        : nearestResidue(tensor.words[c], spec.log2Delta, spec.lo, spec.hi);
      continue;
    }
    uint64_t words = uint64_t(tensor.dimension) + 1, phase = 0;
    const uint64_t *ciphertext = tensor.words.data() + c * words;
    if (encoding == Encoding::seeded) {
      expanded.resize(words);
      tfhe::Generator mask(tfhe::Seed(tensor.maskSeed), {tfhe::StreamUse::encryptionMask, 0, c});
      mask.fill(std::span(expanded).first(words - 1));
      expanded.back() = tensor.words[c];
      ciphertext = expanded.data();
    }
    tfhe::decryptPhases(key->flat(spec.key), ciphertext, std::span(&phase, 1));
    integers[e] = decodePhase(phase, spec.log2Delta, spec.lo, spec.hi);
  }
}

/// Gives body(sample, integers) the integers of each sample. `perSample` values are written a
/// sample.
template <class Body>
void decodeAll(const fhe_manifest &manifest, const fhe_client_key *key,
               const fhe_ciphertexts &ciphertexts, const OutputSpec &spec, uint64_t perSample,
               uint64_t given, const Body &body) {
  const CiphertextTensor &tensor = checkOutput(manifest, key, ciphertexts, spec);
  if (given != ciphertexts.samples * perSample)
    throw Failure(FHE_INVALID_ARGUMENT, "room for " + std::to_string(given) + " values, output '" +
                                            spec.name + "' has " +
                                            std::to_string(ciphertexts.samples) + " samples of " +
                                            std::to_string(perSample));
  Integers integers(spec.elements);
  for (uint64_t s = 0; s < ciphertexts.samples; ++s) {
    decodeSample(manifest, key, ciphertexts.encoding, spec, tensor, s, integers.values);
    body(s, integers.values);
  }
}

fhe_status decodeFloats(const fhe_manifest *manifest, const fhe_client_key *key, bool needKey,
                        const fhe_ciphertexts *ciphertexts, const char *name, float *values,
                        uint64_t elements) {
  return guarded([&] {
    require(manifest && ciphertexts && values && (key || !needKey), FHE_INVALID_ARGUMENT,
            "a null pointer");
    const OutputSpec &spec = manifest->output(name);
    decodeAll(*manifest, key, *ciphertexts, spec, spec.floatElements, elements,
              [&](uint64_t s, std::span<const int64_t> integers) {
                dequantize(spec, integers, {values + s * spec.floatElements, spec.floatElements});
              });
  });
}

fhe_status decodeIntegers(const fhe_manifest *manifest, const fhe_client_key *key, bool needKey,
                          const fhe_ciphertexts *ciphertexts, const char *name, int64_t *values,
                          uint64_t elements) {
  return guarded([&] {
    require(manifest && ciphertexts && values && (key || !needKey), FHE_INVALID_ARGUMENT,
            "a null pointer");
    const OutputSpec &spec = manifest->output(name);
    decodeAll(*manifest, key, *ciphertexts, spec, spec.elements, elements,
              [&](uint64_t s, std::span<const int64_t> integers) {
                std::copy(integers.begin(), integers.end(), values + s * spec.elements);
              });
  });
}

/// An input or an output.
template <class Spec>
fhe_tensor_info describe(const Spec &spec) {
  return {spec.name.c_str(),
          uint32_t(spec.shape.size()),
          spec.shape.data(),
          spec.elements,
          spec.lo,
          spec.hi,
          uint32_t(spec.floatShape.size()),
          spec.floatShape.data(),
          spec.floatElements};
}

} // namespace

fhe_status fhe_manifest_parse(const char *text, size_t bytes, fhe_manifest **manifest) {
  return guarded([&] {
    require(text && manifest, FHE_INVALID_ARGUMENT, "a null pointer");
    *manifest = parseManifest({text, bytes}).release();
  });
}

void fhe_manifest_free(fhe_manifest *manifest) { delete manifest; }

const char *fhe_manifest_name(const fhe_manifest *manifest) {
  return manifest ? manifest->name.c_str() : "";
}

int fhe_manifest_is_clear_only(const fhe_manifest *manifest) {
  return manifest && manifest->clearOnly;
}

uint32_t fhe_manifest_input_count(const fhe_manifest *manifest) {
  return manifest ? uint32_t(manifest->inputs.size()) : 0;
}

uint32_t fhe_manifest_output_count(const fhe_manifest *manifest) {
  return manifest ? uint32_t(manifest->outputs.size()) : 0;
}

fhe_status fhe_manifest_input(const fhe_manifest *manifest, uint32_t i, fhe_tensor_info *info) {
  return guarded([&] {
    require(manifest && info && i < manifest->inputs.size(), FHE_INVALID_ARGUMENT,
            "a null pointer or no such input");
    *info = describe(manifest->inputs[i]);
  });
}

fhe_status fhe_manifest_output(const fhe_manifest *manifest, uint32_t i, fhe_tensor_info *info) {
  return guarded([&] {
    require(manifest && info && i < manifest->outputs.size(), FHE_INVALID_ARGUMENT,
            "a null pointer or no such output");
    *info = describe(manifest->outputs[i]);
  });
}

fhe_status fhe_encrypt(const fhe_manifest *manifest, const fhe_client_key *key,
                       const fhe_input *inputs, uint32_t input_count, uint64_t samples,
                       fhe_ciphertexts **ciphertexts) {
  return guarded([&] {
    require(manifest && key && ciphertexts, FHE_INVALID_ARGUMENT, "a null pointer");
    require(!manifest->clearOnly && manifest->hash == key->hash, FHE_MISMATCH,
            "the key was made for other parameters than the model's");
    *ciphertexts = makeCiphertexts(*manifest, key, inputs, input_count, samples).release();
  });
}

fhe_status fhe_encode_clear(const fhe_manifest *manifest, const fhe_input *inputs,
                            uint32_t input_count, uint64_t samples, fhe_ciphertexts **ciphertexts) {
  return guarded([&] {
    require(manifest && ciphertexts, FHE_INVALID_ARGUMENT, "a null pointer");
    *ciphertexts = makeCiphertexts(*manifest, nullptr, inputs, input_count, samples).release();
  });
}

fhe_status fhe_decrypt(const fhe_manifest *manifest, const fhe_client_key *key,
                       const fhe_ciphertexts *ciphertexts, const char *name, float *values,
                       uint64_t elements) {
  return decodeFloats(manifest, key, true, ciphertexts, name, values, elements);
}

fhe_status fhe_decrypt_integers(const fhe_manifest *manifest, const fhe_client_key *key,
                                const fhe_ciphertexts *ciphertexts, const char *name,
                                int64_t *values, uint64_t elements) {
  return decodeIntegers(manifest, key, true, ciphertexts, name, values, elements);
}

fhe_status fhe_decode_clear(const fhe_manifest *manifest, const fhe_ciphertexts *ciphertexts,
                            const char *name, float *values, uint64_t elements) {
  return decodeFloats(manifest, nullptr, false, ciphertexts, name, values, elements);
}

fhe_status fhe_decode_clear_integers(const fhe_manifest *manifest,
                                     const fhe_ciphertexts *ciphertexts, const char *name,
                                     int64_t *values, uint64_t elements) {
  return decodeIntegers(manifest, nullptr, false, ciphertexts, name, values, elements);
}
