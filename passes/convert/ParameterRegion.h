//===- ParameterRegion.h - Writes chosen parameters into a program -------------------===//
//
// convert-fhe-to-tfhe makes its operations under one key, @p::@g0, with conversions
// @p::@ks and @p::@bs: this is what one set is written as. With several, keys and
// conversions carry the number of their set, types and lookups are changed to them,
// and results of tables that are used under another key are converted.
//
//===----------------------------------------------------------------------------------===//
#ifndef PASSES_CONVERT_PARAMETERREGION_H
#define PASSES_CONVERT_PARAMETERREGION_H

#include "passes/parameters/ChooseNetwork.h"

namespace fhe {

inline constexpr llvm::StringLiteral parametersName = "p", lweName = "s0", glweName = "g0",
                                     keyswitchName = "ks", bootstrapName = "bs";

/// `tfhe.parameters clear_only`.
void addClearParameters(mlir::OpBuilder &builder, mlir::Location loc);

/// One set.
void addParameters(mlir::OpBuilder &builder, mlir::Location loc, const tfhe::ParameterSet &set,
                   unsigned security);

/// Several sets: set i has keys s<i> and g<i> and bootstrap key bs<i>, a keyswitch from g<i> to s<j> is
/// ks<i>_<j>, a conversion from g<i> to g<j> is cv<i>_<j>. Sets with equal GLWE keys share that of the
/// first. Writes the region and changes the function.
void writeSeveralSets(mlir::OpBuilder &builder, mlir::func::FuncOp function,
                      const parameters::ProgramNetwork &program,
                      const parameters::NetworkChoice &choice, unsigned security);

} // namespace fhe

#endif // PASSES_CONVERT_PARAMETERREGION_H
