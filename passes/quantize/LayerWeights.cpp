//===- LayerWeights.cpp - Integer weights and bias of one linear operation --------===//
#include "passes/quantize/LayerWeights.h"
#include "dialects/qnn/Elements.h"
#include "passes/quantize/Affine.h"
#include "passes/quantize/RowRounding.h"
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

/// Rows of a layer that its normal equations are made from; evenly spaced where there are more.
static constexpr int64_t kMostRows = 8192;
/// The widest layer whose normal equations are solved.
static constexpr int64_t kMostTerms = 4096;

namespace {
/// Quantized weights, by output channel.
struct Channels {
  std::vector<Affine> affine;
  std::vector<int32_t> stored;
};
} // namespace

static Affine affineOfWeights(std::span<const float> weights, double part, const QuantizeOptions &options) {
  Range range = minMaxRange(weights);
  double largest = std::max(-range.lo, range.hi);
  if (!(largest > 0))
    return symmetricOf(1, options.weightBits); // a channel of zeros
  Affine affine = options.asymmetricWeights
                      ? affineOf({part * std::min(range.lo, 0.0), part * std::max(range.hi, 0.0)},
                                 options.weightBits)
                      : symmetricOf(part * largest, options.weightBits);
  affine.scale = double(float(affine.scale)); // files hold f32 scales
  return affine;
}

static Type weightType(MLIRContext *context, ArrayRef<Affine> channels, unsigned bits) {
  const Affine &first = channels.front();
  unsigned flags = first.lo < 0 ? quant::QuantizationFlags::Signed : 0;
  auto storage = IntegerType::get(context, bits);
  Type real = Float32Type::get(context);
  if (channels.size() == 1)
    return quant::UniformQuantizedType::get(flags, storage, real, first.scale, first.zeroPoint, first.lo,
                                            first.hi);
  SmallVector<double> scales;
  SmallVector<int64_t> zeroPoints;
  for (const Affine &channel : channels) {
    scales.push_back(channel.scale);
    zeroPoints.push_back(channel.zeroPoint);
  }
  return quant::UniformQuantizedPerAxisType::get(flags, storage, real, scales, zeroPoints, 0, first.lo,
                                                 first.hi);
}

/// Operand 1 of `op` becomes a quantized constant.
static void setWeights(Operation *op, const Channels &channels, unsigned bits) {
  OpBuilder b(op);
  auto tensor = cast<RankedTensorType>(op->getOperand(1).getType());
  auto type = tensor.clone(weightType(op->getContext(), channels.affine, bits));
  auto values = DenseElementsAttr::get(tensor.clone(b.getI32Type()), ArrayRef<int32_t>(channels.stored));
  op->setOperand(1, ConstantOp::create(b, op->getLoc(), type, values));
}

static void setBias(Operation *op, ArrayRef<float> bias) {
  OpBuilder b(op);
  auto type = RankedTensorType::get({int64_t(bias.size())}, b.getF32Type());
  Value constant = ConstantOp::create(b, op->getLoc(), type, DenseElementsAttr::get(type, bias));
  if (op->getNumOperands() == 3)
    op->setOperand(2, constant);
  else
    op->insertOperands(2, constant);
}

void roundWeights(Operation *op, const QuantizeOptions &options) {
  std::vector<float> weights = clearReals(clearConstant(op->getOperand(1)));
  Channels channels;
  channels.affine = {affineOfWeights(weights, 1, options)};
  for (float w : weights)
    channels.stored.push_back(int32_t(channels.affine[0].quantize(double(w))));
  setWeights(op, channels, options.weightBits);
}

//===------------------------------------------------------------------------------===//
// Rows of a layer
//===------------------------------------------------------------------------------===//

namespace {
/// What one row of a layer reads and gives: for a gemm a row of the input, for a convolution a window.
class Rows {
public:
  Rows(Operation *op) : op(op) {
    ArrayRef<int64_t> weights = shapeOf(op->getOperand(1));
    outputs = weights[0];
    terms = ShapedType::getNumElements(weights.drop_front());
    if (auto conv = dyn_cast<ConvOp>(op))
      groups = conv.getGroups();
    places = elementCount(op->getResult(0)) / outputs;
  }
  int64_t outputs, terms, groups = 1, places;
  int64_t groupOutputs() const { return outputs / groups; }

  /// Row `place` of group `group` of one sample.
  void read(const float *x, const float *y, int64_t group, int64_t place, float *row,
            float *results) const {
    if (isa<GemmOp>(op)) {
      std::copy_n(x + place * terms, terms, row);
      std::copy_n(y + place * outputs, outputs, results);
      return;
    }
    auto conv = cast<ConvOp>(op);
    ArrayRef<int64_t> in = shapeOf(op->getOperand(0)), out = shapeOf(op->getResult(0)),
                      kernel = shapeOf(op->getOperand(1));
    int64_t oy = place / out[2], ox = place % out[2];
    for (int64_t c = 0; c != kernel[1]; ++c)
      for (int64_t ky = 0; ky != kernel[2]; ++ky)
        for (int64_t kx = 0; kx != kernel[3]; ++kx) {
          int64_t iy = oy * conv.getStrides()[0] - conv.getPads()[0] + ky * conv.getDilations()[0];
          int64_t ix = ox * conv.getStrides()[1] - conv.getPads()[1] + kx * conv.getDilations()[1];
          bool inside = iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2];
          *row++ = inside ? x[((group * kernel[1] + c) * in[1] + iy) * in[2] + ix] : 0.0f;
        }
    for (int64_t o = 0; o != groupOutputs(); ++o)
      results[o] = y[(group * groupOutputs() + o) * places + place];
  }

private:
  Operation *op;
};
} // namespace

/// The normal equations of one group.
static NormalEquations gather(const Rows &rows, int64_t group, std::span<const float> x,
                              std::span<const float> y, int64_t samples) {
  NormalEquations sums(rows.terms, rows.groupOutputs());
  int64_t count = samples * rows.places, xSize = int64_t(x.size()) / samples,
          ySize = int64_t(y.size()) / samples;
  std::vector<float> row(rows.terms), results(rows.groupOutputs());
  int64_t used = std::min(count, kMostRows);
  for (int64_t i = 0; i != used; ++i) {
    int64_t at = i * count / used, sample = at / rows.places;
    rows.read(x.data() + sample * xSize, y.data() + sample * ySize, group, at % rows.places, row.data(),
              results.data());
    sums.add(row, results);
  }
  sums.centre();
  return sums;
}

/// The best of several scales for one output channel.
static Row fitRow(const NormalEquations &sums, std::span<const double> a, int64_t output, double ridge,
                  std::span<const float> weights, const QuantizeOptions &options, Affine &affine) {
  int64_t n = sums.terms;
  std::vector<double> w(weights.begin(), weights.end()), r(n);
  for (int64_t j = 0; j != n; ++j)
    r[j] = sums.cross[output * n + j] + ridge * w[j];
  Row best;
  for (double part : {1.0, 0.92, 0.84, 0.76, 0.68, 0.6, 0.52, 0.44}) {
    Affine tried = affineOfWeights(weights, part, options);
    Row row = roundRow(a, r, w, tried.scale,
                       {tried.lo - tried.zeroPoint, tried.hi - tried.zeroPoint});
    if (!best.integers.empty() && row.error >= best.error)
      continue;
    affine = tried;
    affine.scale = row.scale;
    best = std::move(row);
  }
  return best;
}

/// Calls work(0) .. work(count - 1) on all cores.
template <typename Work> static void parallel(int64_t count, Work work) {
  std::atomic<int64_t> next = 0;
  auto loop = [&] {
    for (int64_t i; (i = next++) < count;)
      work(i);
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < std::min<int64_t>(count, std::thread::hardware_concurrency()); ++t)
    pool.emplace_back(loop);
  loop();
  for (std::thread &thread : pool)
    thread.join();
}

/// Layers too wide for their normal equations: mean inputs and results of a group only.
static void correctBias(const Rows &rows, int64_t group, std::span<const float> x,
                        std::span<const float> y, int64_t samples, std::vector<double> &meanX,
                        std::vector<double> &meanY) {
  int64_t count = samples * rows.places, used = std::min(count, kMostRows);
  std::vector<float> row(rows.terms), results(rows.groupOutputs());
  meanX.assign(rows.terms, 0);
  meanY.assign(rows.groupOutputs(), 0);
  for (int64_t i = 0; i != used; ++i) {
    int64_t at = i * count / used, sample = at / rows.places;
    rows.read(x.data() + sample * (int64_t(x.size()) / samples),
              y.data() + sample * (int64_t(y.size()) / samples), group, at % rows.places, row.data(),
              results.data());
    for (int64_t j = 0; j != rows.terms; ++j)
      meanX[j] += double(row[j]) / double(used);
    for (int64_t o = 0; o != rows.groupOutputs(); ++o)
      meanY[o] += double(results[o]) / double(used);
  }
}

void fitWeights(Operation *op, std::span<const float> x, std::span<const float> y, int64_t samples,
                const QuantizeOptions &options, double hold) {
  Rows rows(op);
  std::vector<float> weights = clearReals(clearConstant(op->getOperand(1)));
  Channels channels;
  channels.affine.resize(rows.outputs);
  channels.stored.resize(weights.size());
  std::vector<float> bias(rows.outputs);
  for (int64_t group = 0; group != rows.groups; ++group) {
    std::vector<double> meanX, meanY, a;
    std::unique_ptr<NormalEquations> sums;
    double ridge = 0;
    if (rows.terms <= kMostTerms) {
      sums = std::make_unique<NormalEquations>(gather(rows, group, x, y, samples));
      meanX = sums->meanX;
      meanY = sums->meanY;
      a = sums->gram;
      for (int64_t i = 0; i != rows.terms; ++i)
        ridge += hold * a[i * rows.terms + i] / double(rows.terms);
      ridge = std::max(ridge, 1e-12);
      for (int64_t i = 0; i != rows.terms; ++i)
        a[i * rows.terms + i] += ridge;
    } else {
      correctBias(rows, group, x, y, samples, meanX, meanY);
    }
    parallel(rows.groupOutputs(), [&](int64_t i) {
      int64_t o = group * rows.groupOutputs() + i;
      std::span<const float> w(weights.data() + o * rows.terms, size_t(rows.terms));
      Affine &affine = channels.affine[o];
      std::vector<int32_t> integers;
      if (sums) {
        integers = fitRow(*sums, a, i, ridge, w, options, affine).integers;
      } else {
        affine = affineOfWeights(w, 1, options);
        for (float v : w)
          integers.push_back(int32_t(affine.quantize(double(v)) - affine.zeroPoint));
      }
      double b = meanY[i];
      for (int64_t j = 0; j != rows.terms; ++j) {
        channels.stored[o * rows.terms + j] = int32_t(integers[j] + affine.zeroPoint);
        b -= affine.scale * integers[j] * meanX[j];
      }
      bias[o] = float(b);
    });
  }
  setWeights(op, channels, options.weightBits);
  setBias(op, bias);
}

} // namespace fhe::quantize
