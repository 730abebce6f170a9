//===- Schedule.cpp - tfhe-schedule -------------------------------------------------===//
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/tfhe/ArenaPlan.h"
#include "passes/tfhe/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace fhe {
#define GEN_PASS_DEF_TFHESCHEDULE
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
namespace ir = fhe::tfhe_ir;

/// Ciphertexts live after `op` minus those before it, given the uses already made.
static int64_t growth(Operation *op, const llvm::DenseMap<Value, unsigned> &usesLeft) {
  int64_t change = 0;
  if (!isa<ir::ReshapeOp>(op)) // a view costs and frees nothing by itself
    for (Value result : op->getResults())
      change += ir::elementsOf(result);
  llvm::SmallSetVector<Value, 2> operands(op->operand_begin(), op->operand_end());
  for (Value operand : operands) {
    unsigned uses = llvm::count(op->getOperands(), operand);
    if (usesLeft.at(operand) == uses && !isa<ir::ReshapeOp>(op))
      change -= ir::elementsOf(operand);
  }
  return change;
}

void fhe::scheduleOperations(func::FuncOp function) {
  Block &block = function.front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  llvm::DenseMap<Value, unsigned> usesLeft;
  auto count = [&](Value value) {
    usesLeft[value] = std::distance(value.use_begin(), value.use_end());
  };
  llvm::for_each(block.getArguments(), count);
  SmallVector<Operation *> waiting;
  for (Operation &op : block.without_terminator()) {
    llvm::for_each(op.getResults(), count);
    waiting.push_back(&op);
  }
  llvm::DenseSet<Operation *> done;
  auto ready = [&](Operation *op) {
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      Operation *producer = operand.getDefiningOp();
      return !producer || done.contains(producer);
    });
  };
  while (!waiting.empty()) {
    Operation *best = nullptr;
    int64_t least = 0;
    for (Operation *op : waiting)
      if (ready(op))
        if (int64_t change = growth(op, usesLeft); !best || change < least) {
          best = op;
          least = change;
        }
    best->moveBefore(block.getTerminator());
    done.insert(best);
    for (Value operand : best->getOperands())
      --usesLeft[operand];
    waiting.erase(llvm::find(waiting, best));
  }
}

namespace {

struct TfheSchedule : fhe::impl::TfheScheduleBase<TfheSchedule> {
  using TfheScheduleBase::TfheScheduleBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (llvm::hasSingleElement(function.getBody()) &&
        llvm::all_of(function.front().without_terminator(),
                     [](Operation &op) { return isa<ir::TFHEDialect>(op.getDialect()); }))
      fhe::scheduleOperations(function);
  }
};

} // namespace
