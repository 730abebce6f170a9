//===- Printable.cpp - Text of a file in messages -------------------------------===//
#include "dialects/shared/Printable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

namespace fhe {

/// Bytes of the printable character at the start of `text`, 0 where there is none.
static size_t printableCharacter(llvm::StringRef text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80)
    return byte(0) >= 0x20 && byte(0) != 0x7f;
  size_t size = llvm::getNumBytesForUTF8(byte(0));
  auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.data());
  if (size > text.size() || !llvm::isLegalUTF8Sequence(begin, begin + size))
    return 0;
  bool control = byte(0) == 0xc2 && byte(1) < 0xa0;                           // U+0080 .. U+009F
  bool direction = byte(0) == 0xe2 && ((byte(1) == 0x80 && byte(2) >= 0xa8 && // U+2028 .. U+202E
                                        byte(2) <= 0xae) ||
                                       (byte(1) == 0x81 && byte(2) >= 0xa6 && // U+2066 .. U+2069
                                        byte(2) <= 0xa9));
  return control || direction ? 0 : size;
}

bool isPrintable(llvm::StringRef text) {
  while (!text.empty()) {
    size_t size = printableCharacter(text);
    if (!size)
      return false;
    text = text.drop_front(size);
  }
  return true;
}

std::string printable(llvm::StringRef text, size_t limit) {
  std::string result;
  while (!text.empty()) {
    if (result.size() >= limit)
      return result + "...";
    size_t size = printableCharacter(text);
    if (size) {
      result += text.take_front(size);
      text = text.drop_front(size);
      continue;
    }
    result += "\\x" + llvm::utohexstr(static_cast<unsigned char>(text.front()), /*LowerCase=*/true, 2);
    text = text.drop_front();
  }
  return result;
}

} // namespace fhe
