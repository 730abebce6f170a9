//===- client_key.h - The secret keys of a client -----------------------------------------===//
//
// One secret key for each key of the parameters, drawn from one seed that is not kept, or, where it is
// nested, part of another one. On disk: the header, the parameters, and for each key that is not nested
// its bits, eight a byte, least significant first.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_CLIENT_CLIENT_KEY_H
#define FHE_RUNTIME_CLIENT_CLIENT_KEY_H

#include "fhe/client.h"
#include "runtime/formats/evaluation_key.h"
#include "runtime/tfhe/client/secret_key.h"

#include <memory>

struct fhe_client_key {
  fhe::runtime::Parameters parameters;
  fhe::runtime::ParameterHash hash{};
  fhe::runtime::KeyId keyId{};
  /// By key of the parameters: the one of its kind is set.
  struct Secret {
    fhe::tfhe::LweSecretKey lwe;
    fhe::tfhe::GlweSecretKey glwe;
  };
  std::vector<Secret> secrets;

  bool isGlwe(uint32_t key) const { return parameters.keys[key].kind == FHE_KEY_GLWE; }
  /// Key `key` as an LWE key of `live` bits.
  const fhe::tfhe::LweSecretKey &flat(uint32_t key) const {
    return isGlwe(key) ? secrets[key].glwe.flat() : secrets[key].lwe;
  }
  void write(fhe::runtime::ByteWriter &writer) const;
};

namespace fhe::runtime {

/// A seed from the operating system; throws FHE_NO_RANDOMNESS.
tfhe::Seed freshSeed();

/// The evaluation key of `key` with masks and noise from these independent seeds, on `threads`
/// threads (0: one a core), of whose number it does not depend. `mask` is stored in it, `noise`
/// must be forgotten: fhe_evaluation_key_generate draws both from the operating system.
std::unique_ptr<fhe_evaluation_key> makeEvaluationKey(const fhe_client_key &key,
                                                      const tfhe::Seed &mask,
                                                      const tfhe::Seed &noise, uint32_t threads);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_CLIENT_CLIENT_KEY_H
