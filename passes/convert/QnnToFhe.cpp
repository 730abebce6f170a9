//===- QnnToFhe.cpp - Linear ops, sums, pools and layout over integers ---------------===//
#include "dialects/shared/StoredIntegers.h"
#include "passes/convert/QnnToFhe.h"
#include "dialects/qnn/PostSteps.h"
#include "dialects/shared/DiagnosticIds.h"
#include "passes/convert/QnnToFheLowering.h"
#include "passes/qnn/Results.h"

namespace fhe {
#define GEN_PASS_DEF_CONVERTQNNTOFHE
#include "passes/convert/QnnToFhe.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe;

IntType QnnToFhe::rangeOf(Value value) const {
  return cast<IntType>(cast<RankedTensorType>(value.getType()).getElementType());
}

RankedTensorType QnnToFhe::tensor(ArrayRef<int64_t> shape, int64_t lo, int64_t hi) {
  return RankedTensorType::get(shape, IntType::get(builder.getContext(), lo, hi));
}

static bool isIdentity(const qnn::ElementMap &map, int64_t count) {
  if (map.empty())
    return true;
  if (int64_t(map.size()) != count)
    return false;
  for (int64_t e = 0; e != count; ++e)
    if (map[e] != e)
      return false;
  return true;
}

Value QnnToFhe::readElements(Location loc, Value source, const qnn::ElementMap &map,
                             ArrayRef<int64_t> shape) {
  IntType range = rangeOf(source);
  if (isIdentity(map, qnn::elementCount(source))) {
    if (qnn::shapeOf(source) == shape)
      return source;
    return fhe::ReshapeOp::create(builder, loc, tensor(shape, range.getLo(), range.getHi()), source);
  }
  int64_t lo = range.getLo(), hi = range.getHi();
  if (llvm::is_contained(map, -1)) {
    lo = std::min<int64_t>(lo, 0);
    hi = std::max<int64_t>(hi, 0);
  }
  SmallVector<int64_t> elements(map.begin(), map.end());
  return GatherOp::create(builder, loc, tensor(shape, lo, hi), ValueRange{source}, elements);
}

Value QnnToFhe::materialize(Value value) {
  const qnn::Form &form = analysis.form(value);
  if (form.root == value)
    return integers.lookup(value);
  Value &cached = materialized[value];
  if (!cached)
    cached = readElements(value.getLoc(), integers.lookup(form.root), form.elements,
                          qnn::shapeOf(value));
  return cached;
}

//===---------------------------------------------------------------------------------===//
// Linear ops
//===---------------------------------------------------------------------------------===//

void QnnToFhe::convertLinear(Operation *op) {
  Value input = materialize(op->getOperand(0)), result = op->getResult(0);
  auto constant = qnn::clearConstant(op->getOperand(1));
  std::vector<int32_t> weights = qnn::centredIntegers(constant);
  ArrayRef<int64_t> weightShape = qnn::shapeOf(constant.getResult());
  DenseIntElementsAttr attr =
      storeIntegers(builder.getContext(), weightShape, weights, /*withUnsigned=*/false);
  auto conv = dyn_cast<qnn::ConvOp>(op);
  int64_t lo = rangeOf(input).getLo(), hi = rangeOf(input).getHi();
  if (conv && llvm::any_of(conv.getPads(), [](int64_t p) { return p != 0; })) {
    lo = std::min<int64_t>(lo, 0);
    hi = std::max<int64_t>(hi, 0);
  }
  int64_t channels = weightShape[0], terms = int64_t(weights.size()) / channels;
  SmallVector<int64_t> channelLo(channels, 0), channelHi(channels, 0);
  for (int64_t o = 0; o != channels; ++o)
    for (int64_t i = 0; i != terms; ++i) {
      int64_t w = weights[o * terms + i];
      channelLo[o] += w > 0 ? w * lo : w * hi;
      channelHi[o] += w > 0 ? w * hi : w * lo;
    }
  int64_t provenLo = *llvm::min_element(channelLo), provenHi = *llvm::max_element(channelHi);
  const qnn::Root &root = analysis.root(result);
  auto ranges = RangesAttr::get(builder.getContext(), {root.lo, root.hi}, {provenLo, provenHi}, {});
  auto type = tensor(qnn::shapeOf(result), provenLo, provenHi);
  auto los = builder.getDenseI64ArrayAttr(channelLo), his = builder.getDenseI64ArrayAttr(channelHi);
  Value out;
  if (conv)
    out = fhe::ConvOp::create(builder, op->getLoc(), type, input, attr, conv.getStridesAttr(),
                              conv.getPadsAttr(), conv.getDilationsAttr(), conv.getGroupsAttr(), ranges,
                              los, his, UnitAttr());
  else
    out = LinearOp::create(builder, op->getLoc(), type, input, attr, ranges, los, his, UnitAttr());
  integers[result] = out;
  int64_t count = qnn::elementCount(result), inner = conv ? count / channels : 1;
  SmallVector<bool> dead(count);
  bool any = false;
  for (int64_t e = 0; e != count; ++e)
    any |= dead[e] = channelLo[e / inner % channels] == 0 && channelHi[e / inner % channels] == 0;
  if (any)
    isDead[result] = std::move(dead);
}

void QnnToFhe::convertPool(qnn::AvgPoolOp op) {
  const qnn::Root &root = analysis.root(op.getResult());
  Value input = materialize(op.getInput());
  int64_t window = op.getKernel()[0] * op.getKernel()[1];
  int64_t lo = rangeOf(input).getLo() * window, hi = rangeOf(input).getHi() * window;
  if (llvm::any_of(op.getPads(), [](int64_t p) { return p != 0; })) {
    lo = std::min(lo, std::min(root.lo, rangeOf(input).getLo()));
    hi = std::max(hi, std::max(root.hi, rangeOf(input).getHi()));
  }
  auto ranges = RangesAttr::get(builder.getContext(), {root.lo, root.hi}, {lo, hi}, {});
  integers[op.getResult()] = SumPoolOp::create(
      builder, op.getLoc(), tensor(qnn::shapeOf(op.getResult()), lo, hi), input, op.getKernelAttr(),
      op.getStridesAttr(), op.getPadsAttr(), ranges, UnitAttr());
}

LogicalResult QnnToFhe::convertOp(Operation *op) {
  if (analysis.form(op->getResult(0)).isClear() || qnn::isLayout(op) || qnn::isClientOp(op) ||
      isa<qnn::OneHotOp>(op))
    return success();
  if (qnn::isQuantizer(op)) {
    bool isInput = analysis.root(analysis.form(op->getOperand(0)).root).kind == qnn::RootKind::Argument;
    return isInput ? convertInputQuantizer(op) : convertQuantizer(op);
  }
  // The types of this level hold 40 bits; the usual limit is far below.
  if (analysis.form(op->getResult(0)).root == op->getResult(0)) {
    const qnn::Root &root = analysis.root(op->getResult(0));
    if (root.lo <= -(int64_t(1) << 40) || root.hi >= int64_t(1) << 40)
      return op->emitError() << "integers in [" << root.lo << ", " << root.hi
                             << "] exceed 40 bits" << diag::tag(diag::AccumulatorTooWide);
  }
  if (isa<qnn::GemmOp, qnn::ConvOp>(op))
    convertLinear(op);
  else if (auto pool = dyn_cast<qnn::AvgPoolOp>(op))
    convertPool(pool);
  else if (auto concat = dyn_cast<qnn::ConcatOp>(op))
    convertConcat(concat);
  else if (auto max = dyn_cast<qnn::MaxOp>(op))
    convertMax(max);
  if (analysis.form(op->getResult(0)).root != op->getResult(0))
    return success();
  if (auto add = dyn_cast<qnn::AddOp>(op))
    convertSum(add);
  else if (auto binary = dyn_cast<qnn::BinaryFunctionOp>(op))
    convertLargerOf(binary);
  else if (auto mul = dyn_cast<qnn::MulOp>(op))
    convertProduct(mul);
  return success();
}

LogicalResult QnnToFhe::run() {
  builder.setInsertionPoint(from);
  to = func::FuncOp::create(builder, from.getLoc(), from.getName(), from.getFunctionType());
  to.addEntryBlock();
  builder.setInsertionPointToStart(&to.getBody().front());
  auto work = [&]() -> LogicalResult {
    if (failed(convertArguments()))
      return failure();
    for (Operation &op : from.getBody().front().without_terminator())
      if (failed(convertOp(&op)))
        return failure();
    return convertResults(from.getBody().front().getTerminator());
  };
  if (failed(work())) {
    to.erase();
    return failure();
  }
  from.erase();
  return success();
}

namespace {
/// Erases operations on integers that nothing uses.
void eraseUnused(func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (op.use_empty() && isa<FHEDialect>(op.getDialect()))
      op.erase();
}

struct ConvertQnnToFhe : fhe::impl::ConvertQnnToFheBase<ConvertQnnToFhe> {
  using ConvertQnnToFheBase::ConvertQnnToFheBase;
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal()) {
      getOperation().emitError("has no function @main");
      return signalPassFailure();
    }
    FailureOr<qnn::Analysis> analysis = qnn::Analysis::run(main, "", {!exactScales, products});
    if (failed(analysis) || failed(QnnToFhe(main, std::move(*analysis)).run()))
      return signalPassFailure();
    eraseUnused(getOperation().lookupSymbol<func::FuncOp>("main"));
  }
};
} // namespace
