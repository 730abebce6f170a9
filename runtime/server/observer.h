//===- observer.h - Lets tests look inside a run (not installed) --------------------------===//
//
// Called after each operation with its operands and results as they lie in the arenas. A test that
// holds the secret key can decrypt table inputs and results and compare them with the clear run.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_SERVER_OBSERVER_H
#define FHE_RUNTIME_SERVER_OBSERVER_H

#include "fhe/server.h"

#include <functional>
#include <vector>

namespace fhe::runtime {

struct Observation {
  const fhe_op_header *op = nullptr;
  uint64_t firstSample = 0, samples = 0;
  /// First word of each operand that exists and of each result: [samples][elements][words].
  std::vector<const uint64_t *> in, out;
  uint64_t inWords = 1, outWords = 1; ///< Words of one value.
};

using Observer = std::function<void(const Observation &)>;

/// Null takes it away again.
void setObserver(fhe_prepared *prepared, Observer observer);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_OBSERVER_H
