/* fhe/client.h: the client's half: keys, encryption, decryption. C11.
 *
 * A client needs a model's manifest (NAME.json, or the text in the generated header) and nothing
 * else of the model. The way of an input: float32 -> pre-processing and quantization as the
 * manifest says -> encrypted integers; and back. Link fhe_client.
 */
#ifndef FHE_CLIENT_H
#define FHE_CLIENT_H

#include "fhe/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the manifest ---- */

typedef struct fhe_manifest fhe_manifest;

/* One input or output. Pointers live as long as the manifest. */
typedef struct fhe_tensor_info {
  const char *name;
  uint32_t rank;         /* of the encrypted tensor, without the samples */
  const uint64_t *shape; /* [rank] */
  uint64_t elements;     /* integers of one sample */
  int64_t lo, hi;        /* range of the integers */
  uint32_t float_rank;   /* of what fhe_encrypt takes or fhe_decrypt gives: differs from `shape`
                          before a one-hot encoding and after an argmax */
  const uint64_t *float_shape;
  uint64_t float_elements; /* floats of one sample */
} fhe_tensor_info;

/* Checks everything; `text` need not end in a NUL and is not kept. */
fhe_status fhe_manifest_parse(const char *text, size_t bytes, fhe_manifest **manifest);
void fhe_manifest_free(fhe_manifest *manifest);
const char *fhe_manifest_name(const fhe_manifest *manifest);
/* 1 for a model compiled with --clear-only: it has no parameters and no keys can be made. */
int fhe_manifest_is_clear_only(const fhe_manifest *manifest);
uint32_t fhe_manifest_input_count(const fhe_manifest *manifest);
uint32_t fhe_manifest_output_count(const fhe_manifest *manifest);
fhe_status fhe_manifest_input(const fhe_manifest *manifest, uint32_t i, fhe_tensor_info *info);
fhe_status fhe_manifest_output(const fhe_manifest *manifest, uint32_t i, fhe_tensor_info *info);

/* ---- keys ---- */

/* The secret. Zeroised when freed. It fits every model of the same parameters. */
typedef struct fhe_client_key fhe_client_key;

/* Draws a key. Refuses parameters below the security curve, whoever wrote the manifest. */
fhe_status fhe_client_key_generate(const fhe_manifest *manifest, fhe_client_key **key);
/* The same, with FHE_KEY_ASSUMPTIONS_EXTENDED also for partial GLWE keys, whose security is taken to
 * be that of LWE of their live coefficients, and for LWE keys nested in a GLWE key: assumptions beyond
 * the standard ones (docs/security.md). The client says so, not the manifest. FHE_INVALID_ARGUMENT for
 * other values. */
enum { FHE_KEY_ASSUMPTIONS_STANDARD = 1, FHE_KEY_ASSUMPTIONS_EXTENDED = 2 };
fhe_status fhe_client_key_generate_assuming(const fhe_manifest *manifest, uint32_t assumptions,
                                            fhe_client_key **key);
uint64_t fhe_client_key_bytes(const fhe_client_key *key);
/* The written bytes are the secret itself: keep the file to its owner (mode 0600). */
fhe_status fhe_client_key_write(const fhe_client_key *key, fhe_write_fn write, void *state);
fhe_status fhe_client_key_read(fhe_read_fn read, void *state, uint64_t bytes, fhe_client_key **key);
void fhe_client_key_free(fhe_client_key *key);

/* Makes the public evaluation key of `key` on `threads` threads (0: one a core). */
fhe_status fhe_evaluation_key_generate(const fhe_client_key *key, uint32_t threads,
                                       fhe_evaluation_key **evaluation_key);

/* ---- values ---- */

/* One input: float32 [samples][float_elements], row-major. */
typedef struct fhe_input {
  const char *name; /* NULL: the only input of the model */
  const float *data;
  uint64_t elements; /* floats in `data` in all: samples * float_elements */
} fhe_input;

/* Pre-processes, quantizes and encrypts all inputs of the model, under fresh randomness. */
fhe_status fhe_encrypt(const fhe_manifest *manifest, const fhe_client_key *key,
                       const fhe_input *inputs, uint32_t input_count, uint64_t samples,
                       fhe_ciphertexts **ciphertexts);

/* Decrypts output `name` (NULL: the only one), dequantizes and post-processes. `elements` must be
 * samples * float_elements. A result may be wrong with the probability the manifest gives;
 * results must not be shown to the server (docs/security.md). */
fhe_status fhe_decrypt(const fhe_manifest *manifest, const fhe_client_key *key,
                       const fhe_ciphertexts *ciphertexts, const char *name, float *values,
                       uint64_t elements);
/* The integers themselves; `elements` must be samples * elements. */
fhe_status fhe_decrypt_integers(const fhe_manifest *manifest, const fhe_client_key *key,
                                const fhe_ciphertexts *ciphertexts, const char *name,
                                int64_t *values, uint64_t elements);

/* The same without any key, for clear and simulated runs: nothing is encrypted. These are functions
 * of their own so that no missing key can ever make fhe_encrypt send clear values. */
fhe_status fhe_encode_clear(const fhe_manifest *manifest, const fhe_input *inputs,
                            uint32_t input_count, uint64_t samples, fhe_ciphertexts **ciphertexts);
fhe_status fhe_decode_clear(const fhe_manifest *manifest, const fhe_ciphertexts *ciphertexts,
                            const char *name, float *values, uint64_t elements);
fhe_status fhe_decode_clear_integers(const fhe_manifest *manifest,
                                     const fhe_ciphertexts *ciphertexts, const char *name,
                                     int64_t *values, uint64_t elements);

#ifdef __cplusplus
}
#endif

#endif /* FHE_CLIENT_H */
