//===- main.cpp - fhe-run: a network over a data set
//--------------------------------------------===//
//
// fhe-run MODEL.so|MODEL.onnx --inputs x.npy: what a network gives in the clear, with simulated
// noise, or encrypted, and how fast. Exit status: 0 done, 1 refused, 2 wrong usage, 3 internal
// error.
//
//===----------------------------------------------------------------------------------------===//
#include "fhe/common.h"
#include "python-free-tools/fhe-run/run.h"
#include "python-free-tools/shared/files.h"
#include "python-free-tools/shared/temporary_file.h"

#include <cstdio>
#include <filesystem>
#include <iostream>

using namespace fhe;
using namespace fhe::tools;

namespace {
struct CommandLine {
  CLI::App app{"Runs a compiled model, or an ONNX network in the clear, over a data set."};
  RunOptions options;
  CompileFlags flags;
  std::vector<std::string> inputs, outputs, references;
  std::string mode = "clear";
  bool version = false;

  CommandLine();
  void finish();
};
} // namespace

CommandLine::CommandLine() {
  app.name("fhe-run");
  app.failure_message(usageMessage);
  app.set_version_flag("--version", std::string("fhe-run ") + fhe_version());
  app.add_option("MODEL", options.model, "A compiled model (.so), or an ONNX file (in clear only)")
      ->required();
  app.add_option("--inputs", inputs, "Values of an input, samples first")
      ->type_name("[NAME=]X.npy")
      ->required()
      ->take_all();
  app.add_option("--labels", options.labels, "Class numbers; prints the accuracy")
      ->type_name("Y.npy");
  app.add_option("--outputs", outputs, "Write an output, float32")
      ->type_name("[NAME=]OUT.npy")
      ->take_all();
  app.add_option("--reference", references, "Expected values; prints the largest difference")
      ->type_name("[NAME=]REF.npy")
      ->take_all();
  app.add_option("--mode", mode, "clear (default), simulate (noise sampled), encrypted, float (an ONNX file as written)")
      ->type_name("clear|simulate|encrypted|float")
      ->check([](const std::string &text) {
        bool known = text == "clear" || text == "simulate" || text == "encrypted" || text == "float";
        return known ? std::string() : "'" + text + "' is none of clear, simulate, encrypted, float";
      });
  app.add_option("--samples", options.samples, "Run only the first N samples")
      ->type_name("N")
      ->check([](const std::string &text) {
        bool number = text.find_first_not_of("0123456789") == std::string::npos;
        bool positive = number && text.find_first_not_of('0') != std::string::npos;
        return positive ? std::string() : "'" + text + "' is not a number of at least 1";
      });
  app.add_option("--threads", options.threads, "Threads (default: one a core)")
      ->type_name("T")
      ->check(CLI::Range(1u, 4096u));
  app.add_option("--seed", options.seed, "Seed of the noise of a simulated run")->type_name("N");
  app.add_flag("--json", options.json, "Print the report as JSON");
  app.add_flag("--quiet,-q", options.quiet, "No progress bar, no report");
  app.add_flag("-v,--verbose", options.verbose, "Print remarks of the compiler, too");
  flags.declare(app, "--output-form"); // --outputs are files
  app.footer("The options of fhe-compile apply to an ONNX file only.");
}

void CommandLine::finish() {
  auto split = [](const char *flag, const std::vector<std::string> &texts,
                  std::vector<NamedFile> &files) {
    for (const std::string &text : texts) {
      NamedFile file = parseNamedFile(text);
      for (const NamedFile &other : files)
        if (other.first == file.first)
          throw UsageError(std::string(flag) + ": '" + text + "' is given beside '" +
                           (other.first.empty() ? "" : other.first + "=") + other.second + "'");
      files.push_back(file);
    }
  };
  split("--inputs", inputs, options.inputs);
  split("--outputs", outputs, options.outputs);
  split("--reference", references, options.references);
  // An output never replaces what the run reads.
  for (const auto &[name, output] : options.outputs) {
    std::error_code missing;
    auto replaces = [&](const std::string &path) {
      return std::filesystem::equivalent(output, path, missing) && !missing;
    };
    for (const auto *files : {&options.inputs, &options.references})
      for (const auto &[input, path] : *files)
        if (replaces(path))
          throw UsageError("--outputs: " + output + " is a file this run reads");
    if (replaces(options.model) || (!options.labels.empty() && replaces(options.labels)))
      throw UsageError("--outputs: " + output + " is a file this run reads");
  }
  options.mode = mode == "clear"      ? Mode::Clear
                 : mode == "simulate" ? Mode::Simulate
                 : mode == "float"    ? Mode::Float
                                      : Mode::Encrypted;
  flags.options.floatNetwork = options.mode == Mode::Float;
  flags.finish();
}

static bool isOnnx(const std::string &path) {
  return std::filesystem::path(path).extension() == ".onnx";
}

static int run(CommandLine &line) {
  if (isOnnx(line.options.model)) {
    if (line.options.mode != Mode::Clear && line.options.mode != Mode::Float)
      throw UsageError("--mode: an ONNX file runs in clear or float only; compile it to a .so first");
    int exitCode = 0;
    std::optional<RunResult> result = line.options.mode == Mode::Float
                                          ? runFloat(line.options, line.flags, exitCode)
                                          : runOnnx(line.options, line.flags, exitCode);
    if (result)
      reportRun(line.options, *result);
    return exitCode;
  }
  if (line.options.mode == Mode::Float)
    throw UsageError("--mode=float evaluates an ONNX file, not an object");
  if (line.flags.given())
    throw UsageError("the options of a compilation apply to an ONNX file, not to an object");
  reportRun(line.options, runObject(line.options));
  return 0;
}

int main(int argc, char **argv) {
  removeTemporariesOnSignals();
  CommandLine line;
  try {
    line.app.parse(argc, argv);
    line.finish();
    line.flags.options.command = {"fhe-run"};
    line.flags.options.command.insert(line.flags.options.command.end(), argv + 1, argv + argc);
    return run(line);
  } catch (const CLI::ParseError &error) {
    return line.app.exit(error) == 0 ? 0 : 2;
  } catch (const UsageError &error) {
    std::fprintf(stderr, "fhe-run: error: %s\nRun fhe-run --help for the options.\n", error.what());
    return 2;
  } catch (const FileError &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "fhe-run: internal error: %s\n", error.what());
    return 3;
  }
}
