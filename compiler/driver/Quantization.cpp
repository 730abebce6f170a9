//===- Quantization.cpp - Post-training quantization from calibration files ------===//
#include "compiler/driver/Quantization.h"
#include "compiler/driver/Calibration.h"
#include "dialects/qnn/Elements.h"
#include "mlir/Pass/PassManager.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Passes.h"
#include "passes/quantize/FreezeStatistics.h"
#include "passes/quantize/Quantize.h"

using namespace mlir;

namespace fhe {

/// The values of each argument of @main, [samples][elements].
static FailureOr<qnn::RealTensors> readInputs(ModuleOp module, const std::vector<NamedFile> &files,
                                              int64_t &samples) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::vector<CalibrationInput> inputs;
  for (BlockArgument argument : main.getArguments()) {
    auto name = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qnn.name");
    inputs.push_back({name ? name.str() : "input" + std::to_string(argument.getArgNumber()),
                      qnn::elementCount(argument)});
  }
  return readCalibration(module, files, inputs, samples);
}

LogicalResult quantizeFromFiles(ModuleOp module, const std::vector<NamedFile> &files,
                                const QuantizeOptions &options) {
  int64_t samples = 0;
  auto values = readInputs(module, files, samples);
  if (failed(values))
    return failure();
  return quantize::quantizeNetwork(module, *values, samples, options);
}

LogicalResult freezeStatisticsFromFiles(ModuleOp module, const std::vector<NamedFile> &files) {
  int64_t samples = 0;
  auto values = readInputs(module, files, samples);
  if (failed(values))
    return failure();
  return quantize::freezeStatistics(module, *values, samples);
}

LogicalResult refuseStatistics(ModuleOp module, StringRef command) {
  PassManager manager(module.getContext());
  manager.addNestedPass<func::FuncOp>(createQnnFold()); // those of constants
  if (failed(manager.run(module)))
    return failure();
  // One of the two of each normalization says it.
  bool good = true;
  module.walk([&](qnn::StatisticOp op) {
    if (op.getStatistic() != qnn::Statistic::Mean)
      good &= succeeded(qnn::refuseStatistic(op, command));
  });
  return success(good);
}

} // namespace fhe
