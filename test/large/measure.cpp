//===- measure.cpp - Peak memory and seconds of a command -----------------------===//
//
//   measure SECONDS COMMAND...
//
// Runs the command, ends it after SECONDS, and prints its exit status (124: it did not end), its peak
// resident memory in bytes and the seconds it took.
//
//===---------------------------------------------------------------------------===//
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  auto start = std::chrono::steady_clock::now();
  pid_t child = fork();
  if (child == 0) {
    alarm(unsigned(std::atoi(argv[1]))); // is kept by exec
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execv(argv[2], argv + 2);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) != child)
    return 1;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) == SIGALRM ? 124 : 128 + WTERMSIG(status);
  std::printf("%d %ld %.2f\n", code, usage.ru_maxrss * 1024L, seconds);
  return 0;
}
