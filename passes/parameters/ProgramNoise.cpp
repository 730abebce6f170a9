//===- ProgramNoise.cpp - Variances of a program from the keys it names --------===//
#include "passes/parameters/ProgramNoise.h"
#include "runtime/tfhe/noise.h"
#include <optional>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

static double keyswitchNoise(Operation *user, SymbolRefAttr name) {
  auto key = SymbolTable::lookupNearestSymbolFrom<KeyswitchKeyOp>(user, name);
  SwitchKeys keys = switchKeysOf(key);
  return ::fhe::tfhe::keyswitchVariance(keys.from.lweDimension(), keys.digits,
                                        ::fhe::tfhe::freshVariance(keys.to.log2Std),
                                        keys.to.wordBits, keys.shared);
}

ProgramNoise::ProgramNoise(ParametersOp parameters, NoiseAnalysis &analysis) : analysis(analysis) {
  std::optional<double> anyFresh, anyTable;
  for (Value origin : analysis.origins()) {
    Operation *op = origin.getDefiningOp();
    if (!op) {
      StringRef key = lweOf(origin).getKey().getLeafReference();
      variances.push_back(::fhe::tfhe::freshVariance(glweKeyOf(parameters, key).log2Std));
      twoKinds &= !anyFresh || *anyFresh == variances.back();
      anyFresh = variances.back();
    } else if (auto lookup = dyn_cast<LookupOp>(op)) {
      variances.push_back(::fhe::tfhe::tableOutputVariance(parameterSetOf(lookup)));
      twoKinds &= !anyTable || *anyTable == variances.back();
      anyTable = variances.back();
    } else {
      variances.push_back(keyswitchNoise(op, cast<ConvertOp>(op).getKeyswitch()));
      twoKinds = false;
    }
  }
  fresh = anyFresh.value_or(0);
  table = anyTable.value_or(0);
}

double ProgramNoise::varianceOf(Value value) {
  return twoKinds ? analysis.variance(value, fresh, table) : analysis.variance(value, variances);
}

double ProgramNoise::varianceAt(const Constraint &constraint) {
  double variance = varianceOf(constraint.value) * constraint.factor * constraint.factor;
  auto lookup = dyn_cast<LookupOp>(constraint.op);
  if (!lookup)
    return variance;
  // The keyswitch leads from the operand's key, which may be that of another set.
  ::fhe::tfhe::ParameterSet set = parameterSetOf(lookup);
  return variance + keyswitchNoise(lookup, *lookup.getKeyswitch()) +
         ::fhe::tfhe::modulusSwitchVariance(set.lwe.dimension, set.glwe.log2N, set.modulusSwitch);
}

} // namespace fhe::parameters
