//===- memory.cpp - Measured memory of one inference, next to the manifest's -----------------===//
//
//   end-to-end-memory MODEL.so MODEL.json INPUTS.npy
//
// Measures how far the resident memory of this process grows from before fhe_prepare to after
// fhe_run, one sample on one thread, the evaluation key (`evaluation_key_stored`) not counted: it
// is the caller's. `bytes.peak` of the manifest must agree within 5 %, and so must
// fhe_prepared_memory, which a memory limit is compared with.
//
//===----------------------------------------------------------------------------------------===//
#include "fhe/fhe.h"
#include "python-free-tools/shared/files.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace {

void require(fhe_status status) {
  if (status != FHE_OK)
    throw std::runtime_error(fhe_last_error());
}

/// A line "NAME:   123 kB" of /proc/self/status, in bytes.
double statusBytes(const std::string &name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(name + ":", 0) == 0)
      return std::strtod(line.c_str() + name.size() + 1, nullptr) * 1024;
  throw std::runtime_error("/proc/self/status has no " + name);
}

/// From now on VmHWM is the most since this moment.
void resetPeak() {
  std::ofstream file("/proc/self/clear_refs");
  if (!(file << "5" << std::flush))
    throw std::runtime_error("/proc/self/clear_refs cannot be written");
}

bool agrees(const char *what, double said, double measured) {
  bool good = std::fabs(said - measured) <= 0.05 * measured;
  std::printf("%-28s %.1f MB, measured %.1f MB%s\n", what, said / 1e6, measured / 1e6,
              good ? "" : ": differs by more than 5 %");
  return good;
}

int run(char **argv) {
  fhe::tools::ModelObject object(argv[1]);
  std::ifstream file(argv[2], std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> values = fhe::tools::readNpyFile(argv[3]).toFloat();

  fhe_manifest *manifest = nullptr;
  fhe_client_key *key = nullptr;
  fhe_evaluation_key *evaluationKey = nullptr;
  fhe_ciphertexts *encrypted = nullptr, *results = nullptr;
  fhe_prepared *prepared = nullptr;
  require(fhe_manifest_parse(text.data(), text.size(), &manifest));
  // Keys of this test only, of whatever kind the model asks for.
  require(fhe_client_key_generate_assuming(manifest, FHE_KEY_ASSUMPTIONS_EXTENDED, &key));
  require(fhe_evaluation_key_generate(key, 1, &evaluationKey));
  fhe_tensor_info info{};
  require(fhe_manifest_input(manifest, 0, &info));
  fhe_input input{nullptr, values.data(), info.float_elements};
  require(fhe_encrypt(manifest, key, &input, 1, 1, &encrypted));

  double before = statusBytes("VmRSS");
  resetPeak();
  fhe_options options{};
  options.size = sizeof options;
  options.samples = 1;
  options.threads = 1;
  require(fhe_prepare(object.get(), evaluationKey, &options, &prepared));
  require(fhe_run(prepared, encrypted, nullptr, nullptr, &results));
  double growth = statusBytes("VmHWM") - before;

  bool good =
      agrees("bytes.peak of the manifest", nlohmann::json::parse(text)["bytes"]["peak"], growth);
  good &= agrees("fhe_prepared_memory", double(fhe_prepared_memory(prepared)), growth);

  fhe_prepared_free(prepared);
  fhe_ciphertexts_free(results);
  fhe_ciphertexts_free(encrypted);
  fhe_evaluation_key_free(evaluationKey);
  fhe_client_key_free(key);
  fhe_manifest_free(manifest);
  return good ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL.so MODEL.json INPUTS.npy\n", argv[0]);
    return 2;
  }
  try {
    return run(argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
