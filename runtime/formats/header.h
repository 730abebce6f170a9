//===- header.h - The header that every file of ours begins with --------------------------===//
#ifndef FHE_RUNTIME_FORMATS_HEADER_H
#define FHE_RUNTIME_FORMATS_HEADER_H

#include "runtime/formats/parameters.h"

namespace fhe::runtime {

enum class FileKind : uint32_t { clientKey = 1, evaluationKey = 2, ciphertexts = 3 };

inline constexpr std::array<char, 8> fileMagic = {'F', 'H', 'E', '-', 'F', 'I', 'L', 'E'};
inline constexpr uint32_t fileVersion = 1;

/// 48 bytes, as on disk.
struct FileHeader {
  std::array<char, 8> magic = fileMagic;
  uint32_t version = fileVersion;
  FileKind kind{};
  ParameterHash parameters{};
  KeyId keyId{};
};
static_assert(sizeof(FileHeader) == 48);

/// Reads a header and checks magic, version and that the kind is `kind`.
FileHeader readHeader(ByteReader &reader, FileKind kind);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_HEADER_H
