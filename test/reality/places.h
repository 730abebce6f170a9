//===- places.h - The noise that was seen at one place of a program ----------------------------===//
#ifndef TEST_REALITY_PLACES_H
#define TEST_REALITY_PLACES_H

#include "test/reality/events.h"
#include "test/reality/key_noise.h"

#include <string>

namespace fhe::reality {

/// A lookup or an output of the program, over many inferences.
class Place {
public:
  std::string name;
  bool isTable = true;
  uint32_t width = 0, precision = 0; ///< bits, of tables
  double stated = 0;   ///< the compiler's variance, of the worst element
  double halfSlot = 0; ///< of the precision, on the torus
  double worst = 0;    ///< the model's variance of the worst element, by our own sums

  Events failures; ///< the noise exceeds half a slot of the precision
  Events steps;    ///< of rounded tables: a result is off by more than one step
  int64_t reach = 0;    ///< of rounded tables: how far a result is off at most within half a slot
  uint64_t farther = 0; ///< results off by more
  uint64_t contradictions = 0; ///< of these, with noise of less than half a slot
  uint64_t unexplained = 0; ///< results that are not what the table holds at the position read
  double resultSquares = 0; ///< of the results' errors, relative to the keys' variance
  uint64_t results = 0;

  /// The error of one element and what is predicted for it.
  void add(double error, const Noise &noise);
  /// One inference is complete: its elements may share sources of noise.
  void endInference();

  uint64_t count() const { return errors; }
  /// Measured over predicted variance, under the keys at hand and of the model.
  double ratio() const { return squares / double(errors); }
  double modelRatio() const { return plain / model; }
  /// Standard error of `ratio`, from the spread over inferences.
  double standardError() const;
  /// The mean of the errors in its standard errors.
  double meanInSigmas() const;
  /// What the compiler's ledger expects: of each element at most this probability.
  double ledgerProbability() const;

private:
  uint64_t errors = 0;
  double sum = 0, squares = 0; ///< about the predicted mean, in predicted standard deviations
  double plain = 0, model = 0; ///< on the torus
  double inferenceSquares = 0, inferenceSum = 0;
  double spreadSquares = 0, spreadSum = 0; ///< over inferences
};

} // namespace fhe::reality

#endif // TEST_REALITY_PLACES_H
