//===- elementwise.cpp - Elementwise operations on arrays of LWE ciphertexts -----------------===//
#include "runtime/tfhe/linear/elementwise.h"

#include <cstring>

namespace fhe::tfhe {

void add(const uint64_t *a, const uint64_t *b, size_t count, size_t words, uint64_t *out) {
  for (size_t i = 0; i < count * words; ++i)
    out[i] = a[i] + b[i];
}

void subtract(const uint64_t *a, const uint64_t *b, size_t count, size_t words, uint64_t *out) {
  for (size_t i = 0; i < count * words; ++i)
    out[i] = a[i] - b[i];
}

void scale(const uint64_t *in, int64_t factor, size_t count, size_t words, uint64_t *out) {
  for (size_t i = 0; i < count * words; ++i)
    out[i] = uint64_t(factor) * in[i];
}

void scaleEach(const uint64_t *in, const int64_t *factors, size_t count, size_t words,
               uint64_t *out) {
  for (size_t c = 0; c < count; ++c)
    scale(in + c * words, factors[c], 1, words, out + c * words);
}

void addClear(uint64_t *ciphertexts, uint64_t value, size_t count, size_t words) {
  for (size_t c = 0; c < count; ++c)
    ciphertexts[c * words + words - 1] += value;
}

void addClearEach(uint64_t *ciphertexts, const uint64_t *values, size_t count, size_t words) {
  for (size_t c = 0; c < count; ++c)
    ciphertexts[c * words + words - 1] += values[c];
}

void gather(const uint64_t *in, const int64_t *index, size_t count, size_t words, uint64_t *out) {
  for (size_t c = 0; c < count; ++c) {
    if (index[c] < 0)
      std::memset(out + c * words, 0, words * sizeof(uint64_t));
    else
      std::memcpy(out + c * words, in + size_t(index[c]) * words, words * sizeof(uint64_t));
  }
}

void trivial(const uint64_t *values, size_t count, size_t words, uint64_t *out) {
  std::memset(out, 0, count * words * sizeof(uint64_t));
  addClearEach(out, values, count, words);
}

} // namespace fhe::tfhe
