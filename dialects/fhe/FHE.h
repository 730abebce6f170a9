//===- FHE.h - The fhe dialect: exact encrypted integers -----------------------===//
#ifndef DIALECTS_FHE_FHE_H
#define DIALECTS_FHE_FHE_H

#include "dialects/shared/StoredIntegers.h"
#include "dialects/shared/Realization.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace fhe {
/// Multiple of 2^log2Step that is nearest to v, the upper one of two, over 2^log2Step.
inline int64_t tableStep(int64_t v, unsigned log2Step) {
  return log2Step ? (v + (int64_t(1) << (log2Step - 1))) >> log2Step : v;
}
/// ceil(log2(hi-lo+1)): bits a table over [lo, hi] needs.
unsigned tableBits(int64_t lo, int64_t hi);
/// Smallest two's-complement width of [lo, hi], unsigned if lo >= 0.
unsigned accumulatorBits(int64_t lo, int64_t hi);

/// One way to evaluate the tables of an operation, and what it asks of parameters.
struct Realization {
  llvm::StringRef name;  ///< as the attribute of the operation says it
  int64_t guard = 0;     ///< slot of the first integer
  unsigned width = 0;    ///< log2 of the slots of the window
  unsigned precision = 0; ///< bits that the noise must leave right
  unsigned paddingBits = 1;
  unsigned bootstraps = 1; ///< of each element, each with a keyswitch of its own

  /// The integer 1 at the table, as log2 on the 64-bit torus. A larger one costs no noise: results of
  /// bootstraps and encryptions are as noisy at any.
  unsigned log2Delta() const { return 64 - width - paddingBits; }
  /// Half a slot of `precision` bits, as log2 relative to the torus: what the operand's noise, that of
  /// the keyswitch and that of the modulus switch must stay below.
  int log2HalfSlot() const { return -int(precision) - 1 - int(paddingBits); }
  /// The width of the direct table that asks for as little noise.
  unsigned bits() const { return precision + paddingBits - 1; }
  /// Looked up approximately: the noise may move the operand by more than one of its integers.
  bool isRounded() const { return precision < width; }
};

/// Slots that a realization must hold the end values in at both ends of its window, beyond the half
/// slot of the last integer: where noise may carry an integer.
using GuardRule = llvm::function_ref<int64_t(const Realization &)>;
} // namespace fhe

#include "dialects/fhe/FHEDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/fhe/FHETypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/fhe/FHEAttrs.h.inc"
#include "dialects/fhe/FHEInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dialects/fhe/FHEOps.h.inc"

#endif // DIALECTS_FHE_FHE_H
