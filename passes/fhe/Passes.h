//===- Passes.h - Passes on the fhe dialect ----------------------------------------===//
#ifndef PASSES_FHE_PASSES_H
#define PASSES_FHE_PASSES_H

#include "dialects/fhe/FHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace fhe {

/// Integers that must stay free at each end of a window of `width` slots whose table is rounded to
/// `rounded` bits: 6 standard deviations of the largest noise that a half-slot of `rounded` bits
/// allows at 2^-40 (7.14 standard deviations): 6/7.14 * 2^-(rounded+2) * 2^(width+1), rounded up.
int64_t roundingGuard(unsigned width, unsigned rounded);

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/fhe/Passes.h.inc"

} // namespace fhe

#endif // PASSES_FHE_PASSES_H
