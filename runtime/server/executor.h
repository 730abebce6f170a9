//===- executor.h - What evaluates the operations of a model ------------------------------===//
//
// Two implementations: `makeIntegerExecutor` (clear and simulate: a ciphertext is one int64) and
// `makeEncryptedExecutor`. Both own the arenas of `samples` samples and all memory they need; after
// construction nothing fails and nothing is allocated.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_SERVER_EXECUTOR_H
#define FHE_RUNTIME_SERVER_EXECUTOR_H

#include "fhe/server.h"
#include "runtime/formats/ciphertexts.h"
#include "runtime/parallel/workers.h"
#include "runtime/server/checked_model.h"

#include <atomic>

struct fhe_evaluation_key;

namespace fhe::runtime {

/// Told by executors about work done inside an operation; says whether to go on.
class Monitor {
public:
  virtual ~Monitor() = default;
  /// `count` table evaluations are done. From any worker. False: stop.
  virtual bool lookupsDone(uint64_t count) = 0;
};

/// The samples [first, first + count) of a run: a turn.
struct Turn {
  uint64_t first = 0, count = 0;
};

class Executor {
public:
  virtual ~Executor() = default;

  /// Copies inputs into the arenas, and results out of them.
  virtual void load(const fhe_port &port, const CiphertextTensor &tensor, Encoding encoding,
                    Turn turn) = 0;
  virtual void store(uint32_t output, const fhe_port &port, CiphertextTensor &tensor,
                     Turn turn) = 0;
  /// One operation on all samples of the turn.
  virtual void execute(const Call &call, Turn turn, Monitor &monitor) = 0;

  /// First word of a slot, and words of one value: for tests that look inside.
  virtual const uint64_t *slotData(uint32_t key, uint64_t offset, uint64_t samples) const = 0;
  virtual uint64_t slotWords(uint32_t key) const = 0;
};

/// How often a lookup was evaluated and how often outside its table.
struct LookupCount {
  std::atomic<uint64_t> evaluated{0}, outside{0};
};

struct ExecutorResources {
  const CheckedModel &checked;
  Workers &workers;
  uint64_t samples; ///< Largest turn.
};

/// `noisy`: sample noise from `seed` at table inputs and outputs. `counts` [lookups].
std::unique_ptr<Executor> makeIntegerExecutor(const ExecutorResources &resources, bool noisy,
                                              uint64_t seed, LookupCount *counts);
/// Bytes of makeIntegerExecutor / makeEncryptedExecutor: fixed, and a sample.
struct Footprint {
  uint64_t fixed = 0, perSample = 0;
};
Footprint integerFootprint(const CheckedModel &checked);

std::unique_ptr<Executor> makeEncryptedExecutor(const ExecutorResources &resources,
                                                const fhe_evaluation_key &key);
Footprint encryptedFootprint(const CheckedModel &checked, uint32_t workers);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_EXECUTOR_H
