//===- RowRounding.h - Integers for the weights of a linear layer -----------------===//
//
// For one output channel: the scale s and the integers q for which s q x + b is nearest
// to given results y over the calibration inputs x, in least squares. The sum over samples
// is a quadratic form in q (the normal equations), which coordinate descent makes smaller
// one integer at a time; the same form as in Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ",
// ICLR 2023, section 3, with y of the float network and x of the quantized one, so that a
// layer makes up for errors of those before it.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_ROWROUNDING_H
#define PASSES_QUANTIZE_ROWROUNDING_H

#include <cstdint>
#include <span>
#include <vector>

namespace fhe::quantize {

/// Sums over rows (samples, and places of a convolution) of inputs x[terms] and results y[outputs].
class NormalEquations {
public:
  NormalEquations(int64_t terms, int64_t outputs);
  void add(std::span<const float> x, std::span<const float> y);
  /// To sums of (x - mean x)(x - mean x)^T and (y - mean y)(x - mean x)^T; once, after the last add.
  void centre();

  int64_t terms, outputs, rows = 0;
  std::vector<double> gram;          ///< [terms][terms]
  std::vector<double> cross;         ///< [outputs][terms]
  std::vector<double> meanX, meanY;
};

/// What the integers of a row may be, zero point taken off.
struct RowLimits {
  int64_t lo = 0, hi = 0;
};

struct Row {
  double scale = 1;
  std::vector<int32_t> integers; ///< in lo..hi
  double error = 0;              ///< the quadratic form, up to a constant of the row
};

/// Minimizes v^T A v - 2 r^T v over v = scale * integers, starting from the nearest integers to
/// `weights` at `scale`; then the best scale for these integers in turn, a few times. `a` is symmetric
/// with a positive diagonal. Deterministic. Cost: n^2 for the start, n a changed integer.
Row roundRow(std::span<const double> a, std::span<const double> r, std::span<const double> weights,
             double scale, RowLimits limits);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_ROWROUNDING_H
