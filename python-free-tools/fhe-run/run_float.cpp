//===- run_float.cpp - Evaluating an ONNX file in f32 as it is written ----------------------===//
//
// The float interpreter of the qnn dialect on the imported network: the accuracy before quantization
// (float networks) or with the quantizers as the file computes them.
//
//===----------------------------------------------------------------------------------------===//
#include "compiler/driver/Compilation.h"
#include "dialects/qnn/Interpreter.h"
#include "python-free-tools/fhe-run/run.h"

#include <chrono>

namespace fhe::tools {

std::optional<RunResult> runFloat(const RunOptions &options, const CompileFlags &flags,
                                  int &exitCode) {
  Compilation compilation(options.model, flags, {options.quiet, options.verbose}, "fhe-run");
  std::unique_ptr<qnn::Interpreter> interpreter;
  bool done = compilation.runTo(Level::Imported) && compilation.runStage("interpreter", [&] {
    auto created = qnn::Interpreter::create(compilation.module());
    if (mlir::succeeded(created))
      interpreter = std::move(*created);
    return mlir::succeeded(created);
  });
  exitCode = compilation.exitCode();
  if (!done)
    return std::nullopt;
  mlir::func::FuncOp function = interpreter->function();
  RunResult result;
  std::vector<std::string> names;
  std::vector<uint64_t> elements;
  for (auto [i, size] : llvm::enumerate(interpreter->argumentSizes())) {
    names.push_back(function.getArgAttrOfType<mlir::StringAttr>(i, "qnn.name").str());
    elements.push_back(uint64_t(size));
  }
  qnn::RealTensors inputs;
  for (InputValues &input :
       readInputs(options.inputs, names, elements, options.samples, options.model, result.samples))
    inputs.push_back(std::move(input.values));
  auto start = std::chrono::steady_clock::now();
  qnn::RealTensors outputs = interpreter->run(inputs, int64_t(result.samples), options.threads);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (auto [i, values] : llvm::enumerate(outputs)) {
    OutputValues output;
    output.name = function.getResultAttrOfType<mlir::StringAttr>(i, "qnn.name").str();
    auto shape = mlir::cast<mlir::ShapedType>(function.getResultTypes()[i]).getShape();
    output.shape.assign(shape.begin(), shape.end());
    output.values = std::move(values);
    result.outputs.push_back(std::move(output));
  }
  return result;
}

} // namespace fhe::tools
