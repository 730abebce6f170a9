//===- command.cpp - What the deployment commands share -----------------------------------===//
#include "python-free-tools/deployment/command.h"

#include "runtime/formats/header.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace fhe::tools {

void check(const std::string &file, fhe_status status) {
  if (status == FHE_OK)
    return;
  if (status == FHE_INTERNAL)
    throw InternalError(file + ": " + fhe_last_error());
  throw FileError(file, fhe_last_error());
}

CommonFlags::CommonFlags(CLI::App &app) {
  app.set_version_flag("--version", app.get_name() + " " + fhe_version());
  app.add_flag("--quiet,-q", quiet, "Print errors only");
  app.add_flag("-v,--verbose", verbose, "Print more");
  app.add_flag("--json", json, "Print results as JSON");
}

/// A result that did not reach standard output (a full disk) is a failure like any other.
static void flushOutput() {
  errno = 0;
  bool good = bool(std::cout.flush());
  good &= std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!good)
    throw FileError("standard output", std::string("cannot be written") + (errno ? ": " : "") +
                                           (errno ? std::strerror(errno) : ""));
}

/// Parses and runs; gives 0, or the status of a wrong command line.
static int parseAndRun(CLI::App &app, int argc, char **argv, const std::function<void()> &body) {
  app.failure_message([](const CLI::App *app, const CLI::Error &error) {
    return app->get_name() + ": error: " + error.what() + "\nRun " + app->get_name() +
           " --help for the options.\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    int status = app.exit(error) == 0 ? 0 : 2;
    flushOutput();
    return status;
  }
  body();
  flushOutput();
  return 0;
}

int runCommand(CLI::App &app, int argc, char **argv, const std::function<void()> &body) {
  const std::string name = app.get_name();
  removeTemporariesOnSignals();
  try {
    return parseAndRun(app, argc, argv, body);
  } catch (const UsageError &error) {
    std::fprintf(stderr, "%s: error: %s\nRun %s --help for the options.\n", name.c_str(),
                 error.what(), name.c_str());
    return 2;
  } catch (const FileError &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "%s: error: out of memory\n", name.c_str());
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s: internal error: %s\n", name.c_str(), error.what());
    return 3;
  }
}

InputFile::InputFile(const std::string &path) {
  std::error_code code;
  size = std::filesystem::file_size(path, code);
  if (code)
    throw FileError(path, code.message());
  // Unbuffered: no copy of a secret key stays behind in a stream buffer.
  stream.rdbuf()->pubsetbuf(nullptr, 0);
  stream.open(path, std::ios::binary);
  if (!stream)
    throw FileError(path, std::strerror(errno));
}

int InputFile::read(void *state, void *data, size_t bytes) {
  auto &file = *static_cast<InputFile *>(state);
  file.stream.read(static_cast<char *>(data), std::streamsize(bytes));
  return file.stream ? 0 : 1;
}

std::string readText(const std::string &path) {
  InputFile file(path);
  std::string text(file.bytes(), '\0');
  if (!text.empty() && InputFile::read(&file, text.data(), text.size()) != 0)
    throw FileError(path, "cannot be read");
  return text;
}

/// The same existing file (also by another link), or the same name of one that is not there yet.
static bool isSameFile(const std::string &a, const std::string &b) {
  namespace fs = std::filesystem;
  if (isSpecialFile(a))
    return false; // Nothing is lost there: /dev/null may be given twice.
  std::error_code code;
  if (fs::equivalent(a, b, code) && !code)
    return true;
  std::error_code codeA, codeB;
  fs::path first = fs::weakly_canonical(fs::absolute(a), codeA);
  fs::path second = fs::weakly_canonical(fs::absolute(b), codeB);
  return !codeA && !codeB && first == second;
}

void checkOutputs(const std::vector<std::string> &outputs, const std::vector<std::string> &inputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (const std::string &input : inputs)
      if (isSameFile(outputs[i], input))
        throw UsageError("the output '" + outputs[i] + "' is the same file as the input '" + input +
                         "'");
    for (size_t j = 0; j < i; ++j)
      if (isSameFile(outputs[i], outputs[j]))
        throw UsageError("the outputs '" + outputs[j] + "' and '" + outputs[i] +
                         "' name the same file");
  }
}

void refuseClientKey(const std::string &path) {
  if (isSpecialFile(path))
    return;
  runtime::FileHeader header;
  std::ifstream stream(path, std::ios::binary);
  if (stream.read(reinterpret_cast<char *>(&header), sizeof header) &&
      header.magic == runtime::fileMagic && header.kind == runtime::FileKind::clientKey)
    throw FileError(path, "holds a client key, which is not replaced; name another output");
}

OutputFile::OutputFile(const std::string &path, bool secret, Replace replace)
    : target(path), temporary(path), replace(replace), direct(isSpecialFile(path)) {
  if (direct) {
    descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    if (replace == Replace::nothing && access(path.c_str(), F_OK) == 0)
      refuse("exists already; --force replaces it");
    if (replace == Replace::allButClientKeys)
      refuseClientKey(path);
    descriptor = open(temporary.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                      secret ? 0600 : 0666);
  }
  if (descriptor < 0)
    refuse(std::strerror(errno));
}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!direct && !done)
    unlink(temporary.path().c_str());
}

void OutputFile::refuse(const std::string &what) const { throw FileError(target, what); }

int OutputFile::write(void *state, const void *data, size_t bytes) {
  auto &file = *static_cast<OutputFile *>(state);
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t count = ::write(file.descriptor, from, bytes);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return 1;
    from += count;
    bytes -= size_t(count);
  }
  return 0;
}

void OutputFile::finish() {
  bool good = fsync(descriptor) == 0 || errno == EINVAL; // Pipes cannot be synchronised.
  good &= close(descriptor) == 0;
  descriptor = -1;
  if (!good)
    refuse(std::strerror(errno));
}

void OutputFile::commit() {
  done = direct;
  if (done)
    return;
  int failed = 0;
  const char *from = temporary.path().c_str();
  if (replace == Replace::allButClientKeys)
    refuseClientKey(target);
  if (replace != Replace::nothing) {
    failed = rename(from, target.c_str());
  } else {
    // Atomic also against another process that makes the file meanwhile.
    failed = renameat2(AT_FDCWD, from, AT_FDCWD, target.c_str(), RENAME_NOREPLACE);
    if (failed && (errno == EINVAL || errno == ENOSYS))
      failed =
          access(target.c_str(), F_OK) == 0 ? (errno = EEXIST, -1) : rename(from, target.c_str());
  }
  if (failed)
    refuse(errno == EEXIST ? "exists already; --force replaces it" : std::strerror(errno));
  done = true;
}

NamedPath::NamedPath(const std::string &text) {
  size_t equals = text.find('=');
  if (equals != std::string::npos)
    name = text.substr(0, equals);
  path = equals == std::string::npos ? text : text.substr(equals + 1);
}

} // namespace fhe::tools
