//===- backend_case.cpp - One model of the ONNX backend tests -------------------------===//
//
// The file is imported as it is. Where that is refused, the graph inputs that the
// operator table wants constant are bound to initializers with their values, all
// sizes fixed to those of the data, and it is imported once more.
//
//===-----------------------------------------------------------------------------===//
#include "test/onnx-backend/backend_case.h"
#include "compiler/import/Import.h"
#include "compiler/import/Node.h"
#include "dialects/qnn/Interpreter.h"
#include "mlir/IR/MLIRContext.h"
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <unistd.h>

using namespace mlir;
namespace fs = std::filesystem;

namespace fhe::backend {

namespace {
struct DataSet {
  std::vector<onnx::TensorProto> inputs, outputs;
};

/// One import: the module, or the diagnostics.
struct Imported {
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  std::string firstError;
  bool named = true; ///< every error has an identifier
};
} // namespace

static const char kUnfit[] = "input data do not fit";

static Imported importFile(const std::string &path) {
  Imported out;
  out.context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(out.context.get(), [&](Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
      out.named &= text.find(" [Q0") != std::string::npos;
      if (out.firstError.empty())
        out.firstError = text;
    }
    return success();
  });
  ImportOptions options;
  options.wholeTensors = true;
  out.module = importOnnx(*out.context, path, options);
  return out;
}

static std::vector<onnx::TensorProto> readTensors(const fs::path &folder, const std::string &kind) {
  std::vector<onnx::TensorProto> out;
  for (int i = 0;; ++i) {
    fs::path path = folder / (kind + "_" + std::to_string(i) + ".pb");
    if (!fs::exists(path))
      return out;
    out.push_back(readTensor(path).value_or(onnx::TensorProto()));
  }
}

static std::vector<DataSet> readDataSets(const fs::path &folder) {
  std::vector<DataSet> out;
  for (int i = 0; fs::exists(folder / ("test_data_set_" + std::to_string(i))); ++i) {
    fs::path set = folder / ("test_data_set_" + std::to_string(i));
    out.push_back({readTensors(set, "input"), readTensors(set, "output")});
  }
  return out;
}

static int64_t opsetOf(const onnx::ModelProto &model) {
  for (const auto &set : model.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx")
      return set.version();
  return 0;
}

/// The row of a node, null where the table has none for the model's operator set.
static const import::Operator *rowOf(const onnx::NodeProto &node, int64_t opset) {
  if (!node.domain().empty() && node.domain() != "ai.onnx")
    return nullptr;
  for (const import::Operator &row : import::onnxOperators())
    if (row.name == node.op_type() && opset >= row.since && (!row.until || opset <= row.until))
      return &row;
  return nullptr;
}

static bool isNumeric(const onnx::ValueInfoProto &value) {
  onnx::TensorProto tensor;
  tensor.set_data_type(value.type().tensor_type().elem_type());
  tensor.add_dims(0);
  return value.type().has_tensor_type() && decode(tensor).has_value();
}

/// Whether the table speaks of this model: its operators are in it, its inputs and outputs numbers.
static bool inTable(const onnx::ModelProto &model) {
  for (const auto *list : {&model.graph().input(), &model.graph().output()})
    for (const onnx::ValueInfoProto &value : *list)
      if (!isNumeric(value))
        return false;
  for (const onnx::NodeProto &node : model.graph().node())
    if (!rowOf(node, opsetOf(model)))
      return false;
  return true;
}

/// Graph inputs whose uses the table wants constant, or from which such a tensor is computed.
static std::set<std::string> constantInputs(const onnx::ModelProto &model) {
  std::set<std::string> names;
  for (int n = model.graph().node_size(); n-- > 0;) {
    const onnx::NodeProto &node = model.graph().node(n);
    const import::Operator *row = rowOf(node, opsetOf(model));
    bool whole = false;
    for (const std::string &output : node.output())
      whole |= names.count(output) != 0;
    for (int i = 0; row && i != node.input_size(); ++i)
      if (whole || import::mustBeConstant(*row, i))
        names.insert(node.input(i));
  }
  return names;
}

/// Inputs without initializer, in order: those the data sets give.
static std::vector<onnx::ValueInfoProto *> openInputs(onnx::GraphProto &graph) {
  std::set<std::string> initialized;
  for (const auto &tensor : graph.initializer())
    initialized.insert(tensor.name());
  std::vector<onnx::ValueInfoProto *> out;
  for (auto &input : *graph.mutable_input())
    if (!initialized.count(input.name()))
      out.push_back(&input);
  return out;
}

/// The model with constants bound and sizes fixed, in a file of its own; the indices of the inputs left.
static std::vector<int> bindConstants(onnx::ModelProto model, const DataSet &data,
                                      const std::string &path) {
  std::set<std::string> constants = constantInputs(model);
  std::vector<int> left;
  std::vector<onnx::TensorProto> bound;
  std::vector<onnx::ValueInfoProto *> inputs = openInputs(*model.mutable_graph());
  for (size_t i = 0; i != inputs.size() && i < data.inputs.size(); ++i) {
    if (constants.count(inputs[i]->name())) {
      bound.push_back(data.inputs[i]);
      bound.back().set_name(inputs[i]->name());
      continue;
    }
    left.push_back(int(i));
    auto *shape = inputs[i]->mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->clear_dim();
    for (int64_t size : data.inputs[i].dims())
      shape->add_dim()->set_dim_value(size);
  }
  for (onnx::TensorProto &tensor : bound)
    *model.mutable_graph()->add_initializer() = std::move(tensor);
  std::ofstream file(path, std::ios::binary);
  model.SerializeToOstream(&file);
  return left;
}

/// The data with the declared type: the files keep bfloat16 as the bits in uint16.
static onnx::TensorProto asDeclared(onnx::TensorProto tensor, const onnx::ValueInfoProto &value) {
  if (value.type().tensor_type().elem_type() == onnx::TensorProto::BFLOAT16 &&
      tensor.data_type() == onnx::TensorProto::UINT16)
    tensor.set_data_type(onnx::TensorProto::BFLOAT16);
  return tensor;
}

/// The first difference over one data set, or "".
static std::string evaluate(ModuleOp module, onnx::ModelProto &model, const DataSet &data,
                            const std::vector<int> &used) {
  std::vector<onnx::ValueInfoProto *> inputs = openInputs(*model.mutable_graph());
  auto interpreter = qnn::Interpreter::create(module);
  if (failed(interpreter))
    return "the interpreter refuses the network";
  qnn::RealTensors values;
  std::vector<int64_t> sizes = (*interpreter)->argumentSizes();
  if (sizes.size() != used.size())
    return "has another number of inputs than the data";
  for (auto [i, input] : llvm::enumerate(used)) {
    auto numbers = decode(asDeclared(data.inputs[input], *inputs[input]));
    if (!numbers || int64_t(numbers->values.size()) != sizes[i])
      return kUnfit;
    values.emplace_back(numbers->values.begin(), numbers->values.end());
  }
  qnn::RealTensors outputs = (*interpreter)->run(values, 1, 1);
  func::FuncOp function = (*interpreter)->function();
  if (outputs.size() != data.outputs.size())
    return "has another number of outputs than the data";
  for (auto [i, output] : llvm::enumerate(outputs)) {
    auto expected = decode(asDeclared(data.outputs[i], model.graph().output(int(i))));
    if (!expected)
      return "output data hold no numbers";
    auto shape = cast<RankedTensorType>(function.getResultTypes()[i]).getShape();
    std::string found = difference(*expected, {shape.begin(), shape.end()}, output);
    if (!found.empty())
      return "output " + std::to_string(i) + ": " + found;
  }
  return "";
}

static CaseResult runBound(onnx::ModelProto &model, const std::vector<DataSet> &sets) {
  CaseResult result{Outcome::Bound, ""};
  for (const DataSet &data : sets) {
    std::string path =
        (fs::temp_directory_path() / ("onnx-backend-" + std::to_string(getpid()) + ".onnx")).string();
    std::vector<int> left = bindConstants(model, data, path);
    Imported imported = importFile(path);
    fs::remove(path);
    if (!imported.module)
      return {imported.named && !imported.firstError.empty() ? Outcome::Failed : Outcome::Broken,
              imported.firstError};
    std::string found = evaluate(*imported.module, model, data, left);
    if (!found.empty())
      return {Outcome::Failed, found};
  }
  return result;
}

CaseResult runCase(const std::string &folder) {
  onnx::ModelProto model;
  std::ifstream file(folder + "/model.onnx", std::ios::binary);
  if (!model.ParseFromIstream(&file))
    return {Outcome::Broken, "model.onnx cannot be parsed"};
  std::vector<DataSet> sets = readDataSets(folder);
  Imported imported = importFile(folder + "/model.onnx");
  if (!imported.module) {
    if (!imported.named || imported.firstError.empty())
      return {Outcome::Broken, "refused without identifier: " + imported.firstError};
    if (!inTable(model))
      return {Outcome::Refused, imported.firstError};
    return sets.empty() ? CaseResult{Outcome::Failed, imported.firstError} : runBound(model, sets);
  }
  if (sets.empty())
    return {Outcome::Broken, "has no data"};
  std::vector<int> all(openInputs(*model.mutable_graph()).size());
  for (size_t i = 0; i != all.size(); ++i)
    all[i] = int(i);
  for (const DataSet &data : sets) {
    if (data.inputs.size() < all.size())
      return {Outcome::Broken, "has too few inputs"};
    std::string found = evaluate(*imported.module, model, data, all);
    if (found == kUnfit) // declared with other sizes than the data have
      return runBound(model, sets);
    if (!found.empty())
      return {Outcome::Failed, found};
  }
  return {Outcome::Evaluated, ""};
}

} // namespace fhe::backend
