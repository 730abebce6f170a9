//===- progress_bar.h - How far an encrypted run is
//---------------------------------------------===//
//
// On a terminal a bar with the layer, tables per second and the time left, redrawn at most ten
// times a second; elsewhere nothing.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_SHARED_PROGRESS_BAR_H
#define PYTHON_FREE_TOOLS_SHARED_PROGRESS_BAR_H

#include "fhe/server.h"

#include <chrono>

namespace fhe::tools {

class ProgressBar {
public:
  /// Draws on stderr if that is a terminal and not `quiet`.
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { finish(); }

  /// For fhe_run: `state` is a ProgressBar.
  static int callback(void *state, const fhe_progress *progress);
  /// Removes the bar.
  void finish();

  /// Tables evaluated so far.
  uint64_t lookups() const { return done; }

private:
  void draw(const fhe_progress &progress);

  using Clock = std::chrono::steady_clock;
  bool visible, drawn = false;
  uint64_t done = 0;
  Clock::time_point start = Clock::now(), last{};
};

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_SHARED_PROGRESS_BAR_H
