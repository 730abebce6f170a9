//===- Passes.h - Passes on qnn ---------------------------------------------------===//
//
// In pipeline order: qnn-set-outputs, qnn-fold, qnn-move-maxima, qnn-check-quantizers, qnn-verify-accumulators, all on
// func.func. Descriptions: Passes.td.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QNN_PASSES_H
#define PASSES_QNN_PASSES_H

#include "dialects/qnn/QNN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace fhe {

#define GEN_PASS_DECL
#include "passes/qnn/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/qnn/Passes.h.inc"

} // namespace fhe

#endif // PASSES_QNN_PASSES_H
