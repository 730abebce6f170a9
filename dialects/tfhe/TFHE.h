//===- TFHE.h - The tfhe dialect: batches of ciphertexts under named keys ------===//
#ifndef DIALECTS_TFHE_TFHE_H
#define DIALECTS_TFHE_TFHE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "runtime/tfhe/parameters.h"

#include "dialects/tfhe/TFHEDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/tfhe/TFHETypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/tfhe/TFHEOps.h.inc"

namespace fhe::tfhe_ir {

/// Names of the attributes on the arguments and results of @main.
inline constexpr llvm::StringLiteral clientAttr = "tfhe.client";   ///< dictionary, from fhe.client
inline constexpr llvm::StringLiteral rangeAttr = "tfhe.range";     ///< array<i64: lo, hi>
inline constexpr llvm::StringLiteral slotAttr = "tfhe.slot";       ///< i64, once planned
inline constexpr llvm::StringLiteral noiseAttr = "tfhe.noise_std"; ///< f64, results
inline constexpr llvm::StringLiteral failureAttr = "tfhe.log2_failure"; ///< f64, results and module

/// The element type of a tensor of ciphertexts.
LweType lweOf(mlir::Value value);
/// Ciphertexts of one sample of a tensor.
int64_t elementsOf(mlir::Value value);

/// The parameters of a module (exactly one op), or null with an error at the module.
ParametersOp getParameters(mlir::ModuleOp module);

/// The classical parameter set that the conversions of a lookup name. The lookup must have passed
/// its verifier and not be under a clear key.
::fhe::tfhe::ParameterSet parameterSetOf(LookupOp lookup);

/// The one classical set of a parameters op (one LWE key, one GLWE key, one conversion each way), or
/// nothing if it is clear-only or another graph.
std::optional<::fhe::tfhe::ParameterSet> parameterSetOf(ParametersOp parameters);

} // namespace fhe::tfhe_ir

#endif // DIALECTS_TFHE_TFHE_H
