//===- weight_tiles.cpp - Clear weights as rows of signed bytes ------------------------------===//
#include "runtime/tfhe/linear/weight_tiles.h"

#include "runtime/tfhe/linear/plane_layer.h"

#include <algorithm>
#include <cstring>

namespace fhe::tfhe {

/// Relative costs of a step of one row alone, and of a tile for each of its rows (measured).
static constexpr size_t singleCycles = 9, columnCycles = 4;

static constexpr size_t roundUp(size_t bytes) {
  return (bytes + bufferAlignment - 1) / bufferAlignment * bufferAlignment;
}

static constexpr size_t stepBytes = sizeof(uint32_t) + maxColumns * sizeof(int32_t);
/// Lists of a tile for one group: those of single rows are only kept while they have at most
/// columnCycles * maxColumns / singleCycles steps of two words.
static constexpr size_t keptBytes =
    std::max(stepBytes, (columnCycles * maxColumns + singleCycles - 1) / singleCycles *
                            (sizeof(uint32_t) + sizeof(int32_t)));

size_t WeightTiles::scratchBytes(uint64_t groups) {
  return roundUp(groups * stepBytes) + roundUp(mostTiles * groups * keptBytes);
}

WeightTiles::WeightTiles(const ConvolutionShape &shape, const PlanePlan &plan,
                         const Weights &weights, std::byte *memory)
    : shape(shape), plan(plan), weights(weights), common(reinterpret_cast<uint32_t *>(memory)),
      commonDigits(reinterpret_cast<int32_t *>(memory + plan.groups * sizeof(uint32_t))),
      lists(memory + roundUp(plan.groups * stepBytes)), next(lists) {}

void WeightTiles::select(uint64_t wantedGroup, uint64_t wantedBlock) {
  if (group == wantedGroup && block == wantedBlock)
    return;
  group = wantedGroup;
  block = wantedBlock;
  findRows();
  tileCount = (rowCount + maxColumns - 1) / maxColumns;
  next = lists;
  for (size_t t = 0; t < tileCount; ++t) {
    const size_t first = rowCount * t / tileCount;
    tiles[t].row = rows + first;
    tiles[t].rows = rowCount * (t + 1) / tileCount - first;
    makeTile(tiles[t]);
  }
}

/// The signed byte of place `shift` / 8 of a weight.
static uint8_t byteOf(int64_t weight, uint32_t shift) {
  for (; shift; shift -= 8)
    weight = (weight - int8_t(weight)) >> 8;
  return uint8_t(weight);
}

/// The byte places of the block's outputs: the first always, others where a weight needs them.
void WeightTiles::findRows() {
  const uint64_t perGroup = shape.outChannels / shape.groups, taps = shape.taps();
  rowCount = 0;
  for (uint64_t o = perGroup * block / plan.blocks; o < perGroup * (block + 1) / plan.blocks; ++o) {
    uint32_t places = 1;
    if (weights.bytesPerWeight > 1)
      for (uint64_t t = 0; t < taps; ++t) {
        int64_t rest = weights[(group * perGroup + o) * taps + t];
        uint32_t needed = 0;
        for (; rest; rest = (rest - int8_t(rest)) >> 8)
          ++needed;
        places = std::max(places, needed);
      }
    for (uint32_t place = 0; place < places; ++place)
      rows[rowCount++] = {uint32_t(o), 8 * place};
  }
}

/// Bytes of up to four taps, `stride` apart.
int32_t WeightTiles::quad(const WeightRow &row, uint64_t firstTap, uint64_t stride,
                          uint64_t valid) const {
  const uint64_t output = group * (shape.outChannels / shape.groups) + row.output;
  const uint64_t at = output * shape.taps() + firstTap;
  uint8_t bytes[groupRows] = {};
  if (weights.bytesPerWeight == 1 && stride == 1 && valid == groupRows)
    std::memcpy(bytes, static_cast<const int8_t *>(weights.data) + at, groupRows);
  else
    for (uint64_t r = 0; r < valid; ++r)
      bytes[r] = byteOf(weights[at + r * stride], row.shift);
  int32_t digits;
  std::memcpy(&digits, bytes, sizeof digits);
  return digits;
}

/// Lists the groups in which a row of the tile has a weight; counts those of each row.
size_t WeightTiles::collect(const WeightTile &tile, size_t *nonZero) {
  const uint64_t kernel = shape.kernelHeight * shape.kernelWidth;
  const uint64_t channels = shape.inChannels / shape.groups;
  size_t steps = 0;
  for (uint64_t g = 0; g < plan.groups; ++g) {
    uint64_t tap = g * groupRows, stride = 1, valid = shape.taps() - tap, offset = g;
    if (plan.byChannels) {
      const uint64_t q = g / kernel, k = g % kernel;
      tap = q * groupRows * kernel + k;
      stride = kernel;
      valid = channels - q * groupRows;
      offset = (q * shape.kernelHeight + k / shape.kernelWidth) * plan.columns +
               k % shape.kernelWidth * shape.dilationX;
    }
    valid = std::min<uint64_t>(valid, groupRows);
    int32_t any = 0, *to = commonDigits + steps * tile.rows;
    for (size_t r = 0; r < tile.rows; ++r) {
      to[r] = quad(tile.row[r], tap, stride, valid);
      any |= to[r];
      nonZero[r] += to[r] != 0;
    }
    common[steps] = uint32_t(offset);
    steps += any != 0;
  }
  return steps;
}

void WeightTiles::makeTile(WeightTile &tile) {
  size_t nonZero[maxColumns] = {}, all = 0;
  const size_t steps = collect(tile, nonZero);
  for (size_t count : nonZero)
    all += count;
  const bool alone = singleCycles * all < columnCycles * tile.rows * steps;
  const size_t kept = alone ? all : steps;
  tile.columns = alone ? 1 : tile.rows;
  auto *groups = reinterpret_cast<uint32_t *>(next);
  auto *digits = reinterpret_cast<int32_t *>(groups + kept);
  tile.groups = groups;
  tile.digits = digits;
  next = reinterpret_cast<std::byte *>(digits + kept * tile.columns);
  if (!alone) {
    tile.steps[0] = uint32_t(steps);
    std::copy_n(common, steps, groups);
    std::copy_n(commonDigits, steps * tile.rows, digits);
    return;
  }
  for (size_t r = 0; r < tile.rows; ++r) {
    tile.steps[r] = uint32_t(nonZero[r]);
    for (size_t s = 0; s < steps; ++s)
      if (const int32_t digit = commonDigits[s * tile.rows + r]) {
        *groups++ = common[s];
        *digits++ = digit;
      }
  }
}

} // namespace fhe::tfhe
