//===- elementwise.h - Elementwise operations on arrays of LWE ciphertexts -------------------===//
//
// Addition, subtraction, multiplication by clear integers, addition of clear torus constants and
// gathering, on arrays [count][words] (mask, then body), modulo 2^64. Memory-bound; plain loops
// that compilers vectorise. Where out and in may be the same array it says so; partial overlap
// never is allowed.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_LINEAR_ELEMENTWISE_H
#define FHE_RUNTIME_TFHE_LINEAR_ELEMENTWISE_H

#include <cstddef>
#include <cstdint>

namespace fhe::tfhe {

/// out = a + b. out may be a or b. Noise: V_a + V_b for independent inputs.
void add(const uint64_t *a, const uint64_t *b, size_t count, size_t words, uint64_t *out);

/// out = a - b. out may be a or b. Noise: V_a + V_b for independent inputs.
void subtract(const uint64_t *a, const uint64_t *b, size_t count, size_t words, uint64_t *out);

/// out = factor * in. out may be in. Noise: factor^2 V.
void scale(const uint64_t *in, int64_t factor, size_t count, size_t words, uint64_t *out);

/// out[c] = factors[c] * in[c]. out may be in. Noise: factors[c]^2 V.
void scaleEach(const uint64_t *in, const int64_t *factors, size_t count, size_t words,
               uint64_t *out);

/// Adds the torus word `value` to each body, in place. No noise.
void addClear(uint64_t *ciphertexts, uint64_t value, size_t count, size_t words);

/// Adds values[c] to the body of ciphertext c, in place. No noise.
void addClearEach(uint64_t *ciphertexts, const uint64_t *values, size_t count, size_t words);

/// out[c] = in[index[c]], or the trivial encryption of zero where index[c] is negative. in and out
/// must not overlap. Permutations, slices, concatenation parts and padding are gathers.
void gather(const uint64_t *in, const int64_t *index, size_t count, size_t words, uint64_t *out);

/// Trivial encryptions (mask 0) of values[c].
void trivial(const uint64_t *values, size_t count, size_t words, uint64_t *out);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_LINEAR_ELEMENTWISE_H
