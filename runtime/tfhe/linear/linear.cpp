//===- linear.cpp - Linear layers with clear integer weights ---------------------------------===//
//
// A matrix product is a convolution of one place. Both ways to do it divide their own units of work
// by the share of items that a call is given.
//
// Word by word: tiles of up to four outputs that read the same inputs (taps), times a piece of the
// ciphertexts' words. A tile's taps whose weights are all zero, or that lie in the padding, are
// left out of its list; where many weights are zero the outputs are done one by one, so that each
// zero is left out. The inner kernel gets pointers to the inputs: no patch is copied.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/linear/linear.h"

#include "runtime/tfhe/linear/plane_layer.h"

#include <algorithm>

namespace fhe::tfhe {

int64_t Weights::operator[](size_t i) const {
  if (bytesPerWeight == 1)
    return static_cast<const int8_t *>(data)[i];
  if (bytesPerWeight == 2)
    return static_cast<const int16_t *>(data)[i];
  return static_cast<const int32_t *>(data)[i];
}

namespace {

constexpr uint64_t tileOutputs = 4;

uint64_t ceilDivide(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/// Words of a piece: the pieces of all taps of a tile should fit the second-level cache.
uint64_t pieceWords(uint64_t taps) { return taps <= 256 ? 512 : 256; }

/// Pieces of one ciphertext; a rest of less than a quarter piece goes with the last one.
uint64_t pieceCount(uint64_t words, uint64_t taps) {
  const uint64_t piece = pieceWords(taps), whole = words / piece;
  return std::max<uint64_t>(1, words % piece >= piece / 4 ? whole + 1 : whole);
}

/// The taps of a tile: inputs [count], weights [count][outputs].
template <class Word> struct TapList {
  const Word **inputs;
  int64_t *weights;
  size_t count = 0;

  static size_t bytes(size_t capacity, size_t outputs) {
    return capacity * (sizeof(void *) + outputs * sizeof(int64_t));
  }
  TapList(std::byte *memory, size_t capacity)
      : inputs(reinterpret_cast<const Word **>(memory)),
        weights(reinterpret_cast<int64_t *>(memory + capacity * sizeof(void *))) {}
};

/// One tile: consecutive outputs of one sample whose weights are `weightStride` apart.
template <class Word> class Tile {
public:
  Tile(const WordKernels<Word> &kernels, const Weights &weights, size_t outputs, size_t taps,
       Scratch scratch)
      : kernels(kernels), from(weights), weightStride(taps), outputs(outputs),
        all(scratch.data(), taps),
        single(scratch.data() + TapList<Word>::bytes(taps, tileOutputs), taps) {}

  /// Adds a tap whose weight for the tile's first output is number `at`, unless all are zero.
  void add(const Word *input, size_t at) {
    int64_t *to = all.weights + all.count * outputs;
    size_t here = 0;
    for (size_t o = 0; o < outputs; ++o) {
      to[o] = from[at + o * weightStride];
      here += to[o] != 0;
    }
    if (here == 0)
      return;
    nonZero += here;
    all.inputs[all.count++] = input;
  }

  void run(uint64_t words, Word *const *outs) {
    // Below 5/8 density the zeros of a tile cost more than doing its outputs apart.
    if (outputs == tileOutputs && nonZero * 8 >= all.count * outputs * 5) {
      kernels.dotTile(all.inputs, all.weights, all.count, words, outs, tileOutputs);
      return;
    }
    for (size_t o = 0; o < outputs; ++o) {
      single.count = 0;
      for (size_t t = 0; t < all.count; ++t) {
        if (int64_t weight = all.weights[t * outputs + o]) {
          single.inputs[single.count] = all.inputs[t];
          single.weights[single.count++] = weight;
        }
      }
      kernels.dotTile(single.inputs, single.weights, single.count, words, outs + o, 1);
    }
  }

private:
  const WordKernels<Word> &kernels;
  const Weights &from;
  size_t weightStride, outputs;
  TapList<Word> all, single;
  size_t nonZero = 0;
};

size_t tileScratchBytes(size_t taps) {
  size_t bytes = TapList<uint64_t>::bytes(taps, tileOutputs) + TapList<uint64_t>::bytes(taps, 1);
  return ceilDivide(bytes, bufferAlignment) * bufferAlignment;
}

/// The words [at, at + length) of piece `piece`.
struct Piece {
  uint64_t at, length;
  Piece(uint64_t piece, uint64_t words, uint64_t taps) {
    const uint64_t count = pieceCount(words, taps);
    at = piece * pieceWords(taps);
    length = piece + 1 == count ? words - at : pieceWords(taps);
  }
};

/// Adds the taps of the output at row oy, column ox: those inside the input.
template <class Word>
void addWindow(const ConvolutionShape &shape, const Word *channels, uint64_t oy, uint64_t ox,
               size_t firstWeight, Tile<Word> &tile) {
  const uint64_t plane = shape.inHeight * shape.inWidth;
  size_t at = firstWeight;
  for (uint64_t c = 0; c < shape.inChannels / shape.groups; ++c)
    for (uint64_t ky = 0; ky < shape.kernelHeight; ++ky)
      for (uint64_t kx = 0; kx < shape.kernelWidth; ++kx, ++at) {
        // Unsigned: above or left of the input wraps to a huge number.
        const uint64_t y = oy * shape.strideY + ky * shape.dilationY - shape.padTop;
        const uint64_t x = ox * shape.strideX + kx * shape.dilationX - shape.padLeft;
        if (y < shape.inHeight && x < shape.inWidth)
          tile.add(channels + (c * plane + y * shape.inWidth + x) * shape.words, at);
      }
}

template <class Word>
void wordLayer(const ConvolutionShape &shape, const WordKernels<Word> &kernels, const Word *in,
               const Weights &weights, Word *out, uint64_t begin, uint64_t end, Scratch scratch) {
  const uint64_t taps = shape.taps(), perGroup = shape.outChannels / shape.groups;
  const uint64_t groupTiles = ceilDivide(perGroup, tileOutputs);
  const uint64_t tiles = shape.groups * groupTiles;
  const uint64_t pieces = pieceCount(shape.words, taps);
  const uint64_t width = shape.outWidth(), positions = shape.outHeight() * width;
  const uint64_t inGroup = shape.inChannels / shape.groups * shape.inHeight * shape.inWidth;
  for (uint64_t item = begin; item < end; ++item) {
    uint64_t rest = item;
    const uint64_t tileNumber = rest % tiles;
    rest /= tiles;
    const Piece piece(rest % pieces, shape.words, taps);
    rest /= pieces;
    const uint64_t position = rest % positions, sample = rest / positions;
    const uint64_t group = tileNumber / groupTiles;
    const uint64_t within = tileNumber % groupTiles * tileOutputs;
    const uint64_t outputs = std::min(tileOutputs, perGroup - within);
    const uint64_t first = group * perGroup + within;
    Tile<Word> tile(kernels, weights, outputs, taps, scratch);
    addWindow(shape, in + (sample * shape.groups + group) * inGroup * shape.words + piece.at,
              position / width, position % width, first * taps, tile);
    Word *outs[tileOutputs];
    for (uint64_t o = 0; o < outputs; ++o) {
      const uint64_t channel = sample * shape.outChannels + first + o;
      outs[o] = out + (channel * positions + position) * shape.words + piece.at;
    }
    tile.run(piece.length, outs);
  }
}

ConvolutionShape asConvolution(const GemmShape &shape) {
  ConvolutionShape one;
  one.samples = shape.samples;
  one.inChannels = shape.inputs, one.outChannels = shape.outputs;
  one.inHeight = one.inWidth = one.kernelHeight = one.kernelWidth = 1;
  one.words = shape.words;
  return one;
}

} // namespace

uint64_t convolutionItems(const ConvolutionShape &shape) {
  return shape.samples * shape.outHeight() * shape.outWidth() *
         pieceCount(shape.words, shape.taps()) * shape.groups *
         ceilDivide(shape.outChannels / shape.groups, tileOutputs);
}

size_t convolutionScratchBytes(const ConvolutionShape &shape) {
  size_t bytes = tileScratchBytes(shape.taps());
  for (uint32_t wordBytes : {4u, 8u})
    for (uint32_t bytesPerWeight : {1u, 2u, 4u})
      bytes = std::max(bytes, PlanePlan(shape, wordBytes, bytesPerWeight).scratchBytes(shape));
  return bytes;
}

template <class Word>
void convolution(const ConvolutionShape &shape, const Word *in, const Weights &weights, Word *out,
                 uint64_t begin, uint64_t end, Scratch scratch, Isa isa) {
  const IntegerKernels &kernels = integerKernels(isa);
  if (kernels.planes) {
    const PlanePlan plan(shape, sizeof(Word), weights.bytesPerWeight);
    if (plan.cost < plan.wordCost) {
      const uint64_t items = convolutionItems(shape);
      planeLayer(shape, plan, *kernels.planes, in, weights, out, plan.units * begin / items,
                 plan.units * end / items, scratch);
      return;
    }
  }
  wordLayer(shape, wordKernels<Word>(kernels), in, weights, out, begin, end, scratch);
}

uint64_t gemmItems(const GemmShape &shape) { return convolutionItems(asConvolution(shape)); }

size_t gemmScratchBytes(const GemmShape &shape) {
  return convolutionScratchBytes(asConvolution(shape));
}

template <class Word>
void gemm(const GemmShape &shape, const Word *in, const Weights &weights, Word *out,
          uint64_t begin, uint64_t end, Scratch scratch, Isa isa) {
  convolution(asConvolution(shape), in, weights, out, begin, end, scratch, isa);
}

template void gemm(const GemmShape &, const uint64_t *, const Weights &, uint64_t *, uint64_t,
                   uint64_t, Scratch, Isa);
template void gemm(const GemmShape &, const uint32_t *, const Weights &, uint32_t *, uint64_t,
                   uint64_t, Scratch, Isa);
template void convolution(const ConvolutionShape &, const uint64_t *, const Weights &, uint64_t *,
                          uint64_t, uint64_t, Scratch, Isa);
template void convolution(const ConvolutionShape &, const uint32_t *, const Weights &, uint32_t *,
                          uint64_t, uint64_t, Scratch, Isa);

} // namespace fhe::tfhe
