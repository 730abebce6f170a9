//===- FHE.h - The fhe dialect: exact encrypted integers -----------------------===//
#ifndef DIALECTS_FHE_FHE_H
#define DIALECTS_FHE_FHE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace fhe {
/// ceil(log2(hi-lo+1)): bits a table over [lo, hi] needs.
unsigned tableBits(int64_t lo, int64_t hi);
/// Smallest two's-complement width of [lo, hi], unsigned if lo >= 0.
unsigned accumulatorBits(int64_t lo, int64_t hi);
} // namespace fhe

#include "dialects/fhe/FHEDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/fhe/FHETypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/fhe/FHEAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/fhe/FHEOps.h.inc"

#endif // DIALECTS_FHE_FHE_H
