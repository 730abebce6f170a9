//===- Chain.cpp - The real function between a root and a value -----------------===//
#include "passes/qnn/Chain.h"
#include "passes/qnn/PerElement.h"
#include <cstring>
#include <numeric>
#include <unordered_map>

using namespace mlir;

namespace fhe::qnn {

/// Whether a layout op puts zeros: then it is a step of its own.
static bool padsWithZeros(Operation *op) {
  if (isa<PadOp>(op))
    return true;
  auto gather = dyn_cast<GatherOp>(op);
  return gather && llvm::is_contained(gather.getSource(), -1);
}

int32_t Chain::stepOf(const Analysis &analysis, Value value, ElementMap elements) {
  while (value != analysis.form(value).root) {
    Operation *op = value.getDefiningOp();
    if (!isLayout(op) || padsWithZeros(op))
      break;
    elements = compose(elements, inputElements(op, 0));
    value = op->getOperand(0);
  }
  SmallVector<int32_t, 1> &known = stepsOf[value];
  for (int32_t step : known)
    if (steps[step].elements == elements)
      return step;
  known.push_back(int32_t(steps.size()));
  Step step;
  step.value = value;
  step.elements = std::move(elements);
  step.isRoot = value == analysis.form(value).root;
  steps.push_back(std::move(step));
  return known.back();
}

void Chain::connect(const Analysis &analysis, int32_t number) {
  Value value = steps[number].value;
  const ElementMap elements = steps[number].elements;
  if (steps[number].isRoot) {
    const Form &root = analysis.form(value);
    steps[number].numbers = {permute(root.scale, elements, false), permute(root.offset, elements, false)};
    return;
  }
  Operation *op = value.getDefiningOp();
  for (unsigned i = 0; i != op->getNumOperands(); ++i) {
    ElementMap inner = compose(elements, inputElements(op, i));
    PerElement numbers;
    int32_t input = -1;
    if (analysis.form(op->getOperand(i)).isClear()) {
      std::vector<float> reals = clearReals(clearConstant(op->getOperand(i)));
      numbers.values.assign(reals.begin(), reals.end());
      numbers.compress();
      numbers = permute(numbers, inner, false);
    } else {
      if (isLayout(op))
        for (int32_t source : inner)
          steps[number].isZero.push_back(source < 0);
      input = stepOf(analysis, op->getOperand(i), std::move(inner)); // may move `steps`
    }
    steps[number].inputs.push_back(input);
    steps[number].numbers.push_back(std::move(numbers));
  }
}

/// Operands before their users.
void Chain::sortSteps() {
  std::vector<int32_t> order(steps.size()), place(steps.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int32_t a, int32_t b) {
    Operation *opA = steps[a].isRoot ? nullptr : steps[a].value.getDefiningOp();
    Operation *opB = steps[b].isRoot ? nullptr : steps[b].value.getDefiningOp();
    if (opA == opB)
      return a < b;
    return opA && opB ? opA->isBeforeInBlock(opB) : !opA;
  });
  std::vector<Step> sorted;
  for (size_t i = 0; i != order.size(); ++i) {
    place[order[i]] = int32_t(i);
    sorted.push_back(std::move(steps[order[i]]));
    sorted.back().elements = {};
  }
  for (Step &step : sorted)
    for (int32_t &input : step.inputs)
      input = input < 0 ? -1 : place[input];
  last = place[0];
  steps = std::move(sorted);
}

Chain::Chain(const Analysis &analysis, Value value) {
  stepOf(analysis, value, {});
  for (int32_t step = 0; step != int32_t(steps.size()); ++step)
    connect(analysis, step);
  stepsOf.clear();
  sortSteps();
  classify(elementCount(value));
}

void Chain::classify(int64_t count) {
  SmallVector<const PerElement *> varying;
  SmallVector<const std::vector<bool> *> zeros;
  for (const Step &step : steps) {
    for (const PerElement &numbers : step.numbers)
      if (!numbers.isUniform())
        varying.push_back(&numbers);
    if (!step.isZero.empty())
      zeros.push_back(&step.isZero);
  }
  classOf.resize(count);
  std::unordered_map<std::string, int32_t> seen;
  std::string key;
  for (int64_t e = 0; e != count; ++e) {
    key.clear();
    for (const std::vector<bool> *zero : zeros)
      key.push_back((*zero)[e] ? '0' : 'x');
    for (const PerElement *numbers : varying)
      key.append(reinterpret_cast<const char *>(&numbers->values[e]), sizeof(double));
    auto [it, isNew] = seen.try_emplace(key, int32_t(members.size()));
    if (isNew)
      members.push_back(int32_t(e));
    classOf[e] = it->second;
  }
}

double Chain::evaluate(int64_t e, double integer) const {
  SmallVector<double, 16> values(steps.size());
  SmallVector<double, 5> operands;
  for (auto [number, step] : llvm::enumerate(steps)) {
    if (step.isRoot) {
      values[number] = integer * step.numbers[0][e] + step.numbers[1][e];
      continue;
    }
    operands.clear();
    for (auto [input, numbers] : llvm::zip(step.inputs, step.numbers))
      operands.push_back(input < 0 ? numbers[e] : values[input]);
    Operation *op = step.value.getDefiningOp();
    if (isLayout(op))
      values[number] = step.isZero[e] ? 0.0 : operands[0];
    else
      values[number] = evaluateElement<double>(op, operands);
  }
  return values[last];
}

} // namespace fhe::qnn
