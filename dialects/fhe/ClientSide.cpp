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

static std::vector<uint64_t> unsignedShape(ArrayRef<int64_t> shape) {
  return {shape.begin(), shape.end()};
}

static int64_t product(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

static runtime::Affine readAffine(DictionaryAttr step) {
  runtime::Affine affine{readList<double>(step.get("scale")), readList<double>(step.get("offset"))};
  if (affine.scale.empty())
    affine.scale = {1};
  if (affine.offset.empty())
    affine.offset = {0};
  return affine;
}

static uint64_t readCount(DictionaryAttr step, StringRef name) {
  return uint64_t(std::max(readNumber(step.get(name)).value_or(0), 0.0));
}

static bool readFlag(DictionaryAttr step, StringRef name) {
  return step.get(name) && readNumber(step.get(name)).value_or(1) != 0;
}

static std::optional<runtime::PreOp> readStep(DictionaryAttr step, runtime::PreOp) {
  std::string name = readString(step.get("op"));
  if (name != "affine" && name != "one_hot")
    return std::nullopt;
  runtime::PreOp op;
  op.kind = name == "affine" ? runtime::PreOp::affine : runtime::PreOp::oneHot;
  op.numbers = readAffine(step);
  op.classes = readCount(step, "classes");
  return op;
}

static std::optional<runtime::PostOp> readStep(DictionaryAttr step, runtime::PostOp) {
  using runtime::PostOp;
  auto names = ArrayRef(runtime::postOpNames);
  const auto *kind = llvm::find(names, readString(step.get("op")));
  if (kind == names.end())
    return std::nullopt;
  PostOp op;
  op.kind = PostOp::Kind(kind - names.begin());
  op.numbers = readAffine(step);
  op.axis = readCount(step, "axis");
  op.keepDims = readFlag(step, "keepdims");
  op.selectLast = readFlag(step, "select_last_index");
  op.k = readCount(step, "k");
  op.indices = readString(step.get("output")) == "indices";
  op.shape = unsignedShape(readList<int64_t>(step.get("shape")));
  if (op.kind != PostOp::function)
    return op;
  auto function = runtime::postFunctionNamed(readString(step.get("name")));
  if (!function)
    return std::nullopt;
  op.applied = *function;
  op.alpha = readNumber(step.get("alpha")).value_or(0);
  op.beta = readNumber(step.get("beta")).value_or(0);
  return op;
}

/// Reads the list of steps `attr` and takes `shape` through them.
template <typename Step>
static FailureOr<std::vector<Step>> readSteps(Operation *op, Attribute attr,
                                              std::vector<uint64_t> &shape) {
  std::vector<Step> steps;
  if (!attr)
    return steps;
  auto list = dyn_cast<ArrayAttr>(attr);
  if (!list)
    return op->emitError("pre and post of fhe.client are lists");
  for (Attribute element : list) {
    auto dictionary = dyn_cast<DictionaryAttr>(element);
    std::optional<Step> step = dictionary ? readStep(dictionary, Step()) : std::nullopt;
    if (!step)
      return op->emitError("fhe.client has a step that is not known: ") << element;
    if (std::string problem = applyToShape(*step, shape); !problem.empty())
      return op->emitError("fhe.client has a step that does not fit: ") << problem;
    steps.push_back(std::move(*step));
  }
  return steps;
}

std::vector<int64_t> resultShapeOf(DictionaryAttr client) {
  std::vector<uint64_t> shape = unsignedShape(readList<int64_t>(client.get("shape")));
  if (auto list = client.getAs<ArrayAttr>("post"))
    for (Attribute element : list)
      if (auto step = dyn_cast<DictionaryAttr>(element))
        if (std::optional<runtime::PostOp> op = readStep(step, runtime::PostOp()))
          (void)applyToShape(*op, shape);
  return {shape.begin(), shape.end()};
}

Attribute realArray(Builder &b, ArrayRef<double> values) {
  SmallVector<Attribute> out;
  for (double value : values)
    out.push_back(b.getF64FloatAttr(value));
  return b.getArrayAttr(out);
}

DictionaryAttr describeStep(Builder &b, const runtime::PreOp &op) {
  SmallVector<NamedAttribute> entries;
  auto add = [&](StringRef name, Attribute value) { entries.push_back(b.getNamedAttr(name, value)); };
  add("op", b.getStringAttr(op.kind == runtime::PreOp::affine ? "affine" : "one_hot"));
  if (op.kind == runtime::PreOp::affine) {
    add("scale", realArray(b, op.numbers.scale));
    add("offset", realArray(b, op.numbers.offset));
  } else {
    add("classes", b.getI64IntegerAttr(int64_t(op.classes)));
  }
  return b.getDictionaryAttr(entries);
}

DictionaryAttr describeStep(Builder &b, const runtime::PostOp &op) {
  using runtime::PostOp;
  SmallVector<NamedAttribute> entries;
  auto add = [&](StringRef name, Attribute value) { entries.push_back(b.getNamedAttr(name, value)); };
  add("op", b.getStringAttr(runtime::postOpNames[op.kind]));
  switch (op.kind) {
  case PostOp::affine:
    add("scale", realArray(b, op.numbers.scale));
    add("offset", realArray(b, op.numbers.offset));
    break;
  case PostOp::bipolar:
    add("scale", b.getF64FloatAttr(op.numbers.scale[0]));
    break;
  case PostOp::function:
    add("name", b.getStringAttr(runtime::nameOf(op.applied)));
    add("alpha", b.getF64FloatAttr(op.alpha));
    add("beta", b.getF64FloatAttr(op.beta));
    break;
  case PostOp::topk:
    add("k", b.getI64IntegerAttr(int64_t(op.k)));
    add("output", b.getStringAttr(op.indices ? "indices" : "values"));
    break;
  case PostOp::argmax:
    add("keepdims", b.getBoolAttr(op.keepDims));
    add("select_last_index", b.getBoolAttr(op.selectLast));
    break;
  case PostOp::reshape:
    add("shape", b.getDenseI64ArrayAttr(SmallVector<int64_t>(op.shape.begin(), op.shape.end())));
    break;
  case PostOp::hardmax:
  case PostOp::softmax:
  case PostOp::logSoftmax:
    break;
  }
  if (runtime::hasAxis(op.kind))
    add("axis", b.getI64IntegerAttr(int64_t(op.axis)));
  return b.getDictionaryAttr(entries);
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

int64_t ClientInput::integers() const {
  std::vector<uint64_t> behind = unsignedShape(shape);
  for (const runtime::PreOp &step : pre)
    (void)applyToShape(step, behind);
  return std::accumulate(behind.begin(), behind.end(), int64_t(1), std::multiplies<>());
}

std::string ClientInput::quantize(const float *x, int64_t samples, int64_t *q) const {
  int64_t count = elements();
  std::vector<double> values;
  for (int64_t s = 0; s != samples; ++s, x += count) {
    values.assign(x, x + count);
    std::vector<uint64_t> behind = unsignedShape(shape);
    for (const runtime::PreOp &step : pre)
      if (std::string problem = applyPre(step, behind, values); !problem.empty())
        return "input '" + name + "': sample " + std::to_string(s) + ", " + problem;
    for (double value : values) {
      if (bipolar) {
        *q++ = value >= 0 ? 1 : -1;
        continue;
      }
      // Callers refuse NaN, as the runtime's client does; here it would end at the lower bound.
      double clipped =
          std::min(double(max), std::max(double(min), value / scale + double(zeroPoint)));
      *q++ = int64_t(roundAs(clipped, rounding)) - zeroPoint;
    }
  }
  return {};
}

int64_t ClientOutput::elements() const { return product(shape); }

std::vector<int64_t> ClientOutput::resultShape() const {
  std::vector<uint64_t> behind = unsignedShape(shape);
  for (const runtime::PostOp &step : post)
    (void)applyToShape(step, behind);
  return {behind.begin(), behind.end()};
}

int64_t ClientOutput::resultElements() const { return product(resultShape()); }

void ClientOutput::dequantize(const int64_t *q, int64_t samples, double *y) const {
  int64_t count = elements(), inner = 1;
  if (channelAxis)
    for (size_t d = size_t(*channelAxis) + 1; d < shape.size(); ++d)
      inner *= shape[d];
  int64_t channels = channelAxis ? shape[*channelAxis] : 1;
  std::vector<double> values;
  for (int64_t s = 0; s != samples; ++s, q += count) {
    values.resize(count);
    for (int64_t e = 0; e != count; ++e) {
      int64_t channel = e / inner % channels;
      values[e] = double(q[e]) * at(scale, channel) + at(offset, channel);
    }
    std::vector<uint64_t> behind = unsignedShape(shape);
    for (const runtime::PostOp &step : post)
      applyPost(step, behind, values);
    y = std::copy(values.begin(), values.end(), y);
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
    std::vector<uint64_t> behind = unsignedShape(input.shape);
    auto pre = readSteps<runtime::PreOp>(main, client.get("pre"), behind);
    if (failed(pre))
      return failure();
    input.pre = std::move(*pre);
    input.bipolar = readString(quantizer.get("kind")) == "bipolar";
    input.min = int64_t(readNumber(quantizer.get("min")).value_or(0));
    input.max = int64_t(readNumber(quantizer.get("max")).value_or(0));
    input.zeroPoint = int64_t(readNumber(quantizer.get("zero_point")).value_or(0));
    input.scale = readNumber(quantizer.get("scale")).value_or(1);
    if (std::string rounding = readString(quantizer.get("rounding")); !rounding.empty())
      input.rounding = rounding;
    auto type = cast<RankedTensorType>(main.getArgumentTypes()[i]);
    if (input.integers() != type.getNumElements() || !(input.scale > 0) || input.min > input.max)
      return main.emitError("fhe.client of argument ") << i << " does not go with " << type;
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
    std::vector<uint64_t> behind = unsignedShape(output.shape);
    auto post = readSteps<runtime::PostOp>(main, client.get("post"), behind);
    if (failed(post))
      return failure();
    output.post = std::move(*post);
    auto type = cast<RankedTensorType>(main.getResultTypes()[i]);
    if (output.elements() != type.getNumElements() ||
        (output.channelAxis &&
         (*output.channelAxis < 0 || *output.channelAxis >= int64_t(output.shape.size()))))
      return main.emitError("fhe.client of result ") << i << " does not go with " << type;
    int64_t channels = output.channelAxis ? output.shape[*output.channelAxis] : 1;
    if (failed(checkList(main, output.scale, channels)) ||
        failed(checkList(main, output.offset, channels)))
      return failure();
    outputs.push_back(std::move(output));
  }
  return outputs;
}

} // namespace fhe
