//===- encrypted_test.cpp - Encrypted runs at real 128-bit parameters ---------------------===//
#include "runtime/client/client_key.h"
#include "runtime/client/values.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/server/loaded_keys.h"
#include "runtime/server/observer.h"
#include "runtime/tfhe/client/encryption.h"
#include "support.h"

#include <cmath>

namespace fhe::runtime::test {
namespace {

TEST(Encrypted, DemoEqualsClear) {
  auto x = inputsOf(demo_model, 8);
  Options options;
  options.samples = 8;
  EXPECT_EQ(runEncrypted(demo_model, x, 8, options), runClear(demo_model, x, 8));
}

TEST(Encrypted, KitchenEqualsClear) {
  auto values = inputsOf(kitchen_model, 1);
  EXPECT_EQ(runEncrypted(kitchen_model, values, 1), runClear(kitchen_model, values, 1));
}

TEST(Encrypted, GuardSaturationAndWrapEqualClear) {
  auto values = inputsOf(window_model, 1);
  EXPECT_EQ(runEncrypted(window_model, values, 1), runClear(window_model, values, 1));
}

TEST(Encrypted, WordsDoNotDependOnThreadsOrTurns) {
  Manifest manifest = manifestOf(demo_model);
  auto x = inputsOf(demo_model, 5);
  Ciphertexts in = encrypt(manifest, client().secret, asInputs(demo_model, x), 5);
  Options options;
  options.threads = 1;
  options.samples = 5;
  std::vector<uint8_t> reference =
      Prepared(demo_model, &client().evaluation, options).run(in).toBytes();
  options.threads = 3;
  EXPECT_EQ(Prepared(demo_model, &client().evaluation, options).run(in).toBytes(), reference);
  Prepared two(demo_model, &client().evaluation, options);
  options.samples = 2;
  options.memory_limit = two.memory();
  Prepared limited(demo_model, &client().evaluation, options);
  EXPECT_EQ(limited.samples(), 2u);
  EXPECT_EQ(limited.run(in).toBytes(), reference);
}

TEST(Encrypted, TwoModelsShareOneKey) {
  Prepared demo(demo_model, &client().evaluation), window(window_model, &client().evaluation);
  auto x = inputsOf(demo_model, 1), v = inputsOf(window_model, 1);
  Manifest demoManifest = manifestOf(demo_model), windowManifest = manifestOf(window_model);
  Ciphertexts a = encrypt(demoManifest, client().secret, asInputs(demo_model, x), 1);
  Ciphertexts b = encrypt(windowManifest, client().secret, asInputs(window_model, v), 1);
  EXPECT_EQ(decryptIntegers(demoManifest, client().secret, demo.run(a)),
            runClear(demo_model, x, 1));
  EXPECT_EQ(decryptIntegers(windowManifest, client().secret, window.run(b)),
            runClear(window_model, v, 1));
}

TEST(Encrypted, EncryptionsOfOneInputDifferInEveryMask) {
  Manifest manifest = manifestOf(demo_model);
  auto x = inputsOf(demo_model, 2);
  Ciphertexts a = encrypt(manifest, client().secret, asInputs(demo_model, x), 2);
  Ciphertexts b = encrypt(manifest, client().secret, asInputs(demo_model, x), 2);
  const CiphertextTensor &first = a.get()->tensors[0], &second = b.get()->tensors[0];
  EXPECT_NE(first.maskSeed, second.maskSeed);
  for (size_t i = 0; i < first.words.size(); ++i)
    EXPECT_NE(first.words[i], second.words[i]);
  // Masks of two ciphertexts of one call differ too: streams of their own.
  tfhe::Seed seed(first.maskSeed);
  tfhe::Generator zero(seed, {tfhe::StreamUse::encryptionMask, 0, 0});
  tfhe::Generator one(seed, {tfhe::StreamUse::encryptionMask, 0, 1});
  EXPECT_NE(zero.next(), one.next());
}

TEST(Encrypted, FreshPhasesCarryTheNoiseOfTheParameters) {
  Manifest manifest = manifestOf(window_model);
  auto v = inputsOf(window_model, 64);
  Ciphertexts in = encrypt(manifest, client().secret, asInputs(window_model, v), 64);
  const CiphertextTensor &tensor = in.get()->tensors[0];
  std::vector<uint64_t> ciphertext(2049);
  double squares = 0;
  for (uint64_t c = 0; c < tensor.words.size(); ++c) {
    tfhe::Generator mask(tfhe::Seed(tensor.maskSeed), {tfhe::StreamUse::encryptionMask, 0, c});
    mask.fill(std::span(ciphertext).first(2048));
    ciphertext.back() = tensor.words[c];
    uint64_t phase = 0;
    tfhe::decryptPhases(client().secret.get()->flat(1), ciphertext.data(), std::span(&phase, 1));
    double error = double(int64_t(phase - (uint64_t(int64_t(c % 32) - 16) << 59))) * 0x1p-64;
    squares += error * error;
  }
  double log2Std = std::log2(squares / double(tensor.words.size())) / 2;
  EXPECT_NEAR(log2Std, -49.951, 0.1);
}

TEST(Encrypted, AnotherClientIsRefused) {
  Manifest manifest = manifestOf(demo_model);
  ClientKey other(manifest);
  auto x = inputsOf(demo_model, 1);
  Ciphertexts in = encrypt(manifest, other, asInputs(demo_model, x), 1);
  Prepared prepared(demo_model, &client().evaluation);
  fhe_ciphertexts *none = nullptr;
  EXPECT_EQ(fhe_run(prepared.get(), in.get(), nullptr, nullptr, &none), FHE_MISMATCH);
  EXPECT_NE(std::string(fhe_last_error()).find("belong to key"), std::string::npos);
  Ciphertexts own = encrypt(manifest, client().secret, asInputs(demo_model, x), 1);
  Ciphertexts result = prepared.run(own);
  int64_t integers[3];
  EXPECT_EQ(fhe_decrypt_integers(manifest.get(), other.get(), result.get(), nullptr, integers, 3),
            FHE_MISMATCH);
  // Past the guard against mistakes there is only garbage.
  fhe_ciphertexts forged = *result.get();
  forged.keyId = other.get()->keyId;
  EXPECT_EQ(fhe_decrypt_integers(manifest.get(), other.get(), &forged, nullptr, integers, 3),
            FHE_OK);
  fhe_ciphertexts wrongInput = *in.get();
  wrongInput.keyId = client().secret.get()->keyId;
  ASSERT_EQ(fhe_run(prepared.get(), &wrongInput, nullptr, nullptr, &none), FHE_OK);
  fhe_ciphertexts_free(none);
}

TEST(Encrypted, ClearValuesAndEncryptedRunsDoNotMix) {
  Manifest manifest = manifestOf(demo_model);
  auto x = inputsOf(demo_model, 1);
  Ciphertexts clear = encodeClear(manifest, asInputs(demo_model, x), 1);
  Ciphertexts hidden = encrypt(manifest, client().secret, asInputs(demo_model, x), 1);
  Options options;
  options.mode = FHE_MODE_CLEAR;
  Prepared clearRun(demo_model, nullptr, options), encryptedRun(demo_model, &client().evaluation);
  fhe_ciphertexts *none = nullptr;
  EXPECT_EQ(fhe_run(clearRun.get(), hidden.get(), nullptr, nullptr, &none), FHE_MISMATCH);
  EXPECT_EQ(fhe_run(encryptedRun.get(), clear.get(), nullptr, nullptr, &none), FHE_MISMATCH);
  int64_t integers[8];
  EXPECT_EQ(
      fhe_decrypt_integers(manifest.get(), client().secret.get(), clear.get(), "y", integers, 3),
      FHE_MISMATCH);
  fhe_prepared *prepared = nullptr;
  Options encrypted;
  EXPECT_EQ(fhe_prepare(&demo_model, nullptr, &encrypted, &prepared), FHE_INVALID_ARGUMENT);
  EXPECT_EQ(fhe_encrypt(manifest.get(), nullptr, nullptr, 0, 1, &none), FHE_INVALID_ARGUMENT);
}

/// Every table input of an encrypted run, decrypted, lies within half a slot of the clear run's.
TEST(Encrypted, ObserverSeesCorrectTableInputsAndResults) {
  struct Seen {
    std::vector<std::vector<int64_t>> in, out;
  };
  auto values = inputsOf(demo_model, 4);
  Manifest manifest = manifestOf(demo_model);
  Options options;
  options.samples = 4;
  Seen encrypted, clear;
  auto decodeAll = [](const uint64_t *data, uint64_t count, uint64_t words, int64_t lo,
                      int64_t hi) {
    std::vector<uint64_t> phases(count);
    std::vector<int64_t> integers;
    tfhe::decryptPhases(client().secret.get()->flat(1), data, phases);
    EXPECT_EQ(words, 2049u);
    for (uint64_t phase : phases)
      integers.push_back(decodePhase(phase, 59, lo, hi));
    return integers;
  };
  Prepared hidden(demo_model, &client().evaluation, options);
  setObserver(hidden.get(), [&](const Observation &seen) {
    if (seen.op->kind != FHE_OP_LOOKUP)
      return;
    encrypted.in.push_back(decodeAll(seen.in[0], seen.samples * 6, seen.inWords, -6, 6));
    encrypted.out.push_back(decodeAll(seen.out[0], seen.samples * 6, seen.outWords, 0, 3));
  });
  hidden.run(encrypt(manifest, client().secret, asInputs(demo_model, values), 4));
  options.mode = FHE_MODE_CLEAR;
  Prepared open(demo_model, nullptr, options);
  setObserver(open.get(), [&](const Observation &seen) {
    if (seen.op->kind != FHE_OP_LOOKUP)
      return;
    const int64_t *in = reinterpret_cast<const int64_t *>(seen.in[0]);
    const int64_t *out = reinterpret_cast<const int64_t *>(seen.out[0]);
    clear.in.emplace_back(in, in + seen.samples * 6);
    clear.out.emplace_back(out, out + seen.samples * 6);
  });
  open.run(encodeClear(manifest, asInputs(demo_model, values), 4));
  ASSERT_EQ(clear.in.size(), 1u);
  EXPECT_EQ(encrypted.in, clear.in);
  EXPECT_EQ(encrypted.out, clear.out);
}

TEST(EvaluationKeys, ExpandToRowsOfTheRightPhase) {
  const fhe_evaluation_key &key = *client().evaluation.get();
  const fhe_client_key &secret = *client().secret.get();
  std::vector<uint64_t> rows(5 * 776);
  for (uint32_t coefficient : {0u, 1u, 2047u}) {
    expandKeyswitchRows(key, 0, coefficient, rows);
    std::vector<uint64_t> phases(5);
    tfhe::decryptPhases(secret.flat(0), rows.data(), phases);
    for (uint32_t level = 0; level < 5; ++level) {
      uint64_t expected = secret.flat(1).bits()[coefficient] << (64 - 3 * (level + 1));
      EXPECT_LT(std::abs(double(int64_t(phases[level] - expected))) * 0x1p-64, 0x1p-14);
    }
  }
  // Bootstrap rows: phase of coefficient 0 of row j is -m S_j[0] for j < k, m for j = k.
  std::vector<uint64_t> element(2 * 2 * 2048);
  for (uint32_t i : {0u, 1u, 2u, 774u}) {
    expandBootstrapElement(key, 1, i, element);
    uint64_t m = secret.flat(0).bits()[i] << (64 - 23);
    for (uint32_t j = 0; j < 2; ++j) {
      const uint64_t *row = element.data() + j * 2 * 2048;
      std::vector<uint64_t> lwe(2049);
      lwe[0] = row[0];
      for (uint32_t c = 1; c < 2048; ++c)
        lwe[c] = -row[2048 - c];
      lwe[2048] = row[2048];
      uint64_t phase = 0;
      tfhe::decryptPhases(secret.flat(1), lwe.data(), std::span(&phase, 1));
      uint64_t expected = j == 0 ? -(m * secret.flat(1).bits()[0]) : m;
      EXPECT_LT(std::abs(double(int64_t(phase - expected))) * 0x1p-64, 0x1p-46);
    }
  }
}

/// Several polynomials and levels: every row of an element has its phase, at constant coefficient
/// 0.
TEST(EvaluationKeys, ExpandWithSeveralPolynomialsAndLevels) {
  fhe_client_key secret;
  secret.parameters = client().secret.get()->parameters;
  fhe_key_record &big = secret.parameters.keys[1];
  big.dimension = 3;
  big.log2_poly = 9;
  big.live = 3 << 9;
  big.log2_std = -36.7;
  secret.parameters.conversions[1].base_log = 12;
  secret.parameters.conversions[1].levels = 2;
  secret.secrets.resize(2);
  secret.secrets[0].lwe = tfhe::LweSecretKey(775, freshSeed(), 0);
  secret.secrets[1].glwe = tfhe::GlweSecretKey(3, 9, freshSeed(), 1);
  fhe_evaluation_key *key = nullptr;
  ASSERT_EQ(fhe_evaluation_key_generate(&secret, 0, &key), FHE_OK);
  constexpr uint32_t size = 512, row = 4 * size;
  std::vector<uint64_t> element(2 * 4 * row), lwe(3 * size + 1);
  for (uint32_t i = 0; i < 20; ++i) {
    expandBootstrapElement(*key, 1, i, element);
    for (uint32_t r = 0; r < 8; ++r) {
      const uint64_t *words = element.data() + r * row;
      for (uint32_t p = 0; p < 3; ++p) {
        lwe[p * size] = words[p * size];
        for (uint32_t c = 1; c < size; ++c)
          lwe[p * size + c] = -words[p * size + size - c];
      }
      lwe.back() = words[3 * size];
      uint64_t phase = 0, m = secret.flat(0).bits()[i] << (64 - 12 * (r / 4 + 1));
      tfhe::decryptPhases(secret.flat(1), lwe.data(), std::span(&phase, 1));
      uint64_t expected = r % 4 == 3 ? m : -(m * secret.secrets[1].glwe.polynomial(r % 4)[0]);
      EXPECT_LT(std::abs(double(int64_t(phase - expected))) * 0x1p-64, 0x1p-33) << i << " " << r;
    }
  }
  fhe_evaluation_key_free(key);
}

TEST(EvaluationKeys, AreRefusedForOtherParameters) {
  fhe_evaluation_key other;
  other.parameters = client().evaluation.get()->parameters;
  other.parameters.keys[0].log2_std += 0.5;
  fhe_prepared *none = nullptr;
  EXPECT_EQ(fhe_prepare(&demo_model, &other, nullptr, &none), FHE_MISMATCH);
}

} // namespace
} // namespace fhe::runtime::test
