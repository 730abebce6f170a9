//===- formats_test.cpp - Files: round trips, truncations, flipped bits -------------------===//
#include "runtime/client/client_key.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/formats/npy.h"
#include "support.h"

namespace fhe::runtime::test {
namespace {

template <auto Read, auto Free, class T>
fhe_status tryRead(const std::vector<uint8_t> &bytes) {
  ByteSource source{bytes};
  T *object = nullptr;
  fhe_status status = Read(ByteSource::read, &source, bytes.size(), &object);
  EXPECT_EQ(status == FHE_OK, object != nullptr);
  if (status != FHE_OK) {
    EXPECT_STRNE(fhe_last_error(), "");
  }
  Free(object);
  return status;
}
constexpr auto readCiphertextBytes =
    tryRead<fhe_ciphertexts_read, fhe_ciphertexts_free, fhe_ciphertexts>;
constexpr auto readClientKeyBytes =
    tryRead<fhe_client_key_read, fhe_client_key_free, fhe_client_key>;
constexpr auto readEvaluationKeyBytes =
    tryRead<fhe_evaluation_key_read, fhe_evaluation_key_free, fhe_evaluation_key>;

std::vector<uint8_t> someCiphertexts() {
  auto x = inputsOf(demo_model, 2);
  return encrypt(manifestOf(demo_model), client().secret, asInputs(demo_model, x), 2).toBytes();
}

/// Every truncation and one byte too many are refused; flips in the first `structure` bytes never
/// crash, and those of magic, version and kind are refused.
template <class Try>
void attack(const std::vector<uint8_t> &good, size_t structure, const Try &tryBytes) {
  EXPECT_EQ(tryBytes(good), FHE_OK);
  for (size_t size = 0; size < good.size(); size += size < structure ? 1 : good.size() / 97 + 1)
    EXPECT_NE(tryBytes({good.begin(), good.begin() + std::ptrdiff_t(size)}), FHE_OK) << size;
  std::vector<uint8_t> bytes = good;
  bytes.push_back(0);
  EXPECT_NE(tryBytes(bytes), FHE_OK);
  for (size_t bit = 0; bit < std::min(structure, good.size()) * 8; ++bit) {
    bytes = good;
    bytes[bit / 8] ^= uint8_t(1 << (bit % 8));
    fhe_status status = tryBytes(bytes);
    if (bit < 16 * 8) {
      EXPECT_NE(status, FHE_OK) << "bit " << bit;
    }
  }
}

TEST(CiphertextFile, RoundTrips) {
  std::vector<uint8_t> bytes = someCiphertexts();
  Ciphertexts again = Ciphertexts::fromBytes(bytes);
  EXPECT_EQ(again.toBytes(), bytes);
  EXPECT_EQ(fhe_ciphertexts_bytes(again.get()), bytes.size());
  EXPECT_EQ(again.samples(), 2u);
  EXPECT_STREQ(fhe_ciphertexts_name(again.get(), 0), "x");
  EXPECT_EQ(fhe_ciphertexts_name(again.get(), 1), nullptr);
  EXPECT_EQ(fhe_ciphertexts_elements(again.get(), 0), 8u);
  // Seeded: one word a value, not 2049.
  EXPECT_LT(bytes.size(), 48u + 16 + 64 + 2 * 8 * 8);
}

TEST(CiphertextFile, SurvivesGarbage) { attack(someCiphertexts(), 110, readCiphertextBytes); }

TEST(CiphertextFile, RefusesImpossibleSizes) {
  std::vector<uint8_t> bytes = someCiphertexts();
  // samples, a 64-bit number after the header, encoding and count.
  for (size_t i = 56; i < 64; ++i)
    bytes[i] = 0xFF;
  EXPECT_EQ(readCiphertextBytes(bytes), FHE_INVALID_DATA);
  bytes[63] = 0;
  EXPECT_EQ(readCiphertextBytes(bytes), FHE_INVALID_DATA);
}

TEST(ClientKeyFile, RoundTrips) {
  std::vector<uint8_t> bytes = client().secret.toBytes();
  ClientKey again = ClientKey::fromBytes(bytes);
  EXPECT_EQ(again.toBytes(), bytes);
  EXPECT_EQ(fhe_client_key_bytes(again.get()), bytes.size());
  EXPECT_TRUE(
      std::ranges::equal(again.get()->flat(0).bits(), client().secret.get()->flat(0).bits()));
  EXPECT_TRUE(
      std::ranges::equal(again.get()->flat(1).bits(), client().secret.get()->flat(1).bits()));
}

TEST(ClientKeyFile, SurvivesGarbage) {
  attack(client().secret.toBytes(), 48 + 12 + 2 * 40 + 2 * 32, readClientKeyBytes);
}

TEST(ClientKeyFile, RefusesWeakParameters) {
  fhe_client_key weak;
  weak.parameters = client().secret.get()->parameters;
  weak.parameters.keys[0].log2_std = -30;
  weak.hash = parameterHash(weak.parameters);
  weak.secrets.resize(2);
  weak.secrets[0].lwe = tfhe::LweSecretKey(775);
  weak.secrets[1].glwe = tfhe::GlweSecretKey(1, 11);
  std::vector<uint8_t> bytes;
  ASSERT_EQ(fhe_client_key_write(&weak, appendBytes, &bytes), FHE_OK);
  EXPECT_EQ(readClientKeyBytes(bytes), FHE_INSECURE_PARAMETERS);
}

TEST(EvaluationKeyFile, RoundTrips) {
  std::vector<uint8_t> bytes = client().evaluation.toBytes();
  // Bodies only: 2048 * 5 words and 775 * 2 * 2048 words.
  EXPECT_LT(bytes.size(), (2048u * 5 + 775 * 2 * 2048) * 8 + 512);
  EXPECT_EQ(EvaluationKey::fromBytes(bytes).toBytes(), bytes);
}

TEST(EvaluationKeyFile, SurvivesGarbage) {
  // A small key of the same format keeps thousands of attempts fast.
  fhe_evaluation_key small;
  small.parameters = client().evaluation.get()->parameters;
  small.parameters.keys[0].dimension = small.parameters.keys[0].live = 3;
  small.parameters.keys[1].log2_poly = 8;
  small.parameters.keys[1].live = 256;
  for (uint32_t i = 0; i < 2; ++i)
    small.bodies.emplace_back(bodyWords(small.parameters, i), 1);
  std::vector<uint8_t> bytes;
  ASSERT_EQ(fhe_evaluation_key_write(&small, appendBytes, &bytes), FHE_OK);
  attack(bytes, 48 + 12 + 2 * 40 + 2 * 32 + 16 + 16, readEvaluationKeyBytes);
}

TEST(EvaluationKeyFile, RefusesAnUnknownSection) {
  std::vector<uint8_t> bytes = client().evaluation.toBytes();
  bytes[48 + 12 + 2 * 40 + 2 * 32 + 16] = 9;
  EXPECT_EQ(readEvaluationKeyBytes(bytes), FHE_UNSUPPORTED);
  EXPECT_NE(std::string(fhe_last_error()).find("section 0"), std::string::npos);
}

TEST(Files, AreNotTakenForOneAnother) {
  EXPECT_EQ(readClientKeyBytes(someCiphertexts()), FHE_INVALID_DATA);
  EXPECT_NE(std::string(fhe_last_error()).find("ciphertexts, not a client key"), std::string::npos);
  EXPECT_EQ(readCiphertextBytes(client().secret.toBytes()), FHE_INVALID_DATA);
}

TEST(Files, CallbackFailuresAreReported) {
  Ciphertexts in = Ciphertexts::fromBytes(someCiphertexts());
  auto full = [](void *, const void *, size_t) { return 1; };
  EXPECT_EQ(fhe_ciphertexts_write(in.get(), full, nullptr), FHE_IO);
  auto empty = [](void *, void *, size_t) { return 1; };
  fhe_ciphertexts *none = nullptr;
  EXPECT_EQ(fhe_ciphertexts_read(empty, nullptr, 1000, &none), FHE_IO);
  EXPECT_EQ(none, nullptr);
}

std::vector<uint8_t> npyBytes(const NpyArray &array) {
  std::vector<uint8_t> bytes;
  ByteWriter writer(appendBytes, &bytes);
  writeNpy(writer, array);
  return bytes;
}

NpyArray readNpyBytes(const std::vector<uint8_t> &bytes) {
  ByteSource source{bytes};
  ByteReader reader(ByteSource::read, &source, bytes.size());
  return readNpy(reader);
}

/// A version 1.0 file with this dictionary.
std::vector<uint8_t> npyWith(std::string header, size_t dataBytes) {
  std::vector<uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, uint8_t(header.size()), 0};
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), dataBytes, 1);
  return bytes;
}

TEST(Npy, RoundTripsShapesAndTypes) {
  for (std::vector<uint64_t> shape : {std::vector<uint64_t>{}, {1}, {6}, {2, 3}, {1, 2, 3}}) {
    std::vector<float> values(NpyArray{NpyType::f4, shape, {}}.elements(), 1.5f);
    NpyArray again = readNpyBytes(npyBytes(NpyArray::fromFloat(shape, values)));
    EXPECT_EQ(again.shape, shape);
    EXPECT_EQ(again.toFloat(), values);
  }
  std::vector<int64_t> integers = {-5, 0, int64_t(1) << 40};
  EXPECT_EQ(readNpyBytes(npyBytes(NpyArray::fromIntegers({3}, integers))).toIntegers(), integers);
  EXPECT_EQ(npyBytes(NpyArray::fromFloat({2}, {0, 0})).size() % 64, 8u);
}

TEST(Npy, ReadsWhatNumpyWrites) {
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }   \n";
  NpyArray array = readNpyBytes(npyWith(header, 4));
  EXPECT_EQ(array.toFloat(), std::vector<float>(4, 1.0f));
  EXPECT_EQ(array.shape, (std::vector<uint64_t>{2, 2}));
}

TEST(Npy, RefusesWhatItCannotRead) {
  const char *bad[] = {
      "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False, }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
      "{'descr': '<f4",
      "[]",
      ""};
  for (const char *header : bad)
    EXPECT_THROW(readNpyBytes(npyWith(header, 4)), Failure) << header;
  std::vector<uint8_t> good = npyBytes(NpyArray::fromFloat({4}, {1, 2, 3, 4}));
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(readNpyBytes({good.begin(), good.begin() + std::ptrdiff_t(size)}), Failure);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<uint8_t> bytes = good;
    bytes[bit / 8] ^= uint8_t(1 << (bit % 8));
    try {
      readNpyBytes(bytes);
    } catch (const Failure &) {
    }
  }
  EXPECT_THROW(NpyArray::fromFloat({1}, {0.5f}).toIntegers(), Failure);
  // No values, but a number of samples that overflows when it is multiplied by the size of one.
  std::vector<uint8_t> none =
      npyWith("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 0), }", 0);
  EXPECT_THROW(readNpyBytes(none), Failure);
  try {
    readNpyBytes(npyWith("{'descr': '\x1b[31m', 'fortran_order': False, 'shape': (1,), }", 4));
    FAIL();
  } catch (const Failure &failure) {
    EXPECT_EQ(std::string(failure.what()).find('\x1b'), std::string::npos);
  }
}

} // namespace
} // namespace fhe::runtime::test
