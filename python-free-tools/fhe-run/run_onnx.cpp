//===- run_onnx.cpp - Running an ONNX file by the interpreter
//-----------------------------------===//
//
// The network is compiled to the fhe level, with the options given, and evaluated there on
// integers: what every compiled object must reproduce.
//
//===----------------------------------------------------------------------------------------===//
#include "compiler/driver/Compilation.h"
#include "dialects/fhe/ClientSide.h"
#include "dialects/fhe/Interpreter.h"
#include "dialects/shared/NodeLocation.h"
#include "python-free-tools/fhe-run/run.h"
#include "python-free-tools/shared/files.h"

#include <chrono>

namespace fhe::tools {

/// Inputs of all arguments as integers, and how many samples they are.
static std::vector<std::vector<int64_t>> quantizeInputs(const RunOptions &options,
                                                        const std::vector<ClientInput> &inputs,
                                                        uint64_t &samples) {
  std::vector<std::string> names;
  std::vector<uint64_t> elements;
  for (const ClientInput &input : inputs) {
    names.push_back(input.name);
    elements.push_back(uint64_t(input.elements()));
  }
  std::vector<InputValues> values =
      readInputs(options.inputs, names, elements, options.samples, options.model, samples);
  std::vector<std::vector<int64_t>> integers;
  for (size_t i = 0; i < inputs.size(); ++i) {
    integers.emplace_back(samples * uint64_t(inputs[i].integers()));
    std::string problem =
        inputs[i].quantize(values[i].values.data(), int64_t(samples), integers[i].data());
    if (!problem.empty())
      throw FileError(options.model, problem);
  }
  return integers;
}

static OutputValues decodeOutput(const ClientOutput &output, std::vector<int64_t> integers,
                                 uint64_t samples) {
  std::vector<double> reals(samples * uint64_t(output.resultElements()));
  output.dequantize(integers.data(), int64_t(samples), reals.data());
  std::vector<int64_t> shape = output.resultShape();
  OutputValues given;
  given.name = output.name;
  given.shape.assign(shape.begin(), shape.end());
  given.values.assign(reals.begin(), reals.end());
  given.integers = std::move(integers);
  return given;
}

static void readObservations(const Interpreter &interpreter, RunResult &result) {
  for (const OpObservation &seen : interpreter.observations()) {
    if (!mlir::isa<LutOp>(seen.op))
      continue;
    LayerWindow window{"", seen.evaluated, seen.outside};
    if (std::optional<OnnxNode> node = primaryNode(seen.op->getLoc()))
      window.layer = node->name.str();
    result.windows.push_back(window);
    result.tables += seen.evaluated;
  }
}

std::optional<RunResult> runOnnx(const RunOptions &options, const CompileFlags &flags,
                                 int &exitCode) {
  Compilation compilation(options.model, flags, {options.quiet, options.verbose}, "fhe-run");
  std::unique_ptr<Interpreter> interpreter;
  std::vector<ClientInput> inputs;
  std::vector<ClientOutput> outputs;
  bool done = compilation.runTo(Level::Fhe) && compilation.runStage("interpreter", [&] {
    auto created = Interpreter::create(compilation.module());
    if (mlir::failed(created))
      return false;
    interpreter = std::move(*created);
    auto readInputs = readClientInputs(interpreter->function());
    auto readOutputs = readClientOutputs(interpreter->function());
    if (mlir::failed(readInputs) || mlir::failed(readOutputs))
      return false;
    inputs = std::move(*readInputs);
    outputs = std::move(*readOutputs);
    return true;
  });
  exitCode = compilation.exitCode();
  if (!done)
    return std::nullopt;
  RunResult result;
  auto integers = quantizeInputs(options, inputs, result.samples);
  auto start = std::chrono::steady_clock::now();
  auto values = interpreter->run(integers, int64_t(result.samples), options.threads);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (size_t i = 0; i < outputs.size(); ++i)
    result.outputs.push_back(decodeOutput(outputs[i], std::move(values[i]), result.samples));
  readObservations(*interpreter, result);
  return result;
}

} // namespace fhe::tools
