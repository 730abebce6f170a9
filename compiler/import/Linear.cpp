//===- Linear.cpp - Import of linear layers, pooling and BatchNormalization -----===//
//
// Gemm and MatMul meet in qnn.gemm (weights [O,I]); 1-D convolutions and pools
// are 2-D ones of height 1.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

//===-------------------------------------------------------------------------===//
// Gemm and MatMul
//===-------------------------------------------------------------------------===//

static LogicalResult refuseEncryptedProduct(Node &node) {
  return node.refuse(
      diag::BothEncrypted,
      "both operands are encrypted ('" + node.proto.input(0) + "' and '" + node.proto.input(1) +
          "'); a matrix product needs clear weights",
      {"attention and other products of two activations cannot be compiled",
       "help: replace one operand by weights (nn.Linear, nn.Conv2d), or leave this part to the "
       "client"});
}

/// Weights [O,I] of a node whose second operand is a clear matrix, stored [O,I] where
/// `transposed`, else [I,O].
static FailureOr<Value> readWeights(Node &node, bool isTransposed) {
  const Tensor &tensor = node.input(1);
  SmallVector<int64_t> shape = node.onnxShape(tensor);
  if (shape.size() != 2)
    return node.refuse(diag::ShapeMismatch, "weights '" + node.proto.input(1) + "' have shape " +
                                                describeShape(shape) + ", expected two dimensions");
  if (tensor.constant && tensor.constant->isReal)
    return node.materialize(isTransposed ? *tensor.constant
                                         : import::transposed(*tensor.constant, {1, 0}));
  FailureOr<Tensor> value = node.valueInput(1);
  if (failed(value))
    return failure();
  if (isTransposed)
    return value->value;
  return transposeValue(node, value->value, {1, 0});
}

static LogicalResult checkClearWeights(Node &node) {
  if (node.input(1).isEncrypted() && node.input(0).isEncrypted())
    return refuseEncryptedProduct(node);
  if (node.input(1).isEncrypted())
    return node.refuse(diag::UnsupportedForm,
                       "multiplies constants by an encrypted matrix; only an encrypted first and "
                       "a clear second operand are supported",
                       {"help: write x @ W.T in place of W @ x"});
  return success();
}

/// qnn.gemm of `input` and `weights`; refuses sizes that do not agree.
static FailureOr<Value> createGemm(Node &node, Value input, Value weights, Value bias) {
  ArrayRef<int64_t> from = shapeOf(input), matrix = shapeOf(weights);
  if (from.empty() || from.back() != matrix[1])
    return node.refuse(diag::ShapeMismatch,
                       "input '" + node.proto.input(0) + "' of shape " + describeShape(from) +
                           " (without batch) does not fit weights of " + llvm::Twine(matrix[1]) +
                           " inputs and " + llvm::Twine(matrix[0]) + " outputs");
  SmallVector<int64_t> shape(from);
  shape.back() = matrix[0];
  FailureOr<RankedTensorType> type = node.tensorType(shape);
  if (failed(type))
    return failure();
  return Value(qnn::GemmOp::create(node.builder, node.loc, *type, input, weights, bias));
}

/// A clear bias as [size]; null for operands that must be added in an op of their own.
static FailureOr<Value> readBias(Node &node, int i, int64_t size) {
  const Tensor &tensor = node.input(i);
  if (tensor.isEncrypted())
    return Value();
  SmallVector<int64_t> shape = node.onnxShape(tensor);
  int64_t count = countElements(shape);
  if (tensor.constant && tensor.constant->isReal &&
      (count == 1 || (count == size && shape.back() == size))) {
    ConstantTensor flat = *tensor.constant;
    flat.shape.assign(1, count);
    return node.materialize(broadcastTo(flat, {size}));
  }
  FailureOr<Tensor> value = node.valueInput(i);
  if (failed(value))
    return failure();
  if (count != size || shape.empty() || shape.back() != size)
    return node.refuse(diag::ShapeMismatch, "bias '" + node.proto.input(i) + "' has shape " +
                                                describeShape(shape) + ", expected [" +
                                                llvm::Twine(size) + "]");
  return reshapeClear(node, value->value, {size});
}

/// alpha * (x W) + beta * C where alpha or beta is not 1: the products stay ops of their own, as
/// the file computes them.
static LogicalResult defineScaledGemm(Node &node, Value product, float alpha, float beta) {
  auto type = cast<RankedTensorType>(product.getType());
  if (alpha != 1)
    product = qnn::MulOp::create(node.builder, node.loc, type, product, node.scalar(alpha));
  if (!node.has(2) || beta == 0)
    return node.define(product);
  FailureOr<Tensor> addend = node.valueInput(2);
  if (failed(addend))
    return failure();
  Value value = addend->value;
  if (addend->clear) {
    FailureOr<Value> bias = readBias(node, 2, type.getShape().back());
    if (failed(bias))
      return failure();
    value = *bias;
  }
  auto valueType = RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
  if (beta != 1)
    value = qnn::MulOp::create(node.builder, node.loc, valueType, value, node.scalar(beta));
  auto shape = broadcastShapes(type.getShape(), shapeOf(value));
  if (failed(shape) || ArrayRef(*shape) != type.getShape())
    return node.refuse(diag::ShapeMismatch, "C of shape " + describeShape(shapeOf(value)) +
                                                " does not broadcast to " +
                                                describeShape(type.getShape()));
  return node.define(qnn::AddOp::create(node.builder, node.loc, type, product, value));
}

LogicalResult importGemm(Node &node) {
  float alpha = 1, beta = 1;
  int64_t transA = 0, transB = 0;
  node.ignoreAttribute("broadcast"); // operator sets before 7
  if (failed(node.attribute("alpha", alpha)) || failed(node.attribute("beta", beta)) ||
      failed(node.attribute("transA", transA)) || failed(node.attribute("transB", transB)) ||
      failed(checkClearWeights(node)))
    return failure();
  if (transA)
    return node.refuse(diag::BatchMoved,
                       "transposes its encrypted operand (transA = 1), which moves the batch");
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  if (shapeOf(*input).size() != 1)
    return node.refuse(diag::ShapeMismatch,
                       "input '" + node.proto.input(0) + "' has shape " +
                           describeShape(node.onnxShape(node.input(0))) +
                           ", Gemm takes two dimensions",
                       {"help: flatten first, for example x.flatten(1)"});
  FailureOr<Value> weights = readWeights(node, transB);
  if (failed(weights))
    return failure();
  Value bias;
  bool plain = alpha == 1 && beta == 1 && (!node.has(2) || !node.input(2).isEncrypted());
  if (plain && node.has(2)) {
    FailureOr<Value> read = readBias(node, 2, shapeOf(*weights)[0]);
    if (failed(read))
      return failure();
    bias = *read;
  }
  FailureOr<Value> product = createGemm(node, *input, *weights, bias);
  if (failed(product))
    return failure();
  return plain ? node.define(*product) : defineScaledGemm(node, *product, alpha, beta);
}

LogicalResult importMatMul(Node &node) {
  if (failed(checkClearWeights(node)))
    return failure();
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  FailureOr<Value> weights = readWeights(node, /*isTransposed=*/false);
  if (failed(weights))
    return failure();
  FailureOr<Value> product = createGemm(node, *input, *weights, Value());
  return failed(product) ? failure() : node.define(*product);
}

//===-------------------------------------------------------------------------===//
// Windows: Conv, AveragePool, GlobalAveragePool
//===-------------------------------------------------------------------------===//

namespace {
/// Attributes of a window in one or two spatial dimensions, made two-dimensional.
struct Window {
  SmallVector<int64_t> kernel, strides, pads, dilations;
};
} // namespace

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
static FailureOr<Window> readWindow(Node &node, ArrayRef<int64_t> sizes,
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
static FailureOr<SmallVector<int64_t>> countWindows(Node &node, const Window &window,
                                                    ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> counts;
  for (size_t d = 0, rank = sizes.size(); d != rank; ++d) {
    int64_t padded = sizes[d] + window.pads[d] + window.pads[rank + d];
    int64_t reach = window.dilations[d] * (window.kernel[d] - 1) + 1;
    if (padded < reach)
      return node.refuse(diag::ShapeMismatch, "a window of " + llvm::Twine(reach) +
                                                  " elements does not fit into " +
                                                  llvm::Twine(padded));
    counts.push_back((padded - reach) / window.strides[d] + 1);
  }
  return counts;
}

/// A one-dimensional window as a two-dimensional one of height 1.
static void makeTwoDimensional(Window &window) {
  if (window.kernel.size() == 2)
    return;
  for (SmallVector<int64_t> *list : {&window.kernel, &window.strides, &window.dilations})
    list->insert(list->begin(), 1);
  window.pads = {0, window.pads[0], 0, window.pads[1]};
}

/// Input 0, [C,L] or [C,H,W] without batch.
static FailureOr<Value> spatialInput(Node &node) {
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  if (shapeOf(*input).size() != 2 && shapeOf(*input).size() != 3)
    return node.refuse(diag::UnsupportedForm, "input '" + node.proto.input(0) + "' has shape " +
                                                  describeShape(node.onnxShape(node.input(0))) +
                                                  "; one or two spatial dimensions are supported");
  return *input;
}

/// [C,L] as [C,1,L]; other shapes stay.
static SmallVector<int64_t> withHeight(ArrayRef<int64_t> shape) {
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

LogicalResult importConv(Node &node) {
  if (node.input(1).isEncrypted() && node.input(0).isEncrypted())
    return refuseEncryptedProduct(node);
  if (node.input(1).isEncrypted())
    return node.refuse(diag::UnsupportedForm,
                       "has encrypted weights '" + node.proto.input(1) + "'");
  FailureOr<Value> input = spatialInput(node);
  if (failed(input))
    return failure();
  FailureOr<Tensor> weights = node.valueInput(1);
  if (failed(weights))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(*input), kernel = shapeOf(weights->value);
  int64_t group = 1;
  if (failed(node.attribute("group", group)))
    return failure();
  if (failed(checkKernel(node, shape, kernel, group)))
    return failure();
  FailureOr<Window> window = readWindow(node, shape.drop_front(), kernel.drop_front(2));
  if (failed(window))
    return failure();
  auto counts = countWindows(node, *window, shape.drop_front());
  if (failed(counts))
    return failure();
  SmallVector<int64_t> result{kernel[0]};
  llvm::append_range(result, *counts);
  FailureOr<RankedTensorType> finalType = node.tensorType(result);
  if (failed(finalType))
    return failure();
  Value bias;
  if (node.has(2)) {
    FailureOr<Value> read = readBias(node, 2, kernel[0]);
    if (failed(read))
      return failure();
    if (!*read)
      return node.refuse(diag::UnsupportedForm, "has an encrypted bias");
    bias = *read;
  }
  SmallVector<int64_t> flatKernel(kernel);
  if (shape.size() == 2)
    flatKernel.insert(flatKernel.begin() + 2, 1);
  FailureOr<Value> x = reshapeClear(node, *input, withHeight(shape)),
                   w = reshapeClear(node, weights->value, flatKernel);
  if (failed(x) || failed(w))
    return failure();
  makeTwoDimensional(*window);
  auto type = RankedTensorType::get(withHeight(result), node.builder.getF32Type());
  Value value = qnn::ConvOp::create(node.builder, node.loc, type, *x, *w, bias, window->strides,
                                    window->pads, window->dilations, group);
  FailureOr<Value> view = reshapeClear(node, value, result);
  return failed(view) ? failure() : node.define(*view);
}

/// qnn.avg_pool of `input`, made two-dimensional for the time of the op.
static LogicalResult defineAveragePool(Node &node, Value input, Window window,
                                       ArrayRef<int64_t> result, bool countPad) {
  FailureOr<RankedTensorType> finalType = node.tensorType(result);
  FailureOr<Value> x = reshapeClear(node, input, withHeight(shapeOf(input)));
  if (failed(finalType) || failed(x))
    return failure();
  makeTwoDimensional(window);
  auto type = RankedTensorType::get(withHeight(result), node.builder.getF32Type());
  Value value = qnn::AvgPoolOp::create(node.builder, node.loc, type, *x, window.kernel,
                                       window.strides, window.pads, countPad);
  FailureOr<Value> view = reshapeClear(node, value, result);
  return failed(view) ? failure() : node.define(*view);
}

LogicalResult importAveragePool(Node &node) {
  FailureOr<Value> input = spatialInput(node);
  if (failed(input))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(*input);
  int64_t ceilMode = 0, countPad = 0;
  if (failed(node.attribute("ceil_mode", ceilMode)) ||
      failed(node.attribute("count_include_pad", countPad)))
    return failure();
  FailureOr<Window> window = readWindow(node, shape.drop_front(), {});
  if (failed(window))
    return failure();
  auto counts = countWindows(node, *window, shape.drop_front());
  if (failed(counts))
    return failure();
  for (int64_t dilation : window->dilations)
    if (dilation != 1)
      return node.refuse(diag::UnsupportedForm, "has dilations other than 1");
  size_t rank = shape.size() - 1;
  for (size_t d = 0; d != rank; ++d) {
    int64_t slack = shape[d + 1] + window->pads[d] + window->pads[rank + d] - window->kernel[d];
    if (ceilMode && slack % window->strides[d])
      return node.refuse(diag::UnsupportedForm,
                         "ceil_mode = 1 adds a partial window, which is not supported",
                         {"help: export with ceil_mode=False"});
    if (window->pads[d] >= window->kernel[d] || window->pads[rank + d] >= window->kernel[d])
      return node.refuse(diag::UnsupportedForm, "pads by a whole window");
  }
  SmallVector<int64_t> result{shape[0]};
  llvm::append_range(result, *counts);
  return defineAveragePool(node, *input, *window, result, countPad != 0);
}

/// The mean over all spatial dimensions, which stay as dimensions of size 1.
static LogicalResult defineGlobalPool(Node &node, Value input) {
  ArrayRef<int64_t> shape = shapeOf(input);
  size_t rank = shape.size() - 1;
  Window window;
  window.kernel.assign(shape.begin() + 1, shape.end());
  window.strides.assign(rank, 1);
  window.dilations.assign(rank, 1);
  window.pads.assign(2 * rank, 0);
  SmallVector<int64_t> result(shape.size(), 1);
  result[0] = shape[0];
  return defineAveragePool(node, input, window, result, false);
}

LogicalResult importGlobalAveragePool(Node &node) {
  FailureOr<Value> input = spatialInput(node);
  return failed(input) ? failure() : defineGlobalPool(node, *input);
}

/// x.mean((2, 3)): a global average pool, flattened unless keepdims.
LogicalResult importReduceMean(Node &node) {
  int64_t keepDims = 1, noop = 0;
  auto axes = node.axes(1);
  FailureOr<Value> input = spatialInput(node);
  if (failed(axes) || failed(input) || failed(node.attribute("keepdims", keepDims)) ||
      failed(node.attribute("noop_with_empty_axes", noop)))
    return failure();
  int64_t rank = shapeOf(*input).size() + 1;
  SmallVector<int64_t> normalized;
  for (int64_t axis : axes->value_or(SmallVector<int64_t>())) {
    FailureOr<int64_t> d = node.normalizeAxis(axis, rank);
    if (failed(d))
      return failure();
    normalized.push_back(*d);
  }
  llvm::sort(normalized);
  if (!llvm::equal(normalized, llvm::seq<int64_t>(2, rank)))
    return node.refuse(diag::UnsupportedForm,
                       "means over axes " + describeShape(normalized) +
                           "; only the mean over all spatial axes is supported",
                       {"help: use nn.AdaptiveAvgPool2d(1) or x.mean((2, 3))"});
  if (failed(defineGlobalPool(node, *input)))
    return failure();
  if (keepDims)
    return success();
  FailureOr<Value> flat =
      reshapeClear(node, node.importer.find(node.proto.output(0))->value, shapeOf(*input)[0]);
  return failed(flat) ? failure() : node.define(*flat);
}

//===-------------------------------------------------------------------------===//
// BatchNormalization
//===-------------------------------------------------------------------------===//

LogicalResult importBatchNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t training = 0, spatial = 1;
  node.ignoreAttribute("momentum"); // of training
  node.ignoreAttribute("is_test");
  if (failed(node.attribute("epsilon", epsilon)) ||
      failed(node.attribute("training_mode", training)) ||
      failed(node.attribute("spatial", spatial)))
    return failure();
  if (training)
    return node.refuse(diag::UnsupportedForm, "is exported in training mode",
                       {"help: call model.eval() before the export"});
  if (!spatial)
    return node.refuse(diag::UnsupportedForm, "normalizes per element (spatial = 0)");
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(*input);
  if (shape.empty())
    return node.refuse(diag::ShapeMismatch, "input has no channel dimension");
  SmallVector<Value> parameters;
  static constexpr StringRef names[] = {"scale", "B", "mean", "variance"};
  for (auto [i, what] : llvm::enumerate(names)) {
    FailureOr<Constant> constant = node.constantInput(i + 1, what);
    if (failed(constant))
      return failure();
    if (!(*constant)->isReal || ArrayRef((*constant)->shape) != ArrayRef<int64_t>{shape[0]})
      return node.refuse(diag::ShapeMismatch, what + llvm::Twine(" has shape ") +
                                                  describeShape((*constant)->shape) +
                                                  ", expected " + llvm::Twine(shape[0]) +
                                                  " real numbers, one per channel");
    if (what == "variance")
      for (float variance : (*constant)->reals)
        if (!(double(variance) + double(epsilon) > 0))
          return node.refuse(diag::NotFinite,
                             "variance plus epsilon is not positive: " + std::to_string(variance));
    FailureOr<Value> value = node.materialize(**constant);
    if (failed(value))
      return failure();
    parameters.push_back(*value);
  }
  auto type = RankedTensorType::get(shape, node.builder.getF32Type());
  return node.define(qnn::BatchNormOp::create(node.builder, node.loc, type, *input, parameters[0],
                                              parameters[1], parameters[2], parameters[3],
                                              APFloat(double(epsilon))));
}

} // namespace fhe::import
