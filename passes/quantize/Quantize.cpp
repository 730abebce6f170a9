//===- Quantize.cpp - Post-training quantization of a float network ---------------===//
#include "passes/quantize/Quantize.h"
#include "passes/quantize/CalibrationCheck.h"
#include "passes/quantize/HeldOut.h"
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

/// The ways that small networks are quantized in; large ones take the first.
static constexpr bool kEqualizes[] = {true, false};
static constexpr RangeMethod kRanges[] = {RangeMethod::Output, RangeMethod::LeastError, RangeMethod::MinMax};
/// How much integers are held to the weights of the file, the strongest first.
static constexpr double kRidges[] = {2, 0.05};
/// Errors of few samples are not known better than to this factor.
static constexpr double kAsGood = 1.1;

/// The way with the least error of the results on samples it has not seen; of those as good as that the one
/// that fits the samples least (as the one-standard-error rule, Breiman, Friedman, Olshen, Stone,
/// "Classification and Regression Trees", 1984, section 3.4.3).
static FailureOr<Variant> chooseVariant(ModuleOp module, const RealTensors &inputs, int64_t samples,
                                        const QuantizeOptions &options) {
  std::vector<std::pair<Variant, double>> found;
  double least = HUGE_VAL;
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
        found.emplace_back(variant, *error);
        least = std::min(least, *error);
      }
  auto asGood = [&](const auto &one) { return one.second <= kAsGood * least; };
  auto chosen = llvm::find_if(found, asGood);
  return chosen == found.end() ? found.front().first : chosen->first; // NaN: nothing to compare
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
