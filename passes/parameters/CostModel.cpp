//===- CostModel.cpp - Predicted times and sizes --------------------------------===//
#include "passes/parameters/CostModel.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

// Rates of one core with AVX-512, batched: what fhe_kernel_bench (runtime/bench) gave for the sets
// p4 to p6 in docs/benchmarks.md, within 5 % of each other. These numbers are the model.
static constexpr double flopsPerSecond = 3.25e10;         // blind rotation
static constexpr double keyswitchProductsPerSecond = 1.15e10;
static constexpr double linearProductsPerSecond = 7.5e9;  // clear weights times ciphertext words

/// Floating-point operations of one complex FFT of `points` points.
static double fftFlops(double points) { return 5 * points * std::log2(points); }

double lookupSeconds(const ::fhe::tfhe::ParameterSet &set) {
  double k = set.glwe.k, n = set.glwe.polynomialSize(), levels = set.bootstrap.levels;
  // A real negacyclic transform of N coefficients is a complex FFT of N/2 points.
  double transforms = (k + 1) * levels + (k + 1);
  double flops = transforms * fftFlops(n / 2) + (k + 1) * (k + 1) * levels * (n / 2) * 8;
  double products = double(set.glwe.lweDimension()) * set.keyswitch.levels * set.lwe.words();
  return set.lwe.dimension * flops / flopsPerSecond + products / keyswitchProductsPerSecond;
}

/// Clear multiplications by ciphertexts of one sample.
static double multiplications(Operation *op) {
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([](LinearOp linear) {
        return double(elementsOf(linear.getResult())) * linear.getWeights().getType().getDimSize(1);
      })
      .Case([](ConvOp conv) {
        auto weights = conv.getWeights().getType();
        return double(elementsOf(conv.getResult())) * weights.getNumElements() /
               weights.getDimSize(0);
      })
      .Case([](CombineOp combine) {
        return double(elementsOf(combine.getResult())) * combine.getInputs().size();
      })
      .Default([](Operation *) { return 0.0; });
}

double operationSeconds(Operation *op, const ::fhe::tfhe::ParameterSet &set) {
  if (auto lookup = dyn_cast<LookupOp>(op))
    return elementsOf(lookup.getInput()) * double(lookup.getOutputs().size()) * lookupSeconds(set);
  return multiplications(op) * set.glwe.lweWords() / linearProductsPerSecond;
}

KeyBytes evaluationKeyBytes(const ::fhe::tfhe::ParameterSet &set) {
  // Stored rows hold bodies only, masks grow from a seed: one word a keyswitch row, one polynomial
  // a row of a GGSW.
  uint64_t keyswitchRows = uint64_t(set.glwe.lweDimension()) * set.keyswitch.levels;
  uint64_t bootstrapRows =
      uint64_t(set.lwe.dimension) * set.bootstrap.levels * (set.glwe.k + 1);
  KeyBytes bytes;
  bytes.stored = 8 * (keyswitchRows + bootstrapRows * set.glwe.polynomialSize());
  bytes.memory = ::fhe::tfhe::keyswitchKeyBytes(set.glwe.lweDimension(), set.lwe.dimension,
                                                set.keyswitch) +
                 ::fhe::tfhe::bootstrapKeyBytes(set.lwe.dimension, set.glwe, set.bootstrap);
  return bytes;
}

uint64_t ciphertextBytes(const ::fhe::tfhe::ParameterSet &set) { return 8 * set.glwe.lweWords(); }

} // namespace fhe::parameters
