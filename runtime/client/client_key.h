//===- client_key.h - The secret keys of a client -----------------------------------------===//
//
// One secret key for each key of the parameters, drawn from one seed that is not kept. On disk: the
// header, the parameters, and for each key its bits, eight a byte, least significant first.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_CLIENT_CLIENT_KEY_H
#define FHE_RUNTIME_CLIENT_CLIENT_KEY_H

#include "fhe/client.h"
#include "runtime/formats/header.h"
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

} // namespace fhe::runtime

#endif // FHE_RUNTIME_CLIENT_CLIENT_KEY_H
