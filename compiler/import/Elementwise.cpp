//===- Elementwise.cpp - Import of element-wise operators -----------------------===//
//
// Arithmetic with clear tensors, Clip, and the operators that do nothing in
// inference.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include "dialects/qnn/Elements.h"
#include "llvm/ADT/SetOperations.h"
#include <cfloat>

using namespace mlir;

namespace fhe::import {

//===-------------------------------------------------------------------------===//
// Add, Sub, Mul, Div
//===-------------------------------------------------------------------------===//

/// Makes the ranks of a clear operand and activations of `sampleRank` (without batch) fit: a
/// clear [1, ...] along the batch loses that dimension.
static FailureOr<Value> dropBatchOfClear(Node &node, Value value, int64_t sampleRank) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (int64_t(shape.size()) <= sampleRank)
    return value;
  if (int64_t(shape.size()) > sampleRank + 1 || shape.front() != 1)
    return node.refuse(diag::BatchMoved,
                       "a constant of shape " + describeShape(shape) +
                           " would change the batch dimension of its other operand");
  return reshapeClear(node, value, shape.drop_front());
}

LogicalResult alignOperands(Node &node, MutableArrayRef<Tensor> operands) {
  const Tensor *encrypted = llvm::find_if(operands, [](const Tensor &t) { return !t.clear; });
  if (encrypted == operands.end() || node.importer.wholeTensors())
    return success();
  size_t rank = shapeOf(encrypted->value).size();
  for (Tensor &operand : operands) {
    if (!operand.clear && shapeOf(operand.value).size() != rank)
      return node.refuse(diag::ShapeMismatch,
                         "operands of shapes " + describeShape(node.onnxShape(*encrypted)) +
                             " and " + describeShape(node.onnxShape(operand)) +
                             " broadcast across the batch");
    if (!operand.clear)
      continue;
    auto value = dropBatchOfClear(node, operand.value, rank);
    if (failed(value))
      return failure();
    operand.value = *value;
  }
  return success();
}

FailureOr<RankedTensorType> broadcastType(Node &node, ArrayRef<Tensor> operands) {
  SmallVector<int64_t> shape(shapeOf(operands.front().value));
  for (const Tensor &operand : operands.drop_front()) {
    auto joined = broadcastShapes(shape, shapeOf(operand.value));
    if (failed(joined))
      return node.refuse(diag::ShapeMismatch,
                         "operands of shapes " + describeShape(shape) + " and " +
                             describeShape(shapeOf(operand.value)) +
                             (node.importer.wholeTensors() ? "" : " (without batch)") +
                             " do not broadcast");
    shape = *joined;
  }
  return node.tensorType(shape);
}

/// The values that `value` is an element-wise or layout function of, itself included.
static llvm::SmallPtrSet<void *, 8> sourcesOf(Value value) {
  llvm::SmallPtrSet<void *, 8> seen;
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (!seen.insert(next.getAsOpaquePointer()).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (op && !isa<qnn::ConstantOp>(op) && (qnn::isElementwise(op) || qnn::isLayout(op)))
      llvm::append_range(work, op->getOperands());
  }
  return seen;
}

LogicalResult checkOneSource(Node &node, ArrayRef<Tensor> operands) {
  // Evaluation can multiply any two tensors; only an operand that should have been bound is refused.
  if (node.importer.wholeTensors() &&
      llvm::none_of(operands.drop_front(), [](const Tensor &operand) {
        return isa<BlockArgument>(operand.value);
      }))
    return success();
  std::optional<llvm::SmallPtrSet<void *, 8>> common;
  bool areComputed = true; // no operand is an input without a quantizer
  for (const Tensor &operand : operands) {
    if (operand.clear)
      continue;
    llvm::SmallPtrSet<void *, 8> sources = sourcesOf(operand.value);
    areComputed &= llvm::any_of(sources, [](void *source) {
      Operation *op = Value::getFromOpaquePointer(source).getDefiningOp();
      return op && !isa<qnn::ConstantOp>(op) && !qnn::isElementwise(op) && !qnn::isLayout(op);
    });
    if (common)
      llvm::set_intersect(*common, sources);
    else
      common = std::move(sources);
  }
  // Of quantized tensors these can be compiled, or qnn-check-quantizers knows better why not.
  bool canMeet = node.op() == "Max" || node.op() == "Min" || node.op() == "Mul" || node.op() == "Div";
  if (!common || (canMeet && areComputed))
    return success();
  // A constant that both use is no source.
  for (void *source : *common)
    if (!Value::getFromOpaquePointer(source).getDefiningOp<qnn::ConstantOp>())
      return success();
  std::string names;
  for (auto [i, operand] : llvm::enumerate(operands))
    if (!operand.clear)
      names += (names.empty() ? "'" : "' and '") + node.proto.input(i);
  bool product = node.op() == "Mul" || node.op() == "Div";
  return node.refuse(
      diag::BothEncrypted,
      product ? "both operands are encrypted (" + names + "'); a product needs a clear operand"
              : "several operands are encrypted (" + names + "'), which have no common source",
      {product ? "only sums of encrypted tensors and products with constants of the file can be compiled"
               : "a function of several encrypted tensors can be compiled only where all are functions "
                 "of one of them",
       "help: use a constant or an initializer for one operand, or Add in place of " +
           node.op().str()});
}

template <typename OpTy>
static LogicalResult defineBinary(Node &node, const Tensor &lhs, const Tensor &rhs) {
  FailureOr<RankedTensorType> type = broadcastType(node, {lhs, rhs});
  if (failed(type))
    return failure();
  return node.define(OpTy::create(node.builder, node.loc, *type, lhs.value, rhs.value),
                     lhs.clear && rhs.clear);
}

static Tensor negated(Node &node, Tensor tensor) {
  auto type = RankedTensorType::get(shapeOf(tensor.value), node.builder.getF32Type());
  if (auto constant = tensor.value.getDefiningOp<qnn::ConstantOp>())
    if (auto values = dyn_cast<DenseFPElementsAttr>(constant.getValue())) {
      auto flipped = values.mapValues(node.builder.getF32Type(),
                                      [](const APFloat &v) { return neg(v).bitcastToAPInt(); });
      constant.setValueAttr(cast<ElementsAttr>(Attribute(flipped)));
      return tensor;
    }
  tensor.value = qnn::ActivationOp::create(node.builder, node.loc, type, qnn::Function::Neg,
                                           tensor.value, APFloat(0.0), APFloat(0.0));
  return tensor;
}

/// Before operator set 7 the second operand starts at attribute `axis` of the first.
static LogicalResult alignOldAxis(Node &node, Tensor &rhs) {
  int64_t broadcast = 0, axis = 0;
  if (node.opset() >= 7)
    return success();
  if (failed(node.attribute("broadcast", broadcast)) || failed(node.attribute("axis", axis)))
    return failure();
  if (!broadcast || !node.hasAttribute("axis") || node.hidesBatch(rhs))
    return success();
  SmallVector<int64_t> shape(shapeOf(rhs.value));
  int64_t rank = node.onnxShape(node.input(0)).size();
  if (axis < 0 || axis + int64_t(shape.size()) > rank)
    return node.refuse(diag::ShapeMismatch, "axis " + llvm::Twine(axis) + " is outside its operand");
  shape.append(rank - axis - shape.size(), 1);
  FailureOr<Value> view = reshapeClear(node, rhs.value, shape);
  if (failed(view))
    return failure();
  rhs.value = *view;
  return success();
}

/// Quotient of integers: ONNX rounds it towards zero.
static LogicalResult defineQuotient(Node &node, const Tensor &lhs, const Tensor &rhs) {
  if (Constant divisor = node.input(1).constant)
    if (llvm::is_contained(divisor->reals, 0.0f) || llvm::is_contained(divisor->integers, 0))
      return node.refuse(diag::NotFinite,
                         "divides by '" + node.proto.input(1) + "', which holds a zero");
  if (failed(defineBinary<qnn::DivOp>(node, lhs, rhs)))
    return failure();
  Tensor quotient = *node.importer.find(node.proto.output(0));
  if (quotient.integral)
    quotient.value = createFunction(node, qnn::Function::Trunc, quotient.value);
  return node.define(0, quotient);
}

LogicalResult importBinary(Node &node) {
  if (node.input(0).constant && node.input(1).constant)
    return foldBinary(node, *node.input(0).constant, *node.input(1).constant);
  FailureOr<Tensor> lhs = node.valueInput(0), rhs = node.valueInput(1);
  if (failed(lhs) || failed(rhs) || failed(alignOldAxis(node, *rhs)))
    return failure();
  Tensor operands[] = {*lhs, *rhs};
  if (failed(alignOperands(node, operands)))
    return failure();
  if (node.op() == "Add")
    return defineBinary<qnn::AddOp>(node, operands[0], operands[1]);
  if (node.op() == "Sub")
    return defineBinary<qnn::AddOp>(node, operands[0], negated(node, operands[1]));
  if (failed(checkOneSource(node, operands)))
    return failure();
  if (node.op() == "Mul")
    return defineBinary<qnn::MulOp>(node, operands[0], operands[1]);
  return defineQuotient(node, operands[0], operands[1]);
}

//===-------------------------------------------------------------------------===//
// Clip
//===-------------------------------------------------------------------------===//

/// One bound of a Clip on integers; `bound` keeps its value where the input is left out.
static LogicalResult integerBound(Node &node, int i, StringRef what, int64_t &bound) {
  if (!node.has(i))
    return success();
  FailureOr<std::vector<int64_t>> values = node.integerInput(i, what);
  if (failed(values))
    return failure();
  if (values->size() != 1)
    return node.refuse(diag::ShapeMismatch, what + llvm::Twine(" must be one number"));
  bound = values->front();
  return success();
}

/// Clip between QuantizeLinear and DequantizeLinear, or on stored integers: it gives the range.
static LogicalResult clipIntegers(Node &node, const Tensor &input) {
  std::optional<std::pair<int64_t, int64_t>> range;
  if (input.pending)
    range = {input.pending->lo, input.pending->hi};
  else
    range = input.constant->range ? input.constant->range : integerRange(input.constant->dataType);
  if (!range)
    return node.refuse(diag::IntegerTensor, "is supported on integers of at most 32 bits, found " +
                                                dataTypeName(input.constant->dataType));
  int64_t lo = range->first, hi = range->second;
  if (failed(integerBound(node, 1, "min", lo)) || failed(integerBound(node, 2, "max", hi)))
    return failure();
  lo = std::max(lo, range->first);
  hi = std::min(hi, range->second);
  if (lo > hi)
    return node.refuse(diag::BadQuantizer, "leaves no integer: min " + llvm::Twine(lo) +
                                               " is above max " + llvm::Twine(hi));
  if (input.pending) {
    auto pending = std::make_shared<PendingQuantizer>(*input.pending);
    pending->lo = lo;
    pending->hi = hi;
    pending->quantized = Value(); // to another range
    return node.define(Tensor{nullptr, {}, pending, input.clear});
  }
  ConstantTensor result = *input.constant;
  result.range = {{lo, hi}};
  for (int64_t &value : result.integers)
    value = std::clamp(value, lo, hi);
  return node.define(std::move(result));
}

static LogicalResult realBound(Node &node, int i, StringRef what, float &bound) {
  if (!node.has(i))
    return success();
  FailureOr<std::vector<float>> values = node.realInput(i, what);
  if (failed(values))
    return failure();
  if (values->size() != 1)
    return node.refuse(diag::ShapeMismatch, what + llvm::Twine(" must be one number"));
  bound = values->front();
  return success();
}

LogicalResult importClip(Node &node) {
  const Tensor &input = node.input(0);
  node.ignoreAttribute("consumed_inputs"); // operator sets before 6
  if (input.pending || (input.constant && !input.constant->isReal))
    return clipIntegers(node, input);
  float lo = -FLT_MAX, hi = FLT_MAX;
  if (failed(node.attribute("min", lo)) || failed(node.attribute("max", hi)) ||
      failed(realBound(node, 1, "min", lo)) || failed(realBound(node, 2, "max", hi)))
    return failure();
  if (lo > hi)
    return node.refuse(diag::UnsupportedForm, "min is above max");
  if (input.constant)
    return foldUnary(node, *input.constant, qnn::Function::Clip, lo, hi);
  Tensor result = input;
  result.value = createFunction(node, qnn::Function::Clip, input.value, lo, hi);
  return node.define(0, result);
}

//===-------------------------------------------------------------------------===//
// Operators that do nothing in inference
//===-------------------------------------------------------------------------===//

LogicalResult importIdentity(Node &node) { return node.define(node.input(0)); }

LogicalResult importDropout(Node &node) {
  // ratio, seed and the older is_test have no effect in inference.
  for (StringRef name : {"ratio", "seed", "is_test", "consumed_inputs"})
    node.ignoreAttribute(name);
  if (node.importer.wholeTensors()) { // the mask of inference: nothing is dropped
    ConstantTensor mask;
    mask.shape = node.onnxShape(node.input(0));
    mask.dataType = onnx::TensorProto::BOOL;
    mask.integers.assign(countElements(mask.shape), 1);
    if (failed(node.define(1, Tensor{std::make_shared<ConstantTensor>(std::move(mask)), {}, nullptr, true})))
      return failure();
  }
  if (node.has(2)) {
    FailureOr<std::vector<int64_t>> training = node.integerInput(2, "training_mode");
    if (failed(training))
      return failure();
    bool zeroRatio = node.has(1) && node.input(1).constant && node.input(1).constant->isReal &&
                     llvm::all_of(node.input(1).constant->reals, [](float v) { return v == 0; });
    if (!zeroRatio && llvm::any_of(*training, [](int64_t v) { return v != 0; }))
      return node.refuse(diag::UnsupportedForm, "is exported in training mode",
                         {"help: call model.eval() before the export"});
  }
  return node.define(node.input(0));
}

} // namespace fhe::import
