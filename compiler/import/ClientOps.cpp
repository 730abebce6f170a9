//===- ClientOps.cpp - Import of what the client computes -------------------------===//
//
// Softmax, Hardmax, ArgMax and TopK behind the network, one-hot encodings and embeddings before
// it. Which of them may follow on what is checked by qnn-check-quantizers.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

/// ONNX axis `axis` of input 0 as an axis of its value.
static FailureOr<int64_t> valueAxis(Node &node, int64_t axis) {
  bool hidden = node.hidesBatch(node.input(0));
  FailureOr<int64_t> d = node.normalizeAxis(axis, int64_t(node.onnxShape(node.input(0)).size()));
  if (failed(d))
    return failure();
  if (hidden && *d == 0)
    return node.refuse(diag::BatchMoved, "goes along the batch dimension (axis 0)",
                       {"help: set the axis to 1 or -1"});
  return *d - hidden;
}

/// Softmax, LogSoftmax and Hardmax.
LogicalResult importSoftmax(Node &node) {
  int64_t axis = node.opset() < 13 ? 1 : -1;
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input) || failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<int64_t> d = valueAxis(node, axis);
  if (failed(d))
    return failure();
  SmallVector<int64_t> shape(shapeOf(*input));
  Value value = *input;
  // Before operator set 13 all axes from this one on are one.
  bool isFlat = node.opset() < 13 && *d + 1 != int64_t(shape.size());
  if (isFlat) {
    int64_t outer = countElements(ArrayRef(shape).take_front(*d)),
            inner = countElements(ArrayRef(shape).drop_front(*d));
    FailureOr<Value> rows = reshapeClear(node, value, {outer, inner});
    if (failed(rows))
      return failure();
    value = *rows;
    *d = 1;
  }
  auto type = RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
  if (node.op() == "Hardmax")
    value = qnn::HardmaxOp::create(node.builder, node.loc, type, value, *d);
  else
    value = qnn::SoftmaxOp::create(node.builder, node.loc, type, value, *d,
                                   /*log=*/node.op() == "LogSoftmax");
  FailureOr<Value> result = isFlat ? reshapeClear(node, value, shape) : FailureOr<Value>(value);
  return failed(result) ? failure() : node.define(*result);
}

static Value createTopK(Node &node, Value value, int64_t axis, int64_t k, bool smallest,
                        bool indices, bool last) {
  SmallVector<int64_t> shape(shapeOf(value));
  if (smallest)
    value = createFunction(node, qnn::Function::Neg, value);
  shape[axis] = k;
  auto type = RankedTensorType::get(shape, node.builder.getF32Type());
  Value top = qnn::TopKOp::create(node.builder, node.loc, type, value, axis, k, indices, last);
  return smallest && !indices ? createFunction(node, qnn::Function::Neg, top) : top;
}

/// Coordinates are integers of the file, held as f32.
static LogicalResult defineIndices(Node &node, int output, Value value) {
  Tensor tensor{nullptr, value, nullptr, false};
  tensor.integral = true;
  return node.define(output, tensor);
}

LogicalResult importArgMax(Node &node) {
  int64_t axis = 0, keep = 1, last = 0;
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input) || failed(node.attribute("axis", axis)) ||
      failed(node.attribute("keepdims", keep)) || failed(node.attribute("select_last_index", last)))
    return failure();
  FailureOr<int64_t> d = valueAxis(node, axis);
  if (failed(d))
    return failure();
  Value top = createTopK(node, *input, *d, 1, node.op() == "ArgMin", /*indices=*/true, last != 0);
  if (keep)
    return defineIndices(node, 0, top);
  SmallVector<int64_t> shape(shapeOf(top));
  shape.erase(shape.begin() + *d);
  FailureOr<Value> dropped = reshapeClear(node, top, shape);
  return failed(dropped) ? failure() : defineIndices(node, 0, *dropped);
}

LogicalResult importTopK(Node &node) {
  int64_t axis = -1, k = 0, largest = 1, sorted = 1;
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input) || failed(node.attribute("axis", axis)) ||
      failed(node.attribute("largest", largest)) || failed(node.attribute("sorted", sorted)) ||
      failed(node.attribute("k", k)))
    return failure();
  if (!node.hasAttribute("k")) {
    FailureOr<std::vector<int64_t>> given = node.integerInput(1, "K");
    if (failed(given))
      return failure();
    k = given->size() == 1 ? given->front() : 0;
  }
  FailureOr<int64_t> d = valueAxis(node, axis);
  if (failed(d))
    return failure();
  if (k < 1 || k > shapeOf(*input)[*d])
    return node.refuse(diag::ShapeMismatch, "asks for the " + llvm::Twine(k) + " largest of " +
                                                llvm::Twine(shapeOf(*input)[*d]));
  for (bool indices : {false, true}) {
    int output = indices;
    if (output >= node.proto.output_size() || node.proto.output(output).empty())
      continue;
    Value top = createTopK(node, *input, *d, k, largest == 0, indices, /*last=*/false);
    if (failed(indices ? defineIndices(node, output, top)
                       : node.define(output, Tensor{nullptr, top, nullptr, false})))
      return failure();
  }
  return success();
}

//===-------------------------------------------------------------------------===//
// One-hot encodings
//===-------------------------------------------------------------------------===//

/// The network's input that `value` is, also where a Cast to integers lies between: the client refuses
/// what is no integer. Null where it is none.
static Value classNumbers(Value value) {
  auto cast = value.getDefiningOp<qnn::ActivationOp>();
  if (cast && cast.getFunction() == qnn::Function::Trunc)
    value = cast.getInput();
  return isa<BlockArgument>(value) ? value : Value();
}

static FailureOr<Value> createOneHot(Node &node, Value numbers, int64_t classes) {
  SmallVector<int64_t> shape(shapeOf(numbers));
  shape.push_back(classes);
  FailureOr<RankedTensorType> type = node.tensorType(shape);
  if (failed(type))
    return failure();
  return Value(qnn::OneHotOp::create(node.builder, node.loc, *type, numbers));
}

LogicalResult importOneHot(Node &node) {
  int64_t axis = -1;
  FailureOr<Value> numbers = node.encryptedInput(0);
  if (failed(numbers) || failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<std::vector<float>> depth = node.realInput(1, "depth"), values = node.realInput(2, "values");
  if (failed(depth) || failed(values))
    return failure();
  if (depth->size() != 1 || !(depth->front() >= 1) || !(depth->front() <= float(kMaxElements)))
    return node.refuse(diag::ShapeMismatch, "depth must be one number from 1");
  if (values->size() != 2)
    return node.refuse(diag::ShapeMismatch, "values must be two numbers, off and on");
  Value source = classNumbers(*numbers);
  if (!source)
    return node.refuse(diag::InputForm, "encodes class numbers that are no input of the network",
                       {"help: make the class numbers an input, which the client encodes"});
  FailureOr<Value> encoded = createOneHot(node, source, int64_t(depth->front()));
  if (failed(encoded))
    return failure();
  bool hidden = node.hidesBatch(node.input(0));
  int64_t rank = int64_t(shapeOf(*encoded).size());
  FailureOr<int64_t> d = node.normalizeAxis(axis, rank + hidden);
  if (failed(d))
    return failure();
  if (hidden && *d == 0)
    return node.refuse(diag::BatchMoved, "puts the classes before the batch dimension");
  SmallVector<int64_t> order;
  for (int64_t i = 0; i != rank - 1; ++i)
    order.push_back(i);
  order.insert(order.begin() + (*d - hidden), rank - 1);
  FailureOr<Value> moved = llvm::is_sorted(order) ? encoded : transposeValue(node, *encoded, order);
  if (failed(moved))
    return failure();
  Value value = *moved;
  auto type = RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
  float off = (*values)[0], on = (*values)[1];
  if (on - off != 1)
    value = qnn::MulOp::create(node.builder, node.loc, type, value, node.scalar(on - off));
  if (off != 0)
    value = qnn::AddOp::create(node.builder, node.loc, type, value, node.scalar(off));
  return node.define(0, Tensor{nullptr, value, nullptr, false});
}

LogicalResult importEmbedding(Node &node) {
  int64_t axis = 0;
  FailureOr<Value> numbers = node.encryptedInput(1);
  if (failed(numbers) || failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Tensor> data = node.valueInput(0);
  if (failed(data))
    return failure();
  if (!data->clear)
    return node.refuse(diag::BothEncrypted, "chooses from an encrypted tensor by encrypted indices",
                       {"help: of the two one must be constant"});
  Value source = classNumbers(*numbers);
  SmallVector<int64_t> table(shapeOf(data->value));
  if (!source || axis != 0 || table.empty())
    return node.refuse(diag::UnsupportedForm,
                       "indices must be constant, or an input of the network that chooses rows of a "
                       "constant table (axis 0)");
  FailureOr<Value> encoded = createOneHot(node, source, table[0]);
  if (failed(encoded))
    return failure();
  // Zeros and ones are their own quantization.
  auto bit = quant::UniformQuantizedType::get(0, node.builder.getIntegerType(1),
                                              node.builder.getF32Type(), 1.0, 0, 0, 1);
  auto type = RankedTensorType::get(shapeOf(*encoded), bit);
  Value ones = qnn::QuantizeOp::create(node.builder, node.loc, type, *encoded,
                                       qnn::QuantizerKind::Uniform, qnn::Rounding::Round);
  int64_t columns = countElements(ArrayRef(table).drop_front());
  FailureOr<Value> matrix = reshapeClear(node, data->value, {table[0], columns});
  if (failed(matrix))
    return failure();
  FailureOr<Value> weights = transposeValue(node, *matrix, {1, 0});
  if (failed(weights))
    return failure();
  FailureOr<Value> rows = createGemm(node, ones, *weights, Value());
  if (failed(rows))
    return failure();
  SmallVector<int64_t> shape(shapeOf(source));
  llvm::append_range(shape, ArrayRef(table).drop_front());
  FailureOr<Value> result = reshapeClear(node, *rows, shape);
  return failed(result) ? failure()
                        : node.define(0, Tensor{nullptr, *result, nullptr, false});
}

} // namespace fhe::import
