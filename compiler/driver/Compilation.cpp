//===- Compilation.cpp - One model on its way through the levels ----------------===//
#include "compiler/driver/Compilation.h"
#include "compiler/codegen/Codegen.h"
#include "compiler/driver/Calibration.h"
#include "compiler/driver/Quantization.h"
#include "compiler/driver/Suggestions.h"
#include "compiler/import/Import.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/Pass/PassManager.h"
#include "passes/parameters/CostModel.h"
#include "passes/pipeline/Command.h"
#include "passes/pipeline/Pipeline.h"
#include "passes/tfhe/Passes.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace mlir;

namespace fhe {

std::string stemOf(StringRef path) { return llvm::sys::path::stem(path).str(); }

Compilation::Compilation(std::string model, const CompileFlags &flags, Verbosity verbosity,
                         std::string command)
    : model(std::move(model)), flags(flags), verbosity(verbosity), command(std::move(command)) {
  DialectRegistry registry;
  registerFheDialects(registry);
  codegen::registerDialects(registry);
  contextStorage = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  contextStorage->loadAllAvailableDialects();
  printer = std::make_unique<DiagnosticPrinter>(*contextStorage, llvm::errs(), this->model,
                                                verbosity.verbose, verbosity.quiet);
}

Compilation::~Compilation() = default;

MLIRContext &Compilation::context() { return *contextStorage; }
ModuleOp Compilation::module() { return current.get(); }
ModuleOp Compilation::fheModule() { return atFhe.get(); }

/// What the profile "shareable" rules out whatever the network.
bool Compilation::checkProfile() {
  const CompileOptions &options = flags.options;
  if (options.parameters.profile != Profile::shareable)
    return true;
  auto refuse = [&](const llvm::Twine &text, const char *flag) {
    InFlightDiagnostic error =
        emitError(FileLineColLoc::get(&context(), model, 0, 0), "the profile shareable ")
        << text.str() << " [" << diag::NotShareable << "]";
    error.attachNote() << "help: " << commandWithout(options.command, {flag});
    return false;
  };
  if (options.roundAccumulators)
    return refuse("asks for exact tables; rounded ones (--round-accumulators) are approximate",
                  "--round-accumulators");
  if (options.overflow == Overflow::Calibrated)
    return refuse("asks for proven ranges; values outside calibrated ones wrap", "--overflow");
  if (options.parameters.log2PError.value_or(0) > shareableLog2PError)
    return refuse("asks for failure probabilities of at most 2^-128 for every table and output",
                  "--p-error");
  return true;
}

bool Compilation::import() {
  current = importOnnx(context(), model, ImportOptions{flags.options.declaredInputs,
                                     flags.options.floatNetwork || flags.options.quantize});
  return static_cast<bool>(current);
}

bool Compilation::freezeStatistics() {
  if (flags.freezeStatistics)
    return succeeded(freezeStatisticsFromFiles(module(), flags.calibration));
  // Before quantizers are chosen: they would stand around what cannot be compiled.
  return !flags.options.quantize ||
         succeeded(refuseStatistics(module(), commandWithout(flags.options.command, {})));
}

bool Compilation::quantize() {
  if (!flags.options.quantize)
    return true;
  return succeeded(quantizeFromFiles(module(), flags.calibration, *flags.options.quantize));
}

bool Compilation::calibrate() {
  if (flags.calibration.empty())
    return true;
  // Only rounded tables need to know how their inputs are distributed.
  return succeeded(calibrateFromFiles(module(), flags.calibration,
                                      flags.options.roundAccumulators.has_value()));
}

void Compilation::reportInternalError(StringRef stage) {
  result = ExitInternal;
  std::string path = stemOf(model) + ".internal-error.mlir";
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os << "// fhe-compile " FHE_VERSION_TEXT ", stage: " << stage << "\n// " << command << "\n";
    if (beforeStage)
      beforeStage->print(os, OpPrintingFlags().enableDebugInfo(true, false));
    os.flush();
  }
  llvm::errs() << model << ": error: internal error in stage '" << stage << "'\n";
  if (code)
    llvm::errs() << model << ": note: " << path << " cannot be written: " << code.message() << "\n";
  else
    llvm::errs() << model << ": help: this is a defect of the compiler; please send " << path
                 << " and the model\n";
}

bool Compilation::runStage(StringRef name, llvm::function_ref<bool()> body) {
  if (result != ExitDone)
    return false;
  // The copy is what a reproducer shows: a failed stage leaves its module half done.
  beforeStage = current ? OwningOpRef<ModuleOp>(current->clone()) : nullptr;
  auto start = std::chrono::steady_clock::now();
  bool done = false;
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext recovery;
  bool survived = recovery.RunSafely([&] {
    try {
      done = body();
    } catch (const std::exception &error) {
      llvm::errs() << model << ": error: " << error.what() << "\n";
      done = false;
    }
  });
  if (verbosity.verbose) {
    double milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    llvm::errs() << llvm::formatv("{0}: remark: stage '{1}': {2:F1} ms\n", model, name,
                                  milliseconds);
  }
  if (survived && done)
    return true;
  if (survived && printer->errors() > 0 && printer->allIdentified())
    result = ExitRefused;
  else
    reportInternalError(name);
  return false;
}

/// Where no parameters satisfy the network: what would compile, tried out.
void Compilation::suggestChanges() {
  const std::string &id = printer->latestIdentifier();
  bool helps = id == diag::TableTooWide || id == diag::NoParameters || id == diag::BeyondLimits;
  if (result != ExitRefused || !helps || !beforeWindows)
    return;
  std::vector<std::string> commands = suggestCommands(*beforeWindows, flags.options);
  for (const std::string &command : commands)
    printer->help(command);
}

bool Compilation::runTo(Level level) {
  using Build = void (*)(OpPassManager &, const CompileOptions &);
  auto passes = [&](StringRef name, Build build) {
    return runStage(name, [&] {
      PassManager manager(&context());
      build(manager, flags.options);
      return succeeded(manager.run(module()));
    });
  };
  if (!reached) {
    if (!runStage("options", [&] { return checkProfile(); }) ||
        !runStage("import", [&] { return import(); }) ||
        !runStage("statistics", [&] { return freezeStatistics(); }) ||
        !runStage("quantization", [&] { return quantize(); }) || !passes("outputs", buildOutputPipeline))
      return false;
    reached = Level::Imported;
  }
  if (level >= Level::Fhe && *reached < Level::Fhe) {
    if (!passes("qnn", buildQnnPipeline) || !passes("fhe", buildFhePipeline) ||
        !runStage("calibration", [&] { return calibrate(); }))
      return false;
    if (level >= Level::Tfhe)
      beforeWindows = current->clone();
    if (flags.options.parameters.tuned)
      parameters::setKernelRates(module(), flags.options.parameters.rates);
    if (!passes("windows", buildWindowPipeline) ||
        !passes("realizations", buildRealizationPipeline))
      return false;
    atFhe = current->clone();
    reached = Level::Fhe;
  }
  if (level >= Level::Tfhe && *reached < Level::Tfhe) {
    if (!passes("tfhe", buildTfhePipeline)) {
      suggestChanges();
      return false;
    }
    beforeWindows = nullptr;
    reached = Level::Tfhe;
  }
  return true;
}

} // namespace fhe
