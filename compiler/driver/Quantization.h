//===- Quantization.h - Post-training quantization from calibration files --------===//
//
// Reads the calibration values of an imported float network and quantizes it
// (passes/quantize/Quantize.h).
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_QUANTIZATION_H
#define COMPILER_DRIVER_QUANTIZATION_H

#include "compiler/driver/CompileFlags.h"
#include "mlir/IR/BuiltinOps.h"

namespace fhe {

/// Quantizes `module`, as it was imported. Refuses files that do not fit the inputs [Q060] and what
/// quantizeNetwork refuses.
mlir::LogicalResult quantizeFromFiles(mlir::ModuleOp module, const std::vector<NamedFile> &files,
                                      const QuantizeOptions &options);

} // namespace fhe

#endif // COMPILER_DRIVER_QUANTIZATION_H
