//===- ChooseRealizations.cpp - How each table is evaluated --------------------------===//
//
// Of the realizations that an operation offers, one that dominates the present one
// replaces it: no search over parameters can then prefer what it replaced, because a
// set that is right for the dominated one is right for it, at no higher price.
//
//===---------------------------------------------------------------------------===//
#include "passes/fhe/Passes.h"
#include "passes/parameters/Search.h"

using namespace mlir;

namespace fhe {
#define GEN_PASS_DEF_FHECHOOSEREALIZATIONS
#include "passes/fhe/Passes.h.inc"
} // namespace fhe

using namespace fhe;

namespace {

struct ChooseRealizations : fhe::impl::FheChooseRealizationsBase<ChooseRealizations> {
  using FheChooseRealizationsBase::FheChooseRealizationsBase;

  /// Slots at both ends that noise may reach.
  int64_t guardOf(const Realization &present) const {
    bool isRounded = present.precision < present.width;
    return isRounded || log2PError > unguardedLog2PError
               ? endGuard(present.width, present.precision, log2PError)
               : 0;
  }

  void runOnOperation() override {
    if (directOnly)
      return;
    getOperation().walk([&](LutOp lut) {
      auto op = cast<RealizationInterface>(lut.getOperation());
      SmallVector<Realization> possible = op.getRealizations(guardOf(lut.getChosen()));
      const Realization *best = &possible.front();
      for (const Realization &other : ArrayRef(possible).drop_front())
        if (other.dominates(*best))
          best = &other;
      if (best != &possible.front())
        op.realizeAs(*best);
    });
  }
};

} // namespace
