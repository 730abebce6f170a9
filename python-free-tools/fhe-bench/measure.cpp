//===- measure.cpp - Times of a function on one or several threads -------------------------===//
//
// See measure.h.
//
//===----------------------------------------------------------------------------------------===//
#include "python-free-tools/fhe-bench/measure.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace fhe::tools {

namespace {

constexpr int fewestRounds = 3;

double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

double wallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Rounds until enough time is spent. `clock` times one round of `round`.
template <class Clock, class Round>
double smallest(double duration, Clock clock, Round round) {
  round();
  double least = 0, spent = 0;
  for (int rounds = 0; rounds < fewestRounds || spent < duration; ++rounds) {
    const double from = clock();
    round();
    const double seconds = clock() - from;
    least = rounds == 0 ? seconds : std::min(least, seconds);
    spent += seconds;
  }
  return least;
}

} // namespace

double minimumSeconds(unsigned threads, double duration,
                      const std::function<void(unsigned thread)> &work) {
  if (threads == 1)
    return smallest(duration, threadSeconds, [&] { work(0); });

  std::barrier start(threads), end(threads);
  bool stop = false; // Written before `start`, read after it.
  std::vector<std::jthread> helpers;
  for (unsigned thread = 1; thread < threads; ++thread)
    helpers.emplace_back([&, thread] {
      for (;;) {
        start.arrive_and_wait();
        if (stop)
          return;
        work(thread);
        end.arrive_and_wait();
      }
    });
  const double least = smallest(duration, wallSeconds, [&] {
    start.arrive_and_wait();
    work(0);
    end.arrive_and_wait();
  });
  stop = true;
  start.arrive_and_wait();
  return least;
}

MemoryPages memoryPages() {
  MemoryPages pages;
  std::ifstream file("/proc/self/smaps_rollup");
  std::string line;
  while (std::getline(file, line)) {
    uint64_t kibibytes;
    if (std::sscanf(line.c_str(), "Rss: %" SCNu64, &kibibytes) == 1)
      pages.resident = kibibytes << 10;
    else if (std::sscanf(line.c_str(), "AnonHugePages: %" SCNu64, &kibibytes) == 1)
      pages.huge = kibibytes << 10;
  }
  return pages;
}

} // namespace fhe::tools
