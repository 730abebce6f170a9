//===- Accumulators.cpp - Intervals, scales and offsets of sums -------------------===//
//
// Of linear operations, per channel, and of pools.
//
//===------------------------------------------------------------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "passes/qnn/Analysis.h"

using namespace mlir;

namespace fhe::qnn {

/// Calls f(channel, weight, element of the input or -1 in the padding, element of the result) for each
/// product of a linear op.
template <typename F>
static void forEachProduct(Operation *op, ArrayRef<int32_t> weights, F f) {
  ArrayRef<int64_t> in = shapeOf(op->getOperand(0)), w = shapeOf(op->getOperand(1)),
                    out = shapeOf(op->getResult(0));
  if (isa<GemmOp>(op)) {
    int64_t rows = ShapedType::getNumElements(in) / w[1];
    for (int64_t r = 0; r != rows; ++r)
      for (int64_t o = 0; o != w[0]; ++o)
        for (int64_t i = 0; i != w[1]; ++i)
          f(o, weights[o * w[1] + i], r * w[1] + i, r * w[0] + o);
    return;
  }
  auto conv = cast<ConvOp>(op);
  int64_t perGroup = w[0] / conv.getGroups();
  for (int64_t o = 0; o != w[0]; ++o)
    for (int64_t y = 0; y != out[1]; ++y)
      for (int64_t x = 0; x != out[2]; ++x)
        for (int64_t c = 0; c != w[1]; ++c)
          for (int64_t ky = 0; ky != w[2]; ++ky)
            for (int64_t kx = 0; kx != w[3]; ++kx) {
              int64_t iy = y * conv.getStrides()[0] - conv.getPads()[0] + ky * conv.getDilations()[0],
                      ix = x * conv.getStrides()[1] - conv.getPads()[1] + kx * conv.getDilations()[1];
              bool inside = iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2];
              int64_t channel = o / perGroup * w[1] + c;
              f(o, weights[((o * w[1] + c) * w[2] + ky) * w[3] + kx],
                inside ? (channel * in[1] + iy) * in[2] + ix : -1, (o * out[1] + y) * out[2] + x);
            }
}

void Analysis::addAccumulator(Operation *op, ConstantOp weights, const Form &input, Root root) {
  Value result = op->getResult(0);
  int64_t count = elementCount(result), channels = shapeOf(weights.getResult())[0];
  int64_t inner = isa<ConvOp>(op) ? count / channels : 1;
  Type type = cast<RankedTensorType>(weights.getType()).getElementType();
  ArrayRef<int64_t> weightShape = shapeOf(weights.getResult());
  int64_t perChannel = elementCount(weights.getResult()) / channels;
  auto channelOf = [&](int64_t e) { return e / inner % channels; };
  Form form;
  form.root = result;
  form.scale.values.resize(count);
  form.offset.values.assign(count, 0.0);
  for (int64_t e = 0; e != count; ++e)
    form.scale.values[e] = input.scale[0] * scaleAt(type, weightShape, channelOf(e) * perChannel);
  // The real offset of the operand times the weights, then the bias.
  if (!input.offset.isUniform() || input.offset[0] != 0)
    forEachProduct(op, centredIntegers(weights), [&](int64_t o, int32_t w, int64_t i, int64_t e) {
      if (i >= 0)
        form.offset.values[e] +=
            w * scaleAt(type, weightShape, o * perChannel) * input.offset[i];
    });
  if (op->getNumOperands() == 3) {
    std::vector<float> bias = clearReals(clearConstant(op->getOperand(2)));
    for (int64_t e = 0; e != count; ++e)
      form.offset.values[e] += bias[channelOf(e)];
  }
  form.scale.compress();
  form.offset.compress();
  roots[result] = std::move(root);
  forms[result] = std::move(form);
}

LogicalResult Analysis::visitLinear(Operation *op) {
  Value input = op->getOperand(0), weights = op->getOperand(1);
  // A file without any quantizer is better named as such than by its first weight.
  if (failed(requireQuantized(op, input, "input")) || failed(requireWeights(op, weights)))
    return failure();
  if (op->getNumOperands() == 3 && !clearConstant(op->getOperand(2)))
    return (op->emitError("bias is encrypted; it must be clear")
            << diag::tag(diag::BothEncrypted))
               .attachNote() << "it comes from " << describeOrigin(op->getOperand(2));
  ConstantOp constant = clearConstant(weights);
  std::vector<int32_t> integers = centredIntegers(constant);
  const Form &from = form(input);
  auto [lo, hi] = rangeOf(from);
  if (auto conv = dyn_cast<ConvOp>(op);
      conv && llvm::any_of(conv.getPads(), [](int64_t p) { return p != 0; })) {
    lo = std::min<int64_t>(lo, 0);
    hi = std::max<int64_t>(hi, 0);
  }
  Root root;
  root.kind = RootKind::Linear;
  int64_t channels = shapeOf(weights)[0], terms = int64_t(integers.size()) / channels;
  for (int64_t o = 0; o != channels; ++o) {
    __int128 sumLo = 0, sumHi = 0;
    int64_t nonZero = 0;
    for (int64_t i = 0; i != terms; ++i) {
      __int128 w = integers[o * terms + i];
      sumLo += w > 0 ? w * lo : w * hi;
      sumHi += w > 0 ? w * hi : w * lo;
      nonZero += w != 0;
    }
    int64_t channelLo = saturated(sumLo), channelHi = saturated(sumHi);
    root.channelLo.push_back(channelLo);
    root.channelHi.push_back(channelHi);
    if (o == 0 || std::max(-channelLo, channelHi) >
                      std::max(-root.channelLo[root.worstChannel], root.channelHi[root.worstChannel])) {
      root.worstChannel = o;
      root.worstTerms = nonZero;
    }
    root.lo = o == 0 ? channelLo : std::min(root.lo, channelLo);
    root.hi = o == 0 ? channelHi : std::max(root.hi, channelHi);
  }
  addAccumulator(op, constant, from, std::move(root));
  return success();
}

LogicalResult Analysis::visitPool(AvgPoolOp op) {
  if (failed(requireQuantized(op, op.getInput(), "input")))
    return failure();
  const Form &from = form(op.getInput());
  ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getResult()), kernel = op.getKernel(),
                    strides = op.getStrides(), pads = op.getPads();
  int64_t window = kernel[0] * kernel[1], count = elementCount(op.getResult());
  auto [lo, hi] = rangeOf(from);
  Root root;
  root.kind = RootKind::Pool;
  Form result;
  result.root = op.getResult();
  result.scale.values.assign(count, 0.0);
  result.offset.values.assign(count, 0.0);
  root.lo = INT64_MAX;
  root.hi = INT64_MIN;
  for (int64_t e = 0; e != count; ++e) {
    int64_t x = e % out[2], y = e / out[2] % out[1], c = e / (out[1] * out[2]), real = 0;
    double offset = 0;
    for (int64_t k = 0; k != window; ++k) {
      int64_t iy = y * strides[0] - pads[0] + k / kernel[1], ix = x * strides[1] - pads[1] + k % kernel[1];
      if (iy < 0 || iy >= in[1] || ix < 0 || ix >= in[2])
        continue;
      ++real;
      offset += from.offset[(c * in[1] + iy) * in[2] + ix];
    }
    double divisor = double(op.getSum()               ? 1
                            : op.getCountIncludePad() ? window
                                                      : std::max<int64_t>(real, 1));
    result.scale.values[e] = from.scale[0] / divisor;
    result.offset.values[e] = offset / divisor;
    root.lo = std::min(root.lo, saturated(__int128(real) * lo));
    root.hi = std::max(root.hi, saturated(__int128(real) * hi));
  }
  result.scale.compress();
  result.offset.compress();
  roots[op.getResult()] = root;
  forms[op.getResult()] = std::move(result);
  return success();
}

} // namespace fhe::qnn
