//===- Elements.cpp - Element maps, clear values and real functions of qnn -----===//
#include "dialects/qnn/Elements.h"
#include "dialects/shared/StoredIntegers.h"

using namespace mlir;

namespace fhe::qnn {

int64_t elementCount(Value value) { return cast<ShapedType>(value.getType()).getNumElements(); }
ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

ElementMap compose(const ElementMap &outer, const ElementMap &inner) {
  if (inner.empty())
    return outer;
  if (outer.empty())
    return inner;
  ElementMap out(outer.size());
  for (size_t e = 0; e != outer.size(); ++e)
    out[e] = outer[e] < 0 ? -1 : inner[outer[e]];
  return out;
}

/// Calls `visit(element, coordinates)` for each element of `shape` in row-major order.
template <typename Visit>
static void forEachElement(ArrayRef<int64_t> shape, Visit visit) {
  int64_t count = ShapedType::getNumElements(shape);
  SmallVector<int64_t> at(shape.size(), 0);
  for (int64_t e = 0; e != count; ++e) {
    visit(e, ArrayRef<int64_t>(at));
    for (size_t d = shape.size(); d-- > 0;) {
      if (++at[d] != shape[d])
        break;
      at[d] = 0;
    }
  }
}

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

ElementMap broadcastElements(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from == to)
    return {};
  SmallVector<int64_t> strides = stridesOf(from);
  size_t skip = to.size() - from.size();
  ElementMap out(ShapedType::getNumElements(to));
  forEachElement(to, [&](int64_t e, ArrayRef<int64_t> at) {
    int64_t index = 0;
    for (size_t d = 0; d != from.size(); ++d)
      index += from[d] == 1 ? 0 : at[d + skip] * strides[d];
    out[e] = int32_t(index);
  });
  return out;
}

static ElementMap transposeElements(TransposeOp op) {
  ArrayRef<int64_t> to = shapeOf(op.getResult());
  SmallVector<int64_t> strides = stridesOf(shapeOf(op.getInput()));
  ElementMap out(ShapedType::getNumElements(to));
  forEachElement(to, [&](int64_t e, ArrayRef<int64_t> at) {
    int64_t index = 0;
    for (auto [d, axis] : llvm::enumerate(op.getPermutation()))
      index += at[d] * strides[axis];
    out[e] = int32_t(index);
  });
  return out;
}

static ElementMap padElements(PadOp op) {
  ArrayRef<int64_t> from = shapeOf(op.getInput()), to = shapeOf(op.getResult());
  if (from == to)
    return {};
  SmallVector<int64_t> strides = stridesOf(from);
  ElementMap out(ShapedType::getNumElements(to));
  forEachElement(to, [&](int64_t e, ArrayRef<int64_t> at) {
    int64_t index = 0;
    for (size_t d = 0; d != from.size(); ++d) {
      int64_t x = at[d] - op.getLow()[d];
      if (x < 0 || x >= from[d]) {
        out[e] = -1;
        return;
      }
      index += x * strides[d];
    }
    out[e] = int32_t(index);
  });
  return out;
}

ElementMap inputElements(Operation *op, unsigned operand) {
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return transposeElements(transpose);
  if (auto pad = dyn_cast<PadOp>(op))
    return padElements(pad);
  if (auto gather = dyn_cast<GatherOp>(op))
    return ElementMap(gather.getSource().begin(), gather.getSource().end());
  if (isa<AddOp, MulOp, DivOp, BinaryFunctionOp, SelectOp>(op))
    return broadcastElements(shapeOf(op->getOperand(operand)), shapeOf(op->getResult(0)));
  if (isa<BatchNormOp>(op) && operand > 0) {
    ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
    int64_t count = ShapedType::getNumElements(shape), inner = count / shape[0];
    ElementMap out(count);
    for (int64_t e = 0; e != count; ++e)
      out[e] = int32_t(e / inner);
    return out;
  }
  return {};
}

std::vector<std::pair<int32_t, int32_t>> concatElements(ConcatOp op) {
  ArrayRef<int64_t> to = shapeOf(op.getResult());
  int64_t axis = op.getAxis();
  SmallVector<SmallVector<int64_t>> strides;
  for (Value input : op.getInputs())
    strides.push_back(stridesOf(shapeOf(input)));
  // By place along the axis: the operand, and the place in it.
  std::vector<std::pair<int32_t, int32_t>> places;
  for (auto [operand, input] : llvm::enumerate(op.getInputs()))
    for (int64_t place = 0, size = shapeOf(input)[axis]; place != size; ++place)
      places.push_back({int32_t(operand), int32_t(place)});
  std::vector<std::pair<int32_t, int32_t>> out(ShapedType::getNumElements(to));
  forEachElement(to, [&](int64_t e, ArrayRef<int64_t> at) {
    auto [operand, place] = places[at[axis]];
    int64_t index = 0;
    for (size_t d = 0; d != to.size(); ++d)
      index += (int64_t(d) == axis ? place : at[d]) * strides[operand][d];
    out[e] = {operand, int32_t(index)};
  });
  return out;
}

bool isLayout(Operation *op) { return isa<ReshapeOp, TransposeOp, PadOp, GatherOp>(op); }
bool isElementwise(Operation *op) {
  return isa<AddOp, MulOp, DivOp, BinaryFunctionOp, SelectOp, ActivationOp, BatchNormOp>(op);
}
bool isQuantizer(Operation *op) { return isa<QuantizeOp, TruncOp>(op); }

ConstantOp clearConstant(Value value) { return value.getDefiningOp<ConstantOp>(); }

std::vector<float> clearReals(ConstantOp constant) {
  auto values = cast<DenseElementsAttr>(constant.getValue());
  Type element = cast<RankedTensorType>(constant.getType()).getElementType();
  std::vector<float> out;
  out.reserve(values.getNumElements());
  if (element.isF32()) {
    for (float v : values.getValues<float>())
      out.push_back(v);
    return out;
  }
  ArrayRef<int64_t> shape = shapeOf(constant.getResult());
  for (auto [e, v] : llvm::enumerate(readIntegers(values)))
    out.push_back(float(int64_t(v) - zeroPointAt(element, shape, e)) *
                  float(scaleAt(element, shape, e)));
  return out;
}

static int64_t channelOf(quant::UniformQuantizedPerAxisType type, ArrayRef<int64_t> shape,
                         int64_t element) {
  int64_t axis = type.getQuantizedDimension(), inner = 1;
  for (int64_t size : shape.drop_front(axis + 1))
    inner *= size;
  return element / inner % shape[axis];
}

double scaleAt(Type elementType, ArrayRef<int64_t> shape, int64_t element) {
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(elementType))
    return perAxis.getScales()[channelOf(perAxis, shape, element)];
  return cast<quant::UniformQuantizedType>(elementType).getScale();
}

int64_t zeroPointAt(Type elementType, ArrayRef<int64_t> shape, int64_t element) {
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(elementType))
    return perAxis.getZeroPoints()[channelOf(perAxis, shape, element)];
  return cast<quant::UniformQuantizedType>(elementType).getZeroPoint();
}

int64_t quantizeReal(Operation *quantizer, int64_t element, double x) {
  auto tensor = cast<RankedTensorType>(quantizer->getResult(0).getType());
  auto type = cast<quant::QuantizedType>(tensor.getElementType());
  double lo = type.getStorageTypeMin(), hi = type.getStorageTypeMax();
  int64_t zeroPoint = zeroPointAt(type, tensor.getShape(), element);
  if (auto trunc = dyn_cast<TruncOp>(quantizer)) {
    double whole = std::nearbyint(x / trunc.getScale().convertToDouble() + trunc.getZeroPoint());
    double t = whole / trunc.getDivisor().convertToDouble();
    if (trunc.getClip())
      t = std::clamp(t, lo, hi);
    // What lies further out exceeds every limit on accumulators anyway.
    t = std::clamp(t, -0x1p61, 0x1p61);
    return int64_t(roundReal(t, trunc.getRounding())) - zeroPoint;
  }
  auto quantize = cast<QuantizeOp>(quantizer);
  if (quantize.getKind() == QuantizerKind::Bipolar)
    return x >= 0 ? 1 : -1;
  double y = x / scaleAt(type, tensor.getShape(), element) + double(zeroPoint);
  return int64_t(roundReal(std::clamp(y, lo, hi), quantize.getRounding())) - zeroPoint;
}

int64_t quantizeStored(Operation *op, int64_t element, float x) {
  auto tensor = cast<RankedTensorType>(op->getResult(0).getType());
  Type type = tensor.getElementType();
  int64_t zeroPoint = zeroPointAt(type, tensor.getShape(), element);
  auto quantize = dyn_cast<QuantizeOp>(op);
  if (!quantize || quantize.getKind() == QuantizerKind::Bipolar)
    return quantizeReal(op, element, x) + zeroPoint;
  auto limits = cast<quant::QuantizedType>(type);
  // The scale of a file is an f32, so this is the division of its runtime.
  float y = x / float(scaleAt(type, tensor.getShape(), element)) + float(zeroPoint);
  double clipped = std::clamp(double(y), double(limits.getStorageTypeMin()),
                              double(limits.getStorageTypeMax()));
  return int64_t(roundReal(clipped, quantize.getRounding()));
}

double roundToHalf(double x) {
  APFloat value(x);
  bool loses = false;
  value.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &loses);
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
  return value.convertToDouble();
}

double roundToBfloat16(double x) {
  APFloat value(x);
  bool loses = false;
  value.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &loses);
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
  return value.convertToDouble();
}

} // namespace fhe::qnn
