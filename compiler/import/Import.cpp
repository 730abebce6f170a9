//===- Import.cpp - From a file to the import of its graph ----------------------===//
#include "compiler/import/Import.h"
#include "compiler/import/Importer.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <google/protobuf/stubs/logging.h>

using namespace mlir;

namespace fhe {

/// Protobuf's own limit for one message.
static constexpr uint64_t kMaxFileBytes = (uint64_t(1) << 31) - 1;

/// The bytes of a regular file; null after a refusal.
static std::unique_ptr<llvm::MemoryBuffer> readFile(StringRef path, Location loc) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status)) {
    (void)import::refuse(loc, diag::FileUnreadable, "cannot read the file: " + error.message());
    return nullptr;
  }
  if (status.type() != llvm::sys::fs::file_type::regular_file) {
    (void)import::refuse(loc, diag::FileUnreadable, "is not a regular file");
    return nullptr;
  }
  if (status.getSize() == 0 || status.getSize() > kMaxFileBytes) {
    (void)import::refuse(
        loc, diag::FileUnreadable,
        status.getSize() ? "is larger than 2 GiB, which no ONNX file can be" : "the file is empty",
        status.getSize() ? SmallVector<std::string>{"help: store the weights as external data"}
                         : SmallVector<std::string>{"help: export the model again"});
    return nullptr;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    (void)import::refuse(loc, diag::FileUnreadable,
                         "cannot read the file: " + buffer.getError().message());
  return buffer ? std::move(*buffer) : nullptr;
}

/// Whether the first bytes look like text; every ONNX file has field tags below 32 there.
static bool looksLikeText(StringRef bytes) {
  return llvm::all_of(bytes.take_front(64), [](char c) {
    return (c >= 32 && c < 127) || c == '\n' || c == '\r' || c == '\t';
  });
}

/// Imports the model that `bytes` hold and calls `release` once they are no longer read.
static OwningOpRef<ModuleOp> importParsed(MLIRContext &context, StringRef bytes, StringRef path,
                                          const ImportOptions &options,
                                          llvm::function_ref<void()> release) {
  context.loadDialect<qnn::QNNDialect, func::FuncDialect, quant::QuantDialect>();
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  google::protobuf::LogSilencer silencer; // the parser writes to stderr on its own
  onnx::ModelProto model;
  bool parsed = model.ParseFromArray(bytes.data(), int(bytes.size()));
  if (!parsed || !model.has_graph()) {
    bool text = looksLikeText(bytes);
    (void)import::refuse(
        loc, diag::NotOnnx,
        text     ? "is a text file, not an ONNX model"
        : parsed ? "holds no graph: not an ONNX model"
                 : "cannot be parsed as an ONNX model: the file is truncated, damaged, nested too "
                   "deeply, or of another format",
        SmallVector<std::string>{"help: export the model again and compare the file sizes"});
    return nullptr;
  }
  release();
  OwningOpRef<ModuleOp> module = import::Importer(&context, path, model, options).run();
  if (module && failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> importOnnx(MLIRContext &context, StringRef path,
                                 const ImportOptions &options) {
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      readFile(path, FileLineColLoc::get(&context, path, 0, 0));
  if (!buffer)
    return nullptr;
  return importParsed(context, buffer->getBuffer(), path, options, [&] { buffer.reset(); });
}

OwningOpRef<ModuleOp> importOnnxBytes(MLIRContext &context, StringRef bytes, StringRef path,
                                      const ImportOptions &options) {
  return importParsed(context, bytes, path, options, [] {});
}

} // namespace fhe
