//===- TFHEOps.cpp - Verifiers of the tfhe operations ----------------------------===//
#include "dialects/tfhe/TFHE.h"
#include "dialects/shared/ShapeRules.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace fhe::tfhe_ir;

#define GET_OP_CLASSES
#include "dialects/tfhe/TFHEOps.cpp.inc"

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// One key, and input delta times 2^factor = result delta.
static LogicalResult verifyEncoding(Operation *op, Value input, int64_t factor, Value result) {
  LweType in = lweOf(input), out = lweOf(result);
  if (in.getKey() != out.getKey())
    return op->emitOpError("operand is under ") << in.getKey() << ", result under " << out.getKey();
  if (factor < 0 || factor > 62)
    return op->emitOpError("log2_factor must be 0 to 62, found ") << factor;
  if (int64_t(in.getLog2Delta()) + factor != int64_t(out.getLog2Delta()))
    return op->emitOpError("operand at 2^") << in.getLog2Delta() << " times 2^" << factor
                                            << " is not the result's 2^" << out.getLog2Delta();
  return success();
}

static LogicalResult verifySlots(Operation *op, std::optional<ArrayRef<int64_t>> slots) {
  if (!slots)
    return success();
  if (slots->size() != op->getNumResults())
    return op->emitOpError("slots must have one entry a result");
  for (int64_t slot : *slots)
    if (slot < 0)
      return op->emitOpError("slot ") << slot << " is negative";
  return success();
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
  if (failed(verifySlots(*this, getSlots())))
    return failure();
  return verifyEncoding(*this, getInput(), getLog2Factor(), getResult());
}

LogicalResult ConvOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult()),
                    weights = cast<ShapedType>(getWeights().getType()).getShape(),
                    strides = getStrides(), pads = getPads(), dilations = getDilations();
  if (input.size() != 3 || result.size() != 3 || weights.size() != 4 || strides.size() != 2 ||
      pads.size() != 4 || dilations.size() != 2)
    return emitOpError("expects [C,H,W] tensors, weights [O, C/groups, KH, KW], two strides, four pads "
                       "and two dilations");
  int64_t groups = getGroups();
  if (groups < 1 || input[0] != weights[1] * groups || weights[0] % groups ||
      result[0] != weights[0])
    return emitOpError("channels do not agree: ")
           << getInput().getType() << " with " << getWeights().getType() << " in " << groups
           << " groups to " << getResult().getType();
  for (unsigned d = 0; d != 2; ++d) {
    if (strides[d] < 1 || dilations[d] < 1 || pads[d] < 0 || pads[d + 2] < 0)
      return emitOpError("strides and dilations must be at least 1 and pads at least 0");
    int64_t reach = dilations[d] * (weights[d + 2] - 1) + 1,
            padded = input[d + 1] + pads[d] + pads[d + 2];
    int64_t expected = padded < reach ? -1 : (padded - reach) / strides[d] + 1;
    if (result[d + 1] != expected)
      return emitOpError("result dimension ")
             << d + 1 << " must be " << expected << ", found " << result[d + 1];
  }
  if (failed(verifySlots(*this, getSlots())))
    return failure();
  return verifyEncoding(*this, getInput(), getLog2Factor(), getResult());
}

LogicalResult CombineOp::verify() {
  size_t count = getInputs().size();
  if (count < 1 || count > 2)
    return emitOpError("has one or two inputs, found ") << count;
  if (getCoefficients().size() != count || getLog2Factors().size() != count)
    return emitOpError("has one coefficient and one log2 factor an input");
  for (auto [input, factor] : llvm::zip_equal(getInputs(), getLog2Factors())) {
    if (shapeOf(input) != shapeOf(getResult()))
      return emitOpError("inputs and result must have one shape");
    if (failed(verifyEncoding(*this, input, factor, getResult())))
      return failure();
  }
  return verifySlots(*this, getSlots());
}

LogicalResult GatherOp::verify() {
  if (getInputs().empty() || getInputs().size() > 2)
    return emitOpError("has one or two inputs, found ") << getInputs().size();
  int64_t total = 0;
  for (Value input : getInputs()) {
    if (lweOf(input) != lweOf(getResult()))
      return emitOpError("inputs and result must have one element type");
    total += elementsOf(input);
  }
  if (int64_t(getSource().size()) != elementsOf(getResult()))
    return emitOpError("source must have one entry an element of the result");
  for (int64_t s : getSource())
    if (s < -1 || s >= total)
      return emitOpError("source ") << s << " is outside the " << total << " input elements";
  return verifySlots(*this, getSlots());
}

LogicalResult ReshapeOp::verify() {
  if (elementsOf(getInput()) != elementsOf(getResult()) || lweOf(getInput()) != lweOf(getResult()))
    return emitOpError("must keep the number and the type of the elements");
  return success();
}

LogicalResult ConstantOp::verify() {
  auto value = dyn_cast<DenseIntElementsAttr>(getValue());
  if (!value || !value.getElementType().isInteger(64) ||
      value.getType().getShape() != shapeOf(getResult()))
    return emitOpError("value must be dense i64 of the result's shape");
  return verifySlots(*this, getSlots());
}

LogicalResult ConvertOp::verify() {
  LweType in = lweOf(getInput()), out = lweOf(getResult());
  if (shapeOf(getInput()) != shapeOf(getResult()) || in.getLog2Delta() != out.getLog2Delta())
    return emitOpError("must keep the shape and the log2 delta: ")
           << getInput().getType() << " to " << getResult().getType();
  return verifySlots(*this, getSlots());
}

LogicalResult ConvertOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto lookup = [&](SymbolRefAttr name) { return symbols.lookupNearestSymbolFrom(*this, name); };
  SymbolRefAttr fromName = lweOf(getInput()).getKey(), toName = lweOf(getResult()).getKey();
  Operation *from = lookup(fromName), *to = lookup(toName);
  if (!from || !to)
    return emitOpError("key ") << (from ? toName : fromName) << " is not defined";
  auto keyswitch = dyn_cast_or_null<KeyswitchKeyOp>(lookup(getKeyswitch()));
  if (!keyswitch)
    return emitOpError("names ") << getKeyswitch() << ", which is not a keyswitch key";
  auto name = [](Operation *op) { return cast<SymbolOpInterface>(op).getName(); };
  if (keyswitch->getParentOp() != from->getParentOp() ||
      to->getParentOp() != from->getParentOp() || !isa<GlweKeyOp>(from) || !isa<GlweKeyOp>(to) ||
      keyswitch.getSource() != name(from) || keyswitch.getTarget() != name(to))
    return emitOpError("keyswitch ") << getKeyswitch() << " does not lead from GLWE key " << fromName
                                     << " to GLWE key " << toName;
  return success();
}

/// Shapes, window and table indices.
static LogicalResult verifyTables(LookupOp op) {
  ArrayRef<int64_t> tables = cast<ShapedType>(op.getTables().getType()).getShape();
  if (tables.size() != 3 || tables[0] < 1 || tables[1] < 1 || tables[2] < 1)
    return op.emitOpError("tables must be [T, R, entries], found ") << op.getTables().getType();
  int64_t width = op.getWidth(), guard = op.getGuard(), entries = tables[2];
  if (width < 1 || width > 24)
    return op.emitOpError("width must be 1 to 24, found ") << width;
  if (guard < 0 || guard > (int64_t(1) << width) - entries)
    return op.emitOpError("guard ") << guard << " and " << entries
                                    << " entries exceed the window of " << (int64_t(1) << width)
                                    << " slots";
  int64_t rounded = op.getRoundedWidth().value_or(width);
  if (rounded < 1 || rounded > width)
    return op.emitOpError("rounded_width must be 1 to the width ")
           << width << ", found " << *op.getRoundedWidth();
  if (auto map = op.getTableOfElement()) {
    if (int64_t(map->size()) != elementsOf(op.getInput()))
      return op.emitOpError("table_of_element must have one entry an element");
    for (int32_t t : *map)
      if (t < 0 || t >= tables[0])
        return op.emitOpError("table_of_element names table ") << t << " of " << tables[0];
  }
  if (int64_t(op.getOutputs().size()) != tables[1])
    return op.emitOpError("has ") << op.getOutputs().size() << " results for " << tables[1]
                                  << " tables an element";
  if (failed(fhe::verifyRealization(op, op.getRealization(), op.getTables(), width, guard)))
    return failure();
  return fhe::verifyFrequencies(op, op.getFrequenciesAttr(), {tables[0], entries});
}

std::vector<int64_t> LookupOp::getOffsets() {
  if (!getPaddingBits())
    return *fhe::negacyclicOffsets(getTables(), getWidth(), getGuard());
  ArrayRef<int64_t> tables = getTables().getType().getShape();
  return std::vector<int64_t>(tables[0] * tables[1], 0);
}

LogicalResult LookupOp::verify() {
  if (failed(verifyTables(*this)))
    return failure();
  for (Value output : getOutputs()) {
    if (shapeOf(output) != shapeOf(getInput()))
      return emitOpError("must keep the shape");
    if (lweOf(output) != lweOf(getOutputs().front()))
      return emitOpError("results must have one element type");
  }
  int64_t delta = lweOf(getInput()).getLog2Delta();
  int64_t step = getLog2Step();
  if (step < 0 || step > 24)
    return emitOpError("log2_step must be 0 to 24, found ") << step;
  if (getLog2Factor() < 0 || delta + getLog2Factor() + step != 64 - getTorusBits())
    return emitOpError("operand at 2^") << delta << " times 2^" << getLog2Factor() + step
                                        << " is not the window's 2^" << 64 - getTorusBits();
  if (!getPaddingBits() && lweOf(getOutputs()[0]).getLog2Delta() == 0)
    return emitOpError("without a padding bit gives results at 2^1 or more, found 2^0");
  if (getKeyswitch().has_value() != getBootstrap().has_value())
    return emitOpError("names a keyswitch and a bootstrap, or neither");
  return verifySlots(*this, getSlots());
}

LogicalResult LookupOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto lookup = [&](SymbolRefAttr name) { return symbols.lookupNearestSymbolFrom(*this, name); };
  Operation *from = lookup(lweOf(getInput()).getKey()), *to = lookup(lweOf(getOutputs()[0]).getKey());
  if (!from || !to)
    return emitOpError("key ") << (from ? lweOf(getOutputs()[0]) : lweOf(getInput())).getKey()
                               << " is not defined";
  if (isa<ClearKeyOp>(from)) {
    if (getKeyswitch() || from != to)
      return emitOpError("under a clear key names no conversion and keeps the key");
    return success();
  }
  if (!getKeyswitch())
    return emitOpError("must name its keyswitch and bootstrap");
  auto keyswitch = dyn_cast_or_null<KeyswitchKeyOp>(lookup(*getKeyswitch()));
  auto bootstrap = dyn_cast_or_null<BootstrapKeyOp>(lookup(*getBootstrap()));
  if (!keyswitch || !bootstrap)
    return emitOpError("names ") << (keyswitch ? *getBootstrap() : *getKeyswitch())
                                 << ", which is not a " << (keyswitch ? "bootstrap" : "keyswitch")
                                 << " key";
  auto name = [](Operation *op) { return cast<SymbolOpInterface>(op).getName(); };
  if (keyswitch->getParentOp() != from->getParentOp() ||
      bootstrap->getParentOp() != from->getParentOp() || to->getParentOp() != from->getParentOp() ||
      keyswitch.getSource() != name(from) || keyswitch.getTarget() != bootstrap.getSource() ||
      bootstrap.getTarget() != name(to))
    return emitOpError("conversions do not lead from ")
           << lweOf(getInput()).getKey() << " to " << lweOf(getOutputs()[0]).getKey();
  return success();
}
