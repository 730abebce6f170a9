//===- linear_test.cpp - Linear layers and elementwise operations against plain loops --------===//
#include "runtime/tests/tfhe/support.h"
#include "runtime/tfhe/linear/elementwise.h"
#include "runtime/tfhe/linear/linear.h"
#include "runtime/tfhe/linear/plane_layer.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

/// Weights of a width and a share of zeros, as bytes of memory and as integers.
struct TestWeights {
  std::vector<int8_t> bytes;
  std::vector<int16_t> halves;
  std::vector<int32_t> words;
  std::vector<int64_t> values;
  Weights view;

  TestWeights(size_t count, uint32_t width, unsigned zeroPercent, uint8_t seed) : values(count) {
    std::vector<uint64_t> random = randomWords(2 * count, seed);
    for (size_t i = 0; i < count; ++i) {
      const int64_t value = int64_t(random[2 * i]) >> (64 - 8 * width);
      values[i] = random[2 * i + 1] % 100 < zeroPercent ? 0 : value;
    }
    view.bytesPerWeight = width;
    fill();
  }

  /// All weights the same.
  void set(int64_t value) {
    std::fill(values.begin(), values.end(), value);
    fill();
  }

private:
  void fill() {
    const uint32_t width = view.bytesPerWeight;
    bytes.assign(values.begin(), values.end());
    halves.assign(values.begin(), values.end());
    words.assign(values.begin(), values.end());
    view.data = width == 1   ? static_cast<const void *>(bytes.data())
                : width == 2 ? static_cast<const void *>(halves.data())
                             : static_cast<const void *>(words.data());
  }
};

/// Runs items in three uneven calls, to see that a split does not matter.
template <class F> void inParts(uint64_t items, F f) {
  f(0, items / 3);
  f(items / 3, items - 1);
  f(items - 1, items);
}

template <class Word>
std::vector<Word> naiveConvolution(const ConvolutionShape &s, const std::vector<Word> &in,
                                   const TestWeights &weights) {
  const int64_t perGroup = int64_t(s.inChannels / s.groups);
  std::vector<Word> out(s.samples * s.outChannels * s.outHeight() * s.outWidth() * s.words);
  size_t to = 0;
  for (size_t n = 0; n < s.samples; ++n)
    for (size_t oc = 0; oc < s.outChannels; ++oc)
      for (size_t oy = 0; oy < s.outHeight(); ++oy)
        for (size_t ox = 0; ox < s.outWidth(); ++ox, to += s.words)
          for (int64_t c = 0; c < perGroup; ++c)
            for (size_t ky = 0; ky < s.kernelHeight; ++ky)
              for (size_t kx = 0; kx < s.kernelWidth; ++kx) {
                const int64_t y = int64_t(oy * s.strideY + ky * s.dilationY) - int64_t(s.padTop);
                const int64_t x = int64_t(ox * s.strideX + kx * s.dilationX) - int64_t(s.padLeft);
                if (y < 0 || x < 0 || y >= int64_t(s.inHeight) || x >= int64_t(s.inWidth))
                  continue;
                const size_t channel =
                    oc / (s.outChannels / s.groups) * size_t(perGroup) + size_t(c);
                const size_t from =
                    (((n * s.inChannels + channel) * s.inHeight + size_t(y)) * s.inWidth +
                     size_t(x)) * s.words;
                const int64_t weight =
                    weights.values[((oc * size_t(perGroup) + size_t(c)) * s.kernelHeight + ky) *
                                       s.kernelWidth + kx];
                for (size_t w = 0; w < s.words; ++w)
                  out[to + w] += Word(weight) * in[from + w];
              }
  return out;
}

} // namespace

namespace {

template <class Word> std::vector<Word> randomOf(size_t count, uint8_t seed) {
  std::vector<uint64_t> words = randomWords(count, seed);
  return {words.begin(), words.end()};
}

size_t inputWords(const ConvolutionShape &s) {
  return s.samples * s.inChannels * s.inHeight * s.inWidth * s.words;
}

/// The layer on every instruction set, and by byte planes also where they would not be chosen,
/// against plain loops.
template <class Word>
void checkLayer(const ConvolutionShape &s, const std::vector<Word> &in,
                const TestWeights &weights) {
  const std::vector<Word> expected = naiveConvolution(s, in, weights);
  for (Isa isa : availableIsas()) {
    std::vector<Word> out(expected.size(), Word(0xDEAD));
    TestScratch scratch(convolutionScratchBytes(s));
    inParts(convolutionItems(s), [&](uint64_t begin, uint64_t end) {
      convolution(s, in.data(), weights.view, out.data(), begin, end, scratch, isa);
    });
    ASSERT_EQ(out, expected) << name(isa) << ", words of " << sizeof(Word);
    const PlaneKernels *planes = integerKernels(isa).planes;
    if (!planes)
      continue;
    std::fill(out.begin(), out.end(), Word(0xDEAD));
    const PlanePlan plan(s, sizeof(Word), weights.view.bytesPerWeight);
    TestScratch exact(plan.scratchBytes(s));
    auto part = [&](uint64_t begin, uint64_t end) {
      planeLayer(s, plan, *planes, in.data(), weights.view, out.data(), begin, end, exact);
    };
    part(plan.units / 2, plan.units);
    part(0, plan.units / 2);
    ASSERT_EQ(out, expected) << "planes of " << name(isa) << ", words of " << sizeof(Word);
  }
}

void checkLayer(const ConvolutionShape &s, uint32_t width, unsigned zeros, uint8_t seed) {
  SCOPED_TRACE(testing::Message() << s.inChannels << " x " << s.inHeight << " x " << s.inWidth
                                  << " to " << s.outChannels << ", kernel " << s.kernelHeight
                                  << " x " << s.kernelWidth << ", words " << s.words
                                  << ", weights of " << width << " bytes");
  TestWeights weights(s.outChannels * s.taps(), width, zeros, seed);
  checkLayer(s, randomOf<uint64_t>(inputWords(s), seed), weights);
  checkLayer(s, randomOf<uint32_t>(inputWords(s), seed), weights);
}

ConvolutionShape gemmAs(uint64_t samples, uint64_t inputs, uint64_t outputs, uint64_t words) {
  return {.samples = samples, .inChannels = inputs, .inHeight = 1, .inWidth = 1,
          .outChannels = outputs, .kernelHeight = 1, .kernelWidth = 1, .words = words};
}

} // namespace

TEST(Linear, GemmEqualsLoops) {
  struct Case {
    GemmShape shape;
    uint32_t width;
    unsigned zeros;
  };
  const Case cases[] = {
      {{1, 1, 1, 1}, 1, 0},      {{2, 5, 3, 7}, 1, 20},     {{1, 17, 9, 33}, 2, 0},
      {{3, 40, 6, 130}, 4, 50},  {{1, 30, 10, 776}, 1, 90}, {{1, 300, 5, 601}, 1, 30},
      {{1, 12, 4, 2049}, 2, 10}, {{2, 6, 8, 1100}, 1, 100}, {{1, 64, 130, 65}, 1, 75},
      {{1, 130, 40, 20}, 2, 60}, {{1, 50, 25, 50}, 4, 0},   {{1, 203, 7, 9}, 1, 97},
  };
  for (const Case &c : cases) {
    const GemmShape &s = c.shape;
    TestWeights weights(s.outputs * s.inputs, c.width, c.zeros, 3);
    std::vector<uint64_t> in = randomWords(s.samples * s.inputs * s.words, 4);
    std::vector<uint64_t> expected(s.samples * s.outputs * s.words);
    for (size_t n = 0; n < s.samples; ++n)
      for (size_t o = 0; o < s.outputs; ++o)
        for (size_t i = 0; i < s.inputs; ++i)
          for (size_t w = 0; w < s.words; ++w)
            expected[(n * s.outputs + o) * s.words + w] +=
                uint64_t(weights.values[o * s.inputs + i]) * in[(n * s.inputs + i) * s.words + w];
    for (Isa isa : availableIsas()) {
      std::vector<uint64_t> out(expected.size(), 0xDEAD);
      TestScratch scratch(gemmScratchBytes(s));
      inParts(gemmItems(s), [&](uint64_t begin, uint64_t end) {
        gemm(s, in.data(), weights.view, out.data(), begin, end, scratch, isa);
      });
      EXPECT_EQ(out, expected) << name(isa) << ", outputs " << s.outputs << ", words " << s.words;
    }
    checkLayer(gemmAs(s.samples, s.inputs, s.outputs, s.words), c.width, c.zeros, 5);
  }
}

TEST(Linear, ConvolutionEqualsLoops) {
  std::vector<ConvolutionShape> shapes(11);
  shapes[0] = {.samples = 1, .inChannels = 1, .inHeight = 3, .inWidth = 3, .outChannels = 1,
               .kernelHeight = 3, .kernelWidth = 3, .words = 9};
  shapes[1] = {.samples = 2, .inChannels = 3, .inHeight = 7, .inWidth = 6, .outChannels = 5,
               .kernelHeight = 3, .kernelWidth = 2, .strideY = 2, .strideX = 1, .padTop = 1,
               .padLeft = 1, .padBottom = 1, .padRight = 0, .words = 40};
  shapes[2] = {.samples = 1, .inChannels = 4, .inHeight = 9, .inWidth = 9, .outChannels = 8,
               .kernelHeight = 3, .kernelWidth = 3, .dilationY = 2, .dilationX = 3, .padTop = 2,
               .padLeft = 3, .padBottom = 2, .padRight = 3, .groups = 2, .words = 17};
  // Depthwise.
  shapes[3] = {.samples = 1, .inChannels = 6, .inHeight = 5, .inWidth = 5, .outChannels = 6,
               .kernelHeight = 2, .kernelWidth = 2, .strideY = 2, .strideX = 2, .groups = 6,
               .words = 601};
  // One-dimensional.
  shapes[4] = {.samples = 2, .inChannels = 2, .inHeight = 1, .inWidth = 20, .outChannels = 3,
               .kernelHeight = 1, .kernelWidth = 5, .strideX = 3, .padLeft = 2, .padRight = 2,
               .words = 33};
  // A kernel as large as the input, padding wider than the kernel.
  shapes[5] = {.samples = 1, .inChannels = 2, .inHeight = 4, .inWidth = 4, .outChannels = 9,
               .kernelHeight = 4, .kernelWidth = 4, .words = 1025};
  shapes[6] = {.samples = 1, .inChannels = 1, .inHeight = 2, .inWidth = 2, .outChannels = 4,
               .kernelHeight = 2, .kernelWidth = 2, .padTop = 3, .padLeft = 3, .padBottom = 3,
               .padRight = 3, .words = 12};
  // Channels shared between windows, not a multiple of four, several groups, strides and dilations;
  // the last three are cut into strips and pieces.
  shapes[7] = {.samples = 2, .inChannels = 18, .inHeight = 6, .inWidth = 7, .outChannels = 14,
               .kernelHeight = 3, .kernelWidth = 3, .strideY = 1, .strideX = 2, .dilationY = 1,
               .dilationX = 2, .padTop = 1, .padLeft = 2, .padBottom = 1, .padRight = 1,
               .groups = 2, .words = 21};
  shapes[8] = {.samples = 1, .inChannels = 64, .inHeight = 3, .inWidth = 40, .outChannels = 7,
               .kernelHeight = 3, .kernelWidth = 3, .padLeft = 1, .padRight = 1, .words = 19};
  shapes[9] = {.samples = 1, .inChannels = 3, .inHeight = 5, .inWidth = 60, .outChannels = 20,
               .kernelHeight = 5, .kernelWidth = 5, .padLeft = 2, .padRight = 2, .words = 37};
  shapes[10] = {.samples = 1, .inChannels = 128, .inHeight = 1, .inWidth = 30, .outChannels = 110,
                .kernelHeight = 1, .kernelWidth = 3, .dilationX = 4, .words = 5};
  for (size_t i = 0; i < shapes.size(); ++i)
    for (uint32_t width : {1u, 2u, 4u}) {
      if (width != 1 && i >= 8 && i % 3 != width % 3)
        continue; // Plain loops are slow.
      checkLayer(shapes[i], width, (i + width) % 3 ? 40 : 0, uint8_t(5 + i));
    }
  checkLayer(shapes[7], 1, 95, 30);
  checkLayer(shapes[10], 1, 99, 31);
}

// Weights and words at the ends of their ranges: no sum may overflow, whatever is cut into bytes.
TEST(Linear, ExtremesAreExact) {
  for (uint32_t width : {1u, 2u, 4u})
    for (int64_t value : {int64_t(-1) << (8 * width - 1), (int64_t(1) << (8 * width - 1)) - 1,
                          int64_t(127), int64_t(-128), (int64_t(1) << (8 * width - 1)) - 128}) {
      const ConvolutionShape s = gemmAs(1, 501, 7, 18);
      TestWeights weights(s.outChannels * s.taps(), width, 0, 3);
      weights.set(value);
      for (uint64_t word : {~uint64_t(0), uint64_t(0xFF00FF00FF00FF00), uint64_t(1) << 63}) {
        checkLayer(s, std::vector<uint64_t>(inputWords(s), word), weights);
        checkLayer(s, std::vector<uint32_t>(inputWords(s), uint32_t(word)), weights);
      }
    }
  // More taps than the sums of a kernel can hold at once.
  const ConvolutionShape s = gemmAs(1, 70001, 3, 2);
  TestWeights weights(s.outChannels * s.taps(), 1, 0, 3);
  weights.set(-128);
  checkLayer(s, std::vector<uint64_t>(inputWords(s), ~uint64_t(0)), weights);
}

// The same on encryptions: phases of the results are the sums of the phases.
TEST(Linear, CommutesWithDecryption) {
  const uint32_t n = 500, count = 30;
  LweSecretKey key(n, seedOf(1), 0);
  std::vector<uint64_t> plaintexts(count), in(count * (n + 1)), out(4 * (n + 1)), phases(4);
  for (size_t i = 0; i < count; ++i)
    plaintexts[i] = i << 50;
  ASSERT_TRUE(encryptFresh(key, plaintexts, -40, in.data()));
  TestWeights weights(4 * count, 1, 30, 8);
  GemmShape shape{1, count, 4, n + 1};
  TestScratch scratch(gemmScratchBytes(shape));
  gemm(shape, in.data(), weights.view, out.data(), 0, gemmItems(shape), scratch);
  decryptPhases(key, out.data(), phases);
  for (size_t o = 0; o < 4; ++o) {
    uint64_t expected = 0;
    double norm2 = 0;
    for (size_t i = 0; i < count; ++i) {
      expected += uint64_t(weights.values[o * count + i]) * plaintexts[i];
      norm2 += std::pow(double(weights.values[o * count + i]), 2);
    }
    EXPECT_LT(std::abs(double(int64_t(phases[o] - expected))), 6 * std::sqrt(norm2) * 0x1p24);
  }
}

TEST(Elementwise, EqualLoops) {
  const size_t count = 5, words = 13;
  std::vector<uint64_t> a = randomWords(count * words, 1), b = randomWords(count * words, 2);
  std::vector<uint64_t> out(a.size());
  add(a.data(), b.data(), count, words, out.data());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(out[i], a[i] + b[i]);
  subtract(out.data(), b.data(), count, words, out.data()); // In place.
  EXPECT_EQ(out, a);
  scale(a.data(), -3, count, words, out.data());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(out[i], 0 - 3 * a[i]);
  const int64_t factors[count] = {0, 1, -1, 1024, -7};
  scaleEach(a.data(), factors, count, words, out.data());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(out[i], uint64_t(factors[i / words]) * a[i]);
  out = a;
  const uint64_t values[count] = {1, 2, 3, ~uint64_t(0), 1ull << 63};
  addClearEach(out.data(), values, count, words);
  addClear(out.data(), 100, count, words);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(out[i], i % words == words - 1 ? a[i] + values[i / words] + 100 : a[i]);
  trivial(values, count, words, out.data());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(out[i], i % words == words - 1 ? values[i / words] : 0);
}

TEST(Elementwise, GatherPutsZeroForMinusOne) {
  const size_t words = 4;
  std::vector<uint64_t> in = randomWords(3 * words, 3), out(5 * words, 0xDEAD);
  const int64_t index[5] = {2, -1, 0, 0, 1};
  gather(in.data(), index, 5, words, out.data());
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t from = index[i / words];
    ASSERT_EQ(out[i], from < 0 ? 0 : in[size_t(from) * words + i % words]);
  }
}
