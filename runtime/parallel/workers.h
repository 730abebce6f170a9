//===- workers.h - A fixed number of threads that share loops -----------------------------===//
//
// A oneTBB arena. The calling thread works too. Which worker runs an item is left to the scheduler,
// so items must not depend on each other's order: every result of the runtime is the same whatever
// the number of threads.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_PARALLEL_WORKERS_H
#define FHE_RUNTIME_PARALLEL_WORKERS_H

#include <cstdint>
#include <functional>
#include <memory>

namespace fhe::runtime {

class Workers {
public:
  /// `threads` threads in all; 0 means one a core.
  explicit Workers(uint32_t threads);
  ~Workers();

  uint32_t size() const { return count; }

  /// Calls body(item, worker) for each item in [0, items), worker in [0, size()): no two items run
  /// at one time under one worker, so `worker` may index scratch memory. An exception of the body
  /// ends the loop and is thrown here. Not to be nested.
  void forEach(uint64_t items, const std::function<void(uint64_t item, uint32_t worker)> &body);

private:
  struct Arena;
  uint32_t count;
  std::unique_ptr<Arena> arena;
};

} // namespace fhe::runtime

#endif // FHE_RUNTIME_PARALLEL_WORKERS_H
