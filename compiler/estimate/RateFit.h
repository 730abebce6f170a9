//===- RateFit.h - From measured kernels to the rates of the cost model ----------------------===//
//
// `measureRates` times the kernels over the shapes a parameter set may have and fits
// the rates to them; `scaleRates` measures a few shapes, in about a second, and
// scales rates that were fitted before. Rates travel as JSON, one number a member.
//
//===----------------------------------------------------------------------------------------===//
#ifndef COMPILER_ESTIMATE_RATEFIT_H
#define COMPILER_ESTIMATE_RATEFIT_H

#include "passes/parameters/KernelCost.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fhe::estimate {

using parameters::KernelRates;

/// One measured step of a blind rotation.
struct StepTime {
  ::fhe::tfhe::GlweKey glwe;
  unsigned levels = 0;
  double seconds = 0;
};

/// The four rates and two working sets of a step that leave the least sum of squared relative
/// errors: linear least squares in what each unit costs, no cost negative, over a grid of working
/// sets. The other members of `rates` stay.
void fitSteps(const std::vector<StepTime> &steps, KernelRates &rates);

/// Largest relative error of the model at the measured shapes.
double largestError(const std::vector<StepTime> &steps, const KernelRates &rates);

/// The whole measurement, some minutes: each line of it goes to `print`. Empty without memory.
std::optional<KernelRates> measureRates(const std::function<void(const std::string &)> &print);

/// `rates` scaled to this machine: 1 to 2 s. Empty without memory.
std::optional<KernelRates> scaleRates(const KernelRates &rates);

/// As an initializer in KernelCost.cpp.
std::string toSource(const KernelRates &rates);

/// JSON, ends with a newline.
std::string toJson(const KernelRates &rates);

/// The rates of a JSON text of `toJson`; on an error a sentence that says what is wrong in `error`.
std::optional<KernelRates> ratesFromJson(const std::string &text, std::string &error);

} // namespace fhe::estimate

#endif // COMPILER_ESTIMATE_RATEFIT_H
