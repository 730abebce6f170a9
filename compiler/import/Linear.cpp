//===- Linear.cpp - Import of Gemm, MatMul and BatchNormalization ------------------===//
//
// Gemm and MatMul meet in qnn.gemm (weights [O,I]); stacks of matrices are one
// product each, joined.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

//===-------------------------------------------------------------------------===//
// Gemm and MatMul
//===-------------------------------------------------------------------------===//

LogicalResult refuseEncryptedProduct(Node &node) {
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
FailureOr<Value> createGemm(Node &node, Value input, Value weights, Value bias) {
  ArrayRef<int64_t> from = shapeOf(input), matrix = shapeOf(weights);
  if (from.empty() || from.back() != matrix[1])
    return node.refuse(diag::ShapeMismatch,
                       "input '" + node.proto.input(0) + "' of shape " + describeShape(from) +
                           (node.importer.wholeTensors() ? "" : " (without batch)") +
                           " does not fit weights of " + llvm::Twine(matrix[1]) +
                           " inputs and " + llvm::Twine(matrix[0]) + " outputs");
  SmallVector<int64_t> shape(from);
  shape.back() = matrix[0];
  FailureOr<RankedTensorType> type = node.tensorType(shape);
  if (failed(type))
    return failure();
  return Value(qnn::GemmOp::create(node.builder, node.loc, *type, input, weights, bias));
}

/// A clear bias as [size]; null for operands that must be added in an op of their own.
FailureOr<Value> readBias(Node &node, int i, int64_t size) {
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

/// Whether a clear C of a Gemm has one number an output and can be the bias.
static bool isBias(Node &node, int64_t outputs) {
  const Tensor &c = node.input(2);
  SmallVector<int64_t> shape = node.onnxShape(c);
  int64_t count = countElements(shape);
  return !c.isEncrypted() &&
         ((count == 1 && c.constant) || (count == outputs && !shape.empty() && shape.back() == outputs));
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
  if (addend->clear && isBias(node, type.getShape().back())) {
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
  bool whole = node.importer.wholeTensors();
  if (transA && !whole)
    return node.refuse(diag::BatchMoved,
                       "transposes its encrypted operand (transA = 1), which moves the batch");
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  if (shapeOf(*input).size() != (whole ? 2 : 1))
    return node.refuse(diag::ShapeMismatch,
                       "input '" + node.proto.input(0) + "' has shape " +
                           describeShape(node.onnxShape(node.input(0))) +
                           ", Gemm takes two dimensions",
                       {"help: flatten first, for example x.flatten(1)"});
  if (transA)
    input = transposeValue(node, *input, {1, 0});
  FailureOr<Value> weights = readWeights(node, transB);
  if (failed(weights))
    return failure();
  Value bias;
  bool plain = alpha == 1 && beta == 1 && (!node.has(2) || isBias(node, shapeOf(*weights)[0]));
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

/// Row `index` of a stack [n, ...] without its first dimension.
static FailureOr<Value> takeRow(Node &node, Value value, int64_t index) {
  ArrayRef<int64_t> row = shapeOf(value).drop_front();
  if (shapeOf(value).front() == 1)
    return reshapeClear(node, value, row);
  int64_t count = countElements(row);
  std::vector<int32_t> source;
  for (int64_t e = 0; e != count; ++e)
    source.push_back(int32_t(index * count + e));
  return createGather(node, value, std::move(source), row);
}

/// `value` as a stack [n, rows, columns] whose n follows `batch`, to which its leading dimensions broadcast.
static FailureOr<Value> stackOf(Node &node, Value value, ArrayRef<int64_t> batch) {
  SmallVector<int64_t> shape(shapeOf(value)), full(batch);
  full.append(shape.end() - 2, shape.end());
  SmallVector<int64_t> stack{countElements(batch), shape[shape.size() - 2], shape.back()};
  if (countElements(shape) == countElements(full))
    return reshapeClear(node, value, stack);
  ConstantTensor places;
  places.shape = shape;
  for (int64_t e = 0, count = countElements(shape); e != count; ++e)
    places.integers.push_back(e);
  if (countElements(full) < 0 || failed(node.charge(countElements(full))))
    return node.refuse(diag::TooLarge, "multiplies a stack of shape " + describeShape(full));
  ConstantTensor spread = broadcastTo(places, full);
  return createGather(node, value,
                      std::vector<int32_t>(spread.integers.begin(), spread.integers.end()), stack);
}

/// x W for a stack of matrices W: one product each.
static FailureOr<Value> multiplyStacks(Node &node, Value input, Value weights) {
  ArrayRef<int64_t> a = shapeOf(input), b = shapeOf(weights);
  if (a.size() < 2)
    return node.refuse(diag::ShapeMismatch, "input '" + node.proto.input(0) +
                                                "' has too few dimensions for weights of shape " +
                                                describeShape(b));
  auto batch = broadcastShapes(a.drop_back(2), b.drop_back(2));
  if (failed(batch) || countElements(*batch, 1 << 12) < 1)
    return node.refuse(diag::ShapeMismatch, "stacks of matrices " + describeShape(a) + " and " +
                                                describeShape(b) + " do not broadcast");
  FailureOr<Value> x = stackOf(node, input, *batch), w = stackOf(node, weights, *batch);
  if (failed(x) || failed(w))
    return failure();
  SmallVector<Value> products;
  for (int64_t n = 0; n != countElements(*batch); ++n) {
    FailureOr<Value> row = takeRow(node, *x, n), matrix = takeRow(node, *w, n);
    if (succeeded(matrix))
      matrix = transposeValue(node, *matrix, {1, 0});
    FailureOr<Value> product = failed(row) || failed(matrix)
                                   ? FailureOr<Value>(failure())
                                   : createGemm(node, *row, *matrix, Value());
    if (failed(product))
      return failure();
    products.push_back(*product);
  }
  SmallVector<int64_t> shape(*batch);
  llvm::append_range(shape, shapeOf(products.front()));
  FailureOr<Value> joined = concatValues(node, products, 0);
  return failed(joined) ? joined : reshapeClear(node, *joined, shape);
}

FailureOr<Value> multiplyLeft(Node &node, Value weights, Value input) {
  int64_t rank = shapeOf(input).size();
  if (shapeOf(weights).size() != 2 || rank < 2)
    return node.refuse(diag::UnsupportedForm,
                       "multiplies constants of shape " + describeShape(shapeOf(weights)) +
                           " by an encrypted tensor that is no matrix",
                       {"help: write x @ W.T in place of W @ x"});
  SmallVector<int64_t> swap;
  llvm::append_range(swap, llvm::seq<int64_t>(0, rank));
  std::swap(swap[rank - 2], swap[rank - 1]);
  FailureOr<Value> turned = transposeValue(node, input, swap);
  FailureOr<Value> product = failed(turned) ? turned
                                            : createGemm(node, *turned, weights, Value());
  if (succeeded(product))
    product = transposeValue(node, *product, swap);
  return product;
}

FailureOr<Value> multiplyRight(Node &node, Value input, Value weights) {
  SmallVector<int64_t> shape(shapeOf(weights));
  if (shape.empty())
    return node.refuse(diag::ShapeMismatch, "weights have no dimension");
  if (shape.size() > 2)
    return multiplyStacks(node, input, weights);
  // A vector: one output, which is no dimension of the result.
  FailureOr<Value> rows = shape.size() == 1 ? reshapeClear(node, weights, {1, shape[0]})
                                            : transposeValue(node, weights, {1, 0});
  FailureOr<Value> product = failed(rows) ? rows : createGemm(node, input, *rows, Value());
  if (succeeded(product) && shape.size() == 1)
    product = reshapeClear(node, *product, shapeOf(*product).drop_back());
  return product;
}

LogicalResult importMatMul(Node &node) {
  if (node.input(1).isEncrypted() && node.input(0).isEncrypted())
    return refuseEncryptedProduct(node);
  if (node.input(1).isEncrypted()) {
    FailureOr<Tensor> weights = node.valueInput(0);
    FailureOr<Value> input = node.encryptedInput(1);
    FailureOr<Value> product = failed(weights) || failed(input)
                                   ? FailureOr<Value>(failure())
                                   : multiplyLeft(node, weights->value, *input);
    return failed(product) ? failure() : node.define(*product);
  }
  FailureOr<Value> input = node.encryptedInput(0), product = failure();
  if (failed(input))
    return failure();
  if (node.onnxShape(node.input(1)).size() == 2) {
    FailureOr<Value> weights = readWeights(node, /*isTransposed=*/false);
    product = failed(weights) ? weights : createGemm(node, *input, *weights, Value());
  } else {
    FailureOr<Tensor> weights = node.valueInput(1);
    product = failed(weights) ? FailureOr<Value>(failure())
                              : multiplyRight(node, *input, weights->value);
  }
  return failed(product) ? failure() : node.define(*product);
}

FailureOr<Value> perSample(Node &node, Value input,
                           llvm::function_ref<FailureOr<Value>(Value sample)> apply) {
  if (!node.importer.wholeTensors())
    return apply(input);
  if (shapeOf(input).empty())
    return node.refuse(diag::ShapeMismatch, "input has no dimension");
  SmallVector<Value> results;
  for (int64_t n = 0; n != shapeOf(input).front(); ++n) {
    FailureOr<Value> sample = takeRow(node, input, n);
    FailureOr<Value> result = failed(sample) ? sample : apply(*sample);
    if (failed(result))
      return failure();
    SmallVector<int64_t> shape(shapeOf(*result));
    shape.insert(shape.begin(), 1);
    result = reshapeClear(node, *result, shape);
    if (failed(result))
      return failure();
    results.push_back(*result);
  }
  return concatValues(node, results, 0);
}

LogicalResult definePerSample(Node &node,
                              llvm::function_ref<FailureOr<Value>(Value sample)> apply) {
  FailureOr<Value> input = node.encryptedInput(0);
  FailureOr<Value> result = failed(input) ? input : perSample(node, *input, apply);
  return failed(result) ? failure() : node.define(*result);
}

//===-------------------------------------------------------------------------===//
// BatchNormalization
//===-------------------------------------------------------------------------===//

/// (sample - mean) / sqrt(variance + epsilon) * scale + B, a channel of dimension 0.
static FailureOr<Value> normalize(Node &node, Value sample, float epsilon) {
  ArrayRef<int64_t> shape = shapeOf(sample);
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
  return Value(qnn::BatchNormOp::create(node.builder, node.loc, type, sample, parameters[0],
                                        parameters[1], parameters[2], parameters[3],
                                        APFloat(double(epsilon))));
}

LogicalResult importBatchNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t training = 0, spatial = 1;
  node.ignoreAttribute("momentum"); // of training
  node.ignoreAttribute("consumed_inputs"); // operator sets before 6
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
  return definePerSample(node, [&](Value sample) { return normalize(node, sample, epsilon); });
}

} // namespace fhe::import
