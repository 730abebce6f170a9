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
  expectRefused(replaced(good, "\"abi_version\":3", "\"abi_version\":99"),
                "abi_version: is 99, this library knows 3", FHE_UNSUPPORTED);
  expectRefused(replaced(good, "\"abi_version\":3,", ""), "no 'abi_version'");
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
      "scale: has 2 values");
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
  spec.shape = {2, 3};
  spec.elements = 6;
  spec.pre = {{{2.0, 1.0}, {0.5}}};
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
  spec.post = {{PostOp::softmax, {}, 1, true}};
  dequantize(spec, integers, values);
  EXPECT_NEAR(values[0], 1 / (1 + std::exp(19.0)), 1e-9);
  EXPECT_NEAR(values[2], 1, 1e-9);
  spec.post = {{PostOp::bipolar, {{2.0}, {}}, 0, true}};
  dequantize(spec, integers, values);
  EXPECT_EQ(values, (std::vector<float>{2, 2, 2, -2}));
  spec.post = {{PostOp::argmax, {}, 0, false}};
  dequantize(spec, integers, std::span(values).first(2));
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 0);
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
