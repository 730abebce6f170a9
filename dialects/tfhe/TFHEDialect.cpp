//===- TFHEDialect.cpp - The tfhe dialect, its type and its key graph ----------===//
#include "dialects/tfhe/TFHE.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fhe::tfhe_ir;

#include "dialects/tfhe/TFHEDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/tfhe/TFHETypes.cpp.inc"

void TFHEDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/tfhe/TFHETypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/tfhe/TFHEOps.cpp.inc"
      >();
}

LogicalResult LweType::verify(function_ref<InFlightDiagnostic()> emitError, SymbolRefAttr key,
                              unsigned log2Delta) {
  if (key.getNestedReferences().size() != 1)
    return emitError() << "key must be named as @parameters::@key, found " << key;
  if (log2Delta > 63)
    return emitError() << "log2 delta must be 0 to 63, found " << log2Delta;
  return success();
}

namespace fhe::tfhe_ir {

LweType lweOf(Value value) {
  return cast<LweType>(cast<RankedTensorType>(value.getType()).getElementType());
}

int64_t elementsOf(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

ParametersOp getParameters(ModuleOp module) {
  ParametersOp found;
  for (ParametersOp parameters : module.getOps<ParametersOp>()) {
    if (found) {
      parameters.emitOpError("is a second one; a program has one set of parameters");
      return nullptr;
    }
    found = parameters;
  }
  if (!found)
    module.emitError("no tfhe.parameters in the module");
  return found;
}

/// Of a key operation of either kind.
template <typename KeyOp>
static ::fhe::tfhe::NoiseKind noiseKindOf(KeyOp key) {
  return key.getTuniform() ? ::fhe::tfhe::NoiseKind::tuniform : ::fhe::tfhe::NoiseKind::gaussian;
}

static ::fhe::tfhe::LweKey keyOf(LweKeyOp lwe) {
  return {uint32_t(lwe.getDimension()), lwe.getLog2Std().convertToDouble(), noiseKindOf(lwe),
          uint32_t(lwe.getWordBits()), lwe.getNestedIn().has_value()};
}

static ::fhe::tfhe::GlweKey keyOf(GlweKeyOp glwe) {
  return {uint32_t(glwe.getK()), uint32_t(glwe.getLog2Poly()),
          glwe.getLog2Std().convertToDouble(), noiseKindOf(glwe),
          uint32_t(glwe.getLive().value_or(0))};
}

template <typename OpTy>
static ::fhe::tfhe::Decomposition digitsOf(OpTy conversion) {
  return {uint32_t(conversion.getBaseLog()), uint32_t(conversion.getLevels())};
}

static ::fhe::tfhe::ParameterSet makeSet(LweKeyOp lwe, GlweKeyOp glwe, KeyswitchKeyOp keyswitch,
                                         BootstrapKeyOp bootstrap) {
  ::fhe::tfhe::ParameterSet set;
  set.lwe = keyOf(lwe);
  set.lwe.nested = lwe.getNestedIn() == glwe.getSymName() &&
                   keyswitch.getSource() == glwe.getSymName();
  set.glwe = keyOf(glwe);
  set.keyswitch = digitsOf(keyswitch);
  set.bootstrap = digitsOf(bootstrap);
  if (bootstrap.getSwitchKind() == "centred")
    set.modulusSwitch = ::fhe::tfhe::SwitchKind::centred;
  return set;
}

::fhe::tfhe::ParameterSet parameterSetOf(LookupOp lookup) {
  auto keyswitch = SymbolTable::lookupNearestSymbolFrom<KeyswitchKeyOp>(lookup, *lookup.getKeyswitch());
  auto bootstrap = SymbolTable::lookupNearestSymbolFrom<BootstrapKeyOp>(lookup, *lookup.getBootstrap());
  Operation *table = keyswitch->getParentOp();
  auto lwe = cast<LweKeyOp>(SymbolTable::lookupSymbolIn(table, keyswitch.getTarget()));
  auto glwe = cast<GlweKeyOp>(SymbolTable::lookupSymbolIn(table, bootstrap.getTarget()));
  return makeSet(lwe, glwe, keyswitch, bootstrap);
}

::fhe::tfhe::GlweKey glweKeyOf(ParametersOp parameters, StringRef name) {
  return keyOf(cast<GlweKeyOp>(SymbolTable::lookupSymbolIn(parameters, name)));
}

SwitchKeys switchKeysOf(KeyswitchKeyOp keyswitch) {
  Operation *table = keyswitch->getParentOp();
  SwitchKeys keys;
  keys.from = keyOf(cast<GlweKeyOp>(SymbolTable::lookupSymbolIn(table, keyswitch.getSource())));
  Operation *target = SymbolTable::lookupSymbolIn(table, keyswitch.getTarget());
  if (auto lwe = dyn_cast<LweKeyOp>(target)) {
    keys.to = keyOf(lwe);
    keys.shared = lwe.getNestedIn() == keyswitch.getSource() ? keys.to.dimension : 0;
  } else {
    ::fhe::tfhe::GlweKey glwe = keyOf(cast<GlweKeyOp>(target));
    keys.to = {glwe.lweDimension(), glwe.log2Std, glwe.noiseKind};
  }
  keys.digits = digitsOf(keyswitch);
  return keys;
}

BootstrapKeys bootstrapKeysOf(BootstrapKeyOp bootstrap) {
  Operation *table = bootstrap->getParentOp();
  return {keyOf(cast<LweKeyOp>(SymbolTable::lookupSymbolIn(table, bootstrap.getSource()))),
          keyOf(cast<GlweKeyOp>(SymbolTable::lookupSymbolIn(table, bootstrap.getTarget()))),
          digitsOf(bootstrap)};
}

template <typename OpTy>
static OpTy only(ParametersOp parameters) {
  auto ops = parameters.getOps<OpTy>();
  return llvm::hasSingleElement(ops) ? *ops.begin() : OpTy();
}

std::optional<::fhe::tfhe::ParameterSet> parameterSetOf(ParametersOp parameters) {
  auto lwe = only<LweKeyOp>(parameters);
  auto glwe = only<GlweKeyOp>(parameters);
  auto keyswitch = only<KeyswitchKeyOp>(parameters);
  auto bootstrap = only<BootstrapKeyOp>(parameters);
  if (!lwe || !glwe || !keyswitch || !bootstrap || keyswitch.isBetweenGlweKeys())
    return std::nullopt;
  return makeSet(lwe, glwe, keyswitch, bootstrap);
}

} // namespace fhe::tfhe_ir

//===----------------------------------------------------------------------===//
// Verifiers of the key graph
//===----------------------------------------------------------------------===//

static LogicalResult verifyBinary(Operation *op, StringRef distribution) {
  if (distribution == "binary")
    return success();
  return op->emitOpError("distribution '") << distribution << "' is not built; only 'binary' is";
}

/// A TUniform bound and the standard deviation beside it agree.
static LogicalResult verifyTuniform(Operation *op, std::optional<uint64_t> bound, double log2Std,
                                    unsigned wordBits = ::fhe::tfhe::torusBits) {
  if (!bound)
    return success();
  if (*bound > wordBits - 3)
    return op->emitOpError("tuniform must be 0 to ") << wordBits - 3 << ", found "
                                                     << int64_t(*bound);
  double expected = ::fhe::tfhe::tuniformLog2Std(*bound, wordBits);
  if (std::abs(log2Std - expected) > 0x1p-19)
    return op->emitOpError("log2_std of TUniform(")
           << *bound << ") on " << wordBits << "-bit words is " << expected << ", found " << log2Std;
  return success();
}

/// The kernels' bounds, then the security curve of the enclosing parameters.
template <typename Key>
static LogicalResult verifyKey(Operation *op, const Key &key, int64_t dimension, double log2Std,
                               unsigned wordBits = ::fhe::tfhe::torusBits) {
  if (std::string bad = ::fhe::tfhe::checkBounds(key); !bad.empty())
    return op->emitOpError(bad);
  int64_t security = cast<ParametersOp>(op->getParentOp()).getSecurity();
  std::optional<double> curve = ::fhe::tfhe::log2StdForDimension(dimension, security, wordBits);
  if (!curve)
    return op->emitOpError("dimension ")
           << dimension << " has no known security of " << security
           << " bits; at least " << ::fhe::tfhe::minSecureDimension << " is needed";
  if (log2Std < *curve - 1e-9 * std::abs(*curve))
    return op->emitOpError("noise 2^") << log2Std << " is below the " << security
                                       << "-bit security curve, which asks for 2^" << *curve
                                       << " at dimension " << dimension;
  return success();
}

/// A nested key: asked for, and shorter than the GLWE key that it is the beginning of.
static LogicalResult verifyNesting(LweKeyOp key) {
  FlatSymbolRefAttr outer = key.getNestedInAttr();
  if (!outer)
    return success();
  auto parameters = cast<ParametersOp>(key->getParentOp());
  if (parameters.getKeyAssumptions() != "extended")
    return key.emitOpError("is nested in ")
           << outer << "; nested keys need key_assumptions \"extended\"";
  auto glwe = dyn_cast_or_null<GlweKeyOp>(SymbolTable::lookupSymbolIn(parameters, outer));
  if (!glwe)
    return key.emitOpError("is nested in ") << outer << ", which must be a tfhe.glwe_key";
  int64_t live = glwe.getLive() ? int64_t(*glwe.getLive()) : glwe.getK() << glwe.getLog2Poly();
  if (key.getDimension() >= live)
    return key.emitOpError("has dimension ") << key.getDimension() << ", " << outer
                                             << " that it is nested in only " << live;
  return success();
}

LogicalResult LweKeyOp::verify() {
  double log2Std = getLog2Std().convertToDouble();
  if (getDimension() < 1 || getDimension() > int64_t(::fhe::tfhe::maxLweDimension))
    return emitOpError("dimension must be 1 to ")
           << ::fhe::tfhe::maxLweDimension << ", found " << getDimension();
  if (failed(verifyBinary(*this, getDistribution())))
    return failure();
  if (getWordBits() != 32 && getWordBits() != 64)
    return emitOpError("word_bits must be 32 or 64, found ") << getWordBits();
  if (failed(verifyTuniform(*this, getTuniform(), log2Std, unsigned(getWordBits()))) ||
      failed(verifyNesting(*this)))
    return failure();
  return verifyKey(*this, keyOf(*this), getDimension(), log2Std, unsigned(getWordBits()));
}

LogicalResult GlweKeyOp::verify() {
  double log2Std = getLog2Std().convertToDouble();
  if (getK() < 1 || getK() > 64 || getLog2Poly() < 0 || getLog2Poly() > 30)
    return emitOpError("k ") << getK() << " and log2_poly " << getLog2Poly() << " are out of range";
  if (failed(verifyBinary(*this, getDistribution())))
    return failure();
  int64_t coefficients = getK() << getLog2Poly();
  if (std::optional<uint64_t> live = getLive()) {
    if (int64_t(*live) < 1 || int64_t(*live) >= coefficients)
      return emitOpError("live must be 1 to ") << coefficients - 1 << ", found " << int64_t(*live);
    if (cast<ParametersOp>((*this)->getParentOp()).getKeyAssumptions() != "extended")
      return emitOpError("has ") << *live << " live coefficients of " << coefficients
                                 << "; partial keys need key_assumptions \"extended\"";
  }
  if (failed(verifyTuniform(*this, getTuniform(), log2Std)))
    return failure();
  ::fhe::tfhe::GlweKey key = keyOf(*this);
  return verifyKey(*this, key, key.lweDimension(), log2Std);
}

template <typename From, typename... To>
static LogicalResult verifyConversion(Operation *op, FlatSymbolRefAttr source,
                                      FlatSymbolRefAttr target, int64_t baseLog, int64_t levels) {
  Operation *table = op->getParentOp();
  if (!isa_and_nonnull<From>(SymbolTable::lookupSymbolIn(table, source)))
    return op->emitOpError("source ") << source << " must be a " << From::getOperationName();
  if (!isa_and_nonnull<To...>(SymbolTable::lookupSymbolIn(table, target))) {
    InFlightDiagnostic error = op->emitOpError("target ") << target << " must be a ";
    llvm::interleave(ArrayRef<StringRef>{To::getOperationName()...},
                     [&](StringRef name) { error << name; }, [&] { error << " or a "; });
    return error;
  }
  if (baseLog < 0 || baseLog > 64 || levels < 0 || levels > 64)
    return op->emitOpError("base_log and levels must be 1 to 64");
  ::fhe::tfhe::Decomposition decomposition{uint32_t(baseLog), uint32_t(levels)};
  if (std::string bad = ::fhe::tfhe::checkBounds(decomposition); !bad.empty())
    return op->emitOpError(bad);
  return success();
}

uint64_t KeyswitchKeyOp::getWordBits() {
  auto target = SymbolTable::lookupSymbolIn((*this)->getParentOp(), getTargetAttr());
  auto lwe = dyn_cast<LweKeyOp>(target);
  return lwe ? lwe.getWordBits() : uint64_t(::fhe::tfhe::torusBits);
}

bool KeyswitchKeyOp::isBetweenGlweKeys() {
  return isa<GlweKeyOp>(SymbolTable::lookupSymbolIn((*this)->getParentOp(), getTargetAttr()));
}

LogicalResult KeyswitchKeyOp::verify() {
  if (failed(verifyConversion<GlweKeyOp, LweKeyOp, GlweKeyOp>(*this, getSourceAttr(),
                                                              getTargetAttr(), getBaseLog(),
                                                              getLevels())))
    return failure();
  if (getSource() == getTarget())
    return emitOpError("leads from ") << getSourceAttr() << " to itself";
  if (getBaseLog() * getLevels() > getWordBits())
    return emitOpError() << getLevels() << " levels of " << getBaseLog()
                         << " bits do not fit the " << getWordBits() << "-bit words of "
                         << getTargetAttr();
  return success();
}

LogicalResult BootstrapKeyOp::verify() {
  if (getEngine() != "classic")
    return emitOpError("engine '") << getEngine() << "' is not built; only 'classic' is";
  if (getSwitchKind() != "plain" && getSwitchKind() != "centred")
    return emitOpError("switch_kind '") << getSwitchKind() << "' must be 'plain' or 'centred'";
  return verifyConversion<LweKeyOp, GlweKeyOp>(*this, getSourceAttr(), getTargetAttr(),
                                               getBaseLog(), getLevels());
}

LogicalResult ParametersOp::verifyRegions() {
  if (getSecurity() != 128 && getSecurity() != 132)
    return emitOpError("security must be 128 or 132, found ") << getSecurity();
  if (getKeyAssumptions() != "standard" && getKeyAssumptions() != "extended")
    return emitOpError("key_assumptions must be 'standard' or 'extended', found '")
           << getKeyAssumptions() << "'";
  for (Operation &op : getBody().front()) {
    bool isClear = isa<ClearKeyOp>(op);
    if (!isClear && !isa<LweKeyOp, GlweKeyOp, KeyswitchKeyOp, BootstrapKeyOp>(op))
      return op.emitOpError("is neither a key nor a conversion");
    if (isClear != getClearOnly())
      return op.emitOpError(isClear ? "is only for clear_only parameters"
                                    : "must not stand in clear_only parameters");
  }
  if (getClearOnly() && !llvm::hasSingleElement(getBody().front()))
    return emitOpError("clear_only parameters hold exactly one tfhe.clear_key");
  return success();
}
