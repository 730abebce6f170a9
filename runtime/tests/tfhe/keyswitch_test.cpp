//===- keyswitch_test.cpp - The keyswitch against plain integers and its noise formula -------===//
#include "runtime/tests/tfhe/support.h"
#include "runtime/tfhe/noise.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

/// The words where rounding and carries are hardest.
constexpr uint64_t hardWords[] = {0, 1, ~uint64_t(0), uint64_t(1) << 63, (uint64_t(1) << 63) - 1,
                                  0x7777777777777777, 0x8888888888888888, uint64_t(1) << 40};

uint64_t roundTo(uint64_t word, unsigned kept) {
  if (kept == 64)
    return word;
  return ((word >> (64 - kept)) + ((word >> (63 - kept)) & 1)) << (64 - kept);
}

/// Signed digits, most significant first: carries from the last digit up.
std::vector<int64_t> digitsOf(uint64_t word, const Decomposition &decomposition) {
  if (decomposition.baseLog == 64)
    return {int64_t(word)};
  std::vector<int64_t> digits(decomposition.levels);
  const unsigned kept = decomposition.baseLog * decomposition.levels;
  uint64_t rest = roundTo(word, kept) >> (64 - kept);
  for (size_t level = digits.size(); level-- > 0;) {
    const uint64_t base = uint64_t(1) << decomposition.baseLog;
    uint64_t digit = rest % base;
    rest /= base;
    digits[level] = int64_t(digit);
    if (digit >= base / 2) {
      digits[level] -= int64_t(base);
      ++rest;
    }
  }
  return digits;
}

/// (0, b) - sum of digits times rows, by the definition; to a nested key its mask words for 0.
std::vector<uint64_t> plainSwitch(const KeyswitchShape &shape, const std::vector<uint64_t> &rows,
                                  const std::vector<uint64_t> &in, size_t count) {
  const size_t nIn = shape.inputDimension, words = shape.words();
  std::vector<uint64_t> out(count * words);
  for (size_t c = 0; c < count; ++c) {
    uint64_t *to = out.data() + c * words;
    to[words - 1] = roundTo(in[c * (nIn + 1) + nIn], shape.wordBits);
    for (size_t i = 0; i < shape.shared; ++i)
      to[i] = roundTo(in[c * (nIn + 1) + i], shape.wordBits);
    for (size_t i = 0; i < nIn - shape.shared; ++i) {
      const std::vector<int64_t> digits =
          digitsOf(in[c * (nIn + 1) + shape.shared + i], shape.decomposition);
      for (size_t level = 0; level < digits.size(); ++level)
        for (size_t w = 0; w < words; ++w)
          to[w] -= uint64_t(digits[level]) * rows[(i * digits.size() + level) * words + w];
    }
  }
  return out;
}

void checkAgainstPlain(const KeyswitchShape &shape, std::vector<uint64_t> rows,
                       const std::vector<uint64_t> &in, size_t count) {
  if (shape.wordBits == 32)
    for (uint64_t &word : rows)
      word &= ~uint64_t(0) << 32;
  const std::vector<uint64_t> expected = plainSwitch(shape, rows, in, count);
  for (Isa isa : availableIsas()) {
    LweKeyswitchKey key(shape, isa);
    ASSERT_TRUE(key.ok());
    // In uneven calls, last first.
    const uint32_t cut = shape.coefficients() / 3 / 4 * 4;
    key.setCoefficients(cut, std::span(rows).subspan(cut * shape.coefficientWords()));
    if (cut)
      key.setCoefficients(0, std::span(rows).first(cut * shape.coefficientWords()));
    std::vector<uint64_t> out(expected.size(), 0xDEAD), split(expected.size(), 0xDEAD);
    TestScratch scratch(keyswitchScratchBytes(shape, isa));
    keyswitch(key, in.data(), count, out.data(), scratch);
    EXPECT_EQ(out, expected) << name(isa) << ", " << shape.wordBits << " bits, base 2^"
                             << shape.decomposition.baseLog << ", " << count << " ciphertexts";
    for (size_t begin = 0, part = 1; begin < count; begin += part, part = part * 3 % 11) {
      const size_t here = std::min(part, count - begin);
      keyswitch(key, in.data() + begin * (shape.inputDimension + size_t(1)), here,
                split.data() + begin * shape.words(), scratch);
    }
    EXPECT_EQ(split, expected) << name(isa) << ", in parts";
  }
}

} // namespace

TEST(Keyswitch, EqualsPlainIntegers) {
  const KeyswitchShape shapes[] = {
      {70, 5, {4, 4}},       {70, 5, {3, 5}},        {33, 40, {1, 12}},     {70, 5, {32, 2}},
      {70, 5, {16, 4}},      {70, 5, {2, 32}},       {65, 16, {23, 1}},     {130, 600, {8, 8}},
      {301, 31, {5, 3}},     {1, 1, {8, 1}},         {600, 15, {7, 2}},     {256, 7, {64, 1}},
      {70, 5, {4, 4}, 32},   {70, 15, {3, 5}, 32},   {33, 40, {1, 12}, 32}, {70, 16, {16, 2}, 32},
      {70, 5, {2, 16}, 32},  {65, 17, {23, 1}, 32},  {130, 600, {8, 4}, 32}, {301, 31, {5, 3}, 32},
      {1, 1, {8, 1}, 32},    {600, 15, {7, 2}, 32},  {97, 300, {32, 1}, 32}, {70, 8, {1, 32}, 32},
      {1100, 20, {4, 3}, 32},
      // Nested: the first words of the mask are taken over.
      {70, 5, {4, 4}, 64, 5},      {130, 67, {8, 8}, 64, 67},   {65, 64, {23, 1}, 64, 64},
      {300, 31, {16, 2}, 64, 31},  {70, 5, {4, 4}, 32, 5},      {130, 67, {8, 4}, 32, 67},
      {65, 64, {23, 1}, 32, 64},   {300, 31, {16, 2}, 32, 31},  {2, 1, {8, 1}, 32, 1},
      {1100, 333, {1, 17}, 32, 333}};
  for (const KeyswitchShape &shape : shapes)
    for (size_t count : {1u, 7u, 40u}) {
      std::vector<uint64_t> in = randomWords(count * (shape.inputDimension + 1), 11);
      for (size_t i = 0; i < std::min(in.size(), std::size(hardWords)); ++i)
        in[i] = hardWords[i];
      checkAgainstPlain(shape, randomWords(shape.allWords(), 12), in, count);
    }
}

// Largest digits times largest words: no sum of a kernel may overflow, also where it is emptied on
// the way (9000 * 8 products of 255 and 128 are more than 2^31).
TEST(Keyswitch, ExtremesDoNotOverflow) {
  for (uint32_t wordBits : {32u, 64u}) {
    const KeyswitchShape shape(9000, 3, {8, wordBits / 8}, wordBits);
    for (uint64_t word : {UINT64_MAX, UINT64_C(0x8080808080808080), UINT64_C(0x7F7F7F7F7F7F7F7F)}) {
      std::vector<uint64_t> in(2 * 9001, word), rows(shape.allWords(), ~uint64_t(0));
      checkAgainstPlain(shape, rows, in, 2);
    }
  }
}

// With rows that encrypt nothing but clear multiples of the gadget the phase is a rounding.
TEST(Keyswitch, RoundsExactly) {
  for (uint32_t wordBits : {32u, 64u})
    for (Decomposition decomposition :
         {Decomposition{4, 4}, Decomposition{3, 5}, Decomposition{1, 12}, Decomposition{16, 2},
          Decomposition{8, 4}}) {
      const uint32_t nIn = 70, nOut = 5, count = 9;
      const KeyswitchShape shape(nIn, nOut, decomposition, wordBits);
      std::vector<uint64_t> rows(shape.allWords());
      for (uint32_t i = 0; i < nIn; ++i)
        for (uint32_t level = 0; level < decomposition.levels; ++level)
          rows[(size_t(i) * decomposition.levels + level) * shape.words() + nOut] =
              uint64_t(2 * i + 1) << (64 - decomposition.baseLog * (level + 1));
      std::vector<uint64_t> in = randomWords(count * (nIn + 1), 11), out(count * (nOut + 1));
      std::copy(std::begin(hardWords), std::end(hardWords), in.begin());
      const unsigned kept = decomposition.baseLog * decomposition.levels;
      for (Isa isa : availableIsas()) {
        LweKeyswitchKey key(shape, isa);
        key.setCoefficients(0, rows);
        TestScratch scratch(keyswitchScratchBytes(shape, isa));
        keyswitch(key, in.data(), count, out.data(), scratch);
        for (size_t c = 0; c < count; ++c) {
          uint64_t expected = roundTo(in[c * (nIn + 1) + nIn], wordBits);
          for (uint32_t i = 0; i < nIn; ++i)
            expected -= roundTo(in[c * (nIn + 1) + i], kept) * (2 * i + 1);
          EXPECT_EQ(out[c * (nOut + 1) + nOut], expected)
              << name(isa) << ", base 2^" << decomposition.baseLog << ", ciphertext " << c;
        }
      }
    }
}
