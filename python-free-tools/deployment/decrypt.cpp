//===- decrypt.cpp - fhe-decrypt: ciphertexts to .npy -------------------------------------===//
#include "python-free-tools/deployment/client.h"

#include <nlohmann/json.hpp>

using namespace fhe::tools;
using fhe::runtime::NpyArray;

namespace {
struct DecryptOptions {
  std::string manifest, key, ciphertexts;
  std::vector<std::string> outputs;
  bool integers = false;
};
} // namespace

static fhe_tensor_info findOutput(const std::string &path, const fhe_manifest *manifest,
                                  const NamedPath &file) {
  fhe_tensor_info info;
  uint32_t count = fhe_manifest_output_count(manifest);
  for (uint32_t i = 0; i < count; ++i) {
    check(file.path, fhe_manifest_output(manifest, i, &info));
    if (file.name == info.name || (file.name.empty() && count == 1))
      return info;
  }
  throw FileError(path, file.name.empty() ? "the model has several outputs: give NAME=" + file.path
                                          : "the model has no output '" + file.name + "'");
}

static NpyArray decode(const DecryptOptions &options, const fhe_manifest *manifest,
                       const fhe_client_key *key, const fhe_ciphertexts *ciphertexts,
                       const fhe_tensor_info &info) {
  uint64_t samples = fhe_ciphertexts_samples(ciphertexts);
  const uint64_t *shape = options.integers ? info.shape : info.float_shape;
  uint32_t rank = options.integers ? info.rank : info.float_rank;
  std::vector<uint64_t> dimensions{samples};
  dimensions.insert(dimensions.end(), shape, shape + rank);
  if (options.integers) {
    std::vector<int64_t> values(samples * info.elements);
    check(options.ciphertexts, fhe_decrypt_integers(manifest, key, ciphertexts, info.name,
                                                    values.data(), values.size()));
    return NpyArray::fromIntegers(dimensions, values);
  }
  std::vector<float> values(samples * info.float_elements);
  check(options.ciphertexts,
        fhe_decrypt(manifest, key, ciphertexts, info.name, values.data(), values.size()));
  return NpyArray::fromFloat(dimensions, values);
}

static void decryptFiles(const DecryptOptions &options, const CommonFlags &flags) {
  std::vector<std::string> written;
  for (const std::string &text : options.outputs)
    written.push_back(NamedPath(text).path);
  checkOutputs(written, {options.manifest, options.key, options.ciphertexts});
  for (const std::string &path : written)
    refuseClientKey(path);
  Manifest manifest = readManifest(options.manifest);
  ClientKey key = readClientKey(options.key);
  Ciphertexts ciphertexts = readCiphertexts(options.ciphertexts);
  std::vector<std::pair<std::string, NpyArray>> results;
  for (const std::string &text : options.outputs) {
    NamedPath file(text);
    results.emplace_back(file.path, decode(options, manifest.get(), key.get(), ciphertexts.get(),
                                           findOutput(options.manifest, manifest.get(), file)));
  }
  for (const auto &[path, array] : results)
    writeNpyFile(path, array);
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  for (const auto &[path, array] : results) {
    report.push_back({{"file", path}, {"shape", array.shape}});
    if (!flags.json && !flags.quiet)
      std::printf("%s: %s\n", path.c_str(),
                  shapeText(array.shape.data(), uint32_t(array.shape.size())).c_str());
  }
  if (flags.json)
    std::printf("%s\n", report.dump(2).c_str());
}

int main(int argc, char **argv) {
  CLI::App app{"Decrypts, dequantizes and post-processes the outputs of a model."};
  app.name("fhe-decrypt");
  CommonFlags flags(app);
  DecryptOptions options;
  app.add_option("MODEL", options.manifest, "The manifest of the model")
      ->type_name("MODEL.json")
      ->required();
  app.add_option("--key", options.key, "The client key")->required();
  app.add_option("CIPHERTEXTS", options.ciphertexts, "What fhe-evaluate wrote")
      ->type_name("Y.ct")
      ->required();
  app.add_option("-o,--output", options.outputs, "Values of an output to write, samples first")
      ->type_name("[NAME=]Y.npy")
      ->required()
      ->take_all();
  app.add_flag("--integers", options.integers, "Write the decrypted integers, not real numbers");
  app.footer("The results must not be shown to the server (docs/security.md).");
  return runCommand(app, argc, argv, [&] { decryptFiles(options, flags); });
}
