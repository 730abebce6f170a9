//===- Elementwise.cpp - Import of element-wise operators -----------------------===//
//
// Arithmetic with clear tensors, activations, and the operators that do nothing
// in inference.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include <cfloat>

using namespace mlir;

namespace fhe::import {

//===-------------------------------------------------------------------------===//
// Add, Sub, Mul, Div, Pow
//===-------------------------------------------------------------------------===//

/// Makes the ranks of a clear operand and an activation of `sampleRank` (without batch) fit: a
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

/// Both operands as values that broadcast without batch dimension.
static LogicalResult alignOperands(Node &node, Tensor &lhs, Tensor &rhs) {
  if (lhs.clear && rhs.clear)
    return success();
  for (auto [clear, other] : {std::pair(&lhs, &rhs), std::pair(&rhs, &lhs)})
    if (clear->clear) {
      auto value = dropBatchOfClear(node, clear->value, shapeOf(other->value).size());
      if (failed(value))
        return failure();
      clear->value = *value;
    }
  if (!lhs.clear && !rhs.clear && shapeOf(lhs.value).size() != shapeOf(rhs.value).size())
    return node.refuse(diag::ShapeMismatch,
                       "operands of shapes " + describeShape(node.onnxShape(lhs)) + " and " +
                           describeShape(node.onnxShape(rhs)) + " broadcast across the batch");
  return success();
}

template <typename OpTy>
static LogicalResult defineBinary(Node &node, const Tensor &lhs, const Tensor &rhs) {
  auto shape = broadcastShapes(shapeOf(lhs.value), shapeOf(rhs.value));
  if (failed(shape))
    return node.refuse(diag::ShapeMismatch,
                       "operands of shapes " + describeShape(shapeOf(lhs.value)) + " and " +
                           describeShape(shapeOf(rhs.value)) + " (without batch) do not broadcast");
  FailureOr<RankedTensorType> type = node.tensorType(*shape);
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

static LogicalResult refuseProduct(Node &node) {
  return node.refuse(
      diag::BothEncrypted,
      "both operands are encrypted ('" + node.proto.input(0) + "' and '" + node.proto.input(1) +
          "'); a product needs a clear operand",
      {"only sums of encrypted tensors and products with constants of the file can be compiled",
       "help: use a constant or an initializer for one operand, or Add in place of " +
           node.op().str()});
}

LogicalResult importBinary(Node &node) {
  if (node.input(0).constant && node.input(1).constant)
    return foldBinary(node, *node.input(0).constant, *node.input(1).constant);
  if (node.op() == "Pow")
    return node.refuse(diag::UnsupportedOperator, "powers of encrypted tensors are not supported");
  FailureOr<Tensor> lhs = node.valueInput(0), rhs = node.valueInput(1);
  if (failed(lhs) || failed(rhs) || failed(alignOperands(node, *lhs, *rhs)))
    return failure();
  bool product = node.op() == "Mul" || node.op() == "Div";
  if (product && !lhs->clear && !rhs->clear)
    return refuseProduct(node);
  if (node.op() == "Add")
    return defineBinary<qnn::AddOp>(node, *lhs, *rhs);
  if (node.op() == "Sub")
    return defineBinary<qnn::AddOp>(node, *lhs, negated(node, *rhs));
  if (node.op() == "Mul")
    return defineBinary<qnn::MulOp>(node, *lhs, *rhs);
  if (!rhs->clear)
    return node.refuse(diag::UnsupportedForm, "divides by the encrypted tensor '" +
                                                  node.proto.input(1) +
                                                  "'; the divisor must be a constant");
  if (Constant divisor = node.input(1).constant)
    if (llvm::is_contained(divisor->reals, 0.0f))
      return node.refuse(diag::NotFinite,
                         "divides by '" + node.proto.input(1) + "', which holds a zero");
  return defineBinary<qnn::DivOp>(node, *lhs, *rhs);
}

//===-------------------------------------------------------------------------===//
// Activations
//===-------------------------------------------------------------------------===//

static LogicalResult defineActivation(Node &node, qnn::Function function, float alpha = 0,
                                      float beta = 0) {
  FailureOr<Tensor> input = node.valueInput(0);
  if (failed(input))
    return failure();
  auto type = RankedTensorType::get(shapeOf(input->value), node.builder.getF32Type());
  return node.define(qnn::ActivationOp::create(node.builder, node.loc, type, function, input->value,
                                               APFloat(double(alpha)), APFloat(double(beta))),
                     input->clear);
}

LogicalResult importActivation(Node &node) {
  StringRef op = node.op();
  if ((op == "Neg" || op == "Sqrt" || op == "Abs") && node.input(0).constant)
    return foldUnary(node, *node.input(0).constant);
  if (op == "Sqrt")
    return node.refuse(diag::UnsupportedOperator,
                       "square roots of encrypted tensors are not supported");
  float alpha = op == "LeakyRelu" ? 0.01f : op == "Elu" ? 1.0f : op == "HardSigmoid" ? 0.2f : 0.0f;
  float beta = op == "HardSigmoid" ? 0.5f : 0.0f;
  if (op == "LeakyRelu" || op == "Elu" || op == "HardSigmoid")
    if (failed(node.attribute("alpha", alpha)))
      return failure();
  if (op == "HardSigmoid" && failed(node.attribute("beta", beta)))
    return failure();
  auto function = llvm::StringSwitch<qnn::Function>(op)
                      .Case("Relu", qnn::Function::Relu)
                      .Case("LeakyRelu", qnn::Function::LeakyRelu)
                      .Case("Sigmoid", qnn::Function::Sigmoid)
                      .Case("HardSigmoid", qnn::Function::HardSigmoid)
                      .Case("Tanh", qnn::Function::Tanh)
                      .Case("Elu", qnn::Function::Elu)
                      .Case("Abs", qnn::Function::Abs)
                      .Case("Neg", qnn::Function::Neg)
                      .Case("Exp", qnn::Function::Exp)
                      .Case("Sign", qnn::Function::Sign)
                      .Case("Floor", qnn::Function::Floor)
                      .Case("Ceil", qnn::Function::Ceil)
                      .Default(qnn::Function::Round);
  return defineActivation(node, function, alpha, beta);
}

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
  if (input.pending || (input.constant && !input.constant->isReal))
    return clipIntegers(node, input);
  float lo = -FLT_MAX, hi = FLT_MAX;
  if (failed(node.attribute("min", lo)) || failed(node.attribute("max", hi)) ||
      failed(realBound(node, 1, "min", lo)) || failed(realBound(node, 2, "max", hi)))
    return failure();
  if (lo > hi)
    return node.refuse(diag::UnsupportedForm, "min is above max");
  return defineActivation(node, qnn::Function::Clip, lo, hi);
}

//===-------------------------------------------------------------------------===//
// Operators that do nothing in inference
//===-------------------------------------------------------------------------===//

LogicalResult importIdentity(Node &node) { return node.define(node.input(0)); }

LogicalResult importDropout(Node &node) {
  // ratio, seed and the older is_test have no effect in inference.
  for (StringRef name : {"ratio", "seed", "is_test"})
    node.ignoreAttribute(name);
  if (node.has(2)) {
    FailureOr<std::vector<int64_t>> training = node.integerInput(2, "training_mode");
    if (failed(training))
      return failure();
    if (llvm::any_of(*training, [](int64_t v) { return v != 0; }))
      return node.refuse(diag::UnsupportedForm, "is exported in training mode",
                         {"help: call model.eval() before the export"});
  }
  return node.define(node.input(0));
}

} // namespace fhe::import
