//===- fhe-import.cpp - Print what the importer makes of a file -----------------===//
//
// A developer's tool: qnn on stdout and exit 0, or the refusals on stderr and
// exit 1. MLIR's printer options (--mlir-print-debuginfo, ...) work.
// --supported-operators prints the operator table (docs/supported-ops.md) instead.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Import.h"
#include "compiler/import/OperatorDocs.h"
#include "dialects/shared/NodeLocation.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace cl = llvm::cl;

static cl::opt<std::string> modelPath(cl::Positional, cl::desc("<model.onnx>"));
static cl::opt<bool> supportedOperators("supported-operators", cl::desc("print the operator table"));
static cl::opt<bool> floatNetwork("float", cl::desc("take networks without quantizers"));
static cl::opt<bool> wholeTensors("evaluation",
                                  cl::desc("keep dimension 0 and take any numbers (evaluation only)"));
static cl::opt<unsigned> inputBits("input-bits", cl::desc("bits of an input without quantizer"));
static cl::opt<std::string> inputName("input-name", cl::desc("the input that --input-bits means"));
static cl::opt<std::string> inputRange("input-range", cl::desc("LO:HI of that input"),
                                       cl::init("0:1"));

static void print(Diagnostic &diagnostic, StringRef kind) {
  llvm::raw_ostream &err = llvm::errs();
  std::string text = diagnostic.str();
  StringRef body = text;
  if (kind == "note" && body.consume_front("help: "))
    kind = "help";
  err << modelPath << ": " << kind << ": ";
  if (auto node = fhe::primaryNode(diagnostic.getLocation()); node && kind == "error")
    err << "node '" << node->name << "' (" << node->op << "): ";
  err << body << "\n";
}

int main(int argc, char **argv) {
  registerAsmPrinterCLOptions();
  cl::ParseCommandLineOptions(argc, argv, "Prints the qnn form of an ONNX network\n");
  if (supportedOperators) {
    fhe::import::printOperators(llvm::outs());
    return 0;
  }
  if (modelPath.empty()) {
    llvm::errs() << "fhe-import: name an ONNX file\n";
    return 2;
  }
  MLIRContext context(MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [](Diagnostic &diagnostic) {
    print(diagnostic, "error");
    for (Diagnostic &note : diagnostic.getNotes())
      print(note, "note");
    return success();
  });
  fhe::ImportOptions options;
  options.floatNetwork = floatNetwork;
  options.wholeTensors = wholeTensors;
  if (inputBits.getNumOccurrences()) {
    fhe::DeclaredInput input;
    auto [lo, hi] = StringRef(inputRange).split(':');
    input.name = inputName;
    input.bits = inputBits;
    if (lo.getAsDouble(input.lo) || hi.getAsDouble(input.hi)) {
      llvm::errs() << "fhe-import: --input-range must be LO:HI\n";
      return 2;
    }
    options.declaredInputs.push_back(input);
  }
  OwningOpRef<ModuleOp> module = fhe::importOnnx(context, modelPath, options);
  if (!module)
    return 1;
  module->print(llvm::outs());
  llvm::outs() << "\n";
  return 0;
}
