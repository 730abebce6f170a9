//===- Realization.cpp - Ways to evaluate a table ----------------------------------===//
#include "dialects/shared/Realization.h"
#include <algorithm>

using namespace mlir;

static std::vector<int32_t> valuesOf(DenseIntElementsAttr tables) {
  return {tables.getValues<int32_t>().begin(), tables.getValues<int32_t>().end()};
}

namespace {
/// One table in its window.
struct Placed {
  const int32_t *values;
  int64_t entries, guard;
  int64_t at(int64_t slot) const {
    return values[std::clamp<int64_t>(slot - guard, 0, entries - 1)];
  }
};
} // namespace

std::optional<std::vector<int64_t>> fhe::negacyclicOffsets(DenseIntElementsAttr tables,
                                                           uint64_t width, int64_t guard,
                                                           int64_t above) {
  int64_t entries = tables.getType().getShape().back(), half = int64_t(1) << (width - 1),
          end = guard + entries + above;
  if (guard + entries <= half || end > 2 * half || guard >= half)
    return std::nullopt;
  std::vector<int32_t> values = valuesOf(tables);
  std::vector<int64_t> offsets;
  for (size_t first = 0; first < values.size(); first += entries) {
    Placed table{values.data() + first, entries, guard};
    int64_t offset = table.at(half) + table.at(0);
    for (int64_t slot = half; slot != end; ++slot)
      if (table.at(slot) + table.at(slot - half) != offset)
        return std::nullopt;
    offsets.push_back(offset);
  }
  return offsets;
}

int64_t fhe::guardAbove(DenseIntElementsAttr tables, StringRef realization, uint64_t width,
                        int64_t guard) {
  int64_t entries = tables.getType().getShape().back(), slots = int64_t(1) << width,
          end = guard + entries, least = slots - end;
  if (realization == directRealization)
    return least;
  auto offsets = negacyclicOffsets(tables, width, guard);
  if (!offsets)
    return 0;
  std::vector<int32_t> values = valuesOf(tables);
  for (auto [i, offset] : llvm::enumerate(*offsets)) {
    Placed table{values.data() + i * entries, entries, guard};
    int64_t right = 0;
    while (right != least && offset - table.at(end + right - slots / 2) == table.at(end))
      ++right;
    least = right;
  }
  return least;
}

LogicalResult fhe::verifyRealization(Operation *op, StringRef realization,
                                     DenseIntElementsAttr tables, uint64_t width, int64_t guard) {
  if (realization == directRealization)
    return success();
  if (realization != negacyclicRealization)
    return op->emitOpError("realization must be \"direct\" or \"negacyclic\", found \"")
           << realization << "\"";
  if (!negacyclicOffsets(tables, width, guard))
    return op->emitOpError("is realized without a padding bit, but a table is not negacyclic: its "
                           "upper ")
           << (int64_t(1) << (width - 1)) << " slots are not an offset minus its lower ones";
  return success();
}
