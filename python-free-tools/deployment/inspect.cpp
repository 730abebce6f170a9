//===- inspect.cpp - fhe-inspect: says what a file is -------------------------------------===//
//
// Objects, manifests, reports, keys, ciphertexts, .npy and ONNX files.
// An object's code is not run: its manifest is found among its bytes. Nothing secret is printed.
//
//===--------------------------------------------------------------------------------------===//
#include "python-free-tools/deployment/client.h"
#include "python-free-tools/deployment/onnx_summary.h"
#include "runtime/client/client_key.h"
#include "runtime/client/manifest.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/formats/evaluation_key.h"

#include <nlohmann/json.hpp>

using namespace fhe::tools;
using namespace fhe::runtime;
using Json = nlohmann::ordered_json;

static Json describe(const Parameters &parameters) {
  Json keys = Json::array(), conversions = Json::array();
  for (const fhe_key_record &key : parameters.keys) {
    bool lwe = key.kind == FHE_KEY_LWE;
    Json one = {{"kind", lwe ? "lwe" : "glwe"}};
    if (lwe)
      one["n"] = key.dimension;
    else
      one["k"] = key.dimension, one["N"] = uint64_t(1) << key.log2_poly;
    one["log2_std"] = key.log2_std;
    keys.push_back(one);
  }
  for (const fhe_conversion_record &record : parameters.conversions)
    conversions.push_back(
        {{"kind", record.kind == FHE_CONVERSION_KEYSWITCH ? "keyswitch" : "bootstrap"},
         {"base_log", record.base_log},
         {"levels", record.levels}});
  return {{"security_bits", parameters.securityBits}, {"keys", keys}, {"conversions", conversions}};
}

static Json describe(const char *kind, const fhe_manifest &manifest) {
  Json inputs = Json::array(), outputs = Json::array();
  for (const InputSpec &spec : manifest.inputs)
    inputs.push_back(
        {{"name", spec.name}, {"shape", spec.shape}, {"integer_range", {spec.lo, spec.hi}}});
  for (const OutputSpec &spec : manifest.outputs)
    outputs.push_back(
        {{"name", spec.name}, {"shape", spec.shape}, {"integer_range", {spec.lo, spec.hi}}});
  Json result = {{"kind", kind},
                 {"name", manifest.name},
                 {"clear_only", manifest.clearOnly},
                 {"inputs", inputs},
                 {"outputs", outputs}};
  if (!manifest.clearOnly) {
    result["parameter_hash"] = toHex(manifest.hash);
    result["parameters"] = describe(manifest.parameters);
  }
  return result;
}

/// The manifest inside an object: the JSON text between the brace before its format name and the
/// NUL after it. Empty if there is none.
static std::string embeddedManifest(const std::string &bytes) {
  size_t mark = bytes.find("\"fhe-manifest\"");
  if (mark == std::string::npos)
    return {};
  size_t begin = bytes.rfind('{', mark), end = bytes.find('\0', mark);
  if (begin == std::string::npos || end == std::string::npos)
    return {};
  return bytes.substr(begin, end - begin);
}

static Manifest parse(const std::string &path, const std::string &text) {
  fhe_manifest *manifest = nullptr;
  check(path, fhe_manifest_parse(text.data(), text.size(), &manifest));
  return Manifest(manifest);
}

static Json describeOurs(const std::string &path, const std::string &bytes) {
  FileHeader header;
  if (bytes.size() < sizeof header)
    throw FileError(path, "ends within its header");
  std::copy_n(bytes.data(), sizeof header, reinterpret_cast<char *>(&header));
  Json result = {{"kind", ""},
                 {"version", header.version},
                 {"key_id", toHex(header.keyId)},
                 {"parameter_hash", toHex(header.parameters)}};
  if (header.kind == FileKind::clientKey) {
    ClientKey key = readClientKey(path);
    result["kind"] = "client key (secret)";
    result["parameters"] = describe(key->parameters);
  } else if (header.kind == FileKind::evaluationKey) {
    auto key =
        readObject<fhe_evaluation_key, fhe_evaluation_key_free>(path, fhe_evaluation_key_read);
    result["kind"] = "evaluation key";
    result["parameters"] = describe(key->parameters);
  } else {
    Ciphertexts ciphertexts = readCiphertexts(path);
    static const char *const encodings[] = {"", "clear", "seeded", "full"};
    result["kind"] = ciphertexts->isClear() ? "clear integers" : "ciphertexts";
    result["encoding"] = encodings[uint32_t(ciphertexts->encoding)];
    result["samples"] = ciphertexts->samples;
    for (const CiphertextTensor &tensor : ciphertexts->tensors)
      result["tensors"].push_back(
          {{"name", tensor.name}, {"elements", tensor.elements}, {"dimension", tensor.dimension}});
  }
  return result;
}

/// What fhe-compile found (NAME.report.json); nothing where the text is something else.
static std::optional<Json> describeReport(const std::string &text) {
  Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object() || report.value("format", Json()) != "fhe-report")
    return std::nullopt;
  Json result = {{"kind", "report of a compilation"}};
  for (const char *name : {"name", "options", "tables", "max_accumulator_bits", "security_bits",
                           "log2_failure_probability", "disagreements", "predicted_seconds"})
    if (report.contains(name))
      result[name] = report[name];
  if (report.contains("layers") && report["layers"].is_array())
    for (const Json &layer : report["layers"])
      result["layers"].push_back(layer.is_object() ? layer.value("onnx_node", Json()) : Json());
  return result;
}

static Json describe(const OnnxSummary &onnx) {
  Json sets = Json::object();
  for (const auto &[domain, version] : onnx.operatorSets)
    sets[domain.empty() ? "ai.onnx" : domain] = version;
  return {{"kind", "ONNX network"},  {"ir_version", onnx.irVersion}, {"producer", onnx.producer},
          {"operator_sets", sets},   {"inputs", onnx.inputs},        {"outputs", onnx.outputs},
          {"nodes", onnx.nodes},     {"initializers", onnx.initializers}};
}

static Json describeFile(const std::string &path, const std::string &bytes) {
  auto starts = [&](std::string_view magic) { return bytes.starts_with(magic); };
  if (starts({fileMagic.data(), fileMagic.size()}))
    return describeOurs(path, bytes);
  if (starts("\x93NUMPY")) {
    NpyArray array = readNpyFile(path);
    return {{"kind", "NumPy array"},
            {"shape", array.shape},
            {"bytes_per_value", npyTypeBytes(array.type)}};
  }
  if (starts("\x7f"
             "ELF") ||
      starts("!<arch>")) {
    std::string text = embeddedManifest(bytes);
    if (text.empty())
      throw FileError(path, "is an object that holds no compiled model");
    return describe("compiled model", *parse(path, text));
  }
  if (size_t first = bytes.find_first_not_of(" \t\r\n");
      first != std::string::npos && bytes[first] == '{') {
    if (std::optional<Json> report = describeReport(bytes))
      return *report;
    return describe("manifest", *parse(path, bytes));
  }
  if (std::optional<OnnxSummary> onnx = summarizeOnnx(bytes))
    return describe(*onnx);
  throw FileError(path, "is neither an object, a manifest, a report, a key, ciphertexts, a .npy nor an "
                        "ONNX file");
}

/// "path.to.value: 3", one a line.
static void printFlat(const Json &json, const std::string &prefix) {
  if (!json.is_structured() || json.empty() || (json.is_array() && !json[0].is_structured())) {
    std::printf("%s: %s\n", prefix.c_str(),
                json.is_string() ? json.get<std::string>().c_str() : json.dump().c_str());
    return;
  }
  size_t i = 0;
  for (const auto &item : json.items()) {
    std::string name = json.is_array()  ? prefix + "[" + std::to_string(i++) + "]"
                       : prefix.empty() ? item.key()
                                        : prefix + "." + item.key();
    printFlat(item.value(), name);
  }
}

static void inspect(const std::string &path, bool manifest, const CommonFlags &flags) {
  std::string bytes = readText(path);
  if (manifest) {
    std::string text = embeddedManifest(bytes);
    if (text.empty())
      throw FileError(path, "holds no manifest");
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  Json result = describeFile(path, bytes);
  result["bytes"] = bytes.size();
  if (flags.json)
    std::printf("%s\n", result.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  else if (!flags.quiet)
    printFlat(result, "");
}

int main(int argc, char **argv) {
  CLI::App app{"Says what an object, manifest, report, key, ciphertext, .npy or ONNX file is."};
  app.name("fhe-inspect");
  CommonFlags flags(app);
  std::string path;
  bool manifest = false;
  app.add_option("FILE", path, "The file")->required();
  app.add_flag("--manifest", manifest, "Print the manifest that an object holds, nothing else");
  return runCommand(app, argc, argv, [&] { inspect(path, manifest, flags); });
}
