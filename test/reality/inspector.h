//===- inspector.h - Looks at every table of an encrypted run, with the secret key -------------===//
//
// For each element of each lookup: the position that its bootstrap turns the table by (computed
// again from the ciphertext that the executor gave it, and decrypted), against the position of the
// exact integer. Then that the executor's result is what the table holds at that position.
//
//===---------------------------------------------------------------------------------------------===//
#ifndef TEST_REALITY_INSPECTOR_H
#define TEST_REALITY_INSPECTOR_H

#include "test/reality/places.h"

namespace fhe::reality {

class Inspector {
public:
  /// `places`: lookups in the order of the schedule, then outputs; kept from key to key.
  /// `supposed` is what all predicted variances are multiplied by.
  Inspector(const runtime::CheckedModel &checked, const fhe_client_key &client,
            const fhe_evaluation_key &evaluation, runtime::Workers &workers, Shadow &shadow,
            std::vector<Place> &places, double supposed = 1);

  /// A run begins, with these integers [samples][elements] of each input.
  void start(const std::vector<std::vector<int64_t>> &inputs);
  void see(const runtime::Observation &seen);
  /// The outputs of the run.
  void finish(const fhe_ciphertexts &outputs);

private:
  struct Prediction {
    Noise noise;
    bool skipped = false; ///< no noise, or the same ciphertext as an element before
  };
  std::vector<Prediction> predict(const fhe_lookup_desc &op, const runtime::Observation &seen,
                                  const Sums &sums) const;
  void look(Place &place, const fhe_lookup_desc &op, int64_t value, uint32_t table,
            uint32_t position, const Noise &noise) const;
  void checkResults(Place &place, const runtime::Observation &seen,
                    const std::vector<std::vector<int64_t>> &results) const;

  const runtime::CheckedModel &checked;
  const fhe_client_key &client;
  KeyNoise keyNoise;
  Shadow &shadow;
  std::vector<Place> &places;
  double supposed;
  size_t place = 0;
};

/// The places of a program, without measurements.
std::vector<Place> placesOf(const runtime::CheckedModel &checked);

} // namespace fhe::reality

#endif // TEST_REALITY_INSPECTOR_H
