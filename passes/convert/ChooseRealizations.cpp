//===- ChooseRealizations.cpp - fhe-choose-realizations ----------------------------===//
//
// What a realization asks of parameters is known once encodings are: they are made
// for the present realizations, the noise analysis is run once, and for any others
// only the Deltas change, which multiply its weights by powers of two.
//
//===---------------------------------------------------------------------------===//
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/convert/FheToTfheOps.h"
#include "passes/fhe/Passes.h"
#include "passes/parameters/ChooseNetwork.h"
#include "passes/parameters/CostModel.h"
#include "passes/parameters/RealizationSearch.h"
#include "passes/tfhe/Passes.h"
#include <cmath>

namespace fhe {
#define GEN_PASS_DEF_FHECHOOSEREALIZATIONS
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::parameters;
namespace ir = fhe::tfhe_ir;

namespace {

using Realizations = SmallVector<fhe::Realization>;

/// The program's network for any choice of realizations.
class ProgramRealizations : public RealizableNetwork {
public:
  /// `converted` was made of `source` with present realizations; dead operations of it have been
  /// erased.
  ProgramRealizations(func::FuncOp source, func::FuncOp converted, const IRMapping &mapping,
                      const llvm::DenseMap<Operation *, Realizations> &realizationsOf)
      : source(source), converted(converted), realizationsOf(realizationsOf),
        presentDeltas(fhe::assignDeltas(source)), analysis(converted),
        constraints(collectConstraints(converted)) {
    for (auto [from, to] : mapping.getValueMap())
      fheValueOf[to] = from;
    for (const Constraint &constraint : constraints)
      if (auto lookup = dyn_cast<ir::LookupOp>(constraint.op)) {
        luts.push_back(fheValueOf.at(lookup.getOutputs().front()).getDefiningOp<fhe::LutOp>());
        auto &options = tableOptions.emplace_back();
        for (const fhe::Realization &realization : realizationsOf.at(luts.back()))
          options.push_back({realization.bits(), !realization.isRounded()});
      }
  }

  const std::vector<std::vector<TableOption>> &options() const override { return tableOptions; }
  Operation *lutOf(size_t table) const { return luts[table]; }

  Network with(const std::vector<size_t> &chosen) const override {
    llvm::DenseMap<Operation *, const fhe::Realization *> realizationOf;
    for (size_t table = 0; table != luts.size(); ++table)
      realizationOf[luts[table]] = &realizationsOf.at(luts[table])[chosen[table]];
    auto deltas = fhe::assignDeltas(source, [&](fhe::LutOp lut) {
      auto known = realizationOf.find(lut);
      return known == realizationOf.end() ? lut.getChosen() : *known->second; // never used
    });
    auto raised = [&](Value fheValue) {
      return std::exp2(double(deltas.at(fheValue)) - double(presentDeltas.at(fheValue)));
    };
    std::vector<double> originFactors;
    for (Value origin : analysis.origins())
      originFactors.push_back(1 / raised(fheValueOf.at(origin)));
    std::vector<Constraint> changed = constraints;
    size_t table = 0;
    for (Constraint &constraint : changed) {
      if (constraint.isLookup()) {
        const fhe::Realization &other = *realizationOf.at(luts[table]);
        constraint.factor *=
            std::exp2(double(other.log2Delta()) - double(luts[table].getChosen().log2Delta()));
        constraint.precision = other.precision;
        constraint.paddingBits = other.paddingBits;
        constraint.halfSlot = std::exp2(other.log2HalfSlot());
        ++table;
      } else {
        double factor = raised(fheValueOf.at(constraint.value));
        constraint.factor *= factor;
        constraint.halfSlot *= factor;
      }
    }
    Network network = readNetwork(converted, changed, analysis, originFactors).network;
    for (size_t i = 0; i != luts.size(); ++i)
      network.tables[i].results = realizationOf.at(luts[i])->bootstraps;
    return network;
  }

private:
  func::FuncOp source, converted;
  const llvm::DenseMap<Operation *, Realizations> &realizationsOf;
  llvm::DenseMap<Value, unsigned> presentDeltas;
  mutable NoiseAnalysis analysis; // remembers norms
  std::vector<Constraint> constraints;
  llvm::DenseMap<Value, Value> fheValueOf;
  mutable std::vector<fhe::LutOp> luts; ///< by table
  std::vector<std::vector<TableOption>> tableOptions;
};

struct ChooseRealizations : fhe::impl::FheChooseRealizationsBase<ChooseRealizations> {
  using FheChooseRealizationsBase::FheChooseRealizationsBase;

  fhe::ParameterOptions asked() const {
    return fhe::parameterOptions(log2PError, log2GlobalPError, security, maxKeyBytes, maxMemory,
                                 extendedKeys, tuniform, shareable, maxSets);
  }

  /// Slots at both ends that noise may reach.
  static int64_t guardOf(const fhe::Realization &realization, double log2PError) {
    return realization.isRounded() || log2PError > fhe::unguardedLog2PError
               ? fhe::endGuard(realization.width, realization.precision, log2PError)
               : 0;
  }

  static void realize(Operation *lut, const fhe::Realization &realization) {
    cast<fhe::RealizationInterface>(lut).realizeAs(realization);
  }

  /// What asks for the least, where nothing can be priced.
  static const fhe::Realization &fewestBits(const Realizations &realizations) {
    return *llvm::min_element(realizations, [](const auto &a, const auto &b) {
      return a.bits() < b.bits();
    });
  }

  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    const fhe::ParameterOptions options = asked();
    if (directOnly || clearOnly || !function || !llvm::hasSingleElement(function.getBody()))
      return;
    llvm::DenseMap<Operation *, Realizations> realizationsOf;
    bool anyChoice = false, mayBePriced = options.isValid();
    function.walk([&](fhe::RealizationInterface lut) {
      Realizations all = lut.getRealizations([&](const fhe::Realization &realization) {
        return guardOf(realization, options.log2PerElement());
      });
      anyChoice |= all.size() > 1;
      Realizations priced = all;
      llvm::erase_if(priced, [](const auto &one) { return one.bits() > maxTableBits; });
      mayBePriced &= !priced.empty();
      realizationsOf[lut] = priced.empty() ? std::move(all) : std::move(priced);
    });
    if (anyChoice && !(mayBePriced && price(function, realizationsOf, options)))
      for (auto &[lut, realizations] : realizationsOf)
        realize(lut, fewestBits(realizations));
  }

  /// Searches and applies; false if nothing has parameters.
  bool price(func::FuncOp function, llvm::DenseMap<Operation *, Realizations> &realizationsOf,
             fhe::ParameterOptions options) {
    options.rates = kernelRatesOf(getOperation());
    IRMapping mapping;
    FailureOr<func::FuncOp> converted = fhe::convertToTfhe(function, /*clearOnly=*/false, mapping);
    if (failed(converted)) {
      signalPassFailure();
      return true;
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(converted->front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    bool found = false;
    {
      ProgramRealizations network(function, *converted, mapping, realizationsOf);
      if (auto choice = searchRealizations(network, options.budget(), compilerGrid(options),
                                           KernelCosts(options.rates), options.limits(),
                                           options.maxSets)) {
        found = true;
        for (size_t table = 0; table != choice->chosen.size(); ++table) {
          Operation *lut = network.lutOf(table);
          realize(lut, realizationsOf.at(lut)[choice->chosen[table]]);
        }
      }
    }
    converted->erase();
    return found;
  }
};

} // namespace
