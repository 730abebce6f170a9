// two_models.cpp: two models in one C++ program, each under a client key of its parameters. (Models
// of equal parameters could share one.)
#include <fhe/fhe.hpp>
#include <tiny.h>
#include <tiny_calibrated.h>

#include <cstdio>

namespace {

/// Encrypts x, evaluates, decrypts; true if the clear run gives the same.
bool evaluate(const fhe_model &model, std::span<const float> x) {
  fhe::Manifest manifest({model.manifest, model.manifest_bytes});
  fhe::ClientKey secret(manifest);
  fhe::EvaluationKey evaluation(secret);
  const fhe::Input input{manifest.inputs()[0].name, x};
  const std::span<const fhe::Input> inputs(&input, 1);

  fhe::Prepared server(model, &evaluation);
  fhe::Ciphertexts out = server.run(fhe::encrypt(manifest, secret, inputs, 1));
  std::vector<float> y = fhe::decrypt(manifest, secret, out);

  fhe::Options options;
  options.mode = FHE_MODE_CLEAR;
  fhe::Prepared clear(model, nullptr, options);
  std::vector<float> expected =
      fhe::decodeClear(manifest, clear.run(fhe::encodeClear(manifest, inputs, 1)));
  for (size_t i = 0; i < y.size(); ++i)
    std::printf("%s[%zu] = %g (in the clear %g)\n", model.name, i, double(y[i]),
                double(expected[i]));
  return y == expected;
}

} // namespace

int main() {
  try {
    std::vector<float> x(TINY_INPUT_FLOAT_ELEMENTS, 0.5f), z(TINY_CALIBRATED_INPUT_FLOAT_ELEMENTS, -0.25f);
    bool good = evaluate(tiny_model, x);
    good &= evaluate(tiny_calibrated_model, z);
    return good ? 0 : 1;
  } catch (const fhe::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
