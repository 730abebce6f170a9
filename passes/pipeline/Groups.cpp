//===- Groups.cpp - The passes up to the exact program ------------------------===//
//
// A library of its own: what works on networks before parameters are chosen (a
// fuzzer, say) does not link the tfhe level.
//
//===---------------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/convert/QnnToFhe.h"
#include "passes/fhe/Passes.h"
#include "passes/pipeline/Command.h"
#include "passes/pipeline/Pipeline.h"
#include "passes/qnn/Passes.h"

using namespace mlir;

namespace fhe {

void buildOutputPipeline(OpPassManager &manager, const CompileOptions &options) {
  if (options.outputs == OutputForm::AsGiven)
    return;
  QnnSetOutputsOptions outputs;
  outputs.raw = options.outputs == OutputForm::Raw;
  manager.addNestedPass<func::FuncOp>(createQnnSetOutputs(outputs));
}

void buildQnnPipeline(OpPassManager &manager, const CompileOptions &options) {
  manager.addNestedPass<func::FuncOp>(createQnnFold());
  manager.addNestedPass<func::FuncOp>(createQnnInferWeights());
  manager.addNestedPass<func::FuncOp>(createQnnMoveMaxima());
  QnnCheckQuantizersOptions check;
  check.command = commandWithout(options.command, {"--unequal-scales", "--encrypted-products"});
  check.exactScales = options.exactScales;
  check.products = options.encryptedProducts;
  manager.addNestedPass<func::FuncOp>(createQnnCheckQuantizers(check));
  QnnVerifyAccumulatorsOptions verify;
  verify.maxBits = options.maxAccumulatorBits;
  verify.round = options.roundAccumulators.value_or(0);
  verify.exactScales = options.exactScales;
  verify.products = options.encryptedProducts;
  verify.command = commandWithout(options.command, {"--max-accumulator-bits"});
  manager.addNestedPass<func::FuncOp>(createQnnVerifyAccumulators(verify));
}

void buildFhePipeline(OpPassManager &manager, const CompileOptions &options) {
  ConvertQnnToFheOptions convert;
  convert.exactScales = options.exactScales;
  convert.products = options.encryptedProducts;
  manager.addPass(createConvertQnnToFhe(convert));
  manager.addNestedPass<func::FuncOp>(createFheFuseLuts());
}

void buildWindowPipeline(OpPassManager &manager, const CompileOptions &options) {
  FheAssignWindowsOptions windows;
  windows.calibrated = options.overflow == Overflow::Calibrated;
  windows.round = options.roundAccumulators.value_or(0);
  windows.log2PError = options.parameters.log2PerElement();
  windows.command = commandWithout(options.command, {"--round-accumulators"});
  manager.addNestedPass<func::FuncOp>(createFheAssignWindows(windows));
  manager.addPass(createFheVerifyExact());
}

} // namespace fhe
