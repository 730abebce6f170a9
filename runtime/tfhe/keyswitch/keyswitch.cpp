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
constexpr size_t digitStride = groupSize + 1;
constexpr size_t blockRows = 64;
} // namespace

uint32_t keyswitchBatch() { return groupSize; }

/// Input coefficients whose rows make one block.
static size_t blockCoefficients(const Decomposition &decomposition) {
  return std::max<size_t>(1, blockRows / decomposition.levels);
}

static size_t roundUp(size_t bytes) {
  return (bytes + bufferAlignment - 1) / bufferAlignment * bufferAlignment;
}

/// Bytes of the digits of one block: of each ciphertext of a group, and ones.
static size_t digitBytes(const Decomposition &decomposition) {
  return roundUp(blockCoefficients(decomposition) * decomposition.levels * digitStride *
                 sizeof(uint64_t));
}

size_t keyswitchScratchBytes(uint32_t, uint32_t outputDimension,
                             const Decomposition &decomposition) {
  return digitBytes(decomposition) + roundUp((size_t(outputDimension) + 1) * sizeof(uint64_t));
}

/// Digits plus B/2, most significant first, of coefficients [begin, end) of each ciphertext, then a
/// one: digits [coefficient][level][digitStride].
static void decompose(const Decomposition &decomposition, const uint64_t *in, size_t words,
                      size_t count, size_t begin, size_t end, uint64_t *digits) {
  const unsigned baseLog = decomposition.baseLog, levels = decomposition.levels;
  const uint64_t mask = (uint64_t(1) << baseLog) - 1;
  // Rounds to the kept bits and adds B/2 at every digit: plain fields are then digits plus B/2.
  const unsigned kept = baseLog * levels;
  uint64_t offset = kept < 64 ? uint64_t(1) << (63 - kept) : 0;
  for (unsigned level = 1; level <= levels; ++level)
    offset += (mask / 2 + 1) << (64 - baseLog * level);
  for (size_t i = begin; i < end; ++i)
    for (unsigned level = 0; level < levels; ++level) {
      uint64_t *row = digits + ((i - begin) * levels + level) * digitStride;
      const unsigned shift = 64 - baseLog * (level + 1);
      for (size_t c = 0; c < count; ++c)
        row[c] = ((in[c * words + i] + offset) >> shift) & mask;
      row[count] = 1;
    }
}

/// The digits are used plus B/2, because products of unsigned numbers are faster. What that adds is
/// B/2 times the sum of all rows, which one more ciphertext, whose digits are all one, collects.
static void switchGroup(const LweKeyswitchKey &key, const KernelTable &table, const uint64_t *in,
                        size_t count, uint64_t *out, uint64_t *digits, uint64_t *rowSum) {
  const size_t nIn = key.inputDimension(), words = size_t(key.outputDimension()) + 1;
  const size_t levels = key.decomposition().levels;
  const unsigned baseLog = key.decomposition().baseLog;
  const size_t step = blockCoefficients(key.decomposition());
  uint64_t *outs[groupSize + 1];
  for (size_t c = 0; c < count; ++c) {
    outs[c] = out + c * words;
    std::memset(outs[c], 0, (words - 1) * sizeof(uint64_t));
    outs[c][words - 1] = in[c * (nIn + 1) + nIn];
  }
  outs[count] = rowSum;
  std::memset(rowSum, 0, words * sizeof(uint64_t));
  const uint64_t *rows = key.words().data();
  for (size_t i = 0; i < nIn; i += step) {
    const size_t end = std::min(i + step, nIn);
    decompose(key.decomposition(), in, nIn + 1, count, i, end, digits);
    const bool more = end + step <= nIn;
    table.digitProduct(rows + i * levels * words, (end - i) * levels, words, digits, digitStride,
                       baseLog, count + 1, outs, more ? rows + end * levels * words : nullptr);
  }
  // rowSum holds minus the sum.
  const uint64_t half = uint64_t(1) << (baseLog - 1);
  for (size_t c = 0; c < count; ++c)
    for (size_t w = 0; w < words; ++w)
      outs[c][w] -= half * rowSum[w];
}

void keyswitch(const LweKeyswitchKey &key, const uint64_t *in, size_t count, uint64_t *out,
               Scratch scratch, Isa isa) {
  const KernelTable &table = kernelTable(isa);
  uint64_t *digits = reinterpret_cast<uint64_t *>(scratch.data());
  uint64_t *rowSum =
      reinterpret_cast<uint64_t *>(scratch.data() + digitBytes(key.decomposition()));
  const size_t wordsIn = size_t(key.inputDimension()) + 1;
  const size_t wordsOut = size_t(key.outputDimension()) + 1;
  for (size_t c = 0; c < count; c += groupSize)
    switchGroup(key, table, in + c * wordsIn, std::min(groupSize, count - c), out + c * wordsOut,
                digits, rowSum);
}

} // namespace fhe::tfhe
