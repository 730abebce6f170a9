//===- Resize.cpp - Import of Resize, Upsample and CumSum ----------------------------===//
//
// Nearest neighbours choose elements; linear and cubic interpolation are clear matrices:
// where all weights are multiples of 2^-8, one of integers for all axes, which
// encrypted data can be multiplied by; else one of floats an axis. Formulas:
// ONNX specification of Resize. A cumulative sum is a matrix of zeros and ones.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include <cmath>

using namespace mlir;

namespace fhe::import {

namespace {
struct Resizing {
  std::string mode = "nearest", coordinates = "half_pixel", nearest = "round_prefer_floor";
  float cubicA = -0.75f, outside = 0;
  int64_t excludeOutside = 0;
  SmallVector<float> region;  ///< of tf_crop_and_resize: all starts, then all ends
  SmallVector<double> scales; ///< by ONNX axis
  SmallVector<int64_t> sizes;
};
} // namespace

/// The place in the input of element `i` of the output.
static double originalCoordinate(const Resizing &r, int64_t axis, int64_t i, int64_t in) {
  double x = double(i), scale = r.scales[axis];
  double out = scale * double(in); // before it is cut to whole elements
  if (r.coordinates == "asymmetric")
    return x / scale;
  if (r.coordinates == "align_corners")
    return out == 1 ? 0 : x * double(in - 1) / (out - 1);
  if (r.coordinates == "tf_crop_and_resize") {
    double start = r.region[axis], end = r.region[r.scales.size() + axis], last = double(in - 1);
    int64_t whole = r.sizes[axis];
    return whole > 1 ? start * last + x * (end - start) * last / double(whole - 1)
                     : 0.5 * (start + end) * last;
  }
  if (r.coordinates == "tf_half_pixel_for_nn")
    return (x + 0.5) / scale;
  if (r.coordinates == "pytorch_half_pixel" && out == 1)
    return 0;
  return (x + 0.5) / scale - 0.5;
}

static int64_t nearestIndex(StringRef mode, double x, int64_t size) {
  double rounded = mode == "floor"             ? std::floor(x)
                   : mode == "ceil"            ? std::ceil(x)
                   : mode == "round_prefer_ceil" ? std::floor(x + 0.5)
                                               : std::ceil(x - 0.5);
  return std::clamp<int64_t>(int64_t(rounded), 0, size - 1);
}

/// The matrix [out, in] of linear or cubic interpolation along `axis`.
static ConstantTensor interpolation(const Resizing &r, int64_t axis, int64_t in) {
  ConstantTensor matrix;
  matrix.isReal = true;
  matrix.shape = {r.sizes[axis], in};
  matrix.reals.assign(r.sizes[axis] * in, 0.0f);
  int taps = r.mode == "linear" ? 2 : 4;
  double a = r.cubicA;
  for (int64_t i = 0; i != r.sizes[axis]; ++i) {
    double x = originalCoordinate(r, axis, i, in), base = std::floor(x), t = x - base;
    if (r.coordinates == "tf_crop_and_resize" && (x < 0 || x > double(in - 1)))
      continue; // outside
    // Keys, "Cubic convolution interpolation for digital image processing", eq. 4.
    double cubic[4] = {((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
                       ((a + 2) * t - (a + 3)) * t * t + 1,
                       ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1,
                       ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a};
    double linear[2] = {1 - t, t}, sum = 0;
    const double *weights = taps == 2 ? linear : cubic;
    auto place = [&](int k) { return int64_t(base) + k - (taps == 2 ? 0 : 1); };
    auto counts = [&](int k) {
      return !r.excludeOutside || (place(k) >= 0 && place(k) < in);
    };
    for (int k = 0; k != taps; ++k)
      sum += counts(k) ? weights[k] : 0;
    for (int k = 0; k != taps; ++k)
      if (counts(k))
        matrix.reals[i * in + std::clamp<int64_t>(place(k), 0, in - 1)] +=
            float(r.excludeOutside ? weights[k] / sum : weights[k]);
  }
  return matrix;
}

/// `value` with its axis `axis` (of the value) multiplied by a matrix.
static FailureOr<Value> multiplyAxis(Node &node, Value value, int64_t axis, Value weights) {
  SmallVector<int64_t> swap;
  llvm::append_range(swap, llvm::seq<int64_t>(0, shapeOf(value).size()));
  std::swap(swap[axis], swap.back());
  FailureOr<Value> turned = transposeValue(node, value, swap);
  if (failed(turned))
    return failure();
  FailureOr<Value> product = createGemm(node, *turned, weights, Value());
  return failed(product) ? product : transposeValue(node, *product, swap);
}

namespace {
/// Interpolation along the axes [first, last) at once: weights [outputs, inputs], row-major over each.
struct WholeInterpolation {
  size_t first = 0, last = 0;
  int64_t outputs = 1, inputs = 1;
  std::vector<double> weights{1};
  int bits = 0; ///< times 2^bits all weights are integers
};
} // namespace

/// Nothing where there is no such axis, the matrix is large, or weights are no multiples of 2^-8.
static std::optional<WholeInterpolation> interpolateWhole(const Resizing &r, ArrayRef<int64_t> from,
                                                          bool hidden) {
  constexpr int mostBits = 8;
  constexpr int64_t mostWeights = int64_t(1) << 22;
  auto isResized = [&](size_t d) { return r.scales[d] != 1 || r.sizes[d] != from[d]; };
  WholeInterpolation whole;
  size_t &first = whole.first, &last = whole.last;
  first = hidden;
  last = from.size();
  while (first != last && !isResized(first))
    ++first;
  while (last != first && !isResized(last - 1))
    --last;
  if (first == last || r.outside != 0 || !r.region.empty())
    return std::nullopt;
  for (size_t d = first; d != last; ++d) {
    if (countElements({whole.outputs, whole.inputs, r.sizes[d], from[d]}, mostWeights) < 0)
      return std::nullopt;
    std::vector<float> axis = interpolation(r, d, from[d]).reals;
    std::vector<double> next;
    for (int64_t o = 0; o != whole.outputs * r.sizes[d]; ++o)
      for (int64_t i = 0; i != whole.inputs * from[d]; ++i)
        next.push_back(whole.weights[o / r.sizes[d] * whole.inputs + i / from[d]] *
                       axis[o % r.sizes[d] * from[d] + i % from[d]]);
    whole.weights = std::move(next);
    whole.outputs *= r.sizes[d];
    whole.inputs *= from[d];
  }
  for (double weight : whole.weights)
    while (whole.bits <= mostBits &&
           std::ldexp(weight, whole.bits) != std::nearbyint(std::ldexp(weight, whole.bits)))
      ++whole.bits;
  return whole.bits > mostBits ? std::nullopt : std::optional(whole);
}

/// All axes at once by integers times a power of two. Null where the weights are no such numbers.
static FailureOr<Value> resizeByIntegers(Node &node, Value value, const Resizing &r, bool hidden) {
  std::optional<WholeInterpolation> whole =
      interpolateWhole(r, node.onnxShape(node.input(0)), hidden);
  if (!whole)
    return Value();
  auto [first, last, outputs, inputs, reals, bits] = *whole;
  if (failed(node.charge(outputs * inputs)))
    return failure();
  std::vector<int32_t> integers;
  for (double weight : reals)
    integers.push_back(int32_t(std::ldexp(weight, bits)));
  int64_t most = (int64_t(1) << 15) - 1;
  auto type = quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed,
                                               node.builder.getIntegerType(16),
                                               node.builder.getF32Type(), std::ldexp(1.0, -bits), 0, -most, most);
  auto stored = RankedTensorType::get({outputs, inputs}, node.builder.getI32Type());
  Value weights = qnn::ConstantOp::create(node.builder, node.loc, stored.clone(type),
                                          DenseElementsAttr::get(stored, ArrayRef<int32_t>(integers)));
  // The resized axes as the last one, and back.
  ArrayRef<int64_t> shape = shapeOf(value);
  SmallVector<int64_t> order, moved, result;
  for (int64_t d = 0; d != int64_t(shape.size()); ++d)
    if (d + int64_t(hidden) < int64_t(first) || d + int64_t(hidden) >= int64_t(last)) {
      order.push_back(d);
      moved.push_back(shape[d]);
    }
  result = moved;
  moved.push_back(inputs);
  size_t kept = order.size();
  for (size_t d = first; d != last; ++d) {
    order.push_back(int64_t(d) - hidden);
    result.push_back(r.sizes[d]);
  }
  SmallVector<int64_t> back(order.size());
  for (auto [i, d] : llvm::enumerate(order))
    back[d] = int64_t(i);
  FailureOr<Value> turned = transposeValue(node, value, order);
  if (succeeded(turned) && kept + 1 != order.size())
    turned = reshapeClear(node, *turned, moved);
  FailureOr<Value> product = failed(turned) ? turned : createGemm(node, *turned, weights, Value());
  if (succeeded(product) && kept + 1 != order.size())
    product = reshapeClear(node, *product, result);
  return failed(product) ? product : transposeValue(node, *product, back);
}

/// The extrapolation value where axis `d` of the output lies outside the input.
static FailureOr<Value> replaceOutside(Node &node, Value value, const Resizing &r, size_t d,
                                       bool hidden) {
  int64_t in = node.onnxShape(node.input(0))[d];
  ConstantTensor mask;
  mask.isReal = true;
  mask.shape.assign(shapeOf(value).size() - (d - hidden), 1);
  mask.shape.front() = r.sizes[d];
  for (int64_t i = 0; i != r.sizes[d]; ++i) {
    double x = originalCoordinate(r, int64_t(d), i, in);
    mask.reals.push_back(x < 0 || x > double(in - 1));
  }
  FailureOr<Value> condition = node.materialize(mask);
  if (failed(condition))
    return failure();
  auto type = RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
  return Value(qnn::SelectOp::create(node.builder, node.loc, type, *condition,
                                     node.scalar(r.outside), value));
}

static LogicalResult defineResized(Node &node, const Resizing &r) {
  const Tensor input = node.input(0);
  SmallVector<int64_t> from = node.onnxShape(input);
  bool hidden = node.hidesBatch(input);
  if (hidden && r.sizes[0] != from[0])
    return node.refuse(diag::BatchMoved, "resizes the batch dimension");
  for (int64_t size : ArrayRef(r.sizes).drop_front(hidden))
    if (size < 1 || size > kMaxFoldedElements)
      return node.refuse(diag::TooLarge, "gives a tensor of shape " + describeShape(r.sizes));
  if (r.mode == "nearest") {
    AxisIndices lists(from.size());
    for (size_t d = hidden; d != from.size(); ++d) {
      lists[d].emplace();
      for (int64_t i = 0; i != r.sizes[d]; ++i)
        lists[d]->push_back(
            nearestIndex(r.nearest, originalCoordinate(r, d, i, from[d]), from[d]));
    }
    return defineAxisGather(node, 0, input, lists);
  }
  FailureOr<Value> value = node.encryptedInput(0);
  if (succeeded(value)) {
    FailureOr<Value> whole = resizeByIntegers(node, *value, r, hidden);
    if (failed(whole) || *whole)
      return failed(whole) ? failure() : node.define(*whole);
  }
  for (size_t d = hidden; succeeded(value) && d != from.size(); ++d) {
    if (countElements({r.sizes[d], from[d]}, kMaxFoldedElements) < 0)
      return node.refuse(diag::TooLarge, "gives a tensor of shape " + describeShape(r.sizes));
    if (r.scales[d] == 1 && r.sizes[d] == from[d] && r.region.empty())
      continue;
    FailureOr<Value> weights = node.materialize(interpolation(r, d, from[d]));
    value = failed(weights) ? weights
                            : multiplyAxis(node, *value, int64_t(d) - hidden, *weights);
    if (succeeded(value) && r.outside != 0)
      value = replaceOutside(node, *value, r, d, hidden);
  }
  return failed(value) ? failure() : node.define(*value);
}

/// Scales and sizes from scales alone or from sizes alone.
static LogicalResult readTarget(Node &node, int scalesInput, int sizesInput, Resizing &r) {
  SmallVector<int64_t> from = node.onnxShape(node.input(0));
  auto sizeOf = [&](size_t d) { return from[d] == kBatch ? int64_t(1) : from[d]; };
  auto given = [&](int i) {
    return node.has(i) && !(node.input(i).constant && node.input(i).constant->size() == 0);
  };
  if (given(sizesInput)) {
    FailureOr<std::vector<int64_t>> sizes = node.integerInput(sizesInput, "sizes");
    if (failed(sizes))
      return failure();
    r.sizes.assign(sizes->begin(), sizes->end());
    for (size_t d = 0; r.sizes.size() == from.size() && d != from.size(); ++d)
      r.scales.push_back(r.sizes[d] == kBatch ? 1 : double(r.sizes[d]) / double(sizeOf(d)));
  } else {
    FailureOr<std::vector<float>> scales = node.realInput(scalesInput, "scales");
    if (failed(scales))
      return failure();
    r.scales.assign(scales->begin(), scales->end());
    for (size_t d = 0; r.scales.size() == from.size() && d != from.size(); ++d) {
      double size = std::floor(double(sizeOf(d)) * r.scales[d]);
      if (!(r.scales[d] > 0) || size > double(kMaxElements))
        return node.refuse(diag::UnsupportedForm, "has scale " + std::to_string(r.scales[d]));
      r.sizes.push_back(from[d] == kBatch && r.scales[d] == 1 ? kBatch : int64_t(size));
    }
  }
  if (r.scales.size() != from.size() || r.sizes.size() != from.size())
    return node.refuse(diag::ShapeMismatch, "has not one scale or size for each of " +
                                                llvm::Twine(int64_t(from.size())) + " dimensions");
  return success();
}

LogicalResult importResize(Node &node) {
  Resizing r;
  bool old = node.opset() < 11;
  if (old) {
    r.coordinates = "asymmetric";
    r.nearest = "floor";
  }
  int64_t antialias = 0;
  if (failed(node.attribute("extrapolation_value", r.outside)) ||
      failed(node.attribute("mode", r.mode)) ||
      failed(node.attribute("coordinate_transformation_mode", r.coordinates)) ||
      failed(node.attribute("nearest_mode", r.nearest)) ||
      failed(node.attribute("cubic_coeff_a", r.cubicA)) ||
      failed(node.attribute("exclude_outside", r.excludeOutside)) ||
      failed(node.attribute("antialias", antialias)))
    return failure();
  static const StringRef known[] = {"half_pixel", "pytorch_half_pixel", "align_corners",
                                    "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
  bool crops = r.coordinates == "tf_crop_and_resize";
  if ((r.mode != "nearest" && r.mode != "linear" && r.mode != "cubic") ||
      !llvm::is_contained(known, r.coordinates) || antialias ||
      (crops && r.mode != "linear"))
    return node.refuse(diag::UnsupportedForm,
                       "resizes with mode '" + r.mode + "' and coordinates '" + r.coordinates +
                           (antialias ? "' antialiased" : "'") + ", which is not supported");
  if (failed(readTarget(node, old ? 1 : 2, old ? -1 : 3, r)))
    return failure();
  if (crops) {
    FailureOr<std::vector<float>> region = node.realInput(1, "roi");
    if (failed(region))
      return failure();
    if (region->size() != 2 * r.scales.size())
      return node.refuse(diag::ShapeMismatch, "roi must have a start and an end for each dimension");
    r.region.assign(region->begin(), region->end());
  }
  return defineResized(node, r);
}

LogicalResult importUpsample(Node &node) {
  Resizing r;
  r.coordinates = "asymmetric";
  r.nearest = "floor";
  if (failed(node.attribute("mode", r.mode)))
    return failure();
  if (r.mode != "nearest" && r.mode != "linear")
    return node.refuse(diag::UnsupportedForm, "has unknown mode '" + r.mode + "'");
  if (!node.has(1))
    return node.refuse(diag::UnsupportedForm, "has its scales as an attribute",
                       {"help: export with opset_version=13"});
  if (failed(readTarget(node, 1, -1, r)))
    return failure();
  return defineResized(node, r);
}

LogicalResult importCumSum(Node &node) {
  int64_t exclusive = 0, reverse = 0;
  FailureOr<Value> input = node.encryptedInput(0);
  FailureOr<std::vector<int64_t>> axes = node.integerInput(1, "axis");
  if (failed(input) || failed(axes) || failed(node.attribute("exclusive", exclusive)) ||
      failed(node.attribute("reverse", reverse)))
    return failure();
  bool hidden = node.hidesBatch(node.input(0));
  FailureOr<int64_t> axis =
      node.normalizeAxis(axes->empty() ? 0 : axes->front(), shapeOf(*input).size() + hidden);
  if (failed(axis))
    return failure();
  if (hidden && *axis == 0)
    return node.refuse(diag::BatchMoved, "sums along the batch dimension");
  int64_t size = shapeOf(*input)[*axis - hidden];
  if (countElements({size, size}, kMaxFoldedElements) < 0 || failed(node.charge(size * size)))
    return node.refuse(diag::TooLarge, "sums " + llvm::Twine(size) + " elements");
  // Integers, so that an encrypted sum needs no quantizer of its own.
  std::vector<int32_t> ones;
  for (int64_t o = 0; o != size; ++o)
    for (int64_t i = 0; i != size; ++i)
      ones.push_back((i == o && !exclusive) || (reverse ? i > o : i < o));
  auto bit = quant::UniformQuantizedType::get(0, node.builder.getIntegerType(1),
                                              node.builder.getF32Type(), 1.0, 0, 0, 1);
  auto stored = RankedTensorType::get({size, size}, node.builder.getI32Type());
  Value weights = qnn::ConstantOp::create(node.builder, node.loc, stored.clone(bit),
                                          DenseElementsAttr::get(stored, ArrayRef<int32_t>(ones)));
  FailureOr<Value> sums = multiplyAxis(node, *input, *axis - hidden, weights);
  return failed(sums) ? failure() : node.define(*sums);
}

} // namespace fhe::import
