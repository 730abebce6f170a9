//===- QuantizeOptions.h - What post-training quantization is asked for ----------===//
//
// From the command line (--weight-bits and what goes with it) to passes/quantize.
//
//===-----------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_QUANTIZEOPTIONS_H
#define PASSES_QUANTIZE_QUANTIZEOPTIONS_H

#include <optional>

namespace fhe {

/// How the range of an activation is found from calibration values.
enum class RangeMethod {
  MinMax,     ///< smallest and largest value
  Percentile, ///< without the outermost 0.05 % at each end
  LeastError, ///< least squared error of the values themselves
  Output,     ///< of many ranges, the one with the least squared error of the network's results
};

struct QuantizeOptions {
  unsigned weightBits = 0, activationBits = 0;    ///< 2..8, 1..8
  std::optional<unsigned> inputBits, outputBits; ///< 1..16; inputs: activationBits where absent
  /// One scale a weight tensor, each weight to the nearest integer, biases as they are; else one scale
  /// an output channel, integers and biases of least squared error of the layer's results.
  bool perTensor = false;
  bool asymmetricWeights = false; ///< zero points for weights, else symmetric and narrow
  RangeMethod range = RangeMethod::Output;
};

inline constexpr unsigned leastWeightBits = 2, mostQuantizeBits = 8, mostInterfaceBits = 16;
/// Of a result that is no affine function of integers, where `outputBits` is absent.
inline constexpr unsigned defaultOutputBits = 8;

} // namespace fhe

#endif // PASSES_QUANTIZE_QUANTIZEOPTIONS_H
