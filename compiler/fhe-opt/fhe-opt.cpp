//===- fhe-opt.cpp - The mlir-opt of the project --------------------------------===//
#include "dialects/fhe/FHE.h"
#include "dialects/qnn/QNN.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/convert/QnnToFhe.h"
#include "passes/fhe/Passes.h"
#include "passes/qnn/Passes.h"
#include "passes/tfhe/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registry.insert<fhe::qnn::QNNDialect, fhe::FHEDialect, fhe::tfhe_ir::TFHEDialect>();
  fhe::registerFheLevelPasses();
  fhe::registerQnnPasses();
  fhe::registerConvertQnnToFhePasses();
  fhe::registerTfhePasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "fhe-opt\n", registry));
}
