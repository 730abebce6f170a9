//===- FheToTfhe.cpp - convert-fhe-to-tfhe ----------------------------------------===//
//
// Encodings and operations (FheToTfheOps.h), then one parameter set for the whole
// network, or several, from what the new operations ask for.
//
//===---------------------------------------------------------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "dialects/shared/NodeLocation.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/convert/FheToTfheOps.h"
#include "passes/convert/ParameterRegion.h"
#include "passes/parameters/ChooseParameters.h"
#include "passes/parameters/CostModel.h"
#include "passes/parameters/Refusal.h"
#include "passes/tfhe/ArenaPlan.h"
#include "passes/tfhe/Layers.h"
#include "passes/tfhe/Passes.h"

namespace fhe {
#define GEN_PASS_DEF_CONVERTFHETOTFHE
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
namespace ir = fhe::tfhe_ir;

namespace {

constexpr unsigned maxClearTableBits = 16;

fhe::IntType rangeOf(Value value) {
  return cast<fhe::IntType>(cast<RankedTensorType>(value.getType()).getElementType());
}

/// Bits of the direct table that asks for as little noise.
unsigned bitsOf(fhe::LutOp lut) { return lut.getChosen().bits(); }

/// Refuses tables that look at more bits than any parameter set carries.
LogicalResult checkTableBits(func::FuncOp function, bool clearOnly) {
  unsigned limit = clearOnly ? maxClearTableBits : fhe::parameters::maxTableBits, wider = 0;
  fhe::LutOp widest;
  for (auto lut : function.getOps<fhe::LutOp>()) {
    wider += bitsOf(lut) > limit;
    if (!widest || bitsOf(lut) > bitsOf(widest))
      widest = lut;
  }
  if (!wider)
    return success();
  // The accumulator's node is the one to change; the table's own comes second.
  fhe::LayerNumbers layers = fhe::numberLayers(function);
  std::optional<int64_t> layer = fhe::layerOf(widest.getInput(), layers);
  Location loc = widest.getLoc();
  if (layer)
    loc = std::next(layers.begin(), *layer)->first->getLoc();
  InFlightDiagnostic error = emitError(loc);
  error << "a table needs " << bitsOf(widest) << " bits, the limit is " << limit
        << (clearOnly ? " for a clear-only program" : "") << " [" << fhe::diag::TableTooWide << "]";
  fhe::IntType range = rangeOf(widest.getInput());
  error.attachNote(widest.getLoc()) << "its window of " << widest.getWidth() << " bits "
                                    << (widest.getChosen().paddingBits ? "" : "without a padding bit ")
                                    << "holds [" << range.getLo() << ", " << range.getHi() << "]";
  if (wider > 1)
    error.attachNote() << wider << " tables are wider than " << limit << " bits, this is the widest";
  return failure();
}

struct ConvertFheToTfhe : fhe::impl::ConvertFheToTfheBase<ConvertFheToTfhe> {
  using ConvertFheToTfheBase::ConvertFheToTfheBase;

  fhe::ParameterOptions asked() const {
    return fhe::parameterOptions(log2PError, log2GlobalPError, security, maxKeyBytes, maxMemory,
                                 extendedKeys, tuniform, shareable, maxSets);
  }

  LogicalResult checkOptions() {
    fhe::ParameterOptions options = asked();
    if (clearOnly || options.isValid())
      return success();
    InFlightDiagnostic error = getOperation().emitError();
    error << "parameters exist for failure probabilities of 2^-256 to 2^-1 and 128 or 132 bits of "
             "security, asked for 2^"
          << fhe::parameters::printed(options.log2Global ? *options.log2Global : log2PError)
          << " and " << security.getValue() << " bits ["
          << fhe::diag::ParametersNotBuilt << "]";
    error.attachNote() << "help: fhe-compile MODEL.onnx --p-error=2^-40";
    return failure();
  }

  /// What the profile "shareable" asks of the network (docs/security.md); the driver has refused
  /// the options that rule it out.
  LogicalResult checkProfile(func::FuncOp function) {
    if (asked().profile != fhe::Profile::shareable)
      return success();
    for (Operation &op : function.front()) {
      auto lut = dyn_cast<fhe::LutOp>(op);
      bool rounded = lut && lut.getChosen().isRounded();
      if (rounded || op.hasAttr("calibrated"))
        return op.emitError("results are not shareable: ")
               << (rounded ? "a rounded table is approximate" : "values outside a calibrated range wrap")
               << " [" << fhe::diag::NotShareable << "]";
    }
    if (asked().log2PerElement() <= fhe::shareableLog2PError)
      return success();
    return getOperation().emitError("results are shareable with failure probabilities of at most 2^-128, "
                                    "asked for ")
           << fhe::parameters::printed(asked().budget()) << " [" << fhe::diag::NotShareable << "]";
  }

  LogicalResult chooseFor(func::FuncOp function) {
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    if (clearOnly) {
      fhe::addClearParameters(builder, function.getLoc());
      return success();
    }
    eraseDead(function);
    fhe::ParameterOptions options = asked();
    options.rates = fhe::parameters::kernelRatesOf(getOperation());
    if (options.maxMemory)
      options.ciphertexts = double(fhe::plannedCiphertexts(function));
    fhe::parameters::NoiseAnalysis analysis(function);
    auto constraints = fhe::parameters::collectConstraints(function);
    std::optional<fhe::parameters::SearchResult> choice = fhe::parameters::chooseParameters(
        function, constraints, analysis, options);
    if (!choice)
      return fhe::parameters::refuseParameters(function, constraints, analysis, options);
    if (writeSeveral(builder, function, constraints, analysis, options))
      return success();
    fhe::addParameters(builder, function.getLoc(), choice->set, security);
    return success();
  }

  static void eraseDead(func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  /// Whether several sets are cheaper than one and keep the limits; they then are written.
  bool writeSeveral(OpBuilder &builder, func::FuncOp function,
                    ArrayRef<fhe::parameters::Constraint> constraints,
                    fhe::parameters::NoiseAnalysis &analysis, const fhe::ParameterOptions &options) {
    if (options.maxSets < 2 || llvm::range_size(function.getOps<ir::LookupOp>()) < 2)
      return false;
    auto program = fhe::parameters::readNetwork(function, constraints, analysis);
    fhe::ParameterOptions tightened = options;
    for (unsigned attempt = 0; attempt != 4; ++attempt) {
      auto choice = fhe::parameters::chooseNetwork(program, tightened);
      if (!choice || choice->sets.size() < 2)
        return false;
      Sizes sizes = options.maxKeyBytes || options.maxMemory
                        ? sizesOf(function, program, *choice)
                        : Sizes();
      if (lower(tightened.maxKeyBytes, options.maxKeyBytes, sizes.keys) ||
          lower(tightened.maxMemory, options.maxMemory, sizes.peak))
        continue;
      fhe::writeSeveralSets(builder, function, program, *choice, security);
      return true;
    }
    return false;
  }

  struct Sizes {
    uint64_t keys = 0, peak = 0;
  };

  /// What several sets really take: the search knows the arenas of one set only.
  Sizes sizesOf(func::FuncOp function, const fhe::parameters::ProgramNetwork &program,
                const fhe::parameters::NetworkChoice &choice) {
    OwningOpRef<ModuleOp> trial = ModuleOp::create(function.getLoc());
    IRMapping mapping;
    auto copy = cast<func::FuncOp>(function->clone(mapping));
    trial->push_back(copy);
    fhe::parameters::ProgramNetwork copied;
    copied.placeOf = program.placeOf;
    for (ir::LookupOp lookup : program.lookups)
      copied.lookups.push_back(cast<ir::LookupOp>(mapping.lookup(lookup.getOperation())));
    for (auto [value, block] : program.blockOf)
      copied.blockOf[mapping.lookup(value)] = block;
    OpBuilder builder = OpBuilder::atBlockBegin(trial->getBody());
    fhe::writeSeveralSets(builder, copy, copied, choice, security);
    fhe::scheduleOperations(copy);
    ir::ParametersOp parameters = ir::getParameters(*trial);
    if (failed(fhe::planArena(copy)))
      return {UINT64_MAX, UINT64_MAX};
    auto arenas = copy->getAttrOfType<DictionaryAttr>(fhe::arenaAttr);
    return {fhe::parameters::evaluationKeyBytes(parameters).stored,
            fhe::parameters::peakBytes(copy, arenas, parameters)};
  }

  /// Where `found` exceeds the limit asked for, lowers what the search is given by as much.
  static bool lower(std::optional<uint64_t> &limit, std::optional<uint64_t> asked, uint64_t found) {
    if (!asked || found <= *asked)
      return false;
    limit = *limit - std::min(*limit - 1, found - *asked);
    return true;
  }

  /// Nothing but fhe operations on tensors of !fhe.int.
  LogicalResult checkLevel(func::FuncOp function) {
    auto isInteger = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && isa<fhe::IntType>(tensor.getElementType());
    };
    for (Operation &op : function.front())
      if (!isa<fhe::FHEDialect>(op.getDialect()) && !isa<func::ReturnOp>(op))
        return op.emitOpError("is not an operation of the fhe dialect");
    if (!llvm::all_of(function.getArgumentTypes(), isInteger) ||
        !llvm::all_of(function.front().getTerminator()->getOperandTypes(), isInteger))
      return function.emitError("inputs and outputs must be tensors of !fhe.int");
    return success();
  }

  LogicalResult run() {
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!function || !llvm::hasSingleElement(function.getBody()))
      return getOperation().emitError("no func.func @main of one block in the module");
    if (failed(checkLevel(function)) || failed(checkOptions()) || failed(checkProfile(function)) ||
        failed(checkTableBits(function, clearOnly)))
      return failure();
    IRMapping mapping;
    FailureOr<func::FuncOp> converted = fhe::convertToTfhe(function, clearOnly, mapping);
    if (failed(converted))
      return failure();
    function.erase();
    if (asked().profile == fhe::Profile::shareable)
      getOperation()->setAttr(fhe::profileAttr, StringAttr::get(&getContext(), "shareable"));
    return chooseFor(*converted);
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }
};

} // namespace
