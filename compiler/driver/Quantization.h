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

/// Puts constants in place of the statistics of the data that `module` normalizes by
/// (passes/quantize/FreezeStatistics.h). Refuses as quantizeFromFiles.
mlir::LogicalResult freezeStatisticsFromFiles(mlir::ModuleOp module, const std::vector<NamedFile> &files);

/// Refuses statistics of encrypted numbers [Q018]; `command` is repeated in the help line.
mlir::LogicalResult refuseStatistics(mlir::ModuleOp module, llvm::StringRef command);

} // namespace fhe

#endif // COMPILER_DRIVER_QUANTIZATION_H
