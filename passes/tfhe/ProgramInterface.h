//===- ProgramInterface.h - Inputs, outputs and keys of a tfhe program -----------===//
//
// What @main's attributes say, read once for the object, the manifest, the header
// and the report.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_TFHE_PROGRAMINTERFACE_H
#define PASSES_TFHE_PROGRAMINTERFACE_H

#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>
#include <vector>

namespace fhe {

/// One input or output.
struct ProgramPort {
  std::string name;
  mlir::DictionaryAttr client; ///< may be null
  std::string key;             ///< leaf name
  unsigned keyIndex = 0;       ///< among the parameters' keys
  unsigned log2Delta = 0, paddingBits = 0;
  std::vector<int64_t> shape;
  int64_t elements = 0, slot = 0, lo = 0, hi = 0;
  double noiseStd = 0;
};

struct ProgramInterface {
  tfhe_ir::ParametersOp parameters;
  mlir::func::FuncOp main;
  std::vector<ProgramPort> inputs, outputs;
  std::vector<int64_t> arenaElements; ///< by key index
};

/// Index of a key among the keys of a parameters op, in order; -1 if absent.
int keyIndex(tfhe_ir::ParametersOp parameters, llvm::StringRef name);

/// Index of a conversion among the conversions, in order; -1 if absent.
int conversionIndex(tfhe_ir::ParametersOp parameters, llvm::StringRef name);

/// Reads a planned module; refuses with a diagnostic what is not one.
mlir::FailureOr<ProgramInterface> readInterface(mlir::ModuleOp planned);

} // namespace fhe

#endif // PASSES_TFHE_PROGRAMINTERFACE_H
