//===- shadow.h - What an encrypted run should hold, and where its noise comes from ------------===//
//
// Follows the operations of a run and keeps for each arena slot the exact integers (of all samples)
// and each element as a sum of independent sources of noise: fresh encryptions, results of tables,
// conversions between keys. Written against the descriptors of fhe/abi.h, independently of the
// compiler's noise analysis, which it checks.
//
//===---------------------------------------------------------------------------------------------===//
#ifndef TEST_REALITY_SHADOW_H
#define TEST_REALITY_SHADOW_H

#include "runtime/server/checked_model.h"
#include "runtime/server/observer.h"

#include <map>

namespace fhe::reality {

/// Sources of one origin have one variance. The index names a key (input) or a conversion.
struct Origin {
  enum Kind { input, table, conversion } kind = input;
  uint32_t index = 0;
  friend auto operator<=>(const Origin &, const Origin &) = default;
};

/// One source, times a factor on the torus.
struct Term {
  uint32_t source = 0;
  double factor = 0;
};
/// Without repetitions, by increasing source. Empty: no noise, a trivial ciphertext.
using Sum = std::vector<Term>;
/// By element of one sample.
using Sums = std::vector<Sum>;

/// What the sources of one origin give to an element.
struct Share {
  Origin origin;
  double squares = 0; ///< sum of squared factors
  double factors = 0; ///< sum of factors: for errors that all sources have in common
};

struct Value {
  std::vector<int64_t> integers; ///< [samples][elements]
  const Sums *sums = nullptr;
};

class Shadow {
public:
  /// The model must outlive the shadow.
  explicit Shadow(const runtime::CheckedModel &checked);

  /// A run begins: integers [samples][elements] of each input.
  void start(const std::vector<std::vector<int64_t>> &inputs);

  /// The operand of the operation that is seen next.
  const Value &operand(unsigned k = 0) const;

  /// The next operation, if it is not a lookup.
  void see(const runtime::Observation &seen);
  /// The next operation, a lookup, with the integers of its results.
  void see(const runtime::Observation &seen, std::vector<std::vector<int64_t>> results);

  const Value &at(uint32_t key, uint64_t offset) const { return values.at({key, offset}); }
  std::vector<Share> shares(const Sum &sum) const;

private:
  const runtime::Call &call() const { return checked.schedule[position]; }
  void store(uint32_t key, uint64_t offset, std::vector<int64_t> integers, const Sums &sums);
  uint32_t addSource(Origin origin);
  Sums sourcesOfResult(const runtime::Observation &seen, unsigned result);
  Sums sumsOf(const runtime::Observation &seen);

  const runtime::CheckedModel &checked;
  size_t position = 0;
  std::map<std::pair<uint32_t, uint64_t>, Value> values; ///< by key and offset
  std::vector<Origin> origins;                           ///< by source
  std::vector<Sums> inputSums;
  std::vector<std::vector<Sums>> known; ///< by position and result; the same in every run
};

/// For each of `count` ciphertexts the first one that is equal to it.
std::vector<uint64_t> firstEqual(const uint64_t *words, uint64_t count, uint64_t wordsEach);

/// Whether nothing is encrypted: a mask of zeros.
bool isTrivial(const uint64_t *words, uint64_t wordsEach);

} // namespace fhe::reality

#endif // TEST_REALITY_SHADOW_H
