//===- ShapeRules.cpp - Shapes that several dialects check alike -----------------===//
#include "dialects/shared/ShapeRules.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include <cmath>

using namespace mlir;

/// Size of a pooled or convolved dimension, or -1 where the window does not fit.
static int64_t windowCount(int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                           int64_t dilation) {
  int64_t reach = dilation * (kernel - 1) + 1;
  return size + padding < reach ? -1 : (size + padding - reach) / stride + 1;
}

LogicalResult fhe::verifyWindow(Operation *op, ArrayRef<int64_t> input, ArrayRef<int64_t> result,
                                  ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                                  ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations) {
  if (input.size() != 3 || result.size() != 3 || kernel.size() != 2 || strides.size() != 2 ||
      pads.size() != 4 || dilations.size() != 2)
    return op->emitOpError("expects [C,H,W] tensors, two strides, four pads and two dilations");
  for (int64_t value : llvm::concat<const int64_t>(kernel, strides, dilations))
    if (value < 1)
      return op->emitOpError("kernel, strides and dilations must be at least 1, found ") << value;
  for (unsigned d = 0; d != 2; ++d) {
    if (pads[d] < 0 || pads[d + 2] < 0)
      return op->emitOpError("pads must not be negative");
    int64_t expected =
        windowCount(input[d + 1], kernel[d], strides[d], pads[d] + pads[d + 2], dilations[d]);
    if (result[d + 1] != expected)
      return op->emitOpError("result dimension ")
             << d + 1 << " must be " << expected << ", found " << result[d + 1];
  }
  return success();
}

LogicalResult fhe::verifyFrequencies(Operation *op, ElementsAttr frequencies,
                                     ArrayRef<int64_t> shape) {
  if (!frequencies)
    return success();
  auto dense = dyn_cast<DenseFPElementsAttr>(frequencies);
  if (!dense || !dense.getElementType().isF64() || dense.getType().getShape() != shape)
    return op->emitOpError("frequencies must be dense f64 [")
           << shape[0] << ", " << shape[1] << "], found " << frequencies.getType();
  for (double value : dense.getValues<double>())
    if (!(value >= 0) || !std::isfinite(value))
      return op->emitOpError("frequencies must not be negative, found ") << value;
  return success();
}
