//===- AbiTypes.h - The records of fhe/abi.h as LLVM struct types ----------------===//
//
// Field by field as runtime/include/fhe/abi.h declares them; a test compares every
// offset and size with the C header's.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_CONVERT_ABITYPES_H
#define PASSES_CONVERT_ABITYPES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace fhe::abi {

mlir::LLVM::LLVMStructType keyRecord(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType conversionRecord(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType parameters(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType opHeader(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType linearDesc(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType combineDesc(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType gatherDesc(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType lookupDesc(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType constantDesc(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType convertDesc(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType executorOps(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType executor(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType port(mlir::MLIRContext *context);
mlir::LLVM::LLVMStructType model(mlir::MLIRContext *context);

} // namespace fhe::abi

#endif // PASSES_CONVERT_ABITYPES_H
