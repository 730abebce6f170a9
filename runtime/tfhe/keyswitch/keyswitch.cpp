//===- keyswitch.cpp - Batched LWE keyswitch -------------------------------------------------===//
//
// Ciphertexts go in groups, the key in blocks of input coefficients: a tile of a block stays in
// the cache while all ciphertexts of the group use it, and the next tile is prefetched meanwhile.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/keyswitch/keyswitch.h"

#include "runtime/tfhe/keyswitch/keyswitch_blocks.h"

#include <algorithm>

namespace fhe::tfhe {

namespace {

constexpr size_t groupSize = 32;

constexpr size_t roundUp(size_t a, size_t unit) { return (a + unit - 1) / unit * unit; }

/// Working memory of a call: digits of one block of all ciphertexts of a group; with byte planes
/// their sums [tile][ciphertext][lane] and one result, else all results where words have 32 bits.
struct Layout {
  size_t digits, sums, words;

  explicit Layout(const KeyswitchBlocks &blocks) {
    const KeyswitchShape &shape = blocks.shape;
    const size_t levels = shape.decomposition.levels, wordBytes = shape.wordBits / 8;
    const size_t rows = blocks.coefficients() * levels;
    digits = roundUp(rows * groupSize * (blocks.planes ? 1 : wordBytes), bufferAlignment);
    sums = blocks.planes ? blocks.tiles() * groupSize * groupLanes * sizeof(int32_t) : 0;
    const size_t results = blocks.planes ? 1 : shape.wordBits == 32 ? groupSize : 0;
    words = roundUp(shape.words() * wordBytes * results, bufferAlignment);
  }
  size_t bytes() const { return digits + sums + words; }
};

} // namespace

uint32_t keyswitchBatch() { return groupSize; }

size_t keyswitchScratchBytes(const KeyswitchShape &shape, Isa isa) {
  return Layout(KeyswitchBlocks(shape, isa)).bytes();
}

/// A word that is taken over as one of the key's width: rounded.
template <class Word> static Word narrowed(uint64_t word) {
  return sizeof(Word) == 8 ? Word(word) : Word((word + (uint64_t(1) << 31)) >> 32);
}
template <class Word> static uint64_t torusWord(Word word) {
  return uint64_t(word) << (64 - 8 * sizeof(Word));
}

/// Signed digits in [-B/2, B/2), most significant first, of coefficients [begin, end) of each
/// ciphertext: digits [coefficient][level][ciphertext], modulo the range of Word.
template <class Word>
static void decompose(const Decomposition &decomposition, const uint64_t *in, size_t words,
                      size_t count, size_t begin, size_t end, Word *digits) {
  const unsigned baseLog = decomposition.baseLog, levels = decomposition.levels;
  const uint64_t half = uint64_t(1) << (baseLog - 1), mask = half + (half - 1);
  // Rounds to the kept bits and adds B/2 at every digit: plain fields are then digits plus B/2.
  const unsigned kept = baseLog * levels;
  uint64_t offset = kept < 64 ? uint64_t(1) << (63 - kept) : 0;
  for (unsigned level = 1; level <= levels; ++level)
    offset += half << (64 - baseLog * level);
  for (size_t i = begin; i < end; ++i)
    for (unsigned level = 0; level < levels; ++level, digits += groupSize) {
      const unsigned shift = 64 - baseLog * (level + 1);
      for (size_t c = 0; c < count; ++c)
        digits[c] = Word((((in[c * words + i] + offset) >> shift) & mask) - half);
    }
}

/// A group of ciphertexts with a key of plain rows.
template <class Word>
static void switchByWords(const KeyswitchBlocks &blocks, const Word *rows, const uint64_t *in,
                          size_t count, uint64_t *out, Word *digits, Word *results) {
  if constexpr (sizeof(Word) == 8)
    results = out;
  const KeyswitchShape &shape = blocks.shape;
  const size_t wordsIn = size_t(shape.inputDimension) + 1, words = shape.words();
  const size_t shared = shape.shared, switched = shape.coefficients();
  const size_t levels = shape.decomposition.levels, step = blocks.coefficients();
  Word *outs[groupSize];
  for (size_t c = 0; c < count; ++c) {
    outs[c] = results + c * words;
    const uint64_t *from = in + c * wordsIn;
    std::transform(from, from + shared, outs[c], narrowed<Word>);
    std::fill(outs[c] + shared, outs[c] + words - 1, 0);
    outs[c][words - 1] = narrowed<Word>(from[wordsIn - 1]);
  }
  for (size_t i = 0; i < switched; i += step) {
    const size_t end = std::min(i + step, switched);
    decompose(shape.decomposition, in + shared, wordsIn, count, i, end, digits);
    const bool more = end + step <= switched;
    wordKernels<Word>(blocks.kernels)
        .digitProduct(rows + i * levels * words, (end - i) * levels, words, digits, groupSize,
                      count, outs, more ? rows + end * levels * words : nullptr);
  }
  if constexpr (sizeof(Word) != 8)
    for (size_t w = 0; w < count * words; ++w)
      out[w] = torusWord(results[w]);
}

namespace {

/// A group of ciphertexts with a key of byte planes.
template <class Word> class PlaneSwitch {
public:
  PlaneSwitch(const KeyswitchBlocks &blocks, const std::byte *key, const uint64_t *in,
              size_t count, uint64_t *out, int32_t *digits, int32_t *sums, Word *row)
      : blocks(blocks), shape(blocks.shape), key(reinterpret_cast<const uint8_t *>(key)), in(in),
        count(count), out(out), digits(digits), sums(sums), row(row), tiles(blocks.tiles()) {}

  void run() {
    const size_t wordsIn = size_t(shape.inputDimension) + 1, words = shape.words();
    const size_t shared = shape.shared, switched = shape.coefficients();
    auto takeOver = [](uint64_t word) { return torusWord(narrowed<Word>(word)); };
    for (size_t c = 0; c < count; ++c) {
      const uint64_t *from = in + c * wordsIn;
      uint64_t *to = out + c * words;
      std::transform(from, from + shared, to, takeOver);
      std::fill(to + shared, to + words - 1, 0);
      to[words - 1] = takeOver(from[wordsIn - 1]);
    }
    // Sums of 32 bits hold so many products of 255 and B/2; 32-bit words may wrap.
    const size_t half = size_t(1) << (shape.decomposition.baseLog - 1);
    const size_t levels = shape.decomposition.levels;
    const size_t most = sizeof(Word) == 4 ? SIZE_MAX : size_t(INT32_MAX) / (255 * half * levels);
    const size_t step = blocks.coefficients();
    size_t collected = 0;
    for (size_t i = 0; i < switched; i += step) {
      if (collected + step > most) {
        fold();
        collected = 0;
      }
      multiply(i, std::min(step, switched - i), collected == 0);
      collected += step;
    }
    fold();
  }

private:
  void multiply(size_t i, size_t coefficients, bool fromZero) {
    const Decomposition &decomposition = shape.decomposition;
    const PlaneKernels &kernels = *blocks.kernels.planes;
    for (size_t c = 0; c < count; ++c)
      kernels.decompose(in + c * (shape.inputDimension + size_t(1)) + shape.shared + i, coefficients,
                        decomposition.baseLog, decomposition.levels, digits + c, groupSize);
    const size_t steps = (coefficients + groupRows - 1) / groupRows * decomposition.levels;
    const size_t bytes = steps * groupBytes, parts = (count + maxColumns - 1) / maxColumns;
    const uint8_t *planes = key + blocks.offset(i);
    const uint8_t *end = key + blocks.bytes();
    for (size_t t = 0; t < tiles; ++t, planes += bytes) {
      const uint8_t *next = planes + bytes;
      const size_t lines = std::min(bytes, size_t(end - next)) / 64;
      for (size_t p = 0; p < parts; ++p) {
        const size_t c = count * p / parts, columns = count * (p + 1) / parts - c;
        const size_t line = lines * p / parts;
        kernels.product(planes, nullptr, steps, digits + c, groupSize, columns, fromZero,
                        sums + (t * groupSize + c) * groupLanes, next + line * 64,
                        lines * (p + 1) / parts - line);
      }
    }
  }

  /// Subtracts the sums from the results.
  void fold() {
    const FoldKernel<Word> &kernel = foldKernel<Word>(*blocks.kernels.planes);
    const size_t words = shape.words(), tileWords = blocks.tileWords();
    for (size_t c = 0; c < count; ++c) {
      const int32_t *from = sums + c * groupLanes;
      for (size_t t = 0; t < tiles; ++t, from += groupSize * groupLanes)
        kernel.fold(from, std::min(tileWords, words - t * tileWords), 0, FoldMode::store,
                    row + t * tileWords);
      uint64_t *to = out + c * words;
      for (size_t w = 0; w < words; ++w)
        to[w] -= torusWord(row[w]);
    }
  }

  const KeyswitchBlocks &blocks;
  const KeyswitchShape &shape;
  const uint8_t *key;
  const uint64_t *in;
  size_t count;
  uint64_t *out;
  int32_t *digits, *sums;
  Word *row;
  size_t tiles;
};

} // namespace

template <class Word>
static void switchAll(const KeyswitchBlocks &blocks, const std::byte *key, const uint64_t *in,
                      size_t count, uint64_t *out, Scratch scratch) {
  const Layout layout(blocks);
  std::byte *digits = scratch.data(), *sums = digits + layout.digits;
  auto *words = reinterpret_cast<Word *>(sums + layout.sums);
  const size_t wordsIn = size_t(blocks.shape.inputDimension) + 1, wordsOut = blocks.shape.words();
  for (size_t c = 0; c < count; c += groupSize) {
    const uint64_t *from = in + c * wordsIn;
    uint64_t *to = out + c * wordsOut;
    const size_t here = std::min(groupSize, count - c);
    if (blocks.planes)
      PlaneSwitch<Word>(blocks, key, from, here, to, reinterpret_cast<int32_t *>(digits),
                        reinterpret_cast<int32_t *>(sums), words)
          .run();
    else
      switchByWords(blocks, reinterpret_cast<const Word *>(key), from, here, to,
                    reinterpret_cast<Word *>(digits), words);
  }
}

void keyswitch(const LweKeyswitchKey &key, const uint64_t *in, size_t count, uint64_t *out,
               Scratch scratch) {
  const KeyswitchBlocks blocks(key.shape(), key.isa());
  const std::byte *data = KeyswitchBlocks::data(key);
  if (key.shape().wordBits == 64)
    switchAll<uint64_t>(blocks, data, in, count, out, scratch);
  else
    switchAll<uint32_t>(blocks, data, in, count, out, scratch);
}

} // namespace fhe::tfhe
