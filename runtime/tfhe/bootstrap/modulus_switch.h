//===- modulus_switch.h - From torus words to positions of a test polynomial -----------------===//
//
// A blind rotation needs every word of a ciphertext as a multiple of 1/2N. Rounding half up, one
// convention for both kinds: an error e_i = round(2N a_i / q) - 2N a_i / q lies in (-1/2, 1/2].
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_BOOTSTRAP_MODULUS_SWITCH_H
#define FHE_RUNTIME_TFHE_BOOTSTRAP_MODULUS_SWITCH_H

#include "runtime/tfhe/parameters.h"

#include <cstddef>

namespace fhe::tfhe {

/// round(word * 2N / q) modulo 2N, rounding half up, of `count` words on their own.
void modulusSwitch(const uint64_t *in, size_t count, uint32_t log2N, uint32_t *out);
void modulusSwitch(const uint32_t *in, size_t count, uint32_t log2N, uint32_t *out);

/// Switches ciphertexts `in` [count][lweDimension + 1] to `out`, the same shape. They do not
/// overlap. Noise added: modulusSwitchVariance; mean 0.
///
/// plain: each word on its own. The phase is off by e_b - sum e_i s_i.
/// centred: the errors of the mask are public, and so is the mean of sum e_i s_i over the keys,
/// S = (sum e_i) / 2. The body moves by +S, rounded up to a unit of its last place, before it is
/// rounded: the phase is off by e_b - sum e_i (s_i - 1/2), half the variance. (tfhe-rs since
/// its version 1.4, "centered mean noise reduction".)
///
/// Cost: one addition a word for plain, four for centred; no memory.
void modulusSwitch(SwitchKind kind, uint32_t lweDimension, uint32_t log2N, const uint64_t *in,
                   size_t count, uint32_t *out);
/// The same of words modulo 2^32.
void modulusSwitch(SwitchKind kind, uint32_t lweDimension, uint32_t log2N, const uint32_t *in,
                   size_t count, uint32_t *out);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_BOOTSTRAP_MODULUS_SWITCH_H
