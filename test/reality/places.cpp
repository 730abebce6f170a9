//===- places.cpp - The noise that was seen at one place of a program --------------------------===//
#include "test/reality/places.h"

#include "runtime/tfhe/noise.h"

#include <algorithm>
#include <cmath>

namespace fhe::reality {

void Place::add(double error, const Noise &noise) {
  const double normal = (error - noise.mean) / std::sqrt(noise.key);
  ++errors;
  sum += normal, squares += normal * normal;
  plain += error * error, model += noise.model;
  inferenceSum += normal, inferenceSquares += normal * normal - 1;
  worst = std::max(worst, noise.model);
}

void Place::endInference() {
  spreadSum += inferenceSum * inferenceSum;
  spreadSquares += inferenceSquares * inferenceSquares;
  inferenceSum = inferenceSquares = 0;
}

double Place::standardError() const {
  // Never below that of independent Gaussian errors.
  return std::max(std::sqrt(spreadSquares) / double(errors), std::sqrt(2.0 / double(errors)));
}

double Place::meanInSigmas() const { return sum / std::sqrt(std::max(spreadSum, double(errors))); }

double Place::ledgerProbability() const {
  return std::exp2(tfhe::log2ErrorProbability(halfSlot, stated));
}

} // namespace fhe::reality
