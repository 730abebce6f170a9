//===- plane_layer.cpp - Linear layers by byte planes ----------------------------------------===//
//
// A weight of more than 8 bits is a sum of signed bytes times powers of 2^8; each byte place of an
// output that is not all zero is a row of its own. Rows are multiplied six at a time with a list of
// the groups in which any of them has a weight, or, where most of those are zero, one at a time
// with lists of their own.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/linear/plane_layer.h"

#include "runtime/tfhe/linear/weight_tiles.h"

#include <algorithm>

namespace fhe::tfhe {

namespace {

uint64_t ceilDivide(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/// The planes of a unit should stay in the second-level cache, with room for the lists.
constexpr size_t planeBudget = size_t(512) << 10;
constexpr uint64_t mostPieceTiles = 8;

// Cycles of one core for a group of words (64 bytes a row): a product of a weight row with a group
// of taps, interleaving a group, folding the sums of a row, and a tap by whole words.
constexpr double productCycles = 2, packCycles = 8, foldCycles = 20, wordCycles = 2;

/// Input columns that a strip of outputs reads.
uint64_t inputColumns(const ConvolutionShape &shape, uint64_t strip) {
  return (strip - 1) * shape.strideX + (shape.kernelWidth - 1) * shape.dilationX + 1;
}

} // namespace

PlanePlan::PlanePlan(const ConvolutionShape &shape, uint32_t wordBytes, uint32_t bytesPerWeight) {
  const uint64_t channels = shape.inChannels / shape.groups;
  const uint64_t kernel = shape.kernelHeight * shape.kernelWidth;
  const uint64_t perGroup = shape.outChannels / shape.groups, width = shape.outWidth();
  const uint64_t quads = ceilDivide(channels, groupRows);
  const double rows = double(perGroup) * bytesPerWeight;
  tileWords = groupRowBytes / wordBytes;
  tiles = ceilDivide(shape.words, tileWords);
  blocks = ceilDivide(perGroup, blockOutputs(bytesPerWeight));

  // Sharing windows saves interleaving, groups of taps save products where channels are few.
  const double packing = packCycles * double(blocks);
  const double byChannelCost = double(quads * kernel) * productCycles * rows +
                               double(quads * shape.kernelHeight * shape.strideX) * packing;
  const double byTapCost =
      double(ceilDivide(shape.taps(), groupRows)) * (productCycles * rows + packing);
  byChannels = byChannelCost <= byTapCost;
  groups = byChannels ? quads * kernel : ceilDivide(shape.taps(), groupRows);
  cost = std::min(byChannelCost, byTapCost) + foldCycles * rows;
  wordCost = wordCycles * double(shape.taps() * perGroup);

  strip = width;
  pieceTiles = std::min(mostPieceTiles, tiles);
  const auto bytes = [&] { return unitGroups(shape) * pieceTiles * groupBytes; };
  const auto setColumns = [&] {
    columns = byChannels ? inputColumns(shape, strip) : strip * groups;
  };
  setColumns();
  while (bytes() > planeBudget && (strip > 1 || pieceTiles > 1)) {
    if (pieceTiles > 2 || strip == 1)
      pieceTiles = ceilDivide(pieceTiles, 2);
    else
      strip = ceilDivide(strip, 2);
    setColumns();
  }
  strips = ceilDivide(width, strip);
  pieces = ceilDivide(tiles, pieceTiles);
  units = blocks * shape.groups * shape.samples * shape.outHeight() * strips * pieces;
}

uint64_t PlanePlan::unitGroups(const ConvolutionShape &shape) const {
  if (!byChannels)
    return columns;
  return ceilDivide(shape.inChannels / shape.groups, groupRows) * shape.kernelHeight * columns;
}

size_t PlanePlan::scratchBytes(const ConvolutionShape &shape) const {
  return WeightTiles::scratchBytes(groups) + unitGroups(shape) * pieceTiles * groupBytes +
         maxColumns * groupLanes * sizeof(int32_t);
}

namespace {

template <class Word> class Layer {
public:
  Layer(const ConvolutionShape &shape, const PlanePlan &plan, const PlaneKernels &kernels,
        const Word *in, const Weights &weights, Word *out, Scratch scratch)
      : shape(shape), plan(plan), kernels(kernels), in(in), out(out),
        tiles(shape, plan, weights, scratch.data()),
        planes(reinterpret_cast<uint8_t *>(scratch.data()) +
               WeightTiles::scratchBytes(plan.groups)),
        tileGroups(plan.unitGroups(shape)),
        sums(reinterpret_cast<int32_t *>(planes + tileGroups * plan.pieceTiles * groupBytes)) {}

  void unit(uint64_t number) {
    uint64_t rest = number;
    const auto next = [&](uint64_t count) {
      const uint64_t digit = rest % count;
      rest /= count;
      return digit;
    };
    const uint64_t piece = next(plan.pieces), stripNumber = next(plan.strips);
    oy = next(shape.outHeight());
    const uint64_t sample = next(shape.samples);
    group = next(shape.groups);
    tiles.select(group, next(plan.blocks));
    firstTile = plan.tiles * piece / plan.pieces;
    tileCount = plan.tiles * (piece + 1) / plan.pieces - firstTile;
    firstWord = firstTile * plan.tileWords;
    words = std::min(tileCount * plan.tileWords, shape.words - firstWord);
    ox = stripNumber * plan.strip;
    positions = std::min(plan.strip, shape.outWidth() - ox);
    from = in + (sample * shape.groups + group) * (shape.inChannels / shape.groups) *
                    shape.inHeight * shape.inWidth * shape.words + firstWord;
    to = out + sample * shape.outChannels * shape.outHeight() * shape.outWidth() * shape.words +
         firstWord;
    if (plan.byChannels)
      packChannels();
    else
      packWindows();
    multiply();
  }

private:
  /// The words of an input element, or null for padding. Unsigned: above or left of the input wraps
  /// to a huge number.
  const Word *element(uint64_t channel, uint64_t y, uint64_t x) const {
    if (channel >= shape.inChannels / shape.groups || y >= shape.inHeight || x >= shape.inWidth)
      return nullptr;
    return from + ((channel * shape.inHeight + y) * shape.inWidth + x) * shape.words;
  }
  uint64_t inputRow(uint64_t ky) const {
    return oy * shape.strideY + ky * shape.dilationY - shape.padTop;
  }

  void pack(const Word *const *rows, const Word *const *ahead, uint64_t at) {
    const void *elements[groupRows];
    for (size_t r = 0; r < groupRows; ++r) {
      elements[r] = rows[r];
      for (uint64_t w = 0; ahead && ahead[r] && w < words; w += 64 / sizeof(Word))
        __builtin_prefetch(ahead[r] + w);
    }
    kernels.pack(elements, words * sizeof(Word), planes + at * groupBytes, tileGroups * groupBytes);
  }

  /// Group ((channels / 4) * kernelHeight + ky) * columns + column of each tile.
  void packChannels() {
    const uint64_t quads = ceilDivide(shape.inChannels / shape.groups, groupRows);
    const uint64_t used = inputColumns(shape, positions);
    const Word *rows[2][groupRows];
    const auto find = [&](uint64_t q, uint64_t ky, uint64_t x, const Word **to) {
      for (uint64_t r = 0; r < groupRows; ++r)
        to[r] = element(q * groupRows + r, inputRow(ky), ox * shape.strideX + x - shape.padLeft);
    };
    bool now = false;
    find(0, 0, 0, rows[now]);
    for (uint64_t q = 0; q < quads; ++q)
      for (uint64_t ky = 0; ky < shape.kernelHeight; ++ky)
        for (uint64_t x = 0; x < used; ++x, now = !now) {
          // The next group comes from memory while this one is interleaved.
          if (x + 1 < used)
            find(q, ky, x + 1, rows[!now]);
          else if (ky + 1 < shape.kernelHeight)
            find(q, ky + 1, 0, rows[!now]);
          else
            find(q + 1, 0, 0, rows[!now]);
          pack(rows[now], rows[!now], (q * shape.kernelHeight + ky) * plan.columns + x);
        }
  }

  /// Group p * groups + g of each tile: taps 4 g .. 4 g + 3 of the window at position p.
  void packWindows() {
    const uint64_t kernel = shape.kernelHeight * shape.kernelWidth;
    for (uint64_t p = 0; p < positions; ++p)
      for (uint64_t g = 0; g < plan.groups; ++g) {
        const Word *rows[groupRows];
        for (uint64_t r = 0; r < groupRows; ++r) {
          const uint64_t tap = g * groupRows + r, ky = tap % kernel / shape.kernelWidth;
          const uint64_t x = (ox + p) * shape.strideX + tap % shape.kernelWidth * shape.dilationX;
          rows[r] = tap < shape.taps() ? element(tap / kernel, inputRow(ky), x - shape.padLeft)
                                       : nullptr;
        }
        pack(rows, nullptr, p * plan.groups + g);
      }
  }

  void multiply() {
    const uint64_t step = plan.byChannels ? shape.strideX : plan.groups;
    for (uint64_t t = 0; t < tileCount; ++t)
      for (uint64_t p = 0; p < positions; ++p) {
        const uint8_t *window = planes + (t * tileGroups + p * step) * groupBytes;
        for (size_t i = 0; i < tiles.count(); ++i)
          multiplyTile(tiles.tile(i), window, t, p);
      }
  }

  void multiplyTile(const WeightTile &tile, const uint8_t *window, uint64_t t, uint64_t p) {
    const uint32_t *list = tile.groups;
    const int32_t *digits = tile.digits;
    for (size_t row = 0; row < tile.rows; row += tile.columns) {
      const size_t steps = tile.columns == 1 ? tile.steps[row] : tile.steps[0];
      // At least once: rows without weights store zeros.
      for (size_t s = 0; s == 0 || s < steps; s += maxSteps) {
        kernels.product(window, list + s, std::min(maxSteps, steps - s), digits + s * tile.columns,
                        tile.columns, tile.columns, true, sums, nullptr, 0);
        for (size_t c = 0; c < tile.columns; ++c)
          fold(tile.row[row + c], s != 0, sums + c * groupLanes, t, p);
      }
      list += steps;
      digits += steps * tile.columns;
    }
  }

  void fold(const WeightRow &row, bool more, const int32_t *rowSums, uint64_t t, uint64_t p) {
    const uint64_t channel = group * (shape.outChannels / shape.groups) + row.output;
    const uint64_t position = oy * shape.outWidth() + ox + p;
    Word *at = to + (channel * shape.outHeight() * shape.outWidth() + position) * shape.words +
               t * plan.tileWords;
    foldKernel<Word>(kernels).fold(rowSums, std::min(plan.tileWords, words - t * plan.tileWords),
                                   row.shift,
                                   more || row.shift ? FoldMode::add : FoldMode::store, at);
  }

  /// Sums of 32 bits hold that many groups of products of 255 and 128.
  static constexpr size_t maxSteps = size_t(INT32_MAX) / (255 * 128 * groupRows);

  const ConvolutionShape &shape;
  const PlanePlan &plan;
  const PlaneKernels &kernels;
  const Word *in;
  Word *out;
  WeightTiles tiles;
  uint8_t *planes;
  uint64_t tileGroups;
  int32_t *sums;
  // Of the present unit.
  const Word *from = nullptr;
  Word *to = nullptr;
  uint64_t group = 0, oy = 0, ox = 0, positions = 0;
  uint64_t firstTile = 0, tileCount = 0, firstWord = 0, words = 0;
};

} // namespace

template <class Word>
void planeLayer(const ConvolutionShape &shape, const PlanePlan &plan, const PlaneKernels &kernels,
                const Word *in, const Weights &weights, Word *out, uint64_t begin, uint64_t end,
                Scratch scratch) {
  if (begin >= end)
    return;
  Layer<Word> layer(shape, plan, kernels, in, weights, out, scratch);
  for (uint64_t unit = begin; unit < end; ++unit)
    layer.unit(unit);
}

template void planeLayer(const ConvolutionShape &, const PlanePlan &, const PlaneKernels &,
                         const uint64_t *, const Weights &, uint64_t *, uint64_t, uint64_t,
                         Scratch);
template void planeLayer(const ConvolutionShape &, const PlanePlan &, const PlaneKernels &,
                         const uint32_t *, const Weights &, uint32_t *, uint64_t, uint64_t,
                         Scratch);

} // namespace fhe::tfhe
