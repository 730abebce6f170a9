//===- Codegen.h - From a planned tfhe module to object, header and manifest ---===//
//
// Everything here gives text or bytes; files are written by the driver. The same
// module and options give the same bytes: no dates, no paths, no machine facts.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_CODEGEN_CODEGEN_H
#define COMPILER_CODEGEN_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace fhe::codegen {

enum class ObjectKind { Object, Archive, SharedLibrary };

struct Options {
  std::string name; ///< C prefix: a C identifier (see makeIdentifier)
  ObjectKind kind = ObjectKind::Object;
};

struct Products {
  std::string object;   ///< bytes of the .o, .a or .so
  std::string header;   ///< NAME.h, C11
  std::string manifest; ///< NAME.json, ends with a newline
};

/// Makes a C identifier of any text: "my-net.v2" gives "my_net_v2", "3x" gives "_3x".
std::string makeIdentifier(llvm::StringRef text);

/// The context must have loaded what registerDialects registers.
void registerDialects(mlir::DialectRegistry &registry);

/// Takes the output of `tfhe-plan-arena` (left unchanged) and makes all three products. Failures are
/// reported as diagnostics on the module.
mlir::FailureOr<Products> emit(mlir::ModuleOp planned, const Options &options);

//===--- The steps of emit, for --emit and for tests ------------------------------------------===//

/// NAME.json of a planned tfhe module (docs/formats.md).
mlir::FailureOr<std::string> buildManifest(mlir::ModuleOp planned, llvm::StringRef name);

/// NAME.h: C11, self-contained but for <fhe/abi.h>.
mlir::FailureOr<std::string> buildHeader(mlir::ModuleOp planned, llvm::StringRef name,
                                         llvm::StringRef manifest);

/// The planned module with name and manifest attached, lowered by `convert-tfhe-to-llvm`.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> lower(mlir::ModuleOp planned,
                                                         llvm::StringRef name,
                                                         llvm::StringRef manifest);

/// LLVM IR as text of a module in the LLVM dialect (for --emit=llvm).
mlir::FailureOr<std::string> emitLLVMIR(mlir::ModuleOp lowered, llvm::StringRef name);

/// A relocatable host object (-O2, position independent) of a module in the LLVM dialect.
mlir::FailureOr<std::string> emitObject(mlir::ModuleOp lowered, llvm::StringRef name);

/// An archive with the one object as NAME.o, deterministic.
mlir::FailureOr<std::string> makeArchive(mlir::Location loc, llvm::StringRef object,
                                         llvm::StringRef name);

/// A shared library of the one object, linked in process by lld; exports NAME_model only.
mlir::FailureOr<std::string> linkShared(mlir::Location loc, llvm::StringRef object,
                                        llvm::StringRef name);

} // namespace fhe::codegen

#endif // COMPILER_CODEGEN_CODEGEN_H
