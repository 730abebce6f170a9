//===- InferWeights.cpp - Quantizers for float weights on a grid ---------------------===//
#include "dialects/shared/NodeLocation.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Passes.h"
#include "passes/qnn/WeightGrid.h"

namespace fhe {
#define GEN_PASS_DEF_QNNINFERWEIGHTS
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

/// Float weights of a linear op with an encrypted input. The matrices of a Resize, one an axis, are no weights
/// that anybody has quantized: the importer makes one of integers for all axes where there is one.
static ConstantOp floatWeights(Operation *op) {
  auto node = fhe::primaryNode(op->getLoc());
  if (!isa<GemmOp, ConvOp>(op) || clearConstant(op->getOperand(0)) ||
      (node && (node->op == "Resize" || node->op == "Upsample")))
    return nullptr;
  ConstantOp weights = clearConstant(op->getOperand(1));
  bool isFloat = weights && cast<RankedTensorType>(weights.getType()).getElementType().isF32();
  return isFloat ? weights : nullptr;
}

static void report(Operation *op, ConstantOp weights) {
  auto type = cast<quant::QuantizedType>(
      cast<RankedTensorType>(weights.getType()).getElementType());
  InFlightDiagnostic diagnostic = op->emitWarning()
      << "weights have no quantizer; they are multiples of ";
  if (auto single = dyn_cast<quant::UniformQuantizedType>(type))
    diagnostic << "one number (" << single.getScale() << ")";
  else
    diagnostic << "one number in each output channel";
  diagnostic << " and are taken as integers of " << type.getStorageTypeIntegralWidth() << " bits";
}

namespace {
struct QnnInferWeights : fhe::impl::QnnInferWeightsBase<QnnInferWeights> {
  using QnnInferWeightsBase::QnnInferWeightsBase;
  void runOnOperation() override {
    bool hasQuantizers = false;
    SmallVector<Operation *> linear;
    getOperation().walk([&](Operation *op) {
      auto constant = dyn_cast<ConstantOp>(op);
      hasQuantizers |= isQuantizer(op) ||
                       (constant &&
                        !cast<RankedTensorType>(constant.getType()).getElementType().isF32());
      if (floatWeights(op))
        linear.push_back(op);
    });
    if (!hasQuantizers) // a float network, which is better named as such
      return markAllAnalysesPreserved();
    for (Operation *op : linear) {
      ConstantOp weights = floatWeights(op), quantized = quantizeOnGrid(op, weights);
      if (!quantized)
        continue;
      report(op, quantized);
      op->setOperand(1, quantized);
      if (weights->use_empty())
        weights.erase();
    }
  }
};
} // namespace
