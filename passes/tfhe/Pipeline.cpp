//===- Pipeline.cpp - From verified fhe to planned tfhe ----------------------------===//
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "passes/pipeline/Command.h"
#include "passes/tfhe/Passes.h"

namespace fhe {

void buildTfhePipeline(mlir::OpPassManager &manager, const CompileOptions &options) {
  ConvertFheToTfheOptions convert;
  setPassOptions(convert, options.parameters);
  convert.clearOnly = options.clearOnly;
  manager.addPass(createConvertFheToTfhe(convert));
  TfheVerifyNoiseOptions verify;
  setPassOptions(verify, options.parameters);
  verify.command = commandWithout(options.command, {"--round-accumulators"});
  manager.addPass(createTfheVerifyNoise(verify));
  manager.addNestedPass<mlir::func::FuncOp>(createTfheSchedule());
  manager.addNestedPass<mlir::func::FuncOp>(createTfhePlanArena());
  if (options.parameters.maxMemory) {
    TfheVerifyMemoryOptions memory;
    memory.maxMemory = *options.parameters.maxMemory;
    manager.addPass(createTfheVerifyMemory(memory));
  }
}

} // namespace fhe
