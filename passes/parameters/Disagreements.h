//===- Disagreements.h - How often an approximately rounded table is a step off ---===//
//
// A rounded table is read at full resolution through noise of several slots, so a
// value near one of its thresholds may give the result on the other side. The
// probability of that depends on the value, hence the expected number on how the
// values are distributed. One formula (`StepProbabilities`) for the compiler's
// prediction and for the test that looks into encrypted runs.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_DISAGREEMENTS_H
#define PASSES_PARAMETERS_DISAGREEMENTS_H

#include "runtime/tfhe/portable_math.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

namespace fhe::tfhe_ir {
class LookupOp;
}

namespace fhe::parameters {

/// The chances that centred Gaussian noise carries a value d slots away. A slot reaches half a slot
/// to both sides.
class StepProbabilities {
public:
  /// `sigma` is the standard deviation in slots, above 0. What lies beyond 8 of them (2^-50) is
  /// left out.
  explicit StepProbabilities(double sigma) : reached(int64_t(std::ceil(8 * sigma)) + 1) {
    // Not std::erfc: the same report on every machine.
    auto tail = [](double t) { return 0.5 * ::fhe::tfhe::portableExp2(::fhe::tfhe::log2Erfc(t)); };
    auto below = [&](double x) {
      double t = std::abs(x) / (sigma * std::sqrt(2.0));
      return x < 0 ? tail(t) : 1 - tail(t);
    };
    for (int64_t d = -reached; d <= reached; ++d)
      chances.push_back(below(double(d) + 0.5) - below(double(d) - 0.5));
  }

  /// Slots further away than this are not reached.
  int64_t reach() const { return reached; }

  /// The probability of ending d slots away with differs(d).
  template <class Differs>
  double of(const Differs &differs) const {
    double sum = 0;
    for (int64_t d = -reached; d <= reached; ++d)
      if (differs(d))
        sum += chances[size_t(d + reached)];
    return std::min(sum, 1.0);
  }

private:
  int64_t reached;
  std::vector<double> chances; ///< of -reach to reach
};

/// The slot whose value is read at `slot` (any integer) of a window of 2^width slots on polynomials
/// of 2^log2N coefficients: where there are more slots than positions, several share one.
inline int64_t slotRead(int64_t slot, unsigned width, unsigned log2N) {
  if (width <= log2N)
    return slot;
  unsigned shift = width - log2N;
  return ((slot + (int64_t(1) << (shift - 1))) >> shift) * (int64_t(1) << shift);
}

/// Results of one rounded lookup operation that differ from the table's, in one inference.
struct Disagreements {
  /// By the lookup's `frequencies`; none without them.
  std::optional<double> expected;
  /// Expected if each element were the integer at which its table is least certain.
  double atMost = 0;
};

/// `noiseStd` is that of the table input on the torus. Each result of a lookup counts by itself.
Disagreements disagreementsOf(tfhe_ir::LookupOp lookup, double noiseStd, unsigned log2N);

/// How far a result of a rounded lookup is off at most while the noise stays within half a slot of
/// its precision: the largest difference between a table's value and one at most 2^(width -
/// precision
/// - 1) slots away. 1 where thresholds are further apart than that; then a failure is "more than
/// one step". Time: linear in the tables.
int64_t mostStepsWithinPrecision(tfhe_ir::LookupOp lookup);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_DISAGREEMENTS_H
