//===- Manifest.cpp - NAME.json ------------------------------------------------------===//
//
// Keys in the order of docs/formats.md. What only the client's description knows
// (fhe.client) is copied; an IR written by hand without one gets the identity:
// the floats are the integers.
//
//===---------------------------------------------------------------------------===//
#include "compiler/codegen/Codegen.h"
#include "dialects/fhe/FHE.h"
#include "passes/parameters/CostModel.h"
#include "passes/parameters/ParameterOptions.h"
#include "passes/tfhe/ArenaPlan.h"
#include "passes/tfhe/ProgramInterface.h"
#include "runtime/include/fhe/abi.h"
#include "runtime/tfhe/portable_math.h"
#include <cmath>
#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::ordered_json;
namespace ir = fhe::tfhe_ir;

namespace fhe::codegen {

/// Members of `names` first and in their order, then the others by name.
static Json toJson(Attribute attribute, llvm::ArrayRef<llvm::StringRef> names = {});

static Json toJson(DictionaryAttr dictionary, llvm::ArrayRef<llvm::StringRef> names) {
  Json object = Json::object();
  for (llvm::StringRef name : names)
    if (Attribute value = dictionary.get(name))
      object[name.str()] = toJson(value);
  for (NamedAttribute entry : dictionary)
    if (!llvm::is_contained(names, entry.getName().getValue()))
      object[entry.getName().str()] = toJson(entry.getValue());
  return object;
}

template <typename Range>
static Json toArray(Range &&values) {
  Json array = Json::array();
  for (auto value : values)
    array.push_back(value);
  return array;
}

static Json toJson(Attribute attribute, llvm::ArrayRef<llvm::StringRef> names) {
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute))
    // "op" leads in the steps of pre and post.
    return toJson(dictionary, names.empty() ? llvm::ArrayRef<llvm::StringRef>{"op", "scale", "offset"}
                                            : names);
  if (auto array = dyn_cast<ArrayAttr>(attribute)) {
    Json list = Json::array();
    for (Attribute element : array)
      list.push_back(toJson(element));
    return list;
  }
  if (auto text = dyn_cast<StringAttr>(attribute))
    return text.str();
  if (auto boolean = dyn_cast<BoolAttr>(attribute))
    return boolean.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getValue().getSExtValue();
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute))
    return toArray(list.asArrayRef());
  if (auto list = dyn_cast<DenseI32ArrayAttr>(attribute))
    return toArray(list.asArrayRef());
  if (auto list = dyn_cast<DenseF64ArrayAttr>(attribute))
    return toArray(list.asArrayRef());
  if (auto list = dyn_cast<DenseF32ArrayAttr>(attribute)) {
    Json array = Json::array();
    for (float value : list.asArrayRef())
      array.push_back(double(value));
    return array;
  }
  if (isa<UnitAttr>(attribute))
    return true;
  return nullptr;
}

/// A member of the client's description, or `otherwise`.
static Json member(const ProgramPort &port, llvm::StringRef name, Json otherwise,
                   llvm::ArrayRef<llvm::StringRef> order = {}) {
  Attribute value = port.client ? port.client.get(name) : Attribute();
  return value ? toJson(value, order) : otherwise;
}

static Json identityQuantizer(const ProgramPort &port) {
  return {{"kind", "uniform"}, {"bits", std::max(1u, fhe::accumulatorBits(port.lo, port.hi))},
          {"signed", port.lo < 0}, {"narrow", false}, {"min", port.lo}, {"max", port.hi},
          {"scale", 1.0}, {"zero_point", 0}, {"offset", 0.0}, {"rounding", "ROUND"}};
}

/// The key, encoding and size of what travels: inputs as a seed for the masks and one word a value,
/// outputs as whole ciphertexts.
static void addEncoding(Json &entry, const ProgramPort &port, bool seeded,
                        ir::ParametersOp parameters) {
  entry["elements"] = port.elements;
  bool encrypted = !parameters.getClearOnly();
  entry["key"] = encrypted ? Json(port.key) : Json();
  entry["log2_delta"] = encrypted ? Json(port.log2Delta) : Json();
  entry["padding_bits"] = encrypted ? Json(port.paddingBits) : Json();
  uint64_t elements = port.elements;
  entry["bytes"] = !encrypted ? Json()
                   : seeded   ? Json(16 + 8 * elements)
                              : Json(elements * parameters::ciphertextBytes(parameters, port.key));
}

static Json describeInput(const ProgramPort &port,
                          ir::ParametersOp parameters) {
  Json entry;
  entry["name"] = port.name;
  entry["shape"] = member(port, "shape", toArray(port.shape));
  entry["pre"] = member(port, "pre", Json::array());
  entry["quantizer"] =
      member(port, "quantizer", identityQuantizer(port),
             {"kind", "bits", "signed", "narrow", "min", "max", "scale", "zero_point", "offset",
              "rounding"});
  entry["integer_range"] = {port.lo, port.hi};
  addEncoding(entry, port, /*seeded=*/true, parameters);
  return entry;
}

static Json describeOutput(const ProgramPort &port,
                           ir::ParametersOp parameters) {
  Json entry;
  entry["name"] = port.name;
  entry["shape"] = member(port, "shape", toArray(port.shape));
  entry["integer_range"] = {port.lo, port.hi};
  entry["scale"] = member(port, "scale", Json::array({1.0}));
  entry["offset"] = member(port, "offset", Json::array({0.0}));
  for (const char *name : {"scale", "offset"})
    if (!entry[name].is_array())
      entry[name] = Json::array({entry[name]});
  entry["channel_axis"] = member(port, "channel_axis", nullptr);
  entry["post"] = member(port, "post", Json::array());
  addEncoding(entry, port, /*seeded=*/false, parameters);
  return entry;
}

static Json describeKey(Operation &op) {
  auto noise = [](auto key) { return key.getTuniform() ? "tuniform" : "gaussian"; };
  if (auto key = dyn_cast<ir::LweKeyOp>(op)) {
    Json entry = {{"name", key.getSymName().str()}, {"kind", "lwe"}, {"n", key.getDimension()},
            {"k", nullptr}, {"N", nullptr}, {"live", key.getDimension()},
            {"distribution", key.getDistribution().str()}, {"noise", noise(key)},
            {"log2_std", key.getLog2Std().convertToDouble()}, {"word_bits", key.getWordBits()}};
    if (key.getNestedIn())
      entry["nested_in"] = key.getNestedIn()->str();
    return entry;
  }
  auto key = cast<ir::GlweKeyOp>(op);
  uint64_t degree = uint64_t(1) << key.getLog2Poly();
  return {{"name", key.getSymName().str()}, {"kind", "glwe"}, {"n", nullptr}, {"k", key.getK()},
          {"N", degree}, {"live", key.getLive().value_or(key.getK() * degree)},
          {"distribution", key.getDistribution().str()}, {"noise", noise(key)},
          {"log2_std", key.getLog2Std().convertToDouble()}, {"word_bits", 64}};
}

template <typename OpTy>
static Json describeConversion(OpTy key, const char *kind, Json engine, Json switchKind,
                               uint64_t wordBits) {
  return {{"kind", kind}, {"from", key.getSource().str()}, {"to", key.getTarget().str()},
          {"base_log", key.getBaseLog()}, {"levels", key.getLevels()}, {"engine", engine},
          {"switch", switchKind}, {"word_bits", wordBits}};
}

static Json describeParameters(ir::ParametersOp parameters) {
  Json keys = Json::array(), conversions = Json::array();
  for (Operation &op : parameters.getBody().front()) {
    if (isa<ir::LweKeyOp, ir::GlweKeyOp>(op))
      keys.push_back(describeKey(op));
    else if (auto key = dyn_cast<ir::KeyswitchKeyOp>(op))
      conversions.push_back(
          describeConversion(key, "keyswitch", nullptr, nullptr, key.getWordBits()));
    else if (auto key = dyn_cast<ir::BootstrapKeyOp>(op))
      conversions.push_back(describeConversion(key, "bootstrap", key.getEngine().str(),
                                               key.getSwitchKind().str(), 64));
  }
  Json entry;
  entry["name"] = parameters.getSymName().str();
  entry["security_bits"] = parameters.getSecurity();
  entry["key_assumptions"] = parameters.getKeyAssumptions().str();
  entry["keys"] = keys;
  entry["conversions"] = conversions;
  return entry;
}

FailureOr<std::string> buildManifest(ModuleOp planned, llvm::StringRef name) {
  FailureOr<ProgramInterface> program = readInterface(planned);
  if (failed(program))
    return failure();
  bool clearOnly = program->parameters.getClearOnly();
  Json manifest;
  manifest["format"] = "fhe-manifest";
  manifest["format_version"] = 1;
  manifest["name"] = name.str();
  manifest["abi_version"] = FHE_ABI_VERSION;
  manifest["clear_only"] = clearOnly;
  manifest["parameter_sets"] = Json::array();
  if (!clearOnly)
    manifest["parameter_sets"].push_back(describeParameters(program->parameters));
  manifest["inputs"] = Json::array();
  for (const ProgramPort &port : program->inputs)
    manifest["inputs"].push_back(describeInput(port, program->parameters));
  manifest["outputs"] = Json::array();
  for (const ProgramPort &port : program->outputs)
    manifest["outputs"].push_back(describeOutput(port, program->parameters));
  auto profile = planned->getAttrOfType<StringAttr>(fhe::profileAttr);
  manifest["profile"] = profile ? profile.str() : "private";
  auto failureLog2 = planned->getAttrOfType<FloatAttr>(ir::failureAttr);
  double failure =
      !clearOnly && failureLog2 ? ::fhe::tfhe::portableExp2(failureLog2.getValueAsDouble()) : 0;
  // What no double above 0 holds is null beside a logarithm that is there.
  manifest["failure_probability"] = failure > 0 ? Json(failure) : Json();
  manifest["log2_failure_probability"] =
      !clearOnly && failureLog2 ? Json(failureLog2.getValueAsDouble()) : Json();
  Json bytes = {{"evaluation_key_stored", nullptr}, {"evaluation_key_memory", nullptr},
                {"peak", nullptr}};
  if (!clearOnly) {
    parameters::KeyBytes keys = parameters::evaluationKeyBytes(program->parameters);
    auto arenas = program->main->getAttrOfType<DictionaryAttr>(arenaAttr);
    bytes = {{"evaluation_key_stored", keys.stored}, {"evaluation_key_memory", keys.memory},
             {"peak", parameters::peakBytes(program->main, arenas, program->parameters)}};
  }
  manifest["bytes"] = bytes;
  // Names come from files: what is not UTF-8 is replaced, not thrown at.
  return manifest.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

} // namespace fhe::codegen
