//===- Chain.cpp - The real function between a root and a value -----------------===//
#include "passes/qnn/Chain.h"
#include <cstring>
#include <unordered_map>

using namespace mlir;

namespace fhe::qnn {

static PerElement gather(const PerElement &from, const ElementMap &map) {
  if (from.isUniform() || map.empty())
    return from;
  PerElement out;
  out.values.resize(map.size());
  for (size_t e = 0; e != map.size(); ++e)
    out.values[e] = map[e] < 0 ? 0.0 : from[map[e]];
  out.compress();
  return out;
}

void Chain::addStep(Operation *op, unsigned data, const ElementMap &elements) {
  Step step;
  step.op = op;
  for (unsigned i = 0; i != op->getNumOperands(); ++i) {
    if (i == data)
      continue;
    PerElement numbers;
    std::vector<float> reals = clearReals(clearConstant(op->getOperand(i)));
    numbers.values.assign(reals.begin(), reals.end());
    numbers.compress();
    step.constants.push_back(gather(numbers, compose(elements, inputElements(op, i))));
  }
  steps.push_back(std::move(step));
}

Chain::Chain(const Analysis &analysis, Value value) {
  const Form &form = analysis.form(value);
  int64_t count = elementCount(value);
  ElementMap elements; // of `current` that each element of `value` reads
  Value current = value;
  while (current != form.root) {
    Operation *op = current.getDefiningOp();
    unsigned data = isa<AddOp, MulOp>(op) && analysis.form(op->getOperand(0)).isClear() ? 1 : 0;
    if (isElementwise(op))
      addStep(op, data, elements);
    elements = compose(elements, inputElements(op, data));
    if (isa<PadOp>(op)) {
      zeroFrom.resize(count, -1);
      for (int64_t e = 0; e != int64_t(elements.size()); ++e)
        if (elements[e] < 0 && zeroFrom[e] < 0)
          zeroFrom[e] = int32_t(steps.size()); // turned round below
    }
    current = op->getOperand(data);
  }
  std::reverse(steps.begin(), steps.end());
  for (int32_t &from : zeroFrom)
    from = from < 0 ? -1 : int32_t(steps.size()) - from;
  const Form &root = analysis.form(form.root);
  scale = gather(root.scale, elements);
  offset = gather(root.offset, elements);
  classify(count);
}

void Chain::classify(int64_t count) {
  SmallVector<const PerElement *> varying;
  for (const PerElement *numbers : {&scale, &offset})
    if (!numbers->isUniform())
      varying.push_back(numbers);
  for (const Step &step : steps)
    for (const PerElement &numbers : step.constants)
      if (!numbers.isUniform())
        varying.push_back(&numbers);
  classOf.resize(count);
  std::unordered_map<std::string, int32_t> seen;
  std::string key;
  for (int64_t e = 0; e != count; ++e) {
    key.assign(reinterpret_cast<const char *>(zeroFrom.empty() ? "\0\0\0\0" : (const char *)&zeroFrom[e]), 4);
    for (const PerElement *numbers : varying)
      key.append(reinterpret_cast<const char *>(&numbers->values[e]), sizeof(double));
    auto [it, isNew] = seen.try_emplace(key, int32_t(members.size()));
    if (isNew)
      members.push_back(int32_t(e));
    classOf[e] = it->second;
  }
}

double Chain::evaluate(int64_t e, double integer) const {
  double x = integer * scale[e] + offset[e];
  size_t first = 0;
  if (!zeroFrom.empty() && zeroFrom[e] >= 0) {
    x = 0;
    first = zeroFrom[e];
  }
  for (const Step &step : ArrayRef(steps).drop_front(first)) {
    if (isa<AddOp>(step.op)) {
      x += step.constants[0][e];
    } else if (isa<MulOp>(step.op)) {
      x *= step.constants[0][e];
    } else if (isa<DivOp>(step.op)) {
      x /= step.constants[0][e];
    } else if (auto norm = dyn_cast<BatchNormOp>(step.op)) {
      double s = step.constants[0][e], b = step.constants[1][e], m = step.constants[2][e],
             v = step.constants[3][e];
      x = (x - m) / std::sqrt(v + norm.getEpsilon().convertToDouble()) * s + b;
    } else {
      auto activation = cast<ActivationOp>(step.op);
      x = applyFunction(activation.getFunction(), x, activation.getAlpha().convertToDouble(),
                        activation.getBeta().convertToDouble());
    }
  }
  return x;
}

} // namespace fhe::qnn
