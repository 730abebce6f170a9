//===- ActivationQuantizer.cpp - Quantizers between the layers of a network -------===//
#include "passes/quantize/ActivationQuantizer.h"
#include "dialects/qnn/Elements.h"
#include "passes/quantize/QuantizeOptions.h"
#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

ActivationQuantizer quantizerOf(Range range, unsigned bits, bool shifted) {
  ActivationQuantizer out;
  out.bits = bits;
  out.shifted = shifted;
  if (!shifted) { // 0 is an integer, as padding and exported files need it
    range.lo = std::min(range.lo, 0.0);
    range.hi = std::max(range.hi, 0.0);
  }
  if (!(range.hi - range.lo > double(FLT_MIN) * 0x1p20))
    range.hi = range.lo + 1; // a value that never varies
  out.affine = affineOf(range, bits);
  out.affine.scale = double(float(out.affine.scale)); // files hold f32 scales
  if (shifted) {
    out.offset = double(float(range.lo));
    out.affine.zeroPoint = 0;
  }
  return out;
}

ActivationQuantizer quantizerAt(double scale, Range range) {
  ActivationQuantizer out;
  out.affine.scale = scale;
  double lo = std::nearbyint(std::min(range.lo, 0.0) / scale),
         hi = std::nearbyint(std::max(range.hi, 0.0) / scale);
  out.bits = 1;
  while (out.bits < mostInterfaceBits && std::ldexp(1.0, int(out.bits)) - 1 < hi - lo)
    ++out.bits;
  out.affine.hi = (int64_t(1) << out.bits) - 1;
  out.affine.zeroPoint = std::clamp<int64_t>(int64_t(-lo), 0, out.affine.hi);
  return out;
}

Value insertQuantizer(Value producer, const ActivationQuantizer &quantizer) {
  OpBuilder b(producer.getContext());
  b.setInsertionPointAfterValue(producer);
  Location loc = producer.getLoc();
  auto real = cast<RankedTensorType>(producer.getType());
  auto scalar = RankedTensorType::get({}, b.getF32Type());
  auto shift = [&](Value value, double by) -> Value {
    Value constant = ConstantOp::create(b, loc, scalar, DenseElementsAttr::get(scalar, float(by)));
    return AddOp::create(b, loc, real, value, constant);
  };
  auto type = quant::UniformQuantizedType::get(0, b.getIntegerType(quantizer.bits), b.getF32Type(),
                                               quantizer.affine.scale, quantizer.affine.zeroPoint,
                                               quantizer.affine.lo, quantizer.affine.hi);
  Value value = quantizer.shifted ? shift(producer, -quantizer.offset) : producer;
  value = QuantizeOp::create(b, loc, real.clone(type), value, QuantizerKind::Uniform, Rounding::Round);
  return quantizer.shifted ? shift(value, quantizer.offset) : value;
}

Value throughLayout(Value value, Value like, Value producer) {
  if (like == producer)
    return value;
  Operation *op = like.getDefiningOp();
  Value input = throughLayout(value, op->getOperand(0), producer);
  OpBuilder b(op);
  Operation *copy = b.clone(*op);
  copy->setOperand(0, input);
  auto type = cast<RankedTensorType>(copy->getResult(0).getType());
  copy->getResult(0).setType(type.clone(cast<RankedTensorType>(input.getType()).getElementType()));
  return copy->getResult(0);
}

Operation *firstOf(Value value, Value producer) {
  Operation *op = value.getDefiningOp();
  while (op->getOperand(0) != producer)
    op = op->getOperand(0).getDefiningOp();
  return op;
}

void removeQuantizer(Value value, Value producer) {
  value.replaceAllUsesWith(producer);
  while (value != producer) {
    Operation *op = value.getDefiningOp();
    value = op->getOperand(0);
    Operation *constant = op->getNumOperands() == 2 ? op->getOperand(1).getDefiningOp() : nullptr;
    op->erase();
    if (constant)
      constant->erase();
  }
}

double scaleOf(Value value) {
  while (!isa<QuantizeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return cast<quant::UniformQuantizedType>(cast<RankedTensorType>(value.getType()).getElementType())
      .getScale();
}

} // namespace fhe::quantize
