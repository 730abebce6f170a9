//===- DiagnosticPrinter.h - MLIR diagnostics as lines a user can act on --------===//
//
// Prints each diagnostic with the ONNX node its location names:
//   FILE: error: node 'fc1' (Gemm): text [Q012]
//   FILE: note: node 'fc0' (Gemm): what is there
//   FILE: help: what to change (a note whose text starts with "help: ")
// and remembers whether every error carried an identifier: an error without one is
// not a refusal but a defect of the compiler.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_DIAGNOSTICPRINTER_H
#define COMPILER_DRIVER_DIAGNOSTICPRINTER_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace fhe {

class DiagnosticPrinter {
public:
  /// Handles the diagnostics of `context` until destroyed. `file` is named where a location names
  /// none; `verbose` shows remarks, `quiet` hides warnings.
  DiagnosticPrinter(mlir::MLIRContext &context, llvm::raw_ostream &os, std::string file,
                    bool verbose = false, bool quiet = false);

  unsigned errors() const { return errorCount; }
  /// The identifier of the latest error, "Q012"; empty where it had none.
  const std::string &latestIdentifier() const { return latest; }
  /// Prints a help line for the file.
  void help(llvm::StringRef text);
  /// True if all errors so far end in an identifier such as [Q012].
  bool allIdentified() const { return unidentified == 0; }

private:
  void print(mlir::Diagnostic &diagnostic);
  void printLine(mlir::Location location, llvm::StringRef kind, llvm::StringRef text);

  llvm::raw_ostream &os;
  std::string file;
  bool verbose, quiet;
  unsigned errorCount = 0, unidentified = 0;
  std::string latest;
  mlir::ScopedDiagnosticHandler handler;
};

/// "node 'fc1' (Gemm): ", or "" where the location names no node.
std::string describeNode(mlir::Location location);

/// True if `message` ends in an identifier such as [Q012].
bool hasIdentifier(llvm::StringRef message);

} // namespace fhe

#endif // COMPILER_DRIVER_DIAGNOSTICPRINTER_H
