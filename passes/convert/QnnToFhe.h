//===- QnnToFhe.h - From reals with quantizers to integers with tables --------------===//
#ifndef PASSES_CONVERT_QNNTOFHE_H
#define PASSES_CONVERT_QNNTOFHE_H

#include "dialects/fhe/FHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace fhe {

#define GEN_PASS_DECL
#include "passes/convert/QnnToFhe.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/convert/QnnToFhe.h.inc"

} // namespace fhe

#endif // PASSES_CONVERT_QNNTOFHE_H
