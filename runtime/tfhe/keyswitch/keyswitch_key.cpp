//===- keyswitch_key.cpp - The LWE keyswitch key as the kernels read it ----------------------===//
#include "runtime/tfhe/keyswitch/keyswitch_blocks.h"

#include <cstring>

namespace fhe::tfhe {

LweKeyswitchKey::LweKeyswitchKey(const KeyswitchShape &shape, Isa isa)
    : numbers(shape), instructions(isa), storage(bytes(shape, isa)) {}

size_t LweKeyswitchKey::bytes(const KeyswitchShape &shape, Isa isa) {
  return KeyswitchBlocks(shape, isa).bytes();
}

static void narrow(const uint64_t *in, size_t count, uint32_t *out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = uint32_t(in[i] >> 32);
}

/// The four rows of one level (null: none), to one group of each tile, `stride` bytes apart.
static void packLevel(const KeyswitchBlocks &blocks, const uint64_t *const *rows, uint8_t *out,
                      size_t stride) {
  const size_t words = blocks.shape.words();
  if (blocks.shape.wordBits == 64) {
    const void *const from[groupRows] = {rows[0], rows[1], rows[2], rows[3]};
    blocks.kernels.planes->pack(from, words * sizeof(uint64_t), out, stride);
    return;
  }
  constexpr size_t chunk = 256; // A multiple of the words of a tile.
  alignas(bufferAlignment) uint32_t halves[groupRows][chunk];
  for (size_t at = 0; at < words; at += chunk) {
    const size_t here = std::min(chunk, words - at);
    const void *from[groupRows];
    for (size_t r = 0; r < groupRows; ++r) {
      from[r] = rows[r] ? halves[r] : nullptr;
      if (rows[r])
        narrow(rows[r] + at, here, halves[r]);
    }
    blocks.kernels.planes->pack(from, here * sizeof(uint32_t),
                                out + at / blocks.tileWords() * stride, stride);
  }
}

void LweKeyswitchKey::setCoefficients(uint32_t begin, std::span<const uint64_t> rows) {
  const KeyswitchBlocks blocks(numbers, instructions);
  if (!blocks.planes) {
    std::byte *to = storage.data() + blocks.offset(begin);
    if (numbers.wordBits == 64)
      std::memcpy(to, rows.data(), rows.size_bytes());
    else
      narrow(rows.data(), rows.size(), reinterpret_cast<uint32_t *>(to));
    return;
  }
  const size_t levels = numbers.decomposition.levels, words = numbers.words();
  const size_t count = rows.size() / numbers.coefficientWords(), step = blocks.coefficients();
  for (size_t i = 0; i < count; i += coefficientGroup) {
    const size_t first = (begin + i) / step * step;
    const size_t groups = std::min(step / groupRows, blocks.groups() - first / groupRows);
    const size_t group = (begin + i - first) / groupRows;
    auto *block = reinterpret_cast<uint8_t *>(storage.data() + blocks.offset(first));
    for (size_t level = 0; level < levels; ++level) {
      const uint64_t *from[groupRows];
      for (size_t r = 0; r < groupRows; ++r)
        from[r] = i + r < count ? rows.data() + ((i + r) * levels + level) * words : nullptr;
      packLevel(blocks, from, block + (level * groups + group) * groupBytes,
                levels * groups * groupBytes);
    }
  }
}

} // namespace fhe::tfhe
