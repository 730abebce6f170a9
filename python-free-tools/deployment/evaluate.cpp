//===- evaluate.cpp - fhe-evaluate: runs a compiled model on ciphertexts ------------------===//
//
// The server's command: it links nothing that touches a secret. Loading a model runs its code: only
// load what you compiled yourself.
//
//===--------------------------------------------------------------------------------------===//
#include "fhe/server.h"
#include "python-free-tools/deployment/command.h"
#include "python-free-tools/shared/progress_bar.h"
#include "runtime/tfhe/isa/isa.h"

#include <chrono>
#include <nlohmann/json.hpp>

using namespace fhe::tools;

namespace {
struct EvaluateOptions {
  std::string model, key, input, output;
  uint32_t threads = 0;
  uint64_t samples = 0, memory = 0;
};
using Clock = std::chrono::steady_clock;
using Prepared = Owned<fhe_prepared, fhe_prepared_free>;
using Ciphertexts = Owned<fhe_ciphertexts, fhe_ciphertexts_free>;
} // namespace

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

static Prepared prepare(const EvaluateOptions &options, const fhe_model *model, uint64_t samples) {
  auto key =
      readObject<fhe_evaluation_key, fhe_evaluation_key_free>(options.key, fhe_evaluation_key_read);
  fhe_options settings{};
  settings.size = sizeof settings;
  settings.mode = FHE_MODE_ENCRYPTED;
  settings.threads = options.threads;
  settings.samples = options.samples  ? std::min(options.samples, samples)
                     : options.memory ? samples
                                      : samplesTogether(*model, samples);
  settings.memory_limit = options.memory;
  fhe_prepared *prepared = nullptr;
  fhe_status status = fhe_prepare(model, key.get(), &settings, &prepared);
  check(status == FHE_MISMATCH ? options.key : options.model, status);
  return Prepared(prepared);
}

static void evaluate(const EvaluateOptions &options, const CommonFlags &flags) {
  checkOutputs({options.output}, {options.model, options.key, options.input});
  ModelObject model(options.model);
  auto inputs =
      readObject<fhe_ciphertexts, fhe_ciphertexts_free>(options.input, fhe_ciphertexts_read);
  OutputFile file(options.output, false, Replace::allButClientKeys);
  uint64_t samples = fhe_ciphertexts_samples(inputs.get());
  if (flags.verbose)
    std::fprintf(stderr, "%s: model '%s', %u operations; kernels for %s\n", options.model.c_str(),
                 model.get()->name, model.get()->op_count, name(fhe::tfhe::activeIsa()));
  Clock::time_point start = Clock::now();
  Prepared prepared = prepare(options, model.get(), samples);
  double preparing = secondsSince(start);
  start = Clock::now();
  ProgressBar bar(flags.quiet);
  fhe_ciphertexts *made = nullptr;
  fhe_status status = fhe_run(prepared.get(), inputs.get(), ProgressBar::callback, &bar, &made);
  bar.finish();
  check(status == FHE_MISMATCH ? options.input : options.model, status);
  Ciphertexts outputs(made);
  double running = secondsSince(start);
  check(options.output, fhe_ciphertexts_write(outputs.get(), OutputFile::write, &file));
  file.finish();
  file.commit();
  unsigned long long tables = bar.lookups(), memory = fhe_prepared_memory(prepared.get());
  double rate = running > 0 ? double(tables) / running : 0.0;
  if (flags.json) {
    nlohmann::ordered_json report = {{"file", options.output},     {"samples", samples},
                                     {"tables", tables},           {"seconds_preparing", preparing},
                                     {"seconds_running", running}, {"tables_per_second", rate},
                                     {"memory_bytes", memory}};
    std::printf("%s\n", report.dump(2).c_str());
  } else if (!flags.quiet) {
    std::printf("%s: %llu samples, %llu tables in %.2f s, %.1f a second (keys and tables "
                "prepared in %.2f s, %llu bytes of memory)\n",
                options.output.c_str(), (unsigned long long)samples, tables, running, rate,
                preparing, memory);
  }
}

int main(int argc, char **argv) {
  CLI::App app{"Evaluates a compiled model on encrypted inputs. Needs no secret."};
  app.name("fhe-evaluate");
  CommonFlags flags(app);
  EvaluateOptions options;
  app.add_option("MODEL", options.model, "The compiled model")->type_name("MODEL.so")->required();
  app.add_option("--evaluation-key", options.key, "The client's evaluation key")->required();
  app.add_option("CIPHERTEXTS", options.input, "What fhe-encrypt wrote")
      ->type_name("X.ct")
      ->required();
  app.add_option("-o,--output", options.output, "The ciphertexts to write")->required();
  app.add_option("--threads", options.threads, "Threads (default: one a core)")
      ->check(CLI::Range(1u, 1024u));
  app.add_option("--samples-at-once", options.samples,
                 "Evaluate so many samples together (default: all)")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory-limit", options.memory,
                 "Bytes that keys, tables and ciphertexts of a run may take; lowers the samples "
                 "evaluated together")
      ->transform(CLI::AsSizeValue(false));
  return runCommand(app, argc, argv, [&] { evaluate(options, flags); });
}
