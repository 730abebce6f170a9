//===- ClientSide.cpp - What a client does around the fhe level ------------------===//
#include "dialects/fhe/ClientSide.h"
#include "mlir/IR/BuiltinAttributes.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;

namespace fhe {

static std::optional<double> readNumber(Attribute attr) {
  if (auto value = dyn_cast_or_null<FloatAttr>(attr))
    return value.getValueAsDouble();
  if (auto value = dyn_cast_or_null<IntegerAttr>(attr))
    return double(value.getInt());
  return std::nullopt;
}

template <typename T>
static std::vector<T> readList(Attribute attr) {
  std::vector<T> values;
  if (auto doubles = dyn_cast_or_null<DenseF64ArrayAttr>(attr))
    values.assign(doubles.asArrayRef().begin(), doubles.asArrayRef().end());
  else if (auto ints = dyn_cast_or_null<DenseI64ArrayAttr>(attr))
    values.assign(ints.asArrayRef().begin(), ints.asArrayRef().end());
  else if (auto array = dyn_cast_or_null<ArrayAttr>(attr))
    for (Attribute element : array)
      values.push_back(T(readNumber(element).value_or(0)));
  else if (auto number = readNumber(attr))
    values.push_back(T(*number));
  return values;
}

static std::string readString(Attribute attr) {
  auto text = dyn_cast_or_null<StringAttr>(attr);
  return text ? text.str() : std::string();
}

static int64_t product(const std::vector<int64_t> &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

static FailureOr<std::vector<ClientAffine>> readAffines(Operation *op, Attribute attr) {
  std::vector<ClientAffine> affines;
  if (!attr)
    return affines;
  auto steps = dyn_cast<ArrayAttr>(attr);
  if (!steps)
    return op->emitError("pre and post of fhe.client are lists");
  for (Attribute element : steps) {
    auto step = dyn_cast<DictionaryAttr>(element);
    if (!step || readString(step.get("op")) != "affine")
      return op->emitError("fhe.client has a step that is not affine: ") << element;
    ClientAffine affine{readList<double>(step.get("scale")), readList<double>(step.get("offset"))};
    if (affine.scale.empty())
      affine.scale = {1};
    if (affine.offset.empty())
      affine.offset = {0};
    affines.push_back(std::move(affine));
  }
  return affines;
}

static double at(const std::vector<double> &values, int64_t channel) {
  return values.size() == 1 ? values[0] : values[channel];
}

/// Rounding modes of QONNX (the specification's rounding_mode).
static double roundAs(double x, const std::string &mode) {
  if (mode == "CEIL")
    return std::ceil(x);
  if (mode == "FLOOR")
    return std::floor(x);
  if (mode == "UP")
    return x < 0 ? std::floor(x) : std::ceil(x);
  if (mode == "DOWN")
    return std::trunc(x);
  if (mode == "HALF_UP")
    return std::copysign(std::floor(std::fabs(x) + 0.5), x);
  if (mode == "HALF_DOWN")
    return std::copysign(std::ceil(std::fabs(x) - 0.5), x);
  return std::nearbyint(x);
}

int64_t ClientInput::elements() const { return product(shape); }
int64_t ClientOutput::elements() const { return product(shape); }

void ClientInput::quantize(const float *x, int64_t samples, int64_t *q) const {
  int64_t count = elements(), inner = shape.empty() ? 1 : count / std::max<int64_t>(shape[0], 1);
  for (int64_t i = 0; i != samples * count; ++i) {
    int64_t channel = inner ? (i % count) / inner : 0;
    double value = x[i];
    for (const ClientAffine &affine : pre)
      value = value * at(affine.scale, channel) + at(affine.offset, channel);
    if (bipolar) {
      q[i] = value >= 0 ? 1 : -1;
      continue;
    }
    // Callers refuse NaN, as the runtime's client does; here it would end at the lower bound.
    double clipped = std::min(double(max), std::max(double(min), value / scale + double(zeroPoint)));
    q[i] = int64_t(roundAs(clipped, rounding)) - zeroPoint;
  }
}

void ClientOutput::dequantize(const int64_t *q, int64_t samples, double *y) const {
  int64_t count = elements(), inner = 1;
  if (channelAxis)
    for (size_t d = size_t(*channelAxis) + 1; d < shape.size(); ++d)
      inner *= shape[d];
  int64_t channels = channelAxis ? shape[*channelAxis] : 1;
  for (int64_t i = 0; i != samples * count; ++i) {
    int64_t channel = (i % count) / inner % channels;
    y[i] = double(q[i]) * at(scale, channel) + at(offset, channel);
    for (const ClientAffine &affine : post)
      y[i] = y[i] * at(affine.scale, channel) + at(affine.offset, channel);
  }
}

/// Lists that go along an axis have one value or one a coordinate.
static LogicalResult checkList(Operation *op, const std::vector<double> &values, int64_t channels) {
  if (values.size() == 1 || int64_t(values.size()) == channels)
    return success();
  return op->emitError("fhe.client has a list of ")
         << values.size() << " values for " << channels << " channels";
}

FailureOr<std::vector<ClientInput>> readClientInputs(func::FuncOp main) {
  std::vector<ClientInput> inputs;
  for (unsigned i = 0; i != main.getNumArguments(); ++i) {
    auto client = main.getArgAttrOfType<DictionaryAttr>(i, "fhe.client");
    auto quantizer = client ? client.getAs<DictionaryAttr>("quantizer") : DictionaryAttr();
    if (!quantizer)
      return main.emitError("argument ") << i << " has no fhe.client with a quantizer";
    ClientInput input;
    input.name = readString(client.get("name"));
    input.shape = readList<int64_t>(client.get("shape"));
    FailureOr<std::vector<ClientAffine>> pre = readAffines(main, client.get("pre"));
    if (failed(pre))
      return failure();
    input.pre = *pre;
    input.bipolar = readString(quantizer.get("kind")) == "bipolar";
    input.min = int64_t(readNumber(quantizer.get("min")).value_or(0));
    input.max = int64_t(readNumber(quantizer.get("max")).value_or(0));
    input.zeroPoint = int64_t(readNumber(quantizer.get("zero_point")).value_or(0));
    input.scale = readNumber(quantizer.get("scale")).value_or(1);
    if (std::string rounding = readString(quantizer.get("rounding")); !rounding.empty())
      input.rounding = rounding;
    auto type = cast<RankedTensorType>(main.getArgumentTypes()[i]);
    if (input.elements() != type.getNumElements() || !(input.scale > 0) || input.min > input.max)
      return main.emitError("fhe.client of argument ") << i << " does not go with " << type;
    int64_t channels = input.shape.empty() ? 1 : input.shape[0];
    for (const ClientAffine &affine : input.pre)
      if (failed(checkList(main, affine.scale, channels)) ||
          failed(checkList(main, affine.offset, channels)))
        return failure();
    inputs.push_back(std::move(input));
  }
  return inputs;
}

FailureOr<std::vector<ClientOutput>> readClientOutputs(func::FuncOp main) {
  std::vector<ClientOutput> outputs;
  for (unsigned i = 0; i != main.getNumResults(); ++i) {
    auto client = main.getResultAttrOfType<DictionaryAttr>(i, "fhe.client");
    if (!client)
      return main.emitError("result ") << i << " has no fhe.client";
    ClientOutput output;
    output.name = readString(client.get("name"));
    output.shape = readList<int64_t>(client.get("shape"));
    output.scale = readList<double>(client.get("scale"));
    output.offset = readList<double>(client.get("offset"));
    if (output.scale.empty())
      output.scale = {1};
    if (output.offset.empty())
      output.offset = {0};
    if (auto axis = readNumber(client.get("channel_axis")))
      output.channelAxis = int64_t(*axis);
    FailureOr<std::vector<ClientAffine>> post = readAffines(main, client.get("post"));
    if (failed(post))
      return failure();
    output.post = *post;
    auto type = cast<RankedTensorType>(main.getResultTypes()[i]);
    if (output.elements() != type.getNumElements() ||
        (output.channelAxis &&
         (*output.channelAxis < 0 || *output.channelAxis >= int64_t(output.shape.size()))))
      return main.emitError("fhe.client of result ") << i << " does not go with " << type;
    int64_t channels = output.channelAxis ? output.shape[*output.channelAxis] : 1;
    if (failed(checkList(main, output.scale, channels)) ||
        failed(checkList(main, output.offset, channels)))
      return failure();
    for (const ClientAffine &affine : output.post)
      if (failed(checkList(main, affine.scale, channels)) ||
          failed(checkList(main, affine.offset, channels)))
        return failure();
    outputs.push_back(std::move(output));
  }
  return outputs;
}

} // namespace fhe
