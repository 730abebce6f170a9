//===- Quantization.cpp - Post-training quantization from calibration files ------===//
#include "compiler/driver/Quantization.h"
#include "compiler/driver/Calibration.h"
#include "dialects/qnn/Elements.h"
#include "passes/quantize/Quantize.h"

using namespace mlir;

namespace fhe {

LogicalResult quantizeFromFiles(ModuleOp module, const std::vector<NamedFile> &files,
                                const QuantizeOptions &options) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::vector<CalibrationInput> inputs;
  for (BlockArgument argument : main.getArguments()) {
    auto name = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qnn.name");
    inputs.push_back({name ? name.str() : "input" + std::to_string(argument.getArgNumber()),
                      qnn::elementCount(argument)});
  }
  int64_t samples = 0;
  auto values = readCalibration(module, files, inputs, samples);
  if (failed(values))
    return failure();
  return quantize::quantizeNetwork(module, *values, samples, options);
}

} // namespace fhe
