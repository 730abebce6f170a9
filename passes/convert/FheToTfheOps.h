//===- FheToTfheOps.h - Encodings, and operations on ciphertexts ------------------===//
//
// The part of convert-fhe-to-tfhe that needs no parameters: Delta of every value and
// the operations, under one key that has no numbers yet. fhe-choose-realizations
// reads noise and work from its result, too.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_CONVERT_FHETOTFHEOPS_H
#define PASSES_CONVERT_FHETOTFHEOPS_H

#include "dialects/fhe/FHE.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"

namespace fhe {

/// log2 Delta of every value of a one-block fhe function: the smallest any consumer needs, where
/// tables are evaluated as `realizationOf` says.
llvm::DenseMap<mlir::Value, unsigned>
assignDeltas(mlir::func::FuncOp function, llvm::function_ref<Realization(LutOp)> realizationOf =
                                              [](LutOp lut) { return lut.getChosen(); });

/// A function `main` before `source`, which stays, with the same operations on ciphertexts;
/// `mapping` gets their values. Of fhe operations on tensors of !fhe.int; others are an error.
mlir::FailureOr<mlir::func::FuncOp> convertToTfhe(mlir::func::FuncOp source, bool clearOnly,
                                                  mlir::IRMapping &mapping);

} // namespace fhe

#endif // PASSES_CONVERT_FHETOTFHEOPS_H
