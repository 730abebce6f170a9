//===- CostModel.cpp - Predicted times and sizes --------------------------------===//
#include "passes/parameters/CostModel.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

KernelRates kernelRatesOf(ModuleOp module) {
  KernelRates rates = committedRates();
  auto values = module->getAttrOfType<DenseF64ArrayAttr>(kernelRatesAttr);
  if (!values || values.size() != int64_t(std::size(rateMembers)))
    return rates;
  for (size_t i = 0; i != std::size(rateMembers); ++i)
    if (values[i] > 0)
      rates.*rateMembers[i].value = values[i];
  return rates;
}

void setKernelRates(ModuleOp module, const KernelRates &rates) {
  SmallVector<double> values;
  for (const RateMember &member : rateMembers)
    values.push_back(rates.*member.value);
  module->setAttr(kernelRatesAttr, DenseF64ArrayAttr::get(module.getContext(), values));
}

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

/// The key of an operation's results.
static ::fhe::tfhe::GlweKey resultKey(Operation *op, ParametersOp parameters) {
  return glweKeyOf(parameters, lweOf(op->getResult(0)).getKey().getLeafReference());
}

/// One keyswitch, and one pass over its key.
static std::pair<double, double> keyswitchSeconds(Operation *user, SymbolRefAttr name,
                                                  const KernelCosts &costs) {
  SwitchKeys keys =
      switchKeysOf(SymbolTable::lookupNearestSymbolFrom<KeyswitchKeyOp>(user, name));
  uint64_t bytes = ::fhe::tfhe::keyswitchKeyBytes(keys.coefficients(), keys.to.dimension,
                                                  keys.digits, keys.to.wordBits);
  return {costs.keyswitch(keys.coefficients(), keys.to.dimension, keys.digits.levels,
                          keys.to.wordBits),
          costs.keyPass(bytes)};
}

double operationSeconds(Operation *op, ParametersOp parameters, const KernelRates &rates) {
  const KernelCosts costs(rates);
  if (auto lookup = dyn_cast<LookupOp>(op)) {
    ::fhe::tfhe::ParameterSet set = parameterSetOf(lookup);
    auto [once, pass] = keyswitchSeconds(op, *lookup.getKeyswitch(), costs);
    double elements = elementsOf(lookup.getInput());
    double each = set.lwe.dimension * costs.cmux(set.glwe, set.bootstrap.levels) + once;
    return elements * double(lookup.getOutputs().size()) * each + unsharedPasses(elements) * pass;
  }
  if (auto convert = dyn_cast<ConvertOp>(op)) {
    auto [once, pass] = keyswitchSeconds(op, convert.getKeyswitch(), costs);
    double elements = elementsOf(convert.getInput());
    return elements * once + unsharedPasses(elements) * pass;
  }
  double products = multiplications(op);
  return products > 0 ? products * costs.product(resultKey(op, parameters)) : 0;
}

KeyBytes evaluationKeyBytes(ParametersOp parameters) {
  // Stored rows hold bodies only, masks grow from a seed: one word a keyswitch row, one polynomial
  // a row of a GGSW.
  KeyBytes bytes;
  for (KeyswitchKeyOp keyswitch : parameters.getOps<KeyswitchKeyOp>()) {
    SwitchKeys keys = switchKeysOf(keyswitch);
    uint64_t inputs = keys.coefficients();
    bytes.stored += keys.to.wordBits / 8 * inputs * keys.digits.levels;
    bytes.memory += ::fhe::tfhe::keyswitchKeyBytes(inputs, keys.to.dimension, keys.digits,
                                                   keys.to.wordBits);
  }
  for (BootstrapKeyOp bootstrap : parameters.getOps<BootstrapKeyOp>()) {
    BootstrapKeys keys = bootstrapKeysOf(bootstrap);
    bytes.stored += 8 * uint64_t(keys.from.dimension) * keys.digits.levels * (keys.to.k + 1) *
                    keys.to.polynomialSize();
    bytes.memory += ::fhe::tfhe::bootstrapKeyBytes(keys.from.dimension, keys.to, keys.digits);
  }
  return bytes;
}

uint64_t ciphertextBytes(ParametersOp parameters, StringRef key) {
  return parameters.getClearOnly() ? 0 : 8 * glweKeyOf(parameters, key).lweWords();
}

uint64_t peakBytes(func::FuncOp main, DictionaryAttr arenaElements, ParametersOp parameters) {
  auto bytesOf = [&](Value value) {
    return ciphertextBytes(parameters, lweOf(value).getKey().getLeafReference());
  };
  uint64_t bytes = evaluationKeyBytes(parameters).memory, scratch = 0;
  for (NamedAttribute arena : arenaElements)
    if (auto elements = dyn_cast<IntegerAttr>(arena.getValue()))
      bytes += elements.getInt() * ciphertextBytes(parameters, arena.getName());
  for (Value result : main.front().getTerminator()->getOperands())
    bytes += elementsOf(result) * bytesOf(result);
  for (LookupOp lookup : main.getOps<LookupOp>()) {
    ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
    bytes += uint64_t(shape[0]) * shape[1] * 8 * parameterSetOf(lookup).glwe.polynomialSize();
    scratch = std::max(scratch, scratchBytes(parameterSetOf(lookup), bytesOf(lookup.getInput())));
  }
  return bytes + scratch;
}

} // namespace fhe::parameters
