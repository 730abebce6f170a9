//===- temporary_file.h - Temporaries that a signal does not leave behind ------------------===//
//
// A command writes beside the file it makes and renames at the end. While a Temporary lives,
// SIGINT, SIGTERM and SIGHUP remove its file before they end the process (a temporary may hold a
// secret key), once `removeTemporariesOnSignals` was called.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_SHARED_TEMPORARY_FILE_H
#define PYTHON_FREE_TOOLS_SHARED_TEMPORARY_FILE_H

#include <string>

namespace fhe::tools {

/// Also ignores SIGXFSZ: past the file size limit a write fails with EFBIG, an ordinary error. A
/// signal that was ignored (nohup) stays ignored.
void removeTemporariesOnSignals();

/// A name beside `target`; the file itself is made, removed or renamed by the owner.
class Temporary {
public:
  explicit Temporary(const std::string &target);
  ~Temporary();
  Temporary(const Temporary &) = delete;
  Temporary &operator=(const Temporary &) = delete;
  const std::string &path() const { return name; }

private:
  const std::string name;
};

/// A device, pipe or socket: written in place, because a rename would replace it by a file.
bool isSpecialFile(const std::string &path);

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_SHARED_TEMPORARY_FILE_H
