//===- fhe-opt.cpp - The mlir-opt of the project --------------------------------===//
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/pipeline/Pipeline.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  fhe::registerFheDialects(registry);
  fhe::registerAllFhePasses();
  fhe::registerFhePipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "fhe-opt\n", registry));
}
