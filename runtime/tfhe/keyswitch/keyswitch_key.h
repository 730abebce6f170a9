//===- keyswitch_key.h - The LWE keyswitch key -----------------------------------------------===//
//
// Plain 64-bit words, the same in memory and in files: [inputDimension][levels][outputDimension+1].
// Row (i, level) is an LWE encryption (mask, body) under the output key of
// s_in[i] * 2^(64 - baseLog * (level + 1)). Level 0 is the most significant digit.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_KEY_H
#define FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_KEY_H

#include "runtime/tfhe/buffer.h"
#include "runtime/tfhe/parameters.h"

namespace fhe::tfhe {

class LweKeyswitchKey {
public:
  LweKeyswitchKey() = default;
  /// Zero words of the right number; fill them from a file or with `generateKeyswitchRows`. The
  /// numbers must have passed `checkBounds`. Check `ok()`: the allocation may fail.
  LweKeyswitchKey(uint32_t inputDimension, uint32_t outputDimension,
                  const Decomposition &decomposition)
      : nIn(inputDimension), nOut(outputDimension), digits(decomposition),
        storage(size_t(inputDimension) * decomposition.levels * (size_t(outputDimension) + 1)) {}

  bool ok() const { return storage.ok(); }
  uint32_t inputDimension() const { return nIn; }
  uint32_t outputDimension() const { return nOut; }
  const Decomposition &decomposition() const { return digits; }

  /// All words, row after row.
  std::span<uint64_t> words() { return storage.span(); }
  std::span<const uint64_t> words() const { return storage.span(); }
  /// The ciphertext of input coefficient i at `level`.
  std::span<uint64_t> row(uint32_t i, uint32_t level) {
    return words().subspan((size_t(i) * digits.levels + level) * (size_t(nOut) + 1), nOut + 1);
  }
  std::span<const uint64_t> row(uint32_t i, uint32_t level) const {
    return words().subspan((size_t(i) * digits.levels + level) * (size_t(nOut) + 1), nOut + 1);
  }

private:
  uint32_t nIn = 0, nOut = 0;
  Decomposition digits;
  AlignedBuffer<uint64_t> storage;
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_KEY_H
