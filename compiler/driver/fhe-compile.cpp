//===- fhe-compile.cpp - ONNX in, object file out -------------------------------===//
//
// The command line of docs/tutorial.md. Exit status: 0 done, 1 refused, 2 wrong
// usage, 3 internal error. Outputs are complete or absent.
//
//===---------------------------------------------------------------------------===//
#include "compiler/codegen/Codegen.h"
#include "compiler/driver/Compilation.h"
#include "compiler/driver/OutputFiles.h"
#include "compiler/estimate/Estimate.h"
#include "compiler/export/Export.h"
#include "compiler/report/Report.h"
#include "passes/pipeline/Command.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <thread>

using namespace fhe;
using llvm::StringRef;

namespace {

enum class Emit { Object, Qnn, Fhe, Tfhe, Llvm, Qonnx, Qcdq };

struct CommandLine {
  CLI::App app{"Compiles a quantized ONNX network to an object file that runs on TFHE-encrypted "
               "inputs."};
  std::string model, output, name;
  std::string emitText;
  bool check = false, json = false, estimate = false;
  std::string kernelRates;
  unsigned threads = 0;
  bool tune = false;
  uint64_t samples = 1;
  Verbosity verbosity;
  CompileFlags flags;

  CommandLine();
  void declareEstimate(CLI::Option *excluded, CLI::Option *checkOption);
  void finish();
  bool writesObject() const { return emit() == Emit::Object && !check && !estimate; }
  Emit emit() const;
  codegen::ObjectKind objectKind() const;
};

} // namespace

CommandLine::CommandLine() {
  app.name("fhe-compile");
  app.failure_message(usageMessage);
  app.set_version_flag("--version", "fhe-compile " FHE_VERSION_TEXT);
  app.add_option("MODEL", model, "The network, quantized (QONNX or QCDQ)")
      ->type_name("MODEL.onnx")
      ->required();
  app.add_option("-o", output,
                 "Object to write: .o (default ./STEM.o), .a or .so; .h, .json and .report.json go "
                 "beside it")
      ->type_name("OUT");
  app.add_option("--name", name, "Prefix of the C names (default: the stem of OUT)")
      ->type_name("NAME");
  CLI::Option *emitOption =
      app.add_option("--emit", emitText, "Print the network at a level instead, or write it as a quantized ONNX file (to OUT or "
                     "stdout)")
          ->type_name("qnn|fhe|tfhe|llvm|qonnx|qcdq")
          ->check(CLI::IsMember({"qnn", "fhe", "tfhe", "llvm", "qonnx", "qcdq"}));
  CLI::Option *checkOption =
      app.add_flag("--check", check, "Print the accumulators and tables, write nothing");
  checkOption->excludes(emitOption);
  declareEstimate(emitOption, checkOption);
  app.add_flag("--json", json, "With --check or --estimate: print JSON");
  app.add_flag("--clear-only", flags.options.clearOnly,
               "Choose no parameters: the object runs in clear mode only");
  flags.declare(app);
  app.add_flag("--tune", tune,
               "Search parameters by the rates of this machine, not by the committed ones: what is "
               "written then depends on the machine");
  app.add_flag("--quiet,-q", verbosity.quiet, "Print errors only");
  app.add_flag("-v,--verbose", verbosity.verbose, "Print the stages and remarks");
}

void CommandLine::declareEstimate(CLI::Option *emitOption, CLI::Option *checkOption) {
  CLI::Option *estimateOption =
      app.add_flag("--estimate", estimate,
                   "Print times, key and ciphertext bytes, memory and failure probabilities, write "
                   "nothing");
  estimateOption->excludes(emitOption)->excludes(checkOption);
  app.add_option("--kernel-rates", kernelRates,
                 "Rates that times are predicted by: of this machine (host, default; measured once), "
                 "the compiler's own (committed), or of a file")
      ->type_name("host|committed|FILE")
      ->needs(estimateOption);
  app.add_option("--threads", threads, "Threads of the run to be estimated (default: one a core)")
      ->type_name("T")
      ->check(CLI::Range(1u, 1024u))
      ->needs(estimateOption);
  app.add_option("--samples", samples, "Samples of the run to be estimated (default 1)")
      ->type_name("S")
      ->check(CLI::Range(uint64_t(1), uint64_t(1) << 32))
      ->needs(estimateOption);
}

Emit CommandLine::emit() const {
  return llvm::StringSwitch<Emit>(emitText)
      .Case("qnn", Emit::Qnn)
      .Case("fhe", Emit::Fhe)
      .Case("tfhe", Emit::Tfhe)
      .Case("llvm", Emit::Llvm)
      .Case("qonnx", Emit::Qonnx)
      .Case("qcdq", Emit::Qcdq)
      .Default(Emit::Object);
}

codegen::ObjectKind CommandLine::objectKind() const {
  StringRef extension = llvm::sys::path::extension(output);
  if (StringRef(output).ends_with(extension) && llvm::sys::path::filename(output) == extension)
    throw CLI::ValidationError("-o", "'" + output + "' has no name before its ending");
  if (extension == ".o")
    return codegen::ObjectKind::Object;
  if (extension == ".a")
    return codegen::ObjectKind::Archive;
  if (extension == ".so")
    return codegen::ObjectKind::SharedLibrary;
  throw CLI::ValidationError("-o", "'" + output + "' ends in none of .o, .a and .so");
}

void CommandLine::finish() {
  flags.finish();
  if (json && !check && !estimate)
    throw CLI::ValidationError("--json", "needs --check or --estimate");
  if (estimate && flags.options.clearOnly)
    throw CLI::ValidationError("--estimate", "--clear-only has no keys and no encrypted run");
  if (output.empty() && writesObject())
    output = stemOf(model) + ".o";
  if (flags.options.clearOnly && flags.options.parameters.profile == Profile::shareable)
    throw CLI::ValidationError("--profile", "nothing is encrypted with --clear-only");
  if ((check || estimate) && !output.empty())
    throw CLI::ValidationError("-o", std::string(check ? "--check" : "--estimate") +
                                         " writes nothing");
  if (writesObject())
    objectKind();
  // An output never replaces what the compilation reads.
  auto replaces = [&](const std::string &path) {
    return !output.empty() && output != "-" && llvm::sys::fs::equivalent(output, path);
  };
  bool readsIt = replaces(model);
  for (const auto &[input, path] : flags.calibration)
    readsIt |= replaces(path);
  if (readsIt)
    throw CLI::ValidationError("-o", "'" + output + "' is a file this compilation reads");
  StringRef source = output.empty() || output == "-" ? StringRef(model) : StringRef(output);
  std::string identifier = codegen::makeIdentifier(name.empty() ? stemOf(source) : name);
  if (!name.empty() && identifier != name)
    throw CLI::ValidationError("--name", "'" + name + "' is not a C identifier");
  name = identifier;
}

/// Writes `text` to `path`, or stdout where that is "" or "-".
static ExitCode writeText(StringRef path, StringRef text) {
  if (path.empty() || path == "-") {
    llvm::outs() << text;
    llvm::outs().flush();
    if (!llvm::outs().has_error())
      return ExitDone;
    llvm::errs() << "stdout: error: " << llvm::outs().error().message() << "\n";
    llvm::outs().clear_error();
    return ExitRefused;
  }
  OutputFiles files;
  llvm::Error error = files.add(path, text);
  if (!error)
    error = files.commit();
  if (!error)
    return ExitDone;
  llvm::errs() << llvm::toString(std::move(error)) << "\n";
  return ExitRefused;
}

static std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  os << "\n";
  return text;
}

/// The network as it was imported or quantized, as an ONNX file.
static ExitCode emitOnnx(const CommandLine &line, Compilation &compilation) {
  if (!compilation.runTo(Level::Imported))
    return compilation.exitCode();
  std::string bytes;
  bool done = compilation.runStage("export", [&] {
    auto made = exportOnnx(compilation.module(),
                           line.emit() == Emit::Qcdq ? OnnxFormat::Qcdq : OnnxFormat::Qonnx);
    if (failed(made))
      return false;
    bytes = std::move(*made);
    return true;
  });
  return done ? writeText(line.output, bytes) : compilation.exitCode();
}

static ExitCode emitLevel(const CommandLine &line, Compilation &compilation) {
  Emit emit = line.emit();
  if (emit == Emit::Qonnx || emit == Emit::Qcdq)
    return emitOnnx(line, compilation);
  Level level = emit == Emit::Qnn ? Level::Imported : emit == Emit::Fhe ? Level::Fhe : Level::Tfhe;
  if (!compilation.runTo(level))
    return compilation.exitCode();
  if (emit != Emit::Llvm)
    return writeText(line.output, print(compilation.module()));
  std::string text;
  bool done = compilation.runStage("llvm", [&] {
    auto manifest = codegen::buildManifest(compilation.module(), line.name);
    if (failed(manifest))
      return false;
    auto lowered = codegen::lower(compilation.module(), line.name, *manifest);
    if (failed(lowered))
      return false;
    auto ir = codegen::emitLLVMIR(lowered->get(), line.name);
    if (failed(ir))
      return false;
    text = std::move(*ir);
    return true;
  });
  return done ? writeText(line.output, text) : compilation.exitCode();
}

static ExitCode checkModel(const CommandLine &line, Compilation &compilation) {
  if (!compilation.runTo(Level::Fhe))
    return compilation.exitCode();
  report::Report report =
      report::collect(compilation.fheModule(), line.name, compilation.options());
  return writeText("", line.json ? report::toJson(report) : report::toText(report));
}

static ExitCode estimateModel(const CommandLine &line, Compilation &compilation) {
  // A wrong file is found before the work.
  std::string error;
  auto rates = estimate::ratesOf(line.kernelRates, error);
  if (!rates) {
    llvm::errs() << line.kernelRates << ": error: " << error << "\n";
    return ExitRefused;
  }
  if (!compilation.runTo(Level::Tfhe))
    return compilation.exitCode();
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  estimate::Conditions conditions{*rates, line.threads ? line.threads : cores, line.samples};
  std::string text;
  bool done = compilation.runStage("estimate", [&] {
    auto made = estimate::estimate(compilation.fheModule(), compilation.module(), line.name,
                                   compilation.options(), conditions);
    if (failed(made))
      return false;
    text = line.json ? estimate::toJson(*made) : estimate::toText(*made);
    return true;
  });
  return done ? writeText("", text) : compilation.exitCode();
}

/// OUT with another extension.
static std::string beside(StringRef output, StringRef extension) {
  llvm::SmallString<128> path(output);
  llvm::sys::path::replace_extension(path, extension);
  return path.str().str();
}

/// For an object or archive the library that fhe-run takes, for a library a run of it.
static std::string nextCommand(const CommandLine &line) {
  const CompileFlags &flags = line.flags;
  if (line.objectKind() != codegen::ObjectKind::SharedLibrary)
    return commandWithout(flags.options.command, {"-o"}) + " -o " + shellWord(beside(line.output, "so"));
  std::string command = "fhe-run " + shellWord(line.output);
  for (const auto &[input, path] : flags.calibration)
    command += " --inputs " + shellWord((input.empty() ? "" : input + "=") + path);
  if (flags.calibration.empty())
    command += " --inputs x.npy";
  if (!flags.options.clearOnly)
    command += " --mode=encrypted --samples 1";
  return command;
}

static ExitCode writeProducts(const CommandLine &line, const codegen::Products &products,
                              StringRef report) {
  OutputFiles files;
  llvm::Error error = files.add(line.output, products.object);
  for (auto [extension, text] : {std::pair<StringRef, StringRef>{"h", products.header},
                                 {"json", products.manifest},
                                 {"report.json", report}})
    if (!error)
      error = files.add(beside(line.output, extension), text);
  if (!error)
    error = files.commit();
  if (!error)
    return ExitDone;
  llvm::errs() << llvm::toString(std::move(error)) << "\n";
  return ExitRefused;
}

static ExitCode compileModel(const CommandLine &line, Compilation &compilation) {
  if (!compilation.runTo(Level::Tfhe))
    return compilation.exitCode();
  codegen::Products products;
  report::Report report;
  bool done = compilation.runStage("object", [&] {
    auto made = codegen::emit(compilation.module(), {line.name, line.objectKind()});
    if (failed(made))
      return false;
    products = std::move(*made);
    report = report::collect(compilation.fheModule(), line.name, compilation.options());
    report::addParameters(report, compilation.module());
    return true;
  });
  if (!done)
    return compilation.exitCode();
  if (ExitCode code = writeProducts(line, products, report::toJson(report)))
    return code;
  if (!line.verbosity.quiet)
    llvm::errs() << report::closingLines(report, nextCommand(line));
  return ExitDone;
}

int main(int argc, char **argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
    line.finish();
  } catch (const CLI::ParseError &error) {
    return line.app.exit(error) == 0 ? ExitDone : ExitUsage;
  }
  std::string command;
  for (int i = 0; i < argc; ++i)
    command += (i ? " " : "") + std::string(argv[i]);
  line.flags.options.command = {"fhe-compile"};
  line.flags.options.command.insert(line.flags.options.command.end(), argv + 1, argv + argc);
  Compilation compilation(line.model, line.flags, line.verbosity, command);
  if (line.tune) {
    line.flags.options.parameters.rates = estimate::hostRates().rates;
    line.flags.options.parameters.tuned = true;
  }
  if (line.check)
    return checkModel(line, compilation);
  if (line.estimate)
    return estimateModel(line, compilation);
  return line.emit() == Emit::Object ? compileModel(line, compilation)
                                     : emitLevel(line, compilation);
}
