//===- PostSteps.cpp - Operations that a client can do behind the network -------===//
#include "dialects/qnn/PostSteps.h"
#include "dialects/qnn/Elements.h"
#include <cmath>

using namespace mlir;

namespace fhe::qnn {

using runtime::PostOp;

bool isClientOp(Operation *op) { return isa<SoftmaxOp, HardmaxOp, TopKOp>(op); }

/// Numbers of clear operand `operand`: one for all, or one a coordinate of the first axis; nullopt where
/// they vary otherwise.
static std::optional<std::vector<double>> firstAxis(Operation *op, unsigned operand) {
  ConstantOp constant = clearConstant(op->getOperand(operand));
  if (!constant)
    return std::nullopt;
  std::vector<float> reals = clearReals(constant);
  ElementMap map = inputElements(op, operand);
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  int64_t count = elementCount(op->getResult(0)), channels = shape.empty() ? 1 : shape[0];
  auto at = [&](int64_t e) { return double(reals[map.empty() ? e : int64_t(map[e])]); };
  std::vector<double> values;
  for (int64_t c = 0; c != channels; ++c)
    values.push_back(at(c * (count / channels)));
  for (int64_t e = 0; e != count; ++e)
    if (at(e) != values[e / (count / channels)])
      return std::nullopt;
  if (llvm::all_equal(values))
    values.resize(1);
  return values;
}

static double valueAt(const std::vector<double> &values, size_t c) {
  return values.size() == 1 ? values[0] : values[c];
}

/// One number a channel, or one for all, from one or two lists.
template <typename F>
static std::vector<double> combine(const std::vector<double> &a, const std::vector<double> &b, F f) {
  std::vector<double> out(std::max(a.size(), b.size()));
  for (size_t c = 0; c != out.size(); ++c)
    out[c] = f(valueAt(a, c), valueAt(b, c));
  return out;
}

static std::optional<runtime::Affine> normalization(BatchNormOp op) {
  auto scale = firstAxis(op, 1), bias = firstAxis(op, 2), mean = firstAxis(op, 3),
       variance = firstAxis(op, 4);
  if (!scale || !bias || !mean || !variance)
    return std::nullopt;
  double epsilon = op.getEpsilon().convertToDouble();
  runtime::Affine affine;
  affine.scale = combine(*scale, *variance,
                         [&](double s, double v) { return s / std::sqrt(v + epsilon); });
  affine.offset = combine(*bias, combine(*mean, affine.scale, std::multiplies<>()), std::minus<>());
  return affine;
}

static std::optional<runtime::Affine> affineOf(Operation *op, unsigned data) {
  if (auto norm = dyn_cast<BatchNormOp>(op))
    return normalization(norm);
  if (auto activation = dyn_cast<ActivationOp>(op)) {
    if (activation.getFunction() != Function::Neg)
      return std::nullopt;
    return runtime::Affine{{-1.0}, {0.0}};
  }
  if (!isa<AddOp, MulOp, DivOp>(op) || (isa<DivOp>(op) && data != 0))
    return std::nullopt;
  auto numbers = firstAxis(op, 1 - data);
  if (!numbers)
    return std::nullopt;
  if (isa<AddOp>(op))
    return runtime::Affine{{1.0}, *numbers};
  if (isa<DivOp>(op))
    for (double &number : *numbers)
      number = 1 / number;
  return runtime::Affine{*numbers, {0.0}};
}

std::optional<PostOp> postStepOf(Operation *op, unsigned data) {
  PostOp step;
  if (auto softmax = dyn_cast<SoftmaxOp>(op)) {
    step.kind = softmax.getLog() ? PostOp::logSoftmax : PostOp::softmax;
    step.axis = uint64_t(softmax.getAxis());
    return step;
  }
  if (auto hardmax = dyn_cast<HardmaxOp>(op)) {
    step.kind = PostOp::hardmax;
    step.axis = uint64_t(hardmax.getAxis());
    return step;
  }
  if (auto top = dyn_cast<TopKOp>(op)) {
    step.kind = top.getK() == 1 && top.getIndices() ? PostOp::argmax : PostOp::topk;
    step.axis = uint64_t(top.getAxis());
    step.k = uint64_t(top.getK());
    step.indices = top.getIndices();
    step.selectLast = top.getLast();
    return step;
  }
  if (isa<ReshapeOp>(op)) {
    step.kind = PostOp::reshape;
    ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
    step.shape.assign(shape.begin(), shape.end());
    return step;
  }
  if (!isElementwise(op) || shapeOf(op->getOperand(data)) != shapeOf(op->getResult(0)))
    return std::nullopt;
  if (std::optional<runtime::Affine> affine = affineOf(op, data)) {
    step.numbers = *affine;
    return step;
  }
  auto activation = dyn_cast<ActivationOp>(op);
  auto function = activation ? runtime::postFunctionNamed(stringifyFunction(activation.getFunction()))
                             : std::nullopt;
  if (!function)
    return std::nullopt;
  step.kind = PostOp::function;
  step.applied = *function;
  step.alpha = activation.getAlpha().convertToDouble();
  step.beta = activation.getBeta().convertToDouble();
  return step;
}

} // namespace fhe::qnn
