//===- CostModel.cpp - Predicted times and sizes --------------------------------===//
#include "passes/parameters/CostModel.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

double multiplications(Operation *op) {
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
  if (auto lookup = dyn_cast<LookupOp>(op)) {
    double elements = elementsOf(lookup.getInput());
    uint64_t keyBytes = ::fhe::tfhe::keyswitchKeyBytes(set.glwe.lweDimension(), set.lwe.dimension,
                                                       set.keyswitch, set.keyswitchWordBits());
    return elements * double(lookup.getOutputs().size()) * lookupSeconds(set) +
           unsharedPasses(elements) * KernelCosts().keyPass(keyBytes);
  }
  return multiplications(op) * KernelCosts().product(set.glwe);
}

/// Working memory of one thread at a layer of tables: a batch of 16 accumulators, the transforms of
/// their digits, the batch before and after the keyswitch. The kernels' own numbers (runtime/server)
/// depend on the machine; next to the keys both are small.
static uint64_t scratchBytes(const ::fhe::tfhe::ParameterSet &set) {
  constexpr uint64_t batch = 16;
  uint64_t polynomial = 8 * uint64_t(set.glwe.polynomialSize()), columns = set.glwe.k + 1;
  return batch * (columns * polynomial + 8 * set.lwe.words() + ciphertextBytes(set)) +
         set.bootstrap.levels * columns * polynomial;
}

uint64_t peakBytes(func::FuncOp main, ArrayRef<int64_t> arenaElements,
                   const ::fhe::tfhe::ParameterSet &set) {
  uint64_t bytes = evaluationKeyBytes(set).memory, ciphertexts = 0;
  for (int64_t elements : arenaElements)
    ciphertexts += elements;
  for (Value result : main.front().getTerminator()->getOperands())
    ciphertexts += elementsOf(result);
  bool hasTables = false;
  for (LookupOp lookup : main.getOps<LookupOp>()) {
    ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
    bytes += uint64_t(shape[0]) * shape[1] * 8 * set.glwe.polynomialSize();
    hasTables = true;
  }
  return bytes + ciphertexts * ciphertextBytes(set) + (hasTables ? scratchBytes(set) : 0);
}

} // namespace fhe::parameters
