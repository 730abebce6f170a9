//===- OutputFiles.cpp - Several files, all or none -----------------------------===//
#include "compiler/driver/OutputFiles.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace fhe {

static Error failure(StringRef path, std::error_code code) {
  return createStringError(code, "%s: error: %s", path.str().c_str(), code.message().c_str());
}

OutputFiles::~OutputFiles() {
  for (const File &file : files)
    if (!file.temporary.empty())
      sys::fs::remove(file.temporary);
}

Expected<std::string> OutputFiles::reserve(StringRef path) {
  if (sys::fs::is_directory(path))
    return failure(path, std::make_error_code(std::errc::is_a_directory));
  // In the same folder, so that the rename neither copies nor crosses a file system; the random
  // part keeps two compilations of one file apart.
  SmallString<128> model(path);
  sys::path::remove_filename(model);
  sys::path::append(model,
                    "." + sys::path::filename(path) + ".%%%%%%%%" + sys::path::extension(path));
  int descriptor;
  SmallString<128> temporary;
  if (std::error_code code =
          sys::fs::createUniqueFile(model, descriptor, temporary, sys::fs::OF_None, 0666))
    return failure(path, code);
  sys::Process::SafelyCloseFileDescriptor(descriptor);
  files.push_back({path.str(), temporary.str().str()});
  return files.back().temporary;
}

Error OutputFiles::add(StringRef path, StringRef contents) {
  Expected<std::string> temporary = reserve(path);
  if (!temporary)
    return temporary.takeError();
  std::error_code code;
  raw_fd_ostream os(*temporary, code);
  if (code)
    return failure(path, code);
  os << contents;
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return failure(path, code);
  }
  return Error::success();
}

Error OutputFiles::commit() {
  for (File &file : files) {
    if (std::error_code code = sys::fs::rename(file.temporary, file.path))
      return failure(file.path, code);
    file.temporary.clear();
  }
  return Error::success();
}

} // namespace fhe
