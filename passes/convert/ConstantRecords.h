//===- ConstantRecords.h - Constant data of a generated object --------------------===//
//
// Builds `llvm.mlir.global` constants: arrays of numbers, strings, and records whose
// fields are numbers, addresses of other globals, or records.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_CONVERT_CONSTANTRECORDS_H
#define PASSES_CONVERT_CONSTANTRECORDS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace fhe {

/// One field of a record. Integers take the width of the type they meet.
struct Field {
  enum class Kind { Integer, Real, Address, Group } kind;
  int64_t integer = 0;
  double real = 0;
  std::string symbol;        ///< of an address; empty: null
  std::vector<Field> group; ///< fields of a nested record, or elements of an array

  Field(int64_t value) : kind(Kind::Integer), integer(value) {}
  static Field ofReal(double value);
  static Field address(llvm::StringRef symbol);
  static Field ofGroup(std::vector<Field> fields);
};

class ConstantRecords {
public:
  /// Globals are named PREFIX.SUFFIX and appear before `before` in the module.
  ConstantRecords(mlir::Operation *before, llvm::StringRef prefix);

  /// Equal arrays of one integer width share a global. Each returns the global's name; an empty
  /// array gives an empty name (null).
  std::string integers(llvm::ArrayRef<int64_t> values, unsigned bits);
  std::string string(llvm::StringRef text); ///< NUL-terminated
  std::string record(llvm::StringRef suffix, mlir::Type type, const Field &fields);
  /// The one exported record.
  void exportRecord(llvm::StringRef name, mlir::Type type, const Field &fields);

private:
  std::string makeName(llvm::StringRef suffix);
  mlir::LLVM::GlobalOp makeGlobal(llvm::StringRef name, mlir::Type type, mlir::Attribute value,
                                  mlir::LLVM::Linkage linkage);
  void fill(mlir::LLVM::GlobalOp global, const Field &fields);
  mlir::Value build(mlir::OpBuilder &body, mlir::Type type, const Field &field);

  mlir::OpBuilder builder;
  mlir::Location loc;
  std::string prefix;
  llvm::DenseMap<mlir::Attribute, std::string> arrays;
  llvm::StringMap<std::string> strings;
};

} // namespace fhe

#endif // PASSES_CONVERT_CONSTANTRECORDS_H
