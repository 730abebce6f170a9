//===- parameters.cpp - Bounds, security curve and key sizes ---------------------------------===//
#include "runtime/tfhe/parameters.h"

#include <algorithm>
#include <cmath>

namespace fhe::tfhe {

std::optional<double> log2StdForDimension(uint32_t dimension, unsigned security) {
  // Lines fitted by Zama to the lattice estimator (MATZOV cost model); the floor of 4 units in the
  // last place is where no attack model is trusted any more.
  const double floor = 2.0 - torusBits;
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

static std::string checkStd(const char *what, double log2Std) {
  if (std::isfinite(log2Std) && log2Std >= -double(torusBits) && log2Std <= 0)
    return {};
  return std::string(what) + " log2 of the standard deviation is " + std::to_string(log2Std) +
         ", allowed are -64 to 0";
}

std::string checkBounds(const LweKey &key) {
  if (key.dimension < 1 || key.dimension > maxLweDimension)
    return outOfRange("LWE dimension", key.dimension, 1, maxLweDimension);
  return checkStd("LWE", key.log2Std);
}

std::string checkBounds(const GlweKey &key) {
  if (key.k < 1 || key.k > maxGlweDimension)
    return outOfRange("GLWE dimension k", key.k, 1, maxGlweDimension);
  if (key.log2N < minLog2PolynomialSize || key.log2N > maxLog2PolynomialSize)
    return outOfRange("log2 of the polynomial size", key.log2N, minLog2PolynomialSize,
                      maxLog2PolynomialSize);
  return checkStd("GLWE", key.log2Std);
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
  return {};
}

static std::string checkCurve(const char *what, uint32_t dimension, double log2Std,
                              unsigned security) {
  std::optional<double> needed = log2StdForDimension(dimension, security);
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

std::string checkSecurity(const ParameterSet &set, unsigned security) {
  if (std::string error = checkCurve("LWE", set.lwe.dimension, set.lwe.log2Std, security);
      !error.empty())
    return error;
  return checkCurve("GLWE", set.glwe.lweDimension(), set.glwe.log2Std, security);
}

uint64_t keyswitchKeyBytes(uint32_t inputDimension, uint32_t outputDimension,
                           const Decomposition &decomposition) {
  return uint64_t(inputDimension) * decomposition.levels * (uint64_t(outputDimension) + 1) * 8;
}

uint64_t bootstrapKeyBytes(uint32_t lweDimension, const GlweKey &glwe,
                           const Decomposition &decomposition) {
  return uint64_t(lweDimension) * decomposition.levels * (glwe.k + 1) * (glwe.k + 1) *
         glwe.polynomialSize() * 8;
}

} // namespace fhe::tfhe
