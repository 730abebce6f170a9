//===- main.cpp - executor-noise: encrypted runs of a compiled network against the noise model -===//
//
//   executor-noise MODEL.so MODEL.json INPUTS.npy [--tables=N] [--failures=N] [--keys=N] [--seed=N]
//                 [--suppose-percent=N]
//
// Runs a network encrypted, under --keys=4 drawn keys in turn, until at least --tables=12800 table
// inputs were seen, and --failures=0 failures are expected. At each table and output:
//   - the variance of the switched phase is within 5 % (or 4.5 standard errors, where there are too
//     few elements) of the model's for these keys, element by element, and the mean within 5 standard
//     errors;
//   - the compiler's noise is at least the model's of the worst element, by the sums of shadow.h;
//   - how often the noise exceeds half a slot, and how often a rounded table is off by more than one
//     step, lies in the exact 99.99 % interval of the elements' probabilities (Poisson binomial);
//   - noise of less than half a slot takes no result further than the report's `steps`: 1 where thresholds
//     are further apart;
//   - each result is what its table holds at the position read.
// --seed: the same keys and encryptions every time; without it they come from the operating system.
// --suppose-percent: predicts so much of the variance, to see that the checks can fail.
//
//===---------------------------------------------------------------------------------------------===//
#include "fhe/fhe.h"
#include "python-free-tools/shared/files.h"
#include "runtime/client/manifest.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/tfhe/client/encryption.h"
#include "test/reality/inspector.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace fhe::runtime;
using namespace fhe::reality;

namespace {

void check(fhe_status status) {
  if (status != FHE_OK)
    throw std::runtime_error(fhe_last_error());
}

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T *object) const { Free(object); }
};
using ManifestPtr = std::unique_ptr<fhe_manifest, Freer<fhe_manifest_free>>;
using CiphertextsPtr = std::unique_ptr<fhe_ciphertexts, Freer<fhe_ciphertexts_free>>;
using PreparedPtr = std::unique_ptr<fhe_prepared, Freer<fhe_prepared_free>>;

struct Arguments {
  std::vector<std::string> files;
  uint64_t tables = 12800, failures = 0, keys = 4, seed = 0, percent = 100;

  bool read(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string text = argv[i];
      const size_t equals = text.find('=');
      const std::string name = text.substr(0, equals);
      uint64_t *number = name == "--tables"     ? &tables
                         : name == "--failures" ? &failures
                         : name == "--keys"     ? &keys
                         : name == "--seed"     ? &seed
                         : name == "--suppose-percent" ? &percent
                                                : nullptr;
      if (number && equals != std::string::npos)
        *number = std::strtoull(text.c_str() + equals + 1, nullptr, 10);
      else if (text.starts_with("--"))
        return false;
      else
        files.push_back(text);
    }
    return files.size() == 3 && keys >= 1 && tables >= 1 && percent >= 1;
  }
};

/// Seeds in a row: of a number, or from the operating system where it is 0.
class Seeds {
public:
  explicit Seeds(uint64_t number) {
    if (!number) {
      root = freshSeed();
      return;
    }
    for (int i = 0; i < 8; ++i)
      root.bytes[i] = uint8_t(number >> (8 * i));
  }
  fhe::tfhe::Seed next() { return fhe::tfhe::deriveSeed(root, 0, ++used); }

private:
  fhe::tfhe::Seed root;
  uint64_t used = 0;
};

std::unique_ptr<fhe_client_key> drawKey(const Parameters &parameters, Seeds &seeds) {
  auto key = std::make_unique<fhe_client_key>();
  key->parameters = parameters;
  key->hash = parameterHash(parameters);
  key->keyId = seeds.next().bytes;
  const fhe::tfhe::Seed seed = seeds.next();
  for (uint32_t i = 0; i < parameters.keys.size(); ++i) {
    const fhe_key_record &record = parameters.keys[i];
    auto &secret = key->secrets.emplace_back();
    if (record.kind == FHE_KEY_GLWE)
      secret.glwe = fhe::tfhe::GlweSecretKey(record.dimension, record.log2_poly, seed, uint16_t(i),
                                             parameters.glwe(i).live);
    else if (!record.nested_in)
      secret.lwe = fhe::tfhe::LweSecretKey(record.dimension, seed, uint16_t(i));
  }
  for (uint32_t i = 0; i < parameters.keys.size(); ++i)
    if (const fhe_key_record &record = parameters.keys[i]; record.nested_in)
      key->secrets[i].lwe = fhe::tfhe::LweSecretKey(
          key->secrets[record.nested_in - 1].glwe.flat(), record.dimension);
  return key;
}

/// Encryptions of clear tensors, as a client sends them.
CiphertextsPtr encrypt(const fhe_client_key &key, const fhe_ciphertexts &clear,
                       const fhe_manifest &manifest, Seeds &seeds) {
  CiphertextsPtr result(new fhe_ciphertexts);
  result->encoding = Encoding::seeded;
  result->parameters = key.hash, result->keyId = key.keyId;
  result->samples = clear.samples;
  for (CiphertextTensor tensor : clear.tensors) {
    const InputSpec &spec = manifest.input(tensor.name.c_str());
    const fhe::tfhe::Seed mask = seeds.next(), noise = seeds.next();
    tensor.key = spec.key, tensor.dimension = key.parameters.keys[spec.key].live;
    tensor.maskSeed = mask.bytes;
    fhe::tfhe::Generator masks(mask, {fhe::tfhe::StreamUse::encryptionMask});
    fhe::tfhe::Generator noises(noise, {fhe::tfhe::StreamUse::encryptionNoise});
    std::vector<uint64_t> ciphertext(tensor.dimension + uint64_t(1));
    for (uint64_t c = 0; c < tensor.words.size(); ++c) {
      const uint64_t plain = tensor.words[c] << spec.log2Delta;
      masks.restart({fhe::tfhe::StreamUse::encryptionMask, 0, c});
      fhe::tfhe::encrypt(key.flat(spec.key), std::span(&plain, 1), key.parameters.noise(spec.key),
                         masks, noises, ciphertext.data());
      tensor.words[c] = ciphertext.back();
    }
    result->tensors.push_back(std::move(tensor));
  }
  return result;
}

std::string readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

class Measurement {
public:
  explicit Measurement(const Arguments &arguments)
      : arguments(arguments), object(arguments.files[0]), checked(checkModel(object.get())),
        seeds(arguments.seed), workers(0), shadow(checked), places(placesOf(checked)) {
    const std::string text = readText(arguments.files[1]);
    fhe_manifest *parsed = nullptr;
    check(fhe_manifest_parse(text.data(), text.size(), &parsed));
    manifest.reset(parsed);
    const NpyArray array = fhe::tools::readNpyFile(arguments.files[2]);
    given = array.shape.empty() ? 0 : array.shape[0];
    inputs = array.toFloat();
    if (given == 0 || checked.lookups.empty() || manifest->inputs.size() != 1)
      throw std::runtime_error("a model with tables and one input is needed, and samples of it");
    together = std::clamp<uint64_t>(512 / checked.lookupsPerSample(), 1, given);
  }

  void run() {
    for (uint64_t k = 0; k < arguments.keys; ++k)
      underOneKey(double(k + 1) / double(arguments.keys));
  }
  bool report() const;

private:
  /// Until this share of all tables and failures was seen.
  void underOneKey(double share) {
    auto client = drawKey(checked.parameters, seeds);
    auto evaluation = makeEvaluationKey(*client, seeds.next(), seeds.next(), 0);
    fhe_options options{};
    options.size = sizeof options;
    options.samples = together;
    fhe_prepared *made = nullptr;
    check(fhe_prepare(object.get(), evaluation.get(), &options, &made));
    PreparedPtr prepared(made);
    Inspector inspector(checked, *client, *evaluation, workers, shadow, places,
                        double(arguments.percent) / 100);
    setObserver(prepared.get(), [&](const Observation &seen) { inspector.see(seen); });
    do {
      batch(prepared.get(), *client, inspector);
    } while (double(seen) < share * double(arguments.tables) ||
             expected() < share * double(arguments.failures));
  }

  void batch(fhe_prepared *prepared, const fhe_client_key &client, Inspector &inspector) {
    const uint64_t each = inputs.size() / given;
    std::vector<float> values;
    for (uint64_t s = 0; s < together; ++s, next = (next + 1) % given)
      values.insert(values.end(), inputs.begin() + ptrdiff_t(next * each),
                    inputs.begin() + ptrdiff_t((next + 1) * each));
    fhe_input input{nullptr, values.data(), values.size()};
    fhe_ciphertexts *clear = nullptr, *results = nullptr;
    check(fhe_encode_clear(manifest.get(), &input, 1, together, &clear));
    CiphertextsPtr clearOwner(clear);
    const auto &words = clear->tensors[0].words;
    inspector.start({{words.begin(), words.end()}});
    CiphertextsPtr encrypted = encrypt(client, *clear, *manifest, seeds);
    check(fhe_run(prepared, encrypted.get(), nullptr, nullptr, &results));
    CiphertextsPtr resultOwner(results);
    inspector.finish(*results);
    seen += together * checked.lookupsPerSample();
  }

  double expected() const {
    double sum = 0;
    for (const Place &place : places)
      sum += place.isTable ? place.failures.expected() : 0;
    return sum;
  }

  const Arguments &arguments;
  fhe::tools::ModelObject object;
  CheckedModel checked;
  ManifestPtr manifest;
  Seeds seeds;
  Workers workers;
  Shadow shadow;
  std::vector<Place> places;
  std::vector<float> inputs;
  uint64_t given = 0, together = 1, next = 0, seen = 0;
};

std::string describe(const Events &events) {
  auto [low, high] = events.interval(0.00005);
  char text[120];
  std::snprintf(text, sizeof text, "%llu, expected %.1f, 99.99 %% %llu to %llu",
                (unsigned long long)events.happened(), events.expected(), (unsigned long long)low,
                (unsigned long long)high);
  return text;
}

bool reportPlace(const Place &place) {
  if (place.count() == 0)
    return true;
  const double tolerance = std::max(0.05, 4.5 * place.standardError());
  const bool variance = std::abs(place.ratio() - 1) < tolerance;
  const bool mean = std::abs(place.meanInSigmas()) < 5;
  const bool stated = place.stated > place.worst * (1 - 1e-6);
  const bool events = place.failures.plausible() && place.steps.plausible();
  std::printf("%-28s", place.name.c_str());
  if (place.isTable)
    std::printf(" %u bits", place.precision);
  if (place.isTable && place.precision != place.width)
    std::printf(" of %u", place.width);
  std::printf(": variance x%.3f (+- %.3f) of the keys', x%.3f of the model's, mean %+.1f sigma, "
              "%llu elements; stated x%.4f\n",
              place.ratio(), place.standardError(), place.modelRatio(), place.meanInSigmas(),
              (unsigned long long)place.count(), place.stated / place.worst);
  std::printf("    beyond half a slot: %s; at most 2^%.2f each stated\n",
              describe(place.failures).c_str(), std::log2(place.ledgerProbability()));
  if (place.isTable && place.precision != place.width)
    std::printf("    off by more than one step: %s; by more than %lld: %llu\n",
                describe(place.steps).c_str(), (long long)place.reach,
                (unsigned long long)place.farther);
  if (place.isTable)
    std::printf("    results: variance x%.3f, %llu not as read\n",
                place.resultSquares / double(place.results), (unsigned long long)place.unexplained);
  for (auto [good, text] : {std::pair(variance, "variance"), {mean, "mean"}, {events, "events"},
                            {stated, "stated noise"}, {place.contradictions == 0, "steps"},
                            {place.unexplained == 0, "results"}})
    if (!good)
      std::printf("    FAILED: %s\n", text);
  return variance && mean && stated && events && place.contradictions == 0 &&
         place.unexplained == 0;
}

bool Measurement::report() const {
  bool good = true;
  Events all;
  double ledger = 0;
  for (const Place &place : places) {
    good &= reportPlace(place);
    if (!place.isTable)
      continue;
    all.add(place.failures);
    ledger += place.ledgerProbability() * double(place.count());
  }
  const bool enough = all.expected() >= double(arguments.failures);
  std::printf("%llu keys, %llu tables: beyond half a slot %s; at most %.1f stated  %s\n",
              (unsigned long long)arguments.keys, (unsigned long long)seen, describe(all).c_str(),
              ledger, good && all.plausible() && enough ? "ok" : "FAILED");
  return good && all.plausible() && enough;
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!arguments.read(argc, argv)) {
    std::fprintf(stderr,
                 "usage: %s MODEL.so MODEL.json INPUTS.npy [--tables=N] [--failures=N] [--keys=N] "
                 "[--seed=N] [--suppose-percent=N]\n",
                 argv[0]);
    return 2;
  }
  try {
    Measurement measurement(arguments);
    measurement.run();
    return measurement.report() ? 0 : 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
