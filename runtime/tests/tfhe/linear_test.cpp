//===- linear_test.cpp - Linear layers and elementwise operations against plain loops --------===//
#include "runtime/tests/tfhe/support.h"
#include "runtime/tfhe/linear/elementwise.h"
#include "runtime/tfhe/linear/linear.h"

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
    bytes.assign(values.begin(), values.end());
    halves.assign(values.begin(), values.end());
    words.assign(values.begin(), values.end());
    view.bytesPerWeight = width;
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

std::vector<uint64_t> naiveConvolution(const ConvolutionShape &s, const std::vector<uint64_t> &in,
                                       const TestWeights &weights) {
  const int64_t perGroup = int64_t(s.inChannels / s.groups);
  std::vector<uint64_t> out(s.samples * s.outChannels * s.outHeight() * s.outWidth() * s.words);
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
                  out[to + w] += uint64_t(weight) * in[from + w];
              }
  return out;
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
      {{1, 12, 4, 2049}, 2, 10}, {{2, 6, 8, 1100}, 1, 100},
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
  }
}

TEST(Linear, ConvolutionEqualsLoops) {
  std::vector<ConvolutionShape> shapes(7);
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
  for (size_t i = 0; i < shapes.size(); ++i) {
    const ConvolutionShape &s = shapes[i];
    TestWeights weights(s.outChannels * s.inChannels / s.groups * s.kernelHeight * s.kernelWidth,
                        i % 2 ? 2 : 1, i % 3 ? 40 : 0, uint8_t(5 + i));
    std::vector<uint64_t> in =
        randomWords(s.samples * s.inChannels * s.inHeight * s.inWidth * s.words, 6);
    std::vector<uint64_t> expected = naiveConvolution(s, in, weights);
    for (Isa isa : availableIsas()) {
      std::vector<uint64_t> out(expected.size(), 0xDEAD);
      TestScratch scratch(convolutionScratchBytes(s));
      inParts(convolutionItems(s), [&](uint64_t begin, uint64_t end) {
        convolution(s, in.data(), weights.view, out.data(), begin, end, scratch, isa);
      });
      EXPECT_EQ(out, expected) << name(isa) << ", shape " << i;
    }
  }
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
