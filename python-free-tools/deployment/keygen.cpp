//===- keygen.cpp - fhe-keygen: draws a client key and makes its evaluation key -----------===//
//
// fhe-keygen MODEL.json -o client.key --evaluation-key eval.key. The client key is the secret: mode
// 0600, never overwritten without --force. The evaluation key goes to the server.
//
//===--------------------------------------------------------------------------------------===//
#include "python-free-tools/deployment/client.h"

#include <nlohmann/json.hpp>

using namespace fhe::tools;

namespace {
struct KeygenOptions {
  std::string manifest, clientKey, evaluationKey, assumptions = "standard";
  bool force = false;
  uint32_t threads = 0;
};
} // namespace

static void keygen(const KeygenOptions &options, const CommonFlags &flags) {
  checkOutputs({options.clientKey, options.evaluationKey}, {options.manifest});
  Manifest manifest = readManifest(options.manifest);
  // Both files first: a path that cannot be written is known before the keys are made.
  Replace replace = options.force ? Replace::anything : Replace::nothing;
  OutputFile clientFile(options.clientKey, true, replace);
  OutputFile evaluationFile(options.evaluationKey, false, replace);
  fhe_client_key *secret = nullptr;
  uint32_t assumptions = options.assumptions == "extended" ? FHE_KEY_ASSUMPTIONS_EXTENDED
                                                           : FHE_KEY_ASSUMPTIONS_STANDARD;
  check(options.manifest, fhe_client_key_generate_assuming(manifest.get(), assumptions, &secret));
  ClientKey key(secret);
  fhe_evaluation_key *made = nullptr;
  check(options.manifest, fhe_evaluation_key_generate(key.get(), options.threads, &made));
  EvaluationKey evaluation(made);
  check(options.clientKey, fhe_client_key_write(key.get(), OutputFile::write, &clientFile));
  check(options.evaluationKey,
        fhe_evaluation_key_write(evaluation.get(), OutputFile::write, &evaluationFile));
  clientFile.finish();
  evaluationFile.finish();
  evaluationFile.commit();
  clientFile.commit();
  uint64_t clientBytes = fhe_client_key_bytes(key.get());
  uint64_t evaluationBytes = fhe_evaluation_key_bytes(evaluation.get());
  if (flags.json) {
    nlohmann::ordered_json report = {
        {"client_key", {{"file", options.clientKey}, {"bytes", clientBytes}}},
        {"evaluation_key", {{"file", options.evaluationKey}, {"bytes", evaluationBytes}}}};
    std::printf("%s\n", report.dump(2).c_str());
  } else if (!flags.quiet) {
    std::printf("%s: %llu bytes, secret: it stays with the client\n"
                "%s: %llu bytes, for the server\n",
                options.clientKey.c_str(), (unsigned long long)clientBytes,
                options.evaluationKey.c_str(), (unsigned long long)evaluationBytes);
  }
}

int main(int argc, char **argv) {
  CLI::App app{"Draws a client key for a model's parameters and makes its evaluation key."};
  app.name("fhe-keygen");
  CommonFlags flags(app);
  KeygenOptions options;
  app.add_option("MODEL", options.manifest, "The manifest of the model")
      ->type_name("MODEL.json")
      ->required();
  app.add_option("-o,--output", options.clientKey, "The client key to write (secret)")->required();
  app.add_option("--evaluation-key", options.evaluationKey, "The evaluation key to write")
      ->required();
  app.add_option("--key-assumptions", options.assumptions,
                 "standard (default): LWE and GLWE with uniform binary keys. extended: also draw "
                 "partial GLWE keys and nested LWE keys")
      ->type_name("standard|extended")
      ->check(CLI::IsMember({"standard", "extended"}));
  app.add_flag("--force", options.force, "Replace files that exist");
  app.add_option("--threads", options.threads, "Threads (default: one a core)")
      ->check(CLI::Range(1u, 1024u));
  return runCommand(app, argc, argv, [&] { keygen(options, flags); });
}
