//===- Calibration.h - Observed ranges from calibration inputs ------------------===//
//
// Quantizes the calibration inputs as a client would, evaluates them with the
// interpreter of the fhe dialect, and records what each accumulator took on.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_CALIBRATION_H
#define COMPILER_DRIVER_CALIBRATION_H

#include "compiler/driver/CompileFlags.h"
#include "mlir/IR/BuiltinOps.h"

namespace fhe {

/// What calibration files are read for: an input of the network and the elements of one sample of it.
struct CalibrationInput {
  std::string name;
  int64_t elements = 0;
};

/// The values of each of `inputs`, [samples][elements]. Refuses files that do not fit.
mlir::FailureOr<std::vector<std::vector<float>>>
readCalibration(mlir::ModuleOp module, const std::vector<NamedFile> &files,
                const std::vector<CalibrationInput> &inputs, int64_t &samples);

/// Sets `observed` in the ranges of the accumulators of `module`, which is between fhe-fuse-luts
/// and fhe-assign-windows; with `frequencies` also how often each table entry is looked up. Refuses
/// files that do not fit the inputs.
mlir::LogicalResult calibrateFromFiles(mlir::ModuleOp module, const std::vector<NamedFile> &files,
                                       bool frequencies);

} // namespace fhe

#endif // COMPILER_DRIVER_CALIBRATION_H
