//===- MoveMaxima.cpp - Maxima behind quantizers --------------------------------------===//
//
// MaxPool before an activation reads numbers that are not quantized. Where the activation
// and the quantizer behind it do not decrease, the largest number gives the largest
// integer, so the maximum is taken of the quantized numbers instead.
//
//===----------------------------------------------------------------------------------===//
#include "dialects/qnn/Elements.h"
#include "mlir/IR/IRMapping.h"
#include "passes/qnn/EraseUnused.h"
#include "passes/qnn/Passes.h"

namespace fhe {
#define GEN_PASS_DEF_QNNMOVEMAXIMA
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

static bool isNonNegative(Value value) {
  ConstantOp constant = clearConstant(value);
  return constant && llvm::all_of(clearReals(constant), [](float x) { return x >= 0; });
}

static bool isNonDecreasing(ActivationOp op) {
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  switch (op.getFunction()) {
  case Function::Relu:
  case Function::Sigmoid:
  case Function::Tanh:
  case Function::Exp:
  case Function::Sign:
  case Function::Floor:
  case Function::Ceil:
  case Function::Round:
  case Function::Softplus:
  case Function::Softsign:
  case Function::Erf:
  case Function::Atan:
  case Function::Sinh:
  case Function::Asinh:
  case Function::Trunc:
  case Function::ToHalf:
  case Function::ToBfloat16:
    return true;
  case Function::LeakyRelu:
  case Function::HardSigmoid:
  case Function::Elu:
  case Function::ThresholdedRelu:
    return alpha >= 0;
  case Function::Celu:
    return alpha > 0;
  case Function::Selu:
    return alpha >= 0 && beta >= 0;
  case Function::Clip:
    return alpha <= beta;
  default:
    return false;
  }
}

/// The operand of which an element-wise operation is a function that does not decrease; nullopt where it is
/// none.
static std::optional<unsigned> increasingOperand(Operation *op) {
  SmallVector<unsigned> encrypted;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (!clearConstant(operand))
      encrypted.push_back(unsigned(i));
  if (encrypted.size() != 1)
    return std::nullopt;
  unsigned data = encrypted.front(), other = 1 - std::min(data, 1u);
  bool good = false;
  if (auto activation = dyn_cast<ActivationOp>(op))
    good = isNonDecreasing(activation);
  else if (isa<AddOp>(op))
    good = true;
  else if (isa<MulOp>(op))
    good = isNonNegative(op->getOperand(other));
  else if (isa<DivOp>(op))
    good = data == 0 && isNonNegative(op->getOperand(1));
  else if (auto norm = dyn_cast<BatchNormOp>(op))
    good = data == 0 && isNonNegative(norm.getScale());
  else if (auto binary = dyn_cast<BinaryFunctionOp>(op))
    good = binary.getFunction() == BinaryFunction::Max || binary.getFunction() == BinaryFunction::Min ||
           (binary.getFunction() == BinaryFunction::PRelu && data == 0 && isNonNegative(binary.getRhs()));
  return good ? std::optional(data) : std::nullopt;
}

/// Whether the numbers are no integers of one scale yet: behind a linear operation or a function.
static bool isReal(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!cast<RankedTensorType>(value.getType()).getElementType().isF32())
      return false;
    if (isa<GemmOp, ConvOp, BatchNormOp, BinaryFunctionOp, SelectOp>(op))
      return true;
    if (auto activation = dyn_cast<ActivationOp>(op); activation && activation.getFunction() != Function::Neg)
      return true;
    bool affine = isa<AddOp, MulOp, DivOp, ActivationOp>(op);
    if (!affine && !isLayout(op))
      return false;
    unsigned data = 0;
    if (op->getNumOperands() == 2) {
      if (!clearConstant(op->getOperand(0)) && !clearConstant(op->getOperand(1)))
        return false; // a sum of two tensors
      data = clearConstant(op->getOperand(0)) ? 1 : 0;
    }
    value = op->getOperand(data);
  }
  return false;
}

namespace {
/// From a maximum to the quantizer behind it.
struct Path {
  MaxOp maximum;
  SmallVector<std::pair<Operation *, unsigned>> steps; ///< the first behind the maximum first; its data operand
};
} // namespace

static std::optional<Path> pathTo(QuantizeOp quantizer) {
  auto type = cast<RankedTensorType>(quantizer.getResult().getType());
  if (!isa<quant::UniformQuantizedType>(type.getElementType()))
    return std::nullopt;
  Path path;
  Value value = quantizer.getInput();
  while (Operation *op = value.getDefiningOp()) {
    if (auto maximum = dyn_cast<MaxOp>(op)) {
      if (!isReal(maximum.getInput()))
        return std::nullopt;
      path.maximum = maximum;
      std::reverse(path.steps.begin(), path.steps.end());
      return path;
    }
    std::optional<unsigned> data;
    if (isLayout(op))
      data = 0;
    else if (isElementwise(op))
      data = increasingOperand(op);
    if (!data)
      return std::nullopt;
    path.steps.push_back({op, *data});
    value = op->getOperand(*data);
  }
  return std::nullopt;
}

/// `type` with one more axis of `size` at the end.
static RankedTensorType withAxis(Type type, int64_t size) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.push_back(size);
  return tensor.clone(shape);
}

/// A layout operation on all `places` of each element at once.
static Value moveAll(OpBuilder &b, Operation *op, Value value, int64_t places) {
  RankedTensorType type = withAxis(op->getResult(0).getType(), places);
  if (isa<ReshapeOp>(op))
    return fhe::qnn::ReshapeOp::create(b, op->getLoc(), type, value);
  ElementMap map = inputElements(op, 0);
  std::vector<int32_t> source;
  for (int64_t e = 0, count = elementCount(op->getResult(0)); e != count; ++e)
    for (int64_t k = 0; k != places; ++k) {
      int64_t from = map.empty() ? e : int64_t(map[e]);
      source.push_back(from < 0 ? -1 : int32_t(from * places + k));
    }
  return GatherOp::create(b, op->getLoc(), type, value, source);
}

/// An element-wise operation on all `places` of each element at once.
static Value applyAll(OpBuilder &b, Operation *op, unsigned data, Value value, int64_t places) {
  IRMapping map;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (i == data) {
      map.map(operand, value);
    } else if (!isa<BatchNormOp>(op)) { // whose constants are by the first axis
      ConstantOp constant = clearConstant(operand);
      auto numbers = cast<DenseElementsAttr>(constant.getValue());
      map.map(operand, ConstantOp::create(b, constant.getLoc(), withAxis(operand.getType(), 1),
                                          numbers.reshape(withAxis(numbers.getType(), 1)))
                           .getResult());
    }
  }
  Operation *copy = b.clone(*op, map);
  copy->getResult(0).setType(withAxis(op->getResult(0).getType(), places));
  return copy->getResult(0);
}

static void move(QuantizeOp quantizer, const Path &path) {
  OpBuilder b(quantizer);
  MaxOp maximum = path.maximum;
  Value value = maximum.getInput();
  int64_t places = shapeOf(value).back();
  for (auto [op, data] : path.steps)
    value = isLayout(op) ? moveAll(b, op, value, places) : applyAll(b, op, data, value, places);
  Type type = quantizer.getResult().getType();
  Value quantized = QuantizeOp::create(b, quantizer.getLoc(), withAxis(type, places), value,
                                       quantizer.getKind(), quantizer.getRounding());
  quantizer.getResult().replaceAllUsesWith(MaxOp::create(b, maximum.getLoc(), type, quantized).getResult());
  quantizer.erase();
}

namespace {
struct QnnMoveMaxima : fhe::impl::QnnMoveMaximaBase<QnnMoveMaxima> {
  void runOnOperation() override {
    SmallVector<QuantizeOp> quantizers;
    getOperation().walk([&](QuantizeOp op) { quantizers.push_back(op); });
    bool moved = false;
    for (QuantizeOp quantizer : quantizers)
      if (std::optional<Path> path = pathTo(quantizer)) {
        move(quantizer, *path);
        moved = true;
      }
    if (!moved)
      return markAllAnalysesPreserved();
    eraseUnused(getOperation());
  }
};
} // namespace
