//===- Reduce.cpp - Import of reductions and global pools ----------------------------===//
//
// The reduced axes move behind the others: a sum is then one window of qnn.avg_pool, a
// maximum a qnn.max, a product a tree of qnn.mul. Norms and log-sums are these with functions around them.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

enum class Reduction { Sum, Mean, Max, Product };

/// The product of each row, in pairs: as few products on the way of one element as can be.
static FailureOr<Value> productOfRows(Node &node, Value rows) {
  int64_t outer = shapeOf(rows)[0];
  auto columns = [&](int64_t first, int64_t count) -> FailureOr<Value> {
    int64_t size = shapeOf(rows)[1];
    std::vector<int32_t> source;
    for (int64_t o = 0; o != outer; ++o)
      for (int64_t i = 0; i != count; ++i)
        source.push_back(int32_t(o * size + first + i));
    return createGather(node, rows, std::move(source), {outer, count});
  };
  SmallVector<Value> odd;
  auto times = [&](FailureOr<Value> lhs, FailureOr<Value> rhs) -> FailureOr<Value> {
    if (failed(lhs) || failed(rhs))
      return failure();
    auto type = RankedTensorType::get(shapeOf(*lhs), node.builder.getF32Type());
    return Value(qnn::MulOp::create(node.builder, node.loc, type, *lhs, *rhs));
  };
  for (int64_t size; (size = shapeOf(rows)[1]) > 1;) {
    if (size % 2) {
      FailureOr<Value> last = columns(size - 1, 1);
      if (failed(last))
        return failure();
      odd.push_back(*last);
    }
    FailureOr<Value> half = times(columns(0, size / 2), columns(size / 2, size / 2));
    if (failed(half))
      return failure();
    rows = *half;
  }
  for (Value last : llvm::reverse(odd)) {
    FailureOr<Value> product = times(rows, last);
    if (failed(product))
      return failure();
    rows = *product;
  }
  return rows;
}

/// Reduces `axes` (sorted, of the value); they stay with size 1 where `keep`.
static FailureOr<Value> reduce(Node &node, Value value, ArrayRef<int64_t> axes, bool keep,
                               Reduction kind) {
  SmallVector<int64_t> shape(shapeOf(value)), order, result;
  int64_t outer = 1, inner = 1;
  for (int64_t d = 0; d != int64_t(shape.size()); ++d) {
    bool reduced = llvm::is_contained(axes, d);
    (reduced ? inner : outer) *= shape[d];
    if (!reduced)
      order.push_back(d);
    if (!reduced || keep)
      result.push_back(reduced ? 1 : shape[d]);
  }
  llvm::append_range(order, axes);
  FailureOr<Value> moved = llvm::is_sorted(order) ? FailureOr<Value>(value)
                                                  : transposeValue(node, value, order);
  if (failed(moved))
    return failure();
  Value reduced;
  if (kind == Reduction::Max) {
    FailureOr<Value> rows = reshapeClear(node, *moved, {outer, inner});
    if (failed(rows))
      return failure();
    auto type = RankedTensorType::get(outer, elementOf(*rows));
    reduced = qnn::MaxOp::create(node.builder, node.loc, type, *rows);
  } else if (kind == Reduction::Product) {
    FailureOr<Value> rows = reshapeClear(node, *moved, {outer, inner});
    FailureOr<Value> product = failed(rows) ? rows : productOfRows(node, *rows);
    if (failed(product))
      return failure();
    reduced = *product;
  } else {
    FailureOr<Value> rows = reshapeClear(node, *moved, {outer, 1, inner});
    if (failed(rows))
      return failure();
    auto type = RankedTensorType::get({outer, 1, 1}, node.builder.getF32Type());
    reduced = qnn::AvgPoolOp::create(node.builder, node.loc, type, *rows,
                                     ArrayRef<int64_t>{1, inner}, ArrayRef<int64_t>{1, 1},
                                     ArrayRef<int64_t>{0, 0, 0, 0}, /*count_include_pad=*/false,
                                     /*sum=*/kind == Reduction::Sum);
  }
  return reshapeClear(node, reduced, result);
}

/// The axes of input 0 that the node reduces, of its value.
static FailureOr<SmallVector<int64_t>> reducedAxes(Node &node) {
  auto axes = node.axes(1);
  if (failed(axes))
    return failure();
  bool hidden = node.hidesBatch(node.input(0));
  int64_t rank = int64_t(node.onnxShape(node.input(0)).size());
  SmallVector<int64_t> out;
  for (int64_t axis : axes->value_or(SmallVector<int64_t>())) {
    FailureOr<int64_t> d = node.normalizeAxis(axis, rank);
    if (failed(d))
      return failure();
    if (!llvm::is_contained(out, *d - hidden))
      out.push_back(*d - hidden);
  }
  if (out.empty() && hidden)
    out.push_back(-1);
  else if (out.empty())
    llvm::append_range(out, llvm::seq<int64_t>(0, rank));
  llvm::sort(out);
  if (!out.empty() && out.front() < 0)
    return node.refuse(diag::BatchMoved, "reduces the batch dimension",
                       {"help: name the axes without the first one, for example x.mean((1, 2, 3))"});
  return out;
}

LogicalResult importReduce(Node &node) {
  int64_t keep = 1, noop = 0;
  if (failed(node.attribute("keepdims", keep)) || failed(node.attribute("noop_with_empty_axes", noop)))
    return failure();
  auto given = node.axes(1);
  if (failed(given))
    return failure();
  if (noop && (!*given || (*given)->empty()))
    return node.define(0, node.input(0));
  FailureOr<SmallVector<int64_t>> axes = reducedAxes(node);
  if (failed(axes))
    return failure();
  if (const Constant &constant = node.input(0).constant; constant && !constant->isReal)
    return foldReduction(node, *constant, *axes, keep != 0);
  FailureOr<Tensor> input = node.valueInput(0);
  if (failed(input))
    return failure();
  StringRef op = node.op();
  auto kind = op == "ReduceMean"                       ? Reduction::Mean
              : op == "ReduceMax" || op == "ReduceMin" ? Reduction::Max
              : op == "ReduceProd"                     ? Reduction::Product
                                                       : Reduction::Sum;
  Value value = input->value;
  auto apply = [&](qnn::Function function) { value = createFunction(node, function, value); };
  if (op == "ReduceMin")
    apply(qnn::Function::Neg);
  else if (op == "ReduceL1")
    apply(qnn::Function::Abs);
  else if (op == "ReduceLogSumExp")
    apply(qnn::Function::Exp);
  else if (op == "ReduceL2" || op == "ReduceSumSquare")
    value = qnn::MulOp::create(node.builder, node.loc,
                               RankedTensorType::get(shapeOf(value), node.builder.getF32Type()),
                               value, value);
  FailureOr<Value> reduced = reduce(node, value, *axes, keep != 0, kind);
  if (failed(reduced))
    return failure();
  value = *reduced;
  if (op == "ReduceMin")
    apply(qnn::Function::Neg);
  else if (op == "ReduceL2")
    apply(qnn::Function::Sqrt);
  else if (op == "ReduceLogSum" || op == "ReduceLogSumExp")
    apply(qnn::Function::Log);
  return node.define(value, input->clear);
}

LogicalResult importGlobalPool(Node &node) {
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input))
    return failure();
  int64_t first = node.hidesBatch(node.input(0)) ? 1 : 2, rank = shapeOf(*input).size();
  if (rank <= first)
    return node.refuse(diag::ShapeMismatch, "input '" + node.proto.input(0) +
                                                "' has no spatial dimension");
  SmallVector<int64_t> axes;
  llvm::append_range(axes, llvm::seq(first, rank));
  FailureOr<Value> reduced =
      reduce(node, *input, axes, /*keep=*/true,
             node.op() == "GlobalMaxPool" ? Reduction::Max : Reduction::Mean);
  return failed(reduced) ? failure() : node.define(*reduced);
}

} // namespace fhe::import
