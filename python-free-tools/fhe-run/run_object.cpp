//===- run_object.cpp - Running a compiled object through the runtime
//---------------------------===//
//
// Clear and simulated runs need no key. An encrypted run plays both sides in one process: key
// generation, encryption, evaluation, decryption; the clear run of the same object is its measure.
//
//===----------------------------------------------------------------------------------------===//
#include "fhe/fhe.h"
#include "python-free-tools/fhe-run/run.h"
#include "python-free-tools/shared/files.h"
#include "python-free-tools/shared/progress_bar.h"

#include <chrono>
#include <memory>

namespace fhe::tools {

namespace {
template <auto Free>
struct Freer {
  template <class T>
  void operator()(T *object) const {
    Free(object);
  }
};
using Manifest = std::unique_ptr<fhe_manifest, Freer<fhe_manifest_free>>;
using ClientKey = std::unique_ptr<fhe_client_key, Freer<fhe_client_key_free>>;
using EvaluationKey = std::unique_ptr<fhe_evaluation_key, Freer<fhe_evaluation_key_free>>;
using Ciphertexts = std::unique_ptr<fhe_ciphertexts, Freer<fhe_ciphertexts_free>>;
using Prepared = std::unique_ptr<fhe_prepared, Freer<fhe_prepared_free>>;

/// One model and the data it runs on.
class ObjectRun {
public:
  explicit ObjectRun(const RunOptions &options);
  RunResult run();

private:
  void check(fhe_status status) const {
    if (status != FHE_OK)
      throw FileError(options.model, fhe_last_error());
  }
  Prepared prepare(Mode mode, const fhe_evaluation_key *key) const;
  Ciphertexts evaluate(fhe_prepared *prepared, const fhe_ciphertexts *given, bool progress,
                       RunResult *measured) const;
  void makeKeys(RunResult &result);
  void readWindows(fhe_prepared *prepared, RunResult &result) const;
  void decode(const fhe_ciphertexts *outputs, const fhe_ciphertexts *clearOutputs,
              RunResult &result) const;
  OutputValues decodeOne(uint32_t index, const fhe_ciphertexts *outputs) const;

  const RunOptions &options;
  ModelObject object;
  Manifest manifest;
  ClientKey clientKey;
  EvaluationKey evaluationKey;
  std::vector<InputValues> values;
  std::vector<fhe_input> inputs;
  uint64_t samples = 0;
};
} // namespace

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

ObjectRun::ObjectRun(const RunOptions &options) : options(options), object(options.model) {
  const fhe_model *model = object.get();
  fhe_manifest *parsed = nullptr;
  check(fhe_manifest_parse(model->manifest, model->manifest_bytes, &parsed));
  manifest.reset(parsed);
  if (options.mode != Mode::Clear && fhe_manifest_is_clear_only(parsed))
    throw FileError(options.model, "was compiled with --clear-only and runs in clear mode only");
  std::vector<std::string> names;
  std::vector<uint64_t> elements;
  for (uint32_t i = 0; i < fhe_manifest_input_count(parsed); ++i) {
    fhe_tensor_info info;
    check(fhe_manifest_input(parsed, i, &info));
    names.push_back(info.name);
    elements.push_back(info.float_elements);
  }
  std::vector<std::string> outputs;
  for (uint32_t i = 0; i < fhe_manifest_output_count(parsed); ++i) {
    fhe_tensor_info info;
    check(fhe_manifest_output(parsed, i, &info));
    outputs.push_back(info.name);
  }
  checkOutputNames(options, outputs);
  values = readInputs(options.inputs, names, elements, options.samples, options.model, samples);
  for (const InputValues &input : values)
    inputs.push_back({input.name.c_str(), input.values.data(), input.values.size()});
}

Prepared ObjectRun::prepare(Mode mode, const fhe_evaluation_key *key) const {
  fhe_options settings{};
  settings.size = sizeof(settings);
  settings.mode = mode == Mode::Clear      ? FHE_MODE_CLEAR
                  : mode == Mode::Simulate ? FHE_MODE_SIMULATE
                                           : FHE_MODE_ENCRYPTED;
  settings.threads = options.threads;
  settings.samples = mode == Mode::Encrypted ? samplesTogether(*object.get(), samples) : samples;
  settings.seed = options.seed;
  fhe_prepared *prepared = nullptr;
  check(fhe_prepare(object.get(), key, &settings, &prepared));
  return Prepared(prepared);
}

Ciphertexts ObjectRun::evaluate(fhe_prepared *prepared, const fhe_ciphertexts *given, bool progress,
                                RunResult *measured) const {
  ProgressBar bar(options.quiet || !progress);
  fhe_ciphertexts *outputs = nullptr;
  double start = now();
  check(fhe_run(prepared, given, ProgressBar::callback, &bar, &outputs));
  if (measured) {
    measured->seconds = now() - start;
    measured->tables = bar.lookups();
  }
  return Ciphertexts(outputs);
}

void ObjectRun::makeKeys(RunResult &result) {
  double start = now();
  fhe_client_key *secret = nullptr;
  // These keys do not outlive the run, and nothing leaves the machine.
  check(fhe_client_key_generate_assuming(manifest.get(), FHE_KEY_ASSUMPTIONS_EXTENDED, &secret));
  clientKey.reset(secret);
  fhe_evaluation_key *key = nullptr;
  check(fhe_evaluation_key_generate(secret, options.threads, &key));
  evaluationKey.reset(key);
  result.keygenSeconds = now() - start;
  result.evaluationKeyBytes = fhe_evaluation_key_bytes(key);
}

void ObjectRun::readWindows(fhe_prepared *prepared, RunResult &result) const {
  for (uint32_t i = 0; i < fhe_prepared_lookup_count(prepared); ++i) {
    const char *layer = nullptr;
    LayerWindow window;
    check(fhe_prepared_out_of_window(prepared, i, &layer, &window.evaluated, &window.outside));
    window.layer = layer;
    result.windows.push_back(window);
  }
}

OutputValues ObjectRun::decodeOne(uint32_t index, const fhe_ciphertexts *outputs) const {
  fhe_tensor_info info;
  check(fhe_manifest_output(manifest.get(), index, &info));
  OutputValues output;
  output.name = info.name;
  output.shape.assign(info.float_shape, info.float_shape + info.float_rank);
  output.values.resize(samples * info.float_elements);
  output.integers.resize(samples * info.elements);
  float *reals = output.values.data();
  int64_t *integers = output.integers.data();
  if (fhe_ciphertexts_is_clear(outputs)) {
    check(fhe_decode_clear(manifest.get(), outputs, info.name, reals, output.values.size()));
    check(fhe_decode_clear_integers(manifest.get(), outputs, info.name, integers,
                                    output.integers.size()));
  } else {
    check(fhe_decrypt(manifest.get(), clientKey.get(), outputs, info.name, reals,
                      output.values.size()));
    check(fhe_decrypt_integers(manifest.get(), clientKey.get(), outputs, info.name, integers,
                               output.integers.size()));
  }
  return output;
}

void ObjectRun::decode(const fhe_ciphertexts *outputs, const fhe_ciphertexts *clearOutputs,
                       RunResult &result) const {
  for (uint32_t i = 0; i < fhe_manifest_output_count(manifest.get()); ++i) {
    result.outputs.push_back(decodeOne(i, outputs));
    if (clearOutputs)
      result.outputs.back().clearIntegers = decodeOne(i, clearOutputs).integers;
  }
}

RunResult ObjectRun::run() {
  RunResult result;
  result.samples = samples;
  uint32_t count = static_cast<uint32_t>(inputs.size());
  fhe_ciphertexts *encoded = nullptr;
  check(fhe_encode_clear(manifest.get(), inputs.data(), count, samples, &encoded));
  Ciphertexts clearInputs(encoded), encryptedInputs;
  bool clear = options.mode == Mode::Clear;
  Prepared clearRun = prepare(Mode::Clear, nullptr);
  Ciphertexts clearOutputs =
      evaluate(clearRun.get(), clearInputs.get(), false, clear ? &result : nullptr);
  if (clear) {
    readWindows(clearRun.get(), result);
    decode(clearOutputs.get(), nullptr, result);
    return result;
  }
  const fhe_ciphertexts *given = clearInputs.get();
  if (options.mode == Mode::Encrypted) {
    makeKeys(result);
    fhe_ciphertexts *encrypted = nullptr;
    check(fhe_encrypt(manifest.get(), clientKey.get(), inputs.data(), count, samples, &encrypted));
    encryptedInputs.reset(encrypted);
    given = encrypted;
    result.inputBytes = fhe_ciphertexts_bytes(given);
  }
  Prepared prepared = prepare(options.mode, evaluationKey.get());
  evaluationKey.reset(); // not needed any more, and large
  Ciphertexts outputs = evaluate(prepared.get(), given, true, &result);
  // What lay outside a window is only to be seen where integers are.
  readWindows(options.mode == Mode::Simulate ? prepared.get() : clearRun.get(), result);
  if (options.mode == Mode::Encrypted)
    result.outputBytes = fhe_ciphertexts_bytes(outputs.get());
  decode(outputs.get(), clearOutputs.get(), result);
  return result;
}

RunResult runObject(const RunOptions &options) { return ObjectRun(options).run(); }

} // namespace fhe::tools
