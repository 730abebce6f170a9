//===- ChooseParameters.h - One parameter set for a whole network --------------===//
//
// Constraints (every lookup's input, every result of @main) and the work to do are
// read from tfhe IR, where encodings are final but keys need not have numbers yet;
// the choice is the cheapest set that satisfies them all (Search.h).
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_CHOOSEPARAMETERS_H
#define PASSES_PARAMETERS_CHOOSEPARAMETERS_H

#include "passes/parameters/NoiseAnalysis.h"
#include "passes/parameters/ParameterOptions.h"
#include "passes/parameters/Search.h"
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
  unsigned paddingBits = 1;
  /// Bits of the direct table that asks for as little noise: tables of equal bits share a set.
  unsigned bits() const { return precision + paddingBits - 1; }
  bool isLookup() const { return precision != 0; }
};

std::vector<Constraint> collectConstraints(mlir::func::FuncOp function);

/// Variance at the place of a constraint: keyswitch and modulus switch included for lookups.
double varianceAt(const Constraint &constraint, NoiseAnalysis &analysis,
                  const ::fhe::tfhe::ParameterSet &set);

/// log2 of the probability that one element exceeds half a slot.
double log2FailureAt(const Constraint &constraint, NoiseAnalysis &analysis,
                     const ::fhe::tfhe::ParameterSet &set);

/// Bits of the widest table that is evaluated by one bootstrap.
inline constexpr unsigned maxTableBits = 8;

/// A number for messages: "-40", "11.5".
std::string printed(double value);

/// A budget for messages: "2^-40", "2^-20 an inference", or both.
std::string printed(const FailureBudget &budget);

/// What compiled programs may use: the noise asked for, centred switch, keyswitch words of 32 or 64
/// bits, whole keys, and partial and nested ones where the options admit them. 128 or 132 bits of
/// security.
const Grid &compilerGrid(const ParameterOptions &options);

/// The requirements of the constraints.
std::vector<Requirement> requirementsOf(llvm::ArrayRef<Constraint> constraints,
                                        NoiseAnalysis &analysis);

/// Keyswitches, bootstraps and products of one inference; ciphertexts alive at once in the order of
/// the program.
Workload workloadOf(mlir::func::FuncOp function);

/// Different test polynomials of a lookup.
double polynomialsOf(tfhe_ir::LookupOp lookup);

/// The cheapest set that satisfies all constraints, budgets and limits, empty if none does.
std::optional<SearchResult> chooseParameters(mlir::func::FuncOp function,
                                             llvm::ArrayRef<Constraint> constraints,
                                             NoiseAnalysis &analysis,
                                             const ParameterOptions &options);

/// Whether any set, of whatever size, satisfies one constraint with its operands' norms multiplied
/// by `scale`.
bool isSatisfiable(const Constraint &constraint, NoiseAnalysis &analysis,
                   const ParameterOptions &options, double scale = 1);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_CHOOSEPARAMETERS_H
