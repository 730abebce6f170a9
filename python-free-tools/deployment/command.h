//===- command.h - What the deployment commands share -------------------------------------===//
//
// Exit statuses (0 done, 1 refused, 2 wrong usage, 3 internal error), diagnostics as
// "FILE: error: ...", and files that are written completely or not at all.
//
//===--------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_DEPLOYMENT_COMMAND_H
#define PYTHON_FREE_TOOLS_DEPLOYMENT_COMMAND_H

#include "fhe/common.h"
#include "python-free-tools/shared/files.h"
#include "python-free-tools/shared/temporary_file.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <memory>

namespace fhe::tools {

/// A defect of ours: exit status 3.
class InternalError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Throws unless `status` is FHE_OK; the message names `file`.
void check(const std::string &file, fhe_status status);

/// Flags that every command has.
struct CommonFlags {
  bool quiet = false, verbose = false, json = false;
  explicit CommonFlags(CLI::App &app);
};

/// Parses the command line, runs `body`, prints what it throws; gives the exit status.
int runCommand(CLI::App &app, int argc, char **argv, const std::function<void()> &body);

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T *object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

/// A file to be read through the callbacks of the C interface.
class InputFile {
public:
  explicit InputFile(const std::string &path);
  uint64_t bytes() const { return size; }
  static int read(void *state, void *data, size_t bytes);

private:
  std::ifstream stream;
  uint64_t size = 0;
};

/// Reads an object of the C interface from a file.
template <class T, auto Free>
Owned<T, Free> readObject(const std::string &path,
                          fhe_status (*read)(fhe_read_fn, void *, uint64_t, T **)) {
  InputFile file(path);
  T *object = nullptr;
  check(path, read(InputFile::read, &file, file.bytes(), &object));
  return Owned<T, Free>(object);
}

std::string readText(const std::string &path);

/// Refuses outputs that are an input or each other (same name or same file): wrong usage.
void checkOutputs(const std::vector<std::string> &outputs, const std::vector<std::string> &inputs);

/// Refuses to write where a client key lies: what was encrypted under it would be lost.
void refuseClientKey(const std::string &path);

/// What an output may replace.
enum class Replace { nothing, allButClientKeys, anything };

/// A temporary beside `path` that `commit` renames; removed if it is not committed. A device or
/// pipe is written in place.
class OutputFile {
public:
  /// `secret`: readable by its owner only. A file that must not be replaced is refused, now and at
  /// `commit`.
  OutputFile(const std::string &path, bool secret, Replace replace);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  static int write(void *state, const void *data, size_t bytes);
  /// Everything is on its way to the disk; call before `commit`.
  void finish();
  void commit();
  const std::string &path() const { return target; }

private:
  [[noreturn]] void refuse(const std::string &what) const;
  std::string target;
  Temporary temporary;
  Replace replace;
  bool direct, done = false;
  int descriptor = -1;
};

/// "NAME=FILE" or "FILE" (name empty).
struct NamedPath {
  std::string name, path;
  explicit NamedPath(const std::string &text);
};

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_DEPLOYMENT_COMMAND_H
