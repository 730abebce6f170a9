//===- command.cpp - What the deployment commands share -----------------------------------===//
#include "python-free-tools/deployment/command.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
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

int runCommand(CLI::App &app, int argc, char **argv, const std::function<void()> &body) {
  const std::string name = app.get_name();
  try {
    app.parse(argc, argv);
    body();
    return 0;
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
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

OutputFile::OutputFile(const std::string &path, bool secret, bool replace)
    : target(path), temporary(path + ".tmp" + std::to_string(getpid())), replace(replace) {
  if (!replace && access(path.c_str(), F_OK) == 0)
    refuse("exists already; --force replaces it");
  descriptor =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0666);
  if (descriptor < 0)
    refuse(std::strerror(errno));
}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!temporary.empty())
    unlink(temporary.c_str());
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
  int failed = 0;
  if (replace) {
    failed = rename(temporary.c_str(), target.c_str());
  } else {
    // Atomic also against another process that makes the file meanwhile.
    failed = renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE);
    if (failed && (errno == EINVAL || errno == ENOSYS))
      failed = access(target.c_str(), F_OK) == 0 ? (errno = EEXIST, -1)
                                                 : rename(temporary.c_str(), target.c_str());
  }
  if (failed)
    refuse(errno == EEXIST ? "exists already; --force replaces it" : std::strerror(errno));
  temporary.clear();
}

NamedPath::NamedPath(const std::string &text) {
  size_t equals = text.find('=');
  if (equals != std::string::npos)
    name = text.substr(0, equals);
  path = equals == std::string::npos ? text : text.substr(equals + 1);
}

} // namespace fhe::tools
