//===- ChooseNetwork.cpp - Several parameter sets for a whole network ----------===//
#include "passes/parameters/ChooseNetwork.h"
#include "passes/parameters/CostModel.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

namespace {

class Reader {
public:
  Reader(func::FuncOp function, ArrayRef<Constraint> constraints, NoiseAnalysis &analysis,
         ArrayRef<double> originFactors)
      : function(function), constraints(constraints), analysis(analysis),
        originFactors(originFactors) {}

  ProgramNetwork read() {
    numberBlocks();
    for (const Constraint &constraint : constraints)
      if (auto lookup = dyn_cast<LookupOp>(constraint.op)) {
        tableOf[lookup] = result.lookups.size();
        result.lookups.push_back(lookup);
      }
    for (const Constraint &constraint : constraints) {
      NetworkSum sum = readSum(constraint);
      if (auto lookup = dyn_cast<LookupOp>(constraint.op))
        result.network.tables.push_back({constraint.bits(), std::move(sum),
                                         double(lookup.getOutputs().size()),
                                         polynomialsOf(lookup)});
      else
        result.network.outputs.push_back(std::move(sum));
    }
    joinBlocks();
    result.network.ciphertexts = workloadOf(function).ciphertexts;
    return std::move(result);
  }

private:
  /// Linear operations join their operands and results, a table its results, and encryptions are all
  /// under one key.
  void numberBlocks() {
    llvm::EquivalenceClasses<Value> classes;
    auto join = [&](ValueRange values) {
      for (Value value : values)
        classes.unionSets(values.front(), value);
    };
    join(function.getArguments());
    for (Operation &op : function.front().without_terminator()) {
      join(op.getResults());
      if (!isa<LookupOp>(op))
        for (Value operand : op.getOperands())
          classes.unionSets(operand, op.getResult(0));
    }
    // Numbers in program order: the classes' own order is that of addresses.
    llvm::DenseMap<Value, unsigned> numberOf;
    auto number = [&](Value value) {
      Value leader = *classes.findLeader(value);
      result.blockOf[value] = numberOf.try_emplace(leader, numberOf.size()).first->second;
    };
    for (Value argument : function.getArguments())
      number(argument);
    for (Operation &op : function.front().without_terminator())
      for (Value value : op.getResults())
        number(value);
    result.placeOf.resize(numberOf.size());
  }

  int sourceOf(Value origin) const {
    auto lookup = origin.getDefiningOp<LookupOp>();
    return lookup ? int(tableOf.at(lookup)) : SourceTerm::input;
  }

  NetworkSum readSum(const Constraint &constraint) {
    NetworkSum sum;
    sum.halfSlot = constraint.halfSlot;
    sum.count = double(elementsOf(constraint.value));
    double square = constraint.factor * constraint.factor;
    bool first = true;
    for (const std::vector<double> &norm : analysis.worstByOrigin(constraint.value)) {
      std::vector<SourceTerm> terms;
      for (size_t i = 0; i != norm.size(); ++i)
        if (norm[i] > 0) {
          double factor = originFactors.empty() ? 1 : originFactors[i];
          terms.push_back({sourceOf(analysis.origins()[i]), norm[i] * square * factor * factor});
        }
      (first ? sum.terms : sum.others.emplace_back()) = std::move(terms);
      first = false;
    }
    return sum;
  }

  NetworkSum &place(size_t index) {
    size_t tables = result.network.tables.size();
    return index < tables ? result.network.tables[index].input
                          : result.network.outputs[index - tables];
  }

  /// Says with terms of square 0 what only shapes and constants join, and counts the products of a
  /// block at its first place.
  void joinBlocks() {
    std::vector<int> sourceIn(result.placeOf.size(), SourceTerm::input);
    for (Value origin : analysis.origins())
      sourceIn[result.blockOf.at(origin)] = sourceOf(origin);
    size_t tables = 0, outputs = result.network.tables.size();
    for (const Constraint &constraint : constraints) {
      size_t index = constraint.isLookup() ? tables++ : outputs++;
      unsigned block = result.blockOf.at(constraint.value);
      place(index).terms.push_back({sourceIn[block], 0});
      if (!result.placeOf[block])
        result.placeOf[block] = index;
    }
    for (Value origin : analysis.origins())
      if (auto at = result.placeOf[result.blockOf.at(origin)])
        place(*at).terms.push_back({sourceOf(origin), 0});
    for (Operation &op : function.front().without_terminator())
      if (auto at = result.placeOf[result.blockOf.at(op.getResult(0))])
        place(*at).products += multiplications(&op);
  }

  func::FuncOp function;
  ArrayRef<Constraint> constraints;
  NoiseAnalysis &analysis;
  ArrayRef<double> originFactors;
  llvm::DenseMap<Operation *, size_t> tableOf;
  ProgramNetwork result;
};

} // namespace

ProgramNetwork readNetwork(func::FuncOp function, ArrayRef<Constraint> constraints,
                           NoiseAnalysis &analysis, ArrayRef<double> originFactors) {
  return Reader(function, constraints, analysis, originFactors).read();
}

std::optional<NetworkChoice> chooseNetwork(const ProgramNetwork &program,
                                           const ParameterOptions &options) {
  Network network = program.network;
  if (options.ciphertexts)
    network.ciphertexts = *options.ciphertexts;
  auto choose = [&](const ParameterOptions &allowed) {
    return searchNetwork(network, options.budget(), compilerGrid(allowed),
                         KernelCosts(options.rates), options.limits(), options.maxSets);
  };
  std::optional<NetworkChoice> choice = choose(options);
  // Several sets are improved step by step: with more kinds of keys the steps may end higher.
  if (choice && options.extendedKeys && options.maxSets > 1) {
    ParameterOptions standard = options;
    standard.extendedKeys = false;
    std::optional<NetworkChoice> other = choose(standard);
    if (other && other->cost < choice->cost) {
      other->singleCost = choice->singleCost;
      return other;
    }
  }
  return choice;
}

} // namespace fhe::parameters
