//===- OutputFiles.h - Several files, all or none -------------------------------===//
//
// Contents are written to temporaries beside their destinations and renamed when all
// of them are complete: a refusal or a full disk leaves nothing behind and destroys
// nothing that was there.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_OUTPUTFILES_H
#define COMPILER_DRIVER_OUTPUTFILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace fhe {

class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;
  /// Removes the temporaries of files that were not committed.
  ~OutputFiles();

  /// Writes `contents` to a temporary that `commit` renames to `path`.
  llvm::Error add(llvm::StringRef path, llvm::StringRef contents);
  /// A temporary path for a file that someone else writes and `commit` renames to `path`. Its
  /// extension is that of `path`.
  llvm::Expected<std::string> reserve(llvm::StringRef path);
  /// Renames all files.
  llvm::Error commit();

private:
  struct File {
    std::string path, temporary;
  };
  std::vector<File> files;
};

} // namespace fhe

#endif // COMPILER_DRIVER_OUTPUTFILES_H
