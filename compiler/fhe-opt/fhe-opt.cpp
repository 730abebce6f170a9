//===- fhe-opt.cpp - The mlir-opt of the project --------------------------------===//
#include "dialects/fhe/FHE.h"
#include "dialects/qnn/QNN.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registry.insert<fhe::qnn::QNNDialect, fhe::FHEDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "fhe-opt\n", registry));
}
