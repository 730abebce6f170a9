//===- RowRounding.cpp - Integers for the weights of a linear layer ---------------===//
#include "passes/quantize/RowRounding.h"
#include <algorithm>
#include <cmath>

namespace fhe::quantize {

NormalEquations::NormalEquations(int64_t terms, int64_t outputs)
    : terms(terms), outputs(outputs), gram(terms * terms), cross(outputs * terms), meanX(terms),
      meanY(outputs) {}

void NormalEquations::add(std::span<const float> x, std::span<const float> y) {
  ++rows;
  for (int64_t i = 0; i != terms; ++i) {
    double xi = x[i];
    meanX[i] += xi;
    if (xi == 0)
      continue;
    double *line = gram.data() + i * terms;
    for (int64_t j = 0; j <= i; ++j) // the other half: centre()
      line[j] += xi * double(x[j]);
  }
  for (int64_t o = 0; o != outputs; ++o) {
    double yo = y[o];
    meanY[o] += yo;
    double *line = cross.data() + o * terms;
    for (int64_t j = 0; j != terms; ++j)
      line[j] += yo * double(x[j]);
  }
}

void NormalEquations::centre() {
  double count = double(std::max<int64_t>(rows, 1));
  for (double &mean : meanX)
    mean /= count;
  for (double &mean : meanY)
    mean /= count;
  for (int64_t i = 0; i != terms; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double value = gram[i * terms + j] - count * meanX[i] * meanX[j];
      gram[i * terms + j] = gram[j * terms + i] = value;
    }
  for (int64_t o = 0; o != outputs; ++o)
    for (int64_t j = 0; j != terms; ++j)
      cross[o * terms + j] -= count * meanY[o] * meanX[j];
}

/// r - A v.
static std::vector<double> residual(std::span<const double> a, std::span<const double> r,
                                    double scale, std::span<const int32_t> q) {
  size_t n = r.size();
  std::vector<double> u(r.begin(), r.end());
  for (size_t i = 0; i != n; ++i) {
    if (q[i] == 0)
      continue;
    double v = scale * q[i];
    const double *line = a.data() + i * n;
    for (size_t j = 0; j != n; ++j)
      u[j] -= v * line[j];
  }
  return u;
}

/// v^T A v - 2 r^T v, with u = r - A v.
static double errorOf(std::span<const double> r, std::span<const double> u, double scale,
                      std::span<const int32_t> q) {
  double error = 0;
  for (size_t i = 0; i != r.size(); ++i)
    error -= scale * q[i] * (r[i] + u[i]);
  return error;
}

/// Sets one integer after another to the best for the others, until none changes.
static void descend(std::span<const double> a, std::vector<double> &u, double scale,
                    RowLimits limits, std::vector<int32_t> &q) {
  constexpr int mostSweeps = 30;
  size_t n = q.size();
  for (int sweep = 0; sweep != mostSweeps; ++sweep) {
    bool changed = false;
    for (size_t i = 0; i != n; ++i) {
      double best = q[i] + u[i] / (a[i * n + i] * scale);
      auto next = int32_t(std::clamp(std::nearbyint(best), double(limits.lo), double(limits.hi)));
      if (next == q[i])
        continue;
      // Not for a tie: it would come back.
      if (std::fabs(double(next) - best) >= std::fabs(double(q[i]) - best))
        continue;
      double step = scale * double(next - q[i]);
      const double *line = a.data() + i * n;
      for (size_t j = 0; j != n; ++j)
        u[j] -= step * line[j];
      q[i] = next;
      changed = true;
    }
    if (!changed)
      return;
  }
}

Row roundRow(std::span<const double> a, std::span<const double> r, std::span<const double> weights,
             double scale, RowLimits limits) {
  constexpr int mostScales = 4;
  Row row;
  row.scale = scale;
  row.integers.resize(weights.size());
  for (size_t i = 0; i != weights.size(); ++i)
    row.integers[i] = int32_t(
        std::clamp(std::nearbyint(weights[i] / scale), double(limits.lo), double(limits.hi)));
  for (int i = 0; i != mostScales; ++i) {
    std::vector<double> u = residual(a, r, row.scale, row.integers);
    descend(a, u, row.scale, limits, row.integers);
    row.error = errorOf(r, u, row.scale, row.integers);
    // s = q r / (q A q), and A q = (r - u) / s.
    double qr = 0, qAq = 0;
    for (size_t j = 0; j != r.size(); ++j) {
      qr += row.integers[j] * r[j];
      qAq += row.integers[j] * (r[j] - u[j]) / row.scale;
    }
    if (!(qr > 0) || !(qAq > 0))
      break;
    double next = double(float(qr / qAq)); // files hold f32 scales
    if (!(next > 0) || std::fabs(next - row.scale) <= 1e-4 * row.scale || i + 1 == mostScales)
      break;
    row.scale = next;
  }
  return row;
}

} // namespace fhe::quantize
