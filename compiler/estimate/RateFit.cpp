//===- RateFit.cpp - From measured kernels to the rates of the cost model --------------------===//
#include "compiler/estimate/RateFit.h"
#include <algorithm>
#include <array>
#include <cmath>

namespace fhe::estimate {

using parameters::KernelCosts;
using parameters::StepWork;
using parameters::stepWork;

static constexpr size_t terms = 4;
using Row = std::array<double, terms>;

static Row rowOf(const StepWork &work) {
  return {work.flops, work.macs, work.nearWords, work.farWords};
}

/// Solves the normal equations for the terms of `mask`; false if they are singular.
static bool solve(const std::vector<Row> &rows, unsigned mask, Row &solution) {
  double a[terms][terms + 1] = {};
  for (const Row &row : rows)
    for (size_t i = 0; i != terms; ++i) {
      for (size_t j = 0; j != terms; ++j)
        a[i][j] += row[i] * row[j];
      a[i][terms] += row[i]; // every relative time should be 1
    }
  for (size_t i = 0; i != terms; ++i)
    if (!(mask >> i & 1))
      for (size_t j = 0; j <= terms; ++j)
        a[i][j] = i == j; // x_i = 0
  for (size_t i = 0; i != terms; ++i)
    if (!(mask >> i & 1))
      for (size_t j = 0; j != terms; ++j)
        if (j != i)
          a[j][i] = 0;
  for (size_t i = 0; i != terms; ++i) {
    size_t pivot = i;
    for (size_t j = i; j != terms; ++j)
      if (std::abs(a[j][i]) > std::abs(a[pivot][i]))
        pivot = j;
    if (std::abs(a[pivot][i]) < 1e-12)
      return false;
    std::swap(a[i], a[pivot]);
    for (size_t j = 0; j != terms; ++j)
      if (j != i)
        for (size_t c = terms + 1; c-- > i;)
          a[j][c] -= a[j][i] / a[i][i] * a[i][c];
  }
  for (size_t i = 0; i != terms; ++i)
    solution[i] = a[i][terms] / a[i][i];
  return true;
}

static double squaredError(const std::vector<Row> &rows, const Row &costs) {
  double sum = 0;
  for (const Row &row : rows) {
    double predicted = 0;
    for (size_t i = 0; i != terms; ++i)
      predicted += row[i] * costs[i];
    sum += (predicted - 1) * (predicted - 1);
  }
  return sum;
}

/// Least squares with no cost below 0: the best of all choices of terms. Costs a unit of work.
static double nonNegative(const std::vector<StepTime> &steps, const KernelRates &rates,
                          Row &costs) {
  std::vector<Row> rows;
  Row scale{};
  for (const StepTime &step : steps) {
    rows.push_back(rowOf(stepWork(step.glwe, step.levels, rates)));
    for (size_t i = 0; i != terms; ++i) {
      rows.back()[i] /= step.seconds;
      scale[i] = std::max(scale[i], rows.back()[i]);
    }
  }
  for (Row &row : rows)
    for (size_t i = 0; i != terms; ++i)
      row[i] /= scale[i] > 0 ? scale[i] : 1;
  double least = HUGE_VAL;
  for (unsigned mask = 1; mask != 1u << terms; ++mask) {
    Row found{};
    if (!solve(rows, mask, found) || *std::min_element(found.begin(), found.end()) < 0)
      continue;
    double error = squaredError(rows, found);
    if (error >= least)
      continue;
    least = error;
    for (size_t i = 0; i != terms; ++i)
      costs[i] = found[i] / (scale[i] > 0 ? scale[i] : 1);
  }
  return least;
}

void fitSteps(const std::vector<StepTime> &steps, KernelRates &rates) {
  double least = HUGE_VAL;
  KernelRates best = rates;
  // Working sets in quarters of a power of two.
  for (int nearQuarter = 4 * 18; nearQuarter <= 4 * 23; ++nearQuarter)
    for (int farQuarter = nearQuarter + 2; farQuarter <= 4 * 26; ++farQuarter) {
      KernelRates trial = rates;
      trial.nearBytes = std::round(std::exp2(nearQuarter / 4.0));
      trial.farBytes = std::round(std::exp2(farQuarter / 4.0));
      Row costs{};
      double error = nonNegative(steps, trial, costs);
      if (error >= least)
        continue;
      least = error;
      // A cost of 0 is a rate that never matters.
      double *members[terms] = {&trial.fftFlopsPerSecond, &trial.macsPerSecond,
                                &trial.nearWordsPerSecond, &trial.farWordsPerSecond};
      for (size_t i = 0; i != terms; ++i)
        *members[i] = costs[i] > 0 ? 1 / costs[i] : 1e15;
      best = trial;
    }
  rates = best;
}

double largestError(const std::vector<StepTime> &steps, const KernelRates &rates) {
  double most = 0;
  for (const StepTime &step : steps)
    most = std::max(most, std::abs(KernelCosts(rates).cmux(step.glwe, step.levels) / step.seconds -
                                   1));
  return most;
}

} // namespace fhe::estimate
