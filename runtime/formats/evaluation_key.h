//===- evaluation_key.h - The public keys of a client, as stored --------------------------===//
//
// One section a conversion of the parameters, in their order. Rows are seeded: masks come from the
// key's mask seed, streams (keyswitchMask | bootstrapMask, conversion number, row number); only
// bodies are stored. Row numbers: keyswitch i * levels + level, i counting the coefficients that are
// switched (KeyswitchShape); bootstrap (i * levels + level) * (k + 1) + j. Words are 64-bit torus
// words; those of a 32-bit keyswitch have zero low halves here, and four bytes each in streams and
// files.
//
// A bootstrap row (level, j < k) of the kernels adds s_i * 2^(64 - baseLog * (level + 1)) to mask
// polynomial j, which would make the mask depend on the secret. Here the mask is the stream itself
// and the body carries minus that constant times secret polynomial j: the phase is the same.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_FORMATS_EVALUATION_KEY_H
#define FHE_RUNTIME_FORMATS_EVALUATION_KEY_H

#include "runtime/formats/header.h"

struct fhe_evaluation_key {
  fhe::runtime::Parameters parameters;
  fhe::runtime::KeyId keyId{};
  std::array<uint8_t, 16> maskSeed{};
  /// Bodies of conversion i: keyswitch [switched coefficients][levels]; bootstrap
  /// [n][levels][k+1][N].
  std::vector<std::vector<uint64_t>> bodies;

  void write(fhe::runtime::ByteWriter &writer) const;
};

namespace fhe::runtime {

/// Words that `bodies` has for conversion i.
uint64_t bodyWords(const Parameters &parameters, uint32_t conversion);

/// Bytes of the file of an evaluation key for these parameters, without making one.
uint64_t evaluationKeyFileBytes(const Parameters &parameters);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_EVALUATION_KEY_H
