//===- realization_test.cpp - Lookups without a padding bit ---------------------------------===//
//
// The window fixture with other tables: all 32 integers of the torus at 2^59 are one window of
// 5 bits under parameters for direct tables of 4. Clear, simulated and encrypted runs against a
// plain rule: slots modulo 32, the upper 16 are an offset minus the lower.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/server/window.h"
#include "support.h"

#include <cmath>
#include <functional>

namespace fhe::runtime::test {
namespace {

constexpr uint32_t tables = 4;
constexpr int64_t first = -13, entries = 27, guard = 1;

/// Table t at any integer of its range: sign, step, a constant, and an odd function with an odd
/// offset and steps everywhere.
int64_t lower(uint32_t t, int64_t slot) {
  static const int64_t ragged[16] = {0, 0, 3, -1, 2, 2, -2, 1, 0, 3, 3, -2, 1, 0, -1, 2};
  switch (t) {
  case 0:
    return slot < 14 ? -1 : 1;
  case 1:
    return slot < 14 ? 0 : 1;
  case 2:
    return 3;
  default:
    return ragged[slot];
  }
}
constexpr int64_t offsets[tables] = {0, 1, 6, 1};

int64_t expected(uint32_t t, int64_t v) {
  int64_t slot = (v - first + guard) & 31;
  return slot < 16 ? lower(t, slot) : offsets[t] - lower(t, slot - 16);
}

/// The fixture's model with a negacyclic lookup; one at a time, since entries are plain functions.
struct SignModel {
  static inline fhe_lookup_desc look;
  static inline int32_t values[tables][entries];
  static inline uint32_t tableOfElement[32];
  static int32_t entry(const fhe_executor *executor) {
    const uint64_t out[1] = {32};
    return executor->ops->lookup(executor->state, &look, out, 0);
  }
  const fhe_op_header *ops[1] = {&look.header};
  fhe_model model = window_model;

  SignModel() {
    look = reinterpret_cast<const fhe_lookup_desc &>(*window_model.ops[0]);
    for (uint32_t t = 0; t < tables; ++t)
      for (int64_t i = 0; i < entries; ++i)
        values[t][i] = int32_t(expected(t, first + i));
    for (uint32_t e = 0; e < 32; ++e)
      tableOfElement[e] = e * 7 / 3 % tables;
    look.width = look.rounded_width = 5;
    look.guard = guard;
    look.lo = first;
    look.entries = entries;
    look.table_count = tables;
    look.tables = values[0];
    look.table_of_element = tableOfElement;
    look.realization = FHE_REALIZATION_NEGACYCLIC;
    look.offsets = offsets;
    model.ops = ops;
    model.entry = entry;
  }

  /// Every integer of the torus `samples` times, in turn at all elements.
  static std::vector<std::vector<float>> inputs(uint64_t samples) {
    std::vector<float> values;
    for (uint64_t s = 0; s < samples; ++s)
      for (uint64_t e = 0; e < 32; ++e)
        values.push_back(float(int64_t((e + s) % 32) - 16));
    return {values};
  }
  static std::vector<int64_t> results(const std::vector<float> &inputs) {
    std::vector<int64_t> values;
    for (size_t i = 0; i < inputs.size(); ++i)
      values.push_back(expected(tableOfElement[i % 32], int64_t(inputs[i])));
    return values;
  }
};

TEST(Negacyclic, SlotsGoRoundTheTorusOnce) {
  SignModel sign;
  for (int64_t v = -100; v < 100; ++v)
    for (uint32_t t = 0; t < tables; ++t)
      EXPECT_EQ(slotValue(SignModel::look, t, 0, slotOf(SignModel::look, v)), expected(t, v)) << v;
}

TEST(Steps, AnEntryStandsForTheIntegersAroundItsMultiple) {
  static const int32_t table[8] = {-4, 3, 2, 0, -1, 1, 4, 5};
  fhe_lookup_desc op = {};
  op.width = 4;
  op.guard = 2;
  op.lo = -3;
  op.entries = 8;
  op.results = op.table_count = 1;
  op.tables = table;
  op.log2_step = 2;
  for (int64_t v = -14; v < 18; ++v) {
    int64_t nearest = int64_t(std::floor(double(v) / 4 + 0.5));
    EXPECT_EQ(slotValue(op, 0, 0, slotOf(op, v)), table[nearest + 3]) << v;
    EXPECT_EQ(placeInSlot(op, v), double(v) / 4 - double(nearest)) << v;
    EXPECT_TRUE(isCovered(op, v)) << v;
  }
  EXPECT_FALSE(isCovered(op, -15));
  EXPECT_FALSE(isCovered(op, 18));
  // Two steps below the first integer lies slot 0, then the negative of slot 15.
  EXPECT_EQ(slotValue(op, 0, 0, slotOf(op, -22)), -4);
  EXPECT_EQ(slotValue(op, 0, 0, slotOf(op, -23)), -5);
}

TEST(Negacyclic, ClearRunsFollowTheRule) {
  SignModel sign;
  auto values = SignModel::inputs(32);
  EXPECT_EQ(runClear(sign.model, values, 32), SignModel::results(values[0]));
}

TEST(Negacyclic, EncryptedRunsEqualClearOnesAtEveryInteger) {
  SignModel sign;
  auto values = SignModel::inputs(32);
  EXPECT_EQ(runEncrypted(sign.model, values, 32), SignModel::results(values[0]));
}

TEST(Negacyclic, PolynomialsHoldTheLowerHalfLessHalfTheOffset) {
  SignModel sign;
  SignModel::look.log2_delta_out = 1;
  for (uint32_t log2N : {3u, 4u, 5u, 9u}) {
    std::vector<uint64_t> polynomial(size_t(1) << log2N);
    for (uint32_t t = 0; t < tables; ++t) {
      fillTestPolynomial(SignModel::look, t, 0, log2N, polynomial.data());
      for (uint64_t j = 0; j < polynomial.size(); ++j) {
        // Ties between two centres go up; the slot above the lower half is the first, negated.
        int64_t slot = int64_t(std::floor(double(j) * 16 / double(polynomial.size()) + 0.5));
        int64_t value = slot < 16 ? lower(t, slot) : offsets[t] - lower(t, slot - 16);
        EXPECT_EQ(int64_t(polynomial[j]), 2 * value - offsets[t]) << log2N << " " << j;
      }
    }
  }
}

TEST(Negacyclic, SimulatedNoiseMeetsSlotsOfTheWholeTorus) {
  SignModel sign;
  // Half a slot is 2^-6 of the torus; one sigma of it: about 32 % leave their slot, and a sign
  // changes only next to its two ends.
  SignModel::look.noise_std = 1.0 / 64;
  std::fill_n(SignModel::tableOfElement, 32, 0u);
  auto values = SignModel::inputs(640);
  Options options;
  options.mode = FHE_MODE_SIMULATE;
  std::vector<int64_t> noisy = runClear(sign.model, values, 640, options);
  uint64_t atEnds = 0, wrongAtEnds = 0, wrongElsewhere = 0;
  for (size_t i = 0; i < noisy.size(); ++i) {
    int64_t slot = (int64_t(values[0][i]) - first + guard) & 15;
    bool wrong = noisy[i] != expected(0, int64_t(values[0][i]));
    if (slot == 13 || slot == 14) {
      ++atEnds;
      wrongAtEnds += wrong;
    } else if (slot < 8) { // Five sigmas away, or more.
      wrongElsewhere += wrong;
    }
  }
  EXPECT_NEAR(double(wrongAtEnds) / double(atEnds), 0.3173 / 2, 0.03);
  EXPECT_EQ(wrongElsewhere, 0u);
}

TEST(Negacyclic, BrokenDescriptorsAreRefused) {
  SignModel sign;
  const fhe_lookup_desc good = SignModel::look;
  auto expectRefused = [&](const char *word, const std::function<void(fhe_lookup_desc &)> &change) {
    SignModel::look = good;
    change(SignModel::look);
    try {
      Options options;
      options.mode = FHE_MODE_CLEAR;
      Prepared prepared(sign.model, nullptr, options);
      ADD_FAILURE() << "accepted: " << word;
    } catch (const std::exception &error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  static int32_t changed[tables][entries];
  std::memcpy(changed, SignModel::values, sizeof(changed));
  changed[1][entries - 1] ^= 1;
  expectRefused("table 1 is not negacyclic", [](fhe_lookup_desc &op) { op.tables = changed[0]; });
  expectRefused("without offsets", [](fhe_lookup_desc &op) { op.offsets = nullptr; });
  expectRefused("unknown realization", [](fhe_lookup_desc &op) { op.realization = 2; });
  expectRefused("offsets of a direct lookup", [](fhe_lookup_desc &op) { op.realization = 0; });
  expectRefused("is not 64", [](fhe_lookup_desc &op) { op.log2_delta_in = 58; });
  static const int64_t huge[tables] = {int64_t(1) << 60};
  expectRefused("impossible offset", [](fhe_lookup_desc &op) { op.offsets = huge; });
}

} // namespace
} // namespace fhe::runtime::test
