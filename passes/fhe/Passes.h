//===- Passes.h - Passes on the fhe dialect ----------------------------------------===//
#ifndef PASSES_FHE_PASSES_H
#define PASSES_FHE_PASSES_H

#include "dialects/fhe/FHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace fhe {

/// Slots that must stay free at each end of a window of 2^width slots whose table is looked up with
/// a precision of `precision` bits: 6 standard deviations of the largest noise that keeps half a
/// slot of that precision with a failure probability of 2^log2PError, rounded up. With z standard
/// deviations in half a slot (7.14 at 2^-40): 6/z * 2^(width - precision - 1).
int64_t endGuard(unsigned width, unsigned precision, double log2PError);

/// Up to this failure probability an exact table may fill its window: 6 standard deviations are
/// then less than the half slot that its end values have anyway.
inline constexpr double unguardedLog2PError = -40;

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/fhe/Passes.h.inc"

} // namespace fhe

#endif // PASSES_FHE_PASSES_H
