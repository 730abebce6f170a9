//===- Pipeline.cpp - Registration of passes and pipelines ------------------------===//
#include "passes/pipeline/Pipeline.h"
#include "dialects/fhe/FHE.h"
#include "dialects/qnn/QNN.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "passes/convert/QnnToFhe.h"
#include "passes/fhe/Passes.h"
#include "passes/qnn/Passes.h"
#include "passes/tfhe/Passes.h"

using namespace mlir;

namespace fhe {

void buildRealizationPipeline(OpPassManager &manager, const CompileOptions &options) {
  FheChooseRealizationsOptions realizations;
  setPassOptions(realizations, options.parameters);
  realizations.clearOnly = options.clearOnly;
  realizations.directOnly = options.directTables;
  manager.addPass(createFheChooseRealizations(realizations));
}

void registerAllFhePasses() {
  registerQnnPasses();
  registerConvertQnnToFhePasses();
  registerFheLevelPasses();
  registerTfhePasses();
}

namespace {
/// The options of CompileOptions that concern the passes, for fhe-opt.
struct TextOptions : PassPipelineOptions<TextOptions> {
  Option<unsigned> maxBits{*this, "max-accumulator-bits",
                           llvm::cl::desc("the widest accumulator allowed"), llvm::cl::init(16)};
  Option<unsigned> round{*this, "round-accumulators",
                         llvm::cl::desc("precision of table lookups; 0: exact"), llvm::cl::init(0)};
  Option<bool> calibrated{*this, "calibrated",
                          llvm::cl::desc("size windows for the observed ranges"),
                          llvm::cl::init(false)};
  Option<bool> directTables{*this, "direct-tables",
                            llvm::cl::desc("keep the padding bit of every table"),
                            llvm::cl::init(false)};
  Option<bool> exactScales{*this, "exact-scales",
                           llvm::cl::desc("refuse scales that meet by a table only"),
                           llvm::cl::init(false)};
  Option<bool> products{*this, "products",
                        llvm::cl::desc("products of encrypted tensors by tables"),
                        llvm::cl::init(false)};
  Option<bool> clearOnly{*this, "clear-only", llvm::cl::desc("choose no parameters"),
                         llvm::cl::init(false)};

  Option<double> log2PError{*this, "log2-p-error",
                            llvm::cl::desc("log2 of the failure probability of one table"),
                            llvm::cl::init(-40)};
  Option<unsigned> security{*this, "security", llvm::cl::desc("bits of security: 128 or 132"),
                            llvm::cl::init(128)};

  CompileOptions get() const {
    CompileOptions options;
    options.parameters.log2PError = log2PError.getValue();
    options.parameters.securityBits = security.getValue();
    options.maxAccumulatorBits = maxBits.getValue();
    if (round.getValue())
      options.roundAccumulators = round.getValue();
    options.overflow = calibrated.getValue() ? Overflow::Calibrated : Overflow::Proven;
    options.clearOnly = clearOnly.getValue();
    options.exactScales = exactScales.getValue();
    options.encryptedProducts = products.getValue();
    options.directTables = directTables.getValue();
    return options;
  }
};
} // namespace

static void buildExactPipeline(OpPassManager &manager, const CompileOptions &options) {
  buildFhePipeline(manager, options);
  buildWindowPipeline(manager, options);
  buildRealizationPipeline(manager, options);
}

static void buildWholePipeline(OpPassManager &manager, const CompileOptions &options) {
  buildQnnPipeline(manager, options);
  buildExactPipeline(manager, options);
  buildTfhePipeline(manager, options);
}

void registerFhePipelines() {
  using Build = void (*)(OpPassManager &, const CompileOptions &);
  auto add = [](StringRef name, StringRef description, Build build) {
    PassPipelineRegistration<TextOptions>(
        name, description, [build](OpPassManager &manager, const TextOptions &options) {
          build(manager, options.get());
        });
  };
  add("fhe-qnn", "imported qnn to verified qnn", buildQnnPipeline);
  add("fhe-exact", "verified qnn to verified fhe", buildExactPipeline);
  add("fhe-tfhe", "verified fhe to planned tfhe", buildTfhePipeline);
  add("fhe-pipeline", "imported qnn to planned tfhe, without calibration", buildWholePipeline);
}

void registerFheDialects(DialectRegistry &registry) {
  registry.insert<func::FuncDialect, qnn::QNNDialect, FHEDialect, tfhe_ir::TFHEDialect>();
}

} // namespace fhe
