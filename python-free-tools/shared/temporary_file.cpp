//===- temporary_file.cpp - Temporaries that a signal does not leave behind ----------------===//
#include "python-free-tools/shared/temporary_file.h"

#include <array>
#include <atomic>
#include <csignal>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace fhe::tools {

/// Names of the living temporaries. A handler may only use what is lock-free and never allocates.
static std::array<std::atomic<const char *>, 64> living;
static_assert(std::atomic<const char *>::is_always_lock_free);

static void removeAndEnd(int signal) {
  for (const auto &slot : living)
    if (const char *path = slot.load())
      unlink(path);
  // Blocked until this handler returns; then the process ends by the signal, as its parent expects.
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void removeTemporariesOnSignals() {
  struct sigaction action = {};
  action.sa_handler = removeAndEnd;
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&action.sa_mask, signal);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(signal, &action, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

Temporary::Temporary(const std::string &target) : name(target + ".tmp" + std::to_string(getpid())) {
  for (auto &slot : living) {
    const char *free = nullptr;
    if (slot.compare_exchange_strong(free, name.c_str()))
      return;
  }
  throw std::runtime_error("too many temporary files at once");
}

Temporary::~Temporary() {
  for (auto &slot : living) {
    const char *mine = name.c_str();
    if (slot.compare_exchange_strong(mine, nullptr))
      return;
  }
}

bool isSpecialFile(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

} // namespace fhe::tools
