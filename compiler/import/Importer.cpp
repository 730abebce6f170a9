//===- Importer.cpp - The walk over an ONNX graph -------------------------------===//
//
// Checks the graph's structure, makes the function's arguments, imports the
// nodes that the outputs need, in the order of the file. A node whose producer
// was refused is passed over, so one run reports every independent refusal.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Importer.h"
#include "compiler/import/IntegerTensors.h"
#include "compiler/import/Node.h"
#include "dialects/shared/NodeLocation.h"
#include "dialects/shared/Printable.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace mlir;

namespace fhe::import {

/// Operator sets whose operators were read (ONNX 1.2 to 1.20).
static constexpr int64_t kOldestOpset = 6, kNewestOpset = 25;
/// After so many refusals the rest is not looked at.
static constexpr unsigned kMaxRefusals = 20;
/// Inputs, and outputs, that a manifest may have.
static constexpr unsigned kMaxPorts = 4096;
/// Bytes of a name that messages and reports show.
static constexpr size_t kMaxShownName = 1000;

Importer::Importer(MLIRContext *context, StringRef path, onnx::ModelProto &model,
                   const ImportOptions &options)
    : builder(context), model(model), options(options),
      fileLoc(FileLineColLoc::get(context, path, 0, 0)), file(path),
      modelFolder(llvm::sys::path::parent_path(path)) {
  for (const onnx::NodeProto &node : graph().node())
    for (const std::string &name : node.input())
      used.insert(name);
}

const Tensor *Importer::find(StringRef name) const {
  auto it = tensors.find(name);
  return it == tensors.end() ? nullptr : &it->second;
}

Location Importer::nodeLocation(int index) {
  const onnx::NodeProto &node = graph().node(index);
  std::string name = printable(node.name(), kMaxShownName), op = printable(node.op_type(), kMaxShownName);
  if (name.empty())
    name = op + "_" + std::to_string(index + 1);
  std::string output = node.output_size() ? printable(node.output(0), kMaxShownName) : "";
  return makeNodeLocation(builder.getContext(), {name, op, output, file, unsigned(index) + 1});
}

//===-------------------------------------------------------------------------===//
// Structure
//===-------------------------------------------------------------------------===//

LogicalResult Importer::checkModel() {
  if (model.functions_size())
    return refuse(fileLoc, diag::ControlFlow,
                  "the model defines local functions (first '" + model.functions(0).name() +
                      "'), which are not supported",
                  {"help: inline the functions before the export"});
  if (graph().sparse_initializer_size())
    return refuse(fileLoc, diag::BadTensorData, "sparse initializers are not supported");
  bool found = false;
  for (const onnx::OperatorSetIdProto &set : model.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") {
      onnxOpset = set.version();
      found = true;
    }
  if (!found)
    return refuse(fileLoc, diag::UnknownVersion,
                  "the model names no operator set of ONNX (opset_import)");
  if (onnxOpset < kOldestOpset || onnxOpset > kNewestOpset)
    return refuse(fileLoc, diag::UnknownVersion,
                  "operator set " + llvm::Twine(onnxOpset) + " is not supported; sets " +
                      llvm::Twine(kOldestOpset) + " to " + llvm::Twine(kNewestOpset) + " are",
                  {"help: export with opset_version=13"});
  return checkNames();
}

LogicalResult Importer::checkNames() {
  unsigned refusals = 0;
  auto report = [&](Location loc, const llvm::Twine &message) {
    ++refusals;
    (void)refuse(loc, diag::BrokenGraph, message);
    return refusals < kMaxRefusals;
  };
  llvm::StringSet<> inputs, outputs, defined, produced;
  size_t encrypted = 0; // older files list initializers among the inputs
  for (onnx::TensorProto &tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name().empty() && !report(fileLoc, "an initializer has no name"))
      return failure();
    if (!initializers.insert({tensor.name(), &tensor}).second &&
        !report(fileLoc, "two initializers are named '" + tensor.name() + "'"))
      return failure();
    defined.insert(tensor.name());
  }
  for (const onnx::ValueInfoProto &input : graph().input()) {
    if (input.name().empty() && !report(fileLoc, "an input has no name"))
      return failure();
    if (!inputs.insert(input.name()).second &&
        !report(fileLoc, "two inputs are named '" + input.name() + "'"))
      return failure();
    encrypted += !initializers.contains(input.name());
    defined.insert(input.name());
  }
  for (const onnx::NodeProto &node : graph().node())
    for (const std::string &name : node.output())
      produced.insert(name);
  for (int i = 0, e = graph().node_size(); i != e; ++i) {
    for (const std::string &name : graph().node(i).input())
      if (!name.empty() && !defined.contains(name)) {
        bool later = produced.contains(name);
        if (!report(nodeLocation(i),
                    later ? "takes '" + name +
                                "' before a node gives it: the nodes form a cycle or are not sorted"
                          : "takes '" + name + "', which nothing in the file gives"))
          return failure();
      }
    for (const std::string &name : graph().node(i).output())
      if (!name.empty() && !defined.insert(name).second &&
          !report(nodeLocation(i), "gives '" + name + "', a name that is already taken"))
        return failure();
  }
  for (const onnx::ValueInfoProto &output : graph().output()) {
    if (!defined.contains(output.name()) &&
        !report(fileLoc, "output '" + output.name() + "' is given by no node"))
      return failure();
    if (!outputs.insert(output.name()).second &&
        !report(fileLoc, "two outputs are named '" + output.name() + "'"))
      return failure();
  }
  for (auto [what, count] : {std::pair("inputs", encrypted), {"outputs", outputs.size()}})
    if (count > kMaxPorts)
      report(fileLoc, "the network has " + llvm::Twine(count) + " " + what + "; at most " +
                          llvm::Twine(kMaxPorts) + " are supported");
  if (!graph().output_size())
    report(fileLoc, "the network has no output");
  return failure(refusals != 0);
}

void Importer::markLive() {
  live.assign(graph().node_size(), false);
  for (const onnx::ValueInfoProto &output : graph().output())
    ++usesLeft[output.name()];
  for (int i = graph().node_size(); i-- > 0;) {
    const onnx::NodeProto &node = graph().node(i);
    live[i] = llvm::any_of(node.output(), [&](const std::string &name) {
      return !name.empty() && usesLeft.contains(name);
    });
    if (live[i])
      for (const std::string &name : node.input())
        ++usesLeft[name];
  }
}

//===-------------------------------------------------------------------------===//
// Nodes and outputs
//===-------------------------------------------------------------------------===//

void Importer::loadInitializer(StringRef name, const std::string &user) {
  auto it = initializers.find(name);
  if (it == initializers.end() || tensors.contains(name) || refusedInitializers.contains(name))
    return;
  Constant constant = decodeTensor(
      *it->second, ("initializer '" + name + "'").str(), modelFolder,
      [&](const char *id, const llvm::Twine &message) {
        SmallVector<std::string> notes{"used by " + user};
        if (StringRef(id) == diag::ExternalData)
          notes.push_back("help: put the data file that the export wrote into the folder "
                          "of the model, complete and not as a link, or export again with "
                          "the weights inside the model");
        (void)refuse(fileLoc, id, message, notes);
      });
  onnx::TensorProto().Swap(it->second); // its bytes are not needed again
  if (constant)
    define(name, Tensor{constant, {}, nullptr, true});
  else
    refusedInitializers.insert(name);
}

LogicalResult Importer::loadInitializers(const onnx::NodeProto &node) {
  std::string user = node.name().empty() ? node.op_type() : node.name();
  for (const std::string &name : node.input())
    loadInitializer(name, "node '" + user + "' (" + node.op_type() + ")");
  return success(llvm::none_of(
      node.input(), [&](const std::string &name) { return refusedInitializers.contains(name); }));
}

/// Drops the constants that no later node takes: they would double the memory of large networks.
void Importer::releaseInputs(const onnx::NodeProto &node) {
  for (const std::string &name : node.input())
    if (--usesLeft[name] == 0)
      if (auto it = tensors.find(name); it != tensors.end() && it->second.constant)
        tensors.erase(it);
}

/// A network without any quantizer is a float network: say so once, in place of one refusal a
/// layer.
static LogicalResult refuseFloatNetwork(Location loc) {
  return refuse(
      loc, diag::NoQuantizers,
      "the network is not quantized: it has no quantizer (Quant or QuantizeLinear)",
      {"help: fhe-compile MODEL.onnx --calibration F.npy --weight-bits 4 --activation-bits 4 chooses "
       "quantizers from inputs as the network will see them",
       "help: or train with quantizers (Brevitas QuantIdentity, QuantLinear, QuantConv2d, QuantReLU) "
       "and export with export_qonnx"});
}

LogicalResult Importer::importNodes() {
  unsigned refusals = 0;
  bool quantized = false, incomplete = false;
  for (int i = 0, e = graph().node_size(); i != e; ++i)
    quantized |= live[i] && isQuantizerOperator(graph().node(i));
  if (!quantized && !options.floatNetwork && !options.wholeTensors) {
    (void)refuseFloatNetwork(fileLoc);
    ++refusals;
  }
  for (int i = 0, e = graph().node_size(); i != e && refusals < kMaxRefusals; ++i) {
    const onnx::NodeProto &proto = graph().node(i);
    if (!live[i])
      continue;
    Node node(*this, proto, nodeLocation(i));
    // An unknown operator is named even where its inputs could not be imported.
    if (failed(loadInitializers(proto)) || llvm::any_of(proto.input(), [&](const auto &name) {
          return !name.empty() && !tensors.contains(name);
        })) {
      incomplete = true;
      refusals += failed(findOperator(node));
    } else if (failed(importNode(node))) {
      for (const std::string &name : proto.output())
        tensors.erase(name);
      ++refusals;
    }
    releaseInputs(proto);
  }
  return failure(refusals != 0 || incomplete);
}

/// Refuses a declared output shape that the nodes do not give.
static LogicalResult checkOutputShape(Location loc, const onnx::ValueInfoProto &output,
                                      ArrayRef<int64_t> sample, int batchDims) {
  if (!output.type().tensor_type().has_shape())
    return success();
  const onnx::TensorShapeProto &shape = output.type().tensor_type().shape();
  bool same = shape.dim_size() == int(sample.size()) + batchDims;
  for (size_t d = 0; same && d != sample.size(); ++d) {
    const auto &dim = shape.dim(int(d) + batchDims);
    same = !dim.has_dim_value() || dim.dim_value() == sample[d];
  }
  if (same)
    return success();
  return refuse(loc, diag::BadInterface,
                "output '" + output.name() +
                    "' is declared with another shape than its nodes "
                    "give, " +
                    describeShape(sample) + (batchDims ? " (without batch)" : ""));
}

FailureOr<Value> Importer::wholeOutput(StringRef name) {
  loadInitializer(name, "the network's outputs");
  const Tensor *tensor = find(name);
  if (!tensor || (!tensor->value && !tensor->constant))
    return Value();
  if (tensor->value)
    return tensor->value;
  onnx::NodeProto proto;
  proto.add_input(name.str());
  return Node(*this, proto, fileLoc).realValue(*tensor->constant, "output '" + name.str() + "'");
}

LogicalResult Importer::importOutputs() {
  SmallVector<Value> values;
  for (const onnx::ValueInfoProto &output : graph().output()) {
    const Tensor *tensor = find(output.name());
    FailureOr<Value> whole = options.wholeTensors ? wholeOutput(output.name()) : Value();
    if (failed(whole))
      return failure();
    if (*whole) {
      if (failed(checkOutputShape(fileLoc, output, shapeOf(*whole), 0)))
        return failure();
      values.push_back(*whole);
      continue;
    }
    if (!tensor || !tensor->isEncrypted())
      return refuse(fileLoc, diag::BadInterface,
                    "output '" + output.name() + "' is not computed from the inputs");
    Value value = tensor->value;
    if (tensor->pending) {
      onnx::NodeProto proto;
      Node node(*this, proto, tensor->pending->producer);
      FailureOr<Value> integers = storedIntegers(node, *tensor->pending);
      if (failed(integers))
        return failure();
      value = *integers;
    }
    if (failed(checkOutputShape(fileLoc, output, shapeOf(value), 1)))
      return failure();
    values.push_back(value);
  }
  func::ReturnOp::create(builder, fileLoc, values);
  Block &body = function.getBody().front();
  function.setType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(values).getTypes()));
  // All at once: each call leaves another list of all names in the context.
  auto named = [&](StringRef name) {
    return builder.getDictionaryAttr(
        builder.getNamedAttr("qnn.name", builder.getStringAttr(name)));
  };
  SmallVector<DictionaryAttr> argumentNames, resultNames;
  for (const auto &argument : arguments)
    argumentNames.push_back(named(argument.first));
  for (const onnx::ValueInfoProto &output : graph().output())
    resultNames.push_back(named(output.name()));
  function.setAllArgAttrs(argumentNames);
  function.setAllResultAttrs(resultNames);
  return success();
}

OwningOpRef<ModuleOp> Importer::run() {
  if (failed(checkModel()))
    return nullptr;
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, fileLoc);
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, fileLoc, "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  markLive();
  bool good = succeeded(importInputs());
  good = good && succeeded(declareInputs());
  good = succeeded(importNodes()) && good;
  if (!good || failed(importOutputs()))
    return nullptr;
  return module;
}

} // namespace fhe::import
