/* fhe/common.h: what clients and servers share: status codes, ciphertexts, evaluation keys. C11.
 *
 * Every function returns an fhe_status, 0 being success; fhe_last_error() then says in one sentence
 * what went wrong (per thread, valid until the thread's next failing call). A function that fails
 * leaves its results untouched. Functions may be called from several threads at once on distinct
 * objects; const objects may be shared. Every *_free takes NULL.
 */
#ifndef FHE_COMMON_H
#define FHE_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t fhe_status;
enum {
  FHE_OK = 0,
  FHE_INVALID_ARGUMENT = 1,    /* a pointer, name, size or number the caller gave */
  FHE_INVALID_MANIFEST = 2,    /* the manifest's text is broken or says something impossible */
  FHE_INVALID_DATA = 3,        /* a key or ciphertext file is broken */
  FHE_INVALID_MODEL = 4,       /* the model object is broken */
  FHE_UNSUPPORTED = 5,         /* well-formed, but of a version or kind this library lacks */
  FHE_MISMATCH = 6,            /* key, ciphertexts and model do not belong together */
  FHE_INSECURE_PARAMETERS = 7, /* parameters below the security curve */
  FHE_OUT_OF_MEMORY = 8,       /* memory, or the memory limit, does not suffice */
  FHE_IO = 9,                  /* a read or write callback failed */
  FHE_NO_RANDOMNESS = 10,      /* the operating system gave none */
  FHE_CANCELLED = 11,          /* by fhe_cancel or the progress callback */
  FHE_INTERNAL = 12            /* a defect of this library or of the object's code */
};

/* One line for a status code; never NULL. */
const char *fhe_status_text(fhe_status status);
/* Why this thread's last failing call failed; "" if none did. */
const char *fhe_last_error(void);
/* "0.1.0" */
const char *fhe_version(void);

/* Streams. A callback moves exactly `bytes` bytes and returns 0, or returns non-zero: the call
 * then fails with FHE_IO. Readers are told how many bytes there are in all and never ask for more;
 * bytes left over at the end are an error. */
typedef int (*fhe_write_fn)(void *state, const void *data, size_t bytes);
typedef int (*fhe_read_fn)(void *state, void *data, size_t bytes);

/* ---- ciphertexts ---- */

/* The named tensors of one call, inputs or outputs, of `samples` samples each: encrypted under one
 * client's key, or clear integers (for clear and simulated runs). Encrypted inputs are kept, and
 * written, as a seed and one word a value; the server expands them. */
typedef struct fhe_ciphertexts fhe_ciphertexts;

uint64_t fhe_ciphertexts_samples(const fhe_ciphertexts *ciphertexts);
uint32_t fhe_ciphertexts_count(const fhe_ciphertexts *ciphertexts);
/* Name of tensor i, or NULL; values of it in one sample, or 0. */
const char *fhe_ciphertexts_name(const fhe_ciphertexts *ciphertexts, uint32_t i);
uint64_t fhe_ciphertexts_elements(const fhe_ciphertexts *ciphertexts, uint32_t i);
/* 1 if these are clear integers. */
int fhe_ciphertexts_is_clear(const fhe_ciphertexts *ciphertexts);
/* Bytes that fhe_ciphertexts_write writes. */
uint64_t fhe_ciphertexts_bytes(const fhe_ciphertexts *ciphertexts);
fhe_status fhe_ciphertexts_write(const fhe_ciphertexts *ciphertexts, fhe_write_fn write,
                                 void *state);
fhe_status fhe_ciphertexts_read(fhe_read_fn read, void *state, uint64_t bytes,
                                fhe_ciphertexts **ciphertexts);
void fhe_ciphertexts_free(fhe_ciphertexts *ciphertexts);

/* ---- evaluation keys ---- */

/* The public keys of one client that let a server compute on its ciphertexts. Kept, and written,
 * with the uniformly random half of each row as a seed. */
typedef struct fhe_evaluation_key fhe_evaluation_key;

uint64_t fhe_evaluation_key_bytes(const fhe_evaluation_key *key);
fhe_status fhe_evaluation_key_write(const fhe_evaluation_key *key, fhe_write_fn write, void *state);
fhe_status fhe_evaluation_key_read(fhe_read_fn read, void *state, uint64_t bytes,
                                   fhe_evaluation_key **key);
void fhe_evaluation_key_free(fhe_evaluation_key *key);

#ifdef __cplusplus
}
#endif

#endif /* FHE_COMMON_H */
