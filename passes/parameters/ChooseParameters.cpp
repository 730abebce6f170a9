//===- ChooseParameters.cpp - One parameter set for a whole network ------------===//
#include "passes/parameters/ChooseParameters.h"
#include "passes/parameters/CostModel.h"
#include "runtime/tfhe/noise.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <map>
#include <mutex>
#include <tuple>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

std::string printed(double value) {
  std::string text;
  bool whole = value == std::floor(value) && std::abs(value) < 1e9;
  llvm::raw_string_ostream(text) << llvm::format(whole ? "%.0f" : "%.2f", value);
  return text;
}

std::string printed(const FailureBudget &budget) {
  std::string each = budget.log2PError ? "2^" + printed(*budget.log2PError) : "";
  if (!budget.log2Global)
    return each;
  return each + (each.empty() ? "" : " and ") + "2^" + printed(*budget.log2Global) +
         " an inference";
}

std::vector<Constraint> collectConstraints(func::FuncOp function) {
  std::vector<Constraint> constraints;
  function.walk([&](LookupOp lookup) {
    Constraint constraint;
    constraint.op = lookup;
    constraint.value = lookup.getInput();
    constraint.factor = std::exp2(lookup.getLog2Factor());
    constraint.precision = lookup.getPrecision();
    // With a padding bit 2^(precision+1) slots on the torus, without 2^precision.
    constraint.paddingBits = lookup.getPaddingBits();
    constraint.halfSlot = std::exp2(-double(constraint.precision + constraint.paddingBits) - 1);
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

const Grid &compilerGrid(const ParameterOptions &options) {
  using Key = std::tuple<unsigned, bool, ::fhe::tfhe::NoiseKind>;
  static std::mutex mutex;
  static std::map<Key, Grid> grids;
  std::lock_guard<std::mutex> lock(mutex);
  Key key{options.securityBits, options.extendedKeys, options.noise};
  auto found = grids.find(key);
  if (found == grids.end()) {
    SearchSpace space;
    space.security = options.securityBits;
    space.noiseKinds = {options.noise};
    space.keyswitchWords = {32, 64};
    // As dear as the plain one and always less noisy.
    space.switches = {::fhe::tfhe::SwitchKind::centred};
    space.partialKeys = space.nestedKeys = options.extendedKeys;
    found = grids.try_emplace(key, space).first;
  }
  return found->second;
}

static Requirement requirementOf(const Constraint &constraint, NoiseAnalysis &analysis) {
  Requirement requirement;
  requirement.halfSlot = constraint.halfSlot;
  requirement.count = double(elementsOf(constraint.value));
  requirement.table = constraint.isLookup();
  double square = constraint.factor * constraint.factor;
  for (const SquaredNorm &norm : analysis.worst(constraint.value))
    requirement.norms.push_back({norm.fresh * square, norm.table * square});
  return requirement;
}

std::vector<Requirement> requirementsOf(ArrayRef<Constraint> constraints,
                                        NoiseAnalysis &analysis) {
  std::vector<Requirement> requirements;
  for (const Constraint &constraint : constraints)
    requirements.push_back(requirementOf(constraint, analysis));
  return requirements;
}

/// Ciphertexts alive at once in the order of the program, and the results beside them, which the
/// caller gets copies of.
static double liveCiphertexts(func::FuncOp function) {
  llvm::DenseMap<Value, Operation *> lastUse;
  Block &body = function.front();
  for (Operation &op : body)
    for (Value operand : op.getOperands())
      lastUse[operand] = &op;
  double live = 0, most = 0;
  for (Value argument : body.getArguments())
    live += elementsOf(argument);
  for (Operation &op : body) {
    for (Value result : op.getResults())
      live += elementsOf(result);
    most = std::max(most, live);
    if (&op == body.getTerminator())
      break;
    llvm::SmallDenseSet<Value> ended;
    for (Value operand : op.getOperands())
      if (lastUse[operand] == &op && ended.insert(operand).second)
        live -= elementsOf(operand);
  }
  for (Value result : body.getTerminator()->getOperands())
    most += elementsOf(result);
  return most;
}

double polynomialsOf(LookupOp lookup) {
  ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
  return double(shape[0]) * double(shape[1]);
}

Workload workloadOf(func::FuncOp function) {
  Workload workload;
  workload.ciphertexts = liveCiphertexts(function);
  for (Operation &op : function.front()) {
    if (auto lookup = dyn_cast<LookupOp>(op)) {
      double elements = elementsOf(lookup.getInput());
      workload.tables += elements * lookup.getOutputs().size();
      workload.passes += unsharedPasses(elements);
      workload.polynomials += polynomialsOf(lookup);
    }
    workload.products += multiplications(&op);
  }
  return workload;
}

std::optional<SearchResult> chooseParameters(func::FuncOp function,
                                             ArrayRef<Constraint> constraints,
                                             NoiseAnalysis &analysis,
                                             const ParameterOptions &options) {
  SearchProblem problem;
  problem.requirements = requirementsOf(constraints, analysis);
  problem.budget = options.budget();
  problem.limits = options.limits();
  problem.workload = workloadOf(function);
  if (options.ciphertexts)
    problem.workload.ciphertexts = *options.ciphertexts;
  return searchParameters(problem, compilerGrid(options), KernelCosts(options.rates));
}

bool isSatisfiable(const Constraint &constraint, NoiseAnalysis &analysis,
                   const ParameterOptions &options, double scale) {
  SearchProblem problem;
  problem.requirements = {requirementOf(constraint, analysis)};
  for (SquaredNorm &norm : problem.requirements.front().norms)
    norm = {norm.fresh * scale * scale, norm.table * scale * scale};
  problem.budget = options.budget();
  return searchParameters(problem, compilerGrid(options), KernelCosts()).has_value();
}

} // namespace fhe::parameters
