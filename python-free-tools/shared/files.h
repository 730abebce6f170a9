//===- files.h - NumPy files and model objects of the commands
//----------------------------------===//
//
// What several commands do with files: read and write .npy, load a compiled model (.so). Failures
// are exceptions of type FileError whose text already names the file.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_SHARED_FILES_H
#define PYTHON_FREE_TOOLS_SHARED_FILES_H

#include "fhe/abi.h"
#include "runtime/formats/npy.h"

#include <stdexcept>
#include <string>

namespace fhe::tools {

/// "FILE: error: TEXT", as every command prints it.
class FileError : public std::runtime_error {
public:
  FileError(const std::string &file, const std::string &text)
      : std::runtime_error(file + ": error: " + text) {}
};

/// A command-line mistake: exit status 2.
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

runtime::NpyArray readNpyFile(const std::string &path);
/// Complete or not at all (a temporary beside `path`, renamed).
void writeNpyFile(const std::string &path, const runtime::NpyArray &array);

/// A shared object made by fhe-compile, loaded into this process until destroyed. Loading runs the
/// object's code: only load what you compiled yourself.
class ModelObject {
public:
  explicit ModelObject(const std::string &path);
  ~ModelObject();
  ModelObject(const ModelObject &) = delete;
  ModelObject &operator=(const ModelObject &) = delete;

  /// Checked for its version and size; everything else is fhe_prepare's to check.
  const fhe_model *get() const { return model; }

private:
  void *handle = nullptr;
  const fhe_model *model = nullptr;
};

/// How many of `samples` an encrypted run evaluates together: as many as have 1 GiB of ciphertexts,
/// at least one. That is hundreds for all but wide layers, enough to keep every core busy; results do
/// not depend on it.
uint64_t samplesTogether(const fhe_model &model, uint64_t samples);

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_SHARED_FILES_H
