//===- keyswitch_shape.h - The numbers of a keyswitch ----------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_SHAPE_H
#define FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_SHAPE_H

#include "runtime/tfhe/parameters.h"

#include <cstddef>

namespace fhe::tfhe {

/// Dimensions, digits and word width of a keyswitch key. They must have passed `checkBounds`; with
/// 32-bit words baseLog * levels is at most 32. Where the output key is nested in the input key its
/// `shared` bits are the first of the input key: their mask words are taken over, and the key has
/// rows for the coefficients from `shared` on.
struct KeyswitchShape {
  uint32_t inputDimension = 0, outputDimension = 0;
  Decomposition decomposition;
  uint32_t wordBits = torusBits; ///< Of the key's words, 32 or 64.
  uint32_t shared = 0;           ///< 0, or outputDimension; less than inputDimension.

  KeyswitchShape() = default;
  KeyswitchShape(uint32_t inputDimension, uint32_t outputDimension,
                 const Decomposition &decomposition, uint32_t wordBits = torusBits,
                 uint32_t shared = 0)
      : inputDimension(inputDimension), outputDimension(outputDimension),
        decomposition(decomposition), wordBits(wordBits), shared(shared) {}
  /// Of a parameter set.
  explicit KeyswitchShape(const ParameterSet &set)
      : KeyswitchShape(set.glwe.lweDimension(), set.lwe.dimension, set.keyswitch,
                       set.keyswitchWordBits(), set.sharedCoefficients()) {}

  /// Input coefficients that have rows in the key.
  uint32_t coefficients() const { return inputDimension - shared; }

  /// Words of one row, of the rows of one input coefficient, and of all rows.
  size_t words() const { return size_t(outputDimension) + 1; }
  size_t coefficientWords() const { return decomposition.levels * words(); }
  size_t allWords() const { return coefficients() * coefficientWords(); }
  friend bool operator==(const KeyswitchShape &, const KeyswitchShape &) = default;
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_SHAPE_H
