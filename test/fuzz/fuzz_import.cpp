//===- fuzz_import.cpp - Any bytes as an ONNX network ---------------------------===//
//
// What must hold of any file: the import and the checks up to the exact program
// end, in bounded memory, with a program or with refusals that each carry an
// identifier. Anything else ends the process, which libFuzzer reports.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Import.h"
#include "compiler/import/Onnx.h"
#include "dialects/fhe/FHE.h"
#include "dialects/qnn/QNN.h"
#include "dialects/shared/NodeLocation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "passes/pipeline/Pipeline.h"
#include "dialects/shared/Printable.h"
#include "llvm/ADT/StringExtras.h"
#include <cstdio>
#include <cstdlib>
#include <google/protobuf/stubs/logging.h>

using namespace mlir;

namespace {

/// Whether a message ends in an identifier such as [Q012].
bool hasIdentifier(StringRef message) {
  return message.consume_back("]") && message.size() > 5 && message[message.size() - 5] == '[' &&
         message[message.size() - 4] == 'Q' && llvm::all_of(message.take_back(3), llvm::isDigit);
}

/// A context and what it reported. Contexts keep every attribute, so each serves only so many files.
class Session {
public:
  Session() : context(MLIRContext::Threading::DISABLED) {
    context.printOpOnDiagnostic(false);
    context.loadDialect<func::FuncDialect, fhe::qnn::QNNDialect, fhe::FHEDialect>();
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) { check(diagnostic); });
  }

  void run(StringRef bytes);

private:
  void check(const Diagnostic &diagnostic);
  void require(bool condition, const char *what) {
    if (condition)
      return;
    std::fprintf(stderr, "fuzz_import: %s\n", what);
    std::abort();
  }

  MLIRContext context;
  unsigned errors = 0;
};

} // namespace

void Session::check(const Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
    ++errors;
    if (!hasIdentifier(text)) {
      std::fprintf(stderr, "%s\n", text.c_str());
      require(false, "an error without identifier");
    }
  }
  require(errors <= 100, "more than a hundred errors");
    require(fhe::isPrintable(text), "a control character in a message");
  require(text.size() < 100000, "a message of more than 100,000 bytes");
  for (const Diagnostic &note : diagnostic.getNotes()) {
    std::string line = note.str();
    require(fhe::isPrintable(line) && line.size() < 100000, "a control character in a note, or a long one");
  }
  if (std::optional<fhe::OnnxNode> node = fhe::primaryNode(diagnostic.getLocation()))
    require(fhe::isPrintable(node->name) && fhe::isPrintable(node->op), "a control character in a node's name");
}

void Session::run(StringRef bytes) {
  errors = 0;
  fhe::ImportOptions importOptions;
  // model_version, of which the importer makes nothing, chooses the options.
  onnx::ModelProto model;
  google::protobuf::LogSilencer silencer;
  unsigned choice =
      model.ParseFromArray(bytes.data(), int(bytes.size())) ? unsigned(model.model_version()) : 0;
  importOptions.floatNetwork = choice % 4 == 1;
  importOptions.wholeTensors = choice % 16 == 2;
  if (choice % 4 == 3)
    importOptions.declaredInputs.push_back({"", 4, -1, 1});
  importOptions.maxTouchedElements = int64_t(1) << 21;
  OwningOpRef<ModuleOp> module =
      fhe::importOnnxBytes(context, bytes, "/nonexistent/fuzz.onnx", importOptions);
  require(bool(module) == (errors == 0), "import and its errors disagree");
  if (!module || importOptions.wholeTensors)
    return;
  fhe::CompileOptions options;
  if (choice % 8 >= 4)
    options.roundAccumulators = 1 + choice / 8 % 8;
  for (auto build : {fhe::buildQnnPipeline, fhe::buildFhePipeline, fhe::buildWindowPipeline}) {
    PassManager manager(&context);
    build(manager, options);
    bool good = succeeded(manager.run(*module));
    require(good == (errors == 0), "a pass and its errors disagree");
    if (!good)
      return;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static std::unique_ptr<Session> session;
  static unsigned runs = 0;
  if (!session || runs++ % 200 == 0)
    session = std::make_unique<Session>();
  session->run(StringRef(reinterpret_cast<const char *>(data), size));
  return 0;
}

/// Debian's libMLIR is not instrumented; containers and allocators it shares with us look wrong, and
/// what its statics keep is not ours.
extern "C" const char *__asan_default_options() {
  return "detect_container_overflow=0:allow_user_poisoning=0:detect_leaks=0:"
         "allocator_may_return_null=0:max_allocation_size_mb=4096";
}
