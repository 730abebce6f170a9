//===- AbiTypes.cpp - The records of fhe/abi.h as LLVM struct types --------------===//
#include "passes/convert/AbiTypes.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using LLVM::LLVMStructType;

namespace fhe::abi {

/// 'i' uint32_t, 'l' uint64_t or int64_t, 'd' double, 'p' pointer, 'h' fhe_op_header,
/// '2' uint32_t[2], 'L' int64_t[2] or uint64_t[2].
static LLVMStructType record(MLIRContext *context, StringRef fields) {
  Builder builder(context);
  SmallVector<Type> types;
  for (char field : fields)
    switch (field) {
    case 'i': types.push_back(builder.getI32Type()); break;
    case 'l': types.push_back(builder.getI64Type()); break;
    case 'd': types.push_back(builder.getF64Type()); break;
    case 'p': types.push_back(LLVM::LLVMPointerType::get(context)); break;
    case 'h': types.push_back(opHeader(context)); break;
    case '2': types.push_back(LLVM::LLVMArrayType::get(builder.getI32Type(), 2)); break;
    case 'L': types.push_back(LLVM::LLVMArrayType::get(builder.getI64Type(), 2)); break;
    }
  return LLVMStructType::getLiteral(context, types);
}

LLVMStructType keyRecord(MLIRContext *context) { return record(context, "iiiiiiiid"); }
LLVMStructType conversionRecord(MLIRContext *context) { return record(context, "iiiiiiii"); }
LLVMStructType parameters(MLIRContext *context) { return record(context, "iiiiiipp"); }
LLVMStructType opHeader(MLIRContext *context) { return record(context, "iiiip"); }
LLVMStructType linearDesc(MLIRContext *context) {
  return record(context, "hiiiiiiiiiiiiiiiiiiiip");
}
LLVMStructType combineDesc(MLIRContext *context) { return record(context, "hli2iL"); }
LLVMStructType gatherDesc(MLIRContext *context) { return record(context, "hlLp"); }
LLVMStructType lookupDesc(MLIRContext *context) {
  return record(context, "hiiiiiiiilllliippdiip");
}
LLVMStructType constantDesc(MLIRContext *context) { return record(context, "hliip"); }
LLVMStructType convertDesc(MLIRContext *context) { return record(context, "hiil"); }
LLVMStructType executorOps(MLIRContext *context) { return record(context, "iipppppp"); }
LLVMStructType executor(MLIRContext *context) { return record(context, "pp"); }
LLVMStructType port(MLIRContext *context) { return record(context, "piiiiplllld"); }
LLVMStructType model(MLIRContext *context) { return record(context, "iipplppiiiipppp"); }

} // namespace fhe::abi
