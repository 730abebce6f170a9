//===- run.h - One run of a network over a data set
//---------------------------------------------===//
//
// What fhe-run was asked, what a run gives, and the two ways to run: a compiled object through the
// runtime (run_object.cpp), an ONNX file by the interpreter of the fhe dialect (run_onnx.cpp).
//
//===----------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_FHE_RUN_RUN_H
#define PYTHON_FREE_TOOLS_FHE_RUN_RUN_H

#include "compiler/driver/CompileFlags.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fhe::tools {

enum class Mode { Clear, Simulate, Encrypted, Float };

struct RunOptions {
  std::string model;
  std::vector<NamedFile> inputs;
  std::string labels; ///< empty: none
  std::vector<NamedFile> outputs, references;
  Mode mode = Mode::Clear;
  uint64_t samples = 0; ///< 0: all
  uint32_t threads = 0; ///< 0: one a core
  uint64_t seed = 1;    ///< of the noise of a simulated run
  bool json = false, quiet = false, verbose = false;
};

/// One output over all samples, sample-major.
struct OutputValues {
  std::string name;
  std::vector<uint64_t> shape; ///< of one sample
  std::vector<float> values;
  std::vector<int64_t> integers;
  /// The integers of the clear run beside it; empty in clear mode.
  std::vector<int64_t> clearIntegers;
};

/// Table inputs of one layer that lay outside the integers its tables cover.
struct LayerWindow {
  std::string layer;
  uint64_t evaluated = 0, outside = 0;
};

struct RunResult {
  uint64_t samples = 0;
  std::vector<OutputValues> outputs;
  std::vector<LayerWindow> windows; ///< of the clear or simulated run
  double seconds = 0;               ///< of the evaluation alone, all samples
  uint64_t tables = 0;              ///< looked up in it
  // Encrypted runs only.
  std::optional<double> keygenSeconds;
  uint64_t evaluationKeyBytes = 0, inputBytes = 0, outputBytes = 0;
};

/// Float values of one input over all samples.
struct InputValues {
  std::string name;
  std::vector<float> values;
};

/// Reads the input files. They must give each of `names` once, `elements` values a sample, and
/// agree on the number of samples, which `limit` (0: none) cuts. Throws FileError.
std::vector<InputValues> readInputs(const std::vector<NamedFile> &files,
                                    const std::vector<std::string> &names,
                                    const std::vector<uint64_t> &elements, uint64_t limit,
                                    const std::string &model, uint64_t &samples);

/// Runs a .so through the runtime. Throws FileError.
RunResult runObject(const RunOptions &options);

/// Runs an .onnx by the interpreter, compiled with `flags`. Null after a refusal, which was
/// printed; `exitCode` then says of what kind. Throws FileError.
std::optional<RunResult> runOnnx(const RunOptions &options, const CompileFlags &flags,
                                 int &exitCode);

/// Evaluates an .onnx in f32 as it is written, quantized or not (dialects/qnn/Interpreter.h). As runOnnx.
std::optional<RunResult> runFloat(const RunOptions &options, const CompileFlags &flags,
                                  int &exitCode);

/// Refuses --outputs and --reference that name no output, before a long run. Throws FileError.
void checkOutputNames(const RunOptions &options, const std::vector<std::string> &names);

/// Prints what the run showed, as a table or as JSON, and writes the output files.
void reportRun(const RunOptions &options, const RunResult &result);

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_FHE_RUN_RUN_H
