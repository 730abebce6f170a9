//===- Pools.cpp - Import of AveragePool and MaxPool -------------------------------------===//
//
// An average is a qnn.avg_pool; what that cannot say (three dimensions, partial windows,
// dilations) and maxima read their windows by qnn.gather first.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Windows.h"

using namespace mlir;

namespace fhe::import {

/// How many places of each window the average divides by.
static ConstantTensor divisors(const Window &window, ArrayRef<int64_t> sizes,
                               ArrayRef<int64_t> counts, bool countPad) {
  ConstantTensor result;
  result.isReal = true;
  result.shape.assign(counts.begin(), counts.end());
  // Padding counts, what lies beyond it (a partial window) does not.
  Window padded = window;
  SmallVector<int64_t> all(sizes);
  for (size_t d = 0, rank = sizes.size(); countPad && d != rank; ++d) {
    all[d] += window.pads[d] + window.pads[rank + d];
    padded.pads[d] = 0;
  }
  forEachWindow(counts, [&](ArrayRef<int64_t> at) {
    float real = 0;
    forEachPlace(padded, all, at, [&](int64_t element) { real += element >= 0; });
    result.reals.push_back(std::max(real, 1.0f));
  });
  return result;
}

/// An average over windows of any form: their sums, divided.
static FailureOr<Value> averageWindows(Node &node, Value sample, const Window &window,
                                       ArrayRef<int64_t> counts, bool countPad) {
  FailureOr<Value> windows = gatherWindows(node, sample, window, counts, /*repeat=*/false);
  if (failed(windows))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(*windows);
  int64_t rows = shape[0] * shape[1], places = shape[2];
  FailureOr<Value> flat = reshapeClear(node, *windows, {rows, 1, places});
  if (failed(flat))
    return failure();
  auto sumType = RankedTensorType::get({rows, 1, 1}, node.builder.getF32Type());
  Value sum = qnn::AvgPoolOp::create(node.builder, node.loc, sumType, *flat,
                                     ArrayRef<int64_t>{1, places}, ArrayRef<int64_t>{1, 1},
                                     ArrayRef<int64_t>{0, 0, 0, 0}, false, /*sum=*/true);
  SmallVector<int64_t> result{shape[0]};
  llvm::append_range(result, counts);
  FailureOr<Value> view = reshapeClear(node, sum, result);
  FailureOr<Value> divisor = node.materialize(
      divisors(window, shapeOf(sample).drop_front(), counts, countPad));
  if (failed(view) || failed(divisor))
    return failure();
  auto type = RankedTensorType::get(result, node.builder.getF32Type());
  return Value(qnn::DivOp::create(node.builder, node.loc, type, *view, *divisor));
}

/// Whether qnn.avg_pool says it: two dimensions at most, whole windows, real elements in each.
static bool isPlainPool(const Window &window, ArrayRef<int64_t> sizes, ArrayRef<int64_t> counts) {
  bool plain = sizes.size() <= 2;
  for (size_t d = 0, rank = sizes.size(); plain && d != rank; ++d) {
    int64_t padded = sizes[d] + window.pads[d] + window.pads[rank + d];
    plain = window.dilations[d] == 1 && window.pads[d] < window.kernel[d] &&
            window.pads[rank + d] < window.kernel[d] &&
            counts[d] == (padded - window.kernel[d]) / window.strides[d] + 1;
  }
  return plain;
}

/// Window and counts of a pool over `sample`.
static FailureOr<std::pair<Window, SmallVector<int64_t>>> readPool(Node &node, Value sample) {
  int64_t ceilMode = 0;
  if (failed(checkSpatial(node, sample)) || failed(node.attribute("ceil_mode", ceilMode)))
    return failure();
  ArrayRef<int64_t> sizes = shapeOf(sample).drop_front();
  FailureOr<Window> window = readWindow(node, sizes, {});
  if (failed(window))
    return failure();
  auto counts = countWindows(node, *window, sizes, ceilMode != 0);
  if (failed(counts))
    return failure();
  return std::pair(*window, *counts);
}

LogicalResult importAveragePool(Node &node) {
  int64_t countPad = 0;
  if (failed(node.attribute("count_include_pad", countPad)))
    return failure();
  return definePerSample(node, [&](Value sample) -> FailureOr<Value> {
    auto pool = readPool(node, sample);
    if (failed(pool))
      return failure();
    auto &[window, counts] = *pool;
    ArrayRef<int64_t> shape = shapeOf(sample);
    if (!isPlainPool(window, shape.drop_front(), counts))
      return averageWindows(node, sample, window, counts, countPad != 0);
    SmallVector<int64_t> result{shape[0]};
    llvm::append_range(result, counts);
    FailureOr<RankedTensorType> finalType = node.tensorType(result);
    FailureOr<Value> x = reshapeClear(node, sample, withHeight(shape));
    if (failed(finalType) || failed(x))
      return failure();
    makeTwoDimensional(window);
    auto type = RankedTensorType::get(withHeight(result), node.builder.getF32Type());
    Value value =
        qnn::AvgPoolOp::create(node.builder, node.loc, type, *x, window.kernel, window.strides,
                               window.pads, countPad != 0, /*sum=*/false);
    return reshapeClear(node, value, result);
  });
}

LogicalResult importMaxPool(Node &node) {
  node.ignoreAttribute("storage_order"); // of the indices
  return definePerSample(node, [&](Value sample) -> FailureOr<Value> {
    auto pool = readPool(node, sample);
    if (failed(pool))
      return failure();
    auto &[window, counts] = *pool;
    FailureOr<Value> windows = gatherWindows(node, sample, window, counts, /*repeat=*/true);
    if (failed(windows))
      return failure();
    ArrayRef<int64_t> shape = shapeOf(*windows);
    auto type = RankedTensorType::get(shape.drop_back(), elementOf(*windows));
    Value largest = qnn::MaxOp::create(node.builder, node.loc, type, *windows);
    SmallVector<int64_t> result{shape[0]};
    llvm::append_range(result, counts);
    return reshapeClear(node, largest, result);
  });
}

} // namespace fhe::import
