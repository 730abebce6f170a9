//===- parameters.h - TFHE parameter sets, bounds and the security curve ---------------------===//
//
// Plain structs that name every number of a TFHE parameter set, the bounds inside which the
// kernels work, the sizes of the keys, and the security curve. The compiler and the runtime both
// link this (target fhe_noise): it needs neither OpenSSL nor oneTBB nor LLVM.
//
// The torus is Z / 2^64. Standard deviations are relative to the torus: log2Std = log2(std / 2^64).
// Secret keys are uniform binary. What a record leaves out has the plain defaults: Gaussian noise,
// 64-bit words, plain modulus switch, every coefficient of a GLWE key live.
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

/// How the noise of encryptions under a key is drawn. Values are those of FHE_NOISE_* in fhe/abi.h.
enum class NoiseKind : uint32_t {
  gaussian = 1, ///< Rounded Gaussian of standard deviation 2^log2Std.
  tuniform = 2, ///< TUniform(b): uniform on [-2^b, 2^b], the two ends half as likely.
};

/// How a ciphertext is rounded to multiples of 1/2N before a blind rotation. Values are those of
/// FHE_SWITCH_* in fhe/abi.h.
enum class SwitchKind : uint32_t {
  plain = 1,   ///< Every word to the nearest multiple.
  centred = 2, ///< The body first moves by the expected rounding error of the mask.
};

/// The distribution of a noise: its kind and log2 of its standard deviation relative to the torus.
/// For TUniform log2Std must be `tuniformLog2Std` of some bound.
struct Noise {
  double log2Std = 0;
  NoiseKind kind = NoiseKind::gaussian;

  Noise() = default;
  /*implicit*/ Noise(double log2Std, NoiseKind kind = NoiseKind::gaussian)
      : log2Std(log2Std), kind(kind) {}
  friend bool operator==(const Noise &, const Noise &) = default;
};

/// log2 of the standard deviation, relative to the torus, of TUniform(bound) on words of `wordBits`
/// bits: the variance is (2^(2 bound + 1) + 1) / 6 units of the last place squared.
double tuniformLog2Std(uint32_t bound, unsigned wordBits = torusBits);

/// The bound whose TUniform has that standard deviation (log2Std within 2^-19, which allows for
/// text round trips). Empty when there is none from 0 to wordBits - 3.
std::optional<uint32_t> tuniformBound(double log2Std, unsigned wordBits = torusBits);

/// An LWE key: `dimension` secret bits; encryptions under it carry noise of `log2Std`. With 32-bit
/// words the keyswitch keys to it, and the ciphertexts these give, are words modulo 2^32. A nested
/// key has no bits of its own: they are the first ones of its set's GLWE key, read as one vector.
struct LweKey {
  uint32_t dimension = 0;
  double log2Std = 0;
  NoiseKind noiseKind = NoiseKind::gaussian;
  uint32_t wordBits = torusBits; ///< 32 or 64.
  bool nested = false;           ///< A prefix of the GLWE key; see KeyAssumptions.

  Noise noise() const { return {log2Std, noiseKind}; }
  /// Words of one ciphertext: mask, then body.
  uint64_t words() const { return uint64_t(dimension) + 1; }
  friend bool operator==(const LweKey &, const LweKey &) = default;
};

/// A GLWE key: `k` secret polynomials of 2^log2N binary coefficients. Read as one vector of bits,
/// polynomial after polynomial, it is also the "big" LWE key under which bootstraps leave their
/// results. Of a partial key only the first `live` of these bits may be one, and LWE ciphertexts
/// under it have live + 1 words.
struct GlweKey {
  uint32_t k = 0;
  uint32_t log2N = 0;
  double log2Std = 0;
  NoiseKind noiseKind = NoiseKind::gaussian;
  uint32_t live = 0; ///< Of a partial key; 0: all k * N are live.

  Noise noise() const { return {log2Std, noiseKind}; }
  uint32_t polynomialSize() const { return uint32_t(1) << log2N; }
  /// k * N: all coefficients, live or not.
  uint32_t coefficients() const { return k << log2N; }
  bool partial() const { return live != 0; }
  /// The live coefficients: dimension of the flattened key.
  uint32_t lweDimension() const { return live ? live : coefficients(); }
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
  SwitchKind modulusSwitch = SwitchKind::plain;

  /// Leading coefficients of the GLWE key that are those of the small key: a keyswitch takes their
  /// mask words over and has key rows for the others only.
  uint32_t sharedCoefficients() const { return lwe.nested ? lwe.dimension : 0; }
  /// Bits of the keyswitch key's words and of what the keyswitch gives.
  uint32_t keyswitchWordBits() const { return lwe.wordBits; }
  friend bool operator==(const ParameterSet &, const ParameterSet &) = default;
};

/// Smallest log2(std) at which LWE with `dimension` uniform binary secret bits has `security` bits
/// (128 or 132) against the MATZOV cost model: max(slope * n + bias, 2 - wordBits). For a GLWE key
/// the dimension is that of its live coefficients. Constants: the curves of Zama's Concrete
/// (tools/parameter-curves, June and December 2024), confirmed with the lattice estimator of June
/// 2026. Empty when dimension < 450 (the curve is not valid there) or the level is unknown.
std::optional<double> log2StdForDimension(uint32_t dimension, unsigned security = 128,
                                          unsigned wordBits = torusBits);

/// Checks a part of a parameter set against the bounds above. Empty when all is well, otherwise
/// one sentence without a final period: what was found and what is allowed. These bounds make the
/// kernels safe to run; whether the noise is enough is `checkSecurity`.
std::string checkBounds(const LweKey &key);
std::string checkBounds(const GlweKey &key);
std::string checkBounds(const Decomposition &decomposition);
std::string checkBounds(const ParameterSet &set);

/// What the security of a set may rest on, as a set of flags. Both assumptions beyond `standard` are
/// those of Bergerat et al., "New Secret Keys for Enhanced Performance in (T)FHE", CCS 2024.
enum class KeyAssumptions : unsigned {
  standard = 0, ///< LWE and GLWE with independent uniform binary keys.
  /// Also GLWE keys of which only `live` coefficients may be one: their security is taken to be
  /// that of LWE of dimension `live`.
  partialKeys = 1,
  /// Also small keys that are the first coefficients of the GLWE key: each is taken to be as secure
  /// as if it were drawn by itself.
  nestedKeys = 2,
  extended = partialKeys | nestedKeys,
};

/// Whether `given` includes all of `needed`.
constexpr bool allows(KeyAssumptions given, KeyAssumptions needed) {
  return (unsigned(given) & unsigned(needed)) == unsigned(needed);
}

/// Checks that a key carries at least the noise of the curve (a relative tolerance of 1e-9 on
/// log2Std allows for text round trips), and of at least 4 units of its own words; of TUniform the
/// variance counts, as in tfhe-rs. Empty when it does, otherwise one sentence without a period.
/// Partial and nested keys are refused unless the assumptions allow them.
std::string checkSecurity(const LweKey &key, unsigned security = 128,
                          KeyAssumptions assumptions = KeyAssumptions::standard);
std::string checkSecurity(const GlweKey &key, unsigned security = 128,
                          KeyAssumptions assumptions = KeyAssumptions::standard);
/// Both keys of the set.
std::string checkSecurity(const ParameterSet &set, unsigned security = 128,
                          KeyAssumptions assumptions = KeyAssumptions::standard);

/// Sizes in bytes, standard domain, uncompressed.
/// Keyswitch key: coefficients * levels rows of (outputDimension + 1) words of `wordBits` bits, the
/// coefficients being those of the input key that are not shared with the output key.
uint64_t keyswitchKeyBytes(uint32_t coefficients, uint32_t outputDimension,
                           const Decomposition &decomposition, unsigned wordBits = torusBits);
/// Bootstrap key: n GGSW of levels * (k+1) rows of (k+1) polynomials of N 64-bit words. The Fourier
/// form that the kernels use in memory has the same size.
uint64_t bootstrapKeyBytes(uint32_t lweDimension, const GlweKey &glwe,
                           const Decomposition &decomposition);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_PARAMETERS_H
