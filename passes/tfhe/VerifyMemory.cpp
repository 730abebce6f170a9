//===- VerifyMemory.cpp - tfhe-verify-memory ----------------------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "passes/parameters/ChooseParameters.h"
#include "passes/parameters/CostModel.h"
#include "passes/tfhe/ArenaPlan.h"
#include "passes/tfhe/Passes.h"

namespace fhe {
#define GEN_PASS_DEF_TFHEVERIFYMEMORY
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
namespace ir = fhe::tfhe_ir;

namespace {

struct TfheVerifyMemory : fhe::impl::TfheVerifyMemoryBase<TfheVerifyMemory> {
  using TfheVerifyMemoryBase::TfheVerifyMemoryBase;

  LogicalResult run() {
    ir::ParametersOp parameters = ir::getParameters(getOperation());
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!parameters || !maxMemory || parameters.getClearOnly())
      return success(parameters != nullptr);
    auto arenas = main ? main->getAttrOfType<DictionaryAttr>(fhe::arenaAttr) : DictionaryAttr();
    if (!arenas)
      return getOperation().emitError("the program is not planned; run tfhe-plan-arena first");
    uint64_t peak = fhe::parameters::peakBytes(main, arenas, parameters);
    if (peak <= maxMemory)
      return success();
    return emitError(main.getLoc(), "one inference needs ")
           << fhe::parameters::printed(double(peak) / 1e6) << " MB of memory, allowed are "
           << fhe::parameters::printed(double(maxMemory) / 1e6) << " MB ["
           << fhe::diag::BeyondLimits << "]";
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }
};

} // namespace
