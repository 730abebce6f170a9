//===- Printable.h - Text of a file in messages ---------------------------------===//
//
// Names in a file are any bytes. In a message they must not move the cursor,
// forge a further line, or break the encoding of a terminal or a JSON report.
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_SHARED_PRINTABLE_H
#define DIALECTS_SHARED_PRINTABLE_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace fhe {

/// Whether `text` is valid UTF-8 without control characters (C0, DEL, C1) and without the characters
/// that change the direction of text.
bool isPrintable(llvm::StringRef text);

/// `text` with each byte of what isPrintable excludes written as \xNN, and cut off after `limit`
/// bytes ("..." then marks the place).
std::string printable(llvm::StringRef text, size_t limit = 4000);

} // namespace fhe

#endif // DIALECTS_SHARED_PRINTABLE_H
