//===- Import.h - ONNX files to qnn --------------------------------------------===//
//
// Reads a quantized ONNX network (QONNX or QCDQ) and gives one func.func @main
// of the qnn dialect. The import is literal: one op a node, constants bit for
// bit; only integer shape arithmetic is evaluated here, for qnn has no integers.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_IMPORT_H
#define COMPILER_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/pipeline/Options.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace fhe {

struct ImportOptions {
  std::vector<DeclaredInput> declaredInputs;
  bool floatNetwork = false; ///< a network without quantizers is imported, not refused [Q009]
  /// For evaluation only: inputs keep dimension 0 and may hold any numbers or truth values (as f32).
  bool wholeTensors = false;
  /// Elements that folding and writing out may touch in one import, in all (a bound on time and memory).
  int64_t maxTouchedElements = int64_t(1) << 28;
};

/// The network of the ONNX file at `path`, without batch dimension; argument and result attribute
/// `qnn.name` gives the ONNX names. Null after a refusal, which was reported through the
/// diagnostics of `context`, several in one run where they do not depend on each other.
/// Takes any bytes: never crashes; memory is bounded by the file and by `maxTouchedElements`.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, llvm::StringRef path,
                                             const ImportOptions &options = {});

/// The same of bytes in memory, fewer than 2^31; `path` is what messages name, and its folder is where external
/// data may lie.
mlir::OwningOpRef<mlir::ModuleOp> importOnnxBytes(mlir::MLIRContext &context, llvm::StringRef bytes,
                                                  llvm::StringRef path,
                                                  const ImportOptions &options = {});

} // namespace fhe

#endif // COMPILER_IMPORT_IMPORT_H
