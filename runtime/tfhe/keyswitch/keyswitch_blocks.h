//===- keyswitch_blocks.h - Where the words of a keyswitch key lie ---------------------------===//
//
// Internal. A block of input coefficients is what all ciphertexts of a batch use before the next
// one: plain rows, or byte planes [tile of words][level][group of four coefficients].
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_BLOCKS_H
#define FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_BLOCKS_H

#include "runtime/tfhe/isa/integer_kernels.h"
#include "runtime/tfhe/keyswitch/keyswitch_key.h"

#include <algorithm>

namespace fhe::tfhe {

class KeyswitchBlocks {
public:
  KeyswitchBlocks(const KeyswitchShape &shape, Isa isa)
      : shape(shape), kernels(integerKernels(isa)),
        // Digits of at most 8 bits are signed bytes.
        planes(kernels.planes && shape.decomposition.baseLog <= 8) {}

  /// The words of `key`, from block `begin / coefficients()` on.
  static const std::byte *data(const LweKeyswitchKey &key) { return key.storage.data(); }

  /// Switched coefficients of a block (the last may have fewer): enough steps to make up for reading
  /// and writing the sums, few enough that a tile of a block stays in the first-level cache.
  size_t coefficients() const {
    const size_t levels = shape.decomposition.levels;
    return planes ? 64 * std::max<size_t>(1, 4 / levels) : std::max<size_t>(1, 64 / levels);
  }
  /// Groups of four coefficients of the whole key, padded.
  size_t groups() const { return (size_t(shape.coefficients()) + groupRows - 1) / groupRows; }
  /// Words of one group of byte planes, and such groups of a row.
  size_t tileWords() const { return groupRowBytes * 8 / shape.wordBits; }
  size_t tiles() const { return (shape.words() + tileWords() - 1) / tileWords(); }

  size_t bytes() const {
    if (planes)
      return groups() * shape.decomposition.levels * tiles() * groupBytes;
    return shape.allWords() * (shape.wordBits / 8);
  }
  /// Of the block that begins with switched coefficient i.
  size_t offset(size_t i) const {
    if (planes)
      return i / groupRows * shape.decomposition.levels * tiles() * groupBytes;
    return i * shape.coefficientWords() * (shape.wordBits / 8);
  }

  const KeyswitchShape &shape;
  const IntegerKernels &kernels;
  const bool planes;
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_BLOCKS_H
