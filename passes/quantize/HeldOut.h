//===- HeldOut.h - Ways of quantizing compared on samples they have not seen ---------===//
//
// Cross-validation over the calibration samples: no labels, no test set.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_HELDOUT_H
#define PASSES_QUANTIZE_HELDOUT_H

#include "passes/quantize/Network.h"

namespace fhe::quantize {

/// The error of the results (ResultError.h, a sample) of `module` quantized in one way: fitted to every
/// other sample and compared with the float network on the others, and the reverse; the mean of both. Less
/// than 64 samples are not split. `module` stays as it is.
mlir::FailureOr<double> heldOutError(mlir::ModuleOp module, const qnn::RealTensors &inputs,
                                     int64_t samples, const QuantizeOptions &options,
                                     Variant variant);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_HELDOUT_H
