//===- CostModel.h - Predicted times and sizes ----------------------------------===//
//
// Times are a model, not a measurement: operations counted from the parameters,
// divided by rates committed here (one AVX-512 core of a server CPU of 2023, keys
// streamed once a batch). They rank choices and give an order of magnitude.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_COSTMODEL_H
#define PASSES_PARAMETERS_COSTMODEL_H

#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/tfhe/parameters.h"

namespace fhe::parameters {

/// Seconds of one keyswitch and bootstrap on one core.
double lookupSeconds(const ::fhe::tfhe::ParameterSet &set);

/// Seconds of one operation for one sample on one core (0 for a view).
double operationSeconds(mlir::Operation *op, const ::fhe::tfhe::ParameterSet &set);

/// Bytes of the evaluation keys of a set.
struct KeyBytes {
  uint64_t stored = 0; ///< on disk: masks are seeded, bodies stored
  uint64_t memory = 0; ///< as evaluation uses them: keyswitch words, Fourier bootstrap key
};
KeyBytes evaluationKeyBytes(const ::fhe::tfhe::ParameterSet &set);

/// Bytes of one LWE ciphertext under the GLWE key.
uint64_t ciphertextBytes(const ::fhe::tfhe::ParameterSet &set);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_COSTMODEL_H
