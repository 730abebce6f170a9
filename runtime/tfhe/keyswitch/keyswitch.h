//===- keyswitch.h - Batched LWE keyswitch ---------------------------------------------------===//
//
// out = (0, b) - sum over i, level of digit(a_i, level) * key row (i, level): an integer matrix
// product modulo 2^64 or 2^32 of the digits of the whole batch with the key. Blocks of the key are
// the outer loop, so the key is read once per internal group of ciphertexts. To a nested key it is
// out = (a_0 .. a_(n-1), b) - the sum over i >= n (Bergerat et al., "New Secret Keys for Enhanced
// Performance in (T)FHE", CCS 2024).
//
// With 32-bit words: a product is half the bytes to read and half the work. Chillotti, Gama,
// Georgieva, Izabachene, "TFHE" (2016) has it so throughout; here only the key and its results.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_H
#define FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_H

#include "runtime/tfhe/keyswitch/keyswitch_key.h"

namespace fhe::tfhe {

/// Ciphertexts per call from which on larger batches gain no more; give each thread multiples of it
/// where there are enough.
uint32_t keyswitchBatch();

/// Bytes of scratch for a call of any count with a key of this instruction set.
size_t keyswitchScratchBytes(const KeyswitchShape &shape, Isa isa = activeIsa());

/// Switches `in` [count][n_in+1] to `out` [count][n_out+1], 64-bit torus words both. With a key of
/// 32-bit words what is taken over, the body and the `shared` first words of the mask, is rounded to
/// 32 bits and the low halves of `out` are zero. They must not overlap. Noise added:
/// keyswitchVariance. Cost: count * (n_in-shared) * levels * (n_out+1) products of a digit and a word. Exact integer arithmetic: the same words on every instruction set and for
/// every split.
void keyswitch(const LweKeyswitchKey &key, const uint64_t *in, size_t count, uint64_t *out,
               Scratch scratch);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_H
