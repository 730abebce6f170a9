//===- TFHE.h - The tfhe dialect: batches of ciphertexts under named keys ------===//
#ifndef DIALECTS_TFHE_TFHE_H
#define DIALECTS_TFHE_TFHE_H

#include "dialects/shared/StoredIntegers.h"
#include "dialects/shared/Realization.h"
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

/// The key of a GLWE key op of that name, which must exist.
::fhe::tfhe::GlweKey glweKeyOf(ParametersOp parameters, llvm::StringRef name);

/// The numbers of a keyswitch key, which must have passed its verifier. `to` is the flattened key of
/// a conversion between GLWE keys.
struct SwitchKeys {
  ::fhe::tfhe::GlweKey from;
  ::fhe::tfhe::LweKey to;
  ::fhe::tfhe::Decomposition digits;
  uint32_t shared = 0; ///< bits of `to`, where it is nested in `from`

  /// Coefficients of `from` that the key has rows for.
  uint32_t coefficients() const { return from.lweDimension() - shared; }
};
SwitchKeys switchKeysOf(KeyswitchKeyOp keyswitch);

/// The numbers of a bootstrap key, which must have passed its verifier.
struct BootstrapKeys {
  ::fhe::tfhe::LweKey from;
  ::fhe::tfhe::GlweKey to;
  ::fhe::tfhe::Decomposition digits;
};
BootstrapKeys bootstrapKeysOf(BootstrapKeyOp bootstrap);

/// The classical parameter set that the conversions of a lookup name: `glwe` is the key of its
/// results, the operand's may be another one (the keyswitch's source). Its small key is nested
/// where it is in that one key, source and results alike. The lookup must have passed
/// its verifier and not be under a clear key.
::fhe::tfhe::ParameterSet parameterSetOf(LookupOp lookup);

/// The one classical set of a parameters op (one LWE key, one GLWE key, one conversion each way), or
/// nothing if it is clear-only or another graph.
std::optional<::fhe::tfhe::ParameterSet> parameterSetOf(ParametersOp parameters);

} // namespace fhe::tfhe_ir

#endif // DIALECTS_TFHE_TFHE_H
