//===- weight_tiles.h - Clear weights as rows of signed bytes --------------------------------===//
//
// Internal. The weights of a block of output channels, cut into bytes, six rows a tile, each tile
// with the list of the groups of taps in which it has a weight.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_LINEAR_WEIGHT_TILES_H
#define FHE_RUNTIME_TFHE_LINEAR_WEIGHT_TILES_H

#include "runtime/tfhe/isa/integer_kernels.h"
#include "runtime/tfhe/linear/linear.h"

namespace fhe::tfhe {

struct PlanePlan;

/// One byte place of the weights of one output channel.
struct WeightRow {
  uint32_t output; ///< Channel within the group of the convolution.
  uint32_t shift;  ///< 8 times the place.
};

/// Rows that are multiplied together (columns == rows: one list for all) or one after the other
/// (columns == 1: one list a row, in order).
struct WeightTile {
  const WeightRow *row;
  size_t rows, columns;
  uint32_t steps[maxColumns]; ///< Lengths of the lists.
  const uint32_t *groups;     ///< Of each step, counted from the window's first group.
  const int32_t *digits;      ///< [steps][columns], four signed bytes each.
};

/// Rows of a block, and the output channels whose rows always fit it.
inline constexpr uint64_t blockRows = 96;
constexpr uint64_t blockOutputs(uint32_t bytesPerWeight) {
  // Signed bytes of a weight: one, three or five (32767 = 2^16 - 2^15 - 1).
  return blockRows / (bytesPerWeight == 1 ? 1 : bytesPerWeight + 1);
}

class WeightTiles {
public:
  /// `memory`: scratchBytes(plan.groups), aligned to bufferAlignment.
  WeightTiles(const ConvolutionShape &shape, const PlanePlan &plan, const Weights &weights,
              std::byte *memory);

  static size_t scratchBytes(uint64_t groups);

  /// Prepares the block of a group of the convolution, unless it is the present one.
  void select(uint64_t group, uint64_t block);
  size_t count() const { return tileCount; }
  const WeightTile &tile(size_t i) const { return tiles[i]; }

private:
  void findRows();
  int32_t quad(const WeightRow &row, uint64_t firstTap, uint64_t stride, uint64_t valid) const;
  void makeTile(WeightTile &tile);
  size_t collect(const WeightTile &tile, size_t *nonZero);

  static constexpr size_t mostTiles = (blockRows + maxColumns - 1) / maxColumns;

  const ConvolutionShape &shape;
  const PlanePlan &plan;
  const Weights &weights;
  uint32_t *common;    ///< [groups]: one tile's list.
  int32_t *commonDigits; ///< [groups][maxColumns]
  std::byte *lists, *next;
  uint64_t group = UINT64_MAX, block = UINT64_MAX;
  WeightRow rows[blockRows];
  size_t rowCount = 0, tileCount = 0;
  WeightTile tiles[mostTiles];
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_LINEAR_WEIGHT_TILES_H
