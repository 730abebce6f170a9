//===- Quantize.cpp - Post-training quantization of a float network ---------------===//
#include "passes/quantize/Quantize.h"
#include "passes/quantize/CalibrationCheck.h"
#include "passes/quantize/HeldOut.h"

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

/// The ways that small networks are quantized in; large ones take the first.
static constexpr bool kEqualizes[] = {true, false};
static constexpr RangeMethod kRanges[] = {RangeMethod::Output, RangeMethod::LeastError, RangeMethod::MinMax};
/// How much integers are held to the weights of the file: the second for weights that few samples say little about.
static constexpr double kRidges[] = {0.05, 2};

/// The way with the least error of the results on samples it has not seen.
static FailureOr<Variant> chooseVariant(ModuleOp module, const RealTensors &inputs, int64_t samples,
                                        const QuantizeOptions &options) {
  Variant best{kEqualizes[0]};
  std::optional<double> least;
  for (double ridge : kRidges)
    for (bool equalizes : kEqualizes)
      for (RangeMethod range : kRanges) {
        Variant variant{equalizes, ridge};
        if (options.range == RangeMethod::Output)
          variant.range = range;
        else if (range != kRanges[0])
          continue; // the method was asked for
        FailureOr<double> error = heldOutError(module, inputs, samples, options, variant);
        if (failed(error))
          return failure();
        if (least && *error >= *least)
          continue;
        least = *error;
        best = variant;
      }
  return best;
}

LogicalResult quantizeNetwork(ModuleOp module, const RealTensors &inputs, int64_t samples,
                              const QuantizeOptions &options) {
  if (failed(checkRequest(module, inputs, samples, options)))
    return failure();
  FailureOr<Variant> variant = Variant{kEqualizes[0] && !options.perTensor};
  if (!options.perTensor && isSmall(module, samples))
    variant = chooseVariant(module, inputs, samples, options);
  if (failed(variant))
    return failure();
  return Network(module, inputs, samples, options, *variant).run();
}

} // namespace fhe::quantize
