//===- processing.cpp - What a client does before and behind the encrypted part ------------===//
#include "runtime/client/processing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fhe::runtime {

/// In the order of PostFunction.
static constexpr const char *functionNames[] = {"relu", "leaky_relu", "clip", "sigmoid",
                                                "hard_sigmoid", "tanh", "softplus", "exp",
                                                "log", "sqrt"};

std::optional<PostFunction> postFunctionNamed(std::string_view name) {
  const auto *it = std::find(std::begin(functionNames), std::end(functionNames), name);
  if (it == std::end(functionNames))
    return std::nullopt;
  return PostFunction(it - std::begin(functionNames));
}

const char *nameOf(PostFunction function) { return functionNames[int(function)]; }

double applyPostFunction(PostFunction function, double alpha, double beta, double x) {
  switch (function) {
  case PostFunction::relu:
    return std::max(x, 0.0);
  case PostFunction::leakyRelu:
    return x >= 0 ? x : alpha * x;
  case PostFunction::clip:
    return std::min(std::max(x, alpha), beta);
  case PostFunction::sigmoid:
    return 1 / (1 + std::exp(-x));
  case PostFunction::hardSigmoid:
    return std::min(std::max(alpha * x + beta, 0.0), 1.0);
  case PostFunction::tanh:
    return std::tanh(x);
  case PostFunction::softplus: // Without overflow of exp(x).
    return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  case PostFunction::exp:
    return std::exp(x);
  case PostFunction::log:
    return std::log(x);
  case PostFunction::sqrt:
    return std::sqrt(x);
  }
  return x;
}

static uint64_t product(const std::vector<uint64_t> &shape) {
  return std::accumulate(shape.begin(), shape.end(), uint64_t(1), std::multiplies<>());
}

/// Whether as many values stand for the channels of `shape`; otherwise says so.
static std::string checkChannels(const Affine &affine, const std::vector<uint64_t> &shape) {
  uint64_t channels = shape.empty() ? 1 : shape[0];
  for (const std::vector<double> *list : {&affine.scale, &affine.offset})
    if (list->size() != 1 && list->size() != channels)
      return std::to_string(list->size()) + " values for " + std::to_string(channels) + " channels";
  return {};
}

std::string applyToShape(const PreOp &op, std::vector<uint64_t> &shape) {
  if (op.kind == PreOp::affine)
    return checkChannels(op.numbers, shape);
  shape.push_back(op.classes);
  return {};
}

std::string applyPre(const PreOp &op, std::vector<uint64_t> &shape, std::vector<double> &values) {
  if (op.kind == PreOp::affine) {
    applyAffine(op.numbers, shape, values);
    return {};
  }
  std::vector<double> ones(values.size() * op.classes, 0.0);
  for (size_t i = 0; i < values.size(); ++i) {
    // From the end where negative, as ONNX counts.
    double index = values[i] < 0 ? values[i] + double(op.classes) : values[i];
    if (!(index >= 0) || !(index < double(op.classes)) || index != std::floor(index))
      return "element " + std::to_string(i) + " is no class number from " +
             std::to_string(-int64_t(op.classes)) + " to " + std::to_string(op.classes - 1);
    ones[i * op.classes + uint64_t(index)] = 1;
  }
  values = std::move(ones);
  return applyToShape(op, shape);
}

bool hasAxis(PostOp::Kind kind) {
  return kind == PostOp::softmax || kind == PostOp::logSoftmax || kind == PostOp::argmax ||
         kind == PostOp::topk || kind == PostOp::hardmax;
}

std::string applyToShape(const PostOp &op, std::vector<uint64_t> &shape) {
  if (hasAxis(op.kind) && op.axis >= shape.size())
    return "axis " + std::to_string(op.axis) + " of a tensor with " +
           std::to_string(shape.size()) + " axes";
  if (op.kind == PostOp::affine)
    return checkChannels(op.numbers, shape);
  if (op.kind == PostOp::topk) {
    if (op.k < 1 || op.k > shape[op.axis])
      return "the " + std::to_string(op.k) + " largest of " + std::to_string(shape[op.axis]);
    shape[op.axis] = op.k;
  } else if (op.kind == PostOp::argmax) {
    if (op.keepDims)
      shape[op.axis] = 1;
    else
      shape.erase(shape.begin() + std::ptrdiff_t(op.axis));
  } else if (op.kind == PostOp::reshape) {
    if (product(op.shape) != product(shape))
      return "a shape of " + std::to_string(product(op.shape)) + " elements for " +
             std::to_string(product(shape));
    shape = op.shape;
  }
  return {};
}

void applyAffine(const Affine &affine, const std::vector<uint64_t> &shape,
                 std::span<double> values) {
  uint64_t channels = shape.empty() ? 1 : shape[0], each = values.size() / channels;
  for (uint64_t i = 0; i < values.size(); ++i)
    values[i] =
        values[i] * channelValue(affine.scale, i / each) + channelValue(affine.offset, i / each);
}

/// Calls body(first, stride) for each line along `axis`: its elements are first + c * stride.
template <class Body>
static void forLines(const std::vector<uint64_t> &shape, uint64_t axis, const Body &body) {
  uint64_t outer = 1, inner = 1;
  for (uint64_t d = 0; d < axis; ++d)
    outer *= shape[d];
  for (uint64_t d = axis + 1; d < shape.size(); ++d)
    inner *= shape[d];
  for (uint64_t o = 0; o < outer; ++o)
    for (uint64_t i = 0; i < inner; ++i)
      body(o * shape[axis] * inner + i, inner, o, i);
}

static void softmax(const std::vector<uint64_t> &shape, uint64_t axis, bool isLog,
                    std::vector<double> &values) {
  forLines(shape, axis, [&](uint64_t first, uint64_t stride, uint64_t, uint64_t) {
    double largest = values[first], sum = 0;
    for (uint64_t c = 0; c < shape[axis]; ++c)
      largest = std::max(largest, values[first + c * stride]);
    for (uint64_t c = 0; c < shape[axis]; ++c)
      sum += std::exp(values[first + c * stride] - largest);
    for (uint64_t c = 0; c < shape[axis]; ++c) {
      double above = values[first + c * stride] - largest;
      values[first + c * stride] = isLog ? above - std::log(sum) : std::exp(above) / sum;
    }
  });
}

/// NaN counts as the largest, so that there is an order.
static bool isAbove(double x, double y) { return std::isnan(x) ? !std::isnan(y) : x > y; }

/// The k largest of each line, largest first; of equal ones the first in the line first, or the
/// last one.
static std::vector<double> largest(const std::vector<uint64_t> &shape, const PostOp &op, uint64_t k,
                                   bool indices, const std::vector<double> &values) {
  uint64_t length = shape[op.axis];
  std::vector<double> result(values.size() / length * k);
  std::vector<uint64_t> order(length);
  forLines(shape, op.axis, [&](uint64_t first, uint64_t stride, uint64_t o, uint64_t i) {
    std::iota(order.begin(), order.end(), uint64_t(0));
    std::partial_sort(order.begin(), order.begin() + std::ptrdiff_t(k), order.end(),
                      [&](uint64_t a, uint64_t b) {
                        double x = values[first + a * stride], y = values[first + b * stride];
                        if (isAbove(x, y) || isAbove(y, x))
                          return isAbove(x, y);
                        return op.selectLast ? a > b : a < b;
                      });
    for (uint64_t c = 0; c < k; ++c)
      result[(o * k + c) * stride + i] =
          indices ? double(order[c]) : values[first + order[c] * stride];
  });
  return result;
}

/// 1 at the first largest number of each line, else 0.
static void hardmax(const std::vector<uint64_t> &shape, const PostOp &op, std::vector<double> &values) {
  std::vector<double> place = largest(shape, op, 1, /*indices=*/true, values);
  forLines(shape, op.axis, [&](uint64_t first, uint64_t stride, uint64_t o, uint64_t i) {
    for (uint64_t c = 0; c < shape[op.axis]; ++c)
      values[first + c * stride] = double(c) == place[o * stride + i] ? 1 : 0;
  });
}

void applyPost(const PostOp &op, std::vector<uint64_t> &shape, std::vector<double> &values) {
  switch (op.kind) {
  case PostOp::affine:
    applyAffine(op.numbers, shape, values);
    break;
  case PostOp::bipolar:
    for (double &x : values)
      x = x >= 0 ? op.numbers.scale[0] : -op.numbers.scale[0];
    break;
  case PostOp::function:
    for (double &x : values)
      x = applyPostFunction(op.applied, op.alpha, op.beta, x);
    break;
  case PostOp::softmax:
  case PostOp::logSoftmax:
    softmax(shape, op.axis, op.kind == PostOp::logSoftmax, values);
    break;
  case PostOp::argmax:
    values = largest(shape, op, 1, /*indices=*/true, values);
    break;
  case PostOp::topk:
    values = largest(shape, op, op.k, op.indices, values);
    break;
  case PostOp::hardmax:
    hardmax(shape, op, values);
    break;
  case PostOp::reshape:
    break;
  }
  (void)applyToShape(op, shape);
}

} // namespace fhe::runtime
