//===- Realization.h - Ways to evaluate a table ------------------------------------===//
//
// What the fhe and tfhe levels agree on about realizations of a table: their names,
// and which tables can do without a padding bit.
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_SHARED_REALIZATION_H
#define DIALECTS_SHARED_REALIZATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include <optional>
#include <vector>

namespace fhe {

/// One padding bit: the window is half of the torus, any table is possible.
inline constexpr llvm::StringLiteral directRealization = "direct";
/// No padding bit: the window is the whole torus, its upper half is an offset minus its lower half.
inline constexpr llvm::StringLiteral negacyclicRealization = "negacyclic";

/// The offsets [T][R] of tables [T, R, entries] whose first entry lies in slot `guard` of 2^width
/// slots: f(s + 2^(width-1)) + f(s) for all slots s. It must be one number a table wherever slot
/// s + 2^(width-1) is an entry or one of the `above` slots behind the last, which holds the last
/// entry's value (as slots below `guard` hold the first's). Slots above are free. Empty where a
/// table is not of this kind, and where no entry lies in the upper half. Cost: one pass over the
/// tables.
std::optional<std::vector<int64_t>> negacyclicOffsets(mlir::DenseIntElementsAttr tables,
                                                      uint64_t width, int64_t guard,
                                                      int64_t above = 0);

/// Slots behind the last entry that hold its value in every table: up to the end of a direct window,
/// without padding bit those that the lower half decides so.
int64_t guardAbove(mlir::DenseIntElementsAttr tables, llvm::StringRef realization, uint64_t width,
                   int64_t guard);

/// Checks the name of a realization and that the tables of `op` admit it. Width and guard must have
/// been checked.
mlir::LogicalResult verifyRealization(mlir::Operation *op, llvm::StringRef realization,
                                      mlir::DenseIntElementsAttr tables, uint64_t width,
                                      int64_t guard);

} // namespace fhe

#endif // DIALECTS_SHARED_REALIZATION_H
