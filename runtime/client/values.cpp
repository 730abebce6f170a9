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

static double channelValue(const std::vector<double> &values, uint64_t channel) {
  return values.size() == 1 ? values[0] : values[channel];
}

/// x * scale[c] + offset[c] with c the coordinate along the first axis.
static void applyAffine(const Affine &affine, const std::vector<uint64_t> &shape,
                        std::span<double> values) {
  uint64_t channels = shape.empty() ? 1 : shape[0], each = values.size() / channels;
  for (uint64_t i = 0; i < values.size(); ++i)
    values[i] =
        values[i] * channelValue(affine.scale, i / each) + channelValue(affine.offset, i / each);
}

void quantize(const InputSpec &spec, std::span<const float> values, std::span<int64_t> integers,
              uint64_t sample) {
  std::vector<double> real(values.begin(), values.end());
  for (const Affine &affine : spec.pre)
    applyAffine(affine, spec.shape, real);
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

/// Calls body(first, stride) for each line along `axis`.
template <class Body>
static void forLines(const std::vector<uint64_t> &shape, uint64_t axis, const Body &body) {
  uint64_t outer = 1, inner = 1;
  for (uint64_t d = 0; d < axis; ++d)
    outer *= shape[d];
  for (uint64_t d = axis + 1; d < shape.size(); ++d)
    inner *= shape[d];
  for (uint64_t o = 0; o < outer; ++o)
    for (uint64_t i = 0; i < inner; ++i)
      body(o * shape[axis] * inner + i, inner, o * inner + i);
}

static void softmax(const std::vector<uint64_t> &shape, uint64_t axis,
                    std::vector<double> &values) {
  forLines(shape, axis, [&](uint64_t first, uint64_t stride, uint64_t) {
    double largest = values[first], sum = 0;
    for (uint64_t c = 0; c < shape[axis]; ++c)
      largest = std::max(largest, values[first + c * stride]);
    for (uint64_t c = 0; c < shape[axis]; ++c)
      sum += values[first + c * stride] = std::exp(values[first + c * stride] - largest);
    for (uint64_t c = 0; c < shape[axis]; ++c)
      values[first + c * stride] /= sum;
  });
}

/// The first largest, as ONNX does.
static std::vector<double> argmax(const std::vector<uint64_t> &shape, uint64_t axis,
                                  const std::vector<double> &values) {
  std::vector<double> result(values.size() / shape[axis]);
  forLines(shape, axis, [&](uint64_t first, uint64_t stride, uint64_t line) {
    uint64_t best = 0;
    for (uint64_t c = 1; c < shape[axis]; ++c)
      if (values[first + c * stride] > values[first + best * stride])
        best = c;
    result[line] = double(best);
  });
  return result;
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
  for (const PostOp &op : spec.post) {
    if (op.kind == PostOp::affine)
      applyAffine(op.numbers, shape, real);
    else if (op.kind == PostOp::bipolar)
      for (double &x : real)
        x = x >= 0 ? op.numbers.scale[0] : -op.numbers.scale[0];
    else if (op.kind == PostOp::softmax)
      softmax(shape, op.axis, real);
    else {
      real = argmax(shape, op.axis, real);
      if (op.keepDims)
        shape[op.axis] = 1;
      else
        shape.erase(shape.begin() + std::ptrdiff_t(op.axis));
    }
  }
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
