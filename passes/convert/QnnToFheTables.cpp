//===- QnnToFheTables.cpp - Quantizers become tables or move to the client ------------===//
#include "passes/convert/QnnToFheLowering.h"
#include "dialects/fhe/ClientSide.h"
#include "dialects/shared/DiagnosticIds.h"
#include "passes/qnn/Results.h"

using namespace mlir;
using namespace fhe;

//===---------------------------------------------------------------------------------===//
// Arguments
//===---------------------------------------------------------------------------------===//

static Attribute integerArray(OpBuilder &b, ArrayRef<int64_t> values) {
  SmallVector<Attribute> out;
  for (int64_t v : values)
    out.push_back(b.getI64IntegerAttr(v));
  return b.getArrayAttr(out);
}

static StringAttr nameOf(OpBuilder &b, StringAttr name, StringRef fallback, unsigned i) {
  return name ? name : b.getStringAttr(fallback + Twine(i));
}

LogicalResult QnnToFhe::readClientInput(Operation *quantizer, InputQuantizer &input) {
  auto refuse = [&](const Twine &why) {
    InFlightDiagnostic diagnostic = quantizer->emitError(why) << diag::tag(diag::InputForm);
    diagnostic.attachNote() << "help: put the QuantIdentity of the input first, before other operations";
    return diagnostic;
  };
  const qnn::Form &form = analysis.form(quantizer->getOperand(0));
  auto tensorType = cast<RankedTensorType>(quantizer->getResult(0).getType());
  if (!form.isAffine)
    return refuse("quantizes a non-affine function of an input, which the client cannot apply");
  if (!isa<qnn::QuantizeOp>(quantizer) ||
      !isa<quant::UniformQuantizedType>(tensorType.getElementType()))
    return refuse("an input needs a quantizer with one scale");
  ArrayRef<int64_t> shape = qnn::shapeOf(form.root);
  int64_t count = qnn::elementCount(form.root);
  input.quantizer = quantizer;
  // From the elements of the quantizer back to those of the argument.
  auto perArgument = [&](const qnn::PerElement &from, qnn::PerElement &to) -> LogicalResult {
    to = from;
    if (from.isUniform())
      return success();
    std::vector<std::optional<double>> values(count);
    for (int64_t e = 0; e != qnn::elementCount(quantizer->getOperand(0)); ++e) {
      int64_t k = form.elements.empty() ? e : form.elements[e];
      if (k < 0)
        continue;
      if (values[k] && *values[k] != from[e])
        return refuse("applies two different functions to one element of an input");
      values[k] = from[e];
    }
    // One value a channel of the first axis.
    int64_t channels = shape.empty() ? 1 : shape[0], inner = count / std::max<int64_t>(channels, 1);
    to.values.assign(channels, 0.0);
    for (int64_t c = 0; c != channels; ++c) {
      std::optional<double> value;
      for (int64_t i = 0; i != inner; ++i)
        if (std::optional<double> v = values[c * inner + i]) {
          if (value && *value != *v)
            return refuse("scales the elements of one input channel differently");
          value = v;
        }
      to.values[c] = value.value_or(0.0);
    }
    to.compress();
    return success();
  };
  return failure(failed(perArgument(form.scale, input.scale)) ||
                 failed(perArgument(form.offset, input.offset)));
}

/// The `fhe.client` dictionary of an input (docs/formats.md).
static DictionaryAttr describeInput(OpBuilder &b, StringAttr name, ArrayRef<int64_t> shape,
                                    const InputQuantizer &input, int64_t lo, int64_t hi) {
  auto quantize = cast<qnn::QuantizeOp>(input.quantizer);
  auto type = cast<quant::UniformQuantizedType>(
      cast<RankedTensorType>(quantize.getResult().getType()).getElementType());
  bool isBipolar = quantize.getKind() == qnn::QuantizerKind::Bipolar;
  unsigned bits = isBipolar ? 1 : type.getStorageTypeIntegralWidth();
  int64_t fullLo = type.isSigned() ? -(int64_t(1) << (bits - 1)) : 0,
          fullHi = (int64_t(1) << (type.isSigned() ? bits - 1 : bits)) - 1;
  bool narrow = !isBipolar && (type.isSigned() ? type.getStorageTypeMin() == fullLo + 1
                                               : type.getStorageTypeMax() == fullHi - 1);
  bool isShift = input.scale.isUniform() && input.scale[0] == 1 && input.offset.isUniform();
  SmallVector<Attribute> pre;
  if (input.classes)
    pre.push_back(describeStep(b, runtime::PreOp{runtime::PreOp::oneHot, {}, uint64_t(input.classes)}));
  if (!isShift || input.offset[0] != 0) {
    std::vector<double> scale = input.scale.values, offset = input.offset.values;
    size_t size = std::max(scale.size(), offset.size());
    scale.resize(size, scale[0]);
    offset.resize(size, offset[0]);
    pre.push_back(describeStep(b, runtime::PreOp{runtime::PreOp::affine, {scale, offset}}));
  }
  auto quantizer = b.getDictionaryAttr(
      {b.getNamedAttr("kind", b.getStringAttr(isBipolar ? "bipolar" : "uniform")),
       b.getNamedAttr("bits", b.getI64IntegerAttr(bits)),
       b.getNamedAttr("signed", b.getBoolAttr(type.isSigned())),
       b.getNamedAttr("narrow", b.getBoolAttr(narrow)),
       b.getNamedAttr("min", b.getI64IntegerAttr(type.getStorageTypeMin())),
       b.getNamedAttr("max", b.getI64IntegerAttr(type.getStorageTypeMax())),
       b.getNamedAttr("scale", b.getF64FloatAttr(type.getScale())),
       b.getNamedAttr("zero_point", b.getI64IntegerAttr(type.getZeroPoint())),
       b.getNamedAttr("offset", b.getF64FloatAttr(isShift ? 0.0 - input.offset[0] : 0.0)),
       b.getNamedAttr("rounding", b.getStringAttr(qnn::stringifyRounding(quantize.getRounding())))});
  return b.getDictionaryAttr({b.getNamedAttr("name", name),
                              b.getNamedAttr("shape", integerArray(b, shape)),
                              b.getNamedAttr("pre", b.getArrayAttr(pre)),
                              b.getNamedAttr("quantizer", quantizer),
                              b.getNamedAttr("integer_range", integerArray(b, {lo, hi}))});
}

static bool sameInput(const InputQuantizer &a, const InputQuantizer &b) {
  auto x = cast<qnn::QuantizeOp>(a.quantizer), y = cast<qnn::QuantizeOp>(b.quantizer);
  return a.classes == b.classes && x.getKind() == y.getKind() && x.getRounding() == y.getRounding() &&
         cast<RankedTensorType>(x.getResult().getType()).getElementType() ==
             cast<RankedTensorType>(y.getResult().getType()).getElementType() &&
         a.scale.values == b.scale.values && a.offset.values == b.offset.values;
}

LogicalResult QnnToFhe::convertArgument(BlockArgument argument) {
  InputQuantizer input;
  for (Operation &op : from.getBody().front().without_terminator()) {
    if (!qnn::isQuantizer(&op) || analysis.form(op.getOperand(0)).isClear())
      continue;
    Value root = analysis.form(op.getOperand(0)).root;
    if (analysis.root(root).kind != qnn::RootKind::Argument || qnn::argumentOf(root) != argument)
      continue;
    InputQuantizer found;
    if (root != argument)
      found.classes = qnn::shapeOf(root).back();
    if (failed(readClientInput(&op, found)))
      return failure();
    if (input.quantizer && !sameInput(input, found)) {
      InFlightDiagnostic diagnostic =
          op.emitError("quantizes an input that another quantizer reads differently")
        << diag::tag(diag::InputForm);
      diagnostic.attachNote() << "the other one is " << qnn::describeOrigin(input.quantizer->getResult(0));
      diagnostic.attachNote() << "help: put one shared QuantIdentity first in the network";
      return diagnostic;
    }
    input = found;
  }
  if (!input.quantizer)
    return from.emitError() << qnn::describeOrigin(argument) << " reaches no quantizer"
                            << diag::tag(diag::InputNotQuantized);
  auto type = cast<quant::UniformQuantizedType>(
      cast<RankedTensorType>(input.quantizer->getResult(0).getType()).getElementType());
  int64_t lo = type.getStorageTypeMin() - type.getZeroPoint(),
          hi = type.getStorageTypeMax() - type.getZeroPoint();
  unsigned i = argument.getArgNumber();
  SmallVector<int64_t> shape(qnn::shapeOf(argument)), encrypted = shape;
  if (input.classes)
    encrypted.push_back(input.classes);
  to.getArgument(i).setType(tensor(encrypted, lo, hi));
  to.setArgAttr(i, "fhe.client",
                describeInput(builder,
                              nameOf(builder, from.getArgAttrOfType<StringAttr>(i, "qnn.name"), "input", i),
                              shape, input, lo, hi));
  // All quantizers of the argument read it alike: as it is, or encoded.
  integers[argument] = to.getArgument(i);
  for (Operation *user : argument.getUsers())
    if (isa<qnn::OneHotOp>(user))
      integers[user->getResult(0)] = to.getArgument(i);
  return success();
}

LogicalResult QnnToFhe::convertArguments() {
  for (BlockArgument argument : from.getArguments())
    if (failed(convertArgument(argument)))
      return failure();
  return success();
}

LogicalResult QnnToFhe::convertInputQuantizer(Operation *op) {
  const qnn::Form &form = analysis.form(op->getOperand(0));
  int64_t count = qnn::elementCount(op->getResult(0));
  std::vector<int32_t> live(count);
  std::vector<int64_t> constants(count, 0);
  for (int64_t e = 0; e != count; ++e) {
    live[e] = form.elements.empty() ? int32_t(e) : form.elements[e];
    if (live[e] < 0)
      constants[e] = qnn::quantizeReal(op, e, form.offset[e]);
  }
  integers[op->getResult(0)] = mixConstants(op->getLoc(), integers.lookup(form.root), live, constants,
                                            qnn::shapeOf(op->getResult(0)));
  return success();
}

//===---------------------------------------------------------------------------------===//
// Tables
//===---------------------------------------------------------------------------------===//

Value QnnToFhe::mixConstants(Location loc, Value source, ArrayRef<int32_t> live,
                             ArrayRef<int64_t> constants, ArrayRef<int64_t> shape) {
  std::map<int64_t, int64_t> places; // of each constant, 0 needs none
  bool anyLive = false;
  for (size_t e = 0; e != live.size(); ++e) {
    anyLive |= live[e] >= 0;
    if (live[e] < 0)
      places.try_emplace(constants[e], 0);
  }
  if (!anyLive) {
    auto values = DenseIntElementsAttr::get(RankedTensorType::get(shape, builder.getI64Type()), constants);
    return fhe::ConstantOp::create(builder, loc,
                                   tensor(shape, places.begin()->first, places.rbegin()->first), values);
  }
  bool hasZero = places.erase(0);
  if (places.empty())
    return readElements(loc, source, qnn::ElementMap(live.begin(), live.end()), shape);
  SmallVector<int64_t> values;
  for (auto &[value, place] : places) {
    place = qnn::elementCount(source) + int64_t(values.size());
    values.push_back(value);
  }
  int64_t lo = values.front(), hi = values.back(), size = int64_t(values.size());
  auto attr = DenseIntElementsAttr::get(RankedTensorType::get({size}, builder.getI64Type()),
                                        ArrayRef<int64_t>(values));
  Value constant = fhe::ConstantOp::create(builder, loc, tensor({size}, lo, hi), attr);
  SmallVector<int64_t> elements;
  for (size_t e = 0; e != live.size(); ++e)
    elements.push_back(live[e] >= 0 ? live[e] : constants[e] == 0 ? -1 : places[constants[e]]);
  IntType range = rangeOf(source);
  lo = std::min(lo, hasZero ? std::min<int64_t>(range.getLo(), 0) : range.getLo());
  hi = std::max(hi, hasZero ? std::max<int64_t>(range.getHi(), 0) : range.getHi());
  return GatherOp::create(builder, loc, tensor(shape, lo, hi), ValueRange{source, constant}, elements);
}

Value QnnToFhe::createLut(Location loc, Value source, const std::vector<std::vector<int32_t>> &tables,
                          std::vector<int32_t> tableOfElement) {
  IntType range = rangeOf(source);
  unsigned log2Step = log2StepOf(range);
  int64_t lo = tableStep(range.getLo(), log2Step), hi = tableStep(range.getHi(), log2Step),
          entries = hi - lo + 1;
  SmallVector<int32_t> flat;
  for (const auto &table : tables)
    flat.append(table.begin(), table.end());
  auto shape = RankedTensorType::get({int64_t(tables.size()), 1, entries}, builder.getI32Type());
  auto attr = DenseIntElementsAttr::get(shape, ArrayRef<int32_t>(flat));
  auto type = tensor(qnn::shapeOf(source), *llvm::min_element(flat), *llvm::max_element(flat));
  unsigned width = std::max(1u, tableBits(lo, hi));
  DenseI32ArrayAttr map =
      tables.size() > 1 ? builder.getDenseI32ArrayAttr(tableOfElement) : DenseI32ArrayAttr();
  return LutOp::create(builder, loc, TypeRange{type}, source, builder.getI64IntegerAttr(lo),
                       attr, builder.getI64IntegerAttr(width),
                       builder.getI64IntegerAttr(((int64_t(1) << width) - entries) / 2), map,
                       IntegerAttr(), ElementsAttr(), StringAttr(), builder.getI64IntegerAttr(log2Step))
      .getResult(0);
}

namespace {
/// What a quantizer does to each element: a table of the root's integers, or one constant.
struct ElementTables {
  std::vector<std::vector<int32_t>> tables; ///< all different
  std::vector<int32_t> tableOf;             ///< of each element, -1: constant
  std::vector<int64_t> constants;
};
} // namespace

/// Evaluates the tables of a quantizer, once for each class of elements, at the integers of `range`, or at
/// multiples of 2^log2Step.
static LogicalResult evaluateTables(Operation *op, const qnn::Chain &chain, const qnn::Form &form,
                                    ArrayRef<bool> dead, IntType range, ElementTables &out) {
  unsigned log2Step = log2StepOf(range);
  int64_t lo = tableStep(range.getLo(), log2Step), hi = tableStep(range.getHi(), log2Step);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type.getElementType());
  std::map<std::tuple<int32_t, double, int64_t>, int32_t> ofClass; // table, or -2-k: constant k
  std::map<std::vector<int32_t>, int32_t> ofTable;
  auto isNumber = [&](double x) -> LogicalResult {
    if (!std::isnan(x))
      return success();
    InFlightDiagnostic diagnostic = op->emitError("a value before this quantizer is no number")
                                    << diag::tag(diag::NotANumber);
    diagnostic.attachNote() << "it comes from " << qnn::describeOrigin(op->getOperand(0));
    return diagnostic;
  };
  for (int64_t e = 0; e != type.getNumElements(); ++e) {
    int32_t source = form.elements.empty() ? int32_t(e) : form.elements[e];
    out.tableOf.push_back(-1);
    out.constants.push_back(0);
    if (source < 0 || (!dead.empty() && dead[source])) {
      double x = chain.evaluate(e, 0);
      if (failed(isNumber(x)))
        return failure();
      out.constants[e] = qnn::quantizeReal(op, e, x);
      continue;
    }
    double scale = perAxis ? qnn::scaleAt(perAxis, type.getShape(), e) : 0;
    int64_t zeroPoint = perAxis ? qnn::zeroPointAt(perAxis, type.getShape(), e) : 0;
    auto [it, isNew] = ofClass.try_emplace({chain.classes()[e], scale, zeroPoint}, 0);
    if (isNew) {
      std::vector<int32_t> table(hi - lo + 1);
      for (int64_t a = lo; a <= hi; ++a) {
        double x = chain.evaluate(e, double(a * (int64_t(1) << log2Step)));
        if (failed(isNumber(x)))
          return failure();
        table[a - lo] = int32_t(qnn::quantizeReal(op, e, x));
      }
      if (llvm::all_equal(table)) {
        it->second = -1;
        out.constants[e] = table[0];
      } else {
        auto [place, isOther] = ofTable.try_emplace(table, int32_t(out.tables.size()));
        if (isOther)
          out.tables.push_back(std::move(table));
        it->second = place->second;
      }
    } else if (it->second < 0) {
      out.constants[e] = qnn::quantizeReal(op, e, chain.evaluate(e, double(lo * (int64_t(1) << log2Step))));
    }
    out.tableOf[e] = it->second;
  }
  return success();
}

LogicalResult QnnToFhe::convertQuantizer(Operation *op) {
  Value input = op->getOperand(0), result = op->getResult(0);
  const qnn::Form &form = analysis.form(input);
  Value source = integers.lookup(form.root);
  qnn::Chain chain(analysis, input);
  ElementTables found;
  auto dead = isDead.find(form.root);
  if (failed(evaluateTables(op, chain, form, dead == isDead.end() ? ArrayRef<bool>() : ArrayRef(dead->second),
                            rangeOf(source), found)))
    return failure();
  int64_t count = qnn::elementCount(result), sources = qnn::elementCount(source);
  auto sourceOf = [&](int64_t e) { return form.elements.empty() ? e : int64_t(form.elements[e]); };
  // Each source element with each of its tables is looked up once.
  std::map<std::pair<int64_t, int32_t>, int32_t> places;
  std::vector<int32_t> live(count, -1);
  SmallVector<int64_t> liveSources;
  std::vector<int32_t> liveTables;
  for (int64_t e = 0; e != count; ++e) {
    if (found.tableOf[e] < 0)
      continue;
    auto [it, isNew] = places.try_emplace({sourceOf(e), found.tableOf[e]}, int32_t(liveSources.size()));
    if (isNew) {
      liveSources.push_back(sourceOf(e));
      liveTables.push_back(found.tableOf[e]);
    }
    live[e] = it->second;
  }
  ArrayRef<int64_t> shape = qnn::shapeOf(result);
  // All source elements, each by one table: look up in the source's own shape and order, move afterwards.
  bool coversSource = int64_t(liveSources.size()) == sources;
  SmallVector<bool> seen(sources, false);
  for (int64_t s : liveSources) {
    coversSource &= !seen[s];
    seen[s] = true;
  }
  Value looked;
  if (coversSource) {
    std::vector<int32_t> tableOfSource(sources);
    for (int64_t e = 0; e != count; ++e) {
      if (found.tableOf[e] < 0)
        continue;
      tableOfSource[sourceOf(e)] = found.tableOf[e];
      live[e] = int32_t(sourceOf(e));
    }
    looked = createLut(op->getLoc(), source, found.tables, std::move(tableOfSource));
  } else if (!liveSources.empty()) {
    int64_t size = int64_t(liveSources.size());
    qnn::ElementMap map(liveSources.begin(), liveSources.end());
    looked = createLut(op->getLoc(), readElements(op->getLoc(), source, map, {size}), found.tables,
                       std::move(liveTables));
  }
  integers[result] = mixConstants(op->getLoc(), looked, live, found.constants, shape);
  return success();
}

//===---------------------------------------------------------------------------------===//
// Results
//===---------------------------------------------------------------------------------===//

LogicalResult QnnToFhe::convertResults(Operation *end) {
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> clients;
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    FailureOr<qnn::ResultForm> form = qnn::describeResult(end, analysis, value);
    if (failed(form))
      return failure();
    Value out = materialize(form->integers);
    IntType range = rangeOf(out);
    OpBuilder &b = builder;
    SmallVector<Attribute> post;
    for (const runtime::PostOp &step : form->post)
      post.push_back(describeStep(b, step));
    SmallVector<NamedAttribute> entries{
        b.getNamedAttr("name", nameOf(b, from.getResultAttrOfType<StringAttr>(i, "qnn.name"), "output", i)),
        b.getNamedAttr("shape", integerArray(b, qnn::shapeOf(form->integers))),
        b.getNamedAttr("integer_range", integerArray(b, {range.getLo(), range.getHi()})),
        b.getNamedAttr("scale", realArray(b, form->scale.values)),
        b.getNamedAttr("offset", realArray(b, form->offset.values)),
        b.getNamedAttr("post", b.getArrayAttr(post))};
    if (form->channelAxis)
      entries.push_back(b.getNamedAttr("channel_axis", b.getI64IntegerAttr(*form->channelAxis)));
    values.push_back(out);
    clients.push_back(b.getDictionaryAttr(entries));
  }
  func::ReturnOp::create(builder, end->getLoc(), values);
  SmallVector<Type> inputs, outputs;
  for (BlockArgument argument : to.getArguments())
    inputs.push_back(argument.getType());
  for (Value value : values)
    outputs.push_back(value.getType());
  to.setFunctionType(builder.getFunctionType(inputs, outputs));
  for (auto [i, client] : llvm::enumerate(clients))
    to.setResultAttr(i, "fhe.client", client);
  return success();
}
