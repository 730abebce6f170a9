//===- key_generation.h - Makes keyswitch and bootstrap keys from secret keys ----------------===//
//
// Every row of a key has streams of its own, named by its number, so rows can be made in any order
// by any number of threads: the key is the same. Masks come from a seed that may be published,
// noise from a secret one.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_CLIENT_KEY_GENERATION_H
#define FHE_RUNTIME_TFHE_CLIENT_KEY_GENERATION_H

#include "runtime/tfhe/bootstrap/bootstrap_key.h"
#include "runtime/tfhe/client/secret_key.h"
#include "runtime/tfhe/keyswitch/keyswitch_key.h"

namespace fhe::tfhe {

/// The two independent seeds of an evaluation key and its number (which names its streams: two keys
/// of the same kind made from the same seeds must have different numbers).
struct KeySeeds {
  Seed mask;  ///< May be published.
  Seed noise; ///< Secret; independent of `mask`.
  uint16_t keyNumber = 0;
};

/// Writes the rows of switched coefficients [begin, end) to `rows` [end - begin][levels][n_out+1]
/// (see LweKeyswitchKey): row (i, level) encrypts input.bits()[shared + i] * 2^(64 - baseLog * (level
/// + 1)) under `output` with noise of the distribution `noise` on words of shape.wordBits. Dimensions
/// of the keys must be those of the shape, and of a nested key `output` the first bits of `input`.
void generateKeyswitchRows(const KeyswitchShape &shape, const LweSecretKey &input,
                           const LweSecretKey &output, const Noise &noise, const KeySeeds &seeds,
                           uint32_t begin, uint32_t end, uint64_t *rows);

/// Bytes of scratch that `generateBootstrapElements` needs.
size_t bootstrapGenerationScratchBytes(const GlweKey &glwe);

/// Writes the GGSW of bit `element` of `input` under `output` with noise of glwe.noise() to `words`
/// [levels][k+1 rows][k+1 polynomials][N] (see BootstrapKey for the meaning of rows). Products of
/// mask and key are exact, so the words do not depend on the instruction set. `words` need not
/// belong to a BootstrapKey: a caller may convert it to the Fourier domain or write it to a file
/// element by element. The scratch is zeroised on return.
void generateBootstrapElement(const GlweKey &glwe, const Decomposition &decomposition,
                              const LweSecretKey &input, const GlweSecretKey &output,
                              const KeySeeds &seeds, uint32_t element, uint64_t *words,
                              Scratch scratch, Isa isa = activeIsa());

/// Makes whole keys straight in the form that the kernels read: there is never a second copy of one
/// in memory, only the rows of four coefficients or one element a thread. The work is shared by
/// `threads` threads (0: one a core); the key does not depend on their number. Dimensions of the
/// secret keys must be those of `key`, which the caller made (and found ok()). Noise is that of
/// `noise`, on words of the key's width, and of key.glwe().noise(). Throw std::bad_alloc when there
/// is no memory for the rows.
void generateKeyswitchKey(LweKeyswitchKey &key, const LweSecretKey &input,
                          const LweSecretKey &output, const Noise &noise, const KeySeeds &seeds,
                          unsigned threads = 0);
void generateBootstrapKey(FourierBootstrapKey &key, const LweSecretKey &input,
                          const GlweSecretKey &output, const KeySeeds &seeds,
                          unsigned threads = 0);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_CLIENT_KEY_GENERATION_H
