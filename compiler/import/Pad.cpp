//===- Pad.cpp - Import of Pad ----------------------------------------------------===//
//
// Zeros are qnn.pad; another constant is added where it stands; edges, reflections
// and wraps repeat elements; negative pads take elements away.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

namespace {
/// Elements before and after each ONNX axis, and what they are.
struct Pads {
  SmallVector<int64_t> low, high;
  std::string mode = "constant";
  float value = 0;
};
} // namespace

/// Reads `pads` (attribute or input 1) for the axes of input 3, or all.
static LogicalResult readAmounts(Node &node, int64_t rank, Pads &pads) {
  SmallVector<int64_t> amounts, axes;
  if (failed(node.attribute("pads", amounts)) || failed(node.attribute("paddings", amounts)))
    return failure();
  if (!node.hasAttribute("pads") && !node.hasAttribute("paddings")) {
    FailureOr<std::vector<int64_t>> values = node.integerInput(1, "pads");
    if (failed(values))
      return failure();
    amounts.assign(values->begin(), values->end());
  }
  llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  if (node.has(3)) {
    FailureOr<std::vector<int64_t>> values = node.integerInput(3, "axes");
    if (failed(values))
      return failure();
    axes.assign(values->begin(), values->end());
  }
  if (amounts.size() != 2 * axes.size())
    return node.refuse(diag::ShapeMismatch, "has " + llvm::Twine(amounts.size()) +
                                                " pads, expected " + llvm::Twine(2 * axes.size()));
  pads.low.assign(rank, 0);
  pads.high.assign(rank, 0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    FailureOr<int64_t> d = node.normalizeAxis(axis, rank);
    if (failed(d))
      return failure();
    pads.low[*d] = amounts[i];
    pads.high[*d] = amounts[axes.size() + i];
  }
  for (int64_t pad : amounts)
    if (pad < -kMaxElements || pad > kMaxFoldedElements)
      return node.refuse(diag::UnsupportedForm, "pads by " + llvm::Twine(pad));
  return success();
}

static LogicalResult readPads(Node &node, int64_t rank, Pads &pads) {
  if (failed(node.attribute("value", pads.value)) || failed(node.attribute("mode", pads.mode)) ||
      failed(readAmounts(node, rank, pads)))
    return failure();
  if (node.has(2)) {
    FailureOr<std::vector<float>> values = node.realInput(2, "constant_value");
    if (failed(values))
      return failure();
    if (values->size() > 1)
      return node.refuse(diag::ShapeMismatch, "constant_value must be one number");
    pads.value = values->empty() ? 0 : values->front();
  }
  if (pads.mode != "constant" && pads.mode != "edge" && pads.mode != "reflect" &&
      pads.mode != "wrap")
    return node.refuse(diag::UnsupportedForm, "pads with unknown mode '" + pads.mode + "'");
  return success();
}

/// The source index at `i` (from -low on) of a dimension of `size`; -1 outside a constant pad.
static int64_t paddedIndex(StringRef mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size)
    return i;
  if (mode == "edge")
    return std::clamp<int64_t>(i, 0, size - 1);
  if (mode == "wrap")
    return ((i % size) + size) % size;
  if (mode == "reflect") {
    int64_t period = std::max<int64_t>(2 * (size - 1), 1), r = ((i % period) + period) % period;
    return std::min(r, period - r);
  }
  return -1;
}

/// Adds `value` where the pads of `padded` are.
static FailureOr<Value> addConstant(Node &node, Value padded, ArrayRef<int64_t> inner,
                                    ArrayRef<int64_t> low, float value) {
  ConstantTensor mask;
  mask.isReal = true;
  mask.shape.assign(shapeOf(padded).begin(), shapeOf(padded).end());
  int64_t count = countElements(mask.shape);
  if (failed(node.charge(count)))
    return failure();
  SmallVector<int64_t> at(mask.shape.size(), 0);
  for (int64_t e = 0; e != count; ++e) {
    bool inside = true;
    for (size_t d = 0; d != at.size(); ++d)
      inside &= at[d] >= low[d] && at[d] < low[d] + inner[d];
    mask.reals.push_back(inside ? 0 : value);
    for (size_t d = at.size(); d-- > 0;) {
      if (++at[d] != mask.shape[d])
        break;
      at[d] = 0;
    }
  }
  FailureOr<Value> constant = node.materialize(mask);
  if (failed(constant))
    return failure();
  auto type = RankedTensorType::get(mask.shape, node.builder.getF32Type());
  return Value(qnn::AddOp::create(node.builder, node.loc, type, padded, *constant));
}

LogicalResult importPad(Node &node) {
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  const Tensor tensor = node.input(0);
  bool hidden = node.hidesBatch(tensor);
  SmallVector<int64_t> inner(shapeOf(*input)), shape;
  Pads pads;
  if (failed(readPads(node, inner.size() + hidden, pads)))
    return failure();
  if (hidden && (pads.low.front() || pads.high.front()))
    return node.refuse(diag::BatchMoved, "pads the batch dimension");
  if (hidden) {
    pads.low.erase(pads.low.begin());
    pads.high.erase(pads.high.begin());
  }
  bool grows = true;
  for (size_t d = 0; d != inner.size(); ++d) {
    shape.push_back(inner[d] + pads.low[d] + pads.high[d]);
    grows &= pads.low[d] >= 0 && pads.high[d] >= 0;
    if (shape.back() < 1)
      return node.refuse(diag::UnsupportedForm, "takes away all of a dimension of " +
                                                    llvm::Twine(inner[d]) + " elements");
  }
  if (grows && shape == inner) // exporters write Pad nodes that add nothing
    return node.define(0, tensor);
  FailureOr<RankedTensorType> type = node.tensorType(shape, elementOf(*input));
  if (failed(type))
    return failure();
  Value padded;
  if (grows && pads.mode == "constant") {
    padded = qnn::PadOp::create(node.builder, node.loc, *type, *input, pads.low, pads.high);
  } else {
    AxisIndices lists(hidden); // nothing for the batch
    for (size_t d = 0; d != inner.size(); ++d) {
      lists.emplace_back(std::vector<int64_t>());
      for (int64_t i = -pads.low[d]; i != inner[d] + pads.high[d]; ++i)
        lists.back()->push_back(paddedIndex(pads.mode, i, inner[d]));
    }
    if (failed(defineAxisGather(node, 0, tensor, lists)))
      return failure();
    padded = node.importer.find(node.proto.output(0))->value;
  }
  if (pads.mode != "constant" || pads.value == 0)
    return node.define(padded);
  FailureOr<Value> filled = addConstant(node, padded, inner, pads.low, pads.value);
  return failed(filled) ? failure() : node.define(*filled);
}

} // namespace fhe::import
