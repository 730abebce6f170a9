//===- key_noise.cpp - Variances of a program under drawn keys ---------------------------------===//
#include "test/reality/key_noise.h"

#include "runtime/server/loaded_keys.h"
#include "runtime/server/window.h"
#include "runtime/tests/tfhe/conditioned_noise.h"
#include "runtime/tfhe/bootstrap/modulus_switch.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/elementwise.h"
#include "runtime/tfhe/noise.h"

#include <mutex>
#include <numeric>

using namespace fhe::runtime;
using namespace fhe::tfhe::test;

namespace fhe::reality {

KeyNoise::KeyNoise(const fhe_client_key &client, const fhe_evaluation_key &evaluation,
                   Workers &workers)
    : client(client), evaluation(evaluation), workers(workers) {
  const auto &conversions = client.parameters.conversions;
  keyswitches.resize(conversions.size());
  for (uint32_t i = 0; i < conversions.size(); ++i)
    if (conversions[i].kind == FHE_CONVERSION_KEYSWITCH)
      read(i);
}

double KeyNoise::ones(uint32_t key) const {
  const auto bits = client.flat(key).bits();
  return double(std::accumulate(bits.begin(), bits.end(), uint64_t(0)));
}

/// The rows as the server expands them, and their errors.
void KeyNoise::read(uint32_t conversion) {
  const fhe_conversion_record &record = client.parameters.conversions[conversion];
  const tfhe::KeyswitchShape shape = client.parameters.keyswitch(record);
  Keyswitch &made = keyswitches[conversion];
  made.key = tfhe::LweKeyswitchKey(shape);
  require(made.key.ok(), FHE_OUT_OF_MEMORY, "no memory for a keyswitch key");
  const auto bits = client.flat(record.from_key).bits();
  constexpr uint32_t group = tfhe::LweKeyswitchKey::coefficientGroup;
  std::mutex mutex;
  workers.forEach((shape.coefficients() + group - 1) / group, [&](uint64_t item, uint32_t) {
    const uint32_t begin = uint32_t(item) * group;
    const uint32_t count = std::min(group, shape.coefficients() - begin);
    std::vector<uint64_t> rows(count * shape.coefficientWords()),
        phases(size_t(count) * record.levels);
    for (uint32_t i = 0; i < count; ++i)
      expandKeyswitchRows(evaluation, conversion, begin + i,
                          std::span(rows).subspan(i * shape.coefficientWords(),
                                                  shape.coefficientWords()));
    made.key.setCoefficients(begin, rows);
    tfhe::decryptPhases(client.flat(record.to_key), rows.data(), phases);
    std::lock_guard lock(mutex);
    for (size_t row = 0; row < phases.size(); ++row) {
      const unsigned shift = 64 - record.base_log * unsigned(row % record.levels + 1);
      const uint64_t bit = bits[shape.shared + begin + row / record.levels];
      const double error = toTorus(phases[row] - (bit << shift));
      made.sum += error, made.squares += error * error;
    }
  });
}

static double log2Std(const Parameters &parameters, uint32_t key) {
  return parameters.keys[key].log2_std;
}

Noise KeyNoise::of(Origin origin) const {
  const Parameters &parameters = client.parameters;
  if (origin.kind == Origin::input) {
    const double fresh = tfhe::freshVariance(log2Std(parameters, origin.index));
    return {fresh, fresh, 0};
  }
  const fhe_conversion_record &record = parameters.conversions[origin.index];
  const tfhe::Decomposition digits = Parameters::decomposition(record);
  if (origin.kind == Origin::conversion) {
    const tfhe::KeyswitchShape shape = parameters.keyswitch(record);
    const Keyswitch &made = keyswitches[origin.index];
    const double word = shape.wordBits == 32 ? 0x1p-64 / 12 : 0;
    const double shared = shape.shared ? ones(record.to_key) : 0; // words of a nested key
    return {tfhe::keyswitchVariance(shape.inputDimension, digits,
                                    tfhe::freshVariance(log2Std(parameters, record.to_key)),
                                    shape.wordBits, shape.shared),
            made.squares * digitVariance(digits) +
                (ones(record.from_key) - shared) * roundingVariance(digits) + (1 + shared) * word,
            made.sum / 2}; // digits are -1/2 on average and enter with a minus sign
  }
  const tfhe::GlweKey glwe = parameters.glwe(record.to_key);
  const uint32_t n = parameters.keys[record.from_key].live;
  const double bigOnes = ones(record.to_key);
  const double rows = double(digits.levels) * (glwe.k + 1) * glwe.polynomialSize();
  const double step = rows * tfhe::freshVariance(glwe.log2Std) * digitSquare(digits) +
                      tfhe::fftWordVariance(glwe, digits) * fftSeen(glwe, bigOnes);
  return {tfhe::blindRotationVariance(n, glwe, digits),
          n * step + ones(record.from_key) * roundingVariance(digits) * (1 + bigOnes), 0};
}

Noise KeyNoise::of(const std::vector<Share> &shares) const {
  Noise sum;
  for (const Share &share : shares) {
    const Noise one = of(share.origin);
    sum += {one.model * share.squares, one.key * share.squares, one.mean * share.factors};
  }
  return sum;
}

Noise KeyNoise::switches(const fhe_lookup_desc &op) const {
  const fhe_conversion_record &bootstrap = client.parameters.conversions[op.bootstrap];
  const uint32_t n = client.parameters.keys[bootstrap.from_key].live;
  const uint32_t log2N = client.parameters.keys[bootstrap.to_key].log2_poly;
  const auto kind = tfhe::SwitchKind(bootstrap.switch_kind);
  Noise noise = of(Origin{Origin::conversion, op.keyswitch});
  return noise += {tfhe::modulusSwitchVariance(n, log2N, kind),
                   switchVariance(kind, n, ones(bootstrap.from_key), log2N), 0};
}

std::vector<uint32_t> KeyNoise::positions(const fhe_lookup_desc &op, const uint64_t *in,
                                          uint64_t count) const {
  const Parameters &parameters = client.parameters;
  const fhe_conversion_record &bootstrap = parameters.conversions[op.bootstrap];
  const tfhe::LweKeyswitchKey &key = keyswitches[op.keyswitch].key;
  const uint32_t n = parameters.keys[bootstrap.from_key].live;
  const uint32_t log2N = parameters.keys[bootstrap.to_key].log2_poly;
  const auto bits = client.flat(bootstrap.from_key).bits();
  const uint64_t inWords = parameters.words(op.in_key), block = 64;
  std::vector<uint32_t> found(count);
  workers.forEach((count + block - 1) / block, [&](uint64_t item, uint32_t) {
    const uint64_t begin = item * block, here = std::min(block, count - begin);
    std::vector<uint64_t> scaled(here * inWords), small(here * (n + 1));
    std::vector<uint32_t> switched(here * (n + 1));
    tfhe::AlignedBuffer<std::byte> scratch(tfhe::keyswitchScratchBytes(key.shape()));
    require(scratch.ok(), FHE_OUT_OF_MEMORY, "no memory to switch");
    tfhe::scale(in + begin * inWords, int64_t(uint64_t(1) << op.log2_factor), here, inWords,
                scaled.data());
    tfhe::keyswitch(key, scaled.data(), here, small.data(), scratch.span());
    tfhe::addClear(small.data(), bodyShift(op, log2N), here, n + 1);
    tfhe::modulusSwitch(tfhe::SwitchKind(bootstrap.switch_kind), n, log2N, small.data(), here,
                        switched.data());
    for (uint64_t c = 0; c < here; ++c) {
      const uint32_t *words = switched.data() + c * (n + 1);
      uint32_t position = words[n];
      for (uint32_t i = 0; i < n; ++i)
        position -= words[i] * uint32_t(bits[i]);
      found[begin + c] = position & ((uint32_t(2) << log2N) - 1);
    }
  });
  return found;
}

} // namespace fhe::reality
