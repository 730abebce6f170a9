//===- keyswitch_key.h - The LWE keyswitch key as the kernels read it ------------------------===//
//
// Row (i, level) is an LWE encryption (mask, body) under the output key of
// s_in[shared + i] * 2^(64 - baseLog * (level + 1)); level 0 is the most significant digit. Outside of this
// class rows are 64-bit torus words, [coefficient][level][outputDimension + 1]; a key of 32-bit
// words keeps the high halves (the low ones are zero). Inside they lie as the instruction set reads
// them: plain rows, or groups of four coefficients in byte planes, in the order of use.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_KEY_H
#define FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_KEY_H

#include "runtime/tfhe/buffer.h"
#include "runtime/tfhe/isa/isa.h"
#include "runtime/tfhe/keyswitch/keyswitch_shape.h"

namespace fhe::tfhe {

class LweKeyswitchKey {
public:
  LweKeyswitchKey() = default;
  /// A key of zero rows. Check `ok()`: the allocation may fail.
  explicit LweKeyswitchKey(const KeyswitchShape &shape, Isa isa = activeIsa());

  bool ok() const { return storage.ok(); }
  const KeyswitchShape &shape() const { return numbers; }
  /// The instruction set whose kernels read it.
  Isa isa() const { return instructions; }
  /// Bytes it takes in memory: those of keyswitchKeyBytes, rounded up to whole groups and tiles.
  static size_t bytes(const KeyswitchShape &shape, Isa isa = activeIsa());

  /// Coefficients that `setCoefficients` takes together.
  static constexpr uint32_t coefficientGroup = 4;
  /// Sets the rows of switched coefficients from `begin` (a multiple of coefficientGroup) on: whole
  /// coefficients, a multiple of coefficientGroup or all the rest. Threads may set disjoint ones.
  void setCoefficients(uint32_t begin, std::span<const uint64_t> rows);

private:
  friend class KeyswitchBlocks;

  KeyswitchShape numbers;
  Isa instructions = Isa::scalar;
  AlignedBuffer<std::byte> storage;
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_KEYSWITCH_KEYSWITCH_KEY_H
