//===- bootstrap.h - Batched programmable bootstrap ------------------------------------------===//
//
// Modulus switch to 2N (modulus_switch.h), blind rotation, sample extraction of coefficient 0, for
// a batch of ciphertexts with a test polynomial each. The loop over key elements is the outer one:
// a GGSW is read once for all ciphertexts of an internal group.
//
// Convention. Let w_i = round(2N a_i / 2^64), w_b = round(2N b / 2^64) modulo 2N (round half up;
// the centred switch moves b first) and p = (w_b - sum w_i s_i) mod 2N. The result encrypts
// testPolynomial[p] if p < N and -testPolynomial[p - N] otherwise. So position j receives the
// phases that round to j/2N: for a message at phase m/2^(P+1) in the noise-free case j = m 2N /
// 2^(P+1) exactly, the centre of its slot. A caller that wants slots [m - 1/2, m + 1/2) writes the
// table half a slot early into the polynomial (negacyclically); no shift happens here.
//
// Tables without a padding bit. A message of P bits that fills the torus, m/2^P, has its upper half
// in positions N and up, where the result is negated. So a table with f(m + 2^(P-1)) = -f(m) needs
// no padding bit: write f of the lower half as above, with slots of 2N/2^P positions. The sign, and
// odd saturating functions of a centred value, are such tables; half a slot is 2^-(P+1) instead of
// 2^-(P+2) (noise.h, halfSlot), one bit more for the same keys. Any other table reads its upper half
// wrong: nothing in a ciphertext can tell.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_BOOTSTRAP_BOOTSTRAP_H
#define FHE_RUNTIME_TFHE_BOOTSTRAP_BOOTSTRAP_H

#include "runtime/tfhe/bootstrap/bootstrap_key.h"
#include "runtime/tfhe/bootstrap/modulus_switch.h"

namespace fhe::tfhe {

/// Ciphertexts that share one pass over the key inside `bootstrap`: chosen so that their
/// accumulators and two GGSWs stay in the second-level cache, or where nothing does, so that enough
/// of them share the key. Give each thread multiples of it where
/// there are enough ciphertexts.
uint32_t bootstrapBatch(const GlweKey &glwe, const Decomposition &decomposition);

/// Bytes of scratch for a call of any count.
size_t bootstrapScratchBytes(uint32_t lweDimension, const GlweKey &glwe,
                             const Decomposition &decomposition);

/// Bootstraps `in` [count][n+1] under the small key to `out` [count][live+1] under the flattened
/// GLWE key (live = kN unless the key is partial). `testPolynomials` [tables][N]; ciphertext c uses
/// table `tableOf[c]` (tableOf null: table 0 for all). in and out must not overlap. Noise out:
/// blindRotationVariance, whatever the noise in. The words do not depend on count, on the order of
/// the batch or on how it is split; they depend on the instruction set of `key`.
void bootstrap(const FourierBootstrapKey &key, const uint64_t *in, size_t count,
               const uint64_t *testPolynomials, const uint32_t *tableOf, uint64_t *out,
               Scratch scratch, SwitchKind modulusSwitchKind = SwitchKind::plain);

/// The parts of `bootstrap`, for tests and for schemes built on them. Accumulators are GLWE
/// ciphertexts [k+1][N], mask polynomials then body, `accumulatorStride` words apart.

/// accumulator := (A, X^-rotation * testPolynomial), rotation in [0, 2N): an encryption without
/// secrets, whose mask A is a fixed sequence of numbers too small to matter to the decomposition
/// but not all zero, so that roundings have no common direction (see bootstrap.cpp).
void initAccumulator(const GlweKey &glwe, const Decomposition &decomposition,
                     const uint64_t *testPolynomial, uint32_t rotation, uint64_t *accumulator);

/// Rotates each of `count` accumulators [count][k+1][N] by X^(sum of switched[c][i] * s_i), i over
/// the key's elements; `switched` [count][switchedStride] holds values in [0, 2N). Scratch:
/// bootstrapScratchBytes.
void blindRotate(const FourierBootstrapKey &key, const uint32_t *switched, size_t switchedStride,
                 size_t count, uint64_t *accumulators, Scratch scratch);

/// accumulator += GGSW(element) x (X^rotation - 1) accumulator: one CMUX (external product).
void cmux(const FourierBootstrapKey &key, uint32_t element, uint32_t rotation,
          uint64_t *accumulator, Scratch scratch);

/// LWE [live+1] under the flattened key whose phase is coefficient `coefficient` of the
/// accumulator's: mask words that only dead coefficients of a partial key would see are left out.
void sampleExtract(const GlweKey &glwe, const uint64_t *accumulator, uint32_t coefficient,
                   uint64_t *out);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_BOOTSTRAP_BOOTSTRAP_H
