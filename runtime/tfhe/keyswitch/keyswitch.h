//===- keyswitch.h - Batched LWE keyswitch ---------------------------------------------------===//
//
// out = (0, b) - sum over i, level of digit(a_i, level) * key row (i, level): an integer matrix
// product modulo 2^64 of the digits of the whole batch with the key. Key rows are the outer loop,
// so the key is read once per internal group of ciphertexts.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_H
#define FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_H

#include "runtime/tfhe/isa/isa.h"
#include "runtime/tfhe/keyswitch/keyswitch_key.h"

namespace fhe::tfhe {

/// Ciphertexts per call from which on larger batches gain no more; give each thread multiples of it
/// where there are enough.
uint32_t keyswitchBatch();

/// Bytes of scratch for a call of any count.
size_t keyswitchScratchBytes(uint32_t inputDimension, uint32_t outputDimension,
                             const Decomposition &decomposition);

/// Switches `in` [count][n_in+1] to `out` [count][n_out+1]. They must not overlap. Noise added:
/// keyswitchVariance. Exact integer arithmetic: the same words on every instruction set.
void keyswitch(const LweKeyswitchKey &key, const uint64_t *in, size_t count, uint64_t *out,
               Scratch scratch, Isa isa = activeIsa());

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_H
