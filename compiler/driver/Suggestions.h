//===- Suggestions.h - Changes of the command that would compile -----------------===//
//
// Where no parameters satisfy a network, changes of the options are tried one by one,
// each by running the passes from the table windows on with it. Only what was seen to
// work is suggested, the nearest of each kind first.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_DRIVER_SUGGESTIONS_H
#define COMPILER_DRIVER_SUGGESTIONS_H

#include "mlir/IR/BuiltinOps.h"
#include "passes/pipeline/Options.h"
#include <string>
#include <vector>

namespace fhe {

/// Commands, as a shell takes them, with which `beforeWindows` (the module before
/// fhe-assign-windows) gets parameters; at most three. Diagnostics of the attempts are not seen.
/// Each attempt takes what the passes take, a fraction of a second for most networks.
std::vector<std::string> suggestCommands(mlir::ModuleOp beforeWindows,
                                         const CompileOptions &options);

} // namespace fhe

#endif // COMPILER_DRIVER_SUGGESTIONS_H
