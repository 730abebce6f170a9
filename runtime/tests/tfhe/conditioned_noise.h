//===- conditioned_noise.h - Noise formulas for drawn keys -----------------------------------===//
//
// The formulas of noise.h average over keys. A test has one key, of which it knows everything: h,
// its number of ones, and the noise e of each row. Then a keyswitch or external product adds
//   digits times noise      sum e^2 (B^2 - 1)/12 about its mean -1/2 sum e, or sum e^2 (B^2 + 2)/12
//                           where the mean changes sign from sample to sample,
//   rounding                (1 + h)/(12 B^2l), and without the 1 (the body) in a keyswitch,
//   the FFT's error         fftWordVariance (1 + h (1 - r) + g h r), r = h/live, g = fftSlowMode,
// and the modulus switches (1 + h)/12 and (1 + n/4)/12 positions squared.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TESTS_TFHE_CONDITIONED_NOISE_H
#define FHE_RUNTIME_TESTS_TFHE_CONDITIONED_NOISE_H

#include "runtime/tests/tfhe/exact.h"
#include "runtime/tfhe/named_sets.h"

namespace fhe::tfhe::test {

/// A word as a signed fraction of a turn.
inline double toTorus(uint64_t word) { return double(int64_t(word)) * 0x1p-64; }

/// Variance of the rounding of a word to its `levels * baseLog` top bits.
inline double roundingVariance(const Decomposition &decomposition) {
  return std::exp2(-2.0 * decomposition.baseLog * decomposition.levels) / 12;
}

/// Mean square of a digit, and its variance about -1/2.
inline double digitSquare(const Decomposition &decomposition) {
  return (std::exp2(2.0 * decomposition.baseLog) + 2) / 12;
}
inline double digitVariance(const Decomposition &decomposition) {
  return digitSquare(decomposition) - 0.25;
}

/// The noise in the rows of one GGSW of a known bit.
struct GgswNoise {
  double squares = 0;       ///< Of all rows.
  double bodySquares = 0;   ///< Of the rows that body digits multiply.
  std::vector<double> mean; ///< By coefficient: what digits of -1/2 throughout give.

  GgswNoise(const GlweKey &glwe, const Decomposition &decomposition, const GlweSecretKey &secret,
            std::span<const uint64_t> element, uint64_t bit)
      : mean(glwe.polynomialSize()) {
    const size_t size = glwe.polynomialSize(), rowWords = (glwe.k + 1) * size;
    ErrorStatistics all;
    for (uint32_t level = 0; level < decomposition.levels; ++level)
      for (uint32_t j = 0; j <= glwe.k; ++j) {
        std::span<const uint64_t> from =
            element.subspan((size_t(level) * (glwe.k + 1) + j) * rowWords, rowWords);
        std::vector<uint64_t> row(from.begin(), from.end());
        row[j * size] -= bit << (64 - decomposition.baseLog * (level + 1));
        ErrorStatistics one;
        double sum = 0;
        const std::vector<uint64_t> errors = phaseOf(secret, row);
        for (uint64_t error : errors) {
          one.add(error), all.add(error);
          sum += toTorus(error);
        }
        squares += one.squares;
        bodySquares += j == glwe.k ? one.squares : 0;
        // Coefficient c of -1/2 (1 + X + ..) e: those up to c as they are, those behind negated.
        double upTo = 0;
        for (size_t c = 0; c < size; ++c) {
          upTo += toTorus(errors[c]);
          mean[c] -= (2 * upTo - sum) / 2;
        }
      }
    rowsAsAsked = std::abs(std::sqrt(all.variance() / freshVariance(glwe.log2Std)) - 1) < 0.05 &&
                  std::abs(all.meanInSigmas()) < 4;
  }

  bool rowsAsAsked = false; ///< The rows carry the noise of the record.
};

/// How much of the FFT's error in a word the phase shows.
inline double fftSeen(const GlweKey &glwe, double secretOnes) {
  const double share = secretOnes / glwe.lweDimension();
  return 1 + secretOnes * (1 - share + fftSlowMode * share);
}

/// What one CMUX adds to the phase of a random accumulator.
inline double cmuxVariance(const GlweKey &glwe, const Decomposition &decomposition,
                           const GgswNoise &noise, uint64_t bit, double secretOnes) {
  return noise.squares * digitSquare(decomposition) +
         double(bit) * roundingVariance(decomposition) * (1 + secretOnes) +
         fftWordVariance(glwe, decomposition) * fftSeen(glwe, secretOnes);
}

/// Of an accumulator fresh from a test polynomial: two products, of halves whose masks have no
/// digits; one mask has its start as rounding error, a quarter of the last digit's unit wide.
inline double firstCmuxVariance(const GlweKey &glwe, const Decomposition &decomposition,
                                const GgswNoise &noise, uint64_t bit, double secretOnes) {
  return 2 * noise.bodySquares * digitSquare(decomposition) +
         roundingVariance(decomposition) * (2 * double(bit) + secretOnes / 16) +
         2 * fftWordVariance(glwe, decomposition) * fftSeen(glwe, secretOnes) / (glwe.k + 1);
}

/// The noise in the rows of a keyswitch key.
struct KeyswitchNoise {
  double sum = 0, squares = 0;
  bool rowsAsAsked = false;

  KeyswitchNoise(const KeyswitchShape &shape, const LweSecretKey &input,
                 const LweSecretKey &output, const Noise &asked, std::span<const uint64_t> rows) {
    const uint32_t levels = shape.decomposition.levels;
    std::vector<uint64_t> phases(size_t(shape.coefficients()) * levels);
    decryptPhases(output, rows.data(), phases);
    ErrorStatistics errors;
    for (size_t row = 0; row < phases.size(); ++row) {
      const unsigned shift = 64 - shape.decomposition.baseLog * unsigned(row % levels + 1);
      errors.add(phases[row] - (input.bits()[shape.shared + row / levels] << shift));
    }
    sum = errors.sum, squares = errors.squares;
    rowsAsAsked = std::abs(errors.variance() / freshVariance(asked.log2Std) - 1) <
                      5 * std::sqrt(2.0 / double(phases.size())) &&
                  std::abs(errors.meanInSigmas()) < 4;
  }

  /// Digits are -1/2 on average and enter with a minus sign.
  double mean() const { return sum / 2; }
  /// `inputOnes` of the whole input key, `sharedOnes` of those among the bits of a nested output key:
  /// their words are only rounded to those of the key.
  double variance(const KeyswitchShape &shape, double inputOnes, double sharedOnes = 0) const {
    const double word = shape.wordBits == 32 ? 0x1p-64 / 12 : 0;
    return squares * digitVariance(shape.decomposition) +
           (inputOnes - sharedOnes) * roundingVariance(shape.decomposition) +
           (1 + sharedOnes) * word;
  }
};

/// The modulus switch under a key of n bits, `keyOnes` of them one.
inline double switchVariance(SwitchKind kind, uint32_t n, double keyOnes, uint32_t log2N) {
  const double step2 = std::exp2(-2.0 * (log2N + 1));
  return (1 + (kind == SwitchKind::centred ? n / 4.0 : keyOnes)) / 12 * step2;
}

/// Errors about a predicted mean.
struct MeasuredErrors {
  double sum = 0, squares = 0;
  size_t count = 0;

  void add(double error) {
    sum += error, squares += error * error;
    ++count;
  }
  /// Measured over predicted variance; the mean is predicted, so nothing is taken off for it.
  double ratio(double predicted) const { return squares / double(count) / predicted; }
  /// The mean in units of its predicted standard error.
  double meanInSigmas(double predicted) const {
    return sum / std::sqrt(double(count) * predicted);
  }
};

/// The sets that are measured with every sample they need in CI.
inline std::vector<const char *> measuredSets() {
  return {"m1c1", "m2c2", "m3c3", "p4", "p5", "p6"};
}

} // namespace fhe::tfhe::test

#endif // FHE_RUNTIME_TESTS_TFHE_CONDITIONED_NOISE_H
