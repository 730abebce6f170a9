//===- main.cpp - All models of the ONNX backend tests ---------------------------------===//
//
// onnx-backend-test DATA EXCEPTIONS: runs every model below DATA, each in a child
// process with limits, and prints the counts by group. Fails where a case neither
// matches, nor is refused for an operator outside the table, nor is listed with its
// reason in EXCEPTIONS; where a listed case passes; or below 97 % of matches.
//
//===-----------------------------------------------------------------------------===//
#include "test/onnx-backend/backend_case.h"
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace fhe::backend;
namespace fs = std::filesystem;

namespace {
struct Counts {
  unsigned models = 0, evaluated = 0, bound = 0, refused = 0, excepted = 0;
};
} // namespace

/// "NAME: REASON" lines; '#' begins a comment.
static std::map<std::string, std::string> readExceptions(const char *path) {
  std::map<std::string, std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (size_t colon = line.find(": "); !line.empty() && line[0] != '#' && colon != std::string::npos)
      out[line.substr(0, colon)] = line.substr(colon + 2);
  return out;
}

/// Runs a case in a child process: 60 seconds, 4 GiB.
static CaseResult runInChild(const std::string &folder) {
  int ends[2];
  if (pipe(ends) != 0)
    return {Outcome::Broken, "no pipe"};
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    alarm(60);
    rlimit memory{rlim_t(4) << 30, rlim_t(4) << 30};
    setrlimit(RLIMIT_AS, &memory);
    CaseResult result = runCase(folder);
    std::string text = char(result.outcome) + result.reason.substr(0, 4000);
    ssize_t written = write(ends[1], text.data(), text.size());
    _exit(written == ssize_t(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, size_t(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    return {Outcome::Broken, WTERMSIG(status) == SIGALRM ? "runs longer than a minute"
                                                         : "ends with signal " +
                                                               std::to_string(WTERMSIG(status))};
  if (text.empty() || status != 0)
    return {Outcome::Broken, "gives no result"};
  return {Outcome(text[0]), text.substr(1)};
}

static std::vector<fs::path> findModels(const fs::path &data) {
  std::vector<fs::path> out;
  for (const auto &entry : fs::recursive_directory_iterator(data))
    if (entry.path().filename() == "model.onnx")
      out.push_back(entry.path().parent_path());
  std::sort(out.begin(), out.end());
  return out;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: onnx-backend-test DATA EXCEPTIONS\n");
    return 2;
  }
  std::map<std::string, std::string> exceptions = readExceptions(argv[2]);
  std::map<std::string, Counts> groups;
  Counts all;
  unsigned wrong = 0;
  for (const fs::path &folder : findModels(argv[1])) {
    std::string name = folder.filename(), group = folder.parent_path().filename();
    group = group.substr(0, group.find('-'));
    CaseResult result = runInChild(folder);
    bool excepted = exceptions.erase(name) != 0;
    bool failed = result.outcome == Outcome::Failed;
    if (result.outcome == Outcome::Broken || failed != excepted) {
      std::printf("%s %s: %s\n", excepted ? "listed but not failing" : "wrong", name.c_str(),
                  result.reason.c_str());
      ++wrong;
    }
    for (Counts *counts : {&groups[group], &all}) {
      ++counts->models;
      counts->evaluated += result.outcome == Outcome::Evaluated;
      counts->bound += result.outcome == Outcome::Bound;
      counts->refused += result.outcome == Outcome::Refused;
      counts->excepted += failed;
    }
  }
  for (const auto &[name, reason] : exceptions) {
    std::printf("listed but absent %s\n", name.c_str());
    ++wrong;
  }
  std::printf("%-8s %7s %10s %6s %8s %9s\n", "group", "models", "evaluated", "bound", "refused",
              "excepted");
  groups["all"] = all;
  for (const auto &[name, c] : groups)
    std::printf("%-8s %7u %10u %6u %8u %9u\n", name.c_str(), c.models, c.evaluated, c.bound,
                c.refused, c.excepted);
  unsigned matched = all.evaluated + all.bound, cases = matched + all.excepted;
  std::printf("%u of %u cases of supported operators match\n", matched, cases);
  bool enough = cases != 0 && matched * 100ull >= cases * 97ull;
  return wrong == 0 && enough ? 0 : 1;
}
