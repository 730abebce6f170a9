//===- TfheToLLVM.cpp - convert-tfhe-to-llvm ----------------------------------------===//
//
// A planned program becomes constants (one descriptor an operation, fhe/abi.h) and
// one function: the schedule as calls through the executor's function table.
//
//===---------------------------------------------------------------------------===//
#include "dialects/shared/StoredIntegers.h"
#include "dialects/shared/NodeLocation.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/convert/AbiTypes.h"
#include "passes/convert/ConstantRecords.h"
#include "passes/tfhe/ArenaPlan.h"
#include "passes/tfhe/Passes.h"
#include "passes/tfhe/ProgramInterface.h"
#include "runtime/include/fhe/abi.h"
#include "llvm/ADT/TypeSwitch.h"

namespace fhe {
#define GEN_PASS_DEF_CONVERTTFHETOLLVM
#include "passes/tfhe/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using fhe::ConstantRecords;
using fhe::Field;
namespace ir = fhe::tfhe_ir;
namespace abi = fhe::abi;

namespace {

/// Places of the functions in fhe_executor_ops.
enum ExecutorField {
  LinearField = 2,
  CombineField,
  GatherField,
  LookupField,
  ConstantField,
  ConvertField
};

/// One call of the entry.
struct Call {
  ExecutorField function;
  std::string descriptor;
  SmallVector<int64_t> out, in; ///< arena offsets
  bool outByPointer = false;    ///< lookups take an array of offsets
};

class Lowering {
public:
  Lowering(ModuleOp module, fhe::ProgramInterface program, StringRef name)
      : program(program), name(name), context(module.getContext()),
        records(program.main, name) {}

  LogicalResult checkSlots();
  void run(StringRef manifest);

private:
  int64_t slotOf(Value value);
  std::string label(Location loc);
  Field header(uint32_t kind, uint32_t size, Value result, Location loc);
  void add(ExecutorField function, LLVM::LLVMStructType type, Field fields, ArrayRef<Value> out,
           ArrayRef<Value> in);
  std::pair<std::string, unsigned> weights(DenseIntElementsAttr values);
  void lower(ir::LinearOp op);
  void lower(ir::ConvOp op);
  void lower(ir::CombineOp op);
  void lower(ir::GatherOp op);
  void lower(ir::ConstantOp op);
  void lower(ir::LookupOp op);
  void lower(ir::ConvertOp op);
  std::string ports(ArrayRef<fhe::ProgramPort> list, StringRef suffix);
  std::string parameters();
  void buildEntry();
  void emitCall(OpBuilder &body, const Call &call, Value table, Value state, Value offsets,
                Block *exit);

  fhe::ProgramInterface program;
  std::string name;
  MLIRContext *context;
  ConstantRecords records;
  std::vector<Call> calls;
  uint32_t mostResults = 1;
};

int64_t Lowering::slotOf(Value value) {
  value = fhe::slotOwner(value);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return program.inputs[argument.getArgNumber()].slot;
  auto slots = value.getDefiningOp()->getAttrOfType<DenseI64ArrayAttr>("slots");
  return slots[cast<OpResult>(value).getResultNumber()];
}

/// Every operation planned, inside the arena, and no two live slots in one place.
LogicalResult Lowering::checkSlots() {
  func::FuncOp main = program.main;
  for (Operation &op : main.front().without_terminator()) {
    if (!isa<ir::TFHEDialect>(op.getDialect()))
      return op.emitOpError("is not an operation of the tfhe dialect");
    if (!isa<ir::ReshapeOp>(op) && !op.getAttrOfType<DenseI64ArrayAttr>("slots"))
      return op.emitOpError("has no slots; run tfhe-plan-arena first");
  }
  std::vector<fhe::LiveSlot> slots = fhe::collectLiveSlots(main);
  for (fhe::LiveSlot &slot : slots) {
    slot.offset = slotOf(slot.value);
    int key = fhe::keyIndex(program.parameters, slot.key.getLeafReference());
    if (key < 0)
      return emitError(slot.value.getLoc(), "key ") << slot.key << " is not defined";
    if (slot.offset + slot.elements > program.arenaElements[key])
      return emitError(slot.value.getLoc(), "slot ")
             << slot.offset << " of " << slot.elements << " elements exceeds the arena of "
             << program.arenaElements[key];
  }
  if (auto overlap = fhe::findOverlap(slots)) {
    auto [a, b] = *overlap;
    InFlightDiagnostic error = emitError(slots[b].value.getLoc(), "slot ");
    error << slots[b].offset << " of " << slots[b].elements
          << " elements overlaps a slot that is still live";
    error.attachNote(slots[a].value.getLoc())
        << "slot " << slots[a].offset << " of " << slots[a].elements << " elements";
    return failure();
  }
  return success();
}

std::string Lowering::label(Location loc) {
  auto node = fhe::primaryNode(loc);
  return records.string(node ? node->name : StringRef("layer"));
}

Field Lowering::header(uint32_t kind, uint32_t size, Value result, Location loc) {
  int key = fhe::keyIndex(program.parameters, ir::lweOf(result).getKey().getLeafReference());
  return Field::ofGroup({kind, size, int64_t(calls.size()), key, Field::address(label(loc))});
}

void Lowering::add(ExecutorField function, LLVM::LLVMStructType type, Field fields,
                   ArrayRef<Value> out, ArrayRef<Value> in) {
  Call call{function, records.record("op" + std::to_string(calls.size()), type, fields), {}, {}};
  call.outByPointer = function == LookupField;
  for (Value value : out)
    call.out.push_back(slotOf(value));
  for (Value value : in)
    call.in.push_back(slotOf(value));
  if ((function == CombineField || function == GatherField) && in.size() == 1)
    call.in.push_back(0); // no second operand
  calls.push_back(std::move(call));
}

/// The narrowest of 8, 16 and 32 bits that holds all weights.
std::pair<std::string, unsigned> Lowering::weights(DenseIntElementsAttr values) {
  std::vector<int64_t> integers;
  unsigned bits = 8;
  for (int32_t value : fhe::readIntegers(values)) {
    integers.push_back(value);
    while (bits < 32 && !llvm::isIntN(bits, value))
      bits *= 2;
  }
  return {records.integers(integers, bits), bits};
}

void Lowering::lower(ir::LinearOp op) {
  auto [symbol, bits] = weights(op.getWeights());
  ArrayRef<int64_t> shape = op.getWeights().getType().getShape();
  int64_t rows = ir::elementsOf(op.getResult()) / shape[0];
  add(LinearField, abi::linearDesc(context),
      Field::ofGroup({header(FHE_OP_LINEAR, sizeof(fhe_linear_desc), op.getResult(), op.getLoc()),
                      FHE_LINEAR_GEMM, bits, int64_t(op.getLog2Factor()), 1, rows, shape[1],
                      shape[0], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, Field::address(symbol)}),
      {op.getResult()}, {op.getInput()});
}

void Lowering::lower(ir::ConvOp op) {
  auto [symbol, bits] = weights(op.getWeights());
  ArrayRef<int64_t> shape = op.getWeights().getType().getShape(),
                    in = op.getInput().getType().getShape(),
                    out = op.getResult().getType().getShape(), strides = op.getStrides(),
                    pads = op.getPads(), dilations = op.getDilations();
  add(LinearField, abi::linearDesc(context),
      Field::ofGroup({header(FHE_OP_LINEAR, sizeof(fhe_linear_desc), op.getResult(), op.getLoc()),
                      FHE_LINEAR_CONV, bits, int64_t(op.getLog2Factor()), int64_t(op.getGroups()),
                      1, in[0], out[0], in[1], in[2], out[1], out[2], shape[2], shape[3],
                      strides[0], strides[1], pads[0], pads[1], dilations[0], dilations[1], 0,
                      Field::address(symbol)}),
      {op.getResult()}, {op.getInput()});
}

void Lowering::lower(ir::CombineOp op) {
  auto second = [&](ArrayRef<int64_t> values) { return values.size() > 1 ? values[1] : 0; };
  ArrayRef<int64_t> factors = op.getLog2Factors(), coefficients = op.getCoefficients();
  add(CombineField, abi::combineDesc(context),
      Field::ofGroup({header(FHE_OP_COMBINE, sizeof(fhe_combine_desc), op.getResult(), op.getLoc()),
                      ir::elementsOf(op.getResult()), int64_t(op.getInputs().size()),
                      Field::ofGroup({factors[0], second(factors)}), 0,
                      Field::ofGroup({coefficients[0], second(coefficients)})}),
      {op.getResult()}, llvm::to_vector(op.getInputs()));
}

void Lowering::lower(ir::GatherOp op) {
  auto inputs = op.getInputs();
  int64_t second = inputs.size() > 1 ? ir::elementsOf(inputs[1]) : 0;
  add(GatherField, abi::gatherDesc(context),
      Field::ofGroup({header(FHE_OP_GATHER, sizeof(fhe_gather_desc), op.getResult(), op.getLoc()),
                      ir::elementsOf(op.getResult()),
                      Field::ofGroup({ir::elementsOf(inputs[0]), second}),
                      Field::address(records.integers(op.getSource(), 64))}),
      {op.getResult()}, llvm::to_vector(inputs));
}

void Lowering::lower(ir::ConstantOp op) {
  auto values = cast<DenseIntElementsAttr>(op.getValue()).getValues<int64_t>();
  add(ConstantField, abi::constantDesc(context),
      Field::ofGroup({header(FHE_OP_CONSTANT, sizeof(fhe_constant_desc), op.getResult(), op.getLoc()),
                      ir::elementsOf(op.getResult()), int64_t(ir::lweOf(op.getResult()).getLog2Delta()),
                      0, Field::address(records.integers(llvm::to_vector(values), 64))}),
      {op.getResult()}, {});
}

void Lowering::lower(ir::LookupOp op) {
  auto leaf = [](SymbolRefAttr ref) { return ref.getLeafReference().getValue(); };
  auto conversion = [&](std::optional<SymbolRefAttr> ref) {
    return ref ? int64_t(fhe::conversionIndex(program.parameters, leaf(*ref))) : 0;
  };
  std::vector<int64_t> tables, map;
  for (int32_t value : op.getTables().getValues<int32_t>())
    tables.push_back(value);
  if (auto indices = op.getTableOfElement())
    map.assign(indices->begin(), indices->end());
  ArrayRef<int64_t> shape = op.getTables().getType().getShape();
  ir::LweType in = ir::lweOf(op.getInput()), out = ir::lweOf(op.getOutputs()[0]);
  int64_t width = op.getWidth();
  mostResults = std::max<uint32_t>(mostResults, shape[1]);
  bool isNegacyclic = op.getPaddingBits() == 0;
  std::vector<int64_t> offsets;
  if (isNegacyclic)
    offsets = op.getOffsets();
  double noise = op.getNoiseStd() ? op.getNoiseStd()->convertToDouble() : 0;
  add(LookupField, abi::lookupDesc(context),
      Field::ofGroup(
          {header(FHE_OP_LOOKUP, sizeof(fhe_lookup_desc), op.getOutputs()[0], op.getLoc()),
           fhe::keyIndex(program.parameters, leaf(in.getKey())), conversion(op.getKeyswitch()),
           conversion(op.getBootstrap()), int64_t(op.getLog2Factor()), in.getLog2Delta(),
           out.getLog2Delta(), width, int64_t(op.getRoundedWidth().value_or(width)),
           int64_t(op.getGuard()), ir::elementsOf(op.getInput()), int64_t(op.getLo()), shape[2],
           shape[0], shape[1], Field::address(records.integers(tables, 32)),
           Field::address(records.integers(map, 32)), Field::ofReal(noise),
           isNegacyclic ? FHE_REALIZATION_NEGACYCLIC : FHE_REALIZATION_DIRECT,
           int64_t(op.getLog2Step()),
           Field::address(records.integers(offsets, 64))}),
      llvm::to_vector_of<Value>(op.getOutputs()), {op.getInput()});
}

void Lowering::lower(ir::ConvertOp op) {
  auto index = [&](auto find, SymbolRefAttr ref) {
    return int64_t(find(program.parameters, ref.getLeafReference().getValue()));
  };
  add(ConvertField, abi::convertDesc(context),
      Field::ofGroup({header(FHE_OP_CONVERT, sizeof(fhe_convert_desc), op.getResult(), op.getLoc()),
                      index(fhe::keyIndex, ir::lweOf(op.getInput()).getKey()),
                      index(fhe::conversionIndex, op.getKeyswitch()),
                      ir::elementsOf(op.getResult())}),
      {op.getResult()}, {op.getInput()});
}

//===----------------------------------------------------------------------===//
// The model record
//===----------------------------------------------------------------------===//

std::string Lowering::ports(ArrayRef<fhe::ProgramPort> list, StringRef suffix) {
  std::vector<Field> fields;
  for (const fhe::ProgramPort &port : list)
    fields.push_back(Field::ofGroup(
        {Field::address(records.string(port.name)), port.keyIndex, port.log2Delta,
         port.paddingBits, int64_t(port.shape.size()),
         Field::address(records.integers(port.shape, 64)), port.elements, port.slot, port.lo,
         port.hi, Field::ofReal(port.noiseStd)}));
  auto type = LLVM::LLVMArrayType::get(abi::port(context), fields.size());
  return fields.empty() ? "" : records.record(suffix, type, Field::ofGroup(std::move(fields)));
}

std::string Lowering::parameters() {
  ir::ParametersOp parameters = program.parameters;
  if (parameters.getClearOnly())
    return {};
  std::vector<Field> keys, conversions;
  for (Operation &op : parameters.getBody().front()) {
    auto index = [&](StringRef key) { return fhe::keyIndex(parameters, key); };
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](ir::LweKeyOp key) {
          int64_t nestedIn = key.getNestedIn() ? 1 + index(*key.getNestedIn()) : 0;
          keys.push_back(Field::ofGroup({FHE_KEY_LWE, FHE_DISTRIBUTION_BINARY,
                                         int64_t(key.getDimension()), 0, int64_t(key.getDimension()),
                                         int64_t(key.getWordBits()),
                                         key.getTuniform() ? FHE_NOISE_TUNIFORM : FHE_NOISE_GAUSSIAN,
                                         nestedIn,
                                         Field::ofReal(key.getLog2Std().convertToDouble())}));
        })
        .Case([&](ir::GlweKeyOp key) {
          int64_t live = key.getLive().value_or(int64_t(key.getK()) << key.getLog2Poly());
          keys.push_back(Field::ofGroup({FHE_KEY_GLWE, FHE_DISTRIBUTION_BINARY, int64_t(key.getK()),
                                         int64_t(key.getLog2Poly()), live, 64,
                                         key.getTuniform() ? FHE_NOISE_TUNIFORM : FHE_NOISE_GAUSSIAN, 0,
                                         Field::ofReal(key.getLog2Std().convertToDouble())}));
        })
        .Case([&](ir::KeyswitchKeyOp key) {
          conversions.push_back(Field::ofGroup(
              {FHE_CONVERSION_KEYSWITCH, index(key.getSource()), index(key.getTarget()),
               int64_t(key.getBaseLog()), int64_t(key.getLevels()), 0, 0, int64_t(key.getWordBits())}));
        })
        .Case([&](ir::BootstrapKeyOp key) {
          conversions.push_back(Field::ofGroup(
              {FHE_CONVERSION_BOOTSTRAP, index(key.getSource()), index(key.getTarget()),
               int64_t(key.getBaseLog()), int64_t(key.getLevels()), FHE_ENGINE_CLASSIC,
               key.getSwitchKind() == "centred" ? FHE_SWITCH_CENTRED : FHE_SWITCH_PLAIN, 64}));
        });
  }
  int64_t keyCount = keys.size(), conversionCount = conversions.size();
  auto array = [&](StringRef suffix, Type type, std::vector<Field> fields) {
    if (fields.empty())
      return std::string();
    return records.record(suffix, LLVM::LLVMArrayType::get(type, fields.size()),
                          Field::ofGroup(std::move(fields)));
  };
  std::string keyArray = array("keys", abi::keyRecord(context), std::move(keys));
  std::string conversionArray =
      array("conversions", abi::conversionRecord(context), std::move(conversions));
  return records.record(
      "parameters", abi::parameters(context),
      Field::ofGroup({FHE_ABI_VERSION, sizeof(fhe_parameters), int64_t(parameters.getSecurity()),
                      keyCount, conversionCount, mostResults, Field::address(keyArray),
                      Field::address(conversionArray)}));
}

void Lowering::run(StringRef manifest) {
  for (Operation &op : program.main.front().without_terminator())
    llvm::TypeSwitch<Operation *>(&op)
        .Case<ir::LinearOp, ir::ConvOp, ir::CombineOp, ir::GatherOp, ir::ConstantOp, ir::LookupOp,
              ir::ConvertOp>([&](auto op) { lower(op); });
  std::vector<Field> ops;
  for (const Call &call : calls)
    ops.push_back(Field::address(call.descriptor));
  auto pointer = LLVM::LLVMPointerType::get(context);
  int64_t opCount = ops.size();
  std::string opArray =
      ops.empty() ? "" : records.record("ops", LLVM::LLVMArrayType::get(pointer, ops.size()),
                                        Field::ofGroup(std::move(ops)));
  std::string inputs = ports(program.inputs, "inputs"), outputs = ports(program.outputs, "outputs");
  std::string parameterRecord = parameters();
  buildEntry();
  records.exportRecord(
      name + "_model", abi::model(context),
      Field::ofGroup({FHE_ABI_VERSION, sizeof(fhe_model), Field::address(records.string(name)),
                      Field::address(records.string(manifest)), int64_t(manifest.size()),
                      Field::address(parameterRecord),
                      Field::address(records.integers(program.arenaElements, 64)),
                      int64_t(program.arenaElements.size()), int64_t(program.inputs.size()),
                      int64_t(program.outputs.size()), opCount, Field::address(inputs),
                      Field::address(outputs), Field::address(opArray),
                      Field::address(name + ".entry")}));
}

//===----------------------------------------------------------------------===//
// The entry
//===----------------------------------------------------------------------===//

void Lowering::emitCall(OpBuilder &body, const Call &call, Value table, Value state, Value offsets,
                        Block *exit) {
  Location loc = UnknownLoc::get(context);
  Type i32 = body.getI32Type(), i64 = body.getI64Type();
  auto pointer = LLVM::LLVMPointerType::get(context);
  auto word = [&](int64_t value) {
    return LLVM::ConstantOp::create(body, loc, i64, body.getI64IntegerAttr(value));
  };
  Value place = LLVM::GEPOp::create(body, loc, pointer, abi::executorOps(context), table,
                                    ArrayRef<LLVM::GEPArg>{0, int32_t(call.function)});
  SmallVector<Value> operands{LLVM::LoadOp::create(body, loc, pointer, place), state,
                              LLVM::AddressOfOp::create(body, loc, pointer, call.descriptor)};
  SmallVector<Type> types{pointer, pointer};
  if (call.outByPointer) {
    for (auto [i, out] : llvm::enumerate(call.out)) {
      Value slot = LLVM::GEPOp::create(body, loc, pointer, i64, offsets,
                                       ArrayRef<LLVM::GEPArg>{int32_t(i)});
      LLVM::StoreOp::create(body, loc, word(out), slot);
    }
    operands.push_back(offsets);
    types.push_back(pointer);
  } else {
    operands.push_back(word(call.out.front()));
    types.push_back(i64);
  }
  for (int64_t in : call.in) {
    operands.push_back(word(in));
    types.push_back(i64);
  }
  auto type = LLVM::LLVMFunctionType::get(i32, types);
  Value status = LLVM::CallOp::create(body, loc, type, operands).getResult();
  Value zero = LLVM::ConstantOp::create(body, loc, i32, body.getI32IntegerAttr(0));
  Value good = LLVM::ICmpOp::create(body, loc, LLVM::ICmpPredicate::eq, status, zero);
  Block *next = body.createBlock(exit);
  body.setInsertionPointToEnd(next->getPrevNode());
  LLVM::CondBrOp::create(body, loc, good, next, ValueRange{}, exit, ValueRange{status});
  body.setInsertionPointToEnd(next);
}

/// int32_t NAME.entry(const fhe_executor *): the calls in order; the first non-zero status ends it.
void Lowering::buildEntry() {
  OpBuilder builder(program.main);
  Location loc = UnknownLoc::get(context);
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, name + ".entry",
                                        LLVM::LLVMFunctionType::get(i32, {pointer}),
                                        LLVM::Linkage::Internal);
  Block *start = entry.addEntryBlock(builder);
  Block *exit = builder.createBlock(&entry.getBody(), {}, {i32}, {loc});
  LLVM::ReturnOp::create(builder, loc, exit->getArgument(0));
  builder.setInsertionPointToEnd(start);
  auto member = [&](int32_t index) {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, abi::executor(context),
                                      start->getArgument(0), ArrayRef<LLVM::GEPArg>{0, index});
    return LLVM::LoadOp::create(builder, loc, pointer, place).getResult();
  };
  Value table = member(0), state = member(1), offsets;
  if (llvm::any_of(calls, [](const Call &call) { return call.outByPointer; })) {
    Value count = LLVM::ConstantOp::create(builder, loc, i64, builder.getI64IntegerAttr(mostResults));
    offsets = LLVM::AllocaOp::create(builder, loc, pointer, i64, count, 8);
  }
  for (const Call &call : calls)
    emitCall(builder, call, table, state, offsets, exit);
  Value zero = LLVM::ConstantOp::create(builder, loc, i32, builder.getI32IntegerAttr(0));
  LLVM::BrOp::create(builder, loc, ValueRange{zero}, exit);
}

struct ConvertTfheToLLVM : fhe::impl::ConvertTfheToLLVMBase<ConvertTfheToLLVM> {
  using ConvertTfheToLLVMBase::ConvertTfheToLLVMBase;

  LogicalResult run() {
    ModuleOp module = getOperation();
    auto text = [&](StringRef attribute, StringRef otherwise) {
      auto value = module->getAttrOfType<StringAttr>(attribute);
      return value ? value.str() : otherwise.str();
    };
    std::string name = text("tfhe.name", "model"), manifest = text("tfhe.manifest", "");
    FailureOr<fhe::ProgramInterface> program = fhe::readInterface(module);
    if (failed(program))
      return failure();
    Lowering lowering(module, *program, name);
    if (failed(lowering.checkSlots()))
      return failure();
    lowering.run(manifest);
    program->main.erase();
    program->parameters.erase();
    for (NamedAttribute attribute : llvm::to_vector(module->getDiscardableAttrs()))
      if (attribute.getName().getValue().starts_with("tfhe."))
        module->removeAttr(attribute.getName());
    return success();
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }
};

} // namespace
