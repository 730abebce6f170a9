//===- ElementwiseForms.cpp - Element-wise operations on encrypted values ----------===//
//
// Of one encrypted operand, or of several: a sum, a product, a maximum, or one function
// of the integers that all of them read.
//
//===------------------------------------------------------------------------------===//
#include "dialects/shared/DiagnosticIds.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/PerElement.h"

using namespace mlir;

namespace fhe::qnn {

/// Numbers of clear operand `operand` of an element-wise op, one for all or one an element.
static PerElement clearOperand(Operation *op, unsigned operand) {
  PerElement values;
  std::vector<float> reals = clearReals(clearConstant(op->getOperand(operand)));
  values.values.assign(reals.begin(), reals.end());
  values.compress();
  return permute(values, inputElements(op, operand), false);
}

/// Whether two element maps of `count` elements read the same elements.
static bool sameElements(const ElementMap &a, const ElementMap &b, int64_t count) {
  if (a.empty() == b.empty())
    return a == b;
  const ElementMap &map = a.empty() ? b : a;
  for (int64_t e = 0; e != count; ++e)
    if (map[e] != e)
      return false;
  return int64_t(map.size()) == count;
}

std::optional<ElementMap> Analysis::commonElements(Operation *op, ArrayRef<unsigned> operands) const {
  std::optional<ElementMap> common;
  for (unsigned i : operands) {
    const Form &from = form(op->getOperand(i));
    ElementMap map = compose(inputElements(op, i), from.elements);
    if (from.root != form(op->getOperand(operands[0])).root ||
        (common && !sameElements(*common, map, elementCount(op->getResult(0)))))
      return std::nullopt;
    common = std::move(map);
  }
  return common;
}

LogicalResult Analysis::visitSeveral(Operation *op, ArrayRef<unsigned> operands) {
  std::optional<ElementMap> elements = commonElements(op, operands);
  auto add = dyn_cast<AddOp>(op);
  if (!elements && add)
    return visitSum(add);
  if (auto binary = dyn_cast<BinaryFunctionOp>(op); !elements && binary)
    if (binary.getFunction() == BinaryFunction::Max || binary.getFunction() == BinaryFunction::Min)
      return visitLargerOf(binary);
  if (auto mul = dyn_cast<MulOp>(op); !elements && mul && isQuantized(mul.getLhs()) && isQuantized(mul.getRhs()))
    return visitProduct(mul);
  if (!elements) {
    InFlightDiagnostic diagnostic =
        op->emitError(isa<DivOp>(op) ? "divides by an encrypted tensor"
                                     : "several operands are encrypted; all but one must be clear, or "
                                       "functions of the same integers")
        << diag::tag(diag::BothEncrypted);
    for (unsigned i : operands)
      diagnostic.attachNote() << "operand " << i << " is over the integers of "
                              << describeOrigin(form(op->getOperand(i)).root);
    if (isa<DivOp>(op))
      diagnostic.attachNote() << "help: where this normalizes by its own mean and variance "
                                 "(LayerNorm): --calibration F.npy --freeze-statistics puts constants in their place";
    return diagnostic;
  }
  Form out;
  out.root = form(op->getOperand(operands[0])).root;
  out.elements = std::move(*elements);
  out.isAffine = add && llvm::all_of(op->getOperands(), [&](Value v) { return form(v).isAffine; });
  if (out.isAffine) {
    int64_t count = elementCount(op->getResult(0));
    auto read = [&](unsigned i, PerElement Form::*numbers) {
      return permute(form(op->getOperand(i)).*numbers, inputElements(op, i), false);
    };
    auto plus = [](double a, double b) { return a + b; };
    out.scale = combine(count, read(0, &Form::scale), read(1, &Form::scale), plus);
    out.offset = combine(count, read(0, &Form::offset), read(1, &Form::offset), plus);
  }
  forms[op->getResult(0)] = std::move(out);
  return success();
}

LogicalResult Analysis::visitElementwise(Operation *op) {
  SmallVector<unsigned> encrypted;
  for (unsigned i = 0; i != op->getNumOperands(); ++i)
    if (!form(op->getOperand(i)).isClear())
      encrypted.push_back(i);
  if (encrypted.size() > 1)
    return visitSeveral(op, encrypted);
  unsigned data = encrypted.front();
  int64_t count = elementCount(op->getResult(0));
  const Form &from = form(op->getOperand(data));
  ElementMap map = inputElements(op, data);
  Form out;
  out.root = from.root;
  out.elements = compose(map, from.elements);
  out.isAffine = from.isAffine && (!isa<DivOp>(op) || data == 0);
  if (out.isAffine)
    scaleAffine(op, data, permute(from.scale, map, false), permute(from.offset, map, false), count,
                out);
  forms[op->getResult(0)] = std::move(out);
  return success();
}

void Analysis::scaleAffine(Operation *op, unsigned data, PerElement scale, PerElement offset,
                           int64_t count, Form &out) const {
  auto times = [](double a, double b) { return a * b; };
  auto plus = [](double a, double b) { return a + b; };
  auto minus = [](double a, double b) { return a - b; };
  auto divide = [](double a, double b) { return a / b; };
  out.scale = std::move(scale);
  out.offset = std::move(offset);
  if (isa<AddOp>(op)) {
    out.offset = combine(count, out.offset, clearOperand(op, 1 - data), plus);
  } else if (isa<MulOp>(op)) {
    PerElement c = clearOperand(op, 1 - data);
    out.scale = combine(count, out.scale, c, times);
    out.offset = combine(count, out.offset, c, times);
  } else if (isa<DivOp>(op)) {
    PerElement c = clearOperand(op, 1);
    out.scale = combine(count, out.scale, c, divide);
    out.offset = combine(count, out.offset, c, divide);
  } else if (auto norm = dyn_cast<BatchNormOp>(op)) {
    double epsilon = norm.getEpsilon().convertToDouble();
    PerElement factor = combine(count, clearOperand(op, 1), clearOperand(op, 4),
                                [&](double s, double v) { return s / std::sqrt(v + epsilon); });
    out.scale = combine(count, out.scale, factor, times);
    out.offset = combine(count, out.offset, clearOperand(op, 3), minus);
    out.offset = combine(count, combine(count, out.offset, factor, times), clearOperand(op, 2), plus);
  } else {
    auto activation = dyn_cast<ActivationOp>(op);
    out.isAffine = activation && activation.getFunction() == Function::Neg;
    out.scale = combine(count, out.scale, {}, [](double a, double) { return -a; });
    out.offset = combine(count, out.offset, {}, [](double a, double) { return -a; });
  }
}

} // namespace fhe::qnn
