//===- manifest.cpp - Reads a manifest, trusting nothing in it ----------------------------===//
//
// Every field is looked up with its type and range; a failure names the path of the field. The text
// is bounded in size and depth before the JSON library sees it.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/client/manifest.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace fhe::runtime {

namespace {

using Json = nlohmann::json;

constexpr size_t maxManifestBytes = 64 << 20;
constexpr int maxDepth = 32;
constexpr uint64_t maxElements = uint64_t(1) << 32;
/// Integers of the manifest are within this: exact as doubles, and sums of two do not overflow.
constexpr int64_t maxInteger = int64_t(1) << 52;

/// A value and where it stands, for messages.
class Field {
public:
  Field(const Json &json, std::string path) : json(json), path(std::move(path)) {}

  [[noreturn]] void refuse(const std::string &what,
                           fhe_status status = FHE_INVALID_MANIFEST) const {
    throw Failure(status, "manifest: " + (path.empty() ? "" : path + ": ") + what);
  }

  Field operator[](const char *key) const {
    if (!json.is_object())
      refuse("is not an object");
    auto found = json.find(key);
    if (found == json.end())
      refuse(std::string("has no '") + key + "'");
    return {*found, path.empty() ? key : path + "." + key};
  }
  bool isNull() const { return json.is_null(); }
  /// Whether there is such a member, and not as null.
  bool has(const char *key) const {
    return json.is_object() && json.contains(key) && !json[key].is_null();
  }

  void checkArray(size_t most) const {
    if (!json.is_array())
      refuse("is not an array");
    if (json.size() > most)
      refuse("has " + std::to_string(json.size()) + " entries, at most " + std::to_string(most) +
             " are allowed");
  }
  std::vector<Field> items(size_t most) const {
    checkArray(most);
    std::vector<Field> result;
    for (size_t i = 0; i < json.size(); ++i)
      result.emplace_back(json[i], path + "[" + std::to_string(i) + "]");
    return result;
  }

  int64_t integer(int64_t low, int64_t high) const {
    bool fits = json.is_number_unsigned() ? json.get<uint64_t>() <= uint64_t(INT64_MAX)
                                          : json.is_number_integer();
    if (!fits)
      refuse("is not an integer");
    int64_t value = json.get<int64_t>();
    if (value < low || value > high)
      refuse("is " + std::to_string(value) + ", allowed are " + std::to_string(low) + " to " +
             std::to_string(high));
    return value;
  }
  uint32_t number(uint32_t low, uint32_t high) const { return uint32_t(integer(low, high)); }

  double real() const {
    if (!json.is_number())
      refuse("is not a number");
    double value = json.get<double>();
    if (!std::isfinite(value))
      refuse("is not finite");
    return value;
  }
  std::vector<double> reals(size_t most) const {
    checkArray(most);
    std::vector<double> result; // without a path for each: a manifest may list millions
    for (size_t i = 0; i < json.size(); ++i)
      if (json[i].is_number() && std::isfinite(json[i].get<double>()))
        result.push_back(json[i].get<double>());
      else
        Field(json[i], path + "[" + std::to_string(i) + "]").real(); // says why not
    if (result.empty())
      refuse("is empty");
    return result;
  }
  bool boolean() const {
    if (!json.is_boolean())
      refuse("is not true or false");
    return json.get<bool>();
  }
  std::string text() const {
    if (!json.is_string())
      refuse("is not a string");
    std::string value = json.get<std::string>();
    if (value.size() > 4096 || value.find('\0') != std::string::npos)
      refuse("is longer than 4096 bytes or holds a zero byte");
    return value;
  }
  /// Index of the string among `names`.
  template <class Names = std::initializer_list<const char *>>
  size_t oneOf(const Names &names) const {
    std::string value = text();
    std::string list;
    size_t i = 0;
    for (const char *name : names) {
      if (value == name)
        return i;
      list += (i++ ? ", " : "") + std::string(name);
    }
    refuse("is '" + value + "'; this library knows " + list, FHE_UNSUPPORTED);
  }

private:
  const Json &json;
  std::string path;
};

std::vector<uint64_t> readShape(const Field &field, uint64_t &elements) {
  std::vector<uint64_t> shape;
  elements = 1;
  for (const Field &item : field.items(32)) {
    shape.push_back(uint64_t(item.integer(1, int64_t(maxElements))));
    if (__builtin_mul_overflow(elements, shape.back(), &elements) || elements > maxElements)
      field.refuse("has more than 2^32 elements");
  }
  return shape;
}

void readRange(const Field &field, int64_t &lo, int64_t &hi) {
  std::vector<Field> bounds = field.items(2);
  if (bounds.size() != 2)
    field.refuse("is not a pair of integers");
  lo = bounds[0].integer(-maxInteger, maxInteger);
  hi = bounds[1].integer(-maxInteger, maxInteger);
  if (lo > hi)
    field.refuse("is empty");
}

/// One value or one for each of `channels`.
void checkChannels(const Field &field, size_t count, uint64_t channels) {
  if (count != 1 && count != channels)
    field.refuse("has " + std::to_string(count) + " values, expected 1 or " +
                 std::to_string(channels));
}

Quantizer readQuantizer(const Field &field) {
  Quantizer quantizer;
  quantizer.bipolar = field["kind"].oneOf({"uniform", "bipolar"}) == 1;
  if (quantizer.bipolar) {
    quantizer.min = -1;
    quantizer.max = 1;
    return quantizer;
  }
  quantizer.scale = field["scale"].real();
  if (!(quantizer.scale > 0))
    field["scale"].refuse("is not positive");
  quantizer.min = field["min"].integer(-maxInteger, maxInteger);
  quantizer.max = field["max"].integer(-maxInteger, maxInteger);
  if (quantizer.min > quantizer.max)
    field["min"].refuse("is above max");
  quantizer.zeroPoint = double(field["zero_point"].integer(-maxInteger, maxInteger));
  quantizer.rounding = Rounding(
      field["rounding"].oneOf({"ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"}));
  return quantizer;
}

class Parser {
public:
  explicit Parser(const Field &root) : root(root), result(std::make_unique<fhe_manifest>()) {}

  std::unique_ptr<fhe_manifest> parse() {
    root["format"].oneOf({"fhe-manifest"});
    if (int64_t version = root["format_version"].integer(0, INT32_MAX); version != 1)
      root.refuse("format version " + std::to_string(version) + ", this library reads version 1",
                  FHE_UNSUPPORTED);
    if (int64_t version = root["abi_version"].integer(0, INT32_MAX); version != FHE_ABI_VERSION)
      root["abi_version"].refuse("is " + std::to_string(version) + ", this library knows " +
                                     std::to_string(FHE_ABI_VERSION),
                                 FHE_UNSUPPORTED);
    result->name = root["name"].text();
    result->clearOnly = root["clear_only"].boolean();
    if (!result->clearOnly)
      readParameters();
    for (const Field &field : root["inputs"].items(4096))
      readInput(field);
    for (const Field &field : root["outputs"].items(4096))
      readOutput(field);
    if (result->inputs.empty() || result->outputs.empty())
      root.refuse("has no inputs or no outputs");
    return std::move(result);
  }

private:
  void readParameters() {
    std::vector<Field> sets = root["parameter_sets"].items(16);
    if (sets.size() != 1)
      root["parameter_sets"].refuse(
          "has " + std::to_string(sets.size()) + " entries, this library reads 1", FHE_UNSUPPORTED);
    Parameters &parameters = result->parameters;
    parameters.securityBits = sets[0]["security_bits"].number(1, 4096);
    for (const Field &field : sets[0]["keys"].items(maxKeys))
      readKey(field);
    // Keys stand in any order.
    for (const auto &[key, outer] : nestings)
      parameters.keys[key].nested_in = keyIndex(outer) + 1;
    for (const Field &field : sets[0]["conversions"].items(maxConversions))
      readConversion(field);
    checkParameters(parameters, FHE_INVALID_MANIFEST);
    result->hash = parameterHash(parameters);
  }

  void readKey(const Field &field) {
    fhe_key_record key{};
    key.kind = field["kind"].oneOf({"lwe", "glwe"}) == 0 ? FHE_KEY_LWE : FHE_KEY_GLWE;
    std::string name = field["name"].text();
    for (const std::string &other : keyNames)
      if (other == name)
        field["name"].refuse("another key has the same name");
    keyNames.push_back(name);
    if (key.kind == FHE_KEY_LWE) {
      key.dimension = field["n"].number(1, tfhe::maxLweDimension);
    } else {
      key.dimension = field["k"].number(1, tfhe::maxGlweDimension);
      uint32_t size = field["N"].number(1, 1u << tfhe::maxLog2PolynomialSize);
      if (!std::has_single_bit(size))
        field["N"].refuse("is not a power of two");
      key.log2_poly = uint32_t(std::countr_zero(size));
    }
    key.live = field["live"].number(1, UINT32_MAX);
    key.distribution =
        1 + uint32_t(field["distribution"].oneOf({"binary", "block_binary", "sparse"}));
    key.noise_kind = 1 + uint32_t(field["noise"].oneOf({"gaussian", "tuniform"}));
    key.log2_std = field["log2_std"].real();
    key.word_bits = field["word_bits"].number(1, 1024);
    if (field.has("nested_in"))
      nestings.emplace_back(uint32_t(result->parameters.keys.size()), field["nested_in"]);
    result->parameters.keys.push_back(key);
  }

  uint32_t keyIndex(const Field &field) const {
    std::string name = field.text();
    for (uint32_t i = 0; i < keyNames.size(); ++i)
      if (keyNames[i] == name)
        return i;
    field.refuse("there is no key '" + name + "'");
  }

  void readConversion(const Field &field) {
    fhe_conversion_record conversion{};
    bool keyswitch = field["kind"].oneOf({"keyswitch", "bootstrap"}) == 0;
    conversion.kind = keyswitch ? FHE_CONVERSION_KEYSWITCH : FHE_CONVERSION_BOOTSTRAP;
    conversion.from_key = keyIndex(field["from"]);
    conversion.to_key = keyIndex(field["to"]);
    conversion.base_log = field["base_log"].number(1, 64);
    conversion.levels = field["levels"].number(1, 64);
    if (!keyswitch) {
      conversion.engine =
          1 + uint32_t(field["engine"].oneOf({"classic", "block_binary", "amortized"}));
      conversion.switch_kind = 1 + uint32_t(field["switch"].oneOf({"plain", "centred"}));
    }
    conversion.word_bits = field["word_bits"].number(1, 1024);
    result->parameters.conversions.push_back(conversion);
  }

  /// The key and encoding of an input or output.
  template <class Spec>
  void readEncoding(const Field &field, Spec &spec) {
    if (result->clearOnly)
      return;
    spec.key = keyIndex(field["key"]);
    spec.log2Delta = field["log2_delta"].number(1, 63);
    // The integers must be distinct residues modulo 2^(64 - log2_delta).
    uint64_t count = uint64_t(spec.hi) - uint64_t(spec.lo) + 1;
    if (count > uint64_t(1) << (64 - spec.log2Delta))
      field["log2_delta"].refuse("is too large for the range of integers");
  }

  template <class Specs>
  void checkName(const Field &field, const Specs &specs, const std::string &name) {
    for (const auto &other : specs)
      if (other.name == name)
        field["name"].refuse("another one has the same name");
  }

  void readInput(const Field &field) {
    InputSpec spec;
    spec.name = field["name"].text();
    checkName(field, result->inputs, spec.name);
    spec.floatShape = readShape(field["shape"], spec.floatElements);
    spec.shape = spec.floatShape;
    spec.elements = spec.floatElements;
    for (const Field &op : field["pre"].items(64))
      readPre(op, spec);
    if (uint64_t(field["elements"].integer(1, int64_t(maxElements))) != spec.elements)
      field["elements"].refuse("is not the product of the shape behind `pre`");
    spec.quantizer = readQuantizer(field["quantizer"]);
    readRange(field["integer_range"], spec.lo, spec.hi);
    double zero = spec.quantizer.zeroPoint;
    if (double(spec.quantizer.min) - zero < double(spec.lo) ||
        double(spec.quantizer.max) - zero > double(spec.hi))
      field["integer_range"].refuse("does not hold all values of the quantizer");
    readEncoding(field, spec);
    result->inputs.push_back(std::move(spec));
  }

  void readPre(const Field &field, InputSpec &spec) {
    PreOp op;
    op.kind = PreOp::Kind(field["op"].oneOf({"affine", "one_hot"}));
    if (op.kind == PreOp::affine) {
      op.numbers = {field["scale"].reals(maxElements), field["offset"].reals(maxElements)};
    } else {
      op.classes = uint64_t(field["classes"].integer(1, int64_t(maxElements)));
      if (__builtin_mul_overflow(spec.elements, op.classes, &spec.elements) ||
          spec.elements > maxElements)
        field.refuse("gives more than 2^32 elements");
    }
    if (std::string problem = applyToShape(op, spec.shape); !problem.empty())
      field.refuse("does not fit the input: " + problem);
    spec.pre.push_back(std::move(op));
  }

  void readOutput(const Field &field) {
    OutputSpec spec;
    spec.name = field["name"].text();
    checkName(field, result->outputs, spec.name);
    spec.shape = readShape(field["shape"], spec.elements);
    if (uint64_t(field["elements"].integer(1, int64_t(maxElements))) != spec.elements)
      field["elements"].refuse("is not the product of the shape");
    readRange(field["integer_range"], spec.lo, spec.hi);
    spec.scale = field["scale"].reals(maxElements);
    spec.offset = field["offset"].reals(maxElements);
    uint64_t channels = 1;
    if (Field axis = field["channel_axis"]; !axis.isNull()) {
      spec.channelAxis = uint64_t(axis.integer(0, int64_t(spec.shape.size()) - 1));
      channels = spec.shape[*spec.channelAxis];
    }
    checkChannels(field["scale"], spec.scale.size(), channels);
    checkChannels(field["offset"], spec.offset.size(), channels);
    spec.floatShape = spec.shape;
    for (const Field &op : field["post"].items(64))
      readPost(op, spec);
    spec.floatElements = 1;
    for (uint64_t dimension : spec.floatShape)
      spec.floatElements *= dimension;
    readEncoding(field, spec);
    result->outputs.push_back(std::move(spec));
  }

  void readPost(const Field &field, OutputSpec &spec) {
    PostOp op;
    op.kind = PostOp::Kind(field["op"].oneOf(postOpNames));
    switch (op.kind) {
    case PostOp::affine:
      op.numbers = {field["scale"].reals(maxElements), field["offset"].reals(maxElements)};
      break;
    case PostOp::bipolar:
      op.numbers.scale = {field["scale"].real()};
      break;
    case PostOp::function:
      readFunction(field, op);
      break;
    case PostOp::topk:
      op.k = uint64_t(field["k"].integer(1, int64_t(maxElements)));
      op.indices = field["output"].oneOf({"values", "indices"}) == 1;
      op.axis = uint64_t(field["axis"].integer(0, 31));
      break;
    case PostOp::argmax:
      op.keepDims = field["keepdims"].boolean();
      op.selectLast = field["select_last_index"].boolean();
      [[fallthrough]];
    case PostOp::hardmax:
    case PostOp::softmax:
    case PostOp::logSoftmax:
      op.axis = uint64_t(field["axis"].integer(0, 31));
      break;
    case PostOp::reshape: {
      uint64_t elements = 0;
      op.shape = readShape(field["shape"], elements);
      break;
    }
    }
    if (std::string problem = applyToShape(op, spec.floatShape); !problem.empty())
      field.refuse("does not fit the output: " + problem);
    spec.post.push_back(std::move(op));
  }

  void readFunction(const Field &field, PostOp &op) {
    std::optional<PostFunction> function = postFunctionNamed(field["name"].text());
    if (!function)
      field["name"].refuse("names a function that this library does not know", FHE_UNSUPPORTED);
    op.applied = *function;
    op.alpha = field["alpha"].real();
    op.beta = field["beta"].real();
  }

  Field root;
  std::unique_ptr<fhe_manifest> result;
  std::vector<std::string> keyNames;
  std::vector<std::pair<uint32_t, Field>> nestings; ///< by key, what names the one it is nested in
};

/// Depth of brackets outside strings: the JSON library recurses when it frees a document.
void checkDepth(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '[' || c == '{') && ++depth > maxDepth)
      throw Failure(FHE_INVALID_MANIFEST, "manifest: nested more than 32 deep");
    else if (!quoted && (c == ']' || c == '}'))
      --depth;
  }
}

} // namespace

std::unique_ptr<fhe_manifest> parseManifest(std::string_view text) {
  require(text.size() <= maxManifestBytes, FHE_INVALID_MANIFEST,
          "manifest: more than 64 MiB of text");
  checkDepth(text);
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    throw Failure(FHE_INVALID_MANIFEST, "manifest: not a JSON document");
  return Parser(Field(json, "")).parse();
}

} // namespace fhe::runtime

using namespace fhe::runtime;

template <class Specs>
static const auto &findSpec(const Specs &specs, const char *name, const char *what) {
  if (!name && specs.size() == 1)
    return specs[0];
  for (const auto &spec : specs)
    if (name && spec.name == name)
      return spec;
  throw Failure(FHE_INVALID_ARGUMENT,
                name ? std::string("the model has no ") + what + " '" + name + "'"
                     : std::string("the model has several ") + what + "s: name one");
}

const InputSpec &fhe_manifest::input(const char *name) const {
  return findSpec(inputs, name, "input");
}

const OutputSpec &fhe_manifest::output(const char *name) const {
  return findSpec(outputs, name, "output");
}
