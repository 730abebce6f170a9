//===- ProgramNoise.h - Variances of a program from the keys it names ----------===//
//
// What tfhe-verify-noise recomputes: every number is read from the parameters of the
// program, one set or several. A source of noise has the variance of its own keys:
// an argument that of its key, a table that of its bootstrap, a conversion that of
// its keyswitch.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_PROGRAMNOISE_H
#define PASSES_PARAMETERS_PROGRAMNOISE_H

#include "passes/parameters/ChooseParameters.h"

namespace fhe::parameters {

class ProgramNoise {
public:
  /// The function must have passed the verifiers of its operations; not for clear keys.
  ProgramNoise(tfhe_ir::ParametersOp parameters, NoiseAnalysis &analysis);

  /// Variance at the place of a constraint: keyswitch and modulus switch included for lookups.
  double varianceAt(const Constraint &constraint);

private:
  double varianceOf(mlir::Value value);

  NoiseAnalysis &analysis;
  std::vector<double> variances; ///< by origin of the analysis
  /// One for all arguments and one for all tables, and no conversion: the norms of two kinds are
  /// then exact or the tighter bound.
  bool twoKinds = true;
  double fresh = 0, table = 0;
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_PROGRAMNOISE_H
