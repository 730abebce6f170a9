//===- values.h - Floats to integers and back, as the manifest says -----------------------===//
#ifndef FHE_RUNTIME_CLIENT_VALUES_H
#define FHE_RUNTIME_CLIENT_VALUES_H

#include "runtime/client/manifest.h"

#include <span>

namespace fhe::runtime {

/// x rounded to an integer, as a double.
double roundAs(Rounding rounding, double x);

/// Pre-processes and quantizes one sample to centred integers, in double precision. Throws on NaN;
/// `sample` is the number that the message gives.
void quantize(const InputSpec &spec, std::span<const float> values, std::span<int64_t> integers,
              uint64_t sample = 0);

/// Dequantizes and post-processes one sample.
void dequantize(const OutputSpec &spec, std::span<const int64_t> integers, std::span<float> values);

/// The residue of `value` modulo 2^(64 - log2Delta) nearest to the middle of [lo, hi].
int64_t nearestResidue(uint64_t value, uint32_t log2Delta, int64_t lo, int64_t hi);

/// The integer of a decrypted phase.
int64_t decodePhase(uint64_t phase, uint32_t log2Delta, int64_t lo, int64_t hi);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_CLIENT_VALUES_H
