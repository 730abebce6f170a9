//===- Refusal.cpp - Why no parameters satisfy a network -----------------------===//
#include "passes/parameters/Refusal.h"
#include "dialects/shared/DiagnosticIds.h"
#include <cmath>

using namespace mlir;

namespace fhe::parameters {

/// Up to which 2-norm the constraint alone could be satisfied, as a sentence.
static std::string reach(const Constraint &constraint, NoiseAnalysis &analysis, double norm,
                         const ParameterOptions &options) {
  for (double reached = std::exp2(std::floor(std::log2(norm))); reached >= 1; reached /= 2)
    if (isSatisfiable(constraint, analysis, options, reached / norm))
      return "parameters exist up to a 2-norm of " + printed(reached);
  return "no parameters exist for so many bits";
}

/// The node of a lookup, or of what is returned.
static Location placeOf(const Constraint &constraint) {
  if (constraint.isLookup())
    return constraint.op->getLoc();
  Operation *op = constraint.value.getDefiningOp();
  return op ? op->getLoc() : constraint.value.getLoc();
}

/// Parameters exist, but keys or memory of all of them are above the limits.
static LogicalResult refuseLimits(func::FuncOp function, const ::fhe::tfhe::ParameterSet &unlimited,
                                  const ParameterOptions &options) {
  auto megabytes = [](uint64_t bytes) { return printed(double(bytes) / 1e6) + " MB"; };
  InFlightDiagnostic error = emitError(function.getLoc(), "no parameter set needs");
  if (options.maxKeyBytes)
    error << " at most " << megabytes(*options.maxKeyBytes) << " of evaluation keys";
  if (options.maxMemory)
    error << (options.maxKeyBytes ? " and" : "") << " at most " << megabytes(*options.maxMemory)
          << " of memory";
  error << " [" << diag::BeyondLimits << "]";
  KeyBytes keys = evaluationKeyBytes(unlimited);
  error.attachNote() << "the fastest parameters have evaluation keys of " << megabytes(keys.stored)
                     << ", " << megabytes(keys.memory) << " in a server's memory";
  return failure();
}

/// Of constraints that are each satisfiable, one without which all are.
static const Constraint *bindingAmong(func::FuncOp function, ArrayRef<Constraint> constraints,
                                      NoiseAnalysis &analysis, const ParameterOptions &options) {
  for (size_t i = 0; i != constraints.size(); ++i) {
    std::vector<Constraint> others(constraints.begin(), constraints.end());
    others.erase(others.begin() + i);
    if (chooseParameters(function, others, analysis, options))
      return &constraints[i];
  }
  return nullptr;
}

LogicalResult refuseParameters(func::FuncOp function, ArrayRef<Constraint> constraints,
                               NoiseAnalysis &analysis, const ParameterOptions &options) {
  if (options.maxKeyBytes || options.maxMemory) {
    ParameterOptions unlimited = options;
    unlimited.maxKeyBytes = unlimited.maxMemory = std::nullopt;
    if (auto choice = chooseParameters(function, constraints, analysis, unlimited))
      return refuseLimits(function, choice->set, options);
  }
  for (const auto &constraint : constraints) {
    if (isSatisfiable(constraint, analysis, options))
      continue;
    InFlightDiagnostic error = emitError(placeOf(constraint));
    double norm = constraint.factor * analysis.norm2(constraint.value);
    if (constraint.isLookup())
      error << "no parameter set keeps a table of " << constraint.precision;
    else
      error << "no parameter set keeps output " << constraint.result << " of "
            << 64 - int64_t(tfhe_ir::lweOf(constraint.value).getLog2Delta());
    error << " bits right at a 2-norm of " << printed(norm) << " and a failure probability of "
          << printed(options.budget()) << " [" << diag::NoParameters << "]";
    error.attachNote() << reach(constraint, analysis, norm, options);
    return failure();
  }
  const auto *binding = bindingAmong(function, constraints, analysis, options);
  InFlightDiagnostic error = emitError(placeOf(binding ? *binding : constraints.front()));
  error << "no one parameter set satisfies all tables and outputs together at a failure "
           "probability of "
        << printed(options.budget()) << " [" << diag::NoParameters << "]";
  if (binding)
    error.attachNote() << "the others could be satisfied without this "
                       << (binding->isLookup()
                               ? "table of " + std::to_string(binding->precision) + " bits"
                               : "output")
                       << ", at a 2-norm of "
                       << printed(binding->factor * analysis.norm2(binding->value));
  return failure();
}

} // namespace fhe::parameters
