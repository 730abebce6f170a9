//===- manifest_test.cpp - Manifests: values, and everything that is refused --------------===//
#include "runtime/client/manifest.h"
#include "runtime/client/values.h"
#include "support.h"

#include <cmath>
#include <limits>

namespace fhe::runtime::test {
namespace {

const std::string good = demo_model.manifest;

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expectRefused(const std::string &text, const std::string &word,
                   fhe_status status = FHE_INVALID_MANIFEST) {
  fhe_manifest *none = nullptr;
  EXPECT_EQ(fhe_manifest_parse(text.data(), text.size(), &none), status) << word;
  EXPECT_NE(std::string(fhe_last_error()).find(word), std::string::npos) << fhe_last_error();
  fhe_manifest_free(none);
}

TEST(Manifest, HasTheModelsParametersAndPorts) {
  Manifest manifest = manifestOf(demo_model);
  EXPECT_EQ(manifest.name(), "demo");
  EXPECT_FALSE(manifest.isClearOnly());
  ASSERT_EQ(manifest.inputs().size(), 1u);
  EXPECT_STREQ(manifest.inputs()[0].name, "x");
  EXPECT_EQ(manifest.inputs()[0].elements, 8u);
  EXPECT_EQ(manifest.output().lo, -12);
  const Parameters &parameters = manifest.get()->parameters;
  EXPECT_EQ(
      std::memcmp(parameters.keys.data(), demo_model.parameters->keys, 2 * sizeof(fhe_key_record)),
      0);
  EXPECT_EQ(std::memcmp(parameters.conversions.data(), demo_model.parameters->conversions,
                        2 * sizeof(fhe_conversion_record)),
            0);
  EXPECT_EQ(manifestOf(kitchen_model).output().float_elements, 1u);
  EXPECT_EQ(manifestOf(kitchen_model).output().elements, 10u);
}

TEST(Manifest, RefusesBrokenText) {
  expectRefused("", "JSON");
  expectRefused("{", "JSON");
  expectRefused("[]", "not an object");
  expectRefused(std::string(1000, '['), "nested");
  expectRefused("{\"format\":\"other\"}", "other", FHE_UNSUPPORTED);
  for (size_t size = 0; size + 1 < good.size(); size += 7) {
    fhe_manifest *none = nullptr;
    EXPECT_NE(fhe_manifest_parse(good.data(), size, &none), FHE_OK);
  }
}

TEST(Manifest, RefusesBrokenFields) {
  expectRefused(replaced(good, "\"format_version\":1", "\"format_version\":2"), "version 2",
                FHE_UNSUPPORTED);
  expectRefused(replaced(good, "\"abi_version\":5", "\"abi_version\":99"),
                "abi_version: is 99, this library knows 5", FHE_UNSUPPORTED);
  expectRefused(replaced(good, "\"abi_version\":5,", ""), "no 'abi_version'");
  expectRefused(replaced(good, "\"name\":\"demo\"", "\"name\":3"), "name: is not a string");
  expectRefused(replaced(good, "\"shape\":[8]", "\"shape\":[9]"), "inputs[0].elements");
  expectRefused(replaced(good, "\"shape\":[8]", "\"shape\":[-8]"), "inputs[0].shape[0]");
  expectRefused(replaced(good, "\"shape\":[8]", "\"shape\":[4294967296,4294967296]"), "2^32");
  expectRefused(replaced(good, "\"shape\":[8]", "\"shape\":[1e3]"), "not an integer");
  expectRefused(replaced(good, "\"scale\":0.5", "\"scale\":0.0"), "not positive");
  expectRefused(replaced(good, "\"scale\":0.5", "\"scale\":\"1\""), "not a number");
  expectRefused(replaced(good, "\"ROUND\"", "\"BANKERS\""), "BANKERS", FHE_UNSUPPORTED);
  expectRefused(replaced(good, "\"max\":3", "\"max\":4"), "integer_range");
  expectRefused(replaced(good, "\"max\":3", "\"max\":1e300"), "not an integer");
  expectRefused(replaced(good, "\"key\":\"g0\"", "\"key\":\"g1\""), "no key 'g1'");
  expectRefused(replaced(good, "\"log2_delta\":59", "\"log2_delta\":64"), "log2_delta");
  expectRefused(replaced(good, "\"log2_delta\":59", "\"log2_delta\":63"), "log2_delta");
  expectRefused(replaced(good, "\"log2_delta\":59,", ""), "no 'log2_delta'");
  expectRefused(replaced(good, "\"offset\":[0.5,0.0,-1.0]", "\"offset\":[0.5,0.0]"), "offset");
  expectRefused(replaced(good, "\"channel_axis\":0", "\"channel_axis\":1"), "channel_axis");
  expectRefused(replaced(good, "\"post\":[]", "\"post\":[{\"op\":\"sort\"}]"), "sort",
                FHE_UNSUPPORTED);
  expectRefused(
      replaced(good, "\"pre\":[]", "\"pre\":[{\"op\":\"affine\",\"scale\":[1,2],\"offset\":[0]}]"),
      "2 values for 8 channels");
  auto withPost = [&](const std::string &step) {
    return replaced(good, "\"post\":[]", "\"post\":[" + step + "]");
  };
  expectRefused(withPost(R"({"op":"softmax","axis":7})"), "axis 7 of a tensor");
  expectRefused(withPost(R"({"op":"argmax","axis":0,"keepdims":true})"), "select_last_index");
  expectRefused(withPost(R"({"op":"topk","axis":0,"k":99,"output":"values"})"), "99 largest");
  expectRefused(withPost(R"({"op":"topk","axis":0,"k":1,"output":"both"})"), "both",
                FHE_UNSUPPORTED);
  expectRefused(withPost(R"({"op":"reshape","shape":[7]})"), "a shape of 7 elements");
  expectRefused(withPost(R"({"op":"function","name":"gamma","alpha":0,"beta":0})"), "name",
                FHE_UNSUPPORTED);
  expectRefused(replaced(good, "\"pre\":[]", R"("pre":[{"op":"one_hot","classes":4}])"),
                "inputs[0].elements");
  expectRefused(replaced(good, "\"pre\":[]", R"("pre":[{"op":"one_hot","classes":4294967296}])"),
                "2^32");
  expectRefused(replaced(good, "\"N\":2048", "\"N\":2047"), "power of two");
  expectRefused(replaced(good, "\"levels\":5", "\"levels\":64"), "decomposition");
  expectRefused(replaced(good, "\"classic\"", "\"amortized\""), "engine", FHE_UNSUPPORTED);
  expectRefused(replaced(good, "\"name\":\"g0\"", "\"name\":\"s0\""), "same name");
}

TEST(Manifest, ClientsRefuseInsecureParameters) {
  for (auto [from, to] : {std::pair("\"log2_std\":-17.239", "\"log2_std\":-17.5"),
                          std::pair("\"n\":775,\"k\":null,\"N\":null,\"live\":775",
                                    "\"n\":700,\"k\":null,\"N\":null,\"live\":700"),
                          std::pair("\"security_bits\":128", "\"security_bits\":80")}) {
    Manifest manifest(replaced(good, from, to));
    fhe_client_key *none = nullptr;
    EXPECT_EQ(fhe_client_key_generate(manifest.get(), &none), FHE_INSECURE_PARAMETERS) << to;
    EXPECT_EQ(none, nullptr);
  }
}

TEST(Manifest, AnyFlippedBitIsHandled) {
  for (size_t bit = 0; bit < good.size() * 8; bit += 3) {
    std::string text = good;
    text[bit / 8] = char(text[bit / 8] ^ (1 << (bit % 8)));
    fhe_manifest *manifest = nullptr;
    fhe_manifest_parse(text.data(), text.size(), &manifest);
    fhe_manifest_free(manifest);
  }
}

TEST(Values, RoundAsQonnxDoes) {
  // QONNX, Quant operator: the table of rounding modes.
  struct Row {
    double x;
    double results[7]; // ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN
  };
  const Row rows[] = {{5.5, {6, 6, 5, 6, 5, 6, 5}},         {2.5, {2, 3, 2, 3, 2, 3, 2}},
                      {1.6, {2, 2, 1, 2, 1, 2, 2}},         {1.1, {1, 2, 1, 2, 1, 1, 1}},
                      {1.0, {1, 1, 1, 1, 1, 1, 1}},         {-1.0, {-1, -1, -1, -1, -1, -1, -1}},
                      {-1.1, {-1, -1, -2, -2, -1, -1, -1}}, {-1.6, {-2, -1, -2, -2, -1, -2, -2}},
                      {-2.5, {-2, -2, -3, -3, -2, -3, -2}}, {-5.5, {-6, -5, -6, -6, -5, -6, -5}},
                      {0.5, {0, 1, 0, 1, 0, 1, 0}},         {-0.5, {0, 0, -1, -1, 0, -1, 0}}};
  for (const Row &row : rows)
    for (int mode = 0; mode < 7; ++mode)
      EXPECT_EQ(roundAs(Rounding(mode), row.x), row.results[mode]) << row.x << " mode " << mode;
}

TEST(Values, QuantizeClipsRoundsAndCentres) {
  InputSpec spec;
  spec.name = "x";
  spec.shape = spec.floatShape = {2, 3};
  spec.elements = spec.floatElements = 6;
  spec.pre = {{PreOp::affine, {{2.0, 1.0}, {0.5}}}};
  spec.quantizer.scale = 0.5;
  spec.quantizer.zeroPoint = 3;
  spec.quantizer.min = 0;
  spec.quantizer.max = 7;
  std::vector<int64_t> integers(6);
  std::vector<float> values = {0, 1, -10, 0, 1e30f, -0.25f};
  quantize(spec, values, integers);
  // (2x + 0.5) / 0.5 + 3 in the first row, (x + 0.5) / 0.5 + 3 in the second; minus 3 again.
  EXPECT_EQ(integers, (std::vector<int64_t>{1, 4, -3, 1, 4, 1}));
  spec.pre.clear();
  spec.quantizer = {.bipolar = true, .min = -1, .max = 1};
  quantize(spec, values, integers);
  EXPECT_EQ(integers, (std::vector<int64_t>{1, 1, -1, 1, 1, -1}));
  values[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(quantize(spec, values, integers), Failure);
}

TEST(Values, PostProcessing) {
  OutputSpec spec;
  spec.shape = spec.floatShape = {2, 2};
  spec.elements = spec.floatElements = 4;
  spec.scale = {1.0, 10.0};
  spec.offset = {0.0};
  spec.channelAxis = 1;
  std::vector<int64_t> integers = {1, 2, 3, -4};
  std::vector<float> values(4);
  dequantize(spec, integers, values);
  EXPECT_EQ(values, (std::vector<float>{1, 20, 3, -40}));
  auto softmax = [](PostOp::Kind kind, uint64_t axis) {
    PostOp op;
    op.kind = kind;
    op.axis = axis;
    return op;
  };
  spec.post = {softmax(PostOp::softmax, 1)};
  dequantize(spec, integers, values);
  EXPECT_NEAR(values[0], 1 / (1 + std::exp(19.0)), 1e-9);
  EXPECT_NEAR(values[2], 1, 1e-9);
  spec.post = {softmax(PostOp::logSoftmax, 1)};
  dequantize(spec, integers, values);
  EXPECT_NEAR(values[0], -19 - std::log1p(std::exp(-19.0)), 1e-6);
  PostOp bipolar;
  bipolar.kind = PostOp::bipolar;
  bipolar.numbers.scale = {2.0};
  spec.post = {bipolar};
  dequantize(spec, integers, values);
  EXPECT_EQ(values, (std::vector<float>{2, 2, 2, -2}));
  PostOp argmax = softmax(PostOp::argmax, 0);
  argmax.keepDims = false;
  spec.post = {argmax};
  dequantize(spec, integers, std::span(values).first(2));
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 0);
}

static std::vector<double> processed(PostOp op, std::vector<uint64_t> shape,
                                     std::vector<double> values,
                                     const std::vector<uint64_t> &expected) {
  applyPost(op, shape, values);
  EXPECT_EQ(shape, expected);
  return values;
}

TEST(Values, StepsOfPostProcessing) {
  using List = std::vector<double>;
  PostOp op;
  op.kind = PostOp::topk;
  op.axis = 0;
  op.k = 2;
  const List columns = {1, 7, 3, 7, 2, 9}; // [3][2]
  EXPECT_EQ(processed(op, {3, 2}, columns, {2, 2}), (List{3, 9, 2, 7}));
  op.indices = true;
  EXPECT_EQ(processed(op, {3, 2}, columns, {2, 2}), (List{1, 2, 2, 0}));
  PostOp argmax;
  argmax.kind = PostOp::argmax;
  argmax.axis = 0;
  EXPECT_EQ(processed(argmax, {4}, {5, 8, 8, 1}, {1}), (List{1}));
  argmax.selectLast = true;
  EXPECT_EQ(processed(argmax, {4}, {5, 8, 8, 1}, {1}), (List{2}));
  // NaN counts as the largest, as NumPy has it; the order stays one.
  EXPECT_EQ(processed(argmax, {4}, {5, NAN, 8, NAN}, {1}), (List{3}));
  PostOp hardmax;
  hardmax.kind = PostOp::hardmax;
  hardmax.axis = 0;
  EXPECT_EQ(processed(hardmax, {3, 2}, columns, {3, 2}), (List{0, 0, 1, 0, 0, 1}));
  EXPECT_EQ(processed(hardmax, {4}, {5, 8, 8, 1}, {4}), (List{0, 1, 0, 0}));
  PostOp function;
  function.kind = PostOp::function;
  function.applied = *postFunctionNamed("clip");
  function.alpha = -1;
  function.beta = 2;
  EXPECT_EQ(processed(function, {3}, {-5, 0.5, 3}, {3}), (List{-1, 0.5, 2}));
  PostOp reshape;
  reshape.kind = PostOp::reshape;
  reshape.shape = {3, 2};
  EXPECT_EQ(processed(reshape, {6}, columns, {3, 2}), columns);
  std::vector<uint64_t> shape = {5};
  EXPECT_NE(applyToShape(reshape, shape), "");
  op.k = 6;
  EXPECT_NE(applyToShape(op, shape), "");
  op.axis = 1;
  EXPECT_NE(applyToShape(op, shape), "");
}

TEST(Values, FunctionsOfPostProcessing) {
  struct Row {
    const char *name;
    double alpha, beta, x, y;
  };
  const Row rows[] = {{"relu", 0, 0, -2, 0},          {"leaky_relu", 0.1, 0, -2, -0.2},
                      {"clip", 0, 6, 7, 6},           {"sigmoid", 0, 0, 0, 0.5},
                      {"hard_sigmoid", 0.2, 0.5, 1, 0.7}, {"tanh", 0, 0, 1, std::tanh(1.0)},
                      {"softplus", 0, 0, 800, 800},   {"exp", 0, 0, 1, std::exp(1.0)},
                      {"log", 0, 0, 2, std::log(2.0)}, {"sqrt", 0, 0, 9, 3}};
  for (const Row &row : rows) {
    auto function = postFunctionNamed(row.name);
    ASSERT_TRUE(function) << row.name;
    EXPECT_STREQ(nameOf(*function), row.name);
    EXPECT_NEAR(applyPostFunction(*function, row.alpha, row.beta, row.x), row.y, 1e-12) << row.name;
  }
  EXPECT_FALSE(postFunctionNamed("gamma"));
}

TEST(Values, OneHot) {
  InputSpec spec;
  spec.name = "x";
  spec.floatShape = {2};
  spec.shape = {2, 3};
  spec.floatElements = 2;
  spec.elements = 6;
  PreOp op;
  op.kind = PreOp::oneHot;
  op.classes = 3;
  spec.pre = {op};
  spec.quantizer.max = 1;
  std::vector<int64_t> integers(6);
  quantize(spec, std::vector<float>{2, -3}, integers);
  EXPECT_EQ(integers, (std::vector<int64_t>{0, 0, 1, 1, 0, 0}));
  for (float wrong : {3.0f, -4.0f, 0.5f, std::numeric_limits<float>::quiet_NaN(),
                      std::numeric_limits<float>::infinity()})
    EXPECT_THROW(quantize(spec, std::vector<float>{0, wrong}, integers), Failure) << wrong;
}

TEST(Values, ResiduesAreThoseNearestToTheMiddle) {
  for (int64_t v = -12; v <= 12; ++v) {
    EXPECT_EQ(decodePhase(uint64_t(v) << 59, 59, -12, 12), v);
    EXPECT_EQ(decodePhase((uint64_t(v) << 59) + (uint64_t(1) << 57), 59, -12, 12), v);
    EXPECT_EQ(decodePhase((uint64_t(v) << 59) - (uint64_t(1) << 57), 59, -12, 12), v);
    EXPECT_EQ(nearestResidue(uint64_t(v) + 32, 59, -12, 12), v);
  }
  for (int64_t v = 20; v < 52; ++v)
    EXPECT_EQ(decodePhase(uint64_t(v) << 59, 59, 20, 51), v);
}

} // namespace
} // namespace fhe::runtime::test
