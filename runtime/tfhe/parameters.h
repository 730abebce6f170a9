//===- parameters.h - TFHE parameter sets, bounds and the security curve ---------------------===//
//
// Plain structs that name every number of a TFHE parameter set, the bounds inside which the
// kernels work, the sizes of the keys, and the security curve. The compiler and the runtime both
// link this (target fhe_noise): it needs neither OpenSSL nor oneTBB nor LLVM.
//
// The torus is Z / 2^64. Standard deviations are relative to the torus: log2Std = log2(std / 2^64).
// Secret keys are uniform binary.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_PARAMETERS_H
#define FHE_RUNTIME_TFHE_PARAMETERS_H

#include <cstdint>
#include <optional>
#include <string>

namespace fhe::tfhe {

/// Bits of a torus word.
inline constexpr unsigned torusBits = 64;

/// Bounds of the kernels. Everything read from a file is checked against them before use.
inline constexpr uint32_t minSecureDimension = 450; ///< The security curve is not valid below.
inline constexpr uint32_t maxLweDimension = 4096;
inline constexpr uint32_t minLog2PolynomialSize = 8;
inline constexpr uint32_t maxLog2PolynomialSize = 17;
inline constexpr uint32_t maxGlweDimension = 8;
inline constexpr uint32_t maxLevels = 64;

/// An LWE key: `dimension` secret bits; encryptions under it carry noise of `log2Std`.
struct LweKey {
  uint32_t dimension = 0;
  double log2Std = 0;

  /// Words of one ciphertext: mask, then body.
  uint64_t words() const { return uint64_t(dimension) + 1; }
  friend bool operator==(const LweKey &, const LweKey &) = default;
};

/// A GLWE key: `k` secret polynomials of 2^log2N binary coefficients. Read as one vector of
/// k * N bits it is also the "big" LWE key under which bootstraps leave their results.
struct GlweKey {
  uint32_t k = 0;
  uint32_t log2N = 0;
  double log2Std = 0;

  uint32_t polynomialSize() const { return uint32_t(1) << log2N; }
  uint32_t lweDimension() const { return k << log2N; }
  /// Words of one LWE ciphertext under the flattened key.
  uint64_t lweWords() const { return uint64_t(lweDimension()) + 1; }
  friend bool operator==(const GlweKey &, const GlweKey &) = default;
};

/// Signed digits in [-B/2, B/2), B = 2^baseLog, of the `levels * baseLog` top bits of a word.
struct Decomposition {
  uint32_t baseLog = 0;
  uint32_t levels = 0;

  friend bool operator==(const Decomposition &, const Decomposition &) = default;
};

/// One classical parameter set: keyswitch from the flattened GLWE key to the small key, then
/// programmable bootstrap back to the GLWE key.
struct ParameterSet {
  LweKey lwe;
  GlweKey glwe;
  Decomposition keyswitch;
  Decomposition bootstrap;

  friend bool operator==(const ParameterSet &, const ParameterSet &) = default;
};

/// Smallest log2(std) at which LWE with `dimension` uniform binary secret bits has `security` bits
/// (128 or 132) against the MATZOV cost model: max(slope * n + bias, 2 - 64). For a GLWE key the
/// dimension is k * N. Constants: the curves of Zama's Concrete (tools/parameter-curves, June and
/// December 2024), confirmed with the lattice estimator of June 2026.
/// Empty when dimension < 450 (the curve is not valid there) or the security level is unknown.
std::optional<double> log2StdForDimension(uint32_t dimension, unsigned security = 128);

/// Checks a part of a parameter set against the bounds above. Empty when all is well, otherwise
/// one sentence without a final period: what was found and what is allowed. These bounds make the
/// kernels safe to run; whether the noise is enough is `checkSecurity`.
std::string checkBounds(const LweKey &key);
std::string checkBounds(const GlweKey &key);
std::string checkBounds(const Decomposition &decomposition);
std::string checkBounds(const ParameterSet &set);

/// Checks that both keys of the set carry at least the noise of the curve (a relative tolerance of
/// 1e-9 on log2Std allows for text round trips). Empty when they do.
std::string checkSecurity(const ParameterSet &set, unsigned security = 128);

/// Sizes in bytes: 64-bit words, standard domain, as stored uncompressed in files.
/// Keyswitch key: inputDimension * levels rows of (outputDimension + 1) words.
uint64_t keyswitchKeyBytes(uint32_t inputDimension, uint32_t outputDimension,
                           const Decomposition &decomposition);
/// Bootstrap key: n GGSW of levels * (k+1) rows of (k+1) polynomials of N words. The Fourier form
/// that the kernels use in memory has the same size.
uint64_t bootstrapKeyBytes(uint32_t lweDimension, const GlweKey &glwe,
                           const Decomposition &decomposition);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_PARAMETERS_H
