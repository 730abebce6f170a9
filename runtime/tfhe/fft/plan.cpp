//===- plan.cpp - Builds the constants of the negacyclic FFT ---------------------------------===//
#include "runtime/tfhe/fft/plan.h"

#include "runtime/tfhe/isa/kernels.h"
#include "runtime/tfhe/parameters.h"

#include <cmath>
#include <memory>
#include <mutex>
#include <new>
#include <numbers>

namespace fhe::tfhe {

/// Angle, in turns, of the constant s of node `index` at `depth`: half the angle of the node's c,
/// where the root has 1/4 (c = i), a left child the s of its parent, a right child its negative.
static double nodeAngle(uint32_t depth, uint32_t index) {
  double angle = 0.25;
  for (uint32_t level = 0; level < depth; ++level)
    angle = angle / 2 + ((index >> (depth - 1 - level)) & 1 ? 0.5 : 0.0);
  return angle / 2;
}

/// cos and sin of `turns` full turns, `step` doubles apart.
static void writeRoot(long double turns, double *out, size_t step) {
  const long double radians = 2 * std::numbers::pi_v<long double> * turns;
  out[0] = double(std::cos(radians));
  out[step] = double(std::sin(radians));
}

/// The constants of `levels` levels below a node, `step` doubles apart.
static void writeGroup(uint32_t depth, uint32_t index, uint32_t levels, double *out, size_t step) {
  double angle = nodeAngle(depth, index);
  const double angles[4] = {angle, angle / 2, angle / 4, angle / 4 + 0.125};
  for (uint32_t i = 0; i < groupConstants(levels); ++i)
    writeRoot(angles[i], out + 2 * i * step, step);
}

/// The constants of `levels` levels of the inverse above nodes of `size` points, for each position
/// in them, `lanes` positions together. Positions end up at j, j + size, .. of larger nodes, so the
/// root of the third level comes twice.
static void writeInverseGroups(uint32_t size, uint32_t levels, uint32_t lanes, double *out) {
  const uint32_t group = groupConstants(levels);
  for (uint32_t j = 0; j < size; ++j) {
    const long double at = j, m = size;
    const long double turns[4] = {-at / (2 * m), -at / (4 * m), -at / (8 * m), -(at + m) / (8 * m)};
    for (uint32_t i = 0; i < group; ++i)
      writeRoot(turns[i], out + (size_t(j / lanes) * group + i) * 2 * lanes + j % lanes, lanes);
  }
}

/// Hands out tables of one array, each on whole cache lines. Without the array it only counts.
class Tables {
public:
  explicit Tables(double *base) : base(base) {}
  template <class Fill> const double *add(size_t doubles, Fill fill) {
    double *table = base ? base + used : nullptr;
    used += (doubles + 7) / 8 * 8;
    if (table)
      fill(table);
    return table;
  }
  size_t doubles() const { return used; }

private:
  double *base;
  size_t used = 0;
};

/// As few passes as possible, as equal as possible, larger ones first.
static void choosePasses(FftPlan &plan, uint32_t levels, uint32_t maxLog2Radix) {
  plan.passCount = (levels + maxLog2Radix - 1) / maxLog2Radix;
  for (uint32_t i = 0, depth = 0; i < plan.passCount; ++i) {
    const uint32_t rest = plan.passCount - i;
    plan.passes[i] = {depth, (levels - depth + rest - 1) / rest, nullptr, nullptr};
    depth += plan.passes[i].log2Radix;
  }
}

static void addTables(FftPlan &plan, uint32_t levels, Tables &tables) {
  const uint32_t lanes = 1u << plan.log2Lanes, points = plan.points();
  for (uint32_t i = 0; i < plan.passCount; ++i) {
    FftPlan::Pass &pass = plan.passes[i];
    const uint32_t nodes = 1u << pass.depth, perNode = 2 * groupConstants(pass.log2Radix);
    const uint32_t stride = points >> (pass.depth + pass.log2Radix);
    pass.constants = tables.add(size_t(nodes) * perNode, [&](double *table) {
      for (uint32_t node = 0; node < nodes; ++node)
        writeGroup(pass.depth, node, pass.log2Radix, table + size_t(node) * perNode, 1);
    });
    pass.inverseConstants = tables.add(size_t(stride) * perNode, [&](double *table) {
      writeInverseGroups(stride, pass.log2Radix, lanes, table);
    });
  }
  const uint32_t perBlock = 2 * groupConstants(plan.log2Lanes), blocks = plan.blocks();
  plan.blockConstants = tables.add(size_t(blocks) * perBlock, [&](double *table) {
    for (uint32_t block = 0; block < blocks; ++block)
      writeGroup(levels, block, plan.log2Lanes, table + size_t(block) * perBlock, 1);
  });
  plan.laneConstants = tables.add(size_t(blocks) * perBlock * lanes, [&](double *table) {
    for (uint32_t node = 0; node < blocks * lanes; ++node)
      writeGroup(levels + plan.log2Lanes, node, plan.log2Lanes,
                 table + size_t(node / lanes) * perBlock * lanes + node % lanes, lanes);
  });
  plan.inverseConstants = tables.add(size_t(perBlock) * lanes, [&](double *table) {
    writeInverseGroups(lanes, plan.log2Lanes, lanes, table);
  });
  plan.untwist = tables.add(size_t(points) * 2, [&](double *table) {
    for (uint32_t j = 0; j < points; ++j) {
      double *at = table + size_t(j / lanes) * 2 * lanes + j % lanes;
      const long double radians = std::numbers::pi_v<long double> / 2 * j / points;
      at[0] = double(std::cos(radians) / points);
      at[lanes] = double(std::tan(radians));
    }
  });
}

static std::unique_ptr<FftPlan> build(const KernelTable &table, uint32_t log2N) {
  auto plan = std::make_unique<FftPlan>();
  plan->isa = table.isa;
  plan->log2N = log2N;
  plan->log2Lanes = table.log2Lanes;
  const uint32_t levels = log2N - 1 - 2 * table.log2Lanes;
  choosePasses(*plan, levels, table.maxLog2Radix);
  Tables count(nullptr);
  addTables(*plan, levels, count);
  plan->storage = AlignedBuffer<double>(count.doubles());
  if (!plan->storage.ok())
    throw std::bad_alloc();
  Tables tables(plan->storage.data());
  addTables(*plan, levels, tables);
  return plan;
}

const FftPlan &fftPlan(Isa isa, uint32_t log2N) {
  static std::once_flag once[isaCount][maxLog2PolynomialSize + 1];
  static std::unique_ptr<FftPlan> plans[isaCount][maxLog2PolynomialSize + 1];
  size_t i = size_t(isa);
  std::call_once(once[i][log2N], [&] { plans[i][log2N] = build(kernelTable(isa), log2N); });
  return *plans[i][log2N];
}

} // namespace fhe::tfhe
