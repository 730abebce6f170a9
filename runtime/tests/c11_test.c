/* c11_test.c: the public headers in strict C11, and a whole program in C. */
#include "fhe/fhe.h"

#include "fixtures/fixtures.h"

#include <stdio.h>
#include <stdlib.h>

static void must(fhe_status status) {
  if (status == FHE_OK)
    return;
  fprintf(stderr, "%s: %s\n", fhe_status_text(status), fhe_last_error());
  exit(1);
}

int main(void) {
  fhe_manifest *manifest = NULL;
  must(fhe_manifest_parse(demo_model.manifest, (size_t)demo_model.manifest_bytes, &manifest));
  const float x[8] = {0.0f, 0.5f, 1.0f, 1.5f, 1.5f, 1.0f, 0.5f, 0.0f};
  const fhe_input input = {"x", x, 8};
  fhe_ciphertexts *in = NULL, *out = NULL;
  must(fhe_encode_clear(manifest, &input, 1, 1, &in));
  fhe_options options = {0};
  options.size = sizeof options;
  options.mode = FHE_MODE_CLEAR;
  fhe_prepared *prepared = NULL;
  must(fhe_prepare(&demo_model, NULL, &options, &prepared));
  must(fhe_run(prepared, in, NULL, NULL, &out));
  float y[3];
  must(fhe_decode_clear(manifest, out, "y", y, 3));
  fhe_ciphertexts_free(out);
  fhe_ciphertexts_free(in);
  fhe_prepared_free(prepared);
  fhe_manifest_free(manifest);
  /* x = 0 1 2 3 3 2 1 0: accumulators 2 1 -3 3 -3 1, activations 1 0 0 2 1 1, y = 4 -1 2. */
  if (y[0] != 1.5f || y[1] != -0.25f || y[2] != -0.5f) {
    fprintf(stderr, "y = %g %g %g\n", (double)y[0], (double)y[1], (double)y[2]);
    return 1;
  }
  return 0;
}
