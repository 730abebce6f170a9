//===- Codegen.cpp - From a planned tfhe module to all products ------------------===//
#include "compiler/codegen/Codegen.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassManager.h"
#include "passes/tfhe/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace fhe::codegen {

std::string makeIdentifier(llvm::StringRef text) {
  std::string name;
  for (char c : text)
    name += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (name.empty() || llvm::isDigit(name.front()))
    name.insert(name.begin(), '_');
  return name;
}

FailureOr<OwningOpRef<ModuleOp>> lower(ModuleOp planned, llvm::StringRef name,
                                       llvm::StringRef manifest) {
  OwningOpRef<ModuleOp> copy(planned.clone());
  Builder builder(planned.getContext());
  (*copy)->setAttr("tfhe.name", builder.getStringAttr(name));
  (*copy)->setAttr("tfhe.manifest", builder.getStringAttr(manifest));
  PassManager manager(planned.getContext());
  manager.addPass(createConvertTfheToLLVM());
  if (failed(manager.run(*copy)))
    return failure();
  return copy;
}

FailureOr<Products> emit(ModuleOp planned, const Options &options) {
  Products products;
  auto manifest = buildManifest(planned, options.name);
  if (failed(manifest))
    return failure();
  products.manifest = std::move(*manifest);
  auto header = buildHeader(planned, options.name, products.manifest);
  if (failed(header))
    return failure();
  products.header = std::move(*header);
  auto lowered = lower(planned, options.name, products.manifest);
  if (failed(lowered))
    return failure();
  auto object = emitObject(lowered->get(), options.name);
  if (succeeded(object) && options.kind == ObjectKind::Archive)
    object = makeArchive(planned.getLoc(), *object, options.name);
  else if (succeeded(object) && options.kind == ObjectKind::SharedLibrary)
    object = linkShared(planned.getLoc(), *object, options.name);
  if (failed(object))
    return failure();
  products.object = std::move(*object);
  return products;
}

} // namespace fhe::codegen
