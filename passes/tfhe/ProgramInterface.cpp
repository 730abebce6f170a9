//===- ProgramInterface.cpp - Inputs, outputs and keys of a tfhe program ---------===//
#include "passes/tfhe/ProgramInterface.h"
#include "dialects/fhe/FHE.h"
#include "passes/tfhe/ArenaPlan.h"

using namespace mlir;
namespace ir = fhe::tfhe_ir;

namespace fhe {

template <typename... Kinds>
static int indexAmong(ir::ParametersOp parameters, StringRef name) {
  int index = 0;
  for (Operation &op : parameters.getBody().front()) {
    if (!isa<Kinds...>(op))
      continue;
    if (cast<SymbolOpInterface>(op).getName() == name)
      return index;
    ++index;
  }
  return -1;
}

int keyIndex(ir::ParametersOp parameters, StringRef name) {
  return indexAmong<ir::LweKeyOp, ir::GlweKeyOp, ir::ClearKeyOp>(parameters, name);
}

int conversionIndex(ir::ParametersOp parameters, StringRef name) {
  return indexAmong<ir::KeyswitchKeyOp, ir::BootstrapKeyOp>(parameters, name);
}

/// A port of a value, from the attributes that `attribute` finds.
static FailureOr<ProgramPort> readPort(ProgramInterface &program, Location loc, Value value,
                                       StringRef defaultName,
                                       function_ref<Attribute(StringRef)> attribute) {
  ProgramPort port;
  port.name = defaultName;
  if ((port.client = dyn_cast_or_null<DictionaryAttr>(attribute(ir::clientAttr))))
    if (auto name = port.client.getAs<StringAttr>("name"))
      port.name = name.str();
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  auto type = tensor ? dyn_cast<ir::LweType>(tensor.getElementType()) : ir::LweType();
  if (!type)
    return emitError(loc, "'") << port.name << "' is not a tensor of !tfhe.lwe";
  port.key = type.getKey().getLeafReference().str();
  int index = keyIndex(program.parameters, port.key);
  if (index < 0)
    return emitError(loc, "key ") << type.getKey() << " of '" << port.name << "' is not defined";
  port.keyIndex = index;
  port.log2Delta = type.getLog2Delta();
  port.shape = tensor.getShape();
  port.elements = tensor.getNumElements();
  auto slot = dyn_cast_or_null<IntegerAttr>(attribute(ir::slotAttr));
  auto range = dyn_cast_or_null<DenseI64ArrayAttr>(attribute(ir::rangeAttr));
  if (!slot || slot.getInt() < 0)
    return emitError(loc, "'") << port.name << "' has no slot; run tfhe-plan-arena first";
  if (!range || range.size() != 2 || range[0] > range[1])
    return emitError(loc, "'") << port.name << "' needs " << ir::rangeAttr << " = array<i64: LO, HI>";
  port.slot = slot.getInt();
  port.lo = range[0];
  port.hi = range[1];
  port.paddingBits = 64 - port.log2Delta > std::max(1u, fhe::tableBits(port.lo, port.hi)) ? 1 : 0;
  if (auto noise = dyn_cast_or_null<FloatAttr>(attribute(ir::noiseAttr)))
    port.noiseStd = noise.getValueAsDouble();
  return port;
}

static std::string defaultName(StringRef kind, unsigned index, unsigned count) {
  return count == 1 ? kind.str() : (kind + llvm::Twine(index)).str();
}

FailureOr<ProgramInterface> readInterface(ModuleOp planned) {
  ProgramInterface program;
  if (!(program.parameters = ir::getParameters(planned)))
    return failure();
  func::FuncOp main = program.main = planned.lookupSymbol<func::FuncOp>("main");
  if (!main || !llvm::hasSingleElement(main.getBody()))
    return planned.emitError("no func.func @main of one block in the module");
  for (unsigned i = 0; i != main.getNumArguments(); ++i) {
    auto port = readPort(program, main.getLoc(), main.getArgument(i),
                         defaultName("input", i, main.getNumArguments()),
                         [&](StringRef name) { return main.getArgAttr(i, name); });
    if (failed(port))
      return failure();
    program.inputs.push_back(*port);
  }
  Operation *terminator = main.front().getTerminator();
  for (unsigned i = 0; i != terminator->getNumOperands(); ++i) {
    auto port = readPort(program, main.getLoc(), terminator->getOperand(i),
                         defaultName("output", i, terminator->getNumOperands()),
                         [&](StringRef name) { return main.getResultAttr(i, name); });
    if (failed(port))
      return failure();
    program.outputs.push_back(*port);
  }
  auto arenas = main->getAttrOfType<DictionaryAttr>(arenaAttr);
  if (!arenas)
    return main.emitError("has no arena sizes; run tfhe-plan-arena first");
  for (Operation &op : program.parameters.getBody().front())
    if (isa<ir::LweKeyOp, ir::GlweKeyOp, ir::ClearKeyOp>(op)) {
      auto size = arenas.getAs<IntegerAttr>(cast<SymbolOpInterface>(op).getNameAttr());
      program.arenaElements.push_back(size ? size.getInt() : 0);
    }
  return program;
}

} // namespace fhe
