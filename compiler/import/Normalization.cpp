//===- Normalization.cpp - Import of normalizations by statistics of the data ------===//
//
// InstanceNormalization, GroupNormalization, LayerNormalization and RMSNormalization as
// qnn.statistic and arithmetic. The statistics are over consecutive elements in all four.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

namespace {
/// A value divided into runs: its first `kept` axes count them, the others are inside.
struct Runs {
  Value value;
  int64_t kept = 0;

  SmallVector<int64_t> statisticShape() const {
    SmallVector<int64_t> shape(shapeOf(value));
    std::fill(shape.begin() + kept, shape.end(), 1);
    return shape;
  }
};

struct Normalized {
  Value value, mean, deviation; ///< mean and deviation in the statistics' shape
};
} // namespace

static RankedTensorType realLike(Node &node, Value value) {
  return RankedTensorType::get(shapeOf(value), node.builder.getF32Type());
}

static FailureOr<Value> statistic(Node &node, const Runs &runs, qnn::Statistic kind) {
  SmallVector<int64_t> shape = runs.statisticShape();
  auto type = RankedTensorType::get(countElements(shape), node.builder.getF32Type());
  Value value = qnn::StatisticOp::create(node.builder, node.loc, type, kind, runs.value);
  return reshapeClear(node, value, shape);
}

/// (x - mean) / sqrt(variance + epsilon); without a mean where `centred` is false.
static FailureOr<Normalized> normalize(Node &node, const Runs &runs, float epsilon, bool centred) {
  Normalized out{runs.value, {}, {}};
  if (centred) {
    FailureOr<Value> mean = statistic(node, runs, qnn::Statistic::Mean);
    if (failed(mean))
      return failure();
    out.mean = *mean;
    Value minus = createFunction(node, qnn::Function::Neg, *mean);
    out.value = qnn::AddOp::create(node.builder, node.loc, realLike(node, out.value), out.value, minus);
  }
  FailureOr<Value> square =
      statistic(node, runs, centred ? qnn::Statistic::Variance : qnn::Statistic::MeanSquare);
  if (failed(square))
    return failure();
  Value shifted = qnn::AddOp::create(node.builder, node.loc, realLike(node, *square), *square,
                                     node.scalar(epsilon));
  out.deviation = createFunction(node, qnn::Function::Sqrt, shifted);
  out.value = qnn::DivOp::create(node.builder, node.loc, realLike(node, out.value), out.value,
                                 out.deviation);
  return out;
}

/// `value` times input 1 plus input 2, where they are there, under `shape` each.
static FailureOr<Value> scaleAndShift(Node &node, Value value, ArrayRef<int64_t> shape) {
  for (int i : {1, 2}) {
    if (!node.has(i))
      continue;
    StringRef what = i == 1 ? "scale" : "bias";
    FailureOr<Constant> constant = node.constantInput(i, what);
    if (failed(constant))
      return failure();
    if (!(*constant)->isReal || (*constant)->size() != countElements(shape))
      return node.refuse(diag::ShapeMismatch, what + llvm::Twine(" has shape ") +
                                                  describeShape((*constant)->shape) + ", expected " +
                                                  llvm::Twine(countElements(shape)) + " real numbers");
    FailureOr<Value> numbers = node.materialize(**constant, shape);
    if (failed(numbers))
      return failure();
    if (i == 1)
      value = qnn::MulOp::create(node.builder, node.loc, realLike(node, value), value, *numbers);
    else
      value = qnn::AddOp::create(node.builder, node.loc, realLike(node, value), value, *numbers);
  }
  return value;
}

static LogicalResult readEpsilon(Node &node, float &epsilon) {
  if (failed(node.attribute("epsilon", epsilon)))
    return failure();
  if (!(epsilon >= 0))
    return node.refuse(diag::NotFinite, "epsilon is negative: " + std::to_string(epsilon));
  return success();
}

/// The axis of the channels of input 0, refused where it has none.
static FailureOr<int64_t> channelAxis(Node &node, const Tensor &input) {
  int64_t axis = node.hidesBatch(node.input(0)) ? 0 : 1;
  if (int64_t(shapeOf(input.value).size()) > axis)
    return axis;
  return node.refuse(diag::ShapeMismatch, "input '" + node.proto.input(0) +
                                              "' has no channel dimension");
}

LogicalResult importInstanceNormalization(Node &node) {
  float epsilon = 1e-5f;
  FailureOr<Tensor> input = node.valueInput(0);
  if (failed(input) || failed(readEpsilon(node, epsilon)))
    return failure();
  FailureOr<int64_t> axis = channelAxis(node, *input);
  if (failed(axis))
    return failure();
  FailureOr<Normalized> result = normalize(node, {input->value, *axis + 1}, epsilon, /*centred=*/true);
  if (failed(result))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input->value);
  SmallVector<int64_t> perChannel(shape.size() - *axis, 1);
  perChannel[0] = shape[*axis];
  FailureOr<Value> value = scaleAndShift(node, result->value, perChannel);
  return failed(value) ? failure() : node.define(*value, input->clear);
}

LogicalResult importGroupNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t groups = 0;
  FailureOr<Tensor> input = node.valueInput(0);
  node.ignoreAttribute("stash_type");
  if (failed(input) || failed(readEpsilon(node, epsilon)) || failed(node.attribute("num_groups", groups)))
    return failure();
  FailureOr<int64_t> axis = channelAxis(node, *input);
  if (failed(axis))
    return failure();
  SmallVector<int64_t> shape(shapeOf(input->value)), grouped(shape.begin(), shape.begin() + *axis);
  int64_t channels = shape[*axis];
  if (groups < 1 || channels % groups != 0)
    return node.refuse(diag::ShapeMismatch, "has " + llvm::Twine(groups) + " groups for " +
                                                llvm::Twine(channels) + " channels");
  grouped.push_back(groups);
  grouped.push_back(countElements(ArrayRef(shape).drop_front(*axis)) / groups);
  FailureOr<Value> view = reshapeClear(node, input->value, grouped);
  if (failed(view))
    return failure();
  FailureOr<Normalized> result = normalize(node, {*view, *axis + 1}, epsilon, /*centred=*/true);
  if (failed(result))
    return failure();
  FailureOr<Value> value = result->value;
  // Before operator set 21 a scale a group, since then one a channel.
  SmallVector<int64_t> perChannel(shape.size() - *axis, 1);
  perChannel[0] = channels;
  bool perGroup = node.opset() < 21;
  if (perGroup)
    value = scaleAndShift(node, *value, {groups, 1});
  value = failed(value) ? value : reshapeClear(node, *value, shape);
  if (!perGroup && succeeded(value))
    value = scaleAndShift(node, *value, perChannel);
  return failed(value) ? failure() : node.define(*value, input->clear);
}

/// LayerNormalization and RMSNormalization: over the axes from `axis` on.
LogicalResult importLayerNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t axis = -1;
  FailureOr<Tensor> input = node.valueInput(0);
  node.ignoreAttribute("stash_type");
  if (failed(input) || failed(readEpsilon(node, epsilon)) || failed(node.attribute("axis", axis)))
    return failure();
  bool hidden = node.hidesBatch(node.input(0));
  ArrayRef<int64_t> shape = shapeOf(input->value);
  FailureOr<int64_t> first = node.normalizeAxis(axis, int64_t(shape.size()) + hidden);
  if (failed(first))
    return failure();
  if (hidden && *first == 0)
    return node.refuse(diag::BatchMoved, "normalizes over the batch dimension (axis 0)",
                       {"help: set the axis to 1 or more"});
  int64_t kept = *first - hidden;
  bool centred = node.op() == "LayerNormalization";
  FailureOr<Normalized> result = normalize(node, {input->value, kept}, epsilon, centred);
  if (failed(result))
    return failure();
  FailureOr<Value> value = scaleAndShift(node, result->value, shape.drop_front(kept));
  if (failed(value) || failed(node.define(*value, input->clear)))
    return failure();
  for (int i : {1, 2}) {
    if (i >= node.proto.output_size() || node.proto.output(i).empty())
      continue;
    Value more = i == 1 ? result->mean
                        : createFunction(node, qnn::Function::Reciprocal, result->deviation);
    if (failed(node.define(i, Tensor{nullptr, more, nullptr, input->clear})))
      return failure();
  }
  return success();
}

} // namespace fhe::import
