//===- header.h - The header that every file of ours begins with --------------------------===//
#ifndef FHE_RUNTIME_FORMATS_HEADER_H
#define FHE_RUNTIME_FORMATS_HEADER_H

#include "runtime/formats/parameters.h"

namespace fhe::runtime {

enum class FileKind : uint32_t { clientKey = 1, evaluationKey = 2, ciphertexts = 3 };

inline constexpr std::array<char, 8> fileMagic = {'F', 'H', 'E', '-', 'F', 'I', 'L', 'E'};
/// Keys with a nested key among their parameters have version 2: who knows only version 1 would take
/// it for a key of its own. Everything else, ciphertexts included, has version 1.
inline constexpr uint32_t fileVersion = 1, nestedFileVersion = 2;
inline uint32_t fileVersionOf(const Parameters &parameters) {
  return parameters.anyNested() ? nestedFileVersion : fileVersion;
}

/// 48 bytes, as on disk.
struct FileHeader {
  std::array<char, 8> magic = fileMagic;
  uint32_t version = fileVersion;
  FileKind kind{};
  ParameterHash parameters{};
  KeyId keyId{};
};
static_assert(sizeof(FileHeader) == 48);

/// Reads a header and checks magic, version and that the kind is `kind`. Of a key whether the version
/// is that of its parameters is asked with `readKeyParameters`.
FileHeader readHeader(ByteReader &reader, FileKind kind);

/// The parameters of a key file; checks that they are those that its header names.
Parameters readKeyParameters(ByteReader &reader, const FileHeader &header);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_HEADER_H
