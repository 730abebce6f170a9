//===- Estimate.cpp - What a compiled network will cost ----------------------------------------===//
//
// Follows the executor (runtime/server/encrypted_executor.cpp): how it cuts a layer
// into chunks for its workers and what it keeps in memory. Sizes come from the
// library's own functions.
//
//===----------------------------------------------------------------------------------------===//
#include "compiler/estimate/Estimate.h"
#include "compiler/codegen/Codegen.h"
#include "passes/parameters/CostModel.h"
#include "passes/tfhe/ProgramInterface.h"
#include "runtime/client/manifest.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/linear.h"
#include <cmath>

using namespace mlir;
namespace ir = fhe::tfhe_ir;
namespace rt = fhe::runtime;

namespace fhe::estimate {

using ::fhe::tfhe::ParameterSet;

namespace {

/// Resident memory of fhe-run and fhe-evaluate that has loaded a model and not yet run it: code and
/// libraries, most of it the compiler that fhe-run contains (measured: 92 and 13 MB).
constexpr uint64_t runProcessBytes = 92'000'000, evaluateProcessBytes = 13'000'000;
/// What fhe-run (samplesTogether, python-free-tools/shared) puts into one turn.
constexpr uint64_t turnBytes = uint64_t(1) << 30;

uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/// How the executor cuts a layer of `total` table inputs.
struct Chunks {
  uint64_t block, items;

  Chunks(const ParameterSet &set, uint64_t total, uint64_t workers) {
    uint64_t batch = ::fhe::tfhe::bootstrapBatch(set.glwe, set.bootstrap);
    uint64_t chunk = ceilDiv(std::max<uint64_t>(batch, ::fhe::tfhe::keyswitchBatch()), batch) * batch;
    block = std::min(chunk, ceilDiv(total, workers));
    items = ceilDiv(total, block);
  }
};

/// Seconds of operations on `samples` samples, shared by `workers`.
class Clock {
public:
  Clock(const Conditions &conditions, ProgramInterface &program,
        const rt::Parameters &parameters)
      : program(program), parameters(parameters), rates(conditions.rates.rates), costs(rates),
        workers(conditions.threads) {
    double busy = std::min<double>(double(workers), rates.allCores);
    if (rates.allCores > 1)
      slowdown += (rates.allCoresSlowdown - 1) * (busy - 1) / (rates.allCores - 1);
    // More threads than cores share them.
    slowdown *= double(workers) / busy;
  }

  double seconds(Operation *op, uint64_t samples) const {
    if (auto lookup = dyn_cast<ir::LookupOp>(op))
      return lookupSeconds(lookup, samples);
    if (auto convert = dyn_cast<ir::ConvertOp>(op)) {
      double count = double(samples) * double(ir::elementsOf(convert.getInput()));
      return switchSeconds(op, convert.getKeyswitch(), count) * slowdown / double(workers);
    }
    // Read, written, and multiplied.
    double words = 0, products = 0;
    for (Value operand : op->getOperands())
      words += wordsOf(operand);
    for (Value result : op->getResults())
      words += wordsOf(result);
    if (double multiplications = parameters::multiplications(op))
      products = multiplications * wordsOf(op->getResult(0)) /
                 double(ir::elementsOf(op->getResult(0)));
    double alone = words * 8 / rates.copyBytesPerSecond + products / rates.linearPerSecond;
    return double(samples) * alone * slowdown / double(workers);
  }

private:
  /// Words of all ciphertexts of one sample of a value.
  double wordsOf(Value value) const {
    if (!isa<ir::LweType>(getElementTypeOrSelf(value.getType())))
      return 0;
    int key = keyIndex(program.parameters, ir::lweOf(value).getKey().getLeafReference());
    return key < 0 ? 0 : double(ir::elementsOf(value)) * double(parameters.words(uint32_t(key)));
  }

  /// Keyswitches and bootstraps of `count` ciphertexts on one core.
  double chunkSeconds(ir::LookupOp lookup, const ParameterSet &set, uint64_t count) const {
    const double n = set.lwe.dimension;
    uint64_t batch = ::fhe::tfhe::bootstrapBatch(set.glwe, set.bootstrap);
    const double step = costs.cmux(set.glwe, set.bootstrap.levels);
    const double bootstrapKey =
        double(::fhe::tfhe::bootstrapKeyBytes(set.lwe.dimension, set.glwe, set.bootstrap));
    // Rates are of full groups; one that is not full reads the key for fewer.
    double missing = double(ceilDiv(count, batch)) - double(count) / double(batch);
    double bootstraps =
        double(count) * (n + 1) * step + missing * bootstrapKey / rates.bootstrapKeyBytesPerSecond;
    return switchSeconds(lookup, *lookup.getKeyswitch(), double(count)) +
           double(lookup.getOutputs().size()) * bootstraps;
  }

  /// `count` keyswitches on one core.
  double switchSeconds(Operation *user, SymbolRefAttr name, double count) const {
    ir::SwitchKeys keys = ir::switchKeysOf(
        SymbolTable::lookupNearestSymbolFrom<ir::KeyswitchKeyOp>(user, name));
    uint64_t bytes = ::fhe::tfhe::keyswitchKeyBytes(keys.coefficients(), keys.to.dimension,
                                                    keys.digits, keys.to.wordBits);
    return count * costs.keyswitch(keys.coefficients(), keys.to.dimension, keys.digits.levels,
                                   keys.to.wordBits) +
           parameters::unsharedPasses(count) * costs.keyPass(bytes);
  }

  double lookupSeconds(ir::LookupOp lookup, uint64_t samples) const {
    ParameterSet set = ir::parameterSetOf(lookup);
    uint64_t total = samples * uint64_t(ir::elementsOf(lookup.getInput()));
    Chunks chunks(set, total, workers);
    double whole = chunkSeconds(lookup, set, chunks.block);
    double last = chunkSeconds(lookup, set, total - (chunks.items - 1) * chunks.block);
    // Workers take one chunk after the other: in the last round some have none.
    uint64_t rounds = (chunks.items - 1) / workers;
    bool partial = (chunks.items - 1) % workers != 0;
    return (double(rounds) * whole + (partial ? whole : last)) * slowdown;
  }

  ProgramInterface &program;
  const rt::Parameters &parameters;
  KernelRates rates;
  parameters::KernelCosts costs;
  uint64_t workers;
  double slowdown = 1; ///< of a worker among the others
};

/// What the executor keeps, by the library's own sizes.
class Memory {
public:
  Memory(ProgramInterface &program, const rt::Parameters &parameters, uint64_t workers)
      : program(program), parameters(parameters), workers(workers) {}

  uint64_t perSample() const {
    uint64_t bytes = 0;
    for (size_t key = 0; key != program.arenaElements.size(); ++key)
      bytes += uint64_t(program.arenaElements[key]) * parameters.words(uint32_t(key)) * 8;
    return bytes;
  }

  uint64_t fixed() const { return keys() + tables() + workers * scratch(); }

  /// The bodies of the evaluation key, as it is while keys are loaded from it: 64-bit words.
  uint64_t stored() const {
    uint64_t words = 0;
    for (uint32_t i = 0; i != parameters.conversions.size(); ++i)
      words += rt::bodyWords(parameters, i);
    return 8 * words;
  }

private:
  uint64_t keys() const {
    uint64_t bytes = 0;
    for (const fhe_conversion_record &record : parameters.conversions)
      bytes += record.kind == FHE_CONVERSION_KEYSWITCH
                   ? ::fhe::tfhe::LweKeyswitchKey::bytes(parameters.keyswitch(record))
                   : ::fhe::tfhe::bootstrapKeyBytes(parameters.keys[record.from_key].live,
                                                    parameters.glwe(record.to_key),
                                                    rt::Parameters::decomposition(record));
    return bytes;
  }

  uint64_t tables() const {
    uint64_t bytes = 0;
    for (ir::LookupOp lookup : program.main.getOps<ir::LookupOp>()) {
      ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
      bytes += uint64_t(shape[0]) * uint64_t(shape[1]) * 8 *
               ir::parameterSetOf(lookup).glwe.polynomialSize();
    }
    return bytes;
  }

  /// Of one worker: its largest lookup. Linear layers take less than a lookup's chunk.
  uint64_t scratch() const {
    uint64_t most = 0;
    for (ir::LookupOp lookup : program.main.getOps<ir::LookupOp>()) {
      ParameterSet set = ir::parameterSetOf(lookup);
      uint64_t chunk = Chunks(set, UINT32_MAX, 1).block;
      ir::SwitchKeys keys = ir::switchKeysOf(
          SymbolTable::lookupNearestSymbolFrom<ir::KeyswitchKeyOp>(lookup, *lookup.getKeyswitch()));
      ::fhe::tfhe::KeyswitchShape shape(keys.from.lweDimension(), keys.to.dimension, keys.digits,
                                        keys.to.wordBits, keys.shared);
      uint64_t kernel = std::max<uint64_t>(
          ::fhe::tfhe::keyswitchScratchBytes(shape),
          ::fhe::tfhe::bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
      uint64_t scaled = lookup.getLog2Factor() ? chunk * keys.from.lweWords() * 8 : 0;
      most = std::max(most, kernel + scaled + chunk * (set.lwe.words() * 8 + 4));
    }
    return most;
  }

  ProgramInterface &program;
  const rt::Parameters &parameters;
  uint64_t workers;
};

std::string describe(const ParameterSet &set) {
  auto number = [](uint64_t value) { return std::to_string(value); };
  const std::string live = set.glwe.partial() ? " (live " + number(set.glwe.live) + ")" : "";
  return "n " + number(set.lwe.dimension) + (set.lwe.nested ? " (nested)" : "") + ", k " +
         number(set.glwe.k) + ", N 2^" + number(set.glwe.log2N) + live + ", bootstrap " +
         number(set.bootstrap.levels) + " x " +
         number(set.bootstrap.baseLog) + " bits, keyswitch " + number(set.keyswitch.levels) + " x " +
         number(set.keyswitch.baseLog) + " bits of " + number(set.keyswitchWordBits());
}

template <class Specs>
uint64_t fileBytes(rt::Encoding encoding, uint64_t samples, const Specs &specs,
                   const rt::Parameters &parameters) {
  std::vector<rt::CiphertextTensor> tensors;
  for (const auto &spec : specs) {
    rt::CiphertextTensor &tensor = tensors.emplace_back();
    tensor.name = spec.name;
    tensor.elements = spec.elements;
    tensor.dimension = parameters.keys[spec.key].live;
  }
  return rt::ciphertextFileBytes(encoding, samples, tensors);
}

void addTimes(Estimate &result, ProgramInterface &program, const Clock &clock) {
  for (report::Layer &layer : result.report.layers)
    layer.predictedSeconds = 0;
  for (Operation &op : program.main.front().without_terminator()) {
    // Full turns, and the one that is left.
    double seconds =
        double(result.samples / result.samplesTogether) * clock.seconds(&op, result.samplesTogether);
    if (uint64_t rest = result.samples % result.samplesTogether)
      seconds += clock.seconds(&op, rest);
    result.seconds += seconds;
    auto number = op.getAttrOfType<IntegerAttr>("layer");
    if (number && uint64_t(number.getInt()) < result.report.layers.size())
      *result.report.layers[size_t(number.getInt())].predictedSeconds += seconds;
  }
  result.report.predictedSeconds = result.seconds;
}

} // namespace

FailureOr<Estimate> estimate(ModuleOp fhe, ModuleOp planned, llvm::StringRef name,
                             const CompileOptions &options, const Conditions &conditions) {
  FailureOr<ProgramInterface> program = readInterface(planned);
  FailureOr<std::string> manifestText = codegen::buildManifest(planned, name);
  if (failed(program) || failed(manifestText))
    return failure();
  std::unique_ptr<fhe_manifest> manifest = rt::parseManifest(*manifestText);
  Estimate result;
  result.report = report::collect(fhe, name, options);
  report::addParameters(result.report, planned);
  result.threads = conditions.threads;
  result.samples = conditions.samples;
  result.rates = conditions.rates.source;
  for (ir::LookupOp lookup : program->main.getOps<ir::LookupOp>()) {
    std::string text = describe(ir::parameterSetOf(lookup));
    if (!llvm::is_contained(result.sets, text))
      result.sets.push_back(text);
  }
  const Memory memory(*program, manifest->parameters, conditions.threads);
  result.samplesTogether = std::clamp<uint64_t>(
      turnBytes / std::max<uint64_t>(memory.perSample(), 1), 1, conditions.samples);
  addTimes(result, *program, Clock(conditions, *program, manifest->parameters));

  result.evaluationKeyBytes = rt::evaluationKeyFileBytes(manifest->parameters);
  result.inputBytes = fileBytes(rt::Encoding::seeded, result.samples, manifest->inputs,
                                manifest->parameters);
  result.outputBytes =
      fileBytes(rt::Encoding::full, result.samples, manifest->outputs, manifest->parameters);
  result.serverBytes = memory.fixed() + result.samplesTogether * memory.perSample();
  // While it prepares, the server has the key a second time, as it came; afterwards the results.
  uint64_t most = result.serverBytes + result.inputBytes +
                  std::max(memory.stored(), result.outputBytes);
  result.runPeakBytes = runProcessBytes + most;
  // fhe-evaluate runs one sample after the other unless told otherwise, and keeps no compiler.
  result.evaluatePeakBytes = evaluateProcessBytes + most;
  return result;
}

} // namespace fhe::estimate
