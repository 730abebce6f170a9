//===- prepared.cpp - fhe_prepare and fhe_run ---------------------------------------------===//
//
// A run goes in turns of at most `samples` samples. In each turn inputs are copied into the arenas,
// the model's code is called with an executor that forwards to ours, and outputs are copied out.
// The code must repeat the schedule that was checked when the model was prepared.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/formats/evaluation_key.h"
#include "runtime/server/executor.h"
#include "runtime/server/observer.h"
#include "runtime/server/schedule.h"

#include <mutex>
#include <thread>

using namespace fhe::runtime;

struct fhe_prepared {
  CheckedModel checked;
  fhe_options options{};
  KeyId keyId{};
  std::unique_ptr<Workers> workers;
  std::unique_ptr<LookupCount[]> counts;
  std::unique_ptr<Executor> executor;
  uint64_t samples = 1, memory = 0;
  std::atomic<bool> running{false}, cancelled{false};
  Observer observer;

  bool encrypted() const { return options.mode == FHE_MODE_ENCRYPTED; }
};

namespace {

/// One call of fhe_run.
class Run : public CallSink, public Monitor {
public:
  Run(fhe_prepared &prepared, const fhe_ciphertexts &inputs, fhe_progress_fn callback, void *state)
      : prepared(prepared), inputs(inputs), callback(callback), state(state) {
    uint64_t turns = (inputs.samples + prepared.samples - 1) / prepared.samples;
    progress.ops_total = turns * prepared.checked.schedule.size();
    progress.lookups_total = inputs.samples * prepared.checked.lookupsPerSample();
    progress.layer = "";
  }

  void turn(Turn next, fhe_ciphertexts &outputs) {
    const fhe_model &model = *prepared.checked.model;
    current = next;
    position = 0;
    for (uint32_t i = 0; i < model.input_count; ++i)
      prepared.executor->load(model.inputs[i], *inputs.find(model.inputs[i].name), inputs.encoding,
                              current);
    if (fhe_status status = callEntry(model, *this))
      throw Failure(status, fhe_last_error());
    require(position == prepared.checked.schedule.size(), FHE_INTERNAL,
            "the model's code did not repeat its schedule");
    for (uint32_t i = 0; i < model.output_count; ++i)
      prepared.executor->store(i, model.outputs[i], outputs.tensors[i], current);
  }

  fhe_status call(const Call &call) noexcept override {
    return guarded([&] {
      const std::vector<Call> &schedule = prepared.checked.schedule;
      require(position < schedule.size() && schedule[position] == call, FHE_INTERNAL,
              "the model's code did not repeat its schedule");
      progress.layer = call.op->layer;
      prepared.executor->execute(call, current, *this);
      ++position;
      ++progress.ops_done;
      if (prepared.observer)
        observe(call);
      if (!report())
        throw Failure(FHE_CANCELLED, "cancelled");
    });
  }

  bool lookupsDone(uint64_t count) override {
    lookups += count;
    if (std::this_thread::get_id() != caller)
      return !prepared.cancelled;
    return report();
  }

private:
  bool report() {
    progress.lookups_done = lookups;
    if (!prepared.cancelled && callback && callback(state, &progress) != 0)
      prepared.cancelled = true;
    return !prepared.cancelled;
  }

  void observe(const Call &call) {
    OpShape shape = shapeOf(*call.op);
    Executor &executor = *prepared.executor;
    Observation seen{call.op,
                     current.first,
                     current.count,
                     {},
                     {},
                     executor.slotWords(shape.inKey),
                     executor.slotWords(call.op->key)};
    for (int k = 0; k < 2; ++k)
      if (shape.in[k])
        seen.in.push_back(executor.slotData(shape.inKey, call.in[k], current.count));
    for (uint64_t offset : call.out)
      seen.out.push_back(executor.slotData(call.op->key, offset, current.count));
    prepared.observer(seen);
  }

  fhe_prepared &prepared;
  const fhe_ciphertexts &inputs;
  fhe_progress_fn callback;
  void *state;
  std::thread::id caller = std::this_thread::get_id();
  fhe_progress progress{};
  std::atomic<uint64_t> lookups{0};
  Turn current;
  size_t position = 0;
};

fhe_options readOptions(const fhe_options *given, const CheckedModel &checked,
                        const fhe_evaluation_key *key) {
  fhe_options options{};
  if (given) {
    require(given->size == sizeof(fhe_options) && given->reserved == 0, FHE_INVALID_ARGUMENT,
            "options.size is not sizeof(fhe_options), or reserved is not 0");
    options = *given;
  }
  require(options.mode >= FHE_MODE_ENCRYPTED && options.mode <= FHE_MODE_SIMULATE,
          FHE_INVALID_ARGUMENT, "unknown mode");
  if (options.mode != FHE_MODE_CLEAR && checked.parameters.empty())
    throw Failure(FHE_MISMATCH, std::string("model '") + checked.model->name +
                                    "' was compiled with --clear-only: it has no parameters and "
                                    "runs in clear mode only");
  bool encrypted = options.mode == FHE_MODE_ENCRYPTED;
  require(!encrypted || key, FHE_INVALID_ARGUMENT, "an encrypted run needs an evaluation key");
  require(encrypted || !key, FHE_INVALID_ARGUMENT,
          "an evaluation key was given for a run that is not encrypted");
  return options;
}

/// Samples of a turn under the memory limit.
void chooseSamples(fhe_prepared &prepared, const Footprint &footprint) {
  uint64_t wanted = std::max<uint64_t>(1, prepared.options.samples);
  uint64_t limit = prepared.options.memory_limit ? prepared.options.memory_limit : UINT64_MAX;
  uint64_t one = 0;
  if (__builtin_add_overflow(footprint.fixed, footprint.perSample, &one) || one > limit)
    throw Failure(FHE_OUT_OF_MEMORY, "keys and scratch of " + std::to_string(footprint.fixed) +
                                         " bytes and " + std::to_string(footprint.perSample) +
                                         " bytes a sample do not fit the memory limit of " +
                                         std::to_string(limit) + " bytes");
  uint64_t fit = (limit - footprint.fixed) / std::max<uint64_t>(1, footprint.perSample);
  prepared.samples = std::min(wanted, fit);
  prepared.memory = footprint.fixed + prepared.samples * footprint.perSample;
}

void checkInputs(const fhe_prepared &prepared, const fhe_ciphertexts &inputs) {
  const fhe_model &model = *prepared.checked.model;
  if (inputs.isClear() == prepared.encrypted())
    throw Failure(FHE_MISMATCH, prepared.encrypted()
                                    ? "the inputs are clear, but the run is encrypted"
                                    : "the inputs are encrypted, but the run is clear");
  if (prepared.encrypted()) {
    require(inputs.parameters == prepared.checked.hash, FHE_MISMATCH,
            "the ciphertexts were made for other parameters than the model's");
    if (inputs.keyId != prepared.keyId)
      throw Failure(FHE_MISMATCH, "the ciphertexts belong to key " + toHex(inputs.keyId) +
                                      ", the evaluation key to key " + toHex(prepared.keyId));
  }
  require(inputs.samples >= 1, FHE_INVALID_ARGUMENT, "no samples");
  for (const CiphertextTensor &tensor : inputs.tensors) {
    bool known = false;
    for (uint32_t i = 0; i < model.input_count; ++i)
      known |= tensor.name == model.inputs[i].name;
    if (!known)
      throw Failure(FHE_MISMATCH, "the model has no input '" + tensor.name + "'");
  }
  for (uint32_t i = 0; i < model.input_count; ++i) {
    const fhe_port &port = model.inputs[i];
    const CiphertextTensor *tensor = inputs.find(port.name);
    if (!tensor)
      throw Failure(FHE_MISMATCH, std::string("input '") + port.name + "' is missing");
    uint32_t dimension = prepared.encrypted() ? prepared.checked.parameters.keys[port.key].live : 0;
    uint32_t key = prepared.encrypted() ? port.key : 0;
    if (tensor->elements != port.elements || tensor->dimension != dimension || tensor->key != key)
      throw Failure(
          FHE_MISMATCH,
          std::string("input '") + port.name + "' has " + std::to_string(tensor->elements) +
              " values of dimension " + std::to_string(tensor->dimension) + " under key " +
              std::to_string(tensor->key) + "; the model takes " + std::to_string(port.elements) +
              " of dimension " + std::to_string(dimension) + " under key " + std::to_string(key));
  }
}

std::unique_ptr<fhe_ciphertexts> makeOutputs(const fhe_prepared &prepared, uint64_t samples) {
  auto outputs = std::make_unique<fhe_ciphertexts>();
  outputs->samples = samples;
  outputs->encoding = prepared.encrypted() ? Encoding::full : Encoding::clear;
  if (prepared.encrypted()) {
    outputs->parameters = prepared.checked.hash;
    outputs->keyId = prepared.keyId;
  }
  const fhe_model &model = *prepared.checked.model;
  for (uint32_t i = 0; i < model.output_count; ++i) {
    CiphertextTensor tensor;
    tensor.name = model.outputs[i].name;
    tensor.elements = model.outputs[i].elements;
    if (prepared.encrypted()) {
      tensor.key = model.outputs[i].key;
      tensor.dimension = prepared.checked.parameters.keys[tensor.key].live;
    }
    tensor.words.resize(samples * tensor.elements *
                        wordsPerValue(outputs->encoding, tensor.dimension));
    outputs->tensors.push_back(std::move(tensor));
  }
  return outputs;
}

} // namespace

void fhe::runtime::setObserver(fhe_prepared *prepared, Observer observer) {
  prepared->observer = std::move(observer);
}

fhe_status fhe_prepare(const fhe_model *model, const fhe_evaluation_key *evaluation_key,
                       const fhe_options *options, fhe_prepared **prepared) {
  return guarded([&] {
    require(prepared, FHE_INVALID_ARGUMENT, "a null pointer");
    auto result = std::make_unique<fhe_prepared>();
    result->checked = checkModel(model);
    result->options = readOptions(options, result->checked, evaluation_key);
    result->workers = std::make_unique<Workers>(result->options.threads);
    result->counts = std::make_unique<LookupCount[]>(result->checked.lookups.size());
    bool encrypted = result->encrypted();
    chooseSamples(*result, encrypted ? encryptedFootprint(result->checked, result->workers->size())
                                     : integerFootprint(result->checked));
    ExecutorResources resources{result->checked, *result->workers, result->samples};
    if (encrypted) {
      result->keyId = evaluation_key->keyId;
      result->executor = makeEncryptedExecutor(resources, *evaluation_key);
    } else {
      result->executor = makeIntegerExecutor(resources, result->options.mode == FHE_MODE_SIMULATE,
                                             result->options.seed, result->counts.get());
    }
    *prepared = result.release();
  });
}

void fhe_prepared_free(fhe_prepared *prepared) { delete prepared; }

uint64_t fhe_prepared_samples(const fhe_prepared *prepared) {
  return prepared ? prepared->samples : 0;
}

uint64_t fhe_prepared_memory(const fhe_prepared *prepared) {
  return prepared ? prepared->memory : 0;
}

fhe_status fhe_run(fhe_prepared *prepared, const fhe_ciphertexts *inputs, fhe_progress_fn progress,
                   void *progress_state, fhe_ciphertexts **outputs) {
  return guarded([&] {
    require(prepared && inputs && outputs, FHE_INVALID_ARGUMENT, "a null pointer");
    require(!prepared->running.exchange(true), FHE_INVALID_ARGUMENT,
            "another run on this object is in progress");
    struct Finally {
      fhe_prepared &prepared;
      ~Finally() { prepared.running = false; }
    } finally{*prepared};
    prepared->cancelled = false;
    checkInputs(*prepared, *inputs);
    auto result = makeOutputs(*prepared, inputs->samples);
    Run run(*prepared, *inputs, progress, progress_state);
    for (uint64_t first = 0; first < inputs->samples; first += prepared->samples)
      run.turn({first, std::min(prepared->samples, inputs->samples - first)}, *result);
    *outputs = result.release();
  });
}

void fhe_cancel(fhe_prepared *prepared) {
  if (prepared)
    prepared->cancelled = true;
}

uint32_t fhe_prepared_lookup_count(const fhe_prepared *prepared) {
  return prepared ? uint32_t(prepared->checked.lookups.size()) : 0;
}

fhe_status fhe_prepared_out_of_window(const fhe_prepared *prepared, uint32_t i, const char **layer,
                                      uint64_t *evaluated, uint64_t *outside) {
  return guarded([&] {
    require(prepared && layer && evaluated && outside, FHE_INVALID_ARGUMENT, "a null pointer");
    require(i < prepared->checked.lookups.size(), FHE_INVALID_ARGUMENT, "no such lookup");
    require(!prepared->encrypted(), FHE_INVALID_ARGUMENT,
            "an encrypted run cannot see its table inputs");
    *layer = prepared->checked.lookups[i]->header.layer;
    *evaluated = prepared->counts[i].evaluated;
    *outside = prepared->counts[i].outside;
  });
}
