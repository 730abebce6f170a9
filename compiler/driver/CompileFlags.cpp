//===- CompileFlags.cpp - The command line of a compilation ---------------------===//
#include "compiler/driver/CompileFlags.h"
#include "runtime/tfhe/portable_math.h"
#include <cmath>
#include <map>

namespace fhe {

std::string usageMessage(const CLI::App *app, const CLI::Error &error) {
  return app->get_name() + ": error: " + error.what() + "\nRun " + app->get_name() +
         " --help for the options.\n";
}

NamedFile parseNamedFile(const std::string &text) {
  // A path may hold a '=' of its own: only what precedes the first one and has no '/' is a name.
  size_t equals = text.find('=');
  if (equals == std::string::npos || text.find('/') < equals)
    return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void CompileFlags::declare(CLI::App &app, const std::string &outputsName) {
  outputsFlag = outputsName;
  size_t before = app.get_options().size();
  app.add_option("--calibration", calibrationTexts,
                 "Values of an input ([NAME=]FILE.npy, float32, samples first); their ranges are "
                 "recorded as observed")
      ->type_name("[NAME=]F.npy")
      ->take_all();
  app.add_option("--overflow", overflow,
                 "proven: sized for every possible input (default). calibrated: for the observed "
                 "ranges, values outside wrap")
      ->type_name("proven|calibrated")
      ->check(CLI::IsMember({"proven", "calibrated"}));
  app.add_option("--max-accumulator-bits", options.maxAccumulatorBits,
                 "Refuse accumulators wider than this (default 16)")
      ->type_name("BITS")
      ->check(CLI::Range(1u, 40u));
  roundOption = app.add_option("--round-accumulators", roundAccumulators,
                               "Look tables up with the precision of P bits")
                    ->type_name("P")
                    ->check(CLI::Range(1u, 8u));
  app.add_option("--rounding", rounding, "How accumulators are rounded (default approximate)")
      ->type_name("approximate")
      ->check(CLI::IsMember({"approximate"}));
  app.add_option("--unequal-scales", unequalScales,
                 "Where encrypted tensors meet whose scales are in no ratio of small integers. rescale "
                 "(default): a table on one of them rounds to the finer scale. refuse: say so")
      ->type_name("rescale|refuse")
      ->check(CLI::IsMember({"rescale", "refuse"}));
  app.add_option("--encrypted-products", encryptedProducts,
                 "Products of two encrypted tensors. refuse (default). tables: two tables of squares a "
                 "product, for operands of few bits")
      ->type_name("refuse|tables")
      ->check(CLI::IsMember({"refuse", "tables"}));
  app.add_option("--input-bits", inputBits,
                 "Declare a quantizer of so many bits for an input that has none; with "
                 "--input-range, or with --weight-bits of all inputs")
      ->type_name("[NAME=]B")
      ->take_all();
  app.add_option("--input-range", inputRanges, "The range that quantizer covers")
      ->type_name("[NAME=]LO:HI")
      ->take_all();
  app.add_flag("--freeze-statistics", freezeStatistics,
               "Normalizations by statistics of their input (LayerNorm, InstanceNorm, GroupNorm): take "
               "the means over the values of --calibration in their place");
  app.add_option(outputsFlag, outputs,
                 "raw: results are the integers of the last layer as they are, without the quantizer "
                 "that ends the network. quantized: every result goes through a quantizer "
                 "(default: as the file has it)")
      ->type_name("raw|quantized")
      ->check(CLI::IsMember({"raw", "quantized"}));
  declareQuantization(app);
  declareParameters(app);
  std::vector<CLI::Option *> options = app.get_options();
  all.assign(options.begin() + before, options.end());
}

void CompileFlags::declareQuantization(CLI::App &app) {
  weightBitsOption = app.add_option("--weight-bits", quantize.weightBits,
                                    "Quantize a float network from the values of --calibration: bits of a "
                                    "weight (2 to 8); with --activation-bits")
                         ->type_name("W");
  activationBitsOption =
      app.add_option("--activation-bits", quantize.activationBits, "Bits of an activation (1 to 8)")
          ->type_name("A")
          ->needs(weightBitsOption);
  weightBitsOption->needs(activationBitsOption);
  app.add_option("--output-bits", quantize.outputBits,
                 "Quantize the results, too, on so many bits (default: only those that are no affine "
                 "function of integers, on 8)")
      ->type_name("B")
      ->needs(weightBitsOption);
  app.add_flag("--per-tensor", quantize.perTensor,
               "One scale a weight tensor, nearest integers, ranges from smallest to largest value "
               "(default: a scale an output channel, integers and biases of least error)")
      ->needs(weightBitsOption);
  app.add_flag("--asymmetric-weights", quantize.asymmetricWeights,
               "Weights with zero points (default: symmetric, without the lowest integer)")
      ->needs(weightBitsOption);
  app.add_option("--activation-range", activationRange,
                 "How the range of an activation is chosen: smallest to largest value, without the "
                 "outermost 0.05 % at each end, least error of the values, or least error of the "
                 "network's results (default)")
      ->type_name("min-max|percentile|least-error|output-error")
      ->check(CLI::IsMember({"min-max", "percentile", "least-error", "output-error"}))
      ->needs(weightBitsOption);
}

void CompileFlags::declareParameters(CLI::App &app) {
  CLI::Option *each =
      app.add_option("--p-error", pError,
                     "Most failure probability of a table or an output without one: 2^-40 "
                     "(default), 1e-3, 0.001; 2^-256 to 0.5")
          ->type_name("P");
  app.add_option("--global-p-error", globalPError,
                 "Most failure probability of one inference, instead of --p-error")
      ->type_name("P")
      ->excludes(each);
  app.add_option("--security", options.parameters.securityBits,
                 "Bits of security of every key (default 128)")
      ->type_name("128|132")
      ->check(CLI::IsMember({128u, 132u}));
  app.add_option("--max-key-bytes", maxKeyBytes,
                 "Most bytes of the evaluation key as it is stored; 500M, 2G: powers of 1000")
      ->type_name("BYTES");
  app.add_option("--max-memory", maxMemory,
                 "Most bytes of a server's memory for one sample, keys included")
      ->type_name("BYTES");
  app.add_option("--max-parameter-sets", options.parameters.maxSets,
                 "Most parameter sets of the network (default 8): layers of different table bits may "
                 "have different keys where that is cheaper; 1: one set for all")
      ->type_name("N")
      ->check(CLI::Range(1u, defaultMaxSets));
  app.add_option("--key-assumptions", keyAssumptions,
                 "What security may rest on. standard (default): LWE and GLWE with uniform binary "
                 "keys. extended: also partial GLWE keys and nested LWE keys, which cost less")
      ->type_name("standard|extended")
      ->check(CLI::IsMember({"standard", "extended"}));
  app.add_option("--noise", noise,
                 "Noise of keys and encryptions: gaussian (default of the profile private) or "
                 "tuniform (of shareable), bounded and drawn in constant time")
      ->type_name("gaussian|tuniform")
      ->check(CLI::IsMember({"gaussian", "tuniform"}));
  app.add_option("--profile", profile,
                 "private (default): decrypted results must not reach the server. shareable: they "
                 "may; 2^-128 for every table and output, exact tables, proven ranges")
      ->type_name("private|shareable")
      ->check(CLI::IsMember({"private", "shareable"}));
}

bool CompileFlags::given() const {
  for (const CLI::Option *option : all)
    if (option->count())
      return true;
  return false;
}

static double parseReal(const std::string &flag, const std::string &text) {
  size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception &) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !std::isfinite(value))
    throw CLI::ValidationError(flag, "'" + text + "' is not a number");
  return value;
}

/// LO:HI with LO < HI.
static std::pair<double, double> parseRange(const std::string &text) {
  size_t colon = text.find(':');
  if (colon == std::string::npos)
    throw CLI::ValidationError("--input-range", "'" + text + "' is not of the form LO:HI");
  double lo = parseReal("--input-range", text.substr(0, colon));
  double hi = parseReal("--input-range", text.substr(colon + 1));
  if (!(lo < hi))
    throw CLI::ValidationError("--input-range",
                               "the lower end of '" + text + "' is not below the upper one");
  return {lo, hi};
}

static unsigned parseBits(const std::string &text) {
  double bits = parseReal("--input-bits", text);
  if (bits != std::floor(bits) || bits < 1 || bits > 16)
    throw CLI::ValidationError("--input-bits",
                               "'" + text + "' is not a number of bits from 1 to 16");
  return static_cast<unsigned>(bits);
}

/// "2^-40", "1e-3" or "0.001" as a logarithm.
static double parseProbability(const std::string &flag, const std::string &text) {
  bool power = text.compare(0, 2, "2^") == 0;
  double value = parseReal(flag, power ? text.substr(2) : text);
  // Not std::log2: the same bytes on every machine.
  double log2 = power ? value : value > 0 ? tfhe::portableLog2(value) : 0;
  if (!(log2 >= leastLog2PError && log2 <= mostLog2PError))
    throw CLI::ValidationError(flag, "'" + text + "' is not a probability from 2^-256 to 0.5");
  return log2;
}

/// A number of bytes with K, M, G or T for powers of 1000.
static uint64_t parseBytes(const std::string &flag, const std::string &text) {
  constexpr double most = 1e18;
  static const std::map<char, double> units = {{'K', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}};
  auto unit = text.empty() ? units.end() : units.find(text.back());
  bool hasUnit = unit != units.end();
  std::string digits = hasUnit ? text.substr(0, text.size() - 1) : text;
  double bytes = 0;
  if (!digits.empty() && digits.find_first_not_of("0123456789.") == std::string::npos)
    bytes = std::floor(parseReal(flag, digits) * (hasUnit ? unit->second : 1));
  if (!(bytes >= 1 && bytes <= most))
    throw CLI::ValidationError(flag,
                               "'" + text + "' is not a number of bytes (500000, 500K, 500M, 2G)");
  return static_cast<uint64_t>(bytes);
}

void CompileFlags::finishParameters() {
  ParameterOptions &parameters = options.parameters;
  if (!pError.empty())
    parameters.log2PError = parseProbability("--p-error", pError);
  if (!globalPError.empty()) {
    parameters.log2PError = std::nullopt;
    parameters.log2Global = parseProbability("--global-p-error", globalPError);
  }
  if (!maxKeyBytes.empty())
    parameters.maxKeyBytes = parseBytes("--max-key-bytes", maxKeyBytes);
  if (!maxMemory.empty())
    parameters.maxMemory = parseBytes("--max-memory", maxMemory);
  parameters.extendedKeys = keyAssumptions == "extended";
  bool shareable = profile == "shareable";
  if (shareable) {
    parameters.profile = Profile::shareable;
    if (pError.empty()) // beside a budget for the inference, if there is one
      parameters.log2PError = shareableLog2PError;
  }
  if (noise.empty() ? shareable : noise == "tuniform")
    parameters.noise = tfhe::NoiseKind::tuniform;
}

/// True if the network is to be quantized.
bool CompileFlags::finishQuantization() {
  if (!weightBitsOption->count())
    return false;
  if (!inputRanges.empty())
    throw CLI::ValidationError("--input-range", "ranges come from the calibration values with --weight-bits");
  if (calibrationTexts.empty())
    throw CLI::ValidationError("--weight-bits", "quantizing a network needs --calibration F.npy");
  if (inputBits.size() > 1 || (inputBits.size() == 1 && !parseNamedFile(inputBits[0]).first.empty()))
    throw CLI::ValidationError("--input-bits", "is one number for all inputs with --weight-bits");
  if (!inputBits.empty())
    quantize.inputBits = parseBits(inputBits[0]);
  static const std::map<std::string, RangeMethod> methods = {{"min-max", RangeMethod::MinMax},
                                                             {"percentile", RangeMethod::Percentile},
                                                             {"least-error", RangeMethod::LeastError},
                                                             {"output-error", RangeMethod::Output}};
  if (activationRange.empty())
    quantize.range = quantize.perTensor ? RangeMethod::MinMax : RangeMethod::Output;
  else
    quantize.range = methods.at(activationRange);
  if (outputs == "raw" && quantize.outputBits)
    throw CLI::ValidationError(outputsFlag, "raw results have no quantizer, --output-bits asks for one");
  if (outputs == "quantized" && !quantize.outputBits)
    quantize.outputBits = defaultOutputBits;
  options.quantize = quantize;
  return true;
}

void CompileFlags::finish() {
  finishParameters();
  bool quantizes = finishQuantization();
  options.overflow = overflow == "calibrated" ? Overflow::Calibrated : Overflow::Proven;
  if (!outputs.empty())
    options.outputs = outputs == "raw" ? OutputForm::Raw : OutputForm::Quantized;
  options.exactScales = unequalScales == "refuse";
  options.encryptedProducts = encryptedProducts == "tables";
  if (roundOption->count())
    options.roundAccumulators = roundAccumulators;
  std::map<std::string, DeclaredInput> declared;
  for (const std::string &text : quantizes ? std::vector<std::string>() : inputBits) {
    auto [name, bits] = parseNamedFile(text);
    declared[name].bits = parseBits(bits);
  }
  std::map<std::string, bool> ranged;
  for (const std::string &text : inputRanges) {
    auto [name, range] = parseNamedFile(text);
    std::tie(declared[name].lo, declared[name].hi) = parseRange(range);
    ranged[name] = true;
  }
  for (auto &[name, input] : declared) {
    if (!input.bits || !ranged[name])
      throw CLI::ValidationError(input.bits ? "--input-bits" : "--input-range",
                                 "--input-bits and --input-range declare an input together");
    input.name = name;
    options.declaredInputs.push_back(input);
  }
  for (const std::string &text : calibrationTexts) {
    calibration.push_back(parseNamedFile(text));
    const std::string &name = calibration.back().first;
    for (size_t i = 0; i + 1 < calibration.size(); ++i)
      if (calibration[i].first == name)
        throw CLI::ValidationError("--calibration", (name.empty() ? "the input" : "input '" + name + "'") +
                                                        std::string(" is given twice"));
  }
  if (freezeStatistics && calibration.empty())
    throw CLI::ValidationError("--freeze-statistics", "takes the statistics of --calibration F.npy");
  if (options.overflow == Overflow::Calibrated && calibration.empty())
    throw CLI::ValidationError("--overflow", "calibrated ranges need --calibration F.npy");
}

} // namespace fhe
