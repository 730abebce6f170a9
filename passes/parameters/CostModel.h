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

/// f64 array on the module: kernel rates that are not the committed ones, in the order of
/// `rateMembers`.
inline constexpr llvm::StringLiteral kernelRatesAttr = "tfhe.kernel_rates";

/// The rates a module names, else the committed ones.
KernelRates kernelRatesOf(mlir::ModuleOp module);
void setKernelRates(mlir::ModuleOp module, const KernelRates &rates);

/// Clear multiplications by ciphertexts of one operation for one sample.
double multiplications(mlir::Operation *op);

/// Seconds of one operation for one sample on one core (0 for a view), under the keys it names in
/// these parameters.
double operationSeconds(mlir::Operation *op, tfhe_ir::ParametersOp parameters,
                        const KernelRates &rates = committedRates());

/// Bytes of all evaluation keys of the parameters.
KeyBytes evaluationKeyBytes(tfhe_ir::ParametersOp parameters);

/// Bytes of one LWE ciphertext under the GLWE key of that name; 0 under a clear key.
uint64_t ciphertextBytes(tfhe_ir::ParametersOp parameters, llvm::StringRef key);

/// Memory of a server for one inference on one thread, from fhe_prepare to the results: keys as
/// evaluation uses them, arenas of `arenaElements` ciphertexts by name of the key, tables as test
/// polynomials, scratch of the kernels, results. What the caller holds (the stored key, the encrypted
/// input) is not in it.
uint64_t peakBytes(mlir::func::FuncOp main, mlir::DictionaryAttr arenaElements,
                   tfhe_ir::ParametersOp parameters);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_COSTMODEL_H
