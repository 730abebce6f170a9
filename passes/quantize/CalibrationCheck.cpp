//===- CalibrationCheck.cpp - What post-training quantization refuses ---------------===//
#include "passes/quantize/CalibrationCheck.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

static LogicalResult checkBits(Location loc, const char *what, unsigned bits, unsigned least, unsigned most) {
  if (bits >= least && bits <= most)
    return success();
  return emitError(loc) << what << " must be from " << least << " to " << most << ", found " << bits
                        << diag::tag(diag::QuantizeBits);
}

LogicalResult checkValues(func::FuncOp function, const RealTensors &inputs, int64_t samples) {
  if (samples < 2)
    return function.emitError("choosing numbers from calibration values needs two or more samples, found ")
           << samples << diag::tag(diag::CalibrationUnfit);
  for (auto [i, values] : llvm::enumerate(inputs)) {
    auto name = function.getArgAttrOfType<StringAttr>(i, "qnn.name");
    std::string input = "input '" + (name ? name.str() : std::to_string(i)) + "'";
    if (int64_t(values.size()) != samples * elementCount(function.getArgument(i)))
      return function.emitError("calibration values of ") << input << " do not fit its shape"
                                                          << diag::tag(diag::CalibrationUnfit);
    if (!llvm::all_of(values, [](float x) { return std::isfinite(x); }))
      return function.emitError("calibration values of ") << input << " hold NaN or infinity"
                                                          << diag::tag(diag::CalibrationUnfit);
    int64_t size = int64_t(values.size()) / samples;
    bool same = true;
    for (int64_t s = 1; s != samples && same; ++s)
      same = std::equal(values.begin(), values.begin() + size, values.begin() + s * size);
    if (!same)
      continue;
    auto error = function.emitError("all calibration samples of ")
                 << input << " are the same" << diag::tag(diag::CalibrationUnfit);
    error.attachNote() << "help: give inputs as the network will see them, some hundred different ones";
    return failure();
  }
  return success();
}

LogicalResult checkRequest(ModuleOp module, const RealTensors &inputs, int64_t samples,
                           const QuantizeOptions &options) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  Location loc = module.getLoc();
  if (failed(checkBits(loc, "--weight-bits", options.weightBits, leastWeightBits, mostQuantizeBits)) ||
      failed(checkBits(loc, "--activation-bits", options.activationBits, 1, mostQuantizeBits)) ||
      failed(checkBits(loc, "--input-bits", options.inputBits.value_or(1), 1, mostInterfaceBits)) ||
      failed(checkBits(loc, "--output-bits", options.outputBits.value_or(1), 1, mostInterfaceBits)))
    return failure();
  Operation *quantizer = nullptr;
  main.walk([&](Operation *op) {
    auto constant = dyn_cast<ConstantOp>(op);
    if (!quantizer && (isQuantizer(op) || (constant && !constant.getType().getElementType().isF32())))
      quantizer = op;
  });
  if (quantizer) {
    auto error = quantizer->emitError("the network is quantized already; --weight-bits and "
                                      "--activation-bits choose quantizers for a float network")
                 << diag::tag(diag::AlreadyQuantized);
    error.attachNote() << "help: leave out --weight-bits and --activation-bits, or export the network "
                          "before quantization";
    return failure();
  }
  return checkValues(main, inputs, samples);
}

} // namespace fhe::quantize
