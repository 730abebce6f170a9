//===- DiagnosticPrinter.cpp - MLIR diagnostics as lines a user can act on ------===//
#include "compiler/driver/DiagnosticPrinter.h"
#include "dialects/shared/NodeLocation.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace fhe {

/// The file a location names, "" if none.
static std::string findFile(Location location) {
  std::string file;
  location->walk([&](Location loc) {
    if (auto place = dyn_cast<FileLineColLoc>(loc)) {
      file = place.getFilename().str();
      return WalkResult::interrupt();
    }
    if (auto name = dyn_cast<NameLoc>(loc)) {
      if (std::optional<OnnxNode> node = primaryNode(name); node && !node->file.empty()) {
        file = node->file.str();
        return WalkResult::interrupt();
      }
    }
    return WalkResult::advance();
  });
  return file;
}

std::string describeNode(Location location) {
  std::optional<OnnxNode> node = primaryNode(location);
  if (!node)
    return "";
  // A location without an operator names something else than a node: an input, say.
  if (node->op.empty())
    return "'" + node->name.str() + "': ";
  return "node '" + node->name.str() + "' (" + node->op.str() + "): ";
}

bool hasIdentifier(StringRef message) {
  if (!message.consume_back("]"))
    return false;
  size_t open = message.rfind('[');
  if (open == StringRef::npos)
    return false;
  StringRef id = message.drop_front(open + 1);
  return id.size() >= 2 && llvm::isUpper(id.front()) &&
         llvm::all_of(id.drop_front(), [](char c) { return llvm::isDigit(c); });
}

DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, raw_ostream &os, std::string file,
                                     bool verbose, bool quiet)
    : os(os), file(std::move(file)), verbose(verbose), quiet(quiet),
      handler(&context, [this](Diagnostic &diagnostic) { print(diagnostic); }) {
  context.printOpOnDiagnostic(false);
}

void DiagnosticPrinter::printLine(Location location, StringRef kind, StringRef text) {
  std::string named = findFile(location);
  os << (named.empty() ? file : named) << ": " << kind << ": " << describeNode(location);
  // Further lines of a text are indented under the first.
  auto [first, rest] = text.split('\n');
  os << first << '\n';
  while (!rest.empty()) {
    auto [line, after] = rest.split('\n');
    os << "    " << line << '\n';
    rest = after;
  }
}

void DiagnosticPrinter::help(StringRef text) { os << file << ": help: " << text << '\n'; }

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  StringRef kind = "error";
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    break;
  case DiagnosticSeverity::Warning:
    if (quiet)
      return;
    kind = "warning";
    break;
  case DiagnosticSeverity::Note:
    kind = "note";
    break;
  case DiagnosticSeverity::Remark:
    if (!verbose)
      return;
    kind = "remark";
    break;
  }
  std::string text = diagnostic.str();
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
    ++errorCount;
    latest.clear();
    if (hasIdentifier(text))
      latest = StringRef(text).rsplit('[').second.drop_back().str();
    else
      ++unidentified;
  }
  printLine(diagnostic.getLocation(), kind, text);
  for (Diagnostic &note : diagnostic.getNotes()) {
    std::string noteText = note.str();
    StringRef line = noteText;
    // A note at the place of its diagnostic need not name the node again.
    bool samePlace = note.getLocation() == diagnostic.getLocation();
    Location place = note.getLocation();
    if (samePlace)
      place = FileLineColLoc::get(place.getContext(), findFile(place), 0, 0);
    bool help = line.consume_front("help: ");
    printLine(place, help ? "help" : "note", line);
  }
}

} // namespace fhe
