//===- modulus_switch_test.cpp - Both modulus switches against wide integers -----------------===//
#include "runtime/tests/tfhe/support.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

namespace {

/// The switch of the definition, in 128-bit integers: the sum of the errors cannot wrap.
template <class Word>
std::vector<uint32_t> reference(SwitchKind kind, uint32_t n, uint32_t log2N, const Word *in) {
  using Wide = __int128;
  const unsigned shift = 8 * sizeof(Word) - log2N - 1;
  const Wide half = Wide(1) << (shift - 1);
  const uint32_t mask = (2u << log2N) - 1;
  std::vector<uint32_t> out(n + 1);
  Wide errors = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const Wide position = (Wide(in[i]) + half) >> shift;
    errors += (position << shift) - Wide(in[i]);
    out[i] = uint32_t(position) & mask;
  }
  const Wide moved = Wide(in[n]) + (kind == SwitchKind::centred ? (errors + 1) >> 1 : 0);
  out[n] = uint32_t((moved + half) >> shift) & mask;
  return out;
}

template <class Word>
void compare(SwitchKind kind, uint32_t n, uint32_t log2N, std::span<const Word> in) {
  const size_t count = in.size() / (n + 1);
  std::vector<uint32_t> out(in.size());
  modulusSwitch(kind, n, log2N, in.data(), count, out.data());
  for (size_t c = 0; c < count; ++c) {
    const std::vector<uint32_t> expected =
        reference(kind, n, log2N, in.data() + c * (n + 1));
    const std::vector<uint32_t> found(out.begin() + ptrdiff_t(c * (n + 1)),
                                      out.begin() + ptrdiff_t((c + 1) * (n + 1)));
    ASSERT_EQ(found, expected) << "n=" << n << " log2N=" << log2N << " ciphertext " << c;
  }
}

template <class Word>
void compareAll() {
  const unsigned bits = 8 * sizeof(Word);
  for (SwitchKind kind : {SwitchKind::plain, SwitchKind::centred})
    for (uint32_t n : {1u, 2u, 775u, 918u, 4096u})
      for (uint32_t log2N = minLog2PolynomialSize; log2N <= maxLog2PolynomialSize; ++log2N) {
        std::vector<uint64_t> random = randomWords(5 * (n + 1), uint8_t(log2N + n));
        std::vector<Word> words(random.begin(), random.end());
        // Every error as large as it gets, upwards and downwards: the sums leave the word.
        const Word step = Word(1) << (bits - log2N - 1), half = step / 2;
        for (uint32_t i = 0; i < n; ++i) {
          words[i] = Word(words[i] & ~(step - 1)) | half;
          words[n + 1 + i] = Word(words[n + 1 + i] & ~(step - 1)) | Word(half - 1);
          words[2 * (n + 1) + i] = i % 2 ? Word(~Word(0)) : Word(1);
        }
        compare<Word>(kind, n, log2N, words);
        // Bodies from one unit below to one above each boundary near the moved body.
        for (int offset = -2; offset <= 2; ++offset) {
          std::vector<Word> one(words.begin(), words.begin() + n + 1);
          __int128 errors = 0;
          for (uint32_t i = 0; i < n; ++i)
            errors += half; // An error of exactly a half rounds up.
          one[n] = Word(Word(half) - Word((errors + 1) >> 1) + Word(offset));
          compare<Word>(kind, n, log2N, one);
        }
      }
}

} // namespace

TEST(ModulusSwitch, EqualsTheDefinition) {
  compareAll<uint64_t>();
  compareAll<uint32_t>();
}

// A known phase: with a secret of ones and zeros in turns the centred switch is right to half a
// position where the plain one is off by a quarter of the number of ones.
TEST(ModulusSwitch, CentringRemovesTheMean) {
  const uint32_t n = 800, log2N = 10;
  const uint64_t step = uint64_t(1) << 53;
  std::vector<uint64_t> in(n + 1, 7 * step + step / 2 - 1); // Every error just above -1/2.
  std::vector<uint32_t> out(n + 1);
  in[n] = 1000 * step;
  for (uint32_t i = 0; i < n; i += 2)
    in[n] += in[i];
  auto phase = [&](SwitchKind kind) {
    modulusSwitch(kind, n, log2N, in.data(), 1, out.data());
    uint32_t position = out[n];
    for (uint32_t i = 0; i < n; i += 2)
      position -= out[i];
    return position % 2048;
  };
  EXPECT_EQ(phase(SwitchKind::plain), 1200u); // 400 ones, half a position each.
  EXPECT_EQ(phase(SwitchKind::centred), 1000u);
}
