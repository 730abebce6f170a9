//===- keyswitch.cpp - Batched LWE keyswitch -------------------------------------------------===//
//
// Ciphertexts go in groups, key rows in blocks: a block of rows stays in the second-level cache
// while all ciphertexts of the group use it, and the next block is prefetched meanwhile.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/keyswitch/keyswitch.h"

#include "runtime/tfhe/isa/kernels.h"

#include <algorithm>
#include <cstring>

namespace fhe::tfhe {

namespace {
constexpr size_t groupSize = 32;
constexpr size_t blockRows = 64;
} // namespace

uint32_t keyswitchBatch() { return groupSize; }

/// Input coefficients whose rows make one block.
static size_t blockCoefficients(const Decomposition &decomposition) {
  return std::max<size_t>(1, blockRows / decomposition.levels);
}

size_t keyswitchScratchBytes(uint32_t, uint32_t, const Decomposition &decomposition) {
  return blockCoefficients(decomposition) * decomposition.levels * groupSize * sizeof(int64_t);
}

/// Balanced digits, most significant first, of coefficients [begin, end) of each ciphertext:
/// digits [coefficient][level][groupSize].
static void decompose(const Decomposition &decomposition, const uint64_t *in, size_t words,
                      size_t count, size_t begin, size_t end, int64_t *digits) {
  const unsigned baseLog = decomposition.baseLog, levels = decomposition.levels;
  const uint64_t mask = (uint64_t(1) << baseLog) - 1;
  const int64_t half = int64_t(1) << (baseLog - 1);
  // Rounds to the kept bits and adds B/2 at every digit: fields minus B/2 are balanced digits.
  const unsigned kept = baseLog * levels;
  uint64_t offset = kept < 64 ? uint64_t(1) << (63 - kept) : 0;
  for (unsigned level = 1; level <= levels; ++level)
    offset += uint64_t(half) << (64 - baseLog * level);
  for (size_t i = begin; i < end; ++i)
    for (unsigned level = 0; level < levels; ++level) {
      int64_t *row = digits + ((i - begin) * levels + level) * groupSize;
      const unsigned shift = 64 - baseLog * (level + 1);
      for (size_t c = 0; c < count; ++c)
        row[c] = int64_t(((in[c * words + i] + offset) >> shift) & mask) - half;
    }
}

static void switchGroup(const LweKeyswitchKey &key, const KernelTable &table, const uint64_t *in,
                        size_t count, uint64_t *out, int64_t *digits) {
  const size_t nIn = key.inputDimension(), words = size_t(key.outputDimension()) + 1;
  const size_t levels = key.decomposition().levels;
  const size_t step = blockCoefficients(key.decomposition());
  for (size_t c = 0; c < count; ++c) {
    std::memset(out + c * words, 0, (words - 1) * sizeof(uint64_t));
    out[c * words + words - 1] = in[c * (nIn + 1) + nIn];
  }
  const uint64_t *rows = key.words().data();
  for (size_t i = 0; i < nIn; i += step) {
    const size_t end = std::min(i + step, nIn);
    decompose(key.decomposition(), in, nIn + 1, count, i, end, digits);
    const uint64_t *block = rows + i * levels * words;
    const bool more = end + step <= nIn;
    table.digitProduct(block, (end - i) * levels, words, digits, groupSize, count, out,
                       more ? rows + end * levels * words : nullptr);
  }
}

void keyswitch(const LweKeyswitchKey &key, const uint64_t *in, size_t count, uint64_t *out,
               Scratch scratch, Isa isa) {
  const KernelTable &table = kernelTable(isa);
  int64_t *digits = reinterpret_cast<int64_t *>(scratch.data());
  const size_t wordsIn = size_t(key.inputDimension()) + 1;
  const size_t wordsOut = size_t(key.outputDimension()) + 1;
  for (size_t c = 0; c < count; c += groupSize)
    switchGroup(key, table, in + c * wordsIn, std::min(groupSize, count - c), out + c * wordsOut,
                digits);
}

} // namespace fhe::tfhe
