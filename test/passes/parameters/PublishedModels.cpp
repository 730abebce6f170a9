//===- PublishedModels.cpp - Cost and noise formulas of Concrete and tfhe-rs -----------------===//
#include "test/passes/parameters/PublishedModels.h"
#include <cmath>

using namespace fhe::tfhe;

namespace fhe::parameters::published {

/// 2^(2 (64 - 53)) B^2 / q^2: the mantissa's error on words of 64 bits.
static double mantissa(const Decomposition &decomposition) {
  return std::exp2(2.0 * (64 - 53) + 2.0 * decomposition.baseLog - 128);
}

double concreteFft(const GlweKey &glwe, const Decomposition &decomposition) {
  double n = glwe.polynomialSize();
  return std::exp2(-2.57722494) * mantissa(decomposition) * decomposition.levels * n * n *
         (glwe.k + 1);
}

double tfheRsFft(const GlweKey &glwe, const Decomposition &decomposition) {
  return 0.00705 * mantissa(decomposition) * std::pow(decomposition.levels, 1.01827) *
         std::pow(glwe.k, 1.22003) * std::pow(glwe.polynomialSize(), 2.22003) *
         std::pow(glwe.k + 1, 1.01827);
}

double tfheRsSwitch(uint32_t lweDimension, uint32_t log2N, SwitchKind kind) {
  if (kind == SwitchKind::plain)
    return modulusSwitchVariance(lweDimension, log2N, kind);
  return lweDimension / 48.0 * std::exp2(-2.0 * (log2N + 1));
}

double multiBitVariance(uint32_t lweDimension, const GlweKey &glwe,
                        const Decomposition &decomposition, unsigned group, double keyVariance) {
  const double fits[3][4] = {{0.0022, 1.04148, 1.94548, 2.94548},
                             {0.00492, 1.0111, 1.90722, 2.90722},
                             {0.00855, 1.00715, 1.90759, 2.90759}};
  const double *fit = fits[group - 2];
  double k = glwe.k, n = glwe.polynomialSize(), l = decomposition.levels;
  double base2 = std::exp2(2.0 * decomposition.baseLog), precision2 = std::pow(base2, l);
  double fft = fit[0] * mantissa(decomposition) * std::pow(l, fit[1]) * std::pow(k, fit[2]) *
               std::pow(n, fit[3]) * std::pow(k + 1, fit[1]);
  return lweDimension / double(group) *
         (std::exp2(group) * l * (k + 1) * n * (base2 + 2) / 12 * keyVariance +
          k * n / (24 * precision2) + 1 / (12 * precision2) + fft);
}

} // namespace fhe::parameters::published
