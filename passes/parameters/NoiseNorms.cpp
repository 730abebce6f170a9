//===- NoiseNorms.cpp - Norms of values over their sources of noise ------------===//
#include "passes/parameters/NoiseForms.h"
#include <algorithm>
#include <cmath>
#include <set>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

/// More different elements than this are bounded by one.
static constexpr size_t maxOriginNorms = 2048;

/// Adds coefficient * element, down to the sources.
void NoiseAnalysis::expand(const Form &form, int64_t element, double coefficient,
                           Scratch &scratch) const {
  switch (form.kind) {
  case Form::Kind::Sources:
    if (form.ids[element] != noSource)
      scratch.add(form.ids[element], coefficient);
    return;
  case Form::Kind::Linear: {
    int64_t row = element / form.channels, channel = element % form.channels;
    const int32_t *weights = form.weights.data() + channel * form.taps;
    for (int64_t i = 0; i != form.taps; ++i)
      if (weights[i])
        expand(*form.operands[0], row * form.taps + i, coefficient * form.coefficient[0] * weights[i],
               scratch);
    return;
  }
  case Form::Kind::Conv: {
    auto conv = cast<ConvOp>(form.op);
    ArrayRef<int64_t> in = conv.getInput().getType().getShape(),
                      out = conv.getResult().getType().getShape(),
                      kernel = conv.getWeights().getType().getShape();
    int64_t channel = element / (out[1] * out[2]), y = element / out[2] % out[1],
            x = element % out[2];
    int64_t group = channel / (form.channels / int64_t(conv.getGroups()));
    const int32_t *weights = form.weights.data() + channel * form.taps;
    for (int64_t tap = 0; tap != form.taps; ++tap) {
      int64_t c = group * kernel[1] + tap / (kernel[2] * kernel[3]);
      int64_t iy = y * conv.getStrides()[0] - conv.getPads()[0] +
                   tap / kernel[3] % kernel[2] * conv.getDilations()[0];
      int64_t ix = x * conv.getStrides()[1] - conv.getPads()[1] +
                   tap % kernel[3] * conv.getDilations()[1];
      if (weights[tap] && iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2])
        expand(*form.operands[0], (c * in[1] + iy) * in[2] + ix,
               coefficient * form.coefficient[0] * weights[tap], scratch);
    }
    return;
  }
  case Form::Kind::Convert:
    scratch.add(form.ids[element], coefficient);
    expand(*form.operands[0], element, coefficient, scratch);
    return;
  case Form::Kind::Combine:
    for (unsigned k = 0; k != 2 && form.operands[k]; ++k)
      expand(*form.operands[k], element, coefficient * form.coefficient[k], scratch);
    return;
  case Form::Kind::Gather: {
    int64_t s = cast<GatherOp>(form.op).getSource()[element], count = form.operands[0]->elements;
    if (s >= 0)
      expand(*form.operands[s < count ? 0 : 1], s < count ? s : s - count, coefficient, scratch);
    return;
  }
  }
}

/// Drops what another one exceeds in both kinds.
static std::vector<SquaredNorm> maximal(std::vector<SquaredNorm> norms) {
  std::sort(norms.begin(), norms.end(), [](const SquaredNorm &a, const SquaredNorm &b) {
    return a.fresh != b.fresh ? a.fresh > b.fresh : a.table > b.table;
  });
  std::vector<SquaredNorm> kept;
  for (const SquaredNorm &norm : norms)
    if (kept.empty() || norm.table > kept.back().table)
      kept.push_back(norm);
  return kept;
}

static void addTerm(SquaredNorm &norm, float weight, double square) {
  if (weight == freshWeight)
    norm.fresh += square;
  else
    norm.table += weight * square;
}

/// A linear operation whose taps are all independent sources of one kind: only weights matter.
std::vector<SquaredNorm> NoiseAnalysis::independentNorms(const Form &form) const {
  std::vector<SquaredNorm> norms;
  float weight = sourceWeight[form.operands[0]->ids.front()];
  for (int64_t c = 0; c != form.channels; ++c) {
    double square = 0;
    for (int64_t i = 0; i != form.taps; ++i)
      square += std::pow(form.coefficient[0] * form.weights[c * form.taps + i], 2);
    addTerm(norms.emplace_back(), weight, square);
  }
  return maximal(std::move(norms));
}

std::vector<SquaredNorm> NoiseAnalysis::exactNorms(const Form &form) const {
  std::vector<SquaredNorm> norms;
  Scratch scratch(sourceWeight.size());
  for (int64_t e = 0; e != form.elements; ++e) {
    scratch.start();
    expand(form, e, 1, scratch);
    SquaredNorm norm;
    for (uint32_t source : scratch.touched)
      addTerm(norm, sourceWeight[source], scratch.sum[source] * scratch.sum[source]);
    if (norms.empty() || !(norms.back() == norm))
      norms.push_back(norm);
  }
  return maximal(std::move(norms));
}

/// Standard deviations of all terms added up, each the operand's largest.
SquaredNorm NoiseAnalysis::boundNorm(Form &form) {
  SquaredNorm bound;
  auto add = [&](const Form *operand, double coefficient, bool either) {
    SquaredNorm most;
    for (const SquaredNorm &norm : worstOf(const_cast<Form &>(*operand))) {
      most.fresh = std::max(most.fresh, norm.fresh);
      most.table = std::max(most.table, norm.table);
    }
    auto combine = [&](double &sum, double square) {
      double std = std::abs(coefficient) * std::sqrt(square);
      sum = either ? std::max(sum, std) : sum + std;
    };
    combine(bound.fresh, most.fresh);
    combine(bound.table, most.table);
  };
  if (form.channels) {
    double sum = 0;
    for (int64_t c = 0; c != form.channels; ++c) {
      double channel = 0;
      for (int64_t i = 0; i != form.taps; ++i)
        channel += std::abs(double(form.weights[c * form.taps + i]));
      sum = std::max(sum, channel);
    }
    add(form.operands[0], form.coefficient[0] * sum, false);
  } else {
    for (unsigned k = 0; k != 2 && form.operands[k]; ++k)
      add(form.operands[k], form.coefficient[k], form.kind == Form::Kind::Gather);
  }
  return {bound.fresh * bound.fresh, bound.table * bound.table};
}

const std::vector<SquaredNorm> &NoiseAnalysis::worstOf(Form &form) {
  if (!form.worst.empty())
    return form.worst;
  const Form *operand = form.operands[0];
  if (form.channels && operand->kind == Form::Kind::Sources && operand->distinct && operand->uniform)
    form.worst = independentNorms(form);
  else if (form.kind == Form::Kind::Sources || form.paths * double(form.elements) <= maxPaths)
    form.worst = exactNorms(form);
  else
    form.worst = {boundNorm(form)};
  return form.worst;
}

//===----------------------------------------------------------------------===//
// By origin
//===----------------------------------------------------------------------===//

/// Without repetitions and without what another one exceeds everywhere.
static std::vector<std::vector<double>> maximal(std::set<std::vector<double>> norms) {
  std::vector<std::vector<double>> kept;
  if (norms.size() > maxOriginNorms) {
    kept.push_back(*norms.begin());
    for (const std::vector<double> &norm : norms)
      for (size_t i = 0; i != norm.size(); ++i)
        kept[0][i] = std::max(kept[0][i], norm[i]);
    return kept;
  }
  auto exceeds = [](const std::vector<double> &a, const std::vector<double> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), std::greater_equal<>());
  };
  // In decreasing lexicographic order nothing later exceeds what is kept already.
  for (auto norm = norms.rbegin(); norm != norms.rend(); ++norm)
    if (llvm::none_of(kept, [&](const std::vector<double> &other) { return exceeds(other, *norm); }))
      kept.push_back(*norm);
  return kept;
}

/// Sources of one origin, each once: those of the operand, or of what it converts.
std::vector<std::vector<double>> NoiseAnalysis::independentByOrigin(const Form &form) const {
  std::set<std::vector<double>> norms;
  for (int64_t c = 0; c != form.channels; ++c) {
    double square = 0;
    for (int64_t i = 0; i != form.taps; ++i)
      square += std::pow(form.coefficient[0] * form.weights[c * form.taps + i], 2);
    std::vector<double> norm(allOrigins.size());
    for (const Form *operand = form.operands[0]; operand; operand = operand->operands[0]) {
      float weight = sourceWeight[operand->ids.front()];
      norm[sourceOrigin[operand->ids.front()]] += (weight > 0 ? weight : 1) * square;
      if (operand->kind == Form::Kind::Sources)
        break;
    }
    norms.insert(std::move(norm));
  }
  return maximal(std::move(norms));
}

std::vector<std::vector<double>> NoiseAnalysis::exactByOrigin(const Form &form) const {
  std::set<std::vector<double>> norms;
  Scratch scratch(sourceWeight.size());
  std::vector<double> norm;
  for (int64_t e = 0; e != form.elements; ++e) {
    scratch.start();
    expand(form, e, 1, scratch);
    norm.assign(allOrigins.size(), 0);
    for (uint32_t source : scratch.touched) {
      float weight = sourceWeight[source];
      norm[sourceOrigin[source]] +=
          (weight > 0 ? weight : 1) * scratch.sum[source] * scratch.sum[source];
    }
    norms.insert(norm);
  }
  return maximal(std::move(norms));
}

/// Standard deviations of all terms added up origin by origin, each the operand's largest.
std::vector<double> NoiseAnalysis::boundByOrigin(Form &form) {
  std::vector<double> bound(allOrigins.size());
  double most = form.channels ? 0 : 1;
  for (int64_t c = 0; c != form.channels; ++c) {
    double channel = 0;
    for (int64_t i = 0; i != form.taps; ++i)
      channel += std::abs(double(form.weights[c * form.taps + i]));
    most = std::max(most, channel);
  }
  for (unsigned k = 0; k != 2 && form.operands[k]; ++k) {
    std::vector<double> largest(allOrigins.size());
    for (const auto &norm : byOriginOf(const_cast<Form &>(*form.operands[k])))
      for (size_t i = 0; i != norm.size(); ++i)
        largest[i] = std::max(largest[i], std::sqrt(norm[i]));
    for (size_t i = 0; i != bound.size(); ++i) {
      double std = std::abs(form.coefficient[k]) * most * largest[i];
      bound[i] = form.kind == Form::Kind::Gather ? std::max(bound[i], std) : bound[i] + std;
    }
  }
  for (double &value : bound)
    value *= value;
  if (form.kind == Form::Kind::Convert) // a source of its own, independent of all others
    bound[sourceOrigin[form.ids.front()]] += 1;
  return bound;
}

const std::vector<std::vector<double>> &NoiseAnalysis::byOriginOf(Form &form) {
  if (!form.byOrigin.empty())
    return form.byOrigin;
  auto independent = [](const Form *operand) {
    while (operand->kind == Form::Kind::Convert && operand->distinct)
      operand = operand->operands[0];
    return operand->kind == Form::Kind::Sources && operand->distinct && operand->oneOrigin;
  };
  if (form.channels && independent(form.operands[0]))
    form.byOrigin = independentByOrigin(form);
  else if (form.kind == Form::Kind::Sources || form.paths * double(form.elements) <= maxPaths)
    form.byOrigin = exactByOrigin(form);
  else
    form.byOrigin = {boundByOrigin(form)};
  return form.byOrigin;
}

const std::vector<std::vector<double>> &NoiseAnalysis::worstByOrigin(Value value) {
  return byOriginOf(formOf(value));
}

double NoiseAnalysis::variance(Value value, ArrayRef<double> variances) {
  double most = 0;
  for (const std::vector<double> &norm : worstByOrigin(value)) {
    double sum = 0;
    for (size_t i = 0; i != norm.size(); ++i)
      sum += norm[i] * variances[i];
    most = std::max(most, sum);
  }
  return most;
}

const std::vector<SquaredNorm> &NoiseAnalysis::worst(Value value) { return worstOf(formOf(value)); }

double NoiseAnalysis::norm2(Value value) {
  double most = 0;
  for (const SquaredNorm &norm : worst(value))
    most = std::max(most, norm.total());
  return std::sqrt(most);
}

double NoiseAnalysis::variance(Value value, double freshVariance, double tableVariance) {
  double most = 0;
  for (const SquaredNorm &norm : worst(value))
    most = std::max(most, norm.variance(freshVariance, tableVariance));
  return most;
}

} // namespace fhe::parameters
