//===- VerifyExact.cpp - The end of the fhe level ----------------------------------===//
#include "dialects/shared/StoredIntegers.h"
#include "mlir/IR/Builders.h"
#include "passes/fhe/Passes.h"
#include <algorithm>

using namespace mlir;

namespace fhe {
#define GEN_PASS_DEF_FHEVERIFYEXACT
#include "passes/fhe/Passes.h.inc"
} // namespace fhe

using namespace fhe;

namespace {

IntType elementOf(Value value) {
  return cast<IntType>(cast<RankedTensorType>(value.getType()).getElementType());
}

struct Sum {
  int64_t lo = 0, hi = 0;
  void add(int64_t weight, IntType range) {
    lo += std::min(weight * range.getLo(), weight * range.getHi());
    hi += std::max(weight * range.getLo(), weight * range.getHi());
  }
};

/// Range of weights [O][terms] times a value; padding is an operand's integer 0.
Sum weightedRange(DenseIntElementsAttr weights, IntType input, bool padded) {
  int64_t outputs = weights.getType().getShape()[0];
  int64_t terms = outputs ? weights.getNumElements() / outputs : 0;
  IntType range = padded ? IntType::get(input.getContext(), std::min<int64_t>(0, input.getLo()),
                                        std::max<int64_t>(0, input.getHi()))
                         : input;
  Sum all{INT64_MAX, INT64_MIN};
  std::vector<int32_t> values = readIntegers(weights);
  auto weight = values.begin();
  for (int64_t o = 0; o != outputs; ++o) {
    Sum sum;
    for (int64_t i = 0; i != terms; ++i, ++weight)
      sum.add(*weight, range);
    all.lo = std::min(all.lo, sum.lo);
    all.hi = std::max(all.hi, sum.hi);
  }
  return all;
}

bool isPadded(ArrayRef<int64_t> pads) {
  return llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
}

/// Range of the larger or smaller one of two values that a sum with `maximum` gives; nothing where it is
/// not of that form.
std::optional<Sum> rangeOfMaximum(AddOp add) {
  auto lut = add.getRhs().getDefiningOp<LutOp>();
  auto difference = lut ? lut.getInput().getDefiningOp<AddOp>() : AddOp();
  if (!difference || add.getLhsFactor() != 1 || add.getRhsFactor() != 1 ||
      difference.getLhsFactor() != 1 || difference.getRhsFactor() != -1 ||
      difference.getRhs() != add.getLhs() || lut.getLog2Step() ||
      lut.getChosen().precision != lut.getWidth())
    return std::nullopt;
  ArrayRef<int64_t> shape = lut.getTables().getType().getShape();
  int64_t result = cast<OpResult>(add.getRhs()).getResultNumber(), lo = lut.getLo();
  auto values = lut.getTables().getValues<int32_t>();
  bool isMax = true, isMin = true;
  for (int64_t i = 0; i != shape[2]; ++i) {
    int64_t value = values[result * shape[2] + i];
    isMax &= value == std::max<int64_t>(lo + i, 0);
    isMin &= value == std::min<int64_t>(lo + i, 0);
  }
  if (shape[0] != 1 || (!isMax && !isMin))
    return std::nullopt;
  IntType a = elementOf(difference.getLhs()), b = elementOf(add.getLhs());
  return isMax ? Sum{std::max(a.getLo(), b.getLo()), std::max(a.getHi(), b.getHi())}
               : Sum{std::min(a.getLo(), b.getLo()), std::min(a.getHi(), b.getHi())};
}

struct VerifyExact : fhe::impl::FheVerifyExactBase<VerifyExact> {
  LogicalResult contains(Operation *op, Sum sum) {
    IntType type = elementOf(op->getResult(0));
    if (op->hasAttr("calibrated") || (type.contains(sum.lo) && type.contains(sum.hi)))
      return success();
    return op->emitOpError("can give ")
           << sum.lo << " to " << sum.hi << " but its type is " << type;
  }

  LogicalResult check(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      return contains(op, weightedRange(linear.getWeights(), elementOf(linear.getInput()), false));
    if (auto conv = dyn_cast<ConvOp>(op))
      return contains(op, weightedRange(conv.getWeights(), elementOf(conv.getInput()),
                                        isPadded(conv.getPads())));
    if (auto pool = dyn_cast<SumPoolOp>(op)) {
      IntType input = elementOf(pool.getInput());
      int64_t size = pool.getKernel()[0] * pool.getKernel()[1];
      Sum sum{size * input.getLo(), size * input.getHi()};
      if (isPadded(pool.getPads()))
        sum = {std::min<int64_t>(sum.lo, input.getLo()), std::max<int64_t>(sum.hi, input.getHi())};
      return contains(op, sum);
    }
    if (auto add = dyn_cast<AddOp>(op); add && add.getMaximum()) {
      std::optional<Sum> range = rangeOfMaximum(add);
      if (!range)
        return add.emitOpError("is not the larger or smaller one of two values");
      // A calibrated difference wraps where it was not observed.
      return add.getRhs().getDefiningOp<LutOp>().getInput().getDefiningOp()->hasAttr("calibrated")
                 ? success()
                 : contains(op, *range);
    }
    if (auto add = dyn_cast<AddOp>(op)) {
      Sum sum;
      sum.add(add.getLhsFactor(), elementOf(add.getLhs()));
      sum.add(add.getRhsFactor(), elementOf(add.getRhs()));
      return contains(op, sum);
    }
    if (auto mul = dyn_cast<MulConstOp>(op)) {
      Sum sum;
      sum.add(mul.getFactor(), elementOf(mul.getInput()));
      return contains(op, sum);
    }
    if (auto gather = dyn_cast<GatherOp>(op)) {
      Sum sum{INT64_MAX, INT64_MIN};
      for (Value input : gather.getInputs())
        sum = {std::min(sum.lo, elementOf(input).getLo()), std::max(sum.hi, elementOf(input).getHi())};
      if (llvm::is_contained(gather.getSource(), -1))
        sum = {std::min<int64_t>(sum.lo, 0), std::max<int64_t>(sum.hi, 0)};
      return contains(op, sum);
    }
    if (isa<LutOp, ConstantOp, ReshapeOp, func::ReturnOp>(op))
      return success();
    return op->emitOpError("is not an operation of the fhe level");
  }

  LogicalResult checkPorts(func::FuncOp main) {
    for (Type type : llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !isa<IntType>(tensor.getElementType()))
        return main.emitOpError("has an argument or result of another level: ") << type;
    }
    for (unsigned i = 0; i != main.getNumArguments(); ++i)
      if (!main.getArgAttrOfType<DictionaryAttr>(i, "fhe.client"))
        return main.emitOpError("argument ") << i << " has no fhe.client";
    for (unsigned i = 0; i != main.getNumResults(); ++i)
      if (!main.getResultAttrOfType<DictionaryAttr>(i, "fhe.client"))
        return main.emitOpError("result ") << i << " has no fhe.client";
    return success();
  }

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock()) {
      getOperation().emitError("has no function @main with one block");
      return signalPassFailure();
    }
    if (failed(checkPorts(main)))
      return signalPassFailure();
    for (Operation &op : main.getBody().front()) {
      for (Type type : op.getResultTypes())
        if (auto tensor = dyn_cast<RankedTensorType>(type);
            !tensor || !isa<IntType>(tensor.getElementType())) {
          op.emitOpError("has a result of another level: ") << type;
          return signalPassFailure();
        }
      if (failed(check(&op)))
        return signalPassFailure();
    }
  }
};

} // namespace
