//===- Gathers.cpp - Import of operators that choose elements -------------------===//
//
// Slices, splits, repetitions and pads are one index list an axis; the others say
// for each element where it comes from. Constants are folded, encrypted tensors
// become qnn.gather: at run time a copy. The batch dimension must stay as it is.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include "dialects/shared/StoredIntegers.h"

using namespace mlir;

namespace fhe::import {

/// Elements of a result that is chosen one by one: a bound on the memory of its index list.
static constexpr int64_t kMaxGathered = 4 * kMaxFoldedElements;

//===-------------------------------------------------------------------------===//
// Index lists
//===-------------------------------------------------------------------------===//

FailureOr<Value> createGather(Node &node, Value value, std::vector<int32_t> source,
                              ArrayRef<int64_t> shape) {
  FailureOr<RankedTensorType> type = node.tensorType(shape, elementOf(value));
  if (failed(type) || failed(node.charge(int64_t(source.size()))))
    return failure();
  if (isa<quant::UniformQuantizedPerAxisType>(elementOf(value)))
    return node.refuse(diag::UnsupportedForm,
                       "chooses elements of a tensor that is quantized per channel");
  return Value(qnn::GatherOp::create(node.builder, node.loc, *type, value,
                                     node.builder.getDenseI32ArrayAttr(source)));
}

FailureOr<Value> gatherWeights(Node &node, Value value, ArrayRef<int32_t> source,
                               ArrayRef<int64_t> shape, int64_t axis) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(elementOf(value));
  if (!perAxis)
    return createGather(node, value, source.vec(), shape);
  auto type = RankedTensorType::get(shape, qnn::withQuantizedDimension(perAxis, axis));
  if (int64_t(perAxis.getScales().size()) != shape[axis])
    return node.refuse(diag::UnsupportedForm, "moves weights that are quantized per channel");
  // The quantizer of a constant moves behind; a real zero is then its zero point.
  if (auto quantize = value.getDefiningOp<qnn::QuantizeOp>()) {
    FailureOr<Value> input = createGather(node, quantize.getInput(), source.vec(), shape);
    if (failed(input))
      return failure();
    return Value(qnn::QuantizeOp::create(node.builder, quantize.getLoc(), type, *input,
                                         quantize.getKind(), quantize.getRounding()));
  }
  auto constant = value.getDefiningOp<qnn::ConstantOp>();
  auto stored = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue())
                         : DenseIntElementsAttr();
  if (!stored)
    return node.refuse(diag::UnsupportedForm, "moves weights that are quantized per channel");
  std::vector<int32_t> from = readIntegers(stored), to;
  int64_t inner = countElements(shape.drop_front(axis + 1));
  for (auto [e, k] : llvm::enumerate(source))
    to.push_back(k >= 0 ? from[k]
                        : int32_t(perAxis.getZeroPoints()[int64_t(e) / inner % shape[axis]]));
  auto attr = storeIntegers(node.loc.getContext(), shape, to, /*withUnsigned=*/true);
  return Value(qnn::ConstantOp::create(node.builder, node.loc, type, attr));
}

/// The elements of a tensor of `from` that `indices` read, row-major; `to` becomes the new shape.
static FailureOr<std::vector<int32_t>> sourceElements(Node &node, ArrayRef<int64_t> from,
                                                      const AxisIndices &indices,
                                                      SmallVector<int64_t> &to) {
  for (auto [size, list] : llvm::zip(from, indices))
    to.push_back(list ? int64_t(list->size()) : size);
  int64_t count = countElements(to, kMaxGathered);
  if (count < 0 || countElements(from) < 0)
    return node.refuse(diag::TooLarge, "gives a tensor of shape " + describeShape(to) +
                                           "; between 1 and " + llvm::Twine(kMaxGathered) +
                                           " elements are supported");
  if (failed(node.charge(count)))
    return failure();
  std::vector<int32_t> source{0};
  source.reserve(count);
  for (size_t d = 0; d != from.size(); ++d) {
    std::vector<int32_t> next;
    next.reserve(source.size() * to[d]);
    for (int32_t outer : source)
      for (int64_t i = 0; i != to[d]; ++i) {
        int64_t index = indices[d] ? (*indices[d])[i] : i;
        next.push_back(outer < 0 || index < 0 ? -1 : int32_t(outer * from[d] + index));
      }
    source = std::move(next);
  }
  return source;
}

static bool isIdentity(const std::optional<std::vector<int64_t>> &list, int64_t size) {
  return !list || llvm::equal(*list, llvm::seq<int64_t>(0, size));
}

LogicalResult defineAxisGather(Node &node, int output, const Tensor &input,
                               const AxisIndices &indices,
                               std::optional<ArrayRef<int64_t>> shape) {
  SmallVector<int64_t> from = node.onnxShape(input), to;
  AxisIndices lists = indices;
  if (node.hidesBatch(input)) {
    if (!isIdentity(lists[0], from[0] == kBatch ? 1 : from[0]))
      return node.refuse(diag::BatchMoved, "chooses along the batch dimension");
    from.erase(from.begin());
    lists.erase(lists.begin());
  }
  bool same = llvm::all_of(llvm::zip(lists, from), [](const auto &pair) {
    return isIdentity(std::get<0>(pair), std::get<1>(pair));
  });
  if (same && !shape)
    return node.define(output, input);
  FailureOr<std::vector<int32_t>> source = sourceElements(node, from, lists, to);
  if (failed(source))
    return failure();
  ArrayRef<int64_t> result = shape.value_or(ArrayRef<int64_t>(to));
  if (input.constant) {
    ConstantTensor out = emptyLike(*input.constant, result);
    out.name = node.proto.output(output);
    for (int32_t element : *source)
      if (element >= 0)
        appendElement(out, *input.constant, element);
      else if (out.isReal)
        out.reals.push_back(0);
      else
        out.integers.push_back(0);
    return node.define(output,
                       Tensor{std::make_shared<ConstantTensor>(std::move(out)), {}, nullptr, true});
  }
  FailureOr<Tensor> tensor = node.valueOf(input, node.proto.input(0));
  if (failed(tensor))
    return failure();
  FailureOr<Value> value = createGather(node, tensor->value, std::move(*source), result);
  if (failed(value))
    return failure();
  tensor->value = *value;
  return node.define(output, *tensor);
}

//===-------------------------------------------------------------------------===//
// Slice, Split, Gather
//===-------------------------------------------------------------------------===//

/// One of starts, ends, axes, steps, split: an attribute in older operator sets, an input in newer ones.
static FailureOr<SmallVector<int64_t>> integerList(Node &node, int i, StringRef name) {
  SmallVector<int64_t> list;
  if (failed(node.attribute(name, list)))
    return failure();
  if (node.hasAttribute(name) || !node.has(i))
    return list;
  FailureOr<std::vector<int64_t>> values = node.integerInput(i, name);
  if (failed(values))
    return failure();
  return SmallVector<int64_t>(ArrayRef(*values));
}

/// The source indices that a slice takes along a dimension of `size` (ONNX Slice-13).
static std::vector<int64_t> sliceIndices(int64_t start, int64_t end, int64_t step, int64_t size) {
  auto clampTo = [&](int64_t v, int64_t lo, int64_t hi) {
    return std::clamp(v < 0 ? v + size : v, lo, hi);
  };
  std::vector<int64_t> indices;
  if (size == 0)
    return indices;
  if (step > 0)
    for (int64_t i = clampTo(start, 0, size), e = clampTo(end, 0, size); i < e;) {
      indices.push_back(i);
      if (step >= size)
        break;
      i += step;
    }
  else
    for (int64_t i = clampTo(start, 0, size - 1), e = clampTo(end, -1, size - 1); i > e;) {
      indices.push_back(i);
      if (step <= -size)
        break;
      i += step;
    }
  return indices;
}

LogicalResult importSlice(Node &node) {
  auto starts = integerList(node, 1, "starts"), ends = integerList(node, 2, "ends"),
       axes = integerList(node, 3, "axes"), steps = integerList(node, 4, "steps");
  if (failed(starts) || failed(ends) || failed(axes) || failed(steps))
    return failure();
  SmallVector<int64_t> from = node.onnxShape(node.input(0));
  if (axes->empty())
    llvm::append_range(*axes, llvm::seq<int64_t>(0, starts->size()));
  if (steps->empty())
    steps->assign(starts->size(), 1);
  if (ends->size() != starts->size() || axes->size() != starts->size() ||
      steps->size() != starts->size() || starts->size() > from.size())
    return node.refuse(diag::ShapeMismatch, "starts, ends, axes and steps do not fit together");
  AxisIndices lists(from.size());
  for (size_t k = 0; k != starts->size(); ++k) {
    FailureOr<int64_t> d = node.normalizeAxis((*axes)[k], from.size());
    if (failed(d))
      return failure();
    if ((*steps)[k] == 0)
      return node.refuse(diag::MalformedNode, "has step 0");
    if (lists[*d])
      return node.refuse(diag::MalformedNode, "names axis " + llvm::Twine((*axes)[k]) + " twice");
    bool whole = (*starts)[k] == 0 && (*ends)[k] >= INT32_MAX && (*steps)[k] == 1;
    if (from[*d] == kBatch && !whole)
      return node.refuse(diag::BatchMoved, "takes a part of the batch");
    if (from[*d] != kBatch && countElements(from[*d]) < 0)
      return node.refuse(diag::TooLarge, "slices a tensor of shape " + describeShape(from));
    if (from[*d] != kBatch)
      lists[*d] = sliceIndices((*starts)[k], (*ends)[k], (*steps)[k], from[*d]);
  }
  return defineAxisGather(node, 0, node.input(0), lists);
}

LogicalResult importSplit(Node &node) {
  int64_t axis = 0, wanted = 0, count = node.proto.output_size();
  auto sizes = integerList(node, 1, "split");
  if (failed(sizes) || failed(node.attribute("axis", axis)) ||
      failed(node.attribute("num_outputs", wanted)))
    return failure();
  const Tensor input = node.input(0);
  SmallVector<int64_t> from = node.onnxShape(input);
  FailureOr<int64_t> d = node.normalizeAxis(axis, from.size());
  if (failed(d))
    return failure();
  if (node.hidesBatch(input) && *d == 0)
    return node.refuse(diag::BatchMoved, "splits the batch dimension");
  if (sizes->empty()) {
    int64_t part = (from[*d] + count - 1) / count;
    if (!node.hasAttribute("num_outputs") && from[*d] % count)
      return node.refuse(diag::ShapeMismatch, "cannot split " + llvm::Twine(from[*d]) +
                                                  " into " + llvm::Twine(count) + " equal parts");
    for (int64_t i = 0; i != count; ++i)
      sizes->push_back(std::clamp<int64_t>(from[*d] - i * part, 0, part));
  }
  int64_t total = 0;
  bool good = int64_t(sizes->size()) == count;
  for (int64_t size : *sizes) {
    good &= size >= 0 && size <= kMaxElements;
    total += good ? size : 0;
  }
  if (!good || total != from[*d])
    return node.refuse(diag::ShapeMismatch, "parts " + describeShape(*sizes) + " do not make up " +
                                                llvm::Twine(from[*d]) + " in " +
                                                llvm::Twine(count) + " outputs");
  int64_t start = 0;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    AxisIndices lists(from.size());
    auto part = llvm::seq<int64_t>(start, start + size);
    lists[*d] = std::vector<int64_t>(part.begin(), part.end());
    start += size;
    if (failed(defineAxisGather(node, int(i), input, lists)))
      return failure();
  }
  return success();
}

LogicalResult importGather(Node &node) {
  if (node.has(1) && node.input(1).isEncrypted())
    return importEmbedding(node);
  int64_t axis = 0;
  FailureOr<Constant> indices = node.constantInput(1, "indices");
  if (failed(indices) || failed(node.attribute("axis", axis)))
    return failure();
  const Tensor &input = node.input(0);
  SmallVector<int64_t> from = node.onnxShape(input);
  FailureOr<int64_t> d = node.normalizeAxis(axis, from.size());
  if (failed(d))
    return failure();
  if (node.hidesBatch(input) && *d == 0)
    return node.refuse(diag::BatchMoved, "chooses along the batch dimension");
  if ((*indices)->isReal)
    return node.refuse(diag::IntegerTensor, "indices must be integers, and few");
  AxisIndices lists(from.size());
  lists[*d].emplace();
  for (int64_t index : (*indices)->integers) {
    if (index < -from[*d] || index >= from[*d])
      return node.refuse(diag::ShapeMismatch, "index " + llvm::Twine(index) +
                                                  " is outside dimension of size " +
                                                  llvm::Twine(from[*d]));
    lists[*d]->push_back(index < 0 ? index + from[*d] : index);
  }
  bool hidden = node.hidesBatch(input);
  SmallVector<int64_t> shape(ArrayRef(from).slice(hidden, *d - hidden));
  llvm::append_range(shape, (*indices)->shape);
  llvm::append_range(shape, ArrayRef(from).drop_front(*d + 1));
  return defineAxisGather(node, 0, input, lists, ArrayRef<int64_t>(shape));
}

//===-------------------------------------------------------------------------===//
// Expand, Tile
//===-------------------------------------------------------------------------===//

LogicalResult importExpand(Node &node) {
  FailureOr<std::vector<int64_t>> target = node.integerInput(1, "shape");
  if (failed(target))
    return failure();
  const Tensor &input = node.input(0);
  SmallVector<int64_t> from = node.onnxShape(input);
  bool hidden = node.hidesBatch(input);
  if (target->size() > kMaxRank || (hidden && target->size() > from.size()))
    return node.refuse(diag::BatchMoved, "adds dimensions before the batch");
  // Leading dimensions of size 1 change no order of elements.
  SmallVector<int64_t> padded(from), shape;
  padded.insert(padded.begin(), std::max<int64_t>(0, int64_t(target->size()) - int64_t(from.size())), 1);
  target->insert(target->begin(), padded.size() - target->size(), 1);
  AxisIndices lists(from.size());
  int64_t repeats = 1, added = int64_t(padded.size()) - int64_t(from.size());
  for (size_t d = 0; d != padded.size(); ++d) {
    int64_t size = (*target)[d], has = padded[d];
    if (size == has || size == 1 || (d == 0 && hidden && size == kBatch)) {
      shape.push_back(has);
      continue;
    }
    if (has != 1 || size < 0 || size > kMaxGathered)
      return node.refuse(diag::ShapeMismatch, "cannot expand " + describeShape(from) + " to " +
                                                  describeShape(*target));
    shape.push_back(size);
    if (int64_t(d) < added)
      repeats = repeats > kMaxElements ? repeats : repeats * size;
    else
      lists[d - added] = std::vector<int64_t>(size, 0);
  }
  if (countElements(ArrayRef(shape).drop_front(hidden), kMaxGathered) < 0)
    return node.refuse(diag::TooLarge, "gives a tensor of shape " + describeShape(shape));
  ArrayRef<int64_t> result = ArrayRef(shape).drop_front(hidden);
  if (added == 0)
    return defineAxisGather(node, 0, input, lists, result);
  // New outer dimensions repeat the whole tensor: read it as one of them.
  SmallVector<int64_t> inner;
  FailureOr<std::vector<int32_t>> once = sourceElements(node, from, lists, inner);
  if (failed(once) || failed(node.charge(int64_t(once->size()) * repeats)))
    return failure();
  std::vector<int32_t> source;
  for (int64_t r = 0; r != repeats; ++r)
    source.insert(source.end(), once->begin(), once->end());
  if (input.constant) {
    ConstantTensor out = emptyLike(*input.constant, result);
    for (int32_t element : source)
      appendElement(out, *input.constant, element);
    return node.define(std::move(out));
  }
  FailureOr<Tensor> tensor = node.valueInput(0);
  FailureOr<Value> value = failed(tensor)
                               ? FailureOr<Value>(failure())
                               : createGather(node, tensor->value, std::move(source), result);
  return failed(value) ? failure() : node.define(*value, tensor->clear);
}

LogicalResult importTile(Node &node) {
  FailureOr<std::vector<int64_t>> repeats = node.integerInput(1, "repeats");
  if (failed(repeats))
    return failure();
  SmallVector<int64_t> from = node.onnxShape(node.input(0));
  if (repeats->size() != from.size())
    return node.refuse(diag::ShapeMismatch, "has " + llvm::Twine(int64_t(repeats->size())) +
                                                " repeats for " + llvm::Twine(int64_t(from.size())) +
                                                " dimensions");
  AxisIndices lists(from.size());
  for (auto [d, count] : llvm::enumerate(*repeats)) {
    if (count == 1)
      continue;
    if (count < 0 || count > kMaxGathered || from[d] == kBatch || count * from[d] > kMaxGathered)
      return node.refuse(diag::UnsupportedForm,
                         "repeats dimension " + llvm::Twine(int64_t(d)) + " " + llvm::Twine(count) +
                             " times");
    lists[d].emplace();
    for (int64_t i = 0; i != count * from[d]; ++i)
      lists[d]->push_back(i % from[d]);
  }
  return defineAxisGather(node, 0, node.input(0), lists);
}

//===-------------------------------------------------------------------------===//
// DepthToSpace, SpaceToDepth, Trilu
//===-------------------------------------------------------------------------===//

/// Input 0 of a rearrangement of blocks: [N,C,H,W], or [C,H,W] where the batch is hidden.
static FailureOr<Value> blockInput(Node &node, int64_t &block, SmallVector<int64_t> &shape) {
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input) || failed(node.attribute("blocksize", block)))
    return failure();
  shape.assign(shapeOf(*input).begin(), shapeOf(*input).end());
  if (!node.importer.wholeTensors())
    shape.insert(shape.begin(), 1);
  if (shape.size() != 4 || block < 1 || block > 1 << 12)
    return node.refuse(diag::ShapeMismatch,
                       "takes four dimensions and a blocksize of at least 1, found " +
                           describeShape(shape) + " and " + llvm::Twine(block));
  return input;
}

static LogicalResult defineBlocks(Node &node, Value input, ArrayRef<int64_t> shape,
                                  llvm::function_ref<int64_t(ArrayRef<int64_t>)> sourceOf) {
  std::vector<int32_t> source;
  for (int64_t n = 0; n != shape[0]; ++n)
    for (int64_t c = 0; c != shape[1]; ++c)
      for (int64_t y = 0; y != shape[2]; ++y)
        for (int64_t x = 0; x != shape[3]; ++x)
          source.push_back(int32_t(sourceOf({n, c, y, x})));
  FailureOr<Value> value =
      createGather(node, input, std::move(source),
                   ArrayRef<int64_t>(shape).drop_front(node.importer.wholeTensors() ? 0 : 1));
  return failed(value) ? failure() : node.define(*value);
}

LogicalResult importDepthToSpace(Node &node) {
  int64_t block = 0;
  SmallVector<int64_t> in;
  std::string mode = "DCR";
  FailureOr<Value> input = blockInput(node, block, in);
  if (failed(input) || failed(node.attribute("mode", mode)))
    return failure();
  if ((mode != "DCR" && mode != "CRD") || in[1] % (block * block))
    return node.refuse(diag::ShapeMismatch, "cannot take blocks of " + llvm::Twine(block) +
                                                " (mode " + mode + ") from " +
                                                llvm::Twine(in[1]) + " channels");
  int64_t channels = in[1] / (block * block);
  return defineBlocks(node, *input, {in[0], channels, in[2] * block, in[3] * block},
                      [&](ArrayRef<int64_t> at) {
                        int64_t place = at[2] % block * block + at[3] % block;
                        int64_t c = mode == "DCR" ? place * channels + at[1]
                                                  : at[1] * block * block + place;
                        return ((at[0] * in[1] + c) * in[2] + at[2] / block) * in[3] +
                               at[3] / block;
                      });
}

LogicalResult importSpaceToDepth(Node &node) {
  int64_t block = 0;
  SmallVector<int64_t> in;
  FailureOr<Value> input = blockInput(node, block, in);
  if (failed(input))
    return failure();
  if (in[2] % block || in[3] % block)
    return node.refuse(diag::ShapeMismatch, "blocks of " + llvm::Twine(block) +
                                                " do not divide " + describeShape(in));
  return defineBlocks(
      node, *input, {in[0], in[1] * block * block, in[2] / block, in[3] / block},
      [&](ArrayRef<int64_t> at) {
        int64_t place = at[1] / in[1];
        int64_t y = at[2] * block + place / block, x = at[3] * block + place % block;
        return ((at[0] * in[1] + at[1] % in[1]) * in[2] + y) * in[3] + x;
      });
}

LogicalResult importTrilu(Node &node) {
  int64_t upper = 1, k = 0;
  FailureOr<Value> input = node.encryptedInput(0);
  if (failed(input) || failed(node.attribute("upper", upper)))
    return failure();
  if (node.has(1)) {
    FailureOr<std::vector<int64_t>> values = node.integerInput(1, "k");
    if (failed(values))
      return failure();
    if (values->size() != 1)
      return node.refuse(diag::ShapeMismatch, "k must be one number");
    k = std::clamp<int64_t>(values->front(), -kMaxElements, kMaxElements);
  }
  ArrayRef<int64_t> shape = shapeOf(*input);
  if (shape.size() < 2)
    return node.refuse(diag::ShapeMismatch, "takes matrices, found " +
                                                describeShape(node.onnxShape(node.input(0))));
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  std::vector<int32_t> source;
  for (int64_t e = 0, count = countElements(shape); e != count; ++e) {
    int64_t row = e / columns % rows, column = e % columns;
    bool kept = upper ? column >= row + k : column <= row + k;
    source.push_back(kept ? int32_t(e) : -1);
  }
  FailureOr<Value> value = createGather(node, *input, std::move(source), shape);
  return failed(value) ? failure() : node.define(*value);
}

} // namespace fhe::import
