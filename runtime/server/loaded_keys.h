//===- loaded_keys.h - Evaluation keys in the form the kernels read -----------------------===//
#ifndef FHE_RUNTIME_SERVER_LOADED_KEYS_H
#define FHE_RUNTIME_SERVER_LOADED_KEYS_H

#include "runtime/formats/evaluation_key.h"
#include "runtime/parallel/workers.h"
#include "runtime/tfhe/bootstrap/bootstrap_key.h"
#include "runtime/tfhe/keyswitch/keyswitch_key.h"

namespace fhe::runtime {

/// One entry a conversion; the one of its kind is set.
struct LoadedKey {
  tfhe::LweKeyswitchKey keyswitch;
  tfhe::FourierBootstrapKey bootstrap;
};

/// Expands masks from the key's seed and brings bootstrap keys to the Fourier domain.
std::vector<LoadedKey> loadKeys(const fhe_evaluation_key &key, Workers &workers);

/// The words of one bootstrap element [levels][k+1][k+1][N], or of one keyswitch coefficient
/// [levels][n_out+1], from the stored bodies and the mask stream.
void expandBootstrapElement(const fhe_evaluation_key &key, uint32_t conversion, uint32_t element,
                            std::span<uint64_t> words);
void expandKeyswitchRows(const fhe_evaluation_key &key, uint32_t conversion, uint32_t coefficient,
                         std::span<uint64_t> words);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_LOADED_KEYS_H
