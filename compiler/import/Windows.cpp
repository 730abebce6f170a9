//===- Windows.cpp - Windows, and the import of convolutions ---------------------------===//
//
// In one and two spatial dimensions a convolution is a qnn.conv (one dimension: of
// height 1); in three its windows are read by qnn.gather and multiplied. A transposed
// convolution is a plain one of its input with zeros between.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Windows.h"

using namespace mlir;

namespace fhe::import {

/// The pads of auto_pad SAME_UPPER and SAME_LOWER: output size ceil(size / stride).
static void padSame(Window &window, ArrayRef<int64_t> sizes, bool upper) {
  size_t rank = sizes.size();
  window.pads.assign(2 * rank, 0);
  for (size_t d = 0; d != rank; ++d) {
    int64_t out = (sizes[d] + window.strides[d] - 1) / window.strides[d];
    int64_t total = std::max<int64_t>(
        (out - 1) * window.strides[d] + (window.kernel[d] - 1) * window.dilations[d] + 1 - sizes[d],
        0);
    window.pads[d] = upper ? total / 2 : total - total / 2;
    window.pads[rank + d] = total - window.pads[d];
  }
}

/// Reads and checks the window attributes; `sizes` are the spatial sizes of the input.
FailureOr<Window> readWindow(Node &node, ArrayRef<int64_t> sizes,
                                    ArrayRef<int64_t> weightKernel) {
  size_t rank = sizes.size();
  Window window;
  window.kernel.assign(weightKernel.begin(), weightKernel.end());
  std::string autoPad = "NOTSET";
  if (failed(node.attribute("kernel_shape", window.kernel)) ||
      failed(node.attribute("strides", window.strides)) ||
      failed(node.attribute("pads", window.pads)) ||
      failed(node.attribute("dilations", window.dilations)) ||
      failed(node.attribute("auto_pad", autoPad)))
    return failure();
  if (window.strides.empty())
    window.strides.assign(rank, 1);
  if (window.dilations.empty())
    window.dilations.assign(rank, 1);
  if (window.pads.empty())
    window.pads.assign(2 * rank, 0);
  if (window.kernel.size() != rank || window.strides.size() != rank ||
      window.dilations.size() != rank || window.pads.size() != 2 * rank)
    return node.refuse(diag::ShapeMismatch,
                       "kernel_shape, strides, pads and dilations do not fit " + llvm::Twine(rank) +
                           " spatial dimensions");
  if (!weightKernel.empty() && ArrayRef(window.kernel) != weightKernel)
    return node.refuse(diag::ShapeMismatch, "kernel_shape " + describeShape(window.kernel) +
                                                " differs from that of the weights, " +
                                                describeShape(weightKernel));
  for (int64_t value : llvm::concat<int64_t>(window.kernel, window.strides, window.dilations))
    if (value < 1 || value > kMaxElements)
      return node.refuse(diag::UnsupportedForm, "kernel, strides and dilations must be at least "
                                                "1, found " +
                                                    llvm::Twine(value));
  if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER")
    padSame(window, sizes, autoPad == "SAME_UPPER");
  else if (autoPad == "VALID")
    window.pads.assign(2 * rank, 0);
  else if (autoPad != "NOTSET")
    return node.refuse(diag::UnsupportedForm, "has unknown auto_pad '" + autoPad + "'");
  for (int64_t pad : window.pads)
    if (pad < 0 || pad > kMaxElements)
      return node.refuse(diag::UnsupportedForm,
                         "pads by " + llvm::Twine(pad) + "; cropping is not supported");
  return window;
}

/// Number of windows in each spatial dimension; refuses windows larger than the padded input.
FailureOr<SmallVector<int64_t>> countWindows(Node &node, const Window &window,
                                                    ArrayRef<int64_t> sizes,
                                                    bool ceilMode) {
  SmallVector<int64_t> counts;
  for (size_t d = 0, rank = sizes.size(); d != rank; ++d) {
    int64_t padded = sizes[d] + window.pads[d] + window.pads[rank + d];
    int64_t reach = window.dilations[d] * (window.kernel[d] - 1) + 1;
    if (padded < reach)
      return node.refuse(diag::ShapeMismatch, "a window of " + llvm::Twine(reach) +
                                                  " elements does not fit into " +
                                                  llvm::Twine(padded));
    int64_t slack = padded - reach;
    counts.push_back(slack / window.strides[d] + 1);
    // A partial window more, unless it would begin in the padding behind (ONNX MaxPool).
    if (ceilMode && slack % window.strides[d] &&
        counts.back() * window.strides[d] < sizes[d] + window.pads[d])
      ++counts.back();
  }
  return counts;
}

/// A one-dimensional window as a two-dimensional one of height 1.
void makeTwoDimensional(Window &window) {
  if (window.kernel.size() == 2)
    return;
  for (SmallVector<int64_t> *list : {&window.kernel, &window.strides, &window.dilations})
    list->insert(list->begin(), 1);
  window.pads = {0, window.pads[0], 0, window.pads[1]};
}

/// Refuses a sample without spatial dimension, or with more than three.
LogicalResult checkSpatial(Node &node, Value sample) {
  size_t rank = shapeOf(sample).size();
  if (rank < 2 || rank > 4)
    return node.refuse(diag::UnsupportedForm,
                       "input '" + node.proto.input(0) + "' has shape " +
                           describeShape(node.onnxShape(node.input(0))) +
                           "; one to three spatial dimensions are supported");
  return success();
}

/// [C,L] as [C,1,L]; other shapes stay.
SmallVector<int64_t> withHeight(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result(shape);
  if (result.size() == 2)
    result.insert(result.begin() + 1, 1);
  return result;
}

/// Refuses weights [O, C/group, ...] that do not fit an input of `shape` (without batch).
static LogicalResult checkKernel(Node &node, ArrayRef<int64_t> shape, ArrayRef<int64_t> kernel,
                                 int64_t group) {
  if (kernel.size() != shape.size() + 1)
    return node.refuse(diag::ShapeMismatch, "weights of shape " + describeShape(kernel) +
                                                " do not fit an input of shape " +
                                                describeShape(node.onnxShape(node.input(0))));
  if (group < 1 || group > shape[0] || kernel[0] % group || shape[0] != kernel[1] * group)
    return node.refuse(diag::ShapeMismatch, "weights of shape " + describeShape(kernel) + " in " +
                                                llvm::Twine(group) + " groups do not fit " +
                                                llvm::Twine(shape[0]) + " input channels");
  return success();
}

//===-------------------------------------------------------------------------===//
// Windows by qnn.gather
//===-------------------------------------------------------------------------===//

/// The windows of each channel of `sample` [C, ...] as [C, windows, places]. A place in the padding reads
/// 0, or where `repeat` another element of its window.
FailureOr<Value> gatherWindows(Node &node, Value sample, const Window &window,
                                      ArrayRef<int64_t> counts, bool repeat) {
  ArrayRef<int64_t> shape = shapeOf(sample), sizes = shape.drop_front();
  int64_t plane = countElements(sizes), windows = countElements(counts),
          places = countElements(window.kernel);
  SmallVector<int64_t> result{shape[0], windows, places};
  if (windows < 1 || places < 1 || countElements(result, 4 * kMaxFoldedElements) < 1)
    return node.refuse(diag::TooLarge, "has windows of " + describeShape(result) + " elements");
  if (failed(node.charge(countElements(result))))
    return failure();
  std::vector<int32_t> source;
  bool empty = false;
  for (int64_t c = 0; c != shape[0]; ++c)
    forEachWindow(counts, [&](ArrayRef<int64_t> at) {
      size_t first = source.size();
      int32_t inside = -1;
      forEachPlace(window, sizes, at, [&](int64_t element) {
        source.push_back(element < 0 ? -1 : int32_t(c * plane + element));
        if (element >= 0 && inside < 0)
          inside = source.back();
      });
      empty |= inside < 0;
      for (size_t i = first; repeat && i != source.size(); ++i)
        source[i] = source[i] < 0 ? inside : source[i];
    });
  if (empty && repeat)
    return node.refuse(diag::UnsupportedForm, "has a window that lies in the padding");
  return createGather(node, sample, std::move(source), result);
}

//===-------------------------------------------------------------------------===//
// Conv, ConvTranspose
//===-------------------------------------------------------------------------===//

/// A convolution in three or more dimensions: each group's windows times its weights.
static FailureOr<Value> convolveWindows(Node &node, Value sample, Value weights, Value bias,
                                        const Window &window, ArrayRef<int64_t> counts,
                                        int64_t group) {
  SmallVector<int64_t> kernel(shapeOf(weights));
  FailureOr<Value> windows = gatherWindows(node, sample, window, counts, /*repeat=*/false);
  if (failed(windows))
    return failure();
  // [C, windows, places] to [windows, C * places], and weights with zeros for the other groups.
  ArrayRef<int64_t> shape = shapeOf(*windows);
  int64_t channels = shape[0], count = shape[1], places = shape[2], outputs = kernel[0];
  FailureOr<Value> rows = transposeValue(node, *windows, {1, 0, 2});
  if (succeeded(rows))
    rows = reshapeClear(node, *rows, {count, channels * places});
  int64_t perGroup = channels / group, terms = channels * places;
  if (countElements({outputs, terms}) < 0 || failed(node.charge(outputs * terms)))
    return node.refuse(diag::TooLarge, "has too many weights");
  std::vector<int32_t> source(outputs * terms, -1);
  for (int64_t o = 0; o != outputs; ++o)
    for (int64_t i = 0; i != perGroup * places; ++i)
      source[o * terms + o / (outputs / group) * perGroup * places + i] =
          int32_t(o * perGroup * places + i);
  FailureOr<Value> matrix = gatherWeights(node, weights, source, {outputs, terms}, 0);
  if (failed(rows) || failed(matrix))
    return failure();
  FailureOr<Value> product = createGemm(node, *rows, *matrix, bias);
  if (succeeded(product))
    product = transposeValue(node, *product, {1, 0});
  SmallVector<int64_t> result{outputs};
  llvm::append_range(result, counts);
  return failed(product) ? product : reshapeClear(node, *product, result);
}

/// The convolution of `sample` [C, ...] with `weights`.
static FailureOr<Value> convolveSample(Node &node, Value sample, Value weights, Value bias,
                                       const Window &given, int64_t group) {
  Window window = given;
  SmallVector<int64_t> shape(shapeOf(sample)), kernel(shapeOf(weights));
  auto counts = countWindows(node, window, ArrayRef(shape).drop_front());
  if (failed(counts))
    return failure();
  SmallVector<int64_t> result{kernel[0]};
  llvm::append_range(result, *counts);
  FailureOr<RankedTensorType> finalType = node.tensorType(result);
  if (failed(finalType))
    return failure();
  if (shape.size() > 3)
    return convolveWindows(node, sample, weights, bias, window, *counts, group);
  SmallVector<int64_t> flatKernel(kernel);
  if (shape.size() == 2)
    flatKernel.insert(flatKernel.begin() + 2, 1);
  FailureOr<Value> x = reshapeClear(node, sample, withHeight(shape)),
                   w = reshapeClear(node, weights, flatKernel);
  if (failed(x) || failed(w))
    return failure();
  makeTwoDimensional(window);
  auto type = RankedTensorType::get(withHeight(result), node.builder.getF32Type());
  Value value = qnn::ConvOp::create(node.builder, node.loc, type, *x, *w, bias, window.strides,
                                    window.pads, window.dilations, group);
  return reshapeClear(node, value, result);
}

/// Weights of a convolution as a value; refuses encrypted ones.
static FailureOr<Value> convolutionWeights(Node &node, int64_t &group) {
  if (node.input(1).isEncrypted() && node.input(0).isEncrypted())
    return refuseEncryptedProduct(node);
  if (node.input(1).isEncrypted())
    return node.refuse(diag::UnsupportedForm,
                       "has encrypted weights '" + node.proto.input(1) + "'");
  group = 1;
  FailureOr<Tensor> weights = node.valueInput(1);
  if (failed(weights) || failed(node.attribute("group", group)))
    return failure();
  return weights->value;
}

/// Input 2 as the bias of `channels` outputs; null where there is none.
static FailureOr<Value> convolutionBias(Node &node, int64_t channels) {
  if (!node.has(2))
    return Value();
  FailureOr<Value> bias = readBias(node, 2, channels);
  if (succeeded(bias) && !*bias)
    return node.refuse(diag::UnsupportedForm, "has an encrypted bias");
  return bias;
}

FailureOr<Value> convolve(Node &node, Value input, Value weights, Value bias) {
  int64_t group = 1;
  if (failed(node.attribute("group", group)))
    return failure();
  return perSample(node, input, [&](Value sample) -> FailureOr<Value> {
    SmallVector<int64_t> shape(shapeOf(sample)), kernel(shapeOf(weights));
    if (failed(checkSpatial(node, sample)) || failed(checkKernel(node, shape, kernel, group)))
      return failure();
    FailureOr<Window> window =
        readWindow(node, ArrayRef(shape).drop_front(), ArrayRef(kernel).drop_front(2));
    return failed(window) ? FailureOr<Value>(failure())
                          : convolveSample(node, sample, weights, bias, *window, group);
  });
}

LogicalResult importConv(Node &node) {
  int64_t group = 1;
  FailureOr<Value> weights = convolutionWeights(node, group);
  FailureOr<Value> input = failed(weights) ? weights : node.encryptedInput(0);
  if (failed(input))
    return failure();
  ArrayRef<int64_t> kernel = shapeOf(*weights);
  FailureOr<Value> bias = convolutionBias(node, kernel.empty() ? 1 : kernel[0]);
  FailureOr<Value> result = failed(bias) ? bias : convolve(node, *input, *weights, *bias);
  return failed(result) ? failure() : node.define(*result);
}

/// Weights [C, M/group, ...] of a transposed convolution as those [M, C/group, ...] of a plain one: the
/// kernel turned round.
static FailureOr<Value> turnWeights(Node &node, Value weights, int64_t group) {
  SmallVector<int64_t> from(shapeOf(weights)), to(from);
  int64_t inputs = from[0] / group, outputs = from[1], places = 1;
  for (int64_t size : ArrayRef(from).drop_front(2))
    places *= size;
  to[0] = outputs * group;
  to[1] = inputs;
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(elementOf(weights));
  if (perAxis && (group != 1 || perAxis.getQuantizedDimension() != 1))
    return node.refuse(diag::UnsupportedForm,
                       "has weights that are quantized along dimension " +
                           llvm::Twine(perAxis.getQuantizedDimension()) + " in " +
                           llvm::Twine(group) + " groups",
                       {"help: quantize them per tensor, or along dimension 1 in one group"});
  std::vector<int32_t> source;
  for (int64_t o = 0; o != to[0]; ++o)
    for (int64_t i = 0; i != inputs; ++i)
      for (int64_t k = 0; k != places; ++k)
        source.push_back(int32_t(((o / outputs * inputs + i) * outputs + o % outputs) * places +
                                 places - 1 - k));
  return gatherWeights(node, weights, source, to, 0);
}

/// The pads that make a transposed convolution give `output_shape` or follow auto_pad.
static LogicalResult transposedPads(Node &node, ArrayRef<int64_t> sizes, Window &window,
                                    SmallVector<int64_t> &extra) {
  SmallVector<int64_t> outputShape;
  std::string autoPad = "NOTSET";
  if (failed(node.attribute("output_padding", extra)) ||
      failed(node.attribute("output_shape", outputShape)) ||
      failed(node.attribute("auto_pad", autoPad)))
    return failure();
  size_t rank = sizes.size();
  if (extra.empty())
    extra.assign(rank, 0);
  if (autoPad.rfind("SAME", 0) == 0 && outputShape.empty())
    for (size_t d = 0; d != rank; ++d)
      outputShape.push_back(sizes[d] * window.strides[d]);
  if (outputShape.size() > rank)
    outputShape.erase(outputShape.begin(), outputShape.end() - rank);
  if (extra.size() != rank || (!outputShape.empty() && outputShape.size() != rank))
    return node.refuse(diag::ShapeMismatch, "output_padding and output_shape do not fit " +
                                                llvm::Twine(int64_t(rank)) +
                                                " spatial dimensions");
  for (int64_t value : llvm::concat<int64_t>(extra, outputShape))
    if (value < 0 || value > kMaxElements)
      return node.refuse(diag::UnsupportedForm, "has output_padding or output_shape " +
                                                    llvm::Twine(value));
  for (size_t d = 0; !outputShape.empty() && d != rank; ++d) {
    int64_t total = window.strides[d] * (sizes[d] - 1) + extra[d] +
                    (window.kernel[d] - 1) * window.dilations[d] + 1 - outputShape[d];
    if (total < 0) { // more output than the windows reach
      extra[d] -= total;
      total = 0;
    }
    // SAME_UPPER puts the odd element behind (onnxruntime, ConvTranspose attributes).
    window.pads[d] = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.pads[rank + d] = total - window.pads[d];
  }
  return success();
}

/// The sample with zeros between and around its elements, so that a plain convolution of stride 1 gives
/// the transposed one.
static FailureOr<Value> spreadSample(Node &node, Value sample, const Window &window,
                                     ArrayRef<int64_t> extra) {
  ArrayRef<int64_t> shape = shapeOf(sample), sizes = shape.drop_front();
  size_t rank = sizes.size();
  SmallVector<int64_t> result{shape[0]}, before;
  for (size_t d = 0; d != rank; ++d) {
    int64_t reach = (window.kernel[d] - 1) * window.dilations[d];
    before.push_back(reach - window.pads[d]);
    result.push_back((sizes[d] - 1) * window.strides[d] + 1 + before[d] + reach -
                     window.pads[rank + d] + extra[d]);
    if (result.back() < 1)
      return node.refuse(diag::ShapeMismatch, "pads take away the whole output");
  }
  int64_t count = countElements(result);
  if (count < 1 || failed(node.charge(count)))
    return node.refuse(diag::TooLarge, "spreads its input to " + describeShape(result));
  std::vector<int32_t> source;
  forEachWindow(result, [&](ArrayRef<int64_t> at) {
    int64_t element = at[0];
    for (size_t d = 0; d != rank; ++d) {
      int64_t x = at[d + 1] - before[d];
      bool real = x >= 0 && x % window.strides[d] == 0 && x / window.strides[d] < sizes[d];
      element = element < 0 || !real ? -1 : element * sizes[d] + x / window.strides[d];
    }
    source.push_back(int32_t(element));
  });
  return createGather(node, sample, std::move(source), result);
}

LogicalResult importConvTranspose(Node &node) {
  int64_t group = 1;
  FailureOr<Value> weights = convolutionWeights(node, group);
  if (failed(weights))
    return failure();
  return definePerSample(node, [&](Value sample) -> FailureOr<Value> {
    SmallVector<int64_t> shape(shapeOf(sample)), kernel(shapeOf(*weights));
    ArrayRef<int64_t> sizes = ArrayRef(shape).drop_front();
    if (failed(checkSpatial(node, sample)))
      return failure();
    if (kernel.size() != shape.size() + 1 || kernel[0] != shape[0] || group < 1 ||
        kernel[0] % group)
      return node.refuse(diag::ShapeMismatch, "weights of shape " + describeShape(kernel) +
                                                  " in " + llvm::Twine(group) +
                                                  " groups do not fit an input of shape " +
                                                  describeShape(node.onnxShape(node.input(0))));
    FailureOr<Window> window = readWindow(node, sizes, ArrayRef(kernel).drop_front(2));
    SmallVector<int64_t> extra;
    if (failed(window) || failed(transposedPads(node, sizes, *window, extra)))
      return failure();
    FailureOr<Value> turned = turnWeights(node, *weights, group);
    FailureOr<Value> spread = spreadSample(node, sample, *window, extra);
    FailureOr<Value> bias = convolutionBias(node, kernel[1] * group);
    if (failed(turned) || failed(spread) || failed(bias))
      return failure();
    window->strides.assign(sizes.size(), 1);
    window->pads.assign(2 * sizes.size(), 0);
    return convolveSample(node, *spread, *turned, *bias, *window, group);
  });
}

} // namespace fhe::import
