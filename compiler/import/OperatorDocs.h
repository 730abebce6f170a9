//===- OperatorDocs.h - The operator table as Markdown --------------------------------===//
#ifndef COMPILER_IMPORT_OPERATORDOCS_H
#define COMPILER_IMPORT_OPERATORDOCS_H

#include "llvm/Support/raw_ostream.h"

namespace fhe::import {

/// The sections of docs/supported-ops.md that the table of operators gives.
void printOperators(llvm::raw_ostream &os);

} // namespace fhe::import

#endif // COMPILER_IMPORT_OPERATORDOCS_H
