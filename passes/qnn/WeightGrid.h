//===- WeightGrid.h - Float weights that are integers times a scale ------------------===//
//
// Exporters that know no weight quantizer write weights as they were quantized in training,
// multiplied out: w = f32(scale * k) with few integers k. The scale is found again.
//
//===--------------------------------------------------------------------------------===//
#ifndef PASSES_QNN_WEIGHTGRID_H
#define PASSES_QNN_WEIGHTGRID_H

#include "dialects/qnn/QNN.h"
#include <optional>
#include <span>
#include <string>

namespace fhe::qnn {

/// |w - k * scale| <= kGridTolerance * |w| for the integer k of each weight. Four units in the last place
/// at least: roundings of w and of the scale. With |k| <= 255 the distance of w / scale from k is below
/// 2^-12, so k is the only integer near.
inline constexpr double kGridTolerance = 0x1p-21;

/// The largest scale of which all `weights` are multiples by integers k with |k| <= 255, if there is one:
/// where it exists a 32-bit float with f32(scale * k) = w for all of them. 1 where all are zero.
std::optional<double> commonScale(std::span<const float> weights);

/// `constant` [O, ...] as a quantized constant before `op`, of at most 8 bits: per tensor, or per output
/// channel where only that is possible or needs fewer bits. Null where there is none.
ConstantOp quantizeOnGrid(mlir::Operation *op, ConstantOp constant);

/// Why quantizeOnGrid gives nothing: the first channel without a scale; "" where it gives something.
std::string describeOffGrid(ConstantOp constant);

} // namespace fhe::qnn

#endif // PASSES_QNN_WEIGHTGRID_H
