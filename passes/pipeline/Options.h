//===- Options.h - What a compilation is asked for ------------------------------===//
//
// One plain struct that the driver fills from the command line and every stage
// reads. Defaults are those of `fhe-compile` (docs/architecture.md).
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PIPELINE_OPTIONS_H
#define PASSES_PIPELINE_OPTIONS_H

#include "passes/parameters/ParameterOptions.h"
#include "passes/quantize/QuantizeOptions.h"
#include <optional>
#include <string>
#include <vector>

namespace fhe {

/// `--input-bits B --input-range LO:HI`: x = LO + q (HI-LO)/(2^B-1), q in 0..2^B-1, for an input
/// that has no quantizer of its own. An empty name means the only input.
struct DeclaredInput {
  std::string name;
  unsigned bits = 0;
  double lo = 0, hi = 0;
};

enum class Overflow { Proven, Calibrated };

/// --outputs: results without the quantizer that ends the network, or all with one; else as the file has it.
enum class OutputForm { AsGiven, Raw, Quantized };

struct CompileOptions {
  std::vector<DeclaredInput> declaredInputs;
  Overflow overflow = Overflow::Proven;
  unsigned maxAccumulatorBits = 16;
  std::optional<unsigned> roundAccumulators; ///< P of --round-accumulators (approximate)
  ParameterOptions parameters;
  std::optional<QuantizeOptions> quantize; ///< quantizers for a float network, from calibration values
  OutputForm outputs = OutputForm::AsGiven;
  bool floatNetwork = false; ///< import networks without quantizers, too (float evaluation)
  bool exactScales = false;       ///< --unequal-scales=refuse: none meet by a table
  bool encryptedProducts = false; ///< --encrypted-products=tables
  bool directTables = false; ///< every table keeps its padding bit: to compare with
  bool clearOnly = false; ///< no parameters: the object runs in clear mode only
  /// The words of the command as it was typed: help lines repeat it with a change. Empty where there
  /// was none.
  std::vector<std::string> command;
};

} // namespace fhe

#endif // PASSES_PIPELINE_OPTIONS_H
