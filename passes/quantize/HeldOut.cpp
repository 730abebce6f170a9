//===- HeldOut.cpp - Ways of quantizing compared on samples they have not seen -------===//
#include "passes/quantize/HeldOut.h"

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

static constexpr int64_t kLeastToSplit = 64;

/// Samples of one parity.
static RealTensors half(const RealTensors &inputs, int64_t samples, int64_t parity) {
  RealTensors out;
  for (const std::vector<float> &values : inputs) {
    auto size = int64_t(values.size()) / samples;
    std::vector<float> &part = out.emplace_back();
    for (int64_t s = parity; s < samples; s += 2)
      part.insert(part.end(), values.begin() + s * size, values.begin() + (s + 1) * size);
  }
  return out;
}

/// `fit` samples to quantize from, `other` to compare on.
static FailureOr<double> errorOf(ModuleOp module, const RealTensors &fit, int64_t fitSamples,
                                 const RealTensors &other, int64_t otherSamples,
                                 const QuantizeOptions &options, Variant variant) {
  OwningOpRef<ModuleOp> copy = module.clone();
  Network network(*copy, fit, fitSamples, options, variant);
  if (failed(network.run()))
    return failure();
  return network.errorOn(other, otherSamples);
}

FailureOr<double> heldOutError(ModuleOp module, const RealTensors &inputs, int64_t samples,
                               const QuantizeOptions &options, Variant variant) {
  if (samples < kLeastToSplit)
    return errorOf(module, inputs, samples, inputs, samples, options, variant);
  RealTensors even = half(inputs, samples, 0), odd = half(inputs, samples, 1);
  int64_t evens = (samples + 1) / 2, odds = samples / 2;
  FailureOr<double> first = errorOf(module, even, evens, odd, odds, options, variant);
  if (failed(first))
    return failure();
  FailureOr<double> second = errorOf(module, odd, odds, even, evens, options, variant);
  if (failed(second))
    return failure();
  return (*first + *second) / 2;
}

} // namespace fhe::quantize
