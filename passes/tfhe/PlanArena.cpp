//===- PlanArena.cpp - tfhe-plan-arena ------------------------------------------------===//
//
// Static shapes and one straight line of calls: liveness is an interval an SSA
// value, and placing intervals is all there is to memory. No memref level is
// needed (docs/dialects/tfhe.md says why).
//
//===---------------------------------------------------------------------------===//
#include "passes/tfhe/ArenaPlan.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/IR/Builders.h"
#include "passes/tfhe/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace fhe {
#define GEN_PASS_DEF_TFHEPLANARENA
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
namespace ir = fhe::tfhe_ir;

namespace fhe {

Value slotOwner(Value value) {
  while (auto reshape = value.getDefiningOp<ir::ReshapeOp>())
    value = reshape.getInput();
  return value;
}

std::vector<LiveSlot> collectLiveSlots(func::FuncOp function) {
  llvm::MapVector<Value, LiveSlot> slots;
  int64_t time = 0;
  auto define = [&](Value value) {
    slots[value] = {value, ir::lweOf(value).getKey(), ir::elementsOf(value), time, time, -1};
  };
  for (Value argument : function.getArguments())
    define(argument);
  for (Operation &op : function.front()) {
    ++time;
    for (Value operand : op.getOperands())
      slots[slotOwner(operand)].lastUse = time;
    if (!isa<ir::ReshapeOp>(op))
      for (Value result : op.getResults())
        define(result);
  }
  std::vector<LiveSlot> list;
  for (auto &[value, slot] : slots)
    list.push_back(slot);
  return list;
}

std::optional<std::pair<unsigned, unsigned>> findOverlap(ArrayRef<LiveSlot> slots) {
  for (unsigned i = 0; i != slots.size(); ++i)
    for (unsigned j = 0; j != i; ++j) {
      const LiveSlot &a = slots[i], &b = slots[j];
      if (a.key == b.key && a.meets(b) && a.offset < b.offset + b.elements &&
          b.offset < a.offset + a.elements)
        return std::make_pair(j, i);
    }
  return std::nullopt;
}

/// Largest first, each at the lowest place free for its whole life.
static void placeSlots(MutableArrayRef<LiveSlot> slots) {
  SmallVector<unsigned> order(slots.size());
  for (unsigned i = 0; i != order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return std::make_pair(-slots[a].elements, a) < std::make_pair(-slots[b].elements, b);
  });
  SmallVector<unsigned> placed;
  for (unsigned i : order) {
    LiveSlot &slot = slots[i];
    SmallVector<std::pair<int64_t, int64_t>> taken; // [begin, end)
    for (unsigned j : placed)
      if (slots[j].key == slot.key && slots[j].meets(slot))
        taken.push_back({slots[j].offset, slots[j].offset + slots[j].elements});
    llvm::sort(taken);
    slot.offset = 0;
    for (auto [begin, end] : taken) {
      if (slot.offset + slot.elements <= begin)
        break;
      slot.offset = std::max(slot.offset, end);
    }
    placed.push_back(i);
  }
}

static void annotate(func::FuncOp function, ArrayRef<LiveSlot> slots) {
  Builder builder(function.getContext());
  llvm::DenseMap<Value, int64_t> offsets;
  llvm::MapVector<StringRef, int64_t> sizes;
  for (const LiveSlot &slot : slots) {
    offsets[slot.value] = slot.offset;
    int64_t &size = sizes[slot.key.getLeafReference().getValue()];
    size = std::max(size, slot.offset + slot.elements);
  }
  for (auto [i, argument] : llvm::enumerate(function.getArguments()))
    function.setArgAttr(i, ir::slotAttr, builder.getI64IntegerAttr(offsets[argument]));
  for (Operation &op : function.front().without_terminator()) {
    if (isa<ir::ReshapeOp>(op))
      continue;
    SmallVector<int64_t> places;
    for (Value result : op.getResults())
      places.push_back(offsets[result]);
    op.setAttr("slots", builder.getDenseI64ArrayAttr(places));
  }
  for (OpOperand &operand : function.front().getTerminator()->getOpOperands())
    function.setResultAttr(operand.getOperandNumber(), ir::slotAttr,
                           builder.getI64IntegerAttr(offsets[slotOwner(operand.get())]));
  SmallVector<NamedAttribute> arenas;
  for (auto [key, size] : sizes)
    arenas.push_back(builder.getNamedAttr(key, builder.getI64IntegerAttr(size)));
  function->setAttr(arenaAttr, builder.getDictionaryAttr(arenas));
}

LogicalResult planArena(func::FuncOp function) {
  std::vector<LiveSlot> slots = collectLiveSlots(function);
  placeSlots(slots);
  if (findOverlap(slots))
    return function.emitError("internal error: planned slots overlap");
  annotate(function, slots);
  return success();
}

int64_t plannedCiphertexts(func::FuncOp function) {
  func::FuncOp trial = function.clone();
  scheduleOperations(trial);
  int64_t count = 0;
  if (succeeded(planArena(trial)))
    for (NamedAttribute arena : trial->getAttrOfType<DictionaryAttr>(arenaAttr))
      count += cast<IntegerAttr>(arena.getValue()).getInt();
  for (Value result : trial.front().getTerminator()->getOperands())
    count += ir::elementsOf(result);
  trial.erase();
  return count;
}

} // namespace fhe

namespace {

struct TfhePlanArena : fhe::impl::TfhePlanArenaBase<TfhePlanArena> {
  using TfhePlanArenaBase::TfhePlanArenaBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!llvm::hasSingleElement(function.getBody()))
      return;
    for (Operation &op : function.front())
      if (!isa<ir::TFHEDialect>(op.getDialect()) && !isa<func::ReturnOp>(op)) {
        op.emitOpError("is not an operation of the tfhe dialect");
        return signalPassFailure();
      }
    if (failed(fhe::planArena(function)))
      signalPassFailure();
  }
};

} // namespace
