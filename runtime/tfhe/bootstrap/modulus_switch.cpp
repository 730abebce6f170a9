//===- modulus_switch.cpp - From torus words to positions of a test polynomial ---------------===//
#include "runtime/tfhe/bootstrap/modulus_switch.h"

namespace fhe::tfhe {

namespace {

template <class Word>
unsigned shiftOf(uint32_t log2N) {
  return 8 * sizeof(Word) - (log2N + 1);
}

template <class Word>
void roundAll(const Word *in, size_t count, uint32_t log2N, uint32_t *out) {
  const unsigned shift = shiftOf<Word>(log2N);
  const Word half = Word(1) << (shift - 1);
  for (size_t i = 0; i < count; ++i)
    out[i] = uint32_t(Word(in[i] + half) >> shift); // The addition wraps: 2N is 0.
}

/// Rounds the mask and returns S modulo q. With t = a + half the position is the top of t and the
/// error, in units of 1/q, is half - low(t). Sums of the low parts could pass q, whose half is not
/// the half of the sum: so halves are added up, and the units they lose are counted.
template <class Word>
Word roundMask(const Word *in, size_t count, uint32_t log2N, uint32_t *out) {
  const unsigned shift = shiftOf<Word>(log2N);
  const Word half = Word(1) << (shift - 1), low = Word((half << 1) - 1);
  Word halves = 0, odd = 0;
  for (size_t i = 0; i < count; ++i) {
    const Word t = Word(in[i] + half);
    out[i] = uint32_t(t >> shift);
    halves += Word(t & low) >> 1;
    odd += t & 1;
  }
  return Word(Word(count) * (half >> 1) - halves - (odd >> 1));
}

template <class Word>
void switchAll(SwitchKind kind, uint32_t lweDimension, uint32_t log2N, const Word *in,
               size_t count, uint32_t *out) {
  const size_t words = size_t(lweDimension) + 1;
  if (kind == SwitchKind::plain)
    return roundAll(in, count * words, log2N, out);
  for (size_t c = 0; c < count; ++c, in += words, out += words) {
    const Word body = Word(in[lweDimension] + roundMask(in, lweDimension, log2N, out));
    roundAll(&body, 1, log2N, out + lweDimension);
  }
}

} // namespace

void modulusSwitch(const uint64_t *in, size_t count, uint32_t log2N, uint32_t *out) {
  roundAll(in, count, log2N, out);
}

void modulusSwitch(const uint32_t *in, size_t count, uint32_t log2N, uint32_t *out) {
  roundAll(in, count, log2N, out);
}

void modulusSwitch(SwitchKind kind, uint32_t lweDimension, uint32_t log2N, const uint64_t *in,
                   size_t count, uint32_t *out) {
  switchAll(kind, lweDimension, log2N, in, count, out);
}

void modulusSwitch(SwitchKind kind, uint32_t lweDimension, uint32_t log2N, const uint32_t *in,
                   size_t count, uint32_t *out) {
  switchAll(kind, lweDimension, log2N, in, count, out);
}

} // namespace fhe::tfhe
