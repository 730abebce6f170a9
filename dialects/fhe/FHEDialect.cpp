//===- FHEDialect.cpp - The fhe dialect, its types and attributes --------------===//
#include "dialects/fhe/FHE.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fhe;

#include "dialects/fhe/FHEDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/fhe/FHETypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/fhe/FHEAttrs.cpp.inc"

void FHEDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/fhe/FHETypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/fhe/FHEAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/fhe/FHEOps.cpp.inc"
      >();
}

unsigned fhe::tableBits(int64_t lo, int64_t hi) { return llvm::Log2_64_Ceil(uint64_t(hi - lo) + 1); }

unsigned fhe::accumulatorBits(int64_t lo, int64_t hi) {
  unsigned bits = 0;
  if (lo >= 0) {
    while (bits < 63 && (int64_t(1) << bits) <= hi)
      ++bits;
    return bits;
  }
  bits = 1;
  while (bits < 63 && (-(int64_t(1) << (bits - 1)) > lo || (int64_t(1) << (bits - 1)) <= hi))
    ++bits;
  return bits;
}

LogicalResult IntType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t lo, int64_t hi) {
  constexpr int64_t bound = int64_t(1) << 40;
  if (lo > hi)
    return emitError() << "range is empty: " << lo << " to " << hi;
  if (lo <= -bound || hi >= bound)
    return emitError() << "range " << lo << " to " << hi << " exceeds 2^40";
  return success();
}

LogicalResult RangesAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> interval, ArrayRef<int64_t> proven,
                                 ArrayRef<int64_t> observed) {
  auto bad = [](ArrayRef<int64_t> range) { return range.size() != 2 || range[0] > range[1]; };
  if (bad(interval) || bad(proven) || (!observed.empty() && bad(observed)))
    return emitError() << "each range is a pair [lo, hi] with lo <= hi";
  return success();
}
