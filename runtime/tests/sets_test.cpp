//===- sets_test.cpp - Models with several keys and a conversion between them -------------===//
//
// A network of two parameter sets with a residual branch across them: key generation, files,
// encrypted, clear and simulated runs, and what is checked of conversions.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/client/client_key.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/server/observer.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/noise.h"
#include "support.h"

#include <cmath>

namespace fhe::runtime::test {
namespace {

/// What y is for x, written down a second time.
std::vector<int64_t> expected(const std::vector<float> &x) {
  constexpr int64_t first[] = {0, 1, 3, 2}, second[] = {3, 0, 2, 1},
                    third[] = {-3, 5, -2, 4, 6, -1, 3};
  std::vector<int64_t> y;
  for (float value : x) {
    int v = int(value * 2);
    int64_t sum = first[v] + second[v];
    y.push_back(third[sum] + sum);
  }
  return y;
}

struct SetsClient {
  ClientKey secret;
  EvaluationKey evaluation;
  SetsClient() : secret(manifestOf(sets_model)), evaluation(secret) {}
};

const SetsClient &setsClient() {
  static const SetsClient only;
  return only;
}

TEST(Sets, ClearAndSimulatedRuns) {
  auto x = inputsOf(sets_model, 8);
  EXPECT_EQ(runClear(sets_model, x, 8), expected(x[0]));
  Options options;
  options.mode = FHE_MODE_SIMULATE;
  EXPECT_EQ(runClear(sets_model, x, 8, options), expected(x[0]));
}

TEST(Sets, EncryptedRunsWithEveryThreadCountAndTurn) {
  Manifest manifest = manifestOf(sets_model);
  auto x = inputsOf(sets_model, 5);
  Ciphertexts in = encrypt(manifest, setsClient().secret, asInputs(sets_model, x), 5);
  Options options;
  options.threads = 1;
  options.samples = 5;
  Prepared whole(sets_model, &setsClient().evaluation, options);
  Ciphertexts result = whole.run(in);
  EXPECT_EQ(decryptIntegers(manifest, setsClient().secret, result), expected(x[0]));
  options.threads = 3;
  options.samples = 2;
  Prepared turns(sets_model, &setsClient().evaluation, options);
  EXPECT_EQ(turns.run(in).toBytes(), result.toBytes());
}

/// Phases of ciphertexts under key `key` minus the integers at 2^59, in units of the torus.
std::vector<double> errorsOf(uint32_t key, const uint64_t *words, uint64_t count) {
  const tfhe::LweSecretKey &secret = setsClient().secret.get()->flat(key);
  std::vector<uint64_t> phases(count);
  tfhe::decryptPhases(secret, words, phases);
  std::vector<double> errors;
  for (uint64_t phase : phases)
    errors.push_back(double(int64_t(phase << 5) >> 5) * 0x1p-64);
  return errors;
}

// A conversion adds the noise of the formula for its key, and changes nothing else.
TEST(Sets, ConversionsAddTheNoiseOfTheirKeyswitch) {
  constexpr uint64_t samples = 32;
  auto x = inputsOf(sets_model, samples);
  Manifest manifest = manifestOf(sets_model);
  Ciphertexts in = encrypt(manifest, setsClient().secret, asInputs(sets_model, x), samples);
  Options options;
  options.samples = samples;
  Prepared prepared(sets_model, &setsClient().evaluation, options);
  double before = 0, added = 0;
  uint64_t seen = 0;
  setObserver(prepared.get(), [&](const Observation &call) {
    if (call.op->kind != FHE_OP_CONVERT)
      return;
    uint64_t count = call.samples * 4;
    auto from = errorsOf(1, call.in[0], count), to = errorsOf(3, call.out[0], count);
    for (uint64_t i = 0; i < count; ++i) {
      before += from[i] * from[i];
      added += (to[i] - from[i]) * (to[i] - from[i]);
    }
    seen += count;
  });
  prepared.run(in);
  ASSERT_EQ(seen, 2 * samples * 4);
  double predicted = tfhe::keyswitchVariance(2048, {8, 3}, tfhe::freshVariance(-62));
  // 256 values: the deviation of a variance is 9 %; 5 of them.
  EXPECT_NEAR(added / double(seen) / predicted, 1, 0.45);
  EXPECT_GT(before, 0);
}

TEST(Sets, KeysOfAllSetsAreInTheFiles) {
  std::vector<uint8_t> bytes = setsClient().evaluation.toBytes();
  EvaluationKey read = EvaluationKey::fromBytes(bytes);
  EXPECT_EQ(read.toBytes(), bytes);
  ASSERT_EQ(read.get()->bodies.size(), 6u);
  EXPECT_EQ(read.get()->bodies[5].size(), size_t(2048) * 3); // one word a row
  std::vector<uint8_t> secret = setsClient().secret.toBytes();
  EXPECT_EQ(ClientKey::fromBytes(secret).toBytes(), secret);
  // Another model's keys do not fit.
  fhe_prepared *none = nullptr;
  Options options;
  EXPECT_EQ(fhe_prepare(&sets_model, client().evaluation.get(), &options, &none), FHE_MISMATCH);
}

void expectRefused(const fhe_model &model, const char *word,
                   fhe_status status = FHE_INVALID_MODEL) {
  Options options;
  options.mode = FHE_MODE_CLEAR;
  fhe_prepared *none = nullptr;
  EXPECT_EQ(fhe_prepare(&model, nullptr, &options, &none), status) << word;
  EXPECT_NE(std::string(fhe_last_error()).find(word), std::string::npos) << fhe_last_error();
}

/// The model with its first convert descriptor changed.
template <class Change>
void expectConvertRefused(const char *word, Change change) {
  fhe_convert_desc changed = reinterpret_cast<const fhe_convert_desc &>(*sets_model.ops[2]);
  change(changed);
  std::vector<const fhe_op_header *> ops(sets_model.ops, sets_model.ops + sets_model.op_count);
  ops[2] = &changed.header;
  fhe_model model = sets_model;
  model.ops = ops.data();
  expectRefused(model, word);
}

TEST(Sets, ConvertDescriptorsAreChecked) {
  expectConvertRefused("expected 40", [](fhe_convert_desc &op) { op.header.size = 24; });
  expectConvertRefused("number of elements", [](fhe_convert_desc &op) { op.elements = 0; });
  expectConvertRefused("number of elements",
                       [](fhe_convert_desc &op) { op.elements = uint64_t(1) << 41; });
  expectConvertRefused("does not exist", [](fhe_convert_desc &op) { op.keyswitch = 6; });
  expectConvertRefused("wrong kind", [](fhe_convert_desc &op) { op.keyswitch = 1; });
  expectConvertRefused("does not lead", [](fhe_convert_desc &op) { op.keyswitch = 2; });
  expectConvertRefused("without an arena", [](fhe_convert_desc &op) { op.in_key = 4; });
  // To an LWE key there is a keyswitch, but no arena of ciphertexts.
  expectConvertRefused("not under a GLWE key", [](fhe_convert_desc &op) {
    op.keyswitch = 0;
    op.header.key = 0;
  });
  fhe_convert_desc one = reinterpret_cast<const fhe_convert_desc &>(*sets_model.ops[2]);
  one.header.index = 0, one.in_key = one.header.key = 0;
  const fhe_op_header *only[1] = {&one.header};
  fhe_model clear = plain_model;
  clear.ops = only, clear.op_count = 1;
  expectRefused(clear, "without keys");
}

TEST(Sets, ConversionRecordsAreChecked) {
  for (auto [from, to] : {std::pair{3u, 3u}, {0u, 2u}, {0u, 1u}}) {
    std::vector<fhe_conversion_record> conversions(sets_model.parameters->conversions,
                                                   sets_model.parameters->conversions + 6);
    conversions[5].from_key = from, conversions[5].to_key = to;
    fhe_parameters parameters = *sets_model.parameters;
    parameters.conversions = conversions.data();
    fhe_model model = sets_model;
    model.parameters = &parameters;
    expectRefused(model, "a keyswitch goes from a GLWE key");
  }
}

} // namespace
} // namespace fhe::runtime::test
