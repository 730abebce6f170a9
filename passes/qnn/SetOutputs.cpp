//===- SetOutputs.cpp - Results with or without a quantizer at the end -------------===//
#include "dialects/qnn/PostSteps.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/IR/IRMapping.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/EraseUnused.h"
#include "passes/qnn/Passes.h"
#include "llvm/ADT/DenseSet.h"

namespace fhe {
#define GEN_PASS_DEF_QNNSETOUTPUTS
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

/// Values that depend on an input of the network.
static llvm::DenseSet<Value> encryptedValues(func::FuncOp function) {
  llvm::DenseSet<Value> found(function.getArguments().begin(), function.getArguments().end());
  for (Operation &op : function.getBody().front().without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value v) { return found.contains(v); }))
      found.insert(op.getResults().begin(), op.getResults().end());
  return found;
}

/// The one encrypted operand of an operation that moves elements, or that the client may do behind the
/// network; nullopt of all others.
static std::optional<unsigned> followed(Operation *op, const llvm::DenseSet<Value> &encrypted) {
  if (!isLayout(op) && !isElementwise(op) && !isClientOp(op))
    return std::nullopt;
  std::optional<unsigned> data;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (encrypted.contains(operand)) {
      if (data)
        return std::nullopt;
      data = unsigned(i);
    }
  return data;
}

static bool isQuantizedType(Value value) {
  return isa<quant::QuantizedType>(cast<RankedTensorType>(value.getType()).getElementType());
}

/// Whether numbers before `value` were computed under encryption: a linear operation, pool or sum.
static bool hasAccumulator(Value value, const llvm::DenseSet<Value> &encrypted) {
  while (Operation *op = value.getDefiningOp()) {
    std::optional<unsigned> data = followed(op, encrypted);
    if (!data && !isQuantizer(op))
      return true;
    value = op->getOperand(data.value_or(0));
  }
  return false;
}

namespace {
struct QnnSetOutputs : fhe::impl::QnnSetOutputsBase<QnnSetOutputs> {
  using QnnSetOutputsBase::QnnSetOutputsBase;

  /// The result without the quantizer it comes from; itself where there is none.
  Value rawResult(Value result, const llvm::DenseSet<Value> &encrypted) {
    SmallVector<std::pair<Operation *, unsigned>> behind;
    Value value = result;
    QuantizeOp quantizer;
    while (Operation *op = value.getDefiningOp()) {
      quantizer = dyn_cast<QuantizeOp>(op);
      std::optional<unsigned> data = followed(op, encrypted);
      if (quantizer || !data)
        break;
      behind.push_back({op, *data});
      value = op->getOperand(*data);
    }
    if (!quantizer || !hasAccumulator(quantizer.getInput(), encrypted))
      return result;
    value = quantizer.getInput();
    OpBuilder b(&getOperation().getBody().front().back());
    for (auto [op, data] : llvm::reverse(behind)) {
      IRMapping map;
      map.map(op->getOperand(data), value);
      Operation *moved = b.clone(*op, map);
      if (isLayout(op)) // these keep the element type of their operand
        moved->getResult(0).setType(cast<RankedTensorType>(moved->getResult(0).getType())
                                        .clone(cast<RankedTensorType>(value.getType()).getElementType()));
      value = moved->getResult(0);
    }
    return value;
  }

  LogicalResult requireQuantizer(unsigned number, Value result, const llvm::DenseSet<Value> &encrypted) {
    Value value = result;
    while (!isQuantizedType(value)) {
      Operation *op = value.getDefiningOp();
      std::optional<unsigned> data = op ? followed(op, encrypted) : std::nullopt;
      if (!data)
        break;
      value = op->getOperand(*data);
    }
    if (isQuantizedType(value))
      return success();
    auto name = getOperation().getResultAttrOfType<StringAttr>(number, "qnn.name");
    InFlightDiagnostic error = emitError(result.getLoc())
                               << "result '" << (name ? name.str() : std::to_string(number))
                               << "' goes through no quantizer, and --outputs=quantized asks for one"
                               << fhe::diag::tag(fhe::diag::OutputForm);
    error.attachNote() << "its integers are those of " << describeOrigin(value);
    error.attachNote() << "help: put a QuantIdentity behind it before the export, or take the "
                          "integers as they are: --outputs=raw";
    return error;
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    Operation *end = function.getBody().front().getTerminator();
    llvm::DenseSet<Value> encrypted = encryptedValues(function);
    bool good = true;
    for (OpOperand &operand : end->getOpOperands()) {
      if (raw)
        operand.set(rawResult(operand.get(), encrypted));
      else
        good &= succeeded(requireQuantizer(operand.getOperandNumber(), operand.get(), encrypted));
    }
    if (!good)
      return signalPassFailure();
    if (raw)
      eraseUnused(function);
    function.setType(FunctionType::get(&getContext(), function.getArgumentTypes(), end->getOperandTypes()));
  }
};
} // namespace
