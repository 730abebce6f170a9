//===- Grid.h - The candidates of the parameter search ---------------------------------------===//
//
// All keys and decompositions a search may combine, with what each adds to the
// noise, computed once. Every key lies on the security curve (Gaussian: exactly;
// TUniform: the smallest bound that is not below it). Of all bases with the same
// number of levels only the one with the least noise is kept, and of all levels
// only those that lower it: the price depends on the levels alone.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_GRID_H
#define PASSES_PARAMETERS_GRID_H

#include "runtime/tfhe/noise.h"
#include <optional>
#include <vector>

namespace fhe::parameters {

/// What may be chosen.
struct SearchSpace {
  unsigned security = 128; ///< 128 or 132
  uint32_t minLweDimension = ::fhe::tfhe::minSecureDimension, maxLweDimension = 2047;
  uint32_t minLog2N = 8, maxLog2N = 17, maxK = 6;
  uint32_t maxBaseLog = 32;
  std::vector<::fhe::tfhe::NoiseKind> noiseKinds = {::fhe::tfhe::NoiseKind::gaussian};
  std::vector<unsigned> keyswitchWords = {64}; ///< 32, 64
  std::vector<::fhe::tfhe::SwitchKind> switches = {::fhe::tfhe::SwitchKind::plain};
  /// GLWE keys with fewer live coefficients than k * N; rests on an assumption beyond LWE.
  bool partialKeys = false;
  /// Small keys that are the first bits of the GLWE key, wherever that is longer; another assumption.
  bool nestedKeys = false;
};

/// The formulas that the published sets of others are checked with; by default this library's.
struct NoiseModel {
  double (*fftVariance)(const ::fhe::tfhe::GlweKey &,
                        const ::fhe::tfhe::Decomposition &) = &::fhe::tfhe::fftVariance;
  double (*switchVariance)(uint32_t lweDimension, uint32_t log2N,
                           ::fhe::tfhe::SwitchKind) = &::fhe::tfhe::modulusSwitchVariance;
};

/// Noise of a keyswitch: `perInput` for each bit of the input key, and `constant`.
struct KeyswitchChoice {
  ::fhe::tfhe::Decomposition digits;
  double perInput = 0, constant = 0;
  double variance(uint32_t inputs) const { return inputs * perInput + constant; }
  double variance(uint32_t inputs, uint32_t shared, unsigned wordBits) const {
    return variance(inputs - shared) + ::fhe::tfhe::sharedVariance(shared, wordBits);
  }
};

/// Keyswitch keys of one word width to one small key, by levels; noise falls strictly.
struct KeyswitchList {
  unsigned wordBits = 64;
  ::fhe::tfhe::LweKey key;
  std::vector<KeyswitchChoice> choices;

  /// The fewest levels whose noise is at most `variance`; null if none. The first `shared` of the
  /// `inputs` are the output key's.
  const KeyswitchChoice *within(double variance, uint32_t inputs, uint32_t shared = 0) const;
};

struct LweCandidate {
  uint32_t dimension = 0;
  ::fhe::tfhe::NoiseKind kind;
  std::vector<KeyswitchList> lists; ///< one a word width
};

/// Noise of one step of a blind rotation.
struct BootstrapChoice {
  ::fhe::tfhe::Decomposition digits;
  double perStep = 0;
};

struct GlweCandidate {
  ::fhe::tfhe::GlweKey key;
  double fresh = 0;                     ///< variance of a fresh encryption
  std::vector<BootstrapChoice> choices; ///< by levels; noise falls strictly
};

/// In a fixed order: GLWE keys by k * N, then k, then live; LWE keys by noise kind, then dimension.
class Grid {
public:
  explicit Grid(const SearchSpace &space, const NoiseModel &model = {});

  const SearchSpace &space() const { return theSpace; }
  const NoiseModel &model() const { return theModel; }
  const std::vector<LweCandidate> &lwe() const { return lweKeys; }
  const std::vector<GlweCandidate> &glwe() const { return glweKeys; }

  /// The small key of a set with these keys: nested where the space has nested keys and the GLWE key
  /// is longer. Costs no more, adds no more noise.
  ::fhe::tfhe::LweKey smallKey(::fhe::tfhe::LweKey lwe, const ::fhe::tfhe::GlweKey &glwe) const {
    lwe.nested = isNested(lwe, glwe);
    return lwe;
  }
  bool isNested(const ::fhe::tfhe::LweKey &lwe, const ::fhe::tfhe::GlweKey &glwe) const {
    return theSpace.nestedKeys && lwe.dimension < glwe.lweDimension();
  }

  /// The same candidates without nested keys.
  Grid apart() const {
    Grid grid = *this;
    grid.theSpace.nestedKeys = false;
    return grid;
  }

private:
  SearchSpace theSpace;
  NoiseModel theModel;
  std::vector<LweCandidate> lweKeys;
  std::vector<GlweCandidate> glweKeys;
};

/// Noise of a key of `dimension` bits on the curve of `security` bits. Gaussian: exactly on it.
/// TUniform: the smallest bound whose standard deviation is not below; at 132 bits also not below
/// the bound of tfhe-rs, ceil(-0.025167785 n + wordBits + 4.100671). Empty off the curve.
std::optional<::fhe::tfhe::Noise> noiseForDimension(uint32_t dimension,
                                                    ::fhe::tfhe::NoiseKind kind,
                                                    unsigned security, unsigned wordBits = 64);

/// Keyswitch keys to a key of those bits: fewest levels first, strictly less noise with more.
std::vector<KeyswitchChoice> keyswitchChoices(double keyVariance, unsigned wordBits,
                                              uint32_t maxBaseLog = 32);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_GRID_H
