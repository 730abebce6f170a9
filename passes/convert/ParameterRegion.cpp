//===- ParameterRegion.cpp - Writes chosen parameters into a program -----------------===//
#include "passes/convert/ParameterRegion.h"
#include "mlir/IR/Builders.h"
#include <map>

using namespace mlir;
namespace ir = fhe::tfhe_ir;

namespace fhe {

void addClearParameters(OpBuilder &builder, Location loc) {
  auto parameters =
      ir::ParametersOp::create(builder, loc, parametersName, 128, "standard", /*clear_only=*/true);
  builder.createBlock(&parameters.getBody());
  ir::ClearKeyOp::create(builder, loc, glweName);
}

/// Null for Gaussian noise.
static IntegerAttr tuniformBound(OpBuilder &builder, const tfhe::Noise &noise, unsigned wordBits) {
  if (noise.kind != tfhe::NoiseKind::tuniform)
    return {};
  return builder.getI64IntegerAttr(tfhe::tuniformBound(noise.log2Std, wordBits).value());
}

static void openRegion(OpBuilder &builder, Location loc, unsigned security, bool extended) {
  auto parameters =
      ir::ParametersOp::create(builder, loc, parametersName, security,
                               extended ? "extended" : "standard", /*clear_only=*/false);
  builder.createBlock(&parameters.getBody());
}

/// `glwe` is the key of the set, in which a nested key is nested.
static void addKey(OpBuilder &builder, Location loc, StringRef name, const tfhe::LweKey &key,
                   StringRef glwe) {
  auto outer = key.nested ? FlatSymbolRefAttr::get(builder.getContext(), glwe) : FlatSymbolRefAttr();
  ir::LweKeyOp::create(builder, loc, name, key.dimension, outer, APFloat(key.log2Std),
                       tuniformBound(builder, key.noise(), key.wordBits), key.wordBits);
}

static void addKey(OpBuilder &builder, Location loc, StringRef name, const tfhe::GlweKey &key) {
  ir::GlweKeyOp::create(builder, loc, name, key.k, key.log2N,
                        key.partial() ? builder.getI64IntegerAttr(key.live) : IntegerAttr(),
                        APFloat(key.log2Std), tuniformBound(builder, key.noise(), 64));
}

static void addKeyswitch(OpBuilder &builder, Location loc, StringRef name, StringRef from,
                         StringRef to, const tfhe::Decomposition &digits) {
  ir::KeyswitchKeyOp::create(builder, loc, name, from, to, digits.baseLog, digits.levels);
}

static void addBootstrap(OpBuilder &builder, Location loc, StringRef name, StringRef from,
                         StringRef to, const tfhe::Decomposition &digits, tfhe::SwitchKind kind) {
  ir::BootstrapKeyOp::create(builder, loc, name, from, to, digits.baseLog, digits.levels)
      .setSwitchKind(kind == tfhe::SwitchKind::centred ? "centred" : "plain");
}

void addParameters(OpBuilder &builder, Location loc, const tfhe::ParameterSet &set,
                   unsigned security) {
  openRegion(builder, loc, security, set.glwe.partial() || set.lwe.nested);
  addKey(builder, loc, lweName, set.lwe, glweName);
  addKey(builder, loc, glweName, set.glwe);
  addKeyswitch(builder, loc, keyswitchName, glweName, lweName, set.keyswitch);
  addBootstrap(builder, loc, bootstrapName, lweName, glweName, set.bootstrap, set.modulusSwitch);
}

namespace {

class Writer {
public:
  Writer(OpBuilder &builder, func::FuncOp function, const parameters::ProgramNetwork &program,
         const parameters::NetworkChoice &choice)
      : builder(builder), function(function), program(program), choice(choice) {
    for (size_t set = 0; set != choice.sets.size(); ++set) {
      size_t same = 0;
      while (!(choice.sets[same].glwe == choice.sets[set].glwe))
        ++same;
      glweOf.push_back(same);
    }
  }

  void write(unsigned security) {
    writeRegion(security);
    std::vector<size_t> homes = homesOfBlocks();
    auto retype = [&](Value value) { setKey(value, homes[program.blockOf.at(value)]); };
    llvm::for_each(function.getArguments(), retype);
    for (Operation &op : llvm::make_early_inc_range(function.front().without_terminator())) {
      if (auto lookup = dyn_cast<ir::LookupOp>(op))
        writeLookup(lookup, homes);
      else
        llvm::for_each(op.getResults(), retype);
    }
    function.setType(builder.getFunctionType(
        function.front().getArgumentTypes(), function.front().getTerminator()->getOperandTypes()));
  }

private:
  static std::string numbered(StringRef name, size_t number) {
    return (name + Twine(number)).str();
  }
  static std::string between(StringRef name, size_t from, size_t to) {
    return (name + Twine(from) + "_" + Twine(to)).str();
  }
  SymbolRefAttr symbol(StringRef name) {
    return SymbolRefAttr::get(builder.getContext(), parametersName,
                              {FlatSymbolRefAttr::get(builder.getContext(), name)});
  }

  void writeRegion(unsigned security) {
    OpBuilder::InsertionGuard guard(builder);
    Location loc = function.getLoc();
    bool extended = llvm::any_of(
        choice.sets, [](const auto &set) { return set.glwe.partial() || set.lwe.nested; });
    openRegion(builder, loc, security, extended);
    for (auto [i, set] : llvm::enumerate(choice.sets)) {
      addKey(builder, loc, numbered("s", i), set.lwe, numbered("g", glweOf[i]));
      if (glweOf[i] == i)
        addKey(builder, loc, numbered("g", i), set.glwe);
    }
    // Of two needs for one key the stricter.
    std::map<std::tuple<bool, size_t, size_t>, tfhe::Decomposition> switches;
    for (const parameters::SwitchChoice &change : choice.switches) {
      size_t to = change.conversion ? glweOf[change.to] : change.to;
      auto [it, fresh] =
          switches.try_emplace({change.conversion, glweOf[change.from], to}, change.digits);
      if (!fresh && change.digits.levels > it->second.levels)
        it->second = change.digits;
    }
    for (const auto &[key, digits] : switches) {
      auto [conversion, from, to] = key;
      addKeyswitch(builder, loc, between(conversion ? "cv" : "ks", from, to), numbered("g", from),
                   numbered(conversion ? "g" : "s", to), digits);
    }
    for (auto [i, set] : llvm::enumerate(choice.sets))
      addBootstrap(builder, loc, numbered("bs", i), numbered("s", i), numbered("g", glweOf[i]),
                   set.bootstrap, set.modulusSwitch);
  }

  /// By block the GLWE key of its values; that of the first set where nothing is ever looked at.
  std::vector<size_t> homesOfBlocks() const {
    std::vector<size_t> homes;
    for (const std::optional<size_t> &place : program.placeOf) {
      size_t tables = program.lookups.size(), set = 0;
      if (place)
        set = *place < tables ? choice.homeOfTable[*place] : choice.homeOfOutput[*place - tables];
      homes.push_back(glweOf[set]);
    }
    return homes;
  }

  void setKey(Value value, size_t glwe) {
    auto tensor = cast<RankedTensorType>(value.getType());
    unsigned log2Delta = ir::lweOf(value).getLog2Delta();
    value.setType(tensor.clone(
        ir::LweType::get(builder.getContext(), symbol(numbered("g", glwe)), log2Delta)));
  }

  void writeLookup(ir::LookupOp lookup, const std::vector<size_t> &homes) {
    size_t table = llvm::find(program.lookups, lookup) - program.lookups.begin();
    size_t set = choice.setOfTable[table], own = glweOf[set];
    // The operand may be a converted result: its home is in its type already.
    StringRef home = ir::lweOf(lookup.getInput()).getKey().getLeafReference().getValue();
    lookup.setKeyswitchAttr(symbol(("ks" + home.drop_front() + "_" + Twine(set)).str()));
    lookup.setBootstrapAttr(symbol(numbered("bs", set)));
    builder.setInsertionPointAfter(lookup);
    for (Value output : lookup.getOutputs()) {
      size_t home = homes[program.blockOf.at(output)];
      setKey(output, own);
      if (home == own || output.use_empty())
        continue;
      auto type = cast<RankedTensorType>(output.getType());
      auto there = type.clone(ir::LweType::get(builder.getContext(), symbol(numbered("g", home)),
                                               ir::lweOf(output).getLog2Delta()));
      auto convert = ir::ConvertOp::create(builder, lookup.getLoc(), there, output,
                                           symbol(between("cv", own, home)), nullptr,
                                           lookup.getLayerAttr(), nullptr);
      output.replaceAllUsesExcept(convert.getResult(), convert);
    }
  }

  OpBuilder &builder;
  func::FuncOp function;
  const parameters::ProgramNetwork &program;
  const parameters::NetworkChoice &choice;
  std::vector<size_t> glweOf; ///< by set: the first set with this GLWE key
};

} // namespace

void writeSeveralSets(OpBuilder &builder, func::FuncOp function,
                      const parameters::ProgramNetwork &program,
                      const parameters::NetworkChoice &choice, unsigned security) {
  Writer(builder, function, program, choice).write(security);
}

} // namespace fhe
