//===- OperatorDocs.cpp - The operator table as Markdown ----------------------------===//
#include "compiler/import/OperatorDocs.h"
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

static std::string describeInputs(const Operator &row) {
  std::string text;
  if (row.constantInputs == ~1u)
    return "all but the first";
  for (int i = 0; i < 31; ++i)
    if (mustBeConstant(row, i))
      text += (text.empty() ? "" : ", ") + std::to_string(i);
  return text.empty() ? "-" : text;
}

static void printRows(llvm::raw_ostream &os, ArrayRef<Operator> rows, OperatorClass kind) {
  os << "| operator | operator sets | constant inputs | notes |\n|---|---|---|---|\n";
  for (const Operator &row : rows) {
    if (row.kind != kind)
      continue;
    os << "| `" << row.name << "` | " << row.since << " to "
       << (row.until ? std::to_string(row.until) : "newest") << " | " << describeInputs(row)
       << " | " << row.note << " |\n";
  }
}

void printOperators(llvm::raw_ostream &os) {
  static const std::pair<OperatorClass, StringRef> sections[] = {
      {OperatorClass::Mixing,
       "Mixing\n\nSums of encrypted integers with clear weights. Each encrypted input needs a "
       "quantizer in front."},
      {OperatorClass::Univariate,
       "Functions\n\nFunctions of one encrypted number. With bias and normalization they go into "
       "the table of the\nquantizer behind: a chain of them, also one that branches and meets again "
       "(`x * sigmoid(x)`),\nis one table, one a channel where its constants differ."},
      {OperatorClass::Layout,
       "Layout\n\nThey cost nothing at run time but a copy, and may not move the batch dimension."},
      {OperatorClass::Client,
       "Client\n\nNot computed on encrypted numbers: the client does it behind the network, on what it "
       "decrypted, or\n(`OneHot`, `Gather`) before it encrypts. Steps of `pre` and `post` in the "
       "[manifest](formats.md#post)."},
      {OperatorClass::Quantizer, "Quantizers"},
      {OperatorClass::Clear,
       "Clear\n\nShape arithmetic, evaluated at compile time, as are all of the above on constants."}};
  for (const auto &[kind, title] : sections) {
    os << "\n## " << title << "\n\n";
    printRows(os, onnxOperators(), kind);
  }
  os << "\n### Domains `onnx.brevitas`, `qonnx.custom_op.general`, `finn.custom_op.general`\n\n";
  printRows(os, qonnxOperators(), OperatorClass::Quantizer);
}

} // namespace fhe::import
