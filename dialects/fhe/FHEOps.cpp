//===- FHEOps.cpp - Verifiers of the fhe operations ------------------------------===//
#include "dialects/fhe/FHE.h"
#include "dialects/shared/ShapeRules.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace fhe;

#include "dialects/fhe/FHEInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/fhe/FHEOps.cpp.inc"

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}
static IntType rangeOf(Value value) {
  return cast<IntType>(cast<RankedTensorType>(value.getType()).getElementType());
}

LogicalResult LinearOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult()),
                    weights = cast<ShapedType>(getWeights().getType()).getShape();
  if (weights.size() != 2 || input.empty() || input.size() != result.size() ||
      input.back() != weights[1] || result.back() != weights[0] ||
      input.drop_back() != result.drop_back())
    return emitOpError("shapes do not agree: ")
           << getInput().getType() << " times " << getWeights().getType() << " to "
           << getResult().getType();
  return success();
}

LogicalResult ConvOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult()),
                    weights = cast<ShapedType>(getWeights().getType()).getShape();
  if (weights.size() != 4)
    return emitOpError("weights must be [O, C/groups, KH, KW], found ") << getWeights().getType();
  if (failed(verifyWindow(*this, input, result, weights.drop_front(2), getStrides(), getPads(),
                          getDilations())))
    return failure();
  int64_t groups = getGroups();
  if (groups < 1 || input[0] != weights[1] * groups || weights[0] % groups ||
      result[0] != weights[0])
    return emitOpError("channels do not agree: ")
           << getInput().getType() << " with " << getWeights().getType() << " in " << groups
           << " groups to " << getResult().getType();
  return success();
}

LogicalResult SumPoolOp::verify() {
  if (failed(verifyWindow(*this, shapeOf(getInput()), shapeOf(getResult()), getKernel(),
                          getStrides(), getPads(), {1, 1})))
    return failure();
  if (shapeOf(getInput())[0] != shapeOf(getResult())[0])
    return emitOpError("must keep the channels");
  return success();
}

LogicalResult AddOp::verify() {
  if (shapeOf(getLhs()) != shapeOf(getRhs()) || shapeOf(getLhs()) != shapeOf(getResult()))
    return emitOpError("operands and result must have one shape");
  return success();
}

LogicalResult MulConstOp::verify() {
  if (shapeOf(getInput()) != shapeOf(getResult()))
    return emitOpError("must keep the shape");
  return success();
}

LogicalResult fhe::ConstantOp::verify() {
  auto value = dyn_cast<DenseIntElementsAttr>(getValue());
  if (!value || value.getType().getShape() != shapeOf(getResult()))
    return emitOpError("value must be dense integers of the result's shape");
  IntType range = rangeOf(getResult());
  for (const APInt &v : value)
    if (v.getBitWidth() > 64 || !range.contains(v.getSExtValue()))
      return emitOpError("value ") << v.getSExtValue() << " is outside " << range;
  return success();
}

LogicalResult LutOp::verify() {
  ArrayRef<int64_t> tables = cast<ShapedType>(getTables().getType()).getShape();
  if (tables.size() != 3 || tables[0] < 1 || tables[1] < 1 || tables[2] < 1)
    return emitOpError("tables must be [T, R, entries], found ") << getTables().getType();
  int64_t width = getWidth(), guard = getGuard(), entries = tables[2], lo = getLo();
  if (width < 1 || width > 24)
    return emitOpError("width must be 1 to 24, found ") << width;
  if (guard < 0 || guard > (int64_t(1) << width) - entries)
    return emitOpError("guard ") << guard << " and " << entries << " entries exceed the window of "
                                 << (int64_t(1) << width) << " slots";
  if (getLog2Step() > 24)
    return emitOpError("log2_step must be 0 to 24, found ") << getLog2Step();
  IntType input = rangeOf(getInput());
  if (stepOf(input.getLo()) < lo || stepOf(input.getHi()) >= lo + entries)
    return emitOpError("tables cover ")
           << lo << " to " << lo + entries - 1 << (getLog2Step() ? " steps" : "")
           << " but the input is " << input;
  if (auto map = getTableOfElement()) {
    if (int64_t(map->size()) != cast<ShapedType>(getInput().getType()).getNumElements())
      return emitOpError("table_of_element must have one entry an element");
    for (int32_t t : *map)
      if (t < 0 || t >= tables[0])
        return emitOpError("table_of_element names table ") << t << " of " << tables[0];
  }
  if (int64_t(getOutputs().size()) != tables[1])
    return emitOpError("has ") << getOutputs().size() << " results for " << tables[1]
                               << " tables an element";
  if (failed(verifyFrequencies(*this, getFrequenciesAttr(), {tables[0], entries})))
    return failure();
  auto values = getTables().getValues<int32_t>().begin();
  for (int64_t t = 0; t != tables[0]; ++t)
    for (int64_t r = 0; r != tables[1]; ++r)
      for (int64_t i = 0; i != entries; ++i, ++values)
        if (!rangeOf(getOutputs()[r]).contains(*values))
          return emitOpError("table value ")
                 << *values << " is outside " << rangeOf(getOutputs()[r]);
  for (Value output : getOutputs())
    if (shapeOf(output) != shapeOf(getInput()))
      return emitOpError("must keep the shape");
  return verifyRealization(*this, getRealization(), getTables(), getWidth(), getGuard());
}

Realization LutOp::getChosen() {
  Realization chosen;
  chosen.name = getRealization();
  chosen.guard = getGuard();
  chosen.width = getWidth();
  chosen.precision = std::min<uint64_t>(getWidth(), getRoundedWidth().value_or(getWidth()));
  chosen.paddingBits = getRealization() == negacyclicRealization ? 0 : 1;
  chosen.bootstraps = getOutputs().size();
  return chosen;
}

SmallVector<Realization> LutOp::getRealizations(GuardRule guardOf) {
  SmallVector<Realization> possible = {getChosen()};
  auto addNegacyclic = [&](Realization realization) {
    // The range begins at the bottom: the slots above it are what the lower half makes of them.
    realization.name = negacyclicRealization;
    realization.paddingBits = 0;
    int64_t guard = realization.guard = guardOf(realization);
    if (negacyclicOffsets(getTables(), getWidth(), guard, guard))
      possible.push_back(realization);
  };
  Realization present = possible.front();
  if (present.paddingBits == 0)
    return possible;
  addNegacyclic(present);
  if (!present.isRounded())
    return possible;
  Realization exact = present;
  exact.precision = exact.width;
  if (std::min(present.guard, guardAbove(getTables(), present.name, getWidth(), present.guard)) >=
      guardOf(exact))
    possible.push_back(exact);
  addNegacyclic(exact);
  return possible;
}

void LutOp::realizeAs(const Realization &realization) {
  setRealization(realization.name);
  setGuard(realization.guard);
  if (realization.isRounded())
    return;
  removeRoundedWidthAttr();
  removeFrequenciesAttr(); // an exact table does not differ
}

LogicalResult ReshapeOp::verify() {
  if (cast<ShapedType>(getInput().getType()).getNumElements() !=
      cast<ShapedType>(getResult().getType()).getNumElements())
    return emitOpError("must keep the number of elements");
  if (rangeOf(getInput()) != rangeOf(getResult()))
    return emitOpError("must keep the range");
  return success();
}

LogicalResult GatherOp::verify() {
  if (getInputs().empty() || getInputs().size() > 2)
    return emitOpError("has one or two inputs");
  int64_t total = 0;
  for (Value input : getInputs())
    total += cast<ShapedType>(input.getType()).getNumElements();
  if (int64_t(getSource().size()) != cast<ShapedType>(getResult().getType()).getNumElements())
    return emitOpError("source must have one entry an element of the result");
  for (int64_t s : getSource())
    if (s < -1 || s >= total)
      return emitOpError("source ") << s << " is outside the " << total << " input elements";
  return success();
}
