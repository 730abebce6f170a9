//===- ChooseNetwork.h - Several parameter sets for a whole network ------------===//
//
// Reads the network of NetworkSearch.h from tfhe IR: tables, outputs, the exact
// weights of their elements on the results of tables, and which values must lie under
// one key because linear operations join them. Encodings must be final; keys need not
// have numbers yet.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_CHOOSENETWORK_H
#define PASSES_PARAMETERS_CHOOSENETWORK_H

#include "passes/parameters/ChooseParameters.h"
#include "passes/parameters/NetworkSearch.h"

namespace fhe::parameters {

/// A network and what its parts are in the program.
struct ProgramNetwork {
  Network network;
  std::vector<tfhe_ir::LookupOp> lookups; ///< of network.tables
  /// By value: values of one block lie under one key, but for the results of tables of other sets,
  /// which are converted first.
  llvm::DenseMap<mlir::Value, unsigned> blockOf;
  /// By block: a place, tables first, then outputs, whose home is the block's; none of a block that
  /// is never looked at.
  std::vector<std::optional<size_t>> placeOf;
};

/// `constraints` and `analysis` are the function's; values without use have been erased. Weights on
/// origin i of the analysis are multiplied by `originFactors[i]`, by 1 where there are none.
ProgramNetwork readNetwork(mlir::func::FuncOp function, llvm::ArrayRef<Constraint> constraints,
                           NoiseAnalysis &analysis, llvm::ArrayRef<double> originFactors = {});

/// The cheapest choice of at most `options.maxSets` sets; empty if no single set satisfies all. With
/// `options.extendedKeys` never dearer than without.
std::optional<NetworkChoice> chooseNetwork(const ProgramNetwork &program,
                                           const ParameterOptions &options);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_CHOOSENETWORK_H
