//===- ParameterOptions.h - What parameters are asked for
//--------------------------------------===//
//
// The options of fhe-compile that concern parameters, in one struct: the driver fills it, the
// passes carry it (as textual options of their own, so that fhe-opt has them too), and the search
// reads its budget and limits from it. No LLVM here.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_PARAMETEROPTIONS_H
#define PASSES_PARAMETERS_PARAMETEROPTIONS_H

#include "passes/parameters/Search.h"
#include <algorithm>

namespace fhe {

/// Whom decrypted results may be shown to (docs/security.md).
enum class Profile {
  privateResults, ///< only the owner of the key
  shareable,      ///< anyone: 2^-128 everywhere, exact tables, proven ranges
};

/// Failure probabilities that parameters exist for, as logarithms.
inline constexpr double leastLog2PError = -256, mostLog2PError = -1;

/// One for each width of table that has parameters.
inline constexpr unsigned defaultMaxSets = 8;

struct ParameterOptions {
  /// Of one element of a table or an output; none: only `log2Global` counts.
  std::optional<double> log2PError = -40;
  std::optional<double> log2Global;    ///< of any table or output of one inference
  unsigned securityBits = 128;         ///< 128 or 132
  std::optional<uint64_t> maxKeyBytes; ///< stored evaluation keys
  std::optional<uint64_t> maxMemory;   ///< of a server, one sample at a time
  /// Of all arenas and results with one set, once planned, for `maxMemory`; else it is estimated.
  std::optional<double> ciphertexts;
  bool extendedKeys = false; ///< partial and nested keys, whose security is an assumption of its own
  ::fhe::tfhe::NoiseKind noise = ::fhe::tfhe::NoiseKind::gaussian;
  Profile profile = Profile::privateResults;
  unsigned maxSets = defaultMaxSets; ///< parameter sets of a network
  /// What the search prices by; other than the committed ones with --tune.
  parameters::KernelRates rates = parameters::committedRates();
  bool tuned = false;

  /// What one element of a table or an output may fail with at most, whichever budget says so.
  double log2PerElement() const { return std::min(log2PError.value_or(0), log2Global.value_or(0)); }
  /// Whether parameters exist for such a budget and security at all.
  bool isValid() const {
    auto inRange = [](double log2) { return log2 <= mostLog2PError && log2 >= leastLog2PError; };
    return (log2PError || log2Global) && inRange(log2PError.value_or(-1)) &&
           inRange(log2Global.value_or(-1)) && (securityBits == 128 || securityBits == 132);
  }
  parameters::FailureBudget budget() const { return {log2PError, log2Global}; }
  parameters::Limits limits() const { return {maxKeyBytes, maxMemory}; }
};

/// On a tfhe module: "private" (or absent) or "shareable".
inline constexpr const char profileAttr[] = "tfhe.profile";

/// The most that the profile "shareable" allows.
inline constexpr double shareableLog2PError = -128;

/// Copies to and from the options of a pass (passes/tfhe/Passes.td), where 0 stands for "not
/// given".
template <typename PassOptions>
void setPassOptions(PassOptions &to, const ParameterOptions &from) {
  to.log2PError = from.log2PError.value_or(0);
  to.log2GlobalPError = from.log2Global.value_or(0);
  to.security = from.securityBits;
  to.maxKeyBytes = from.maxKeyBytes.value_or(0);
  to.maxMemory = from.maxMemory.value_or(0);
  to.extendedKeys = from.extendedKeys;
  to.tuniform = from.noise == ::fhe::tfhe::NoiseKind::tuniform;
  to.shareable = from.profile == Profile::shareable;
  to.maxSets = from.maxSets;
}

inline ParameterOptions parameterOptions(double log2PError, double log2GlobalPError,
                                         unsigned security, uint64_t maxKeyBytes,
                                         uint64_t maxMemory, bool extendedKeys, bool tuniform,
                                         bool shareable, unsigned maxSets = defaultMaxSets) {
  auto given = [](auto value) {
    return value == decltype(value)(0) ? std::nullopt : std::optional(value);
  };
  return {given(log2PError),
          given(log2GlobalPError),
          security,
          given(maxKeyBytes),
          given(maxMemory),
          std::nullopt,
          extendedKeys,
          tuniform ? ::fhe::tfhe::NoiseKind::tuniform : ::fhe::tfhe::NoiseKind::gaussian,
          shareable ? Profile::shareable : Profile::privateResults,
          maxSets};
}

} // namespace fhe

#endif // PASSES_PARAMETERS_PARAMETEROPTIONS_H
