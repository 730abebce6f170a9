//===- values.cpp - Floats to integers and back, as the manifest says ---------------------===//
#include "runtime/client/values.h"

#include <algorithm>
#include <cmath>

namespace fhe::runtime {

/// Half to even whatever the rounding mode of the floating-point unit. Beyond 2^52 every double is
/// an integer already.
static double roundHalfEven(double x) {
  double below = std::floor(x), rest = x - below;
  if (rest != 0.5)
    return rest < 0.5 ? below : below + 1;
  return std::fmod(below, 2) == 0 ? below : below + 1;
}

double roundAs(Rounding rounding, double x) {
  switch (rounding) {
  case Rounding::halfEven:
    return roundHalfEven(x);
  case Rounding::ceil:
    return std::ceil(x);
  case Rounding::floor:
    return std::floor(x);
  case Rounding::up: // Away from zero.
    return std::copysign(std::ceil(std::abs(x)), x);
  case Rounding::down: // Towards zero.
    return std::trunc(x);
  case Rounding::halfUp: // Ties away from zero.
    return std::round(x);
  case Rounding::halfDown: { // Ties towards zero.
    double size = std::abs(x), below = std::floor(size);
    return std::copysign(size - below > 0.5 ? below + 1 : below, x);
  }
  }
  return x;
}

void quantize(const InputSpec &spec, std::span<const float> values, std::span<int64_t> integers,
              uint64_t sample) {
  std::vector<double> real(values.begin(), values.end());
  std::vector<uint64_t> shape = spec.floatShape;
  for (const PreOp &op : spec.pre)
    if (std::string problem = applyPre(op, shape, real); !problem.empty())
      throw Failure(FHE_INVALID_ARGUMENT, "input '" + spec.name + "': sample " +
                                              std::to_string(sample) + ", " + problem);
  const Quantizer &quantizer = spec.quantizer;
  for (uint64_t i = 0; i < real.size(); ++i) {
    if (std::isnan(real[i]))
      throw Failure(FHE_INVALID_ARGUMENT, "input '" + spec.name + "': sample " +
                                              std::to_string(sample) + ", element " +
                                              std::to_string(i) + " is not a number");
    if (quantizer.bipolar) {
      integers[i] = real[i] >= 0 ? 1 : -1;
      continue;
    }
    double scaled = std::clamp(real[i] / quantizer.scale + quantizer.zeroPoint,
                               double(quantizer.min), double(quantizer.max));
    integers[i] = int64_t(roundAs(quantizer.rounding, scaled)) - int64_t(quantizer.zeroPoint);
  }
}

void dequantize(const OutputSpec &spec, std::span<const int64_t> integers,
                std::span<float> values) {
  uint64_t inner = 1, channels = 1;
  if (spec.channelAxis) {
    channels = spec.shape[*spec.channelAxis];
    for (uint64_t d = *spec.channelAxis + 1; d < spec.shape.size(); ++d)
      inner *= spec.shape[d];
  }
  std::vector<double> real(integers.size());
  for (uint64_t i = 0; i < real.size(); ++i) {
    uint64_t channel = i / inner % channels;
    real[i] = double(integers[i]) * channelValue(spec.scale, channel) +
              channelValue(spec.offset, channel);
  }
  std::vector<uint64_t> shape = spec.shape;
  for (const PostOp &op : spec.post)
    applyPost(op, shape, real);
  std::copy(real.begin(), real.end(), values.begin());
}

int64_t nearestResidue(uint64_t value, uint32_t log2Delta, int64_t lo, int64_t hi) {
  // Rounded up, so that a range of all residues is covered exactly.
  uint64_t middle = uint64_t(lo + (hi - lo + 1) / 2);
  uint64_t difference = (value - middle) << log2Delta; // Modulo 2^64: a residue at the top.
  return int64_t(middle + uint64_t(int64_t(difference) >> log2Delta));
}

int64_t decodePhase(uint64_t phase, uint32_t log2Delta, int64_t lo, int64_t hi) {
  uint64_t rounded = (phase + (uint64_t(1) << (log2Delta - 1))) >> log2Delta;
  return nearestResidue(rounded, log2Delta, lo, hi);
}

} // namespace fhe::runtime
