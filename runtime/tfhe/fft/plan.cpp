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

/// The constants of `levels` levels below a node, `step` doubles apart.
static void writeGroup(uint32_t depth, uint32_t index, uint32_t levels, double *out, size_t step) {
  double angle = nodeAngle(depth, index);
  const double angles[4] = {angle, angle / 2, angle / 4, angle / 4 + 0.125};
  for (uint32_t i = 0; i < groupConstants(levels); ++i) {
    long double radians = 2 * std::numbers::pi_v<long double> * angles[i];
    out[2 * i * step] = double(std::cos(radians));
    out[(2 * i + 1) * step] = double(std::sin(radians));
  }
}

static std::unique_ptr<FftPlan> build(const KernelTable &table, uint32_t log2N) {
  auto plan = std::make_unique<FftPlan>();
  plan->isa = table.isa;
  plan->log2N = log2N;
  plan->log2Lanes = table.log2Lanes;
  plan->scale = std::ldexp(1.0, -int(torusBits) - int(log2N - 1));

  // As few passes as possible, as equal as possible, larger ones first.
  uint32_t levels = log2N - 1 - 2 * table.log2Lanes;
  uint32_t count = (levels + table.maxLog2Radix - 1) / table.maxLog2Radix;
  plan->passCount = count;
  size_t total = 0;
  for (uint32_t i = 0, depth = 0; i < count; ++i) {
    uint32_t radix = (levels - depth + (count - i) - 1) / (count - i);
    plan->passes[i] = {depth, radix, nullptr};
    total += (size_t(2 * groupConstants(radix)) << depth) + 8;
    depth += radix;
  }
  uint32_t lanes = 1u << table.log2Lanes, group = groupConstants(table.log2Lanes);
  size_t blockDoubles = size_t(plan->blocks()) * 2 * group;
  total += blockDoubles + 8 + blockDoubles * lanes;
  plan->storage = AlignedBuffer<double>(total);
  if (!plan->storage.ok())
    throw std::bad_alloc();

  double *next = plan->storage.data();
  for (uint32_t i = 0; i < count; ++i) {
    FftPlan::Pass &pass = plan->passes[i];
    pass.constants = next;
    uint32_t perNode = 2 * groupConstants(pass.log2Radix);
    for (uint32_t node = 0; node < (1u << pass.depth); ++node)
      writeGroup(pass.depth, node, pass.log2Radix, next + size_t(node) * perNode, 1);
    size_t used = size_t(perNode) << pass.depth;
    next += (used + 7) / 8 * 8;
  }
  plan->blockConstants = next;
  for (uint32_t block = 0; block < plan->blocks(); ++block)
    writeGroup(levels, block, table.log2Lanes, next + size_t(block) * 2 * group, 1);
  next += (blockDoubles + 7) / 8 * 8;
  plan->laneConstants = next;
  for (uint32_t block = 0; block < plan->blocks(); ++block)
    for (uint32_t lane = 0; lane < lanes; ++lane)
      writeGroup(levels + table.log2Lanes, block * lanes + lane, table.log2Lanes,
                 next + size_t(block) * 2 * group * lanes + lane, lanes);
  return plan;
}

const FftPlan &fftPlan(Isa isa, uint32_t log2N) {
  static std::once_flag once[3][maxLog2PolynomialSize + 1];
  static std::unique_ptr<FftPlan> plans[3][maxLog2PolynomialSize + 1];
  size_t i = size_t(isa);
  std::call_once(once[i][log2N], [&] { plans[i][log2N] = build(kernelTable(isa), log2N); });
  return *plans[i][log2N];
}

} // namespace fhe::tfhe
