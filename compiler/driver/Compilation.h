//===- Compilation.h - One model on its way through the levels ------------------===//
//
// Holds the context and the module, runs the stages in order, and tells a refusal
// (every error has an identifier) from a defect of the compiler, for which it writes
// a file to send. Used by fhe-compile and by fhe-run on ONNX files.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_COMPILATION_H
#define COMPILER_DRIVER_COMPILATION_H

#include "compiler/driver/CompileFlags.h"
#include "compiler/driver/DiagnosticPrinter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>
#include <optional>

namespace fhe {

/// Exit codes of all commands.
enum ExitCode { ExitDone = 0, ExitRefused = 1, ExitUsage = 2, ExitInternal = 3 };

/// The levels a compilation can stop at.
enum class Level { Imported, Fhe, Tfhe };

struct Verbosity {
  bool quiet = false, verbose = false;
};

class Compilation {
public:
  /// `command` is the command line, for the file an internal error leaves behind.
  Compilation(std::string model, const CompileFlags &flags, Verbosity verbosity,
              std::string command);
  ~Compilation();

  /// Imports and lowers the model up to `level`. False after a refusal or an internal error; both
  /// were reported and `exitCode` says which.
  bool runTo(Level level);

  /// Runs one further step of the caller as a stage of its own: the same reporting, the same
  /// distinction of refusals and defects.
  bool runStage(llvm::StringRef name, llvm::function_ref<bool()> body);

  mlir::MLIRContext &context();
  /// The module at the level reached.
  mlir::ModuleOp module();
  /// A copy of the module as it was when it left the fhe level; null before.
  mlir::ModuleOp fheModule();
  ExitCode exitCode() const { return result; }
  const CompileOptions &options() const { return flags.options; }

private:
  bool checkProfile();
  void suggestChanges();
  bool import();
  bool freezeStatistics();
  bool quantize();
  bool calibrate();
  void reportInternalError(llvm::StringRef stage);

  std::string model;
  const CompileFlags &flags;
  Verbosity verbosity;
  std::string command;
  std::unique_ptr<mlir::MLIRContext> contextStorage;
  std::unique_ptr<DiagnosticPrinter> printer;
  mlir::OwningOpRef<mlir::ModuleOp> current, beforeWindows, atFhe, beforeStage;
  std::optional<Level> reached;
  ExitCode result = ExitDone;
};

/// The file name without folder and extension.
std::string stemOf(llvm::StringRef path);

} // namespace fhe

#endif // COMPILER_DRIVER_COMPILATION_H
