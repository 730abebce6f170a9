//===- QuantizedType.cpp - Scale, zero point and range as a quantized type -------------===//
#include "compiler/import/QuantizedType.h"
#include <cfloat>
#include <cmath>

using namespace mlir;

namespace fhe::import {

LogicalResult checkQuantizer(Node &node, const Quantizer &q) {
  for (auto [c, scale] : llvm::enumerate(q.scales))
    if (!(scale >= FLT_MIN) || !std::isfinite(scale)) // x / scale would leave the floats
      return node.refuse(diag::BadQuantizer,
                         "scale must be positive, found " +
                             llvm::Twine(scale == 0 ? "0" : std::to_string(scale)) +
                             (q.scales.size() > 1 ? " for channel " + std::to_string(c) : ""),
                         {"help: a quantizer that has seen no data, or zeros only, has no scale: run the "
                          "network on data before the export, or take out the dead layer"});
  if (q.lo >= q.hi)
    return node.refuse(diag::BadQuantizer,
                       "has one integer only, " + llvm::Twine(q.lo) + "; two or more are needed",
                       {"help: use a wider bit width, or a one-bit quantizer (BipolarQuant)"});
  for (int64_t zeroPoint : q.zeroPoints)
    if (zeroPoint < q.lo || zeroPoint > q.hi)
      return node.refuse(diag::BadQuantizer, "zero point " + llvm::Twine(zeroPoint) +
                                                 " is outside the integers " + llvm::Twine(q.lo) +
                                                 " to " + llvm::Twine(q.hi),
                         {"help: use a quantizer whose range contains 0: signed, or from 0 on"});
  return success();
}

FailureOr<Type> quantizedType(Node &node, Quantizer q, ArrayRef<int64_t> shape) {
  if (failed(checkQuantizer(node, q)))
    return failure();
  auto allEqual = [](const auto &list) { return llvm::all_equal(list); };
  if (allEqual(q.scales) && allEqual(q.zeroPoints)) {
    q.scales.resize(1);
    q.zeroPoints.resize(1);
  }
  MLIRContext *context = node.loc.getContext();
  // What the type itself refuses is said in our words below.
  auto emitError = [&] {
    InFlightDiagnostic diagnostic = mlir::emitError(node.loc);
    diagnostic.abandon();
    return diagnostic;
  };
  unsigned flags = q.isSigned ? quant::QuantizationFlags::Signed : 0;
  auto storage = IntegerType::get(context, q.bits);
  Type real = Float32Type::get(context), result;
  size_t channels = std::max(q.scales.size(), q.zeroPoints.size());
  if (channels == 1) {
    result = quant::UniformQuantizedType::getChecked(emitError, flags, storage, real, q.scales[0],
                                                     q.zeroPoints[0], q.lo, q.hi);
  } else {
    if (int64_t(channels) != shape[q.axis])
      return node.refuse(diag::ShapeMismatch, llvm::Twine(channels) + " scales for " +
                                                  llvm::Twine(shape[q.axis]) +
                                                  " elements along axis " + llvm::Twine(q.axis));
    q.scales.resize(channels, q.scales.front());
    q.zeroPoints.resize(channels, q.zeroPoints.front());
    SmallVector<double> scales(q.scales.begin(), q.scales.end());
    result = quant::UniformQuantizedPerAxisType::getChecked(
        emitError, flags, storage, real, scales, q.zeroPoints, int32_t(q.axis), q.lo, q.hi);
  }
  if (!result)
    return node.refuse(diag::BadQuantizer, "has no quantized type with integers " +
                                               llvm::Twine(q.lo) + " to " + llvm::Twine(q.hi));
  return result;
}

FailureOr<Value> createQuantize(Node &node, Value input, bool clear, const Quantizer &q,
                                qnn::QuantizerKind kind, qnn::Rounding rounding) {
  FailureOr<Type> element = quantizedType(node, q, shapeOf(input));
  if (failed(element))
    return failure();
  if (!clear && isa<quant::UniformQuantizedPerAxisType>(*element))
    return node.refuse(diag::BadQuantizer,
                       "quantizes an activation with one scale per channel; activations are "
                       "quantized per tensor, only weights per channel",
                       {"help: use a per-tensor activation quantizer "
                        "(scaling_per_output_channel=False)"});
  auto type = RankedTensorType::get(shapeOf(input), *element);
  return Value(qnn::QuantizeOp::create(node.builder, node.loc, type, input, kind, rounding));
}

FailureOr<Tensor> quantizerInput(Node &node) {
  const Tensor &input = node.input(0);
  if (!input.constant || input.constant->isReal)
    return node.valueInput(0);
  FailureOr<std::vector<float>> reals = node.realInput(0, "input");
  if (failed(reals))
    return failure();
  ConstantTensor constant;
  constant.shape = input.constant->shape;
  constant.isReal = true;
  constant.reals = *reals;
  FailureOr<Value> value = node.materialize(constant);
  if (failed(value))
    return failure();
  return Tensor{nullptr, *value, nullptr, true};
}

} // namespace fhe::import
