//===- WeightGrid.cpp - Float weights that are integers times a scale ----------------===//
#include "passes/qnn/WeightGrid.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/StoredIntegers.h"
#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace mlir;

namespace fhe::qnn {

/// Largest |k|: of 8-bit integers less any zero point.
static constexpr double kMaxInteger = 255;

namespace {
/// Scales (one, or one a channel) and the integers of all weights.
struct Grid {
  std::vector<double> scales;
  std::vector<int32_t> integers;
  std::vector<std::pair<int32_t, int32_t>> ranges; ///< of each scale's integers, with 0
};
} // namespace

/// The different magnitudes but 0, ascending; nothing where there are more than an 8-bit grid has.
static std::optional<std::vector<float>> magnitudes(std::span<const float> weights) {
  std::vector<float> out;
  for (float w : weights) {
    float magnitude = std::fabs(w);
    auto at = std::lower_bound(out.begin(), out.end(), magnitude);
    if (magnitude == 0 || (at != out.end() && *at == magnitude))
      continue;
    if (double(out.size()) == kMaxInteger)
      return std::nullopt;
    out.insert(at, magnitude);
  }
  return out;
}

static bool isMultiple(float magnitude, double scale) {
  double k = std::round(magnitude / scale);
  return k >= 1 && k <= kMaxInteger &&
         std::fabs(double(magnitude) - k * scale) <= kGridTolerance * double(magnitude);
}

/// The 32-bit float near `scale` that gives all magnitudes to the last bit; `scale` where there is none.
static double exactScale(const std::vector<float> &all, double scale) {
  float candidate = std::nextafter(std::nextafter(float(scale), 0.0f), 0.0f);
  for (int step = 0; step != 5; ++step, candidate = std::nextafter(candidate, INFINITY))
    if (candidate > 0 && std::all_of(all.begin(), all.end(), [&](float w) {
          return float(std::round(double(w) / scale)) * candidate == w;
        }))
      return candidate;
  return scale;
}

std::optional<double> commonScale(std::span<const float> weights) {
  std::optional<std::vector<float>> all = magnitudes(weights);
  if (!all)
    return std::nullopt;
  if (all->empty())
    return 1.0;
  // The smallest magnitude is j scales; the largest one tells the scale best.
  double least = all->front(), most = all->back();
  for (double j = 1; j <= kMaxInteger; ++j) {
    double k = std::round(most / least * j);
    if (k > kMaxInteger)
      break;
    double scale = most / k;
    if (scale >= double(FLT_MIN) && std::all_of(all->begin(), all->end(), [&](float w) {
          return isMultiple(w, scale);
        }))
      return exactScale(*all, scale);
  }
  return std::nullopt;
}

/// The grid with a scale for each of `parts` equal runs of weights.
static std::optional<Grid> findGrid(const std::vector<float> &weights, int64_t parts) {
  Grid grid;
  grid.integers.reserve(weights.size());
  size_t size = weights.size() / size_t(parts);
  for (int64_t part = 0; part != parts; ++part) {
    std::span<const float> run(weights.data() + size_t(part) * size, size);
    std::optional<double> scale = commonScale(run);
    if (!scale)
      return std::nullopt;
    auto &[lo, hi] = grid.ranges.emplace_back(0, 0);
    for (float w : run) {
      int32_t k = int32_t(std::lround(double(w) / *scale));
      lo = std::min(lo, k);
      hi = std::max(hi, k);
      grid.integers.push_back(k);
    }
    if (hi - lo > int32_t(kMaxInteger))
      return std::nullopt;
    grid.scales.push_back(*scale);
  }
  return grid;
}

/// Bits of a signed integer for all of them; 9 and more: unsigned 8-bit ones with a zero point.
static unsigned signedBits(const Grid &grid) {
  unsigned bits = 2;
  for (auto [lo, hi] : grid.ranges)
    while (lo < -(1 << (bits - 1)) || hi >= 1 << (bits - 1))
      ++bits;
  return bits;
}

static std::vector<float> realsOf(ConstantOp constant) {
  auto values = cast<DenseElementsAttr>(constant.getValue()).getValues<float>();
  return {values.begin(), values.end()};
}

ConstantOp quantizeOnGrid(Operation *op, ConstantOp constant) {
  ArrayRef<int64_t> shape = qnn::shapeOf(constant.getResult());
  std::vector<float> weights = realsOf(constant);
  std::optional<Grid> whole = findGrid(weights, 1);
  std::optional<Grid> channels =
      whole && signedBits(*whole) == 2 ? std::nullopt : findGrid(weights, shape[0]);
  if (!whole && !channels)
    return nullptr;
  bool perAxis = channels && (!whole || signedBits(*channels) < signedBits(*whole));
  Grid grid = perAxis ? std::move(*channels) : std::move(*whole);
  unsigned bits = std::min(signedBits(grid), 8u);
  bool isSigned = signedBits(grid) <= 8;
  int64_t lo = isSigned ? -(int64_t(1) << (bits - 1)) : 0, hi = lo + (int64_t(1) << bits) - 1;
  SmallVector<int64_t> zeroPoints;
  for (auto [least, most] : grid.ranges)
    zeroPoints.push_back(isSigned ? 0 : -least);
  size_t size = weights.size() / grid.scales.size();
  for (size_t e = 0; e != grid.integers.size(); ++e)
    grid.integers[e] += int32_t(zeroPoints[e / size]);
  OpBuilder b(op);
  auto storage = b.getIntegerType(bits);
  unsigned flags = isSigned ? quant::QuantizationFlags::Signed : 0;
  Type element;
  if (perAxis)
    element = quant::UniformQuantizedPerAxisType::get(flags, storage, b.getF32Type(), grid.scales,
                                                      zeroPoints, 0, lo, hi);
  else
    element = quant::UniformQuantizedType::get(flags, storage, b.getF32Type(), grid.scales[0],
                                               zeroPoints[0], lo, hi);
  return ConstantOp::create(b, constant.getLoc(), RankedTensorType::get(shape, element),
                            storeIntegers(b.getContext(), shape, grid.integers, /*withUnsigned=*/true));
}

std::string describeOffGrid(ConstantOp constant) {
  std::vector<float> weights = realsOf(constant);
  int64_t channels = qnn::shapeOf(constant.getResult())[0];
  size_t size = weights.size() / size_t(channels);
  for (int64_t c = 0; c != channels; ++c) {
    std::vector<float> run(weights.begin() + std::ptrdiff_t(size_t(c) * size),
                           weights.begin() + std::ptrdiff_t(size_t(c + 1) * size));
    if (findGrid(run, 1))
      continue;
    std::optional<std::vector<float>> all = magnitudes(run);
    return "those of output channel " + std::to_string(c) + " have " +
           (all ? std::to_string(all->size()) : "more than 255") +
           " magnitudes that are no multiples of one number by integers of 8 bits";
  }
  return "";
}

} // namespace fhe::qnn
