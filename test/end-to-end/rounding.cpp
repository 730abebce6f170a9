//===- rounding.cpp - Looks inside an encrypted run, with the secret key ---------------------------===//
//
//   end-to-end-rounding MODEL.so MODEL.json INPUTS.npy SAMPLES
//
// Decrypts the input and the results of every table of an encrypted run (a test-only hook of the
// server) and checks, for each element whose results differ from the table's at that integer:
//   - every differing result is what the table has within 6 predicted standard deviations of the integer. That
//     is less than half a slot of the rounding, so it is the other side of the next threshold wherever the report
//     has 1 under `steps`; where thresholds are closer together it may be further;
// and that their number lies in the exact 99.9 % interval of the prediction (the distribution of a
// sum of independent events with the probabilities that each element's distance to its thresholds
// gives, computed by convolution). An exact table (not rounded) must not differ at all. The
// prediction is the compiler's noise, conditioned on the drawn keys: modulus switch and keyswitch
// rounding count the ones of the keys instead of their expectation.
//
//===---------------------------------------------------------------------------------------------===//
#include "fhe/fhe.h"
#include "passes/parameters/Disagreements.h"
#include "python-free-tools/shared/files.h"
#include "runtime/client/client_key.h"
#include "runtime/server/observer.h"
#include "runtime/server/window.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/noise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <numeric>

using namespace fhe::runtime;

namespace {

void require(fhe_status status) {
  if (status != FHE_OK)
    throw std::runtime_error(fhe_last_error());
}

/// What happened at one lookup operation.
struct Layer {
  const fhe_lookup_desc *op = nullptr;
  uint64_t evaluated = 0, differing = 0, notOneStep = 0, tooFar = 0;
  double largestDistance = 0; ///< to where the table has what was found, in standard deviations
  std::vector<double> probabilities; ///< of differing, one an element that can
};

class Inspector {
public:
  Inspector(const fhe_model &model, const fhe_client_key &key) : model(model), key(key) {}

  void see(const Observation &seen) {
    if (seen.op->kind != FHE_OP_LOOKUP)
      return;
    const auto &op = *reinterpret_cast<const fhe_lookup_desc *>(seen.op);
    Layer &layer = layerOf(op);
    uint64_t total = seen.samples * op.elements;
    std::vector<int64_t> in = decrypt(op.in_key, op.log2_delta_in, seen.in[0], total);
    std::vector<std::vector<int64_t>> out;
    for (const uint64_t *words : seen.out)
      out.push_back(decrypt(op.header.key, op.log2_delta_out, words, total));
    double sigma = std::sqrt(conditionedVariance(op)) * std::ldexp(1.0, int(polynomialBits(op)) + 1);
    fhe::parameters::StepProbabilities steps(sigma);
    for (uint64_t i = 0; i < total; ++i) {
      uint32_t table = op.table_of_element ? op.table_of_element[i % op.elements] : 0;
      inspect(layer, in[i], table, out, i, sigma, steps);
    }
    layer.evaluated += total;
  }

  std::vector<Layer> layers;

private:
  Layer &layerOf(const fhe_lookup_desc &op) {
    for (Layer &layer : layers)
      if (layer.op == &op)
        return layer;
    layers.emplace_back();
    layers.back().op = &op;
    return layers.back();
  }

  std::vector<int64_t> decrypt(uint32_t keyIndex, uint32_t log2Delta, const uint64_t *words,
                               uint64_t count) const {
    std::vector<uint64_t> phases(count);
    fhe::tfhe::decryptPhases(key.flat(keyIndex), words, phases);
    std::vector<int64_t> values;
    for (uint64_t phase : phases)
      values.push_back(int64_t(phase + (uint64_t(1) << (log2Delta - 1))) >> log2Delta);
    return values;
  }

  /// The predicted variance at the table input with the ones of the keys (torus).
  double conditionedVariance(const fhe_lookup_desc &op) const {
    const fhe_conversion_record &ks = model.parameters->conversions[op.keyswitch];
    const fhe_key_record &small = model.parameters->keys[ks.to_key];
    const fhe_key_record &big = model.parameters->keys[ks.from_key];
    auto ones = [&](uint32_t index) {
      auto bits = key.flat(index).bits();
      return double(std::accumulate(bits.begin(), bits.end(), uint64_t(0)));
    };
    uint32_t log2N = model.parameters->keys[op.header.key].log2_poly;
    double switched = (1 + ones(ks.to_key)) / 12 * std::ldexp(1.0, -2 * (int(log2N) + 1));
    double rounding = std::ldexp(1.0, -2 * int(ks.base_log * ks.levels)) / 12;
    // Bits that a nested key shares are not switched.
    const bool nested = small.nested_in == ks.from_key + 1;
    const double shared = nested ? ones(ks.to_key) - small.live / 2.0 : 0;
    return op.noise_std * op.noise_std + switched -
           fhe::tfhe::modulusSwitchVariance(small.live, log2N) +
           rounding * (ones(ks.from_key) - big.live / 2.0 - shared);
  }

  /// Value of result r at `slot` (any integer: slots go round).
  static int64_t valueAt(const fhe_lookup_desc &op, uint32_t table, uint32_t r, int64_t slot,
                         uint32_t log2N) {
    slot = fhe::parameters::slotRead(slot, polynomialBits(op), log2N);
    return slotValue(op, table, r, uint64_t(slot) & slotMask(op));
  }

  void inspect(Layer &layer, int64_t value, uint32_t table,
               const std::vector<std::vector<int64_t>> &out, uint64_t i, double sigma,
               const fhe::parameters::StepProbabilities &steps) {
    const fhe_lookup_desc &op = *layer.op;
    uint32_t log2N = model.parameters->keys[op.header.key].log2_poly;
    int64_t slot = int64_t(slotOf(op, value));
    auto same = [&](int64_t other) {
      for (uint32_t r = 0; r < op.results; ++r)
        if (valueAt(op, table, r, other, log2N) != valueAt(op, table, r, slot, log2N))
          return false;
      return true;
    };
    // The probability that noise carries the value to a slot with other results.
    double probability = steps.of([&](int64_t d) { return !same(slot + d); });
    if (probability > 0)
      layer.probabilities.push_back(probability);

    bool differs = false, oneStep = true;
    double distance = 0;
    for (uint32_t r = 0; r < op.results; ++r) {
      int64_t expected = valueAt(op, table, r, slot, log2N);
      if (out[r][i] == expected)
        continue;
      differs = true;
      // The nearest slots, up and down, that have what was found; how many other results lie between.
      double nearest = INFINITY;
      bool single = true;
      for (int direction : {-1, 1}) {
        bool changed = false;
        for (int64_t d = 1; d <= steps.reach() * 4; ++d) {
          int64_t found = valueAt(op, table, r, slot + direction * d, log2N);
          if (found == out[r][i] && (double(d) - 0.5) / sigma < nearest) {
            nearest = (double(d) - 0.5) / sigma;
            single = !changed;
          }
          if (found == out[r][i])
            break;
          changed |= found != expected;
        }
      }
      oneStep &= single;
      distance = std::max(distance, nearest);
    }
    if (!differs)
      return;
    ++layer.differing;
    layer.notOneStep += !oneStep;
    layer.tooFar += !(distance <= 6);
    layer.largestDistance = std::max(layer.largestDistance, distance);
  }

  const fhe_model &model;
  const fhe_client_key &key;
};

/// The exact interval that a sum of independent events leaves with probability at most 0.1 %.
std::pair<uint64_t, uint64_t> interval(const std::vector<double> &probabilities) {
  std::vector<double> distribution{1};
  for (double p : probabilities) {
    distribution.push_back(0);
    for (size_t k = distribution.size() - 1; k > 0; --k)
      distribution[k] = distribution[k] * (1 - p) + distribution[k - 1] * p;
    distribution[0] *= 1 - p;
    while (distribution.size() > 1 && distribution.back() < 1e-30)
      distribution.pop_back();
  }
  uint64_t lo = 0, hi = distribution.size() - 1;
  for (double tail = distribution[lo]; tail <= 0.0005 && lo < hi; tail += distribution[lo])
    ++lo;
  for (double tail = distribution[hi]; tail <= 0.0005 && hi > lo; tail += distribution[hi])
    --hi;
  return {lo, hi};
}

uint64_t argmax(const float *values, uint64_t count) {
  return uint64_t(std::max_element(values, values + count) - values);
}

std::string readText(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(std::string(path) + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Prints the layers and the sum; true if all is as predicted.
bool report(const std::vector<Layer> &layers) {
  bool good = true;
  std::vector<double> all;
  uint64_t differing = 0, evaluated = 0;
  for (const Layer &layer : layers) {
    bool rounded = layer.op->rounded_width < layer.op->width;
    double expected =
        std::accumulate(layer.probabilities.begin(), layer.probabilities.end(), 0.0);
    std::printf("%-32s %6llu tables, width %2u of %2u bits: %4llu differ (%.1f predicted), "
                "%llu by more than one step, noise of at most %.2f sigma\n",
                layer.op->header.layer, (unsigned long long)layer.evaluated,
                layer.op->rounded_width, layer.op->width, (unsigned long long)layer.differing,
                expected, (unsigned long long)layer.notOneStep, layer.largestDistance);
    good &= layer.tooFar == 0 && (rounded || layer.differing == 0);
    differing += layer.differing;
    evaluated += layer.evaluated;
    all.insert(all.end(), layer.probabilities.begin(), layer.probabilities.end());
  }
  auto [lo, hi] = interval(all);
  std::printf("%llu of %llu table outputs differ; 99.9 %% interval of the prediction: %llu to %llu\n",
              (unsigned long long)differing, (unsigned long long)evaluated, (unsigned long long)lo,
              (unsigned long long)hi);
  return good && evaluated > 0 && lo <= differing && differing <= hi;
}

int run(char **argv) {
  fhe::tools::ModelObject object(argv[1]);
  std::string text = readText(argv[2]);
  NpyArray array = fhe::tools::readNpyFile(argv[3]);
  uint64_t samples = std::strtoull(argv[4], nullptr, 10);
  if (array.shape.empty() || samples == 0 || samples > array.shape[0])
    throw std::runtime_error("the inputs hold fewer samples");
  std::vector<float> values = array.toFloat();
  values.resize(values.size() / array.shape[0] * samples);

  fhe_manifest *manifest = nullptr;
  fhe_client_key *key = nullptr;
  fhe_evaluation_key *evaluationKey = nullptr;
  fhe_ciphertexts *encrypted = nullptr, *results = nullptr, *clear = nullptr, *clearResults = nullptr;
  fhe_prepared *prepared = nullptr, *clearPrepared = nullptr;
  require(fhe_manifest_parse(text.data(), text.size(), &manifest));
  require(fhe_client_key_generate(manifest, &key));
  require(fhe_evaluation_key_generate(key, 0, &evaluationKey));
  fhe_input input{nullptr, values.data(), values.size()};
  require(fhe_encrypt(manifest, key, &input, 1, samples, &encrypted));
  fhe_options options{};
  options.size = sizeof options;
  options.samples = samples;
  require(fhe_prepare(object.get(), evaluationKey, &options, &prepared));
  Inspector inspector(*object.get(), *key);
  setObserver(prepared, [&](const Observation &seen) { inspector.see(seen); });
  require(fhe_run(prepared, encrypted, nullptr, nullptr, &results));

  options.mode = FHE_MODE_CLEAR;
  require(fhe_encode_clear(manifest, &input, 1, samples, &clear));
  require(fhe_prepare(object.get(), nullptr, &options, &clearPrepared));
  require(fhe_run(clearPrepared, clear, nullptr, nullptr, &clearResults));
  fhe_tensor_info info{};
  require(fhe_manifest_output(manifest, 0, &info));
  std::vector<float> got(samples * info.float_elements), expected(got.size());
  require(fhe_decrypt(manifest, key, results, info.name, got.data(), got.size()));
  require(fhe_decode_clear(manifest, clearResults, info.name, expected.data(), expected.size()));
  uint64_t agree = 0;
  for (uint64_t s = 0; s < samples; ++s)
    agree += argmax(got.data() + s * info.float_elements, info.float_elements) ==
             argmax(expected.data() + s * info.float_elements, info.float_elements);
  bool good = report(inspector.layers);
  std::printf("argmax agrees with the clear run on %llu of %llu samples\n",
              (unsigned long long)agree, (unsigned long long)samples);

  fhe_prepared_free(prepared);
  fhe_prepared_free(clearPrepared);
  for (fhe_ciphertexts *c : {encrypted, results, clear, clearResults})
    fhe_ciphertexts_free(c);
  fhe_evaluation_key_free(evaluationKey);
  fhe_client_key_free(key);
  fhe_manifest_free(manifest);
  return good ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s MODEL.so MODEL.json INPUTS.npy SAMPLES\n", argv[0]);
    return 2;
  }
  try {
    return run(argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
