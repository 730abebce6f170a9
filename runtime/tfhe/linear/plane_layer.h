//===- plane_layer.h - Linear layers by byte planes ------------------------------------------===//
//
// Internal. One unit of work is a strip of neighbouring output positions of one row, a piece of the
// ciphertexts' words and a block of output channels: the inputs under the strip are interleaved
// into groups of four taps (see PlaneKernels), then every tile of weight rows is multiplied with
// every window of the strip.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_LINEAR_PLANE_LAYER_H
#define FHE_RUNTIME_TFHE_LINEAR_PLANE_LAYER_H

#include "runtime/tfhe/isa/integer_kernels.h"
#include "runtime/tfhe/linear/linear.h"

namespace fhe::tfhe {

/// How the taps of a window make groups, and the work units.
struct PlanePlan {
  PlanePlan(const ConvolutionShape &shape, uint32_t wordBytes, uint32_t bytesPerWeight);

  bool byChannels;    ///< Groups of four channels at one place; else of four taps of one window.
  uint64_t groups;    ///< Of one window.
  uint64_t columns;   ///< Groups of one row of the strip (byChannels: input columns).
  uint64_t tileWords; ///< Words of a group.
  uint64_t strip, strips; ///< Positions of a unit, and units of a row of outputs.
  uint64_t tiles, pieces; ///< Groups of words of a ciphertext, and units of them.
  uint64_t pieceTiles;    ///< Most tiles of a unit.
  uint64_t blocks;        ///< Units of the output channels of one convolution group.
  uint64_t units;
  double cost, wordCost; ///< Estimated cycles of a window and tile: this way, and word by word.

  /// Groups of one tile of a unit.
  uint64_t unitGroups(const ConvolutionShape &shape) const;
  size_t scratchBytes(const ConvolutionShape &shape) const;
};

/// Does the units [begin, end).
template <class Word>
void planeLayer(const ConvolutionShape &shape, const PlanePlan &plan, const PlaneKernels &kernels,
                const Word *in, const Weights &weights, Word *out, uint64_t begin, uint64_t end,
                Scratch scratch);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_LINEAR_PLANE_LAYER_H
