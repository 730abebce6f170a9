//===- FheToTfheOps.cpp - Encodings, and operations on ciphertexts ----------------===//
#include "passes/convert/FheToTfheOps.h"
#include "mlir/IR/Builders.h"
#include "passes/convert/ParameterRegion.h"
#include "passes/tfhe/Layers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
namespace ir = fhe::tfhe_ir;

static fhe::IntType rangeOf(Value value) {
  return cast<fhe::IntType>(cast<RankedTensorType>(value.getType()).getElementType());
}

/// A result without padding: 2^(64-w), w its full width.
static unsigned outputLog2Delta(Value value) { return 64 - std::max(1u, rangeOf(value).getWidth()); }

//===----------------------------------------------------------------------===//
// Encodings
//===----------------------------------------------------------------------===//

llvm::DenseMap<Value, unsigned>
fhe::assignDeltas(func::FuncOp function, llvm::function_ref<Realization(LutOp)> realizationOf) {
  llvm::DenseMap<Value, unsigned> deltas;
  auto need = [&](Value value, unsigned log2Delta) {
    auto [it, fresh] = deltas.try_emplace(value, log2Delta);
    it->second = std::min(it->second, log2Delta);
  };
  for (Operation &op : llvm::reverse(function.front())) {
    for (Value result : op.getResults())
      need(result, outputLog2Delta(result)); // without a use: as if it were returned
    if (auto lut = dyn_cast<fhe::LutOp>(op)) {
      need(lut.getInput(), realizationOf(lut).log2Delta() - lut.getLog2Step());
      // One executor call writes all results at one Delta.
      unsigned least = 63;
      for (Value output : lut.getOutputs())
        least = std::min(least, deltas[output]);
      for (Value output : lut.getOutputs())
        deltas[output] = least;
    } else if (isa<func::ReturnOp>(op)) {
      for (Value operand : op.getOperands())
        need(operand, outputLog2Delta(operand));
    } else {
      for (Value operand : op.getOperands())
        need(operand, deltas[op.getResult(0)]);
    }
  }
  for (Value argument : function.getArguments())
    need(argument, outputLog2Delta(argument));
  return deltas;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

namespace {

class Converter {
public:
  Converter(func::FuncOp source, bool clearOnly, IRMapping &mapping)
      : source(source), clearOnly(clearOnly), deltas(fhe::assignDeltas(source)),
        builder(source.getContext()), mapping(mapping) {
    key = SymbolRefAttr::get(builder.getContext(), fhe::parametersName,
                             {FlatSymbolRefAttr::get(builder.getContext(), fhe::glweName)});
  }

  FailureOr<func::FuncOp> convert();

private:
  RankedTensorType typeOf(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.clone(ir::LweType::get(builder.getContext(), key, deltas[value]));
  }
  int64_t factorOf(Value operand, Value result) { return deltas[result] - deltas[operand]; }
  /// The operand at the result's Delta, for operations that cannot multiply themselves.
  Value atDeltaOf(Location loc, Value operand, Value result);
  void setLayer(Operation *from, Operation *to);
  IntegerAttr layerOfTable(Value input);
  void copyInterface(func::FuncOp target);
  Operation *convertOne(Operation &op);
  Operation *convertSumPool(fhe::SumPoolOp pool);
  Operation *convertLut(fhe::LutOp lut);

  func::FuncOp source;
  bool clearOnly;
  llvm::DenseMap<Value, unsigned> deltas;
  OpBuilder builder;
  SymbolRefAttr key;
  IRMapping &mapping;
  fhe::LayerNumbers layers;
};

} // namespace

Value Converter::atDeltaOf(Location loc, Value operand, Value result) {
  int64_t factor = factorOf(operand, result);
  Value mapped = mapping.lookup(operand);
  if (!factor)
    return mapped;
  auto type = cast<RankedTensorType>(mapped.getType());
  auto raised = type.clone(ir::LweType::get(builder.getContext(), key, deltas[result]));
  return ir::CombineOp::create(builder, loc, raised, ValueRange{mapped},
                               builder.getDenseI64ArrayAttr({1}),
                               builder.getDenseI64ArrayAttr({factor}), nullptr, nullptr, nullptr);
}

void Converter::setLayer(Operation *from, Operation *to) {
  if (auto it = layers.find(from); it != layers.end())
    to->setAttr("layer", builder.getI64IntegerAttr(it->second));
}

IntegerAttr Converter::layerOfTable(Value input) {
  std::optional<int64_t> layer = fhe::layerOf(input, layers);
  return layer ? builder.getI64IntegerAttr(*layer) : IntegerAttr();
}

Operation *Converter::convertSumPool(fhe::SumPoolOp pool) {
  int64_t channels = cast<RankedTensorType>(pool.getInput().getType()).getDimSize(0);
  ArrayRef<int64_t> kernel = pool.getKernel();
  auto type = RankedTensorType::get({channels, 1, kernel[0], kernel[1]}, builder.getI32Type());
  return ir::ConvOp::create(builder, pool.getLoc(), typeOf(pool.getResult()),
                            mapping.lookup(pool.getInput()),
                            DenseIntElementsAttr::get(type, int32_t(1)), pool.getStridesAttr(),
                            pool.getPadsAttr(), builder.getDenseI64ArrayAttr({1, 1}),
                            builder.getI64IntegerAttr(channels),
                            builder.getI64IntegerAttr(factorOf(pool.getInput(), pool.getResult())),
                            nullptr, nullptr, nullptr);
}

Operation *Converter::convertLut(fhe::LutOp lut) {
  MLIRContext *context = builder.getContext();
  auto named = [&](StringRef name) {
    return clearOnly ? SymbolRefAttr()
                     : SymbolRefAttr::get(context, fhe::parametersName,
                                          {FlatSymbolRefAttr::get(context, name)});
  };
  SmallVector<Type> types;
  for (Value output : lut.getOutputs())
    types.push_back(typeOf(output));
  int64_t factor = int64_t(lut.getChosen().log2Delta()) - int64_t(lut.getLog2Step()) -
                   int64_t(deltas[lut.getInput()]);
  return ir::LookupOp::create(builder, lut.getLoc(), types, mapping.lookup(lut.getInput()),
                              named(fhe::keyswitchName), named(fhe::bootstrapName), lut.getLoAttr(),
                              lut.getTables(), lut.getWidthAttr(), lut.getGuardAttr(),
                              lut.getTableOfElementAttr(), lut.getRoundedWidthAttr(),
                              builder.getI64IntegerAttr(factor), lut.getRealizationAttr(),
                              lut.getLog2StepAttr(), lut.getFrequenciesAttr(),
                              nullptr, nullptr, nullptr, nullptr, nullptr,
                              layerOfTable(lut.getInput()), nullptr);
}

/// Null for an operation that is not of the fhe dialect.
Operation *Converter::convertOne(Operation &op) {
  Location loc = op.getLoc();
  auto i64 = [&](int64_t value) { return builder.getI64IntegerAttr(value); };
  auto i64s = [&](ArrayRef<int64_t> values) { return builder.getDenseI64ArrayAttr(values); };
  return llvm::TypeSwitch<Operation *, Operation *>(&op)
      .Case([&](fhe::LinearOp linear) {
        return ir::LinearOp::create(builder, loc, typeOf(linear.getResult()),
                                    mapping.lookup(linear.getInput()), linear.getWeights(),
                                    i64(factorOf(linear.getInput(), linear.getResult())), nullptr,
                                    nullptr, nullptr);
      })
      .Case([&](fhe::ConvOp conv) {
        return ir::ConvOp::create(builder, loc, typeOf(conv.getResult()),
                                  mapping.lookup(conv.getInput()), conv.getWeights(),
                                  conv.getStridesAttr(), conv.getPadsAttr(),
                                  conv.getDilationsAttr(), conv.getGroupsAttr(),
                                  i64(factorOf(conv.getInput(), conv.getResult())), nullptr,
                                  nullptr, nullptr);
      })
      .Case([&](fhe::SumPoolOp pool) { return convertSumPool(pool); })
      .Case([&](fhe::AddOp add) {
        return ir::CombineOp::create(
            builder, loc, typeOf(add.getResult()),
            ValueRange{mapping.lookup(add.getLhs()), mapping.lookup(add.getRhs())},
            i64s({int64_t(add.getLhsFactor()), int64_t(add.getRhsFactor())}),
            i64s({factorOf(add.getLhs(), add.getResult()), factorOf(add.getRhs(), add.getResult())}),
            nullptr, nullptr, nullptr);
      })
      .Case([&](fhe::MulConstOp mul) {
        return ir::CombineOp::create(builder, loc, typeOf(mul.getResult()),
                                     ValueRange{mapping.lookup(mul.getInput())},
                                     i64s({int64_t(mul.getFactor())}),
                                     i64s({factorOf(mul.getInput(), mul.getResult())}), nullptr,
                                     nullptr, nullptr);
      })
      .Case([&](fhe::ConstantOp constant) {
        auto values = cast<DenseIntElementsAttr>(constant.getValue());
        SmallVector<int64_t> integers;
        for (const APInt &value : values)
          integers.push_back(value.getSExtValue());
        auto type = RankedTensorType::get(values.getType().getShape(), builder.getI64Type());
        return ir::ConstantOp::create(builder, loc, typeOf(constant.getResult()),
                                      DenseIntElementsAttr::get(type, ArrayRef<int64_t>(integers)),
                                      nullptr, nullptr, nullptr);
      })
      .Case([&](fhe::LutOp lut) { return convertLut(lut); })
      .Case([&](fhe::ReshapeOp reshape) {
        return ir::ReshapeOp::create(builder, loc, typeOf(reshape.getResult()),
                                     atDeltaOf(loc, reshape.getInput(), reshape.getResult()));
      })
      .Case([&](fhe::GatherOp gather) {
        SmallVector<Value> inputs;
        for (Value input : gather.getInputs())
          inputs.push_back(atDeltaOf(loc, input, gather.getResult()));
        return ir::GatherOp::create(builder, loc, typeOf(gather.getResult()), inputs,
                                    gather.getSourceAttr(), nullptr, nullptr, nullptr);
      })
      .Default([](Operation *) { return nullptr; });
}

/// Client descriptions and ranges of arguments and results.
void Converter::copyInterface(func::FuncOp target) {
  auto describe = [&](Value value, Attribute client, auto set) {
    if (client)
      set(ir::clientAttr, client);
    fhe::IntType range = rangeOf(value);
    set(ir::rangeAttr, builder.getDenseI64ArrayAttr({range.getLo(), range.getHi()}));
  };
  for (unsigned i = 0; i != source.getNumArguments(); ++i)
    describe(source.getArgument(i), source.getArgAttr(i, "fhe.client"),
             [&](StringRef name, Attribute value) { target.setArgAttr(i, name, value); });
  Operation *terminator = source.front().getTerminator();
  for (unsigned i = 0; i != terminator->getNumOperands(); ++i)
    describe(terminator->getOperand(i), source.getResultAttr(i, "fhe.client"),
             [&](StringRef name, Attribute value) { target.setResultAttr(i, name, value); });
}

FailureOr<func::FuncOp> Converter::convert() {
  layers = fhe::numberLayers(source);
  SmallVector<Type> inputs, results;
  for (Value argument : source.getArguments())
    inputs.push_back(typeOf(argument));
  for (Value operand : source.front().getTerminator()->getOperands())
    results.push_back(typeOf(operand));
  builder.setInsertionPoint(source);
  auto target = func::FuncOp::create(builder, source.getLoc(), "main",
                                     builder.getFunctionType(inputs, results));
  copyInterface(target);
  Block *body = target.addEntryBlock();
  mapping.map(source.getArguments(), body->getArguments());
  builder.setInsertionPointToStart(body);
  for (Operation &op : source.front()) {
    if (auto terminator = dyn_cast<func::ReturnOp>(op)) {
      SmallVector<Value> values;
      for (Value operand : terminator.getOperands())
        values.push_back(mapping.lookup(operand));
      func::ReturnOp::create(builder, op.getLoc(), values);
      continue;
    }
    if (op.use_empty())
      continue;
    Operation *made = convertOne(op);
    if (!made)
      return op.emitOpError("is not an operation of the fhe dialect");
    setLayer(&op, made);
    mapping.map(op.getResults(), made->getResults());
  }
  return target;
}

FailureOr<func::FuncOp> fhe::convertToTfhe(func::FuncOp source, bool clearOnly,
                                           IRMapping &mapping) {
  return Converter(source, clearOnly, mapping).convert();
}
