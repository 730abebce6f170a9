//===- Report.cpp - What a compilation found, layer by layer ---------------------===//
#include "compiler/report/Report.h"
#include "dialects/shared/NodeLocation.h"
#include "passes/parameters/CostModel.h"
#include "passes/parameters/Disagreements.h"
#include "passes/tfhe/ArenaPlan.h"
#include "passes/tfhe/Layers.h"
#include "passes/tfhe/ProgramInterface.h"
#include "runtime/tfhe/noise.h"
#include "runtime/tfhe/portable_math.h"
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::ordered_json;
namespace ir = fhe::tfhe_ir;

namespace fhe::report {

//===----------------------------------------------------------------------===//
// The fhe level
//===----------------------------------------------------------------------===//

static Layer describe(Operation *op, int64_t number) {
  Layer layer;
  layer.op = op->getName().getStringRef().str();
  layer.onnxNode = "accumulator_" + std::to_string(number);
  if (auto node = primaryNode(op->getLoc())) {
    layer.onnxNode = node->name.str();
    layer.tensor = node->output.str();
    if (!node->op.empty())
      layer.op = node->op.str();
  }
  auto type = cast<IntType>(cast<RankedTensorType>(op->getResult(0).getType()).getElementType());
  layer.interval = layer.proven = {type.getLo(), type.getHi()};
  if (auto ranges = op->getAttrOfType<RangesAttr>("ranges")) {
    layer.interval = {ranges.getInterval()[0], ranges.getInterval()[1]};
    layer.proven = {ranges.getProven()[0], ranges.getProven()[1]};
    if (!ranges.getObserved().empty())
      layer.observed = {ranges.getObserved()[0], ranges.getObserved()[1]};
  }
  layer.accumulatorBits = accumulatorBits(layer.interval[0], layer.interval[1]);
  return layer;
}

Report collect(ModuleOp fhe, llvm::StringRef name, const CompileOptions &options) {
  Report report;
  report.name = name;
  report.options = options;
  report.clearOnly = options.clearOnly;
  auto main = fhe.lookupSymbol<func::FuncOp>("main");
  if (!main || !llvm::hasSingleElement(main.getBody()))
    return report;
  LayerNumbers numbers = numberLayers(main);
  for (auto [op, number] : numbers) {
    report.layers.push_back(describe(op, number));
    report.maxAccumulatorBits =
        std::max(report.maxAccumulatorBits, report.layers.back().accumulatorBits);
  }
  for (LutOp lut : main.getOps<LutOp>()) {
    uint64_t count = cast<RankedTensorType>(lut.getInput().getType()).getNumElements() *
                     lut.getOutputs().size();
    report.tables += count;
    std::optional<int64_t> number = layerOf(lut.getInput(), numbers);
    if (!number)
      continue;
    Layer &layer = report.layers[*number];
    layer.tables += count;
    unsigned bits = lut.getWidth() + lut.getLog2Step();
    if (!layer.tableInputBits || *layer.tableInputBits < bits) {
      layer.tableInputBits = bits;
      layer.roundedBits = lut.getRoundedWidth();
    }
  }
  return report;
}

//===----------------------------------------------------------------------===//
// The tfhe level
//===----------------------------------------------------------------------===//

static void addTo(std::optional<double> &sum, double value) { sum = sum.value_or(0) + value; }

static void addFailure(std::optional<double> &sum, double log2Failure, double elements) {
  double log2Any = ::fhe::tfhe::log2AnyOf(log2Failure, elements);
  sum = sum ? std::min(0.0, ::fhe::tfhe::log2Add(*sum, log2Any)) : log2Any;
}

static void addDisagreements(Disagreements &sum, ir::LookupOp lookup) {
  if (lookup.getMostDisagreements())
    addTo(sum.atMost, lookup.getMostDisagreements()->convertToDouble());
  if (lookup.getExpectedDisagreements())
    addTo(sum.expected, lookup.getExpectedDisagreements()->convertToDouble());
}

/// The layer that an operation's attribute names.
static Layer *layerAt(Report &report, Operation *op) {
  auto number = op ? op->getAttrOfType<IntegerAttr>("layer") : IntegerAttr();
  if (!number || number.getInt() < 0 || uint64_t(number.getInt()) >= report.layers.size())
    return nullptr;
  return &report.layers[number.getInt()];
}

/// The set an operation belongs to: that of a lookup is named by its bootstrap key where there are
/// several, everything else runs under no set of its own.
static std::string setNameOf(Operation &op, ir::ParametersOp parameters) {
  auto bootstraps = parameters.getOps<ir::BootstrapKeyOp>();
  auto lookup = dyn_cast<ir::LookupOp>(op);
  if (!lookup || llvm::hasSingleElement(bootstraps))
    return parameters.getSymName().str();
  return (parameters.getSymName() + "::" + lookup.getBootstrap()->getLeafReference().getValue())
      .str();
}

static void addOperation(Report &report, Operation &op, ir::ParametersOp parameters) {
  Layer *layer = layerAt(report, &op);
  if (auto norm = op.getAttrOfType<FloatAttr>("norm2"); norm && layer)
    layer->norm2 = norm.getValueAsDouble();
  if (parameters.getClearOnly())
    return;
  double seconds =
      parameters::operationSeconds(&op, parameters, report.options.parameters.rates);
  addTo(report.predictedSeconds, seconds);
  if (auto lookup = dyn_cast<ir::LookupOp>(op)) {
    addDisagreements(report.disagreements, lookup);
    if (layer)
      addDisagreements(layer->disagreements, lookup);
  }
  if (!layer)
    return;
  if (!layer->parameterSet || isa<ir::LookupOp>(op))
    layer->parameterSet = setNameOf(op, parameters);
  addTo(layer->predictedSeconds, seconds);
  if (auto lookup = dyn_cast<ir::LookupOp>(op); lookup && lookup.getLog2Failure())
    addFailure(layer->log2Failure, lookup.getLog2Failure()->convertToDouble(),
               ir::elementsOf(lookup.getInput()));
}

/// Results that no table stands before fail by themselves.
static void addResults(Report &report, func::FuncOp main) {
  for (OpOperand &operand : main.front().getTerminator()->getOpOperands()) {
    auto log2Failure = main.getResultAttrOfType<FloatAttr>(operand.getOperandNumber(), ir::failureAttr);
    Value owner = slotOwner(operand.get());
    Operation *op = owner.getDefiningOp();
    while (op && isa<ir::GatherOp>(op) && op->getNumOperands() == 1)
      op = slotOwner(op->getOperand(0)).getDefiningOp();
    if (op && isa<ir::LookupOp>(op))
      continue;
    if (Layer *layer = layerAt(report, op); layer && log2Failure)
      addFailure(layer->log2Failure, log2Failure.getValueAsDouble(), ir::elementsOf(operand.get()));
  }
}

static LedgerEntry ledgerEntry(Value value, unsigned bits, double log2HalfSlot, double noiseStd,
                               double log2Failure) {
  LedgerEntry entry;
  entry.bits = bits;
  entry.elements = ir::elementsOf(value);
  // Without noise nothing fails; a number stands for minus infinity, as in the IR.
  entry.log2NoiseStd = noiseStd > 0 ? ::fhe::tfhe::portableLog2(noiseStd) : -1e6;
  entry.log2HalfSlot = log2HalfSlot;
  entry.log2Failure = log2Failure;
  entry.log2AnyFailure = ::fhe::tfhe::log2AnyOf(log2Failure, double(entry.elements));
  return entry;
}

static void addLedger(Report &report, func::FuncOp main) {
  for (ir::LookupOp lookup : main.getOps<ir::LookupOp>()) {
    if (!lookup.getNoiseStd() || !lookup.getLog2Failure())
      continue;
    unsigned bits = lookup.getPrecision();
    LedgerEntry entry = ledgerEntry(lookup.getInput(), bits,
                                    -double(bits) - 1 - double(lookup.getPaddingBits()),
                                    lookup.getNoiseStd()->convertToDouble(),
                                    lookup.getLog2Failure()->convertToDouble());
    if (bits != lookup.getWidth())
      entry.steps = parameters::mostStepsWithinPrecision(lookup);
    if (auto node = primaryNode(lookup.getLoc()))
      entry.onnxNode = node->name.str();
    report.tableLedger.push_back(entry);
  }
  for (OpOperand &operand : main.front().getTerminator()->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    auto noise = main.getResultAttrOfType<FloatAttr>(number, ir::noiseAttr);
    auto failure = main.getResultAttrOfType<FloatAttr>(number, ir::failureAttr);
    if (!noise || !failure)
      continue;
    unsigned bits = 64 - unsigned(ir::lweOf(operand.get()).getLog2Delta());
    LedgerEntry entry = ledgerEntry(operand.get(), bits, -double(bits) - 1,
                                    noise.getValueAsDouble(), failure.getValueAsDouble());
    if (auto client = main.getResultAttrOfType<DictionaryAttr>(number, ir::clientAttr))
      if (auto name = client.getAs<StringAttr>("name"))
        entry.onnxNode = name.str();
    report.outputLedger.push_back(entry);
  }
}

std::optional<double> log2FailureOfAMillion(const Report &report) {
  if (!report.log2Failure)
    return std::nullopt;
  return ::fhe::tfhe::log2AnyOf(*report.log2Failure, 1e6);
}

static void addSizes(Report &report, func::FuncOp main, ir::ParametersOp parameters) {
  parameters::KeyBytes keys = parameters::evaluationKeyBytes(parameters);
  report.evaluationKeyBytes = keys.stored;
  report.evaluationKeyMemory = keys.memory;
  // As a client sends them: a seed for the masks and one word an element.
  report.inputBytes = 0;
  for (Value argument : main.getArguments())
    *report.inputBytes += 16 + 8 * ir::elementsOf(argument);
  auto arenas = main->getAttrOfType<DictionaryAttr>(arenaAttr);
  if (arenas)
    report.peakBytes = parameters::peakBytes(main, arenas, parameters);
}

void addParameters(Report &report, ModuleOp tfhe) {
  auto main = tfhe.lookupSymbol<func::FuncOp>("main");
  auto all = tfhe.getOps<ir::ParametersOp>();
  if (!main || !llvm::hasSingleElement(main.getBody()) || !llvm::hasSingleElement(all))
    return;
  ir::ParametersOp parameters = *all.begin();
  for (Operation &op : main.front().without_terminator())
    addOperation(report, op, parameters);
  if (parameters.getClearOnly())
    return;
  addResults(report, main);
  addLedger(report, main);
  report.securityBits = parameters.getSecurity();
  if (auto log2Failure = tfhe->getAttrOfType<FloatAttr>(ir::failureAttr))
    report.log2Failure = log2Failure.getValueAsDouble();
  addSizes(report, main, parameters);
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

template <typename T>
static Json orNull(const std::optional<T> &value) {
  return value ? Json(*value) : Json();
}
/// `name` and its logarithm; what no double above 0 holds is null beside a logarithm that is there.
static void addProbability(Json &entry, const std::optional<double> &log2) {
  double value = log2 ? ::fhe::tfhe::portableExp2(*log2) : 0;
  entry["failure_probability"] = value > 0 ? Json(value) : Json();
  entry["log2_failure_probability"] = orNull(log2);
}
static Json toJson(const Disagreements &disagreements) {
  return {{"expected", orNull(disagreements.expected)}, {"at_most", orNull(disagreements.atMost)}};
}

static Json toJson(const LedgerEntry &entry, const char *named) {
  Json json = {{named, entry.onnxNode},
               {"bits", entry.bits},
               {"elements", entry.elements},
               {"log2_noise_std", entry.log2NoiseStd},
               {"log2_half_slot", entry.log2HalfSlot},
               {"log2_failure_probability", entry.log2Failure},
               {"log2_failure_probability_of_all", entry.log2AnyFailure}};
  if (std::string(named) == "onnx_node")
    json["rounded"] = entry.steps.has_value(), json["steps"] = orNull(entry.steps);
  return json;
}

/// Failure probabilities from one table to a million inferences; null without parameters.
static Json ledgerOf(const Report &report) {
  if (!report.log2Failure)
    return nullptr;
  Json tables = Json::array(), outputs = Json::array();
  for (const LedgerEntry &entry : report.tableLedger)
    tables.push_back(toJson(entry, "onnx_node"));
  for (const LedgerEntry &entry : report.outputLedger)
    outputs.push_back(toJson(entry, "output"));
  return {{"tables", tables},
          {"outputs", outputs},
          {"log2_failure_probability_of_an_inference", *report.log2Failure},
          {"log2_failure_probability_of_a_million_inferences", *log2FailureOfAMillion(report)}};
}

static Json toJson(const Layer &layer) {
  Json entry;
  entry["onnx_node"] = layer.onnxNode;
  entry["tensor"] = layer.tensor;
  entry["op"] = layer.op;
  entry["accumulator_interval"] = layer.interval;
  entry["accumulator_proven"] = layer.proven;
  entry["accumulator_observed"] = orNull(layer.observed);
  entry["accumulator_bits"] = layer.accumulatorBits;
  entry["table_input_bits"] = orNull(layer.tableInputBits);
  entry["rounded_bits"] = orNull(layer.roundedBits);
  entry["tables"] = layer.tables;
  entry["norm2"] = orNull(layer.norm2);
  entry["parameter_set"] = orNull(layer.parameterSet);
  addProbability(entry, layer.log2Failure);
  entry["disagreements"] = toJson(layer.disagreements);
  entry["predicted_seconds"] = orNull(layer.predictedSeconds);
  return entry;
}

static Json toJson(const CompileOptions &options) {
  Json entry, declared = Json::array();
  for (const DeclaredInput &input : options.declaredInputs)
    declared.push_back({{"name", input.name}, {"bits", input.bits}, {"range", {input.lo, input.hi}}});
  entry["declared_inputs"] = declared;
  entry["overflow"] = options.overflow == Overflow::Proven ? "proven" : "calibrated";
  entry["max_accumulator_bits"] = options.maxAccumulatorBits;
  entry["round_accumulators"] = orNull(options.roundAccumulators);
  entry["rounding"] = options.roundAccumulators ? Json("approximate") : Json();
  entry["log2_p_error"] = orNull(options.parameters.log2PError);
  entry["log2_global_p_error"] = orNull(options.parameters.log2Global);
  entry["security_bits"] = options.parameters.securityBits;
  entry["max_key_bytes"] = orNull(options.parameters.maxKeyBytes);
  entry["max_memory"] = orNull(options.parameters.maxMemory);
  entry["max_parameter_sets"] = options.parameters.maxSets;
  entry["key_assumptions"] = options.parameters.extendedKeys ? "extended" : "standard";
  bool tuniform = options.parameters.noise == ::fhe::tfhe::NoiseKind::tuniform;
  entry["noise"] = tuniform ? "tuniform" : "gaussian";
  bool shareable = options.parameters.profile == Profile::shareable;
  entry["profile"] = shareable ? "shareable" : "private";
  // What a search with other rates than the committed ones finds is of that machine.
  Json rates = "committed";
  if (options.parameters.tuned) {
    rates = Json::object();
    for (const parameters::RateMember &member : parameters::rateMembers)
      rates[member.name] = options.parameters.rates.*member.value;
  }
  entry["kernel_rates"] = rates;
  entry["clear_only"] = options.clearOnly;
  return entry;
}

std::string toJson(const Report &report) {
  Json json, layers = Json::array();
  for (const Layer &layer : report.layers)
    layers.push_back(toJson(layer));
  json["format"] = "fhe-report";
  json["format_version"] = 1;
  json["name"] = report.name;
  json["options"] = toJson(report.options);
  json["layers"] = layers;
  json["tables"] = report.tables;
  json["max_accumulator_bits"] = report.maxAccumulatorBits;
  json["security_bits"] = orNull(report.securityBits);
  addProbability(json, report.log2Failure);
  json["ledger"] = ledgerOf(report);
  json["disagreements"] = toJson(report.disagreements);
  json["predicted_seconds"] = orNull(report.predictedSeconds);
  json["bytes"] = {{"evaluation_key_stored", orNull(report.evaluationKeyBytes)},
                   {"evaluation_key_memory", orNull(report.evaluationKeyMemory)},
                   {"input", orNull(report.inputBytes)},
                   {"peak", orNull(report.peakBytes)}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

} // namespace fhe::report
