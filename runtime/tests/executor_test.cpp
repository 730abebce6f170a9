//===- executor_test.cpp - Clear and simulated runs, options, model checks ----------------===//
#include "runtime/server/observer.h"
#include "runtime/server/window.h"
#include "support.h"

#include <atomic>
#include <cmath>

namespace fhe::runtime::test {
namespace {

/// What demo.c computes, written down again from its numbers.
std::vector<int64_t> naiveDemo(const std::vector<float> &x) {
  static const int first[6][8] = {{1, -1, 0, 0, 1, 0, 0, -1}, {0, 1, -1, 0, 0, 1, 0, -1},
                                  {1, 1, 0, 0, -1, 0, -1, 0}, {0, 0, 1, 1, 0, -1, 0, 0},
                                  {0, 0, 0, -2, 1, 0, 0, 0},  {0, -1, 0, 0, 0, 0, 2, 0}};
  static const int second[3][6] = {
      {1, -2, 0, 1, 2, -1}, {-1, 2, 1, 0, -1, 1}, {0, 1, -1, 2, 0, -2}};
  static const int tables[2][13] = {{0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3},
                                    {3, 3, 2, 1, 0, 0, 1, 0, 2, 3, 0, 1, 2}};
  static const int which[6] = {0, 1, 0, 0, 1, 0};
  std::vector<int64_t> result;
  for (size_t s = 0; s < x.size() / 8; ++s) {
    int hidden[6];
    for (int o = 0; o < 6; ++o) {
      int sum = 0;
      for (int i = 0; i < 8; ++i)
        sum += first[o][i] * int(x[s * 8 + i] * 2);
      hidden[o] = tables[which[o]][sum + 6];
    }
    for (int o = 0; o < 3; ++o) {
      int sum = 0;
      for (int i = 0; i < 6; ++i)
        sum += second[o][i] * hidden[i];
      result.push_back(sum);
    }
  }
  return result;
}

/// What the window of window.c gives for v, from the words of fhe/abi.h.
int64_t naiveWindow(int64_t v) {
  static const int table[8] = {-4, 3, 2, 0, -1, 1, 4, 5};
  int64_t slot = ((v + 3 + 4) % 32 + 32) % 32;
  auto inWindow = [](int64_t s) { return s < 4 ? table[0] : s >= 12 ? table[7] : table[s - 4]; };
  return slot < 16 ? inWindow(slot) : -inWindow(slot - 16);
}

TEST(ClearExecutor, EqualsNaive) {
  auto x = inputsOf(demo_model, 50);
  EXPECT_EQ(runClear(demo_model, x, 50), naiveDemo(x[0]));
  EXPECT_EQ(runClear(plain_model, x, 50), naiveDemo(x[0]));
}

/// What kitchen.c computes for one sample.
std::vector<int64_t> naiveKitchen(const float *a, const float *b) {
  static const int conv[4][4] = {{1, -1, 0, 1}, {-1, 1, 1, 0}, {0, 0, 0, 0}, {1, 1, -1, -1}};
  static const int split[2][5] = {{0, 1, 0, 1, 1}, {1, 0, -1, 0, 1}};
  static const int source[10] = {0, 5, -1, 17, 63, 64, 100, 127, 31, -1};
  static const int constants[10] = {0, 1, 1, 0, -1, 0, 1, 0, 1, -1};
  static const int tables[10][5] = {
      {-2, -1, 0, 1, 2}, {2, 1, 0, 1, 2},   {0, 0, 1, 1, 1},  {3, -3, 3, -3, 3}, {1, 1, 1, 1, 1},
      {0, 1, 0, 1, 0},   {2, 2, -2, 2, -2}, {1, 2, -3, 0, 1}, {0, 0, 0, 0, 1},   {-1, 0, 0, 0, 0}};
  std::vector<int> halves(128);
  for (int c = 0; c < 4; ++c)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 4; ++x) {
        int sum = 0;
        for (int k = 0; k < 4; ++k) {
          int fromY = y + k / 2 - 1, fromX = x + k % 2 - 1;
          if (fromY >= 0 && fromX >= 0)
            sum += conv[c][k] * int(a[c / 2 * 16 + fromY * 4 + fromX]);
        }
        halves[size_t(c * 16 + y * 4 + x)] = split[0][sum + 2];
        halves[size_t(64 + c * 16 + y * 4 + x)] = split[1][sum + 2];
      }
  std::vector<int64_t> result;
  for (int e = 0; e < 10; ++e) {
    int picked = source[e] < 0 ? 0 : halves[size_t(source[e])];
    result.push_back(-tables[e][picked - constants[e] + 2] + 2 * int(b[e]));
  }
  return result;
}

TEST(ClearExecutor, KitchenEqualsNaive) {
  auto values = inputsOf(kitchen_model, 20);
  std::vector<int64_t> expected;
  for (size_t s = 0; s < 20; ++s) {
    // The pre-processing of the manifest, ceil(2x - 1) and ceil(x), leaves 0 and 1 as they are.
    std::vector<int64_t> one = naiveKitchen(values[0].data() + s * 32, values[1].data() + s * 10);
    expected.insert(expected.end(), one.begin(), one.end());
  }
  EXPECT_EQ(runClear(kitchen_model, values, 20), expected);
}

TEST(ClearExecutor, WindowSaturatesAndWraps) {
  std::vector<int64_t> result = runClear(window_model, inputsOf(window_model, 1), 1);
  for (int64_t v = -16; v < 16; ++v)
    EXPECT_EQ(result[size_t(v + 16)], naiveWindow(v)) << "v = " << v;
}

TEST(ClearExecutor, ThreadsAndTurnsChangeNothing) {
  auto inputs = inputsOf(kitchen_model, 13);
  std::vector<int64_t> reference = runClear(kitchen_model, inputs, 13);
  for (uint32_t threads : {1u, 2u, 5u})
    for (uint64_t samples : {1u, 4u, 100u}) {
      Options options;
      options.threads = threads;
      options.samples = samples;
      EXPECT_EQ(runClear(kitchen_model, inputs, 13, options), reference);
    }
}

TEST(ClearExecutor, CountsValuesOutsideTheTable) {
  Manifest manifest = manifestOf(window_model);
  Options options;
  options.mode = FHE_MODE_CLEAR;
  Prepared prepared(window_model, nullptr, options);
  auto values = inputsOf(window_model, 3);
  prepared.run(encodeClear(manifest, asInputs(window_model, values), 3));
  ASSERT_EQ(fhe_prepared_lookup_count(prepared.get()), 1u);
  const char *layer = nullptr;
  uint64_t evaluated = 0, outside = 0;
  ASSERT_EQ(fhe_prepared_out_of_window(prepared.get(), 0, &layer, &evaluated, &outside), FHE_OK);
  EXPECT_STREQ(layer, "look");
  EXPECT_EQ(evaluated, 96u);
  EXPECT_EQ(outside, 3u * (32 - 8));
  EXPECT_EQ(fhe_prepared_out_of_window(prepared.get(), 1, &layer, &evaluated, &outside),
            FHE_INVALID_ARGUMENT);
}

TEST(ClearExecutor, DequantizesAsTheManifestSays) {
  Manifest manifest = manifestOf(demo_model);
  Options options;
  options.mode = FHE_MODE_CLEAR;
  Prepared prepared(demo_model, nullptr, options);
  auto x = inputsOf(demo_model, 4);
  Ciphertexts y = prepared.run(encodeClear(manifest, asInputs(demo_model, x), 4));
  std::vector<int64_t> integers = decodeClearIntegers(manifest, y);
  std::vector<float> floats = decodeClear(manifest, y);
  const float offset[3] = {0.5f, 0.0f, -1.0f};
  for (size_t i = 0; i < floats.size(); ++i)
    EXPECT_EQ(floats[i], float(integers[i]) * 0.25f + offset[i % 3]);
}

TEST(ClearExecutor, PostProcessesToAnArgmax) {
  Manifest manifest = manifestOf(kitchen_model);
  Options options;
  options.mode = FHE_MODE_CLEAR;
  Prepared prepared(kitchen_model, nullptr, options);
  auto values = inputsOf(kitchen_model, 5);
  Ciphertexts y = prepared.run(encodeClear(manifest, asInputs(kitchen_model, values), 5));
  std::vector<int64_t> integers = decodeClearIntegers(manifest, y);
  std::vector<float> best = decodeClear(manifest, y);
  ASSERT_EQ(best.size(), 5u);
  for (size_t s = 0; s < 5; ++s) {
    auto first = integers.begin() + std::ptrdiff_t(s * 10);
    EXPECT_EQ(best[s], float(std::max_element(first, first + 10) - first));
  }
}

TEST(SimulateExecutor, IsDeterministicAndNearlyClear) {
  auto x = inputsOf(demo_model, 400);
  std::vector<int64_t> clear = runClear(demo_model, x, 400);
  Options options;
  options.mode = FHE_MODE_SIMULATE;
  options.seed = 7;
  // noise_std 0.004 is 8 sigma from half a slot: no difference is expected.
  EXPECT_EQ(runClear(demo_model, x, 400, options), clear);

  fhe_model noisy = demo_model;
  fhe_port output = demo_model.outputs[0];
  output.noise_std = 0.02; // 2/3 of a step of 2^-5
  noisy.outputs = &output;
  options.threads = 1;
  std::vector<int64_t> one = runClear(noisy, x, 400, options);
  options.threads = 3;
  options.samples = 7;
  EXPECT_EQ(runClear(noisy, x, 400, options), one);
  EXPECT_NE(one, clear);
  options.seed = 8;
  EXPECT_NE(runClear(noisy, x, 400, options), one);
  double squares = 0;
  for (size_t i = 0; i < one.size(); ++i)
    squares += double((one[i] - clear[i]) * (one[i] - clear[i]));
  // Variance 0.64^2 and 1/12 of rounding.
  EXPECT_NEAR(squares / double(one.size()), 0.64 * 0.64 + 1.0 / 12, 0.06);
}

/// A window model whose lookup the test may change.
struct OwnWindow {
  static inline fhe_lookup_desc look;
  static int32_t entry(const fhe_executor *executor) {
    const uint64_t out[1] = {32};
    return executor->ops->lookup(executor->state, &look, out, 0);
  }
  const fhe_op_header *ops[1] = {&look.header};
  fhe_model model = window_model;
  OwnWindow() {
    look = reinterpret_cast<const fhe_lookup_desc &>(*window_model.ops[0]);
    model.ops = ops;
    model.entry = entry;
  }
};

TEST(SimulateExecutor, TableErrorsFollowTheNoise) {
  OwnWindow own;
  // Half a slot is 2^-6 of the torus; one sigma of it: about 32 % leave their slot.
  OwnWindow::look.noise_std = 1.0 / 64;
  static int32_t ramp[16];
  for (int i = 0; i < 16; ++i)
    ramp[i] = i - 8;
  OwnWindow::look.tables = ramp;
  OwnWindow::look.entries = 16;
  OwnWindow::look.guard = 0;
  OwnWindow::look.lo = -8;
  auto values = inputsOf(window_model, 500);
  Options options;
  options.mode = FHE_MODE_SIMULATE;
  std::vector<int64_t> clear = runClear(own.model, values, 500);
  std::vector<int64_t> noisy = runClear(own.model, values, 500, options);
  uint64_t differences = 0, total = 0;
  for (size_t i = 0; i < clear.size(); ++i) {
    if (i % 32 < 9 || i % 32 > 22)
      continue; // Away from the ends of the window, where an error is a sign.
    ++total;
    differences += clear[i] != noisy[i];
  }
  EXPECT_NEAR(double(differences) / double(total), 0.3173, 0.03);
}

TEST(Window, PolynomialsOfEveryWidthHoldTheNearestSlot) {
  fhe_lookup_desc op = reinterpret_cast<const fhe_lookup_desc &>(*window_model.ops[0]);
  for (uint32_t log2N : {3u, 4u, 5u, 8u, 11u}) {
    std::vector<uint64_t> polynomial(size_t(1) << log2N);
    op.log2_delta_out = 0;
    fillTestPolynomial(op, 0, 0, log2N, polynomial.data());
    for (uint64_t j = 0; j < polynomial.size(); ++j) {
      // The centre of slot s lies at s / 16 of the window; ties go up.
      uint64_t slot = uint64_t(std::floor(double(j) * 16 / double(polynomial.size()) + 0.5));
      EXPECT_EQ(int64_t(polynomial[j]), naiveWindow(int64_t(slot) - 7)) << log2N << " " << j;
    }
  }
}

TEST(Prepare, MemoryLimitLowersTheSamples) {
  Options options;
  options.mode = FHE_MODE_CLEAR;
  options.samples = 1000;
  Prepared free(demo_model, nullptr, options);
  EXPECT_EQ(free.samples(), 1000u);
  EXPECT_EQ(free.memory(), 1000u * 14 * 8);
  options.memory_limit = 14 * 8 * 5 + 3;
  Prepared limited(demo_model, nullptr, options);
  EXPECT_EQ(limited.samples(), 5u);
  options.memory_limit = 14 * 8 - 1;
  fhe_prepared *none = nullptr;
  EXPECT_EQ(fhe_prepare(&demo_model, nullptr, &options, &none), FHE_OUT_OF_MEMORY);
  EXPECT_EQ(none, nullptr);
  EXPECT_NE(std::string(fhe_last_error()).find("memory limit"), std::string::npos);
}

TEST(Run, ReportsProgressAndCancels) {
  Manifest manifest = manifestOf(kitchen_model);
  Options options;
  options.mode = FHE_MODE_CLEAR;
  options.samples = 2;
  Prepared prepared(kitchen_model, nullptr, options);
  auto values = inputsOf(kitchen_model, 5);
  Ciphertexts in = encodeClear(manifest, asInputs(kitchen_model, values), 5);
  fhe_progress last{};
  uint64_t calls = 0;
  prepared.run(in, [&](const fhe_progress &progress) {
    EXPECT_GE(progress.ops_done, last.ops_done);
    EXPECT_GE(progress.lookups_done, last.lookups_done);
    last = progress;
    ++calls;
    return true;
  });
  EXPECT_EQ(last.ops_total, 3u * 7);
  EXPECT_EQ(last.ops_done, last.ops_total);
  EXPECT_EQ(last.lookups_total, 5u * 74);
  EXPECT_EQ(last.lookups_done, last.lookups_total);
  EXPECT_GE(calls, 21u);
  try {
    prepared.run(in, [](const fhe_progress &progress) { return progress.ops_done < 3; });
    FAIL() << "not cancelled";
  } catch (const Error &error) {
    EXPECT_EQ(error.status(), FHE_CANCELLED);
  }
  try {
    prepared.run(in, [&](const fhe_progress &) {
      prepared.cancel();
      return true;
    });
    FAIL() << "not cancelled";
  } catch (const Error &error) {
    EXPECT_EQ(error.status(), FHE_CANCELLED);
  }
  prepared.run(in); // A cancelled object is as good as new.
}

TEST(Run, RefusesWrongInputs) {
  Options options;
  options.mode = FHE_MODE_CLEAR;
  Prepared prepared(demo_model, nullptr, options);
  auto values = inputsOf(window_model, 1);
  Ciphertexts other = encodeClear(manifestOf(window_model), asInputs(window_model, values), 1);
  fhe_ciphertexts *out = nullptr;
  EXPECT_EQ(fhe_run(prepared.get(), other.get(), nullptr, nullptr, &out), FHE_MISMATCH);
  EXPECT_EQ(fhe_run(prepared.get(), nullptr, nullptr, nullptr, &out), FHE_INVALID_ARGUMENT);
  EXPECT_EQ(out, nullptr);
}

TEST(Prepare, ClearOnlyModelsRunInTheClearOnly) {
  fhe_prepared *none = nullptr;
  Options options;
  options.mode = FHE_MODE_SIMULATE;
  EXPECT_EQ(fhe_prepare(&plain_model, nullptr, &options, &none), FHE_MISMATCH);
  EXPECT_NE(std::string(fhe_last_error()).find("--clear-only"), std::string::npos);
  fhe_client_key *key = nullptr;
  Manifest manifest = manifestOf(plain_model);
  EXPECT_EQ(fhe_client_key_generate(manifest.get(), &key), FHE_MISMATCH);
}

/// Expects that a changed model is refused and that the message holds `word`.
void expectRefused(const fhe_model &model, const char *word,
                   fhe_status status = FHE_INVALID_MODEL) {
  Options options;
  options.mode = FHE_MODE_CLEAR;
  fhe_prepared *none = nullptr;
  EXPECT_EQ(fhe_prepare(&model, nullptr, &options, &none), status) << word;
  EXPECT_NE(std::string(fhe_last_error()).find(word), std::string::npos) << fhe_last_error();
}

TEST(ModelChecks, RefuseBrokenRecords) {
  fhe_model model = demo_model;
  model.abi_version = FHE_ABI_VERSION + 1;
  expectRefused(model, "ABI version 6", FHE_UNSUPPORTED);
  model = demo_model, model.size -= 8;
  expectRefused(model, "size");
  model = demo_model, model.entry = nullptr;
  expectRefused(model, "no code");
  model = demo_model, model.manifest_bytes -= 1;
  expectRefused(model, "manifest");
  model = demo_model, model.arena_count = 1;
  expectRefused(model, "arena");
  model = demo_model, model.input_count = 0;
  expectRefused(model, "input");
  uint64_t small[2] = {0, 8};
  model = demo_model, model.arena_elements = small;
  expectRefused(model, "arena");
  fhe_port port = demo_model.outputs[0];
  port.elements = 4;
  model = demo_model, model.outputs = &port;
  expectRefused(model, "output 0");
  port = demo_model.outputs[0];
  port.offset = 15;
  uint64_t large[2] = {0, 20};
  model = demo_model, model.outputs = &port, model.arena_elements = large;
  expectRefused(model, "never written");
}

TEST(ModelChecks, RefuseBrokenParameters) {
  fhe_model model = demo_model;
  fhe_parameters parameters = *demo_model.parameters;
  model.parameters = &parameters;
  fhe_key_record keys[2] = {parameters.keys[0], parameters.keys[1]};
  parameters.keys = keys;
  keys[1].live = 1500;
  Options clear;
  clear.mode = FHE_MODE_CLEAR;
  EXPECT_NO_THROW(Prepared(model, nullptr, clear)) << "a partial key";
  keys[1].live = 2049;
  expectRefused(model, "live");
  keys[1].live = 0;
  expectRefused(model, "live");
  keys[1].live = 2048, keys[0].live = 774;
  expectRefused(model, "live");
  keys[0].live = 775;
  keys[0].noise_kind = 3;
  expectRefused(model, "noise", FHE_UNSUPPORTED);
  keys[0].noise_kind = FHE_NOISE_TUNIFORM;
  expectRefused(model, "TUniform");
  keys[1] = demo_model.parameters->keys[1];
  keys[0].distribution = FHE_DISTRIBUTION_SPARSE;
  expectRefused(model, "binary", FHE_UNSUPPORTED);
  keys[0] = demo_model.parameters->keys[0];
  keys[1].log2_poly = 40;
  expectRefused(model, "polynomial size");
  keys[1] = demo_model.parameters->keys[1];
  fhe_conversion_record conversions[2] = {parameters.conversions[0], parameters.conversions[1]};
  parameters.conversions = conversions;
  conversions[1].engine = FHE_ENGINE_AMORTIZED;
  expectRefused(model, "engine", FHE_UNSUPPORTED);
  conversions[1].engine = FHE_ENGINE_CLASSIC;
  conversions[1].switch_kind = 3;
  expectRefused(model, "modulus switch", FHE_UNSUPPORTED);
  conversions[1].switch_kind = FHE_SWITCH_CENTRED;
  conversions[0].from_key = 5;
  expectRefused(model, "key");
  conversions[0].from_key = 1;
  conversions[0].levels = 30;
  expectRefused(model, "decomposition");
}

TEST(ModelChecks, RefuseBrokenDescriptors) {
  OwnWindow own;
  const fhe_lookup_desc good = OwnWindow::look;
  auto expect = [&](const char *word, auto change) {
    OwnWindow::look = good;
    change(OwnWindow::look);
    expectRefused(own.model, word);
  };
  expect("kind", [](fhe_lookup_desc &op) { op.header.kind = 17; });
  expect("bytes", [](fhe_lookup_desc &op) { op.header.size += 8; });
  expect("number 3", [](fhe_lookup_desc &op) { op.header.index = 3; });
  expect("arena", [](fhe_lookup_desc &op) { op.header.key = 2; });
  expect("arena", [](fhe_lookup_desc &op) { op.in_key = 9; });
  expect("layer", [](fhe_lookup_desc &op) { op.header.layer = nullptr; });
  expect("window", [](fhe_lookup_desc &op) { op.guard = 9; });
  expect("is not 63", [](fhe_lookup_desc &op) { op.log2_delta_in = 58; });
  expect("conversion", [](fhe_lookup_desc &op) { op.keyswitch = 2; });
  expect("kind", [](fhe_lookup_desc &op) { op.keyswitch = 1; });
  expect("entries", [](fhe_lookup_desc &op) { op.entries = 0; });
  expect("tables", [](fhe_lookup_desc &op) { op.tables = nullptr; });
  expect("noise_std", [](fhe_lookup_desc &op) { op.noise_std = NAN; });
  static const uint32_t which[32] = {0, 0, 0, 1};
  expect("element 3", [](fhe_lookup_desc &op) { op.table_of_element = which; });
  expect("before it is written", [](fhe_lookup_desc &op) { op.elements = 33; });
  expect("slot outside", [](fhe_lookup_desc &op) { op.elements = 65; });
}

TEST(ModelChecks, RefuseWildCode) {
  fhe_model model = window_model;
  model.entry = [](const fhe_executor *executor) -> int32_t {
    const uint64_t out[1] = {16};
    return executor->ops->lookup(
        executor->state, reinterpret_cast<const fhe_lookup_desc *>(window_model.ops[0]), out, 0);
  };
  expectRefused(model, "overlaps");
  model.entry = [](const fhe_executor *executor) -> int32_t {
    const uint64_t out[1] = {0};
    return executor->ops->lookup(
        executor->state, reinterpret_cast<const fhe_lookup_desc *>(window_model.ops[0]), out, 32);
  };
  expectRefused(model, "before it is written");
  model.entry = [](const fhe_executor *executor) -> int32_t {
    const uint64_t out[1] = {32};
    static fhe_lookup_desc copy;
    copy = reinterpret_cast<const fhe_lookup_desc &>(*window_model.ops[0]);
    return executor->ops->lookup(executor->state, &copy, out, 0);
  };
  expectRefused(model, "does not list");
  model.entry = [](const fhe_executor *) -> int32_t { return 0; };
  expectRefused(model, "never written");
  static std::atomic<int> calls{0};
  calls = 0;
  model.entry = [](const fhe_executor *executor) -> int32_t {
    return calls++ == 0 ? window_model.entry(executor) : 0;
  };
  Options options;
  options.mode = FHE_MODE_CLEAR;
  Prepared prepared(model, nullptr, options);
  auto values = inputsOf(window_model, 1);
  Ciphertexts in = encodeClear(manifestOf(window_model), asInputs(window_model, values), 1);
  fhe_ciphertexts *out = nullptr;
  EXPECT_EQ(fhe_run(prepared.get(), in.get(), nullptr, nullptr, &out), FHE_INTERNAL);
}

} // namespace
} // namespace fhe::runtime::test
