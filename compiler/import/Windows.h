//===- Windows.h - What convolutions and pools share in their import -------------------===//
#ifndef COMPILER_IMPORT_WINDOWS_H
#define COMPILER_IMPORT_WINDOWS_H

#include "compiler/import/Node.h"

namespace fhe::import {

/// Attributes of a window, an entry a spatial dimension; pads: all before, then all after.
struct Window {
  llvm::SmallVector<int64_t> kernel, strides, pads, dilations;
};

/// Reads and checks the window attributes; `sizes` are the spatial sizes of the input.
mlir::FailureOr<Window> readWindow(Node &node, llvm::ArrayRef<int64_t> sizes,
                                   llvm::ArrayRef<int64_t> weightKernel);
/// Number of windows in each spatial dimension; refuses windows larger than the padded input.
mlir::FailureOr<llvm::SmallVector<int64_t>> countWindows(Node &node, const Window &window,
                                                         llvm::ArrayRef<int64_t> sizes,
                                                         bool ceilMode = false);
/// A one-dimensional window as a two-dimensional one of height 1.
void makeTwoDimensional(Window &window);
/// [C,L] as [C,1,L]; other shapes stay.
llvm::SmallVector<int64_t> withHeight(llvm::ArrayRef<int64_t> shape);
/// Refuses a sample without spatial dimension, or with more than three.
mlir::LogicalResult checkSpatial(Node &node, mlir::Value sample);
/// The windows of each channel of `sample` [C, ...] as [C, windows, places]. A place in the padding reads
/// 0, or where `repeat` another element of its window.
mlir::FailureOr<mlir::Value> gatherWindows(Node &node, mlir::Value sample, const Window &window,
                                           llvm::ArrayRef<int64_t> counts, bool repeat);

/// Calls visit(element inside one channel or -1) for each place of the window at `at`; -1: padding.
template <typename Visit>
void forEachPlace(const Window &window, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> at,
                         Visit visit) {
  size_t rank = sizes.size();
  llvm::SmallVector<int64_t> k(rank, 0);
  for (int64_t left = countElements(window.kernel); left > 0; --left) {
    int64_t element = 0;
    bool inside = true;
    for (size_t d = 0; d != rank; ++d) {
      int64_t x = at[d] * window.strides[d] - window.pads[d] + k[d] * window.dilations[d];
      inside &= x >= 0 && x < sizes[d];
      element = element * sizes[d] + x;
    }
    visit(inside ? element : -1);
    for (size_t d = rank; d-- > 0;) {
      if (++k[d] != window.kernel[d])
        break;
      k[d] = 0;
    }
  }
}

/// Calls visit(at) for each window.
template <typename Visit>
void forEachWindow(llvm::ArrayRef<int64_t> counts, Visit visit) {
  llvm::SmallVector<int64_t> at(counts.size(), 0);
  for (int64_t left = countElements(counts); left > 0; --left) {
    visit(llvm::ArrayRef<int64_t>(at));
    for (size_t d = counts.size(); d-- > 0;) {
      if (++at[d] != counts[d])
        break;
      at[d] = 0;
    }
  }
}

} // namespace fhe::import

#endif // COMPILER_IMPORT_WINDOWS_H
