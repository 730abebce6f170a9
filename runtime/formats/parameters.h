//===- parameters.h - The parameter records of a model, and their hash --------------------===//
//
// What manifests, model objects and key files say about keys and conversions, in the records of
// fhe/abi.h. `checkParameters` refuses what this library cannot run; whoever makes keys also asks
// `checkSecurity`. The hash names a parameter set in files: a guard against mistakes.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_FORMATS_PARAMETERS_H
#define FHE_RUNTIME_FORMATS_PARAMETERS_H

#include "fhe/abi.h"
#include "runtime/formats/byte_io.h"
#include "runtime/tfhe/keyswitch/keyswitch_shape.h"

#include <array>
#include <vector>

namespace fhe::runtime {

/// 128 random bits drawn with a client key (KeyId), 128 bits of SHA-256 (ParameterHash).
using KeyId = std::array<uint8_t, 16>;
using ParameterHash = std::array<uint8_t, 16>;

struct Parameters {
  uint32_t securityBits = 0;
  std::vector<fhe_key_record> keys;
  std::vector<fhe_conversion_record> conversions;

  bool empty() const { return keys.empty(); }
  bool anyNested() const;
  /// Words of one LWE ciphertext under key `key` (of a GLWE key: its extracted LWE key).
  uint64_t words(uint32_t key) const { return uint64_t(keys[key].live) + 1; }
  /// Of fresh encryptions under key `key`.
  tfhe::Noise noise(uint32_t key) const {
    return {keys[key].log2_std, tfhe::NoiseKind(keys[key].noise_kind)};
  }
  tfhe::LweKey lwe(uint32_t key) const;
  tfhe::GlweKey glwe(uint32_t key) const;
  static tfhe::Decomposition decomposition(const fhe_conversion_record &conversion) {
    return {conversion.base_log, conversion.levels};
  }
  /// Of a keyswitch.
  tfhe::KeyswitchShape keyswitch(const fhe_conversion_record &conversion) const {
    const fhe_key_record &to = keys[conversion.to_key];
    return {keys[conversion.from_key].live, to.live, decomposition(conversion), conversion.word_bits,
            to.nested_in == conversion.from_key + 1 ? to.live : 0};
  }
};

inline constexpr uint32_t maxKeys = 256, maxConversions = 1024;

/// Throws unless every number is within the bounds of the kernels, every index names a key of the
/// right kind and every kind is one this library implements. `status` is the code of broken
/// numbers; kinds that are only unknown give FHE_UNSUPPORTED.
void checkParameters(const Parameters &parameters, fhe_status status);

/// Throws FHE_INSECURE_PARAMETERS unless every key's noise is on or above the security curve, and
/// no key is partial or nested where that is not among the assumptions.
void checkSecurity(const Parameters &parameters,
                   tfhe::KeyAssumptions assumptions = tfhe::KeyAssumptions::standard);

ParameterHash parameterHash(const Parameters &parameters);
std::string toHex(std::span<const uint8_t> bytes);

void writeParameters(ByteWriter &writer, const Parameters &parameters);
/// Reads and checks them.
Parameters readParameters(ByteReader &reader);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_PARAMETERS_H
