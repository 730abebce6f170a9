//===- parameters.cpp - Bounds, security curve and key sizes ---------------------------------===//
#include "runtime/tfhe/parameters.h"

#include "runtime/tfhe/portable_math.h"

#include <algorithm>
#include <cmath>

namespace fhe::tfhe {

double tuniformLog2Std(uint32_t bound, unsigned wordBits) {
  return portableLog2((portableExp2(2.0 * bound + 1) + 1) / 6) / 2 - double(wordBits);
}

std::optional<uint32_t> tuniformBound(double log2Std, unsigned wordBits) {
  // The standard deviation is about 2^bound / sqrt(3), a little more for the smallest bounds.
  const double nearest = std::round(log2Std + double(wordBits) + portableLog2(3.0) / 2);
  if (!(nearest >= 0 && nearest <= double(wordBits) - 3))
    return std::nullopt;
  const uint32_t bound = uint32_t(nearest);
  if (std::abs(tuniformLog2Std(bound, wordBits) - log2Std) > 0x1p-19)
    return std::nullopt;
  return bound;
}

std::optional<double> log2StdForDimension(uint32_t dimension, unsigned security,
                                          unsigned wordBits) {
  // Lines fitted by Zama to the lattice estimator (MATZOV cost model); the floor of 4 units in the
  // last place is where no attack model is trusted any more.
  const double floor = 2.0 - wordBits;
  if (dimension < minSecureDimension)
    return std::nullopt;
  if (security == 128)
    return std::max(-0.025696778711484593 * dimension + 2.675931372549016, floor);
  if (security == 132)
    return std::max(-0.024891456582633045 * dimension + 2.65734593837534, floor);
  return std::nullopt;
}

static std::string outOfRange(const char *what, uint64_t found, uint64_t low, uint64_t high) {
  return std::string(what) + " is " + std::to_string(found) + ", allowed are " +
         std::to_string(low) + " to " + std::to_string(high);
}

static std::string checkNoise(const char *what, const Noise &noise, unsigned wordBits) {
  if (!std::isfinite(noise.log2Std) || noise.log2Std < -double(torusBits) || noise.log2Std > 0)
    return std::string(what) + " log2 of the standard deviation is " +
           std::to_string(noise.log2Std) + ", allowed are -64 to 0";
  if (noise.kind != NoiseKind::gaussian && noise.kind != NoiseKind::tuniform)
    return outOfRange((std::string(what) + " noise kind").c_str(), uint32_t(noise.kind), 1, 2);
  if (noise.kind == NoiseKind::tuniform && !tuniformBound(noise.log2Std, wordBits))
    return std::string(what) + " log2 of the standard deviation is " +
           std::to_string(noise.log2Std) + ", which no TUniform of " + std::to_string(wordBits) +
           "-bit words has";
  return {};
}

std::string checkBounds(const LweKey &key) {
  if (key.dimension < 1 || key.dimension > maxLweDimension)
    return outOfRange("LWE dimension", key.dimension, 1, maxLweDimension);
  if (key.wordBits != 32 && key.wordBits != 64)
    return "LWE words have " + std::to_string(key.wordBits) + " bits, allowed are 32 and 64";
  return checkNoise("LWE", key.noise(), key.wordBits);
}

std::string checkBounds(const GlweKey &key) {
  if (key.k < 1 || key.k > maxGlweDimension)
    return outOfRange("GLWE dimension k", key.k, 1, maxGlweDimension);
  if (key.log2N < minLog2PolynomialSize || key.log2N > maxLog2PolynomialSize)
    return outOfRange("log2 of the polynomial size", key.log2N, minLog2PolynomialSize,
                      maxLog2PolynomialSize);
  if (key.live >= key.coefficients())
    return outOfRange("live coefficients of a partial key", key.live, 1, key.coefficients() - 1);
  return checkNoise("GLWE", key.noise(), torusBits);
}

std::string checkBounds(const Decomposition &decomposition) {
  if (decomposition.levels < 1 || decomposition.levels > maxLevels)
    return outOfRange("number of decomposition levels", decomposition.levels, 1, maxLevels);
  // A base above 2^32 has no use (its digits would not even survive the f64 FFT).
  if (decomposition.baseLog < 1 || decomposition.baseLog > 32)
    return outOfRange("log2 of the decomposition base", decomposition.baseLog, 1, 32);
  if (decomposition.levels * decomposition.baseLog > torusBits)
    return outOfRange("decomposition levels times log2 of the base",
                      decomposition.levels * decomposition.baseLog, 1, torusBits);
  return {};
}

std::string checkBounds(const ParameterSet &set) {
  if (std::string error = checkBounds(set.lwe); !error.empty())
    return error;
  if (std::string error = checkBounds(set.glwe); !error.empty())
    return error;
  if (std::string error = checkBounds(set.keyswitch); !error.empty())
    return "keyswitch: " + error;
  if (std::string error = checkBounds(set.bootstrap); !error.empty())
    return "bootstrap: " + error;
  if (set.keyswitch.levels * set.keyswitch.baseLog > set.lwe.wordBits)
    return "keyswitch: " + outOfRange("decomposition levels times log2 of the base",
                                      set.keyswitch.levels * set.keyswitch.baseLog, 1,
                                      set.lwe.wordBits);
  // Of equal lengths nothing is left to switch: that is one key, not two.
  if (set.lwe.nested && set.lwe.dimension >= set.glwe.lweDimension())
    return "nested " + outOfRange("LWE dimension", set.lwe.dimension, 1,
                                  set.glwe.lweDimension() - 1);
  if (set.modulusSwitch != SwitchKind::plain && set.modulusSwitch != SwitchKind::centred)
    return outOfRange("kind of modulus switch", uint32_t(set.modulusSwitch), 1, 2);
  return {};
}

static std::string checkCurve(const char *what, uint32_t dimension, double log2Std,
                              unsigned security, unsigned wordBits) {
  std::optional<double> needed = log2StdForDimension(dimension, security, wordBits);
  if (!needed)
    return std::string(what) + " dimension " + std::to_string(dimension) +
           " has no known security of " + std::to_string(security) + " bits (at least " +
           std::to_string(minSecureDimension) + " is needed, and 128 or 132 bits)";
  if (log2Std >= *needed - 1e-9 * std::abs(*needed))
    return {};
  return std::string(what) + " noise is 2^" + std::to_string(log2Std) + " at dimension " +
         std::to_string(dimension) + ", at least 2^" + std::to_string(*needed) +
         " is needed for " + std::to_string(security) + " bits of security";
}

std::string checkSecurity(const LweKey &key, unsigned security, KeyAssumptions assumptions) {
  if (key.nested && !allows(assumptions, KeyAssumptions::nestedKeys))
    return "LWE key of " + std::to_string(key.dimension) +
           " bits is nested in a GLWE key: nested keys rest on an assumption beyond standard LWE "
           "and must be asked for";
  return checkCurve("LWE", key.dimension, key.log2Std, security, key.wordBits);
}

std::string checkSecurity(const GlweKey &key, unsigned security, KeyAssumptions assumptions) {
  if (key.partial() && !allows(assumptions, KeyAssumptions::partialKeys))
    return "GLWE key has " + std::to_string(key.live) + " live coefficients of " +
           std::to_string(key.coefficients()) +
           ": partial keys rest on an assumption beyond standard LWE and must be asked for";
  return checkCurve("GLWE", key.lweDimension(), key.log2Std, security, torusBits);
}

std::string checkSecurity(const ParameterSet &set, unsigned security, KeyAssumptions assumptions) {
  if (std::string error = checkSecurity(set.lwe, security, assumptions); !error.empty())
    return error;
  return checkSecurity(set.glwe, security, assumptions);
}

uint64_t keyswitchKeyBytes(uint32_t coefficients, uint32_t outputDimension,
                           const Decomposition &decomposition, unsigned wordBits) {
  return uint64_t(coefficients) * decomposition.levels * (uint64_t(outputDimension) + 1) *
         (wordBits / 8);
}

uint64_t bootstrapKeyBytes(uint32_t lweDimension, const GlweKey &glwe,
                           const Decomposition &decomposition) {
  return uint64_t(lweDimension) * decomposition.levels * (glwe.k + 1) * (glwe.k + 1) *
         glwe.polynomialSize() * 8;
}

} // namespace fhe::tfhe
