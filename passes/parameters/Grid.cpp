//===- Grid.cpp - The candidates of the parameter search -------------------------------------===//
#include "passes/parameters/Grid.h"
#include <algorithm>
#include <cmath>
#include <tuple>

namespace fhe::parameters {

using namespace ::fhe::tfhe;

std::optional<Noise> noiseForDimension(uint32_t dimension, NoiseKind kind, unsigned security,
                                       unsigned wordBits) {
  std::optional<double> curve = log2StdForDimension(dimension, security, wordBits);
  if (!curve)
    return std::nullopt;
  if (kind == NoiseKind::gaussian)
    return Noise(*curve);
  int bound = 0;
  if (security == 132)
    bound = std::max(bound, int(std::ceil(-0.025167785 * dimension + 4.100671)) + int(wordBits));
  while (tuniformLog2Std(bound, wordBits) < *curve)
    ++bound;
  if (bound > int(wordBits) - 3)
    return std::nullopt;
  return Noise(tuniformLog2Std(bound, wordBits), kind);
}

/// For each number of levels the base with the least noise; `noiseOf(digits)` gives it. Later
/// levels are kept only if they lower it.
template <class Choice, class NoiseOf>
static std::vector<Choice> leastNoise(unsigned wordBits, uint32_t maxBaseLog, NoiseOf noiseOf) {
  std::vector<Choice> kept;
  double least = HUGE_VAL;
  for (uint32_t levels = 1; levels <= wordBits; ++levels) {
    std::optional<std::pair<double, Choice>> best;
    for (uint32_t base = 1; base <= maxBaseLog && base * levels <= wordBits; ++base) {
      std::pair<double, Choice> found = noiseOf(Decomposition{base, levels});
      if (!best || found.first < best->first)
        best = found;
    }
    if (best && best->first < least) {
      least = best->first;
      kept.push_back(best->second);
    }
  }
  return kept;
}

std::vector<KeyswitchChoice> keyswitchChoices(double keyVariance, unsigned wordBits,
                                              uint32_t maxBaseLog) {
  return leastNoise<KeyswitchChoice>(wordBits, maxBaseLog, [&](Decomposition digits) {
    // Of no inputs only what does not grow with them is left.
    double constant = keyswitchVariance(0, digits, keyVariance, wordBits);
    double perInput = keyswitchVariance(1, digits, keyVariance, wordBits) - constant;
    return std::pair(perInput, KeyswitchChoice{digits, perInput, constant});
  });
}

const KeyswitchChoice *KeyswitchList::within(double variance, uint32_t inputs,
                                             uint32_t shared) const {
  const double taken = sharedVariance(shared, wordBits);
  auto found = std::partition_point(
      choices.begin(), choices.end(),
      [&](const KeyswitchChoice &choice) {
        return choice.variance(inputs - shared) + taken > variance;
      });
  return found == choices.end() ? nullptr : &*found;
}

static std::vector<LweCandidate> lweCandidates(const SearchSpace &space) {
  std::vector<LweCandidate> candidates;
  for (NoiseKind kind : space.noiseKinds) {
    std::optional<Noise> last;
    for (uint32_t n = space.minLweDimension; n <= space.maxLweDimension; ++n) {
      std::optional<Noise> onTorus = noiseForDimension(n, kind, space.security);
      // A longer key with the same bound has more noise in everything else.
      if (!onTorus || (kind == NoiseKind::tuniform && last && *onTorus == *last))
        continue;
      last = onTorus;
      LweCandidate candidate{n, kind, {}};
      for (unsigned bits : space.keyswitchWords)
        if (std::optional<Noise> noise = noiseForDimension(n, kind, space.security, bits)) {
          LweKey key{n, noise->log2Std, kind, bits};
          candidate.lists.push_back(
              {bits, key, keyswitchChoices(freshVariance(key.log2Std), bits, space.maxBaseLog)});
        }
      if (!candidate.lists.empty())
        candidates.push_back(std::move(candidate));
    }
  }
  return candidates;
}

static GlweCandidate glweCandidate(const GlweKey &key, const SearchSpace &space,
                                   const NoiseModel &model) {
  GlweCandidate candidate{key, freshVariance(key.log2Std), {}};
  candidate.choices =
      leastNoise<BootstrapChoice>(torusBits, space.maxBaseLog, [&](Decomposition digits) {
        double variance = exactExternalProductVariance(key, digits, candidate.fresh) +
                          model.fftVariance(key, digits);
        return std::pair(variance, BootstrapChoice{digits, variance});
      });
  return candidate;
}

static std::vector<GlweCandidate> glweCandidates(const SearchSpace &space,
                                                 const NoiseModel &model) {
  // Live coefficients of partial keys: from where keys are short to where the noise has reached
  // its floor and more of them add nothing but security.
  constexpr uint32_t firstLive = 1024, lastLive = 2688, liveStep = 128;
  std::vector<GlweCandidate> candidates;
  auto add = [&](uint32_t k, uint32_t log2N, uint32_t live) {
    uint32_t dimension = live ? live : k << log2N;
    for (NoiseKind kind : space.noiseKinds)
      if (std::optional<Noise> noise = noiseForDimension(dimension, kind, space.security))
        candidates.push_back(
            glweCandidate(GlweKey{k, log2N, noise->log2Std, kind, live}, space, model));
  };
  for (uint32_t log2N = space.minLog2N; log2N <= space.maxLog2N; ++log2N)
    for (uint32_t k = 1; k <= space.maxK && (k << log2N) <= 1u << maxLog2PolynomialSize; ++k) {
      add(k, log2N, 0);
      if (space.partialKeys)
        for (uint32_t live = firstLive; live <= lastLive && live < k << log2N; live += liveStep)
          add(k, log2N, live);
    }
  auto order = [](const GlweCandidate &candidate) {
    const GlweKey &key = candidate.key;
    return std::tuple(key.coefficients(), key.k, key.live, uint32_t(key.noiseKind));
  };
  std::sort(candidates.begin(), candidates.end(),
            [&](const GlweCandidate &a, const GlweCandidate &b) { return order(a) < order(b); });
  return candidates;
}

Grid::Grid(const SearchSpace &space, const NoiseModel &model)
    : theSpace(space), theModel(model), lweKeys(lweCandidates(space)),
      glweKeys(glweCandidates(space, model)) {}

} // namespace fhe::parameters
