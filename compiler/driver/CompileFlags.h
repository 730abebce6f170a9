//===- CompileFlags.h - The command line of a compilation -----------------------===//
//
// The flags fhe-compile and fhe-run (on an .onnx file) share, and the options they
// stand for. A flag that is not built does not exist here: it is a usage error.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_COMPILEFLAGS_H
#define COMPILER_DRIVER_COMPILEFLAGS_H

#include "passes/pipeline/Options.h"
#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace fhe {

/// An input's name ("" for the only one) and a .npy file of values for it.
using NamedFile = std::pair<std::string, std::string>;

/// A wrong command line as all commands report it: the program first, then the way to its help.
std::string usageMessage(const CLI::App *app, const CLI::Error &error);

/// Splits "[NAME=]FILE".
NamedFile parseNamedFile(const std::string &text);

/// What the command line said, as text where it needs checking together.
class CompileFlags {
public:
  /// Declares the flags on `app`. `outputsFlag` is another name for --outputs where that one is taken.
  void declare(CLI::App &app, const std::string &outputsFlag = "--outputs");

  /// True if any of them was given.
  bool given() const;

  /// Checks them together and fills the options; throws CLI::ValidationError on wrong usage.
  void finish();

  CompileOptions options;
  std::vector<NamedFile> calibration;
  bool freezeStatistics = false; ///< --freeze-statistics

private:
  void declareParameters(CLI::App &app);
  void declareQuantization(CLI::App &app);
  bool finishQuantization();
  void finishParameters();

  std::string overflow = "proven", rounding = "approximate";
  std::string unequalScales = "rescale", encryptedProducts = "refuse";
  std::vector<std::string> calibrationTexts, inputBits, inputRanges;
  unsigned roundAccumulators = 0;
  CLI::Option *roundOption = nullptr;
  QuantizeOptions quantize;
  std::string activationRange, outputs, outputsFlag;
  CLI::Option *weightBitsOption = nullptr, *activationBitsOption = nullptr;
  std::string pError, globalPError, maxKeyBytes, maxMemory, keyAssumptions, noise, profile;
  std::vector<CLI::Option *> all;
};

} // namespace fhe

#endif // COMPILER_DRIVER_COMPILEFLAGS_H
