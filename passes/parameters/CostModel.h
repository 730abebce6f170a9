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

/// Seconds of one operation for one sample on one core (0 for a view).
double operationSeconds(mlir::Operation *op, const ::fhe::tfhe::ParameterSet &set);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_COSTMODEL_H
