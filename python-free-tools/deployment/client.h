//===- client.h - What the client's commands share ----------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_DEPLOYMENT_CLIENT_H
#define PYTHON_FREE_TOOLS_DEPLOYMENT_CLIENT_H

#include "fhe/client.h"
#include "python-free-tools/deployment/command.h"

namespace fhe::tools {

using Manifest = Owned<fhe_manifest, fhe_manifest_free>;
using ClientKey = Owned<fhe_client_key, fhe_client_key_free>;
using Ciphertexts = Owned<fhe_ciphertexts, fhe_ciphertexts_free>;
using EvaluationKey = Owned<fhe_evaluation_key, fhe_evaluation_key_free>;

inline Manifest readManifest(const std::string &path) {
  std::string text = readText(path);
  fhe_manifest *manifest = nullptr;
  check(path, fhe_manifest_parse(text.data(), text.size(), &manifest));
  return Manifest(manifest);
}

inline ClientKey readClientKey(const std::string &path) {
  return readObject<fhe_client_key, fhe_client_key_free>(path, fhe_client_key_read);
}

inline Ciphertexts readCiphertexts(const std::string &path) {
  return readObject<fhe_ciphertexts, fhe_ciphertexts_free>(path, fhe_ciphertexts_read);
}

/// "3 x 4", or "scalar".
inline std::string shapeText(const uint64_t *shape, uint32_t rank) {
  std::string text;
  for (uint32_t d = 0; d < rank; ++d)
    text += (d ? " x " : "") + std::to_string(shape[d]);
  return rank ? text : "scalar";
}

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_DEPLOYMENT_CLIENT_H
