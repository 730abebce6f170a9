//===- CostModel.h - Predicted times and sizes ----------------------------------===//
//
// Times are a model, not a measurement: operations counted from the program, priced
// by KernelCost.h. They rank choices and give an order of magnitude.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_COSTMODEL_H
#define PASSES_PARAMETERS_COSTMODEL_H

#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/parameters/KernelCost.h"

namespace fhe::parameters {

/// Clear multiplications by ciphertexts of one operation for one sample.
double multiplications(mlir::Operation *op);

/// Seconds of one operation for one sample on one core (0 for a view).
double operationSeconds(mlir::Operation *op, const ::fhe::tfhe::ParameterSet &set);

/// Memory of a server for one inference on one thread, from fhe_prepare to the results: keys as
/// evaluation uses them, arenas of `arenaElements` ciphertexts, tables as test polynomials, scratch of
/// the kernels, results. What the caller holds (the stored key, the encrypted input) is not in it.
uint64_t peakBytes(mlir::func::FuncOp main, llvm::ArrayRef<int64_t> arenaElements,
                   const ::fhe::tfhe::ParameterSet &set);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_COSTMODEL_H
