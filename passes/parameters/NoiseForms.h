//===- NoiseForms.h - How values are made of sources of noise ------------------===//
//
// Of NoiseAnalysis.cpp, which reads them from a program, and NoiseNorms.cpp, which
// expands them.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_NOISEFORMS_H
#define PASSES_PARAMETERS_NOISEFORMS_H

#include "passes/parameters/NoiseAnalysis.h"

namespace fhe::parameters {

inline constexpr uint32_t noSource = ~uint32_t(0); ///< a trivial ciphertext: no noise
/// Weights of sources that are no results of lookups.
inline constexpr float freshWeight = -1, convertWeight = 0;

/// How one value is made of its operands or sources.
struct NoiseAnalysis::Form {
  enum class Kind { Sources, Linear, Conv, Combine, Gather, Convert } kind = Kind::Sources;
  int64_t elements = 0;
  double paths = 1; ///< at most so many terms an element, down to sources
  // Sources: one an element; a reshape or gather of sources is sources again. Convert: the source
  // that each element gets in addition.
  std::vector<uint32_t> ids;
  bool distinct = false, uniform = false; ///< no source twice (nor none); one weight for all
  bool oneOrigin = false;
  // Others.
  const Form *operands[2] = {nullptr, nullptr};
  double coefficient[2] = {1, 1};
  mlir::Operation *op = nullptr;
  std::vector<int32_t> weights;
  int64_t channels = 0, taps = 0; ///< of weights: [channels][taps]
  std::vector<SquaredNorm> worst; ///< once asked for
  std::vector<std::vector<double>> byOrigin; ///< likewise
};

/// Sums coefficients by source for one element at a time.
struct NoiseAnalysis::Scratch {
  std::vector<double> sum;
  std::vector<uint32_t> epochOf, touched;
  uint32_t epoch = 0;

  explicit Scratch(size_t sources) : sum(sources), epochOf(sources) {}
  void start() {
    touched.clear();
    ++epoch;
  }
  void add(uint32_t source, double coefficient) {
    if (epochOf[source] != epoch) {
      epochOf[source] = epoch;
      sum[source] = 0;
      touched.push_back(source);
    }
    sum[source] += coefficient;
  }
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_NOISEFORMS_H
