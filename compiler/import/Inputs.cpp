//===- Inputs.cpp - The inputs of a network ---------------------------------------===//
//
// Their types and shapes, and what --input-bits declares of them.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Importer.h"
#include "compiler/import/Node.h"
#include <cmath>

using namespace mlir;

namespace fhe::import {

/// Types whose values wholeTensors takes as f32.
static bool isNumeric(int dataType) {
  using onnx::TensorProto;
  return integerRange(dataType) || dataType == TensorProto::FLOAT ||
         dataType == TensorProto::DOUBLE || dataType == TensorProto::FLOAT16 ||
         dataType == TensorProto::BFLOAT16 || dataType == TensorProto::BOOL ||
         dataType == TensorProto::INT64 || dataType == TensorProto::UINT64;
}

LogicalResult Importer::readWholeShape(const onnx::ValueInfoProto &input,
                                       SmallVectorImpl<int64_t> &sample) {
  std::string what = "input '" + input.name() + "'";
  const onnx::TypeProto::Tensor &type = input.type().tensor_type();
  if (!isNumeric(type.elem_type()))
    return refuse(fileLoc, diag::BadInterface,
                  what + " holds " + dataTypeName(type.elem_type()) + " values");
  for (const auto &dim : type.shape().dim()) {
    if (!dim.has_dim_value())
      return refuse(fileLoc, diag::BadInterface, what + " has a symbolic size");
    sample.push_back(dim.dim_value());
  }
  if (countElements(sample) < 1)
    return refuse(fileLoc, diag::TooLarge,
                  what + " has shape " + describeShape(sample) + "; 1 to " +
                      llvm::Twine(kMaxElements) + " elements are supported");
  return success();
}

/// Integers that a quantized network takes as they are.
static bool isStoredInteger(int dataType) {
  auto range = integerRange(dataType);
  return range && range->second <= UINT16_MAX;
}

static bool isClassNumber(int dataType) {
  return dataType == onnx::TensorProto::INT64 || dataType == onnx::TensorProto::INT32;
}

/// Whether every node that takes `name` makes a one-hot encoding of it.
bool Importer::isEncodedOnly(StringRef name) const {
  bool encoded = false;
  for (const onnx::NodeProto &node : graph().node())
    for (int i = 0; i != node.input_size(); ++i) {
      if (node.input(i) != name)
        continue;
      if (!(node.op_type() == "OneHot" && i == 0) && !(node.op_type() == "Gather" && i == 1))
        return false;
      encoded = true;
    }
  return encoded;
}

LogicalResult Importer::readShape(const onnx::ValueInfoProto &input,
                                  SmallVectorImpl<int64_t> &sample) {
  std::string what = "input '" + input.name() + "'";
  if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape())
    return refuse(fileLoc, diag::BadInterface, what + " has no tensor shape");
  const onnx::TypeProto::Tensor &type = input.type().tensor_type();
  if (options.wholeTensors)
    return readWholeShape(input, sample);
  if (type.elem_type() != onnx::TensorProto::FLOAT && !isStoredInteger(type.elem_type()) &&
      !(isClassNumber(type.elem_type()) && isEncodedOnly(input.name())))
    return refuse(fileLoc, diag::BadInterface,
                  what + " holds " + dataTypeName(type.elem_type()) +
                      " values; inputs must be FLOAT, or INT8, UINT8, INT16 or UINT16 for quantized "
                      "operators",
                  {"help: let the client convert to float before the network; class numbers (INT32, "
                   "INT64) may only go into OneHot, or choose rows in a Gather (embedding)"});
  if (!type.shape().dim_size())
    return refuse(fileLoc, diag::BadInterface, what + " has no batch dimension");
  for (auto [d, dim] : llvm::enumerate(type.shape().dim())) {
    bool symbolic = !dim.has_dim_value();
    std::string name = dim.dim_param().empty() ? "?" : dim.dim_param();
    if (d == 0 && !symbolic && dim.dim_value() != 1)
      return refuse(fileLoc, diag::BadInterface,
                    what + " has the fixed batch size " + llvm::Twine(dim.dim_value()) +
                        "; 1 or a symbolic size is supported",
                    {"help: export with a batch of one sample, or with dynamic_axes={'" +
                     input.name() + "': {0: 'batch'}}"});
    if (d == 0) {
      symbolicBatch |= symbolic;
      continue;
    }
    if (symbolic)
      return refuse(fileLoc, diag::BadInterface,
                    what + " has the symbolic size '" + name + "' in dimension " +
                        llvm::Twine(int64_t(d)) + "; only the batch (dimension 0) may be symbolic",
                    {"help: export with a fixed size in dimension " + std::to_string(d)});
    sample.push_back(dim.dim_value());
  }
  if (countElements(sample) < 1)
    return refuse(fileLoc, diag::TooLarge,
                  what + " has shape " + describeShape(sample) + " (without batch); 1 to " +
                      llvm::Twine(kMaxElements) + " elements are supported");
  return success();
}

LogicalResult Importer::importInput(const onnx::ValueInfoProto &input) {
  SmallVector<int64_t> sample;
  if (failed(readShape(input, sample)))
    return failure();
  auto type = RankedTensorType::get(sample, builder.getF32Type());
  BlockArgument argument = function.getBody().front().addArgument(type, fileLoc);
  arguments.push_back({input.name(), argument});
  Tensor tensor{nullptr, argument, nullptr, false};
  int dataType = input.type().tensor_type().elem_type();
  if (isStoredInteger(dataType) && !options.wholeTensors) {
    auto pending = std::make_shared<PendingQuantizer>(fileLoc);
    pending->input = argument;
    pending->isInput = true;
    pending->dataType = dataType;
    std::tie(pending->lo, pending->hi) = *integerRange(dataType);
    define(input.name(), Tensor{nullptr, {}, pending, false});
    return success();
  }
  tensor.integral = integerRange(dataType) || dataType == onnx::TensorProto::INT64 ||
                    dataType == onnx::TensorProto::UINT64;
  define(input.name(), tensor);
  return success();
}

LogicalResult Importer::importInputs() {
  bool good = true;
  for (const onnx::ValueInfoProto &input : graph().input())
    if (!initializers.contains(input.name()))
      good &= succeeded(importInput(input));
  if (good && arguments.empty() && !options.wholeTensors)
    return refuse(fileLoc, diag::BadInterface, "the network has no input");
  return failure(!good);
}

LogicalResult Importer::checkDirectQuantizer(StringRef name) {
  for (int i = 0, e = graph().node_size(); i != e; ++i) {
    const onnx::NodeProto &node = graph().node(i);
    if (live[i] && isQuantizerOperator(node) && node.input_size() && node.input(0) == name)
      return refuse(nodeLocation(i), diag::DeclaredInput,
                    "input '" + name + "' has this quantizer, and --input-bits declares another",
                    {"help: leave out --input-bits and --input-range"});
  }
  return success();
}

LogicalResult Importer::declareInput(const DeclaredInput &declared, StringRef name,
                                     BlockArgument argument) {
  float lo = float(declared.lo), hi = float(declared.hi);
  if (declared.bits < 1 || declared.bits > 16)
    return refuse(fileLoc, diag::DeclaredInput,
                  "--input-bits must be from 1 to 16, found " + llvm::Twine(declared.bits));
  if (!std::isfinite(lo) || !std::isfinite(hi) || !(lo < hi))
    return refuse(fileLoc, diag::DeclaredInput,
                  "--input-range must be LO:HI with LO below HI, found " +
                      std::to_string(declared.lo) + ":" + std::to_string(declared.hi));
  if (failed(checkDirectQuantizer(name)))
    return failure();
  if (find(name)->pending)
    return refuse(fileLoc, diag::DeclaredInput,
                  "input '" + name + "' holds " + dataTypeName(find(name)->pending->dataType) +
                      " values, which need no declaration",
                  {"help: leave out --input-bits and --input-range"});
  int64_t top = (int64_t(1) << declared.bits) - 1;
  auto real = cast<RankedTensorType>(argument.getType());
  auto scalar = RankedTensorType::get({}, builder.getF32Type());
  auto quantized = quant::UniformQuantizedType::get(
      0, builder.getIntegerType(declared.bits), builder.getF32Type(),
      (double(hi) - double(lo)) / double(top), 0, 0, top);
  auto constant = [&](float value) {
    return qnn::ConstantOp::create(builder, fileLoc, scalar, DenseElementsAttr::get(scalar, value));
  };
  // The offset goes exactly into the next clear bias: q is unsigned with zero point 0.
  Value shifted = qnn::AddOp::create(builder, fileLoc, real, argument, constant(-lo));
  Value q = qnn::QuantizeOp::create(builder, fileLoc, real.clone(quantized), shifted,
                                    qnn::QuantizerKind::Uniform, qnn::Rounding::Round);
  Value value = qnn::AddOp::create(builder, fileLoc, real, q, constant(lo));
  define(name, Tensor{nullptr, value, nullptr, false});
  return success();
}

LogicalResult Importer::declareInputs() {
  llvm::StringSet<> done;
  for (const DeclaredInput &declared : options.declaredInputs) {
    auto it = llvm::find_if(arguments, [&](const auto &argument) {
      return declared.name.empty() || argument.first == declared.name;
    });
    std::string names;
    for (const auto &argument : arguments)
      names += (names.empty() ? "'" : ", '") + argument.first + "'";
    if (it == arguments.end() || (declared.name.empty() && arguments.size() != 1))
      return refuse(fileLoc, diag::DeclaredInput,
                    declared.name.empty()
                        ? "--input-bits without a name needs a network with one input"
                        : "--input-bits names '" + declared.name + "', which is no input",
                    {"the inputs are " + names});
    if (!done.insert(it->first).second)
      return refuse(fileLoc, diag::DeclaredInput,
                    "--input-bits declares input '" + it->first + "' twice");
    if (failed(declareInput(declared, it->first, it->second)))
      return failure();
  }
  return success();
}

} // namespace fhe::import
