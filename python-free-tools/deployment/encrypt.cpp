//===- encrypt.cpp - fhe-encrypt: .npy to ciphertexts -------------------------------------===//
#include "python-free-tools/deployment/client.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace fhe::tools;

namespace {
struct EncryptOptions {
  std::string manifest, key, output;
  std::vector<std::string> inputs;
  uint64_t samples = 0; ///< 0: all
};
struct Values {
  std::string name;
  std::vector<float> data;
  uint64_t samples = 0;
};
} // namespace

/// The input called `name`, or the only one.
static fhe_tensor_info findInput(const std::string &path, const fhe_manifest *manifest,
                                 const NamedPath &file) {
  fhe_tensor_info info;
  uint32_t count = fhe_manifest_input_count(manifest);
  for (uint32_t i = 0; i < count; ++i) {
    check(file.path, fhe_manifest_input(manifest, i, &info));
    if (file.name == info.name || (file.name.empty() && count == 1))
      return info;
  }
  throw FileError(path, file.name.empty() ? "the model has several inputs: give NAME=" + file.path
                                          : "the model has no input '" + file.name + "'");
}

/// Samples first, then the shape of the input; one sample may come without its dimension.
static Values readValues(const std::string &path, const fhe_manifest *manifest,
                         const std::string &text, uint64_t limit) {
  NamedPath file(text);
  fhe_tensor_info info = findInput(path, manifest, file);
  fhe::runtime::NpyArray array = readNpyFile(file.path);
  std::vector<uint64_t> one(info.float_shape, info.float_shape + info.float_rank);
  Values values{info.name, {}, array.shape == one ? 1 : array.shape.empty() ? 0 : array.shape[0]};
  if (values.samples == 0 || array.elements() / values.samples != info.float_elements ||
      array.elements() % values.samples != 0)
    throw FileError(file.path, "has the shape " +
                                   shapeText(array.shape.data(), uint32_t(array.shape.size())) +
                                   "; input '" + info.name + "' takes samples x " +
                                   shapeText(info.float_shape, info.float_rank));
  values.data = array.toFloat();
  if (limit && limit < values.samples) {
    values.samples = limit;
    values.data.resize(limit * info.float_elements);
  }
  for (size_t i = 0; i < values.data.size(); ++i)
    if (std::isnan(values.data[i]))
      throw FileError(file.path, "sample " + std::to_string(i / info.float_elements) + ", element " +
                                     std::to_string(i % info.float_elements) + " is not a number");
  return values;
}

static void encryptFiles(const EncryptOptions &options, const CommonFlags &flags) {
  std::vector<std::string> read{options.manifest, options.key};
  for (const std::string &text : options.inputs)
    read.push_back(NamedPath(text).path);
  checkOutputs({options.output}, read);
  Manifest manifest = readManifest(options.manifest);
  ClientKey key = readClientKey(options.key);
  std::vector<Values> values;
  std::vector<fhe_input> inputs;
  for (const std::string &text : options.inputs)
    values.push_back(readValues(options.manifest, manifest.get(), text, options.samples));
  for (const Values &input : values) {
    if (input.samples != values[0].samples)
      throw FileError(options.manifest, "inputs '" + values[0].name + "' and '" + input.name +
                                            "' have different numbers of samples");
    inputs.push_back({input.name.c_str(), input.data.data(), input.data.size()});
  }
  OutputFile file(options.output, false, Replace::allButClientKeys);
  fhe_ciphertexts *made = nullptr;
  check(options.manifest, fhe_encrypt(manifest.get(), key.get(), inputs.data(),
                                      uint32_t(inputs.size()), values[0].samples, &made));
  Ciphertexts ciphertexts(made);
  check(options.output, fhe_ciphertexts_write(made, OutputFile::write, &file));
  file.finish();
  file.commit();
  unsigned long long bytes = fhe_ciphertexts_bytes(made), samples = values[0].samples;
  if (flags.json) {
    nlohmann::ordered_json report = {
        {"file", options.output}, {"samples", samples}, {"bytes", bytes}};
    std::printf("%s\n", report.dump(2).c_str());
  } else if (!flags.quiet) {
    std::printf("%s: %llu samples, %llu bytes\n", options.output.c_str(), samples, bytes);
  }
}

int main(int argc, char **argv) {
  CLI::App app{"Pre-processes, quantizes and encrypts the inputs of a model."};
  app.name("fhe-encrypt");
  CommonFlags flags(app);
  EncryptOptions options;
  app.add_option("MODEL", options.manifest, "The manifest of the model")
      ->type_name("MODEL.json")
      ->required();
  app.add_option("--key", options.key, "The client key")->required();
  app.add_option("--inputs", options.inputs, "Values of an input, samples first")
      ->type_name("[NAME=]X.npy")
      ->required()
      ->take_all();
  app.add_option("-o,--output", options.output, "The ciphertexts to write")->required();
  app.add_option("--samples", options.samples, "Encrypt only the first N samples")
      ->type_name("N")
      ->check(CLI::Range(uint64_t(1), UINT64_MAX));
  return runCommand(app, argc, argv, [&] { encryptFiles(options, flags); });
}
