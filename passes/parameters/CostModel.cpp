//===- CostModel.cpp - Predicted times and sizes --------------------------------===//
#include "passes/parameters/CostModel.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

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
  return multiplications(op) * KernelCosts().product(set.glwe);
}

} // namespace fhe::parameters
