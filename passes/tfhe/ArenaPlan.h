//===- ArenaPlan.h - Live slots of a planned function -----------------------------===//
//
// Shared by tfhe-plan-arena, which places slots, and convert-tfhe-to-llvm, which
// checks again what it is given.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_TFHE_ARENAPLAN_H
#define PASSES_TFHE_ARENAPLAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>
#include <vector>

namespace fhe {

/// On @main, once planned: {key = ciphertexts of one sample}.
inline constexpr llvm::StringLiteral arenaAttr = "tfhe.arena_elements";

/// One tensor and the time it must stay: from the call that writes it to the last that reads it.
struct LiveSlot {
  mlir::Value value;
  mlir::SymbolRefAttr key;
  int64_t elements, firstWrite, lastUse;
  int64_t offset; ///< -1 before planning
  /// A result written while an operand is read meets it: the two may not share a place.
  bool meets(const LiveSlot &other) const {
    return firstWrite <= other.lastUse && other.firstWrite <= lastUse;
  }
};

/// The value whose slot `value` lies in: itself, but for views.
mlir::Value slotOwner(mlir::Value value);

/// All slots of a one-block function, in order of their first write; offsets not set.
std::vector<LiveSlot> collectLiveSlots(mlir::func::FuncOp function);

/// Two slots of one arena, live at one time, that share a place.
std::optional<std::pair<unsigned, unsigned>> findOverlap(llvm::ArrayRef<LiveSlot> slots);

/// Puts the operations of a function of tfhe operations, one block, into the order of
/// tfhe-schedule; erases dead ones.
void scheduleOperations(mlir::func::FuncOp function);

/// Places all slots of such a function and writes them down, as tfhe-plan-arena says.
mlir::LogicalResult planArena(mlir::func::FuncOp function);

/// Ciphertexts of all arenas and results of such a function, scheduled and planned; it stays as it is.
int64_t plannedCiphertexts(mlir::func::FuncOp function);

} // namespace fhe

#endif // PASSES_TFHE_ARENAPLAN_H
