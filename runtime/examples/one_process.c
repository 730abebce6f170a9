/* one_process.c: client and server in one C program.
 *
 * The model is compiled by fhe_add_model(tiny ...). The client half knows the manifest and the
 * secret key; the server half knows the model, the evaluation key and ciphertexts. What crosses
 * between them is bytes in real life and pointers here.
 */
#include <fhe/fhe.h>
#include <tiny.h>

#include <stdio.h>
#include <stdlib.h>

static void must(fhe_status status) {
  if (status == FHE_OK)
    return;
  fprintf(stderr, "%s: %s\n", fhe_status_text(status), fhe_last_error());
  exit(1);
}

static int show_progress(void *state, const fhe_progress *progress) {
  (void)state;
  fprintf(stderr, "\r%llu of %llu tables", (unsigned long long)progress->lookups_done,
          (unsigned long long)progress->lookups_total);
  return 0; /* go on */
}

/* The server: nothing here can decrypt. */
static fhe_ciphertexts *serve(const fhe_evaluation_key *key, const fhe_ciphertexts *in) {
  fhe_prepared *prepared = NULL;
  fhe_ciphertexts *out = NULL;
  must(fhe_prepare(&tiny_model, key, NULL, &prepared));
  must(fhe_run(prepared, in, show_progress, NULL, &out));
  fprintf(stderr, "\n");
  fhe_prepared_free(prepared);
  return out;
}

int main(void) {
  fhe_manifest *manifest = NULL;
  fhe_client_key *secret = NULL;
  fhe_evaluation_key *evaluation = NULL;
  must(fhe_manifest_parse(tiny_manifest, TINY_MANIFEST_BYTES, &manifest));
  must(fhe_client_key_generate(manifest, &secret));
  must(fhe_evaluation_key_generate(secret, 0, &evaluation));

  float x[TINY_INPUT_FLOAT_ELEMENTS], y[TINY_OUTPUT_FLOAT_ELEMENTS], clear[TINY_OUTPUT_FLOAT_ELEMENTS];
  for (int i = 0; i < TINY_INPUT_FLOAT_ELEMENTS; ++i)
    x[i] = 0.25f * (float)(i % 5) - 0.5f;
  const fhe_input input = {TINY_INPUT_0_NAME, x, TINY_INPUT_FLOAT_ELEMENTS};
  fhe_ciphertexts *in = NULL;
  must(fhe_encrypt(manifest, secret, &input, 1, 1, &in));
  fhe_ciphertexts *out = serve(evaluation, in);
  must(fhe_decrypt(manifest, secret, out, NULL, y, TINY_OUTPUT_FLOAT_ELEMENTS));

  /* The same program in the clear, to compare. */
  fhe_options options = {0};
  options.size = sizeof options;
  options.mode = FHE_MODE_CLEAR;
  fhe_prepared *prepared = NULL;
  fhe_ciphertexts *open = NULL, *result = NULL;
  must(fhe_encode_clear(manifest, &input, 1, 1, &open));
  must(fhe_prepare(&tiny_model, NULL, &options, &prepared));
  must(fhe_run(prepared, open, NULL, NULL, &result));
  must(fhe_decode_clear(manifest, result, NULL, clear, TINY_OUTPUT_FLOAT_ELEMENTS));

  int differences = 0;
  for (int i = 0; i < TINY_OUTPUT_FLOAT_ELEMENTS; ++i) {
    printf("y[%d] = %g (in the clear %g)\n", i, (double)y[i], (double)clear[i]);
    differences += y[i] != clear[i];
  }
  fhe_ciphertexts_free(result);
  fhe_ciphertexts_free(open);
  fhe_prepared_free(prepared);
  fhe_ciphertexts_free(out);
  fhe_ciphertexts_free(in);
  fhe_evaluation_key_free(evaluation);
  fhe_client_key_free(secret);
  fhe_manifest_free(manifest);
  return differences != 0;
}
