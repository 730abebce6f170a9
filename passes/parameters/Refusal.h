//===- Refusal.h - Why no parameters satisfy a network -------------------------===//
//
// Finds what binds where the search has found nothing: the limits, a table or output
// that no set satisfies by itself, or the one that does not go with the others.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_REFUSAL_H
#define PASSES_PARAMETERS_REFUSAL_H

#include "passes/parameters/ChooseParameters.h"

namespace fhe::parameters {

/// Emits the error [Q031] (or [Q037] where only the limits are in the way) at the node that binds,
/// with its bits and 2-norm and what could be satisfied. Runs the search once a constraint at most.
mlir::LogicalResult refuseParameters(mlir::func::FuncOp function,
                                     llvm::ArrayRef<Constraint> constraints,
                                     NoiseAnalysis &analysis, const ParameterOptions &options);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_REFUSAL_H
