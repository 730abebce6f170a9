//===- evaluation_key_generation.cpp - Makes a client's public keys -----------------------===//
//
// Masks come from a seed that is stored in the key, noise from another draw that is forgotten. Only
// bodies are kept (see runtime/formats/evaluation_key.h for how bootstrap rows are written so that
// their masks are the plain stream).
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/client/client_key.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/parallel/workers.h"
#include "runtime/tfhe/client/key_generation.h"

namespace fhe::runtime {

namespace {

/// Secret working memory of one worker.
struct WorkMemory {
  tfhe::AlignedBuffer<uint64_t> words;
  tfhe::AlignedBuffer<std::byte> scratch;

  WorkMemory(size_t wordCount, size_t scratchBytes) : words(wordCount), scratch(scratchBytes) {
    require(words.ok() && scratch.ok(), FHE_OUT_OF_MEMORY, "no memory to make the keys");
  }
  WorkMemory(WorkMemory &&) = default;
  ~WorkMemory() {
    tfhe::cleanse(words.data(), words.size() * sizeof(uint64_t));
    tfhe::cleanse(scratch.data(), scratch.size());
  }
};

class Maker {
public:
  Maker(const fhe_client_key &client, const tfhe::Seed &mask, const tfhe::Seed &noise,
        uint32_t threads)
      : client(client), workers(threads), seeds{mask, noise, 0} {
    result = std::make_unique<fhe_evaluation_key>();
    result->parameters = client.parameters;
    result->keyId = client.keyId;
    result->maskSeed = seeds.mask.bytes;
  }

  std::unique_ptr<fhe_evaluation_key> make() {
    for (uint32_t i = 0; i < client.parameters.conversions.size(); ++i) {
      result->bodies.emplace_back(bodyWords(client.parameters, i));
      seeds.keyNumber = uint16_t(i);
      if (client.parameters.conversions[i].kind == FHE_CONVERSION_KEYSWITCH)
        makeKeyswitch(client.parameters.conversions[i], result->bodies.back());
      else
        makeBootstrap(client.parameters.conversions[i], result->bodies.back());
    }
    return std::move(result);
  }

private:
  void makeKeyswitch(const fhe_conversion_record &record, std::vector<uint64_t> &bodies) {
    const tfhe::LweSecretKey &input = client.flat(record.from_key);
    const tfhe::LweSecretKey &output = client.flat(record.to_key);
    const tfhe::KeyswitchShape shape = client.parameters.keyswitch(record);
    tfhe::Noise noise = client.parameters.noise(record.to_key);
    constexpr uint32_t block = 16;
    std::vector<WorkMemory> memory;
    for (uint32_t w = 0; w < workers.size(); ++w)
      memory.emplace_back(block * shape.coefficientWords(), 0);
    const uint32_t coefficients = shape.coefficients();
    workers.forEach((coefficients + block - 1) / block, [&](uint64_t item, uint32_t worker) {
      uint32_t begin = uint32_t(item) * block, end = std::min(coefficients, begin + block);
      uint64_t *rows = memory[worker].words.data();
      tfhe::generateKeyswitchRows(shape, input, output, noise, seeds, begin, end, rows);
      uint64_t *to = bodies.data() + uint64_t(begin) * record.levels;
      for (uint64_t row = 0; row < uint64_t(end - begin) * record.levels; ++row)
        to[row] = rows[row * shape.words() + output.dimension()];
    });
  }

  void makeBootstrap(const fhe_conversion_record &record, std::vector<uint64_t> &bodies) {
    const tfhe::LweSecretKey &input = client.flat(record.from_key);
    const tfhe::GlweSecretKey &output = client.secrets[record.to_key].glwe;
    tfhe::GlweKey glwe = client.parameters.glwe(record.to_key);
    tfhe::Decomposition digits = Parameters::decomposition(record);
    uint64_t size = glwe.polynomialSize(), rows = uint64_t(digits.levels) * (glwe.k + 1);
    std::vector<WorkMemory> memory;
    for (uint32_t w = 0; w < workers.size(); ++w)
      memory.emplace_back(tfhe::BootstrapKey::elementWords(glwe, digits),
                          tfhe::bootstrapGenerationScratchBytes(glwe));
    workers.forEach(input.dimension(), [&](uint64_t i, uint32_t worker) {
      uint64_t *words = memory[worker].words.data();
      tfhe::generateBootstrapElement(glwe, digits, input, output, seeds, uint32_t(i), words,
                                     memory[worker].scratch.span());
      for (uint64_t r = 0; r < rows; ++r) {
        uint64_t *body = words + (r * (glwe.k + 1) + glwe.k) * size;
        uint64_t j = r % (glwe.k + 1), level = r / (glwe.k + 1);
        if (j < glwe.k) {
          // The constant leaves mask polynomial j, and its product with the key leaves the body:
          // multiplications only, no branch on the secret bit.
          uint64_t constant = input.bits()[i] << (64 - digits.baseLog * (level + 1));
          std::span<const uint64_t> polynomial = output.polynomial(uint32_t(j));
          for (uint64_t c = 0; c < size; ++c)
            body[c] -= constant * polynomial[c];
        }
        std::copy_n(body, size, bodies.data() + (i * rows + r) * size);
      }
    });
  }

  const fhe_client_key &client;
  Workers workers;
  tfhe::KeySeeds seeds;
  std::unique_ptr<fhe_evaluation_key> result;
};

} // namespace

std::unique_ptr<fhe_evaluation_key> makeEvaluationKey(const fhe_client_key &key,
                                                      const tfhe::Seed &mask,
                                                      const tfhe::Seed &noise, uint32_t threads) {
  return Maker(key, mask, noise, threads).make();
}

} // namespace fhe::runtime

using namespace fhe::runtime;

fhe_status fhe_evaluation_key_generate(const fhe_client_key *key, uint32_t threads,
                                       fhe_evaluation_key **evaluation_key) {
  return guarded([&] {
    require(key && evaluation_key, FHE_INVALID_ARGUMENT, "a null pointer");
    const fhe::tfhe::Seed mask = freshSeed(), noise = freshSeed();
    *evaluation_key = makeEvaluationKey(*key, mask, noise, threads).release();
  });
}
