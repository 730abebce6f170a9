//===- PublishedModels.h - Cost and noise formulas of Concrete and tfhe-rs -------------------===//
//
// For tests only: with these in place of this library's own, the search must give
// what those projects published.
//
//===----------------------------------------------------------------------------------------===//
#ifndef TEST_PASSES_PARAMETERS_PUBLISHEDMODELS_H
#define TEST_PASSES_PARAMETERS_PUBLISHEDMODELS_H

#include "passes/parameters/Search.h"

namespace fhe::parameters::published {

/// Concrete's abstract operations: fft = N log2 N + N, products N, keyswitch as in its optimizer,
/// a weighted addition k N.
class ConcreteCosts final : public OperationCosts {
public:
  double cmux(const ::fhe::tfhe::GlweKey &glwe, unsigned levels) const override {
    double k = glwe.k, n = glwe.polynomialSize(), fft = n * glwe.log2N + n;
    return (k + 1) * levels * fft + (k + 1) * fft + (k + 1) * (k + 1) * levels * n;
  }
  double keyswitch(uint32_t in, uint32_t out, unsigned levels, unsigned) const override {
    return double(in) * levels * (2.0 * (out + 1) + 1) - out;
  }
  double keyPass(uint64_t) const override { return 0; }
  double product(const ::fhe::tfhe::GlweKey &glwe) const override { return glwe.coefficients(); }
};

/// 2^-2.57722494 2^(2 (64 - 53)) l B^2 N^2 (k + 1) / q^2.
double concreteFft(const ::fhe::tfhe::GlweKey &glwe,
                   const ::fhe::tfhe::Decomposition &decomposition);

/// 0.00705 2^(2 (64 - 53)) B^2 l^1.01827 k^1.22003 N^2.22003 (k + 1)^1.01827 / q^2.
double tfheRsFft(const ::fhe::tfhe::GlweKey &glwe,
                 const ::fhe::tfhe::Decomposition &decomposition);

/// Centred: (n/48) / (2N)^2, without the rounding of the body.
double tfheRsSwitch(uint32_t lweDimension, uint32_t log2N, ::fhe::tfhe::SwitchKind kind);

/// Variance of a multi-bit bootstrap with grouping factor 2 to 4.
double multiBitVariance(uint32_t lweDimension, const ::fhe::tfhe::GlweKey &glwe,
                        const ::fhe::tfhe::Decomposition &decomposition, unsigned group,
                        double keyVariance);

} // namespace fhe::parameters::published

#endif // TEST_PASSES_PARAMETERS_PUBLISHEDMODELS_H
