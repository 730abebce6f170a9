//===- noise.h - Variance of TFHE operations and error probabilities --------------------------===//
//
// The one source of truth for noise: the compiler's passes choose and verify parameters with these
// functions, the simulating executor samples from them, and the tests measure the kernels against
// them. Variances are torus variances: (error / 2^64)^2, averaged over uniform binary keys (E[s] =
// 1/2). Of the noise of a key only the variance matters: Gaussian and TUniform share the formulas.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_NOISE_H
#define FHE_RUNTIME_TFHE_NOISE_H

#include "runtime/tfhe/parameters.h"

namespace fhe::tfhe {

/// Variance of a fresh encryption: 2^(2 log2Std).
double freshVariance(double log2Std);

/// Variance of the error that the f64 FFTs of one external product leave in a word of the
/// accumulator: RN (B^2/12) (1/12) 2^-106 (a log2 N + b + cR), R = l(k+1). Each of the R rows adds a
/// product of N terms, digits of variance B^2/12 times key words of variance q^2/12; butterflies
/// make relative errors of about 2^-53 each, log2 N deep, and so does each addition to the sum of the
/// rows before. a, b and c are fitted to this library.
double fftWordVariance(const GlweKey &glwe, const Decomposition &decomposition);

/// The part of it that the slowest mode, sum_j r_j X^-j over all or half of the coefficients, holds
/// against white noise: it passes multiplications by constants near 1, which round less.
inline constexpr double fftSlowMode = 0.71;

/// The same in the phase: the body's error, and those of the mask through the live secret bits.
/// Half of what these contribute goes through their mean 1/2 and is of the slowest mode, g =
/// fftSlowMode: fftWordVariance (1 + (1 + g)/4 live).
double fftVariance(const GlweKey &glwe, const Decomposition &decomposition);

/// `externalProductVariance` without the error of the FFT: what exact products would give.
double exactExternalProductVariance(const GlweKey &glwe, const Decomposition &decomposition,
                                    double keyVariance);

/// Variance added by one external product (CMUX) whose GGSW carries noise of variance
/// `keyVariance`: key term, rounding of the decomposition averaged over the encrypted bit, and FFT.
/// Concrete's formula: l(k+1)N (B^2+2)/12 s2 + (1 - B^2l/q^2)/(24 B^2l) (1 + kN/2)
///                     + [kN/32 + (kN-1)^2/64]/q^2 + V_fft.
/// Errors of the mask are seen through the secret key only: of a partial key `live` stands for kN
/// in all terms but the key's.
double externalProductVariance(const GlweKey &glwe, const Decomposition &decomposition,
                               double keyVariance);

/// Variance of the output of a programmable bootstrap with `lweDimension` key elements whose noise
/// is glwe.log2Std: n external products. The input's noise does not enter.
double blindRotationVariance(uint32_t lweDimension, const GlweKey &glwe,
                             const Decomposition &decomposition);

/// Variance added by a keyswitch from `inputDimension` bits; `keyVariance` is the noise of the
/// keyswitch key (that of fresh encryptions under the output key):
/// n_in [ (1/(12 B^2l) - 1/(12 q^2))/2 + 1/(16 q^2) + l s2 (B^2+2)/12 ], q = 2^wordBits (Concrete),
/// and with 32-bit words 1/(12 q^2) more for the rounding of the body. To a nested key, whose
/// `shared` bits are the first of the input's, n_in counts the others only, and `sharedVariance` is
/// added.
double keyswitchVariance(uint32_t inputDimension, const Decomposition &decomposition,
                         double keyVariance, unsigned wordBits = torusBits, uint32_t shared = 0);

/// Of mask words that a keyswitch to a nested key takes over: none with 64-bit words. With 32-bit
/// words they are rounded, which counts where the key bit is one: shared / (24 q^2).
double sharedVariance(uint32_t shared, unsigned wordBits);

/// Variance added by the modulus switch to 2N. Plain: (1/12 + n/24)/(2N)^2 + (n/48 - 1/12)/q^2
/// (Concrete). Centred: (1/12 + n/48)/(2N)^2; with e_i the rounding error of mask word i the phase
/// is off by e_b - sum e_i (s_i - 1/2), whatever the key (tfhe-rs leaves out the 1/12 of the body).
double modulusSwitchVariance(uint32_t lweDimension, uint32_t log2N,
                             SwitchKind kind = SwitchKind::plain);

/// Variance of the phase that a table of a classical set looks at: the levelled input's variance,
/// plus keyswitch, plus modulus switch of the set's kind.
double tableInputVariance(const ParameterSet &set, double inputVariance);

/// Variance of the result of a table: blindRotationVariance with the set's own numbers.
double tableOutputVariance(const ParameterSet &set);

/// Bits that a message leaves free at the top of the torus.
enum class Padding {
  none, ///< The whole torus: for outputs, and for tables with f(m + 2^(bits - 1)) = -f(m), such as
        ///< the sign and odd saturating functions, which the blind rotation computes by itself.
  one,  ///< Half of it: any table.
};

/// Half of a slot of a message of `bits` bits, relative to the torus: 2^-(bits + padding + 1).
double halfSlot(unsigned bits, Padding padding);

/// log2 of the two-sided probability erfc(t / sqrt(2 v)) that a centred Gaussian error of variance
/// `variance` exceeds `halfSlot` in absolute value. Accurate (relative 1e-12 of the logarithm) also
/// where the probability itself is far below the smallest double. 0 (certainty) when halfSlot <= 0,
/// minus infinity when variance <= 0.
double log2ErrorProbability(double halfSlot, double variance);

/// log2 of 1 - (1 - p)^count for p = 2^log2Probability: the failure probability of `count`
/// independent lookups. Accurate for tiny p.
double log2AnyOf(double log2Probability, double count);

/// log2(2^a + 2^b), for adding probabilities kept as logarithms (each may be -infinity).
double log2Add(double a, double b);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_NOISE_H
