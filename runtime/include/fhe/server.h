/* fhe/server.h: the server's half: evaluates a compiled model on ciphertexts. C11.
 *
 * fhe_prepare does all that can fail or take long before a run: it checks the model, every
 * descriptor and the keys against each other, allocates all memory, and brings keys and tables into
 * the form the kernels read. fhe_run then calls the model's code. Nothing here touches a secret.
 * Link fhe_server and the model object.
 */
#ifndef FHE_SERVER_H
#define FHE_SERVER_H

#include "fhe/abi.h"
#include "fhe/common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t fhe_mode;
enum {
  FHE_MODE_ENCRYPTED = 0,
  FHE_MODE_CLEAR = 1,   /* exact integers */
  FHE_MODE_SIMULATE = 2 /* integers, with noise sampled at every table input and output */
};

/* Zero means the default everywhere. */
typedef struct fhe_options {
  uint32_t size; /* sizeof(fhe_options) */
  fhe_mode mode;
  uint32_t threads;      /* default: one a core */
  uint32_t reserved;     /* 0 */
  uint64_t samples;      /* evaluated together, default 1; a run of more goes in turns of so many */
  uint64_t memory_limit; /* bytes of all that fhe_prepare keeps: `samples` is lowered to fit */
  uint64_t seed;         /* of the noise of FHE_MODE_SIMULATE: same seed, same results */
} fhe_options;

typedef struct fhe_prepared fhe_prepared;

/* `evaluation_key`: of FHE_MODE_ENCRYPTED, else NULL; not needed after the call. `model` must live
 * as long as `prepared`. options may be NULL. */
fhe_status fhe_prepare(const fhe_model *model, const fhe_evaluation_key *evaluation_key,
                       const fhe_options *options, fhe_prepared **prepared);
void fhe_prepared_free(fhe_prepared *prepared);
/* Samples evaluated together (after the memory limit), and bytes kept. */
uint64_t fhe_prepared_samples(const fhe_prepared *prepared);
uint64_t fhe_prepared_memory(const fhe_prepared *prepared);

typedef struct fhe_progress {
  uint64_t ops_done, ops_total;
  uint64_t lookups_done, lookups_total; /* tables evaluated: samples * elements of each lookup */
  const char *layer;                    /* of the operation in work or just done */
} fhe_progress;

/* Called from the thread that called fhe_run, between operations and now and then inside long
 * ones. Non-zero cancels the run. */
typedef int (*fhe_progress_fn)(void *state, const fhe_progress *progress);

/* Evaluates the model on all samples of `inputs`. progress may be NULL. One run at a time on one
 * `prepared`. Results are the same words whatever the threads, `samples` and memory limit. */
fhe_status fhe_run(fhe_prepared *prepared, const fhe_ciphertexts *inputs, fhe_progress_fn progress,
                   void *progress_state, fhe_ciphertexts **outputs);

/* Ends the run in progress soon, with FHE_CANCELLED. From any thread; without effect if no run is
 * in progress. */
void fhe_cancel(fhe_prepared *prepared);

/* Table inputs of FHE_MODE_CLEAR and _SIMULATE that lay outside the integers their table covers,
 * summed over all runs. `i` counts the model's lookups; `layer` names the ONNX node. */
uint32_t fhe_prepared_lookup_count(const fhe_prepared *prepared);
fhe_status fhe_prepared_out_of_window(const fhe_prepared *prepared, uint32_t i, const char **layer,
                                      uint64_t *evaluated, uint64_t *outside);

#ifdef __cplusplus
}
#endif

#endif /* FHE_SERVER_H */
