//===- Fold.cpp - Evaluate what depends on no input -------------------------------===//
//
// In f32, as an ONNX runtime would: a weight quantizer divides in f32, so that a
// weight near a rounding border falls where training had it.
//
//===------------------------------------------------------------------------------===//
#include "dialects/qnn/Interpreter.h"
#include "dialects/shared/StoredIntegers.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Passes.h"

namespace fhe {
#define GEN_PASS_DEF_QNNFOLD
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

static Value makeReal(OpBuilder &b, Location loc, Type type, ArrayRef<float> values) {
  auto shape = RankedTensorType::get(cast<ShapedType>(type).getShape(), b.getF32Type());
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(shape, values));
}

static Value makeStored(OpBuilder &b, Location loc, Type type, ArrayRef<int32_t> values) {
  auto shape = cast<ShapedType>(type).getShape();
  return ConstantOp::create(b, loc, type,
                            fhe::storeIntegers(b.getContext(), shape, values, /*withUnsigned=*/true));
}

/// Moves the numbers of a constant through a layout op; padding reads `zero`.
template <typename T>
static std::vector<T> move(std::vector<T> from, const ElementMap &map, ArrayRef<T> zero) {
  if (map.empty())
    return from;
  std::vector<T> out(map.size());
  for (size_t e = 0; e != map.size(); ++e)
    out[e] = map[e] < 0 ? zero[e % zero.size()] : from[map[e]];
  return out;
}

static Value foldLayout(OpBuilder &b, Operation *op, ConstantOp constant) {
  auto values = cast<DenseElementsAttr>(constant.getValue());
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  ElementMap map = inputElements(op, 0);
  if (cast<RankedTensorType>(constant.getType()).getElementType().isF32())
    return makeReal(b, op->getLoc(), type, move<float>(clearReals(constant), map, {0.0f}));
  std::vector<int32_t> zero;
  for (int64_t e = 0; isa<PadOp, GatherOp>(op) && e != type.getNumElements(); ++e)
    zero.push_back(int32_t(zeroPointAt(type.getElementType(), type.getShape(), e)));
  if (zero.empty())
    zero.push_back(0);
  return makeStored(b, op->getLoc(), type, move<int32_t>(fhe::readIntegers(values), map, zero));
}

static Value foldConcat(OpBuilder &b, ConcatOp op) {
  std::vector<std::vector<float>> reals;
  std::vector<std::vector<int32_t>> stored;
  auto type = cast<RankedTensorType>(op.getResult().getType());
  bool isReal = type.getElementType().isF32();
  for (Value input : op.getInputs()) {
    ConstantOp constant = clearConstant(input);
    reals.push_back(clearReals(constant));
    if (!isReal)
      stored.push_back(fhe::readIntegers(cast<DenseElementsAttr>(constant.getValue())));
  }
  std::vector<float> realOut;
  std::vector<int32_t> storedOut;
  for (auto [operand, element] : concatElements(op))
    if (isReal)
      realOut.push_back(reals[operand][element]);
    else
      storedOut.push_back(stored[operand][element]);
  return isReal ? makeReal(b, op.getLoc(), type, realOut) : makeStored(b, op.getLoc(), type, storedOut);
}

static Value foldElementwise(OpBuilder &b, Operation *op) {
  SmallVector<std::vector<float>> operands;
  SmallVector<ElementMap> maps;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    operands.push_back(clearReals(clearConstant(operand)));
    maps.push_back(inputElements(op, i));
  }
  std::vector<float> out(elementCount(op->getResult(0)));
  SmallVector<float> x(operands.size());
  for (size_t e = 0; e != out.size(); ++e) {
    for (size_t i = 0; i != x.size(); ++i)
      x[i] = operands[i][maps[i].empty() ? e : maps[i][e]];
    out[e] = evaluateElement<float>(op, x);
  }
  return makeReal(b, op->getLoc(), op->getResult(0).getType(), out);
}

/// Any other operation, by the interpreter in a module of its own.
static Value foldByInterpreter(OpBuilder &b, Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  OwningOpRef<ModuleOp> alone = ModuleOp::create(op->getLoc());
  OpBuilder inside = OpBuilder::atBlockEnd(alone->getBody());
  auto main = func::FuncOp::create(inside, op->getLoc(), "main", inside.getFunctionType({}, {type}));
  inside.setInsertionPointToStart(main.addEntryBlock());
  IRMapping map;
  for (Value operand : op->getOperands())
    if (!map.contains(operand))
      map.map(operand, inside.clone(*operand.getDefiningOp())->getResult(0));
  func::ReturnOp::create(inside, op->getLoc(), inside.clone(*op, map)->getResults());
  auto interpreter = Interpreter::create(*alone);
  if (failed(interpreter) || !type.getElementType().isF32())
    return nullptr;
  return makeReal(b, op->getLoc(), type, (*interpreter)->run({}, 1, 1).front());
}

/// The constant an operation with clear operands gives, or null where it is not one of those known.
static Value foldOp(OpBuilder &b, Operation *op) {
  ConstantOp first = clearConstant(op->getOperand(0));
  if (isQuantizer(op)) {
    std::vector<float> reals = clearReals(first);
    std::vector<int32_t> stored(reals.size());
    for (size_t e = 0; e != stored.size(); ++e) {
      if (std::isnan(reals[e]))
        return nullptr;
      stored[e] = int32_t(quantizeStored(op, e, reals[e]));
    }
    return makeStored(b, op->getLoc(), op->getResult(0).getType(), stored);
  }
  if (isLayout(op))
    return foldLayout(b, op, first);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return foldConcat(b, concat);
  if (isElementwise(op))
    return foldElementwise(b, op);
  return foldByInterpreter(b, op);
}

namespace {
struct QnnFold : fhe::impl::QnnFoldBase<QnnFold> {
  using QnnFoldBase::QnnFoldBase;
  void runOnOperation() override {
    SmallVector<Operation *> dead;
    getOperation().walk([&](Operation *op) {
      if (!isa<QNNDialect>(op->getDialect()) || op->getNumOperands() == 0 || op->getNumResults() != 1)
        return;
      if (!llvm::all_of(op->getOperands(), [](Value v) { return bool(clearConstant(v)); }))
        return;
      OpBuilder b(op);
      Value folded = foldOp(b, op);
      if (!folded)
        return;
      op->getResult(0).replaceAllUsesWith(folded);
      dead.push_back(op);
    });
    for (Operation *op : llvm::reverse(dead))
      op->erase();
    // What was folded away may have been the only user of other constants.
    SmallVector<Operation *> unused;
    getOperation().walk([&](ConstantOp op) {
      if (op->use_empty())
        unused.push_back(op);
    });
    for (Operation *op : unused)
      op->erase();
  }
};
} // namespace
