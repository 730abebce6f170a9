//===- loaded_keys.cpp - Evaluation keys in the form the kernels read ---------------------===//
#include "runtime/server/loaded_keys.h"

#include "runtime/tfhe/random/generator.h"

namespace fhe::runtime {

void expandKeyswitchRows(const fhe_evaluation_key &key, uint32_t conversion, uint32_t coefficient,
                         std::span<uint64_t> words) {
  const fhe_conversion_record &record = key.parameters.conversions[conversion];
  uint64_t mask = key.parameters.keys[record.to_key].live;
  tfhe::Generator stream(tfhe::Seed(key.maskSeed),
                         {tfhe::StreamUse::keyswitchMask, uint16_t(conversion)});
  for (uint64_t level = 0; level < record.levels; ++level) {
    uint64_t row = uint64_t(coefficient) * record.levels + level;
    stream.restart({tfhe::StreamUse::keyswitchMask, uint16_t(conversion), row});
    std::span<uint64_t> to = words.subspan(level * (mask + 1), mask + 1);
    if (record.word_bits == 32)
      stream.fillHigh(to.first(mask));
    else
      stream.fill(to.first(mask));
    to[mask] = key.bodies[conversion][row];
  }
}

void expandBootstrapElement(const fhe_evaluation_key &key, uint32_t conversion, uint32_t element,
                            std::span<uint64_t> words) {
  const fhe_conversion_record &record = key.parameters.conversions[conversion];
  tfhe::GlweKey glwe = key.parameters.glwe(record.to_key);
  uint64_t rows = uint64_t(record.levels) * (glwe.k + 1), size = glwe.polynomialSize();
  tfhe::Generator stream(tfhe::Seed(key.maskSeed),
                         {tfhe::StreamUse::bootstrapMask, uint16_t(conversion)});
  for (uint64_t r = 0; r < rows; ++r) {
    uint64_t row = element * rows + r;
    stream.restart({tfhe::StreamUse::bootstrapMask, uint16_t(conversion), row});
    std::span<uint64_t> to = words.subspan(r * (glwe.k + 1) * size, (glwe.k + 1) * size);
    stream.fill(to.first(glwe.k * size));
    std::copy_n(key.bodies[conversion].data() + row * size, size, to.data() + glwe.k * size);
  }
}

static tfhe::LweKeyswitchKey loadKeyswitch(const fhe_evaluation_key &key, uint32_t conversion,
                                           Workers &workers) {
  const tfhe::KeyswitchShape shape =
      key.parameters.keyswitch(key.parameters.conversions[conversion]);
  tfhe::LweKeyswitchKey loaded(shape);
  require(loaded.ok(), FHE_OUT_OF_MEMORY, "no memory for the keyswitch key");
  constexpr uint32_t group = tfhe::LweKeyswitchKey::coefficientGroup;
  std::vector<tfhe::AlignedBuffer<uint64_t>> rows;
  for (uint32_t w = 0; w < workers.size(); ++w) {
    rows.emplace_back(group * shape.coefficientWords());
    require(rows.back().ok(), FHE_OUT_OF_MEMORY, "no memory to load the keyswitch key");
  }
  workers.forEach((shape.coefficients() + group - 1) / group, [&](uint64_t item, uint32_t worker) {
    const uint32_t begin = uint32_t(item) * group;
    const uint32_t count = std::min(group, shape.coefficients() - begin);
    const size_t words = shape.coefficientWords();
    const std::span<uint64_t> memory = rows[worker].span();
    for (uint32_t i = 0; i < count; ++i)
      expandKeyswitchRows(key, conversion, begin + i, memory.subspan(i * words, words));
    loaded.setCoefficients(begin, memory.first(count * words));
  });
  return loaded;
}

static tfhe::FourierBootstrapKey loadBootstrap(const fhe_evaluation_key &key, uint32_t conversion,
                                               Workers &workers) {
  const fhe_conversion_record &record = key.parameters.conversions[conversion];
  uint32_t dimension = key.parameters.keys[record.from_key].live;
  tfhe::GlweKey glwe = key.parameters.glwe(record.to_key);
  tfhe::Decomposition digits = Parameters::decomposition(record);
  tfhe::FourierBootstrapKey loaded(dimension, glwe, digits);
  require(loaded.ok(), FHE_OUT_OF_MEMORY, "no memory for the bootstrap key");
  uint64_t words = tfhe::BootstrapKey::elementWords(glwe, digits);
  std::vector<tfhe::AlignedBuffer<uint64_t>> standard;
  std::vector<tfhe::AlignedBuffer<std::byte>> scratch;
  for (uint32_t w = 0; w < workers.size(); ++w) {
    standard.emplace_back(words);
    scratch.emplace_back(loaded.conversionScratchBytes());
    require(standard.back().ok() && scratch.back().ok(), FHE_OUT_OF_MEMORY,
            "no memory to convert the bootstrap key");
  }
  workers.forEach(dimension, [&](uint64_t i, uint32_t worker) {
    expandBootstrapElement(key, conversion, uint32_t(i), standard[worker].span());
    loaded.setElement(uint32_t(i), standard[worker].span(), scratch[worker].span());
  });
  return loaded;
}

std::vector<LoadedKey> loadKeys(const fhe_evaluation_key &key, Workers &workers) {
  std::vector<LoadedKey> loaded(key.parameters.conversions.size());
  for (uint32_t i = 0; i < loaded.size(); ++i) {
    if (key.parameters.conversions[i].kind == FHE_CONVERSION_KEYSWITCH)
      loaded[i].keyswitch = loadKeyswitch(key, i, workers);
    else
      loaded[i].bootstrap = loadBootstrap(key, i, workers);
  }
  return loaded;
}

} // namespace fhe::runtime
