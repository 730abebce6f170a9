//===- StoredIntegers.h - Integer constants in few bytes -----------------------------===//
//
// Weights are i32 in the IR where they are few. From kNarrowElements on they are held as bytes
// where they fit: constants live as long as the context, and those of a large network are most
// of the compiler's memory.
//
//===--------------------------------------------------------------------------------===//
#ifndef DIALECTS_SHARED_STOREDINTEGERS_H
#define DIALECTS_SHARED_STOREDINTEGERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include <vector>

namespace fhe {

inline constexpr int64_t kNarrowElements = int64_t(1) << 16;

/// Whether an attribute's element type is one of those: i32, i8, or ui8 where `withUnsigned`.
bool isStoredInteger(mlir::Type element, bool withUnsigned);

/// Attribute with `values` of `shape`; of ui8 only where `withUnsigned`.
mlir::DenseIntElementsAttr storeIntegers(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> shape,
                                         llvm::ArrayRef<int32_t> values, bool withUnsigned);

/// The numbers of such an attribute.
std::vector<int32_t> readIntegers(mlir::DenseElementsAttr attr);

} // namespace fhe

#endif // DIALECTS_SHARED_STOREDINTEGERS_H
