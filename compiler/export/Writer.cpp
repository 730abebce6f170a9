//===- Writer.cpp - The ONNX graph that is being written ------------------------------===//
#include "compiler/export/Writer.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/DiagnosticIds.h"
#include "dialects/shared/NodeLocation.h"
#include "mlir/Pass/PassManager.h"
#include "passes/qnn/Passes.h"
#include "llvm/Support/Endian.h"

using namespace mlir;
using onnx::TensorProto;

namespace fhe::onnx_export {

InFlightDiagnostic refuse(Operation *op, const Writer &writer, const Twine &message) {
  bool qcdq = writer.format() == OnnxFormat::Qcdq;
  InFlightDiagnostic error = op->emitError(message) << (qcdq ? " in QCDQ" : " in QONNX")
                                                    << diag::tag(diag::NotExportable);
  if (qcdq)
    error.attachNote() << "help: --emit=qonnx";
  return error;
}

Writer::Writer(func::FuncOp function, OnnxFormat format)
    : function(function), fileFormat(format), onnxOpset(neededOpset(function, format)),
      graph(*model.mutable_graph()) {
  graph.set_name("main");
}

//===------------------------------------------------------------------------------===//
// Names, nodes, constants
//===------------------------------------------------------------------------------===//

std::string Writer::fresh(StringRef base) {
  std::string name = base.str();
  for (int i = 1; !taken.insert(name).second; ++i)
    name = base.str() + "_" + std::to_string(i);
  return name;
}

static void setAttribute(onnx::NodeProto &node, const Attribute &attribute) {
  onnx::AttributeProto &proto = *node.add_attribute();
  proto.set_name(attribute.name);
  if (auto *integer = std::get_if<int64_t>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(*integer);
  } else if (auto *real = std::get_if<float>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(*real);
  } else if (auto *list = std::get_if<Integers>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::INTS);
    for (int64_t i : *list)
      proto.add_ints(i);
  } else {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(std::get<std::string>(attribute.value));
  }
}

std::string Writer::node(const char *op, const Strings &inputs, const std::vector<Attribute> &attributes,
                         const char *domain, int outputs) {
  onnx::NodeProto &proto = *graph.add_node();
  proto.set_op_type(op);
  proto.set_name(fresh(nodeBase));
  if (*domain)
    proto.set_domain(domain);
  usesQonnx |= *domain != 0;
  for (const std::string &input : inputs)
    proto.add_input(input);
  for (const Attribute &attribute : attributes)
    setAttribute(proto, attribute);
  for (int i = 0; i != outputs; ++i)
    proto.add_output(fresh(outputBase));
  return proto.output(outputs - 1);
}

/// Adds `tensor` to the initializers, unless one like it is there, and gives its name.
static std::string addTensor(onnx::GraphProto &graph, llvm::StringMap<std::string> &known,
                             TensorProto tensor, llvm::function_ref<std::string()> makeName) {
  auto [entry, added] = known.try_emplace(tensor.SerializeAsString());
  if (added) {
    entry->second = makeName();
    tensor.set_name(entry->second);
    *graph.add_initializer() = std::move(tensor);
  }
  return entry->second;
}

/// A tensor of a data type and shape, its values as little-endian bytes.
template <typename T, typename List>
static TensorProto makeTensor(int dataType, const Integers &shape, const List &values) {
  TensorProto tensor;
  tensor.set_data_type(dataType);
  for (int64_t d : shape)
    tensor.add_dims(d);
  std::string bytes(values.size() * sizeof(T), '\0');
  char *at = bytes.data();
  for (auto value : values) {
    T number = T(value);
    std::memcpy(at, &number, sizeof(T)); // hosts are little-endian
    at += sizeof(T);
  }
  tensor.set_raw_data(std::move(bytes));
  return tensor;
}

std::string Writer::reals(const std::vector<float> &values, const Integers &shape) {
  return addTensor(graph, constantNames, makeTensor<float>(TensorProto::FLOAT, shape, values),
                   [&] { return fresh("constant"); });
}

std::string Writer::integers(const Integers &values) {
  return addTensor(graph, constantNames,
                   makeTensor<int64_t>(TensorProto::INT64, {int64_t(values.size())}, values),
                   [&] { return fresh("integers"); });
}

std::string Writer::stored(const Integers &values, const Integers &shape, int dataType) {
  TensorProto tensor;
  switch (dataType) {
  case TensorProto::INT8:
  case TensorProto::UINT8:
    tensor = makeTensor<uint8_t>(dataType, shape, values);
    break;
  case TensorProto::INT16:
  case TensorProto::UINT16:
    tensor = makeTensor<uint16_t>(dataType, shape, values);
    break;
  default:
    tensor = makeTensor<uint32_t>(dataType, shape, values);
  }
  return addTensor(graph, constantNames, std::move(tensor), [&] { return fresh("stored"); });
}

std::string Writer::reshape(const std::string &tensor, ArrayRef<int64_t> shape) {
  Integers to{0}; // the batch stays
  to.insert(to.end(), shape.begin(), shape.end());
  return node("Reshape", {tensor, integers(to)});
}

FailureOr<std::string> Writer::operand(Value value) {
  auto known = names.find(value);
  if (known != names.end())
    return known->second;
  auto constant = value.getDefiningOp<qnn::ConstantOp>();
  if (!constant)
    return emitError(value.getLoc(), "internal error: a value is read before it is written");
  FailureOr<std::string> name;
  if (constant.getType().getElementType().isF32()) {
    ArrayRef<int64_t> shape = qnn::shapeOf(value);
    name = reals(qnn::clearReals(constant), Integers(shape.begin(), shape.end()));
  } else {
    name = writeQuantizedConstant(*this, constant);
  }
  if (succeeded(name))
    names[value] = *name;
  return name;
}

FailureOr<std::string> Writer::operand(Value value, size_t rank) {
  FailureOr<std::string> name = operand(value);
  size_t own = qnn::shapeOf(value).size();
  if (failed(name) || own == rank || qnn::clearConstant(value))
    return name;
  SmallVector<int64_t> shape(rank - own, 1);
  llvm::append_range(shape, qnn::shapeOf(value));
  return reshape(*name, shape);
}

//===------------------------------------------------------------------------------===//
// The graph
//===------------------------------------------------------------------------------===//

void Writer::writeInterface(onnx::ValueInfoProto &info, StringRef name, Value value) {
  info.set_name(name.str());
  auto &type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("batch");
  for (int64_t d : qnn::shapeOf(value))
    type.mutable_shape()->add_dim()->set_dim_value(d);
}

LogicalResult Writer::writeOp(Operation *op) {
  if (isa<qnn::ConstantOp>(op))
    return success(); // where it is read
  nodeBase = op->getName().stripDialect().str();
  outputBase = nodeBase + "_output";
  if (std::optional<OnnxNode> origin = primaryNode(op->getLoc())) {
    nodeBase = origin->name.str();
    outputBase = origin->output.empty() ? outputBase : origin->output.str();
  }
  FailureOr<std::string> name =
      qnn::isQuantizer(op) ? writeQuantizer(*this, op) : writeOperation(*this, op);
  if (failed(name))
    return failure();
  names[op->getResult(0)] = *name;
  return success();
}

LogicalResult Writer::writeResults() {
  Operation *end = function.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    if (qnn::clearConstant(value))
      return refuse(end, *this, "a result that depends on no input cannot be written");
    auto name = function.getResultAttrOfType<StringAttr>(i, "qnn.name");
    std::string result = name ? name.str() : "output" + std::to_string(i);
    FailureOr<std::string> from = operand(value);
    if (failed(from))
      return failure();
    onnx::NodeProto &proto = *graph.add_node();
    proto.set_op_type("Identity");
    proto.set_name(fresh(result));
    proto.add_input(*from);
    proto.add_output(result);
    writeInterface(*graph.add_output(), result, value);
  }
  return success();
}

void Writer::writeVersions() {
  model.set_ir_version(onnxOpset >= 21 ? 10 : onnxOpset >= 19 ? 9 : 8);
  model.set_producer_name("fhe-compile");
  auto &set = *model.add_opset_import();
  set.set_domain("");
  set.set_version(onnxOpset);
  if (!usesQonnx)
    return;
  auto &custom = *model.add_opset_import();
  custom.set_domain("qonnx.custom_op.general");
  custom.set_version(2);
}

FailureOr<std::string> Writer::run() {
  Operation *end = function.getBody().front().getTerminator();
  for (unsigned i = 0; i != end->getNumOperands(); ++i) { // names that only the results may have
    auto name = function.getResultAttrOfType<StringAttr>(i, "qnn.name");
    taken.insert(name ? name.strref() : StringRef("output" + std::to_string(i)));
  }
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qnn.name");
    std::string input = fresh(name ? name.str() : "input" + std::to_string(argument.getArgNumber()));
    writeInterface(*graph.add_input(), input, argument);
    names[argument] = input;
  }
  for (Operation &op : function.getBody().front().without_terminator())
    if (!op.use_empty() && failed(writeOp(&op)))
      return failure();
  if (failed(writeResults()))
    return failure();
  writeVersions();
  return model.SerializeAsString();
}

} // namespace fhe::onnx_export

namespace fhe {

FailureOr<std::string> exportOnnx(ModuleOp module, OnnxFormat format) {
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager manager(copy->getContext());
  manager.addNestedPass<func::FuncOp>(createQnnFold());
  if (failed(manager.run(*copy)))
    return failure();
  return onnx_export::Writer(copy->lookupSymbol<func::FuncOp>("main"), format).run();
}

} // namespace fhe
