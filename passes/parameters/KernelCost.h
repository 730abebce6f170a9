//===- KernelCost.h - Prices of TFHE operations, sizes of keys -------------------------------===//
//
// What the search minimises. `OperationCosts` is the interface; `KernelCosts` are
// this library's kernels on one core, as rates measured by the kernel bench and
// committed here, so that a choice never depends on the machine that compiles.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_KERNELCOST_H
#define PASSES_PARAMETERS_KERNELCOST_H

#include "runtime/tfhe/parameters.h"
#include <cmath>

namespace fhe::parameters {

/// Prices in a unit of the model's own. All grow with every argument: the search prunes by that.
class OperationCosts {
public:
  virtual ~OperationCosts() = default;

  /// One step of a blind rotation: the accumulator times one element of the bootstrap key.
  virtual double cmux(const ::fhe::tfhe::GlweKey &glwe, unsigned levels) const = 0;

  /// One keyswitch of `in` bits to a key of `out` bits, output words of `wordBits`. Of a nested key
  /// `in` counts the bits that are not shared.
  virtual double keyswitch(uint32_t in, uint32_t out, unsigned levels,
                           unsigned wordBits) const = 0;

  /// Reading a keyswitch key of so many bytes once, for a batch of ciphertexts.
  virtual double keyPass(uint64_t bytes) const = 0;

  /// One clear multiplication and addition of a ciphertext under the flattened key.
  virtual double product(const ::fhe::tfhe::GlweKey &glwe) const = 0;
};

/// What a step of a blind rotation is made of, for one ciphertext of a full group.
struct StepWork {
  double flops = 0;     ///< of the transforms: 5 M log2 M for M = N/2 points
  double macs = 0;      ///< complex products with the key element
  double nearWords = 0; ///< words that a pass finds outside the nearer caches
  double farWords = 0;  ///< words that it finds further away still
};

/// Rates of one core, operands batched; caches as one core sees them.
struct KernelRates {
  double fftFlopsPerSecond;    ///< transforms with conversions
  double macsPerSecond;        ///< complex products of accumulators with a key element
  double nearWordsPerSecond;   ///< what `nearWords` cost on top
  double farWordsPerSecond;    ///< what `farWords` cost on top of that
  double nearBytes, farBytes;  ///< working set of a step that stays near, and not far
  double keyswitch64PerSecond; ///< word products, 64-bit keyswitch key
  double keyswitch32PerSecond; ///< word products, 32-bit keyswitch key
  double keyBytesPerSecond;    ///< reading a keyswitch key from memory
  double linearPerSecond;      ///< clear weight times ciphertext word
  // Of an estimate only: the search counts full groups on one core.
  double bootstrapKeyBytesPerSecond; ///< reading a bootstrap key for a group that is not full
  double copyBytesPerSecond;         ///< ciphertexts read and written by layers, each counted
  double allCores;                   ///< cores of the machine the rates are of
  double allCoresSlowdown;           ///< time of one core while all of them work, over alone
};

/// A member of KernelRates, its name in files and in source.
struct RateMember {
  const char *name, *field;
  double KernelRates::*value;
};

inline constexpr RateMember rateMembers[] = {
    {"fft_flops_per_second", "fftFlopsPerSecond", &KernelRates::fftFlopsPerSecond},
    {"macs_per_second", "macsPerSecond", &KernelRates::macsPerSecond},
    {"near_words_per_second", "nearWordsPerSecond", &KernelRates::nearWordsPerSecond},
    {"far_words_per_second", "farWordsPerSecond", &KernelRates::farWordsPerSecond},
    {"near_bytes", "nearBytes", &KernelRates::nearBytes},
    {"far_bytes", "farBytes", &KernelRates::farBytes},
    {"keyswitch_64_per_second", "keyswitch64PerSecond", &KernelRates::keyswitch64PerSecond},
    {"keyswitch_32_per_second", "keyswitch32PerSecond", &KernelRates::keyswitch32PerSecond},
    {"key_bytes_per_second", "keyBytesPerSecond", &KernelRates::keyBytesPerSecond},
    {"linear_per_second", "linearPerSecond", &KernelRates::linearPerSecond},
    {"bootstrap_key_bytes_per_second", "bootstrapKeyBytesPerSecond", &KernelRates::bootstrapKeyBytesPerSecond},
    {"copy_bytes_per_second", "copyBytesPerSecond", &KernelRates::copyBytesPerSecond},
    {"all_cores", "allCores", &KernelRates::allCores},
    {"all_cores_slowdown", "allCoresSlowdown", &KernelRates::allCoresSlowdown},
};

/// The work of a step: of a working set of two key elements and the accumulators and rows of eight
/// ciphertexts, the share that exceeds `nearBytes` (`farBytes`) is read and written there.
StepWork stepWork(const ::fhe::tfhe::GlweKey &glwe, unsigned levels, const KernelRates &rates);

/// The committed rates: one core of a server processor of 2023 with AVX-512, as `fhe_shape_bench`
/// prints them (docs/noise.md).
const KernelRates &committedRates();

/// Seconds on one core.
class KernelCosts final : public OperationCosts {
public:
  explicit KernelCosts(const KernelRates &rates = committedRates()) : rates(rates) {}
  double cmux(const ::fhe::tfhe::GlweKey &glwe, unsigned levels) const override;
  double keyswitch(uint32_t in, uint32_t out, unsigned levels,
                   unsigned wordBits) const override;
  double keyPass(uint64_t bytes) const override;
  double product(const ::fhe::tfhe::GlweKey &glwe) const override;

private:
  KernelRates rates;
};

/// Ciphertexts that share one pass over a keyswitch key. The rates are those of full batches, which
/// hide the reading; of a batch that is not full the missing share of a pass shows.
inline constexpr double keyswitchPassBatch = 32;
inline double unsharedPasses(double ciphertexts) {
  return std::ceil(ciphertexts / keyswitchPassBatch) - ciphertexts / keyswitchPassBatch;
}

/// One keyswitch and bootstrap of a set, the passes over the keyswitch key not counted.
double tableCost(const ::fhe::tfhe::ParameterSet &set, const OperationCosts &costs);

/// Seconds of one keyswitch and bootstrap on one core.
double lookupSeconds(const ::fhe::tfhe::ParameterSet &set,
                     const KernelRates &rates = committedRates());

/// Bytes of the evaluation keys of a set.
struct KeyBytes {
  uint64_t stored = 0; ///< on disk: masks are seeded, bodies stored
  uint64_t memory = 0; ///< as evaluation uses them: keyswitch words, Fourier bootstrap key
};
KeyBytes evaluationKeyBytes(const ::fhe::tfhe::ParameterSet &set);

/// Working memory of one thread at a layer of tables, whose operands have `inputBytes`: a batch of 16
/// accumulators, the transforms of their digits, the batch before and after the keyswitch. The kernels'
/// own numbers (runtime/server) depend on the machine; next to the keys both are small.
uint64_t scratchBytes(const ::fhe::tfhe::ParameterSet &set, uint64_t inputBytes);

/// Bytes of one LWE ciphertext under the GLWE key.
uint64_t ciphertextBytes(const ::fhe::tfhe::ParameterSet &set);

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_KERNELCOST_H
