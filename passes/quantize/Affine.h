//===- Affine.h - Scales, zero points and ranges of quantizers --------------------===//
//
// The formulas of affine quantization on n bits, and three ways to find a range from
// values. Plain numbers, no IR.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_AFFINE_H
#define PASSES_QUANTIZE_AFFINE_H

#include <cstdint>
#include <span>

namespace fhe::quantize {

/// real = (integer - zeroPoint) * scale, integer in lo..hi.
struct Affine {
  double scale = 1;
  int64_t zeroPoint = 0, lo = 0, hi = 0;

  /// round(x / scale) + zeroPoint, halves to even, clipped to lo..hi.
  int64_t quantize(double x) const;
  double dequantize(int64_t integer) const { return double(integer - zeroPoint) * scale; }
};

struct Range {
  double lo = 0, hi = 0;
};

/// Unsigned on `bits` bits, with q = 2^bits - 1: scale = (hi - lo) / q, zero point = round(-lo q / (hi - lo)).
/// lo < hi.
Affine affineOf(Range range, unsigned bits);
/// Signed narrow with zero point 0: scale = largest / (2^(bits-1) - 1). largest > 0, bits >= 2.
Affine symmetricOf(double largest, unsigned bits);

Range minMaxRange(std::span<const float> values);
/// Without the `outside` smallest and the `outside` largest part of the values (0 <= outside < 0.5).
Range percentileRange(std::span<const float> values, double outside);
/// The part of `whole`, both ends moved towards 0 independently, with the least squared error of at
/// most 4096 evenly spaced values on `bits` bits. Contains 0 if `whole` does.
Range leastErrorRange(std::span<const float> values, Range whole, unsigned bits);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_AFFINE_H
