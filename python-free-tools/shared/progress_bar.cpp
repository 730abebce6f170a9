//===- progress_bar.cpp - How far an encrypted run is
//-------------------------------------------===//
#include "python-free-tools/shared/progress_bar.h"

#include <cstdio>
#include <string>
#include <unistd.h>

namespace fhe::tools {

ProgressBar::ProgressBar(bool quiet) : visible(!quiet && isatty(STDERR_FILENO)) {}

int ProgressBar::callback(void *state, const fhe_progress *progress) {
  auto &bar = *static_cast<ProgressBar *>(state);
  bar.done = progress->lookups_done;
  if (bar.visible)
    bar.draw(*progress);
  return 0;
}

void ProgressBar::draw(const fhe_progress &progress) {
  Clock::time_point now = Clock::now();
  if (drawn && now - last < std::chrono::milliseconds(100))
    return;
  last = now;
  drawn = true;
  double seconds = std::chrono::duration<double>(now - start).count();
  uint64_t total = progress.lookups_total ? progress.lookups_total : progress.ops_total;
  uint64_t part = progress.lookups_total ? progress.lookups_done : progress.ops_done;
  double fraction = total ? double(part) / double(total) : 0;
  constexpr int width = 24;
  std::string bar(size_t(fraction * width), '#');
  bar.resize(width, '.');
  double rate = seconds > 0 ? double(progress.lookups_done) / seconds : 0;
  std::fprintf(stderr, "\r[%s] %3.0f %%  %llu of %llu tables, %.0f a second", bar.c_str(),
               fraction * 100, static_cast<unsigned long long>(progress.lookups_done),
               static_cast<unsigned long long>(progress.lookups_total), rate);
  if (part)
    std::fprintf(stderr, ", %.0f s left", seconds * double(total - part) / double(part));
  // \033[K clears what a longer line left behind.
  std::fprintf(stderr, "  %.40s\033[K", progress.layer ? progress.layer : "");
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (drawn)
    std::fputs("\r\033[K", stderr);
  drawn = false;
}

} // namespace fhe::tools
