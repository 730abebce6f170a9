//===- ChooseParameters.h - One parameter set for a whole network --------------===//
//
// Constraints (every lookup's input, every result of @main) are read from tfhe IR,
// where encodings are final but keys need not have numbers yet; the choice is a
// cell of the committed table that satisfies them all.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_CHOOSEPARAMETERS_H
#define PASSES_PARAMETERS_CHOOSEPARAMETERS_H

#include "passes/parameters/NoiseAnalysis.h"
#include "passes/parameters/ParameterTable.h"
#include <string>

namespace fhe::parameters {

/// A place where noise must stay below half a slot.
struct Constraint {
  mlir::Operation *op;   ///< a lookup, or the function's return
  unsigned result = 0;   ///< of @main, if `op` is the return
  mlir::Value value;     ///< the operand looked at
  double factor = 1;     ///< the operand is multiplied by this first
  double halfSlot = 0;   ///< relative to the torus
  unsigned precision = 0; ///< bits looked at; of a lookup only
  bool isLookup() const { return precision != 0; }
};

std::vector<Constraint> collectConstraints(mlir::func::FuncOp function);

/// Variance at the place of a constraint: keyswitch and modulus switch included for lookups.
double varianceAt(const Constraint &constraint, NoiseAnalysis &analysis,
                  const ::fhe::tfhe::ParameterSet &set);

/// log2 of the probability that one element exceeds half a slot.
double log2FailureAt(const Constraint &constraint, NoiseAnalysis &analysis,
                     const ::fhe::tfhe::ParameterSet &set);

/// A number for messages: "-40", "11.5".
std::string printed(double value);

struct Choice {
  const Cell *cell = nullptr; ///< null: none satisfies all constraints
  unsigned keyswitchWordBits = 32; ///< 64 where the noise of 32 does not do
  unsigned bits = 0;          ///< most precise lookup, 0 without lookups
  double norm = 0;            ///< largest 2-norm at a lookup
};

/// The cell of the bits and norm found; where its noise does not do, the next cell by cost that
/// satisfies everything. Keyswitch keys have 32-bit words, which are half as large and twice as
/// fast, unless only 64 satisfy.
Choice chooseParameters(llvm::ArrayRef<Constraint> constraints, NoiseAnalysis &analysis,
                        double log2PError);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_CHOOSEPARAMETERS_H
