//===- Object.cpp - LLVM IR, objects, archives, shared libraries -----------------===//
//
// The host's instruction set in its generic form: an object holds no kernels, so
// nothing is gained from knowing the machine, and the bytes stay the same.
//
//===---------------------------------------------------------------------------===//
#include "compiler/codegen/Codegen.h"
#include "dialects/fhe/FHE.h"
#include "dialects/tfhe/TFHE.h"
#include "lld/Common/Driver.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace fhe::codegen {

void registerDialects(DialectRegistry &registry) {
  registry.insert<FHEDialect, tfhe_ir::TFHEDialect, func::FuncDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// The host's machine, generic CPU, position independent.
static std::unique_ptr<llvm::TargetMachine> makeTargetMachine(std::string &error) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, "generic", "", llvm::TargetOptions(), llvm::Reloc::PIC_,
                                  std::nullopt, llvm::CodeGenOptLevel::Default));
}

static std::unique_ptr<llvm::Module> translate(ModuleOp lowered, llvm::StringRef name,
                                               llvm::LLVMContext &context,
                                               llvm::TargetMachine &machine) {
  std::unique_ptr<llvm::Module> module = translateModuleToLLVMIR(lowered, context, name);
  if (!module)
    return nullptr;
  module->setSourceFileName(name);
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(llvm::PICLevel::BigPIC);
  return module;
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

FailureOr<std::string> emitLLVMIR(ModuleOp lowered, llvm::StringRef name) {
  std::string error;
  auto machine = makeTargetMachine(error);
  if (!machine)
    return lowered.emitError("no code generator for this machine: ") << error;
  llvm::LLVMContext context;
  auto module = translate(lowered, name, context, *machine);
  if (!module)
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, nullptr);
  return text;
}

FailureOr<std::string> emitObject(ModuleOp lowered, llvm::StringRef name) {
  std::string error;
  auto machine = makeTargetMachine(error);
  if (!machine)
    return lowered.emitError("no code generator for this machine: ") << error;
  llvm::LLVMContext context;
  auto module = translate(lowered, name, context, *machine);
  if (!module)
    return failure();
  optimize(*module, *machine);
  llvm::SmallVector<char> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return lowered.emitError("this machine's code generator writes no objects");
  passes.run(*module);
  return std::string(bytes.begin(), bytes.end());
}

FailureOr<std::string> makeArchive(Location loc, llvm::StringRef object, llvm::StringRef name) {
  std::string member = (name + ".o").str();
  llvm::NewArchiveMember entry(llvm::MemoryBufferRef(object, member));
  auto archive = llvm::writeArchiveToBuffer(entry, llvm::SymtabWritingMode::NormalSymtab,
                                            llvm::object::Archive::K_GNU, /*Deterministic=*/true,
                                            /*Thin=*/false);
  if (!archive)
    return emitError(loc, "cannot write the archive: ") << llvm::toString(archive.takeError());
  return (*archive)->getBuffer().str();
}

namespace {
/// A folder that goes away with its files.
struct TemporaryFolder {
  llvm::SmallString<128> path;
  std::error_code error;
  TemporaryFolder() { error = llvm::sys::fs::createUniqueDirectory("fhe-link", path); }
  ~TemporaryFolder() {
    if (!error)
      llvm::sys::fs::remove_directories(path);
  }
  std::string file(const llvm::Twine &name) {
    llvm::SmallString<128> full(path);
    llvm::sys::path::append(full, name);
    return full.str().str();
  }
};
} // namespace

static std::error_code writeFile(const std::string &path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return error;
  file << bytes;
  file.close();
  if (file.has_error()) {
    error = file.error();
    file.clear_error();
  }
  return error;
}

FailureOr<std::string> linkShared(Location loc, llvm::StringRef object, llvm::StringRef name) {
  TemporaryFolder folder; // lld reads and writes files only
  if (folder.error)
    return emitError(loc, "cannot make a temporary folder: ") << folder.error.message();
  std::string input = folder.file(name + ".o"), output = folder.file(name + ".so");
  if (std::error_code error = writeFile(input, object))
    return emitError(loc, "cannot write a temporary file: ") << error.message();
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  const char *arguments[] = {"ld.lld", "-shared",     "--build-id=none", "--hash-style=gnu",
                             "-z",     "noexecstack", "-z",              "defs",
                             "--threads=1", "-o",     output.c_str(),    input.c_str()};
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return emitError(loc, "the linker failed: ") << messages;
  auto buffer = llvm::MemoryBuffer::getFile(output);
  if (!buffer)
    return emitError(loc, "cannot read the linked library: ") << buffer.getError().message();
  return (*buffer)->getBuffer().str();
}

} // namespace fhe::codegen
