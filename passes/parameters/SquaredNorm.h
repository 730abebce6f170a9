//===- SquaredNorm.h - Weights of a ciphertext on independent sources of noise ---------------===//
#ifndef PASSES_PARAMETERS_SQUAREDNORM_H
#define PASSES_PARAMETERS_SQUAREDNORM_H

namespace fhe::parameters {

/// Sums of squared coefficients on sources of each kind: fresh encryptions and results of tables.
struct SquaredNorm {
  double fresh = 0, table = 0;
  double total() const { return fresh + table; }
  double variance(double freshVariance, double tableVariance) const {
    return fresh * freshVariance + table * tableVariance;
  }
  friend bool operator==(const SquaredNorm &, const SquaredNorm &) = default;
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_SQUAREDNORM_H
