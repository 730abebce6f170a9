//===- VerifyNoise.cpp - tfhe-verify-noise ----------------------------------------===//
//
// Every failure probability again, from the numbers in the parameters, whoever
// wrote them. Formulas: runtime/tfhe/noise.h.
//
//===---------------------------------------------------------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/IR/Builders.h"
#include "passes/parameters/ChooseParameters.h"
#include "passes/parameters/Disagreements.h"
#include "passes/parameters/ProgramNoise.h"
#include "passes/tfhe/Passes.h"
#include "runtime/tfhe/noise.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace fhe {
#define GEN_PASS_DEF_TFHEVERIFYNOISE
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::parameters;
namespace ir = fhe::tfhe_ir;

namespace {

/// Guard that a window keeps at both ends, in standard deviations: 2^-28.9 a table.
constexpr double endDeviations = 6;

struct TfheVerifyNoise : fhe::impl::TfheVerifyNoiseBase<TfheVerifyNoise> {
  using TfheVerifyNoiseBase::TfheVerifyNoiseBase;

  fhe::ParameterOptions asked() const {
    return fhe::parameterOptions(log2PError, log2GlobalPError, security, maxKeyBytes, maxMemory,
                                 extendedKeys, tuniform, shareable);
  }

  FloatAttr f64(double value) { return Builder(&getContext()).getF64FloatAttr(value); }

  void annotateNorms(func::FuncOp function, NoiseAnalysis &analysis) {
    for (Operation &op : function.front())
      if (isa<ir::LinearOp, ir::ConvOp, ir::CombineOp>(op))
        op.setAttr("norm2", f64(analysis.norm2(op.getResult(0))));
  }

  /// What one element may fail with, as a logarithm.
  double allowedLog2() {
    double allowed = asked().log2PError.value_or(0);
    return isShareable() ? std::min(allowed, fhe::shareableLog2PError) : allowed;
  }
  bool isShareable() {
    auto profile = getOperation()->getAttrOfType<StringAttr>(fhe::profileAttr);
    return asked().profile == fhe::Profile::shareable ||
           (profile && profile.getValue() == "shareable");
  }

  /// The value whose noise a consumer sees: layout and clear powers of two do not change it.
  static Value rootOf(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      bool isView = isa<ir::ReshapeOp>(op) || (isa<ir::GatherOp>(op) && op->getNumOperands() == 1);
      auto combine = dyn_cast<ir::CombineOp>(op);
      if (!isView &&
          !(combine && combine.getInputs().size() == 1 && combine.getCoefficients()[0] == 1))
        break;
      value = op->getOperand(0);
    }
    return value;
  }

  static std::string describe(const Constraint &constraint) {
    if (constraint.isLookup())
      return "a table of " + std::to_string(constraint.precision) + " bits";
    return "output " + std::to_string(constraint.result);
  }

  /// One line a further consumer of the value: `binding` is the one that fails most often.
  void noteConsumers(InFlightDiagnostic &error, const Constraint &binding,
                     ArrayRef<Constraint> constraints, ProgramNoise &noise) {
    for (const Constraint &other : constraints) {
      bool same = other.op == binding.op && other.result == binding.result;
      if (same || rootOf(other.value) != rootOf(binding.value))
        continue;
      double variance = noise.varianceAt(other);
      error.attachNote(other.op->getLoc())
          << "another consumer of the same value, " << describe(other)
          << ", fails with probability 2^"
          << printed(fhe::tfhe::log2ErrorProbability(other.halfSlot, variance));
    }
  }

  InFlightDiagnostic refuse(const Constraint &constraint, double variance, double log2Failure) {
    double allowed = allowedLog2();
    Operation *place = constraint.isLookup() ? constraint.op : constraint.value.getDefiningOp();
    InFlightDiagnostic error = emitError(place ? place->getLoc() : constraint.op->getLoc());
    if (constraint.isLookup())
      error << "a table of " << constraint.precision << " bits fails with probability 2^"
            << printed(log2Failure) << ", allowed is 2^" << printed(allowed) << " ["
            << fhe::diag::TableFails << "]";
    else
      error << "output " << constraint.result << " fails with probability 2^"
            << printed(log2Failure) << ", allowed is 2^" << printed(allowed) << " ["
            << fhe::diag::OutputFails << "]";
    error.attachNote() << "noise has standard deviation 2^" << printed(0.5 * std::log2(variance))
                       << ", half a slot is 2^" << printed(std::log2(constraint.halfSlot))
                       << "; at most 2^"
                       << printed(0.5 * std::log2(varianceLimit(constraint.halfSlot, allowed)))
                       << " is allowed";
    error.attachNote()
        << "help: " << command.getValue() << " --round-accumulators="
        << std::max(2u, (constraint.isLookup() ? constraint.precision : 7) - 1);
    return error;
  }

  void annotateDisagreements(ir::LookupOp lookup, double noiseStd, unsigned log2N) {
    if (lookup.getPrecision() == int64_t(lookup.getWidth()))
      return;
    Disagreements found = disagreementsOf(lookup, noiseStd, log2N);
    if (found.expected)
      lookup.setExpectedDisagreementsAttr(f64(*found.expected));
    lookup.setMostDisagreementsAttr(f64(found.atMost));
  }

  /// Noise that a rounded window tolerates, or a large failure probability, is several slots; beyond
  /// the ends of its window the table changes its sign. Exact tables at 2^-40 or less have enough in
  /// the half slot of their last integers (docs/noise.md).
  LogicalResult verifyEnds(ir::LookupOp lookup, double variance) {
    int64_t width = lookup.getWidth(), guard = lookup.getGuard(),
            entries = lookup.getTables().getType().getDimSize(2);
    bool isRounded = lookup.getPrecision() != width;
    int64_t above = fhe::guardAbove(lookup.getTables(), lookup.getRealization(), width, guard);
    double slots = std::min(guard, above) + 0.5;
    double deviations = slots * std::exp2(-double(lookup.getTorusBits())) / std::sqrt(variance);
    if (deviations >= endDeviations)
      return success();
    InFlightDiagnostic error =
        lookup.emitError(isRounded ? "a rounded table has a value " : "a table has a value ");
    error << printed(deviations) << " standard deviations of the noise from an end of its window, allowed are "
          << printed(endDeviations) << " [" << fhe::diag::WindowEnds << "]";
    error.attachNote() << "guard " << guard << ", " << entries << " entries, " << (int64_t(1) << width)
                       << " slots";
    return failure();
  }

  /// Refuses the place that fails most often, if it fails too often.
  LogicalResult verifyWorst(ArrayRef<Constraint> constraints, ProgramNoise &noise) {
    const Constraint *worst = nullptr;
    double most = allowedLog2();
    for (const Constraint &constraint : constraints) {
      double log2Failure =
          fhe::tfhe::log2ErrorProbability(constraint.halfSlot, noise.varianceAt(constraint));
      if (log2Failure <= most)
        continue;
      worst = &constraint;
      most = log2Failure;
    }
    if (!worst)
      return success();
    InFlightDiagnostic error = refuse(*worst, noise.varianceAt(*worst), most);
    noteConsumers(error, *worst, constraints, noise);
    return failure();
  }

  /// Annotates one place; adds its elements' failures to `total`.
  LogicalResult verify(func::FuncOp function, const Constraint &constraint, ProgramNoise &noise,
                       double &total) {
    double variance = noise.varianceAt(constraint);
    double log2Failure = fhe::tfhe::log2ErrorProbability(constraint.halfSlot, variance);
    auto lookup = dyn_cast<ir::LookupOp>(constraint.op);
    if (lookup && failed(verifyEnds(lookup, variance)))
      return failure();
    if (lookup && isShareable() && lookup.getPrecision() != int64_t(lookup.getWidth()))
      return lookup.emitError("results are not shareable: a rounded table is approximate [")
             << fhe::diag::NotShareable << "]";
    // What is impossible is written as the smallest double's power, not as an infinity.
    double written = std::max(log2Failure, -1e6);
    double count = ir::elementsOf(constraint.value);
    if (lookup) {
      lookup.setNoiseStdAttr(f64(std::sqrt(variance)));
      lookup.setLog2FailureAttr(f64(written));
      annotateDisagreements(lookup, std::sqrt(variance), ir::parameterSetOf(lookup).glwe.log2N);
      // Results of one lookup fail together: they share the switched ciphertext.
    } else {
      function.setResultAttr(constraint.result, ir::noiseAttr, f64(std::sqrt(variance)));
      function.setResultAttr(constraint.result, ir::failureAttr, f64(written));
    }
    // The sum of probabilities is never too small; no probability is above 1.
    total = std::min(0.0, fhe::tfhe::log2Add(total, fhe::tfhe::log2AnyOf(log2Failure, count)));
    return success();
  }

  LogicalResult verifyInference(func::FuncOp function, double total) {
    std::optional<double> allowed = asked().log2Global;
    if (!allowed || total <= *allowed)
      return success();
    return emitError(function.getLoc(), "an inference fails with probability 2^")
           << printed(total) << ", allowed is 2^" << printed(*allowed) << " ["
           << fhe::diag::InferenceFails << "]";
  }

  /// Encryptions under GLWE keys of these parameters.
  LogicalResult checkArguments(func::FuncOp function, ir::ParametersOp parameters) {
    for (Value argument : function.getArguments()) {
      auto tensor = dyn_cast<RankedTensorType>(argument.getType());
      auto type = tensor ? dyn_cast<ir::LweType>(tensor.getElementType()) : ir::LweType();
      if (!type || type.getKey().getRootReference() != parameters.getSymNameAttr() ||
          !isa_and_nonnull<ir::GlweKeyOp>(
              SymbolTable::lookupSymbolIn(parameters, type.getKey().getLeafReference())))
        return emitError(argument.getLoc(), "argument of type ")
               << argument.getType() << " is not under a GLWE key of the parameters";
    }
    return success();
  }

  LogicalResult run() {
    ModuleOp module = getOperation();
    ir::ParametersOp parameters = ir::getParameters(module);
    auto function = module.lookupSymbol<func::FuncOp>("main");
    if (!parameters)
      return failure();
    if (!function || !llvm::hasSingleElement(function.getBody()))
      return module.emitError("no func.func @main of one block in the module");
    for (Operation &op : function.front())
      if (!isa<ir::TFHEDialect>(op.getDialect()) && !isa<func::ReturnOp>(op))
        return op.emitOpError("is not an operation of the tfhe dialect");
    NoiseAnalysis analysis(function);
    annotateNorms(function, analysis);
    if (parameters.getClearOnly())
      return success();
    if (failed(checkArguments(function, parameters)))
      return failure();
    ProgramNoise noise(parameters, analysis);
    double total = -std::numeric_limits<double>::infinity();
    std::vector<Constraint> constraints = collectConstraints(function);
    if (failed(verifyWorst(constraints, noise)))
      return failure();
    for (const Constraint &constraint : constraints)
      if (failed(verify(function, constraint, noise, total)))
        return failure();
    module->setAttr(ir::failureAttr, f64(std::max(total, -1e6)));
    return verifyInference(function, total);
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }
};

} // namespace
