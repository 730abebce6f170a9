//===- Compilation.cpp - One model on its way through the levels ----------------===//
#include "compiler/driver/Compilation.h"
#include "compiler/codegen/Codegen.h"
#include "compiler/driver/Calibration.h"
#include "compiler/import/Import.h"
#include "mlir/Pass/PassManager.h"
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

bool Compilation::import() {
  current = importOnnx(context(), model, ImportOptions{flags.options.declaredInputs, flags.options.floatNetwork});
  return static_cast<bool>(current);
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
    if (!runStage("import", [&] { return import(); }))
      return false;
    reached = Level::Imported;
  }
  if (level >= Level::Fhe && *reached < Level::Fhe) {
    if (!passes("qnn", buildQnnPipeline) || !passes("fhe", buildFhePipeline) ||
        !runStage("calibration", [&] { return calibrate(); }) ||
        !passes("windows", buildWindowPipeline))
      return false;
    atFhe = current->clone();
    reached = Level::Fhe;
  }
  if (level >= Level::Tfhe && *reached < Level::Tfhe) {
    if (!passes("tfhe", buildTfhePipeline))
      return false;
    reached = Level::Tfhe;
  }
  return true;
}

} // namespace fhe
