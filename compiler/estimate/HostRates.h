//===- HostRates.h - Rates of the machine this runs on ----------------------------------------===//
//
// Measured once, in a second or two, and kept in the user's cache folder for this
// processor, instruction set and version. A cache that cannot be read or written
// costs another measurement, nothing else.
//
//===----------------------------------------------------------------------------------------===//
#ifndef COMPILER_ESTIMATE_HOSTRATES_H
#define COMPILER_ESTIMATE_HOSTRATES_H

#include "compiler/estimate/RateFit.h"

namespace fhe::estimate {

/// Rates, and where they are from in words.
struct NamedRates {
  KernelRates rates;
  std::string source;
};

/// The committed rates scaled to this machine, from the cache or measured now. The committed ones
/// where there is no memory to measure.
NamedRates hostRates();

/// "committed", "" or "host", or a file of rates. On an error a sentence in `error`.
std::optional<NamedRates> ratesOf(const std::string &asked, std::string &error);

/// Where hostRates keeps what it measured: $XDG_CACHE_HOME or $HOME/.cache, then
/// fhe-compile/kernel-rates-KEY.json; empty if neither variable is set.
std::string hostRatesFile();

} // namespace fhe::estimate

#endif // COMPILER_ESTIMATE_HOSTRATES_H
