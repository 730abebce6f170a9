//===- Suggestions.cpp - Changes of the command that would compile ---------------===//
#include "compiler/driver/Suggestions.h"
#include "mlir/Pass/PassManager.h"
#include "passes/pipeline/Command.h"
#include "passes/pipeline/Pipeline.h"
#include "passes/tfhe/Passes.h"
#include <cmath>

using namespace mlir;

namespace fhe {

namespace {

/// The options with changes of one kind, the nearest first: the first that works is suggested.
using Kind = std::vector<CompileOptions>;

class Suggester {
public:
  Suggester(ModuleOp module, const CompileOptions &options) : module(module), options(options) {}

  std::vector<std::string> run() {
    std::vector<std::string> found;
    for (const Kind &kind : {rounding(), failures(), keys(), limits(), security()}) {
      if (std::optional<std::string> command = firstThatWorks(kind))
        found.push_back(*command);
      if (found.size() == most)
        return found;
    }
    for (const CompileOptions &change : both())
      if (found.empty() && works(change))
        found.push_back(commandOf(change));
    return found;
  }

private:
  static constexpr size_t most = 3;

  /// Works with one parameter set: several are only ever found from one that does.
  bool works(CompileOptions changed) {
    changed.parameters.maxSets = 1;
    // Refusals of an attempt concern nobody.
    ScopedDiagnosticHandler silence(module.getContext(), [](Diagnostic &) { return success(); });
    OwningOpRef<ModuleOp> attempt(module.clone());
    PassManager manager(module.getContext());
    buildWindowPipeline(manager, changed);
    buildRealizationPipeline(manager, changed);
    buildTfhePipeline(manager, changed);
    return succeeded(manager.run(*attempt));
  }

  /// Of one kind, what lies behind a change that works works too, all but always: tried in doubling
  /// steps up to one that does, then by halving what lies between. What is returned was tried.
  std::optional<std::string> firstThatWorks(const Kind &kind) {
    size_t tried = 0, working = 0; // the first `tried` do not, as far as was looked
    bool found = false;
    for (size_t next = 0; !found && tried != kind.size(); next = 2 * next + 1) {
      working = std::min(next, kind.size() - 1);
      if (!(found = works(kind[working])))
        tried = working + 1;
    }
    if (!found)
      return std::nullopt;
    while (tried < working) {
      const size_t middle = (tried + working) / 2;
      if (works(kind[middle]))
        working = middle;
      else
        tried = middle + 1;
    }
    return commandOf(kind[working]);
  }

  /// The command as it was typed, with the flags that changed.
  std::string commandOf(const CompileOptions &change) {
    const ParameterOptions &from = options.parameters, &to = change.parameters;
    std::vector<std::string> dropped;
    std::string added;
    auto replace = [&](bool changed, const std::string &flag, const std::string &value) {
      if (!changed)
        return;
      dropped.push_back(flag);
      added += " " + flag + "=" + value;
    };
    replace(change.roundAccumulators != options.roundAccumulators, "--round-accumulators",
            std::to_string(change.roundAccumulators.value_or(0)));
    replace(to.log2PError != from.log2PError, "--p-error", power(to.log2PError.value_or(0)));
    replace(to.log2Global != from.log2Global, "--global-p-error", power(to.log2Global.value_or(0)));
    replace(to.extendedKeys != from.extendedKeys, "--key-assumptions", "extended");
    replace(to.maxKeyBytes != from.maxKeyBytes, "--max-key-bytes",
            bytes(to.maxKeyBytes.value_or(0)));
    replace(to.maxMemory != from.maxMemory, "--max-memory", bytes(to.maxMemory.value_or(0)));
    replace(to.securityBits != from.securityBits, "--security", std::to_string(to.securityBits));
    return commandWithout(options.command, dropped) + added;
  }

  static std::string power(double log2) {
    std::string text = std::to_string(log2);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.')
      text.pop_back();
    return "2^" + text;
  }

  static std::string bytes(uint64_t count) {
    for (auto [unit, letter] :
         {std::pair<uint64_t, char>{1000000000, 'G'}, {1000000, 'M'}, {1000, 'K'}})
      if (count >= unit && count % unit == 0)
        return std::to_string(count / unit) + letter;
    return std::to_string(count);
  }

  bool isShareable() const { return options.parameters.profile == Profile::shareable; }

  /// The most bits that work: approximate tables of a precision no larger than before.
  Kind rounding() {
    Kind kind;
    if (isShareable())
      return kind;
    for (unsigned bits = options.roundAccumulators.value_or(9) - 1; bits >= 2; --bits) {
      kind.push_back(options);
      kind.back().roundAccumulators = bits;
    }
    return kind;
  }

  /// The smallest larger failure probability that works.
  Kind failures() {
    Kind kind;
    if (isShareable())
      return kind;
    for (double log2 : {-100, -80, -64, -50, -40, -30, -24, -20, -16, -13, -10, -7}) {
      CompileOptions change = options;
      std::optional<double> &bound = options.parameters.log2Global ? change.parameters.log2Global
                                                                   : change.parameters.log2PError;
      if (log2 <= *bound)
        continue;
      bound = log2;
      kind.push_back(change);
    }
    return kind;
  }

  Kind keys() {
    Kind kind;
    if (!options.parameters.extendedKeys) {
      kind.push_back(options);
      kind.back().parameters.extendedKeys = true;
    }
    return kind;
  }

  /// The limits given, raised together by steps of a quarter of a doubling.
  Kind limits() {
    Kind kind;
    const ParameterOptions &asked = options.parameters;
    if (!asked.maxKeyBytes && !asked.maxMemory)
      return kind;
    auto raised = [](std::optional<uint64_t> limit, double factor) -> std::optional<uint64_t> {
      if (!limit)
        return std::nullopt;
      // Three digits, rounded up.
      uint64_t value = uint64_t(std::ceil(double(*limit) * factor)), unit = 1;
      while (value / unit >= 1000)
        unit *= 10;
      return (value + unit - 1) / unit * unit;
    };
    double factor = 1;
    for (int step = 0; step != 48; ++step) {
      factor *= 1.189207115002721; // 2^(1/4)
      kind.push_back(options);
      ParameterOptions &changed = kind.back().parameters;
      changed.maxKeyBytes = raised(asked.maxKeyBytes, factor);
      changed.maxMemory = raised(asked.maxMemory, factor);
    }
    return kind;
  }

  Kind security() {
    Kind kind;
    if (options.parameters.securityBits == 132) {
      kind.push_back(options);
      kind.back().parameters.securityBits = 128;
    }
    return kind;
  }

  /// Where no one change works: rounding and a larger failure probability, or partial keys, too.
  Kind both() {
    Kind kind;
    for (const CompileOptions &change : rounding()) {
      CompileOptions extended = change, often = change;
      extended.parameters.extendedKeys = true;
      if (!often.parameters.log2Global)
        often.parameters.log2PError = std::max(-20.0, often.parameters.log2PError.value_or(-20));
      kind.push_back(extended);
      kind.push_back(often);
    }
    // And with larger limits, by coarser steps.
    for (unsigned bits : {8, 6})
      for (size_t step = 3; step < limits().size() && !isShareable(); step += 8) {
        kind.push_back(limits()[step]);
        kind.back().roundAccumulators = std::min(bits, options.roundAccumulators.value_or(bits));
      }
    return kind;
  }

  ModuleOp module;
  const CompileOptions &options;
};

} // namespace

std::vector<std::string> suggestCommands(ModuleOp beforeWindows, const CompileOptions &options) {
  return Suggester(beforeWindows, options).run();
}

} // namespace fhe
