//===- VerifyAccumulators.cpp - No accumulator can exceed the limit ----------------===//
#include "dialects/fhe/FHE.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Passes.h"

namespace fhe {
#define GEN_PASS_DEF_QNNVERIFYACCUMULATORS
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

/// Bits of one element of the weights or of the input of a linear op.
static unsigned storageBits(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  auto type = dyn_cast<quant::QuantizedType>(element);
  if (!type)
    return 0;
  return fhe::accumulatorBits(type.getStorageTypeMin(), type.getStorageTypeMax());
}

/// Ways out that would compile, most gentle first.
static void suggest(InFlightDiagnostic &diagnostic, Operation *op, const Root &root, unsigned bits,
                    unsigned limit) {
  unsigned excess = bits - limit;
  if (root.kind == RootKind::Linear) {
    int64_t channel = root.worstChannel, bound = std::max(-root.channelLo[channel], root.channelHi[channel]);
    // In the worst case each non-zero weight takes its full share of the bound.
    int64_t limitBound = root.channelLo[channel] < 0 ? (int64_t(1) << (limit - 1)) - 1
                                                     : (int64_t(1) << limit) - 1;
    int64_t terms = std::max<int64_t>(1, root.worstTerms * limitBound / std::max<int64_t>(bound, 1));
    unsigned weightBits = storageBits(op->getOperand(1)), inputBits = storageBits(op->getOperand(0));
    // A bit less of either operand at least halves the bound; 2 bits are the least that train well.
    if (weightBits >= excess + 2)
      diagnostic.attachNote() << "help: quantize the weights of this layer to " << weightBits - excess
                              << " bits (they have " << weightBits << ")";
    if (inputBits >= excess + 2)
      diagnostic.attachNote() << "help: quantize its input to " << inputBits - excess << " bits (it has "
                              << inputBits << ")";
    if (weightBits < excess + 2 && inputBits < excess + 2 && weightBits + inputBits >= excess + 4) {
      unsigned left = weightBits + inputBits - excess;
      unsigned weightsTo = std::clamp(left / 2, 2u, weightBits);
      unsigned inputTo = std::min(left - weightsTo, inputBits);
      diagnostic.attachNote() << "help: quantize the weights of this layer to " << weightsTo
                              << " bits and its input to " << inputTo << " bits (they have " << weightBits
                              << " and " << inputBits << ")";
    }
    // Pruning by more than a factor of 16 would leave no layer.
    if (terms < root.worstTerms && terms * 16 >= root.worstTerms)
      diagnostic.attachNote() << "help: prune its weights to at most " << terms
                              << " non-zero weights a channel (channel " << channel << " has "
                              << root.worstTerms << ")";
    return;
  }
  diagnostic.attachNote() << "help: put a QuantIdentity of " << excess
                          << (excess == 1 ? " bit" : " bits") << " less on the operands";
}

namespace {
struct QnnVerifyAccumulators : fhe::impl::QnnVerifyAccumulatorsBase<QnnVerifyAccumulators> {
  using QnnVerifyAccumulatorsBase::QnnVerifyAccumulatorsBase;
  void runOnOperation() override {
    FailureOr<Analysis> analysis = Analysis::run(getOperation());
    if (failed(analysis))
      return signalPassFailure();
    unsigned limit = maxBits.getValue();
    bool bad = false;
    for (Operation &op : getOperation().getBody().front().without_terminator()) {
      Value value = op.getResult(0);
      const Form &form = analysis->form(value);
      if (form.root != value)
        continue;
      const Root &root = analysis->root(value);
      if (root.kind == RootKind::Quantizer || root.kind == RootKind::Concat)
        continue;
      unsigned bits = fhe::accumulatorBits(root.lo, root.hi);
      if (bits <= limit)
        continue;
      bad = true;
      InFlightDiagnostic diagnostic = op.emitError()
          << "accumulator needs " << bits << " bits, the limit is " << limit << " [Q020]";
      auto &note = diagnostic.attachNote();
      note << "its integers lie in [" << root.lo << ", " << root.hi << "]";
      if (root.worstChannel >= 0)
        note << "; worst is output channel " << root.worstChannel << " with ["
             << root.channelLo[root.worstChannel] << ", " << root.channelHi[root.worstChannel] << "] from "
             << root.worstTerms << " non-zero weights";
      suggest(diagnostic, &op, root, bits, limit);
    }
    if (bad)
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
