//===- Places.cpp - Where a float network needs quantizers ------------------------===//
#include "passes/quantize/Places.h"
#include "dialects/qnn/PostSteps.h"
#include "dialects/qnn/Elements.h"

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// Distinct sources of the encrypted operands of an element-wise op.
static SmallVector<Value> operandSources(Operation *op, const Sources &sources) {
  SmallVector<Value> found;
  for (Value operand : op->getOperands())
    if (Value source = sources.lookup(operand); source && !llvm::is_contained(found, source))
      found.push_back(source);
  return found;
}

Sources findSources(func::FuncOp function) {
  Sources sources;
  for (Value argument : function.getArguments())
    sources[argument] = argument;
  for (Operation &op : function.getBody().front().without_terminator()) {
    Value result = op.getResult(0);
    SmallVector<Value> from = operandSources(&op, sources);
    if (from.empty())
      sources[result] = Value();
    else if (isElementwise(&op) && from.size() == 1)
      sources[result] = from.front();
    else
      sources[result] = result;
  }
  return sources;
}

bool isSum(Operation *op, const Sources &sources) {
  return isa<AddOp>(op) && operandSources(op, sources).size() > 1;
}

SmallVector<unsigned> quantizedOperands(Operation *op, const Sources &sources) {
  SmallVector<unsigned> operands;
  if (isa<GemmOp, ConvOp, AvgPoolOp, MaxOp>(op)) {
    if (sources.lookup(op->getOperand(0)))
      operands.push_back(0);
  } else if (isa<ConcatOp>(op) || isSum(op, sources)) {
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (sources.lookup(operand))
        operands.push_back(unsigned(i));
  }
  return operands;
}

Value producerOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    bool isQuantizedMax = isa<MaxOp>(op) && isa<quant::QuantizedType>(elementOf(value));
    if (isQuantizedMax || (!isLayout(op) && !isa<MaxOp>(op)))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static bool isAffineValue(Value value, const Sources &sources) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<GemmOp, ConvOp, AvgPoolOp, ConcatOp>(op) || isSum(op, sources))
      return true;
    bool affine = isLayout(op) || isa<AddOp, MulOp, BatchNormOp>(op) ||
                  (isa<DivOp>(op) && sources.lookup(op->getOperand(0)));
    auto encrypted = llvm::make_filter_range(
        op->getOperands(), [&](Value operand) { return bool(sources.lookup(operand)); });
    // x * f(x) is no affine function although all of its steps look so.
    if (!affine || !llvm::hasSingleElement(encrypted))
      return false;
    value = *encrypted.begin();
  }
  return false; // straight from an argument
}

/// The value behind which the client does the rest (Softmax, a last activation): it needs no quantizer.
static Value beforeClient(Value value, const Sources &sources) {
  while (Operation *op = value.getDefiningOp()) {
    SmallVector<unsigned> encrypted;
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (sources.lookup(operand))
        encrypted.push_back(unsigned(i));
    if (encrypted.size() != 1 || isa<GemmOp, ConvOp>(op) || !postStepOf(op, encrypted[0]))
      break;
    value = op->getOperand(encrypted[0]);
  }
  return value;
}

bool isAffineResult(Value value, const Sources &sources) {
  // What is affine already must not be taken apart: a sum of two tensors, for example.
  for (Value at : {value, beforeClient(value, sources)})
    if (isAffineValue(at, sources))
      return true;
  return false;
}

OpOperand &beforeClientOps(OpOperand &result) {
  OpOperand *first = &result;
  for (OpOperand *at = &result;;) {
    Operation *op = at->get().getDefiningOp();
    if (!op || (!isClientOp(op) && !isLayout(op) && !isElementwise(op)))
      return *first;
    unsigned data = 0;
    while (data + 1 < op->getNumOperands() && clearConstant(op->getOperand(data)))
      ++data;
    at = &op->getOpOperand(data);
    if (isClientOp(op))
      first = at;
  }
}

bool padsAnywhere(func::FuncOp function) {
  auto any = [](ArrayRef<int64_t> pads) { return llvm::any_of(pads, [](int64_t p) { return p != 0; }); };
  return function
      .walk([&](Operation *op) {
        auto conv = dyn_cast<ConvOp>(op);
        auto pool = dyn_cast<AvgPoolOp>(op);
        auto gather = dyn_cast<GatherOp>(op);
        bool pads = isa<PadOp>(op) || (conv && any(conv.getPads())) || (pool && any(pool.getPads())) ||
                    (gather && llvm::is_contained(gather.getSource(), -1));
        return pads ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

} // namespace fhe::quantize
