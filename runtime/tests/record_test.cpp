//===- record_test.cpp - What a parameter record may say, end to end ----------------------===//
//
// The hand-written models under other parameters than their own: TUniform noise, the centred
// switch, partial and nested keys. Everything goes through files' records, key generation and the executor.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/client/client_key.h"
#include "runtime/client/manifest.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/server/loaded_keys.h"
#include "runtime/tfhe/client/encryption.h"
#include "support.h"

namespace fhe::runtime::test {
namespace {

/// `base` with the parameters of `set` in its record and in its manifest.
class Variant {
public:
  fhe_model model;

  Variant(const fhe_model &base, const tfhe::ParameterSet &set, uint32_t security)
      : model(base), parameters(*base.parameters), text(base.manifest) {
    for (int i = 0; i < 2; ++i)
      keys[i] = base.parameters->keys[i], conversions[i] = base.parameters->conversions[i];
    keys[0].dimension = keys[0].live = set.lwe.dimension;
    keys[0].log2_std = set.lwe.log2Std;
    keys[0].noise_kind = uint32_t(set.lwe.noiseKind);
    keys[0].word_bits = conversions[0].word_bits = set.lwe.wordBits;
    keys[0].nested_in = set.lwe.nested ? 2 : 0;
    keys[1].dimension = set.glwe.k;
    keys[1].log2_poly = set.glwe.log2N;
    keys[1].live = set.glwe.lweDimension();
    keys[1].log2_std = set.glwe.log2Std;
    keys[1].noise_kind = uint32_t(set.glwe.noiseKind);
    conversions[0].base_log = set.keyswitch.baseLog;
    conversions[0].levels = set.keyswitch.levels;
    conversions[1].base_log = set.bootstrap.baseLog;
    conversions[1].levels = set.bootstrap.levels;
    conversions[1].switch_kind = uint32_t(set.modulusSwitch);
    parameters.security_bits = security;
    parameters.keys = keys;
    parameters.conversions = conversions;
    model.parameters = &parameters;
    describe();
    model.manifest = text.c_str();
    model.manifest_bytes = text.size();
  }
  Variant(const Variant &) = delete;

private:
  void describe() {
    auto number = [](double value) {
      char digits[64];
      std::snprintf(digits, sizeof digits, "%.17g", value);
      return std::string(digits);
    };
    auto key = [&](const char *name, const fhe_key_record &record) {
      const bool glwe = record.kind == FHE_KEY_GLWE;
      const std::string size = number(record.dimension);
      return std::string("{\"name\":\"") + name + "\",\"kind\":\"" + (glwe ? "glwe" : "lwe") +
             "\",\"n\":" + (glwe ? "null" : size) + ",\"k\":" + (glwe ? size : "null") +
             ",\"N\":" + (glwe ? number(1u << record.log2_poly) : "null") +
             ",\"live\":" + number(record.live) + ",\"distribution\":\"binary\",\"noise\":\"" +
             (record.noise_kind == FHE_NOISE_TUNIFORM ? "tuniform" : "gaussian") +
             "\",\"log2_std\":" + number(record.log2_std) +
             ",\"word_bits\":" + number(record.word_bits) +
             (record.nested_in ? ",\"nested_in\":\"g0\"}" : "}");
    };
    auto conversion = [&](const char *kind, const char *from, const char *to,
                          const fhe_conversion_record &record, const std::string &rest) {
      return std::string("{\"kind\":\"") + kind + "\",\"from\":\"" + from + "\",\"to\":\"" + to +
             "\",\"base_log\":" + number(record.base_log) +
             ",\"levels\":" + number(record.levels) + rest +
             ",\"word_bits\":" + number(record.word_bits) + "}";
    };
    const std::string centred = conversions[1].switch_kind == FHE_SWITCH_CENTRED ? "centred"
                                                                                 : "plain";
    const std::string mine =
        "\"security_bits\":" + number(parameters.security_bits) + ",\"keys\":[" +
        key("s0", keys[0]) + "," + key("g0", keys[1]) + "],\"conversions\":[" +
        conversion("keyswitch", "g0", "s0", conversions[0], ",\"engine\":null,\"switch\":null") +
        "," +
        conversion("bootstrap", "s0", "g0", conversions[1],
                   ",\"engine\":\"classic\",\"switch\":\"" + centred + "\"") +
        "]}],";
    const size_t begin = text.find("\"security_bits\""), end = text.find("]}],", begin) + 4;
    ASSERT_NE(begin, std::string::npos);
    text.replace(begin, end - begin, mine);
  }

  fhe_parameters parameters;
  fhe_key_record keys[2];
  fhe_conversion_record conversions[2];
  std::string text;
};

/// Centred switch and TUniform noise: the 4-bit set of tfhe-rs for 2^-128.
tfhe::ParameterSet centredSet() {
  tfhe::ParameterSet set;
  set.lwe = {918, tfhe::tuniformLog2Std(45), tfhe::NoiseKind::tuniform};
  set.glwe = {1, 11, tfhe::tuniformLog2Std(17), tfhe::NoiseKind::tuniform};
  set.keyswitch = {4, 4};
  set.bootstrap = {23, 1};
  set.modulusSwitch = tfhe::SwitchKind::centred;
  return set;
}

tfhe::ParameterSet partialSet() {
  tfhe::ParameterSet set = centredSet();
  set.glwe = {1, 12, tfhe::tuniformLog2Std(3), tfhe::NoiseKind::tuniform, 2560};
  return set;
}

TEST(Record, CentredSwitchAndTUniformNoise) {
  for (const fhe_model *base : {&demo_model, &window_model}) {
    Variant variant(*base, centredSet(), 132);
    Manifest manifest = manifestOf(variant.model);
    ClientKey secret(manifest);
    EvaluationKey evaluation(secret);
    Options options;
    options.samples = 4;
    auto values = inputsOf(*base, 4);
    Prepared prepared(variant.model, &evaluation, options);
    Ciphertexts in = encrypt(manifest, secret, asInputs(*base, values), 4);
    EXPECT_EQ(decryptIntegers(manifest, secret, prepared.run(in)), runClear(*base, values, 4));
  }
}

// Keyswitch keys of 32-bit words: half the bytes in files, the same results, Gaussian and TUniform.
TEST(Record, NarrowKeyswitchKeys) {
  for (tfhe::NoiseKind kind : {tfhe::NoiseKind::gaussian, tfhe::NoiseKind::tuniform}) {
    tfhe::ParameterSet set = centredSet();
    set.lwe.log2Std = tfhe::tuniformLog2Std(45 - 32, 32);
    set.lwe.noiseKind = kind;
    set.lwe.wordBits = 32;
    Variant variant(window_model, set, 132), wide(window_model, centredSet(), 132);
    Manifest manifest = manifestOf(variant.model), wideManifest = manifestOf(wide.model);
    EXPECT_EQ(manifest.get()->parameters.conversions[0].word_bits, 32u);
    ClientKey secret(manifest), wideSecret(wideManifest);
    EvaluationKey written(secret), wideKey(wideSecret);
    const uint64_t rows = 2048 * 4;
    const std::vector<uint8_t> bytes = written.toBytes();
    EXPECT_EQ(wideKey.toBytes().size(), bytes.size() + 4 * rows);
    EvaluationKey read = EvaluationKey::fromBytes(bytes);
    EXPECT_EQ(read.get()->bodies, written.get()->bodies);
    for (uint64_t word : read.get()->bodies[0])
      ASSERT_EQ(uint32_t(word), 0u);
    std::vector<uint64_t> words(4 * 919), phases(4);
    for (uint32_t i : {0u, 5u, 2047u}) {
      expandKeyswitchRows(*read.get(), 0, i, words);
      tfhe::decryptPhases(secret.get()->flat(0), words.data(), phases);
      for (uint32_t level = 0; level < 4; ++level) {
        uint64_t expected = secret.get()->flat(1).bits()[i] << (60 - 4 * level);
        EXPECT_LT(std::abs(double(int64_t(phases[level] - expected))) * 0x1p-64, 0x1p-16);
      }
    }
    Options options;
    options.samples = 4;
    auto values = inputsOf(window_model, 4);
    Prepared prepared(variant.model, &read, options);
    Ciphertexts in = encrypt(manifest, secret, asInputs(window_model, values), 4);
    EXPECT_EQ(decryptIntegers(manifest, secret, prepared.run(in)),
              runClear(window_model, values, 4));
  }
}

// Widths that contradict each other, that digits do not fit, or that nobody knows.
TEST(Record, RefusesImpossibleWords) {
  auto error = [](const std::function<void(Parameters &)> &change) {
    Variant variant(window_model, centredSet(), 132);
    Manifest manifest = manifestOf(variant.model);
    Parameters parameters = manifest.get()->parameters;
    parameters.keys[0].noise_kind = FHE_NOISE_GAUSSIAN;
    change(parameters);
    try {
      checkParameters(parameters, FHE_INVALID_DATA);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(error([](Parameters &p) { p.keys[0].word_bits = p.conversions[0].word_bits = 32; }),
            "accepted");
  EXPECT_NE(error([](Parameters &p) { p.conversions[0].word_bits = 32; }).find("expected 64"),
            std::string::npos);
  EXPECT_NE(error([](Parameters &p) { p.keys[0].word_bits = 32; }).find("expected 32"),
            std::string::npos);
  EXPECT_NE(error([](Parameters &p) { p.keys[1].word_bits = 32; }).find("not supported"),
            std::string::npos);
  EXPECT_NE(error([](Parameters &p) { p.conversions[1].word_bits = 32; }).find("expected 64"),
            std::string::npos);
  EXPECT_NE(error([](Parameters &p) {
              p.keys[0].word_bits = p.conversions[0].word_bits = 32;
              p.conversions[0].levels = 9;
            }).find("do not fit"),
            std::string::npos);
}

// A partial key is not drawn from a manifest alone; with a key made on purpose everything behind it
// works on ciphertexts of live + 1 words.
TEST(Record, PartialKeysMustBeAskedFor) {
  Variant variant(window_model, partialSet(), 128);
  Manifest manifest = manifestOf(variant.model);
  fhe_client_key *none = nullptr;
  EXPECT_EQ(fhe_client_key_generate(manifest.get(), &none), FHE_INSECURE_PARAMETERS);
  EXPECT_NE(std::string(fhe_last_error()).find("asked for"), std::string::npos);
  EXPECT_EQ(fhe_client_key_generate_assuming(manifest.get(), 3, &none), FHE_INVALID_ARGUMENT);
  ASSERT_EQ(fhe_client_key_generate_assuming(manifest.get(), FHE_KEY_ASSUMPTIONS_EXTENDED, &none),
            FHE_OK)
      << fhe_last_error();
  // And read back from its file.
  std::vector<uint8_t> file;
  auto append = [](void *state, const void *data, size_t bytes) -> int {
    auto *bytesOf = static_cast<std::vector<uint8_t> *>(state);
    auto *from = static_cast<const uint8_t *>(data);
    bytesOf->insert(bytesOf->end(), from, from + bytes);
    return 0;
  };
  EXPECT_EQ(fhe_client_key_write(none, append, &file), FHE_OK);
  EXPECT_EQ(file.size(), fhe_client_key_bytes(none));
  fhe_client_key_free(none);

  fhe_client_key secret;
  secret.parameters = manifest.get()->parameters;
  secret.hash = parameterHash(secret.parameters);
  secret.secrets.resize(2);
  secret.secrets[0].lwe = tfhe::LweSecretKey(918, freshSeed(), 0);
  secret.secrets[1].glwe = tfhe::GlweSecretKey(1, 12, freshSeed(), 1, 2560);
  fhe_evaluation_key *evaluation = nullptr;
  ASSERT_EQ(fhe_evaluation_key_generate(&secret, 0, &evaluation), FHE_OK);
  EXPECT_EQ(evaluation->bodies[0].size(), 2560u * 4);
  fhe_prepared *prepared = nullptr;
  ASSERT_EQ(fhe_prepare(&variant.model, evaluation, nullptr, &prepared), FHE_OK)
      << fhe_last_error();
  auto values = inputsOf(window_model, 1);
  fhe_input input{nullptr, values[0].data(), values[0].size()};
  fhe_ciphertexts *in = nullptr, *out = nullptr;
  ASSERT_EQ(fhe_encrypt(manifest.get(), &secret, &input, 1, 1, &in), FHE_OK);
  ASSERT_EQ(fhe_run(prepared, in, nullptr, nullptr, &out), FHE_OK) << fhe_last_error();
  std::vector<int64_t> expected = runClear(window_model, values, 1), found(expected.size());
  ASSERT_EQ(fhe_decrypt_integers(manifest.get(), &secret, out, nullptr, found.data(),
                                 found.size()),
            FHE_OK);
  EXPECT_EQ(found, expected);
  fhe_ciphertexts_free(in);
  fhe_ciphertexts_free(out);
  fhe_prepared_free(prepared);
  fhe_evaluation_key_free(evaluation);
}

/// Writes an object of the C interface to bytes.
template <class T>
std::vector<uint8_t> bytesOf(const T *object, fhe_status (*write)(const T *, fhe_write_fn, void *)) {
  std::vector<uint8_t> bytes;
  EXPECT_EQ(write(object, appendBytes, &bytes), FHE_OK);
  return bytes;
}

tfhe::ParameterSet nestedSet() {
  tfhe::ParameterSet set = partialSet();
  set.lwe = {918, tfhe::tuniformLog2Std(13, 32), tfhe::NoiseKind::tuniform, 32};
  set.lwe.nested = true;
  return set;
}

// A nested key is not drawn from a manifest alone. Made on purpose it takes no room in the client
// key, and the keyswitch key has rows for the other coefficients; the results are the same.
TEST(Record, NestedKeysMustBeAskedFor) {
  Variant variant(window_model, nestedSet(), 128);
  Manifest manifest = manifestOf(variant.model);
  ASSERT_EQ(manifest.get()->parameters.keys[0].nested_in, 2u);
  fhe_client_key *drawn = nullptr;
  EXPECT_EQ(fhe_client_key_generate(manifest.get(), &drawn), FHE_INSECURE_PARAMETERS);
  EXPECT_NE(std::string(fhe_last_error()).find("nested"), std::string::npos);
  ASSERT_EQ(fhe_client_key_generate_assuming(manifest.get(), FHE_KEY_ASSUMPTIONS_EXTENDED, &drawn),
            FHE_OK)
      << fhe_last_error();
  EXPECT_TRUE(std::ranges::equal(drawn->flat(0).bits(), drawn->flat(1).bits().first(918)));
  const std::vector<uint8_t> file = bytesOf(drawn, fhe_client_key_write);
  EXPECT_EQ(file.size(), 48u + 12 + 2 * 40 + 2 * 32 + 2560 / 8);
  EXPECT_EQ(file[8], 2) << "the version of files with nested keys";
  ClientKey secret = ClientKey::fromBytes(file);
  EXPECT_TRUE(std::ranges::equal(secret.get()->flat(0).bits(), drawn->flat(0).bits()));
  EXPECT_EQ(secret.toBytes(), file);
  fhe_client_key_free(drawn);

  EvaluationKey written(secret);
  EXPECT_EQ(written.get()->bodies[0].size(), (2560u - 918) * 4);
  const std::vector<uint8_t> bytes = written.toBytes();
  EXPECT_EQ(bytes.size(), evaluationKeyFileBytes(manifest.get()->parameters));
  EvaluationKey read = EvaluationKey::fromBytes(bytes);
  EXPECT_EQ(read.get()->bodies, written.get()->bodies);
  Options options;
  options.samples = 4;
  auto values = inputsOf(window_model, 4);
  Prepared prepared(variant.model, &read, options);
  Ciphertexts in = encrypt(manifest, secret, asInputs(window_model, values), 4);
  EXPECT_EQ(decryptIntegers(manifest, secret, prepared.run(in)), runClear(window_model, values, 4));
}

// The version of a file is that of its parameters: nothing nested in version 1, nothing else in 2.
TEST(Record, NestedKeysHaveAFileVersionOfTheirOwn) {
  for (bool nested : {false, true}) {
    Variant variant(window_model, nested ? nestedSet() : partialSet(), 128);
    Manifest manifest = manifestOf(variant.model);
    fhe_client_key *drawn = nullptr;
    ASSERT_EQ(fhe_client_key_generate_assuming(manifest.get(), FHE_KEY_ASSUMPTIONS_EXTENDED, &drawn),
              FHE_OK);
    std::vector<uint8_t> file = bytesOf(drawn, fhe_client_key_write);
    fhe_client_key_free(drawn);
    ASSERT_EQ(file[8], nested ? 2 : 1);
    for (uint8_t version : {1, 2, 3}) {
      file[8] = version;
      ByteSource source{file};
      fhe_client_key *read = nullptr;
      const fhe_status expected = version == 3                  ? FHE_UNSUPPORTED
                                  : version == (nested ? 2 : 1) ? FHE_OK
                                                                : FHE_INVALID_DATA;
      EXPECT_EQ(fhe_client_key_read(ByteSource::read, &source, file.size(), &read), expected)
          << int(version);
      fhe_client_key_free(read);
    }
  }
}

// Parameters without nested keys have the hash that they always had.
TEST(Record, OtherHashesAreUnchanged) {
  EXPECT_EQ(toHex(parameterHash(manifestOf(window_model).get()->parameters)),
            "152fd99bcd8e169079ab1c8da9c51b7e");
}

TEST(Record, RefusesImpossibleNesting) {
  auto error = [](const std::function<void(Parameters &)> &change) {
    Variant variant(window_model, nestedSet(), 128);
    Parameters parameters = manifestOf(variant.model).get()->parameters;
    change(parameters);
    try {
      checkParameters(parameters, FHE_INVALID_DATA);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(error([](Parameters &) {}), "accepted");
  for (uint32_t index : {1u, 3u, UINT32_MAX})
    EXPECT_NE(error([&](Parameters &p) { p.keys[0].nested_in = index; }).find("not a GLWE key"),
              std::string::npos);
  EXPECT_NE(error([](Parameters &p) { p.keys[1].nested_in = 2; }).find("only an LWE key"),
            std::string::npos);
  EXPECT_NE(error([](Parameters &p) { p.keys[1].live = 918; }).find("has 918 bits"),
            std::string::npos);
  EXPECT_EQ(error([](Parameters &p) { p.keys[1].live = 919; }), "accepted");
  // The hash tells nested keys from others.
  Variant nested(window_model, nestedSet(), 128);
  Parameters parameters = manifestOf(nested.model).get()->parameters, apart = parameters;
  apart.keys[0].nested_in = 0;
  EXPECT_NE(parameterHash(parameters), parameterHash(apart));
  EXPECT_EQ(parameters.keyswitch(parameters.conversions[0]).coefficients(), 2560u - 918);
  EXPECT_EQ(apart.keyswitch(apart.conversions[0]).coefficients(), 2560u);
}

// The stored words depend on the seeds and on nothing else, and secrets, masks and noise come from
// streams of their own: another seed for one changes that one only.
TEST(Record, EvaluationKeysDependOnTheirSeedsOnly) {
  fhe_client_key secret;
  Variant variant(window_model, centredSet(), 132);
  secret.parameters = manifestOf(variant.model).get()->parameters;
  secret.parameters.keys[0].dimension = secret.parameters.keys[0].live = 33;
  secret.secrets.resize(2);
  secret.secrets[0].lwe = tfhe::LweSecretKey(33, freshSeed(), 0);
  secret.secrets[1].glwe = tfhe::GlweSecretKey(1, 11, freshSeed(), 1);
  const tfhe::Seed mask = freshSeed(), noise = freshSeed();
  auto one = makeEvaluationKey(secret, mask, noise, 1);
  for (uint32_t threads : {2u, 5u, 0u}) {
    auto other = makeEvaluationKey(secret, mask, noise, threads);
    EXPECT_EQ(other->bodies, one->bodies) << threads;
    EXPECT_EQ(other->maskSeed, mask.bytes);
  }
  // Other noise moves each body by little: the masks are the same.
  auto noisy = makeEvaluationKey(secret, mask, freshSeed(), 2);
  for (size_t section = 0; section < 2; ++section)
    for (size_t i = 0; i < one->bodies[section].size(); ++i) {
      const uint64_t difference = noisy->bodies[section][i] - one->bodies[section][i];
      ASSERT_LE(std::abs(double(int64_t(difference))), section == 0 ? 0x1p46 : 0x1p18);
    }
  EXPECT_NE(noisy->bodies, one->bodies);
  auto masked = makeEvaluationKey(secret, freshSeed(), noise, 2);
  EXPECT_NE(masked->bodies[0][0], one->bodies[0][0]);
}

// Noise that no bound has, and noise below the curve.
TEST(Record, RefusesImpossibleAndWeakNoise) {
  tfhe::ParameterSet set = centredSet();
  set.lwe.log2Std += 0.1;
  Variant impossible(window_model, set, 132);
  fhe_manifest *none = nullptr;
  EXPECT_EQ(fhe_manifest_parse(impossible.model.manifest, impossible.model.manifest_bytes, &none),
            FHE_INVALID_MANIFEST);
  EXPECT_NE(std::string(fhe_last_error()).find("TUniform"), std::string::npos);
  set = centredSet();
  set.lwe.log2Std = tfhe::tuniformLog2Std(44);
  Variant weak(window_model, set, 132);
  Manifest manifest = manifestOf(weak.model);
  fhe_client_key *key = nullptr;
  EXPECT_EQ(fhe_client_key_generate(manifest.get(), &key), FHE_INSECURE_PARAMETERS);
}

} // namespace
} // namespace fhe::runtime::test
