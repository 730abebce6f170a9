//===- noise.cpp - Noise formulas and error probabilities ------------------------------------===//
//
// Sources: the noise formulas of Zama's Concrete (optimizer) and tfhe-rs (core_crypto), rewritten;
// tests measure the kernels of this library against them.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/noise.h"

#include "runtime/tfhe/portable_math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace fhe::tfhe {

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// 1 / q^2 in torus units.
static double inverseModulusSquared(unsigned wordBits = torusBits) {
  return wordBits == 64 ? 0x1p-128 : wordBits == 32 ? 0x1p-64 : portableExp2(-2.0 * wordBits);
}

double freshVariance(double log2Std) { return portableExp2(2 * log2Std); }

double fftWordVariance(const GlweKey &glwe, const Decomposition &decomposition) {
  // Measured against exact integers on 50 shapes from N = 256 to 131072 with 2 to 10 rows, some of them
  // on every instruction set: 11.2 to 25.5, within 2.5 % of this plane.
  const double perButterfly = 1.5, perRow = 0.18, constant = -1.1;
  double k = glwe.k, n = glwe.polynomialSize(), l = decomposition.levels;
  const double rows = l * (k + 1);
  return rows * n * portableExp2(2.0 * decomposition.baseLog) / 144 * portableExp2(-2 * 53) *
         (perButterfly * glwe.log2N + perRow * rows + constant);
}

double fftVariance(const GlweKey &glwe, const Decomposition &decomposition) {
  const double seen = 1 + (1 + fftSlowMode) / 4 * glwe.lweDimension();
  return fftWordVariance(glwe, decomposition) * seen;
}

double exactExternalProductVariance(const GlweKey &glwe, const Decomposition &decomposition,
                                    double keyVariance) {
  double k = glwe.k, n = glwe.polynomialSize(), l = decomposition.levels;
  double live = glwe.lweDimension();
  double base2 = portableExp2(2.0 * decomposition.baseLog);
  double precision2 = portableExp2(2.0 * decomposition.baseLog * l); // B^2l
  double q2 = inverseModulusSquared();
  double keyTerm = l * (k + 1) * n * (base2 + 2) / 12 * keyVariance;
  double rounding = (1 / precision2 - q2) / 24 * (1 + live / 2);
  double wordTerm = (live / 32 + (live - 1) * (live - 1) / 64) * q2;
  // The tiny last term is Concrete's: digits of a word that is not a multiple of the last digit.
  return keyTerm + std::max(rounding, 0.0) + wordTerm;
}

double externalProductVariance(const GlweKey &glwe, const Decomposition &decomposition,
                               double keyVariance) {
  return exactExternalProductVariance(glwe, decomposition, keyVariance) +
         fftVariance(glwe, decomposition);
}

double blindRotationVariance(uint32_t lweDimension, const GlweKey &glwe,
                             const Decomposition &decomposition) {
  return lweDimension *
         externalProductVariance(glwe, decomposition, freshVariance(glwe.log2Std));
}

double keyswitchVariance(uint32_t inputDimension, const Decomposition &decomposition,
                         double keyVariance, unsigned wordBits, uint32_t shared) {
  double l = decomposition.levels;
  double base2 = portableExp2(2.0 * decomposition.baseLog);
  double precision2 = portableExp2(2.0 * decomposition.baseLog * l);
  double q2 = inverseModulusSquared(wordBits);
  double rounding = (1 / (12 * precision2) - q2 / 12) / 2 + q2 / 16;
  double body = wordBits < torusBits ? q2 / 12 : 0;
  return (inputDimension - shared) * (rounding + l * keyVariance * (base2 + 2) / 12) + body +
         sharedVariance(shared, wordBits);
}

double sharedVariance(uint32_t shared, unsigned wordBits) {
  return wordBits < torusBits ? shared * inverseModulusSquared(wordBits) / 24 : 0;
}

double modulusSwitchVariance(uint32_t lweDimension, uint32_t log2N, SwitchKind kind) {
  double step = portableExp2(-(double(log2N) + 1)); // 1 / 2N
  if (kind == SwitchKind::centred)
    return (1.0 / 12 + lweDimension / 48.0) * step * step;
  return (1.0 / 12 + lweDimension / 24.0) * step * step +
         (lweDimension / 48.0 - 1.0 / 12) * inverseModulusSquared();
}

double tableInputVariance(const ParameterSet &set, double inputVariance) {
  return inputVariance +
         keyswitchVariance(set.glwe.lweDimension(), set.keyswitch,
                           freshVariance(set.lwe.log2Std), set.keyswitchWordBits(),
                           set.sharedCoefficients()) +
         modulusSwitchVariance(set.lwe.dimension, set.glwe.log2N, set.modulusSwitch);
}

double tableOutputVariance(const ParameterSet &set) {
  return blindRotationVariance(set.lwe.dimension, set.glwe, set.bootstrap);
}

double halfSlot(unsigned bits, Padding padding) {
  return portableExp2(-double(bits) - (padding == Padding::one ? 2 : 1));
}

double log2ErrorProbability(double halfSlot, double variance) {
  if (!(halfSlot > 0))
    return 0;
  if (!(variance > 0))
    return -infinity;
  return log2Erfc(halfSlot / std::sqrt(2 * variance));
}

double log2AnyOf(double log2Probability, double count) {
  if (!(count > 0) || log2Probability == -infinity)
    return -infinity;
  if (log2Probability >= 0)
    return 0;
  // -expm1(count * log1p(-p)); below 2^-60 it is count * p to all digits unless that is large.
  if (log2Probability < -60) {
    double log2Sum = log2Probability + portableLog2(count);
    return log2Sum < -60 ? log2Sum : portableLog2(-portableExpm1(-portableExp2(log2Sum)));
  }
  return portableLog2(-portableExpm1(count * portableLog1p(-portableExp2(log2Probability))));
}

double log2Add(double a, double b) {
  double high = std::max(a, b), low = std::min(a, b);
  if (low == -infinity)
    return high;
  return high + portableLog1p(portableExp2(low - high)) * std::numbers::log2e;
}

} // namespace fhe::tfhe
