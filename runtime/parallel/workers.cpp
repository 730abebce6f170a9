//===- workers.cpp - A fixed number of threads that share loops ---------------------------===//
#include "runtime/parallel/workers.h"

#include <algorithm>
#include <atomic>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <thread>

namespace fhe::runtime {

struct Workers::Arena {
  tbb::task_arena tasks;
  explicit Arena(int threads) : tasks(threads) {}
};

static uint32_t resolve(uint32_t threads) {
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  return std::min(threads, 1024u);
}

Workers::Workers(uint32_t threads)
    : count(resolve(threads)), arena(std::make_unique<Arena>(int(count))) {}

Workers::~Workers() = default;

void Workers::forEach(uint64_t items,
                      const std::function<void(uint64_t item, uint32_t worker)> &body) {
  if (items == 0)
    return;
  if (count == 1 || items == 1) {
    for (uint64_t item = 0; item < items; ++item)
      body(item, 0);
    return;
  }
  // oneTBB orders the items of one worker and the end of the loop by itself, but in a library that
  // is not instrumented: this counter tells the thread sanitizer.
  std::atomic<uint64_t> done;
  done.store(0, std::memory_order_release);
  arena->tasks.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<uint64_t>(0, items, 1),
        [&](const tbb::blocked_range<uint64_t> &range) {
          uint32_t worker = uint32_t(tbb::this_task_arena::current_thread_index());
          for (uint64_t item = range.begin(); item < range.end(); ++item) {
            (void)done.load(std::memory_order_acquire);
            body(item, worker);
            done.fetch_add(1, std::memory_order_acq_rel);
          }
        },
        tbb::simple_partitioner());
  });
  (void)done.load(std::memory_order_acquire);
}

} // namespace fhe::runtime
