//===- Equalize.cpp - Cross-layer equalization --------------------------------------===//
#include "passes/quantize/Equalize.h"
#include "dialects/qnn/Elements.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::quantize {

/// The gemm that alone reads relu(result of `first`), which nothing else reads; null where there is none.
static GemmOp nextGemm(GemmOp first) {
  if (!first.getResult().hasOneUse())
    return nullptr;
  auto relu = dyn_cast<ActivationOp>(*first.getResult().user_begin());
  if (!relu || relu.getFunction() != Function::Relu || !relu.getResult().hasOneUse())
    return nullptr;
  auto second = dyn_cast<GemmOp>(*relu.getResult().user_begin());
  bool reads = second && second.getInput() == relu.getResult();
  auto isReal = [](Value value) {
    ConstantOp constant = clearConstant(value);
    return constant && constant.getType().getElementType().isF32();
  };
  for (Operation *op : {first.getOperation(), reads ? second.getOperation() : nullptr})
    if (!op || !llvm::all_of(op->getOperands().drop_front(), isReal))
      return nullptr;
  return second;
}

static void setReals(Operation *op, unsigned operand, ArrayRef<float> values) {
  OpBuilder b(op);
  auto type = cast<RankedTensorType>(op->getOperand(operand).getType());
  op->setOperand(operand, ConstantOp::create(b, op->getLoc(), type, DenseElementsAttr::get(type, values)));
}

LogicalResult equalize(ModuleOp module, const RealTensors &inputs, int64_t samples) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  SmallVector<GemmOp> order(main.getOps<GemmOp>());
  for (GemmOp first : order) {
    GemmOp second = nextGemm(first);
    if (!second)
      continue;
    auto interpreter = Interpreter::create(module);
    if (failed(interpreter))
      return failure();
    std::vector<float> values = (*interpreter)->evaluate({second.getInput()}, inputs, samples).front();
    std::vector<float> a = clearReals(clearConstant(first.getWeights())), bias,
                       b = clearReals(clearConstant(second.getWeights()));
    if (first.getBias())
      bias = clearReals(clearConstant(first.getBias()));
    size_t channels = shapeOf(first.getWeights())[0], terms = a.size() / channels,
           outputs = b.size() / channels;
    for (size_t c = 0; c != channels; ++c) {
      float largest = 0, column = 0;
      for (size_t i = c; i < values.size(); i += channels)
        largest = std::max(largest, values[i]);
      for (size_t o = 0; o != outputs; ++o)
        column = std::max(column, std::fabs(b[o * channels + c]));
      if (!(largest > 0) || !(column > 0))
        continue; // a dead channel
      float by = std::sqrt(largest / column);
      for (size_t i = 0; i != terms; ++i)
        a[c * terms + i] /= by;
      if (!bias.empty())
        bias[c] /= by;
      for (size_t o = 0; o != outputs; ++o)
        b[o * channels + c] *= by;
    }
    setReals(first, 1, a);
    if (!bias.empty())
      setReals(first, 2, bias);
    setReals(second, 1, b);
  }
  return success();
}

} // namespace fhe::quantize
