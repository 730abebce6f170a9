//===- Maxima.h - Which pairs give the largest of each window ------------------------===//
//
// A table is paid for each pair, so windows that overlap share pairs: rows before
// columns (or columns before rows), and along an axis runs of a power of two elements,
// joined disjoint or overlapping (a maximum may read an element twice). Of these
// plans the one with the fewest pairs is taken, then the shallowest: noise grows with
// the depth.
//
//===---------------------------------------------------------------------------------===//
#ifndef PASSES_CONVERT_MAXIMA_H
#define PASSES_CONVERT_MAXIMA_H

#include "mlir/Support/LLVM.h"
#include <cstdint>
#include <vector>

namespace fhe {

struct MaximaPlan {
  /// Pairs that can be compared at once. All numbers are places in a pool: at first the elements of the
  /// source; after a level what it kept, then its maxima.
  struct Level {
    std::vector<int64_t> lhs, rhs, kept;
  };
  std::vector<Level> levels;
  std::vector<int64_t> results; ///< of each row, a place in the last pool
  int64_t pairs() const;
};

/// `elements` has rows of `places` elements of a tensor of `shape`, row-major; an element may be in a row
/// more than once. Time: rows times places times the logarithm of places, for each plan tried.
MaximaPlan planMaxima(llvm::ArrayRef<int32_t> elements, int64_t places, llvm::ArrayRef<int64_t> shape);

} // namespace fhe

#endif // PASSES_CONVERT_MAXIMA_H
