//===- ChooseParameters.cpp - One parameter set for a whole network ------------===//
#include "passes/parameters/ChooseParameters.h"
#include "runtime/tfhe/noise.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

std::string printed(double value) {
  std::string text;
  bool whole = value == std::floor(value) && std::abs(value) < 1e9;
  llvm::raw_string_ostream(text) << llvm::format(whole ? "%.0f" : "%.2f", value);
  return text;
}

std::vector<Constraint> collectConstraints(func::FuncOp function) {
  std::vector<Constraint> constraints;
  function.walk([&](LookupOp lookup) {
    Constraint constraint;
    constraint.op = lookup;
    constraint.value = lookup.getInput();
    constraint.factor = std::exp2(lookup.getLog2Factor());
    constraint.precision = lookup.getPrecision();
    // One padding bit: 2^(precision+1) slots on the torus.
    constraint.halfSlot = std::exp2(-double(lookup.getPrecision()) - 2);
    constraints.push_back(constraint);
  });
  Operation *terminator = function.front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    Constraint constraint;
    constraint.op = terminator;
    constraint.result = operand.getOperandNumber();
    constraint.value = operand.get();
    constraint.halfSlot = std::exp2(double(lweOf(operand.get()).getLog2Delta()) - 65);
    constraints.push_back(constraint);
  }
  return constraints;
}

double varianceAt(const Constraint &constraint, NoiseAnalysis &analysis,
                  const ::fhe::tfhe::ParameterSet &set) {
  double variance = analysis.variance(constraint.value,
                                      ::fhe::tfhe::freshVariance(set.glwe.log2Std),
                                      ::fhe::tfhe::tableOutputVariance(set)) *
                    constraint.factor * constraint.factor;
  return constraint.isLookup() ? ::fhe::tfhe::tableInputVariance(set, variance) : variance;
}

double log2FailureAt(const Constraint &constraint, NoiseAnalysis &analysis,
                     const ::fhe::tfhe::ParameterSet &set) {
  return ::fhe::tfhe::log2ErrorProbability(constraint.halfSlot,
                                           varianceAt(constraint, analysis, set));
}

Choice chooseParameters(ArrayRef<Constraint> constraints, NoiseAnalysis &analysis,
                        double log2PError) {
  Choice choice;
  for (const Constraint &constraint : constraints) {
    if (!constraint.isLookup())
      continue;
    choice.bits = std::max(choice.bits, constraint.precision);
    choice.norm = std::max(choice.norm, constraint.factor * analysis.norm2(constraint.value));
  }
  auto satisfies = [&](const Cell *cell, unsigned keyswitchWordBits) {
    ::fhe::tfhe::ParameterSet set = toParameterSet(*cell, keyswitchWordBits);
    if (!::fhe::tfhe::checkBounds(set).empty()) // digits may not fit 32 bits
      return false;
    return llvm::all_of(constraints, [&](const Constraint &constraint) {
      return log2FailureAt(constraint, analysis, set) <= log2PError;
    });
  };
  auto take = [&](const Cell *cell) {
    for (unsigned wordBits : {32u, 64u})
      if (satisfies(cell, wordBits)) {
        choice.cell = cell;
        choice.keyswitchWordBits = wordBits;
        return true;
      }
    return false;
  };
  if (choice.bits) {
    const Cell *cell = findCell(choice.bits, choice.norm);
    if (cell && take(cell))
      return choice;
  }
  for (const Cell *cell : cellsByCost())
    if (take(cell))
      break;
  return choice;
}

} // namespace fhe::parameters
