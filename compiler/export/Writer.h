//===- Writer.h - The ONNX graph that is being written ------------------------------===//
//
// Nodes, constants and names. Constants of the network have no batch dimension, all other
// values have one more dimension in the file than in qnn, the first.
//
//===------------------------------------------------------------------------------===//
#ifndef COMPILER_EXPORT_WRITER_H
#define COMPILER_EXPORT_WRITER_H

#include "compiler/export/Export.h"
#include "compiler/import/Onnx.h"
#include "dialects/qnn/QNN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include <variant>
#include <vector>

namespace fhe::onnx_export {

using Strings = std::vector<std::string>;
using Integers = std::vector<int64_t>;

struct Attribute {
  const char *name;
  std::variant<int64_t, float, Integers, std::string> value;
};

class Writer {
public:
  Writer(mlir::func::FuncOp function, OnnxFormat format);

  /// The whole graph.
  mlir::FailureOr<std::string> run();

  OnnxFormat format() const { return fileFormat; }
  int64_t opset() const { return onnxOpset; }

  /// Appends a node and gives the name of its last output. `last`: the output is the result of the
  /// operation being written.
  std::string node(const char *op, const Strings &inputs, const std::vector<Attribute> &attributes = {},
                   const char *domain = "", int outputs = 1);
  /// Constants, equal ones once.
  std::string reals(const std::vector<float> &values, const Integers &shape);
  std::string scalar(float value) { return reals({value}, {}); }
  std::string integers(const Integers &values);
  /// Integers of an ONNX data type, at most 32 bits wide.
  std::string stored(const Integers &values, const Integers &shape, int dataType);

  /// The ONNX tensor of a value; a constant is written on first use.
  mlir::FailureOr<std::string> operand(mlir::Value value);
  /// The same with so many dimensions (without batch), ones in front.
  mlir::FailureOr<std::string> operand(mlir::Value value, size_t rank);
  std::string reshape(const std::string &tensor, llvm::ArrayRef<int64_t> shape);

private:
  mlir::LogicalResult writeOp(mlir::Operation *op);
  std::string fresh(llvm::StringRef base);
  void writeInterface(onnx::ValueInfoProto &info, llvm::StringRef name, mlir::Value value);
  mlir::LogicalResult writeResults();
  void writeVersions();

  mlir::func::FuncOp function;
  OnnxFormat fileFormat;
  int64_t onnxOpset = 13;
  bool usesQonnx = false;
  onnx::ModelProto model;
  onnx::GraphProto &graph;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::StringSet<> taken;
  std::vector<std::pair<std::string, std::string>> constants; ///< bytes and name
  llvm::StringMap<std::string> constantNames;                 ///< by bytes
  std::string nodeBase, outputBase;                           ///< of the operation being written
};

/// The operator set a network needs.
int64_t neededOpset(mlir::func::FuncOp function, OnnxFormat format);

/// The tensor that `op` becomes: all operations but quantizers and constants.
mlir::FailureOr<std::string> writeOperation(Writer &writer, mlir::Operation *op);
/// quantize and trunc.
mlir::FailureOr<std::string> writeQuantizer(Writer &writer, mlir::Operation *op);
/// A constant of quantized type.
mlir::FailureOr<std::string> writeQuantizedConstant(Writer &writer, qnn::ConstantOp op);

mlir::InFlightDiagnostic refuse(mlir::Operation *op, const Writer &writer, const llvm::Twine &message);

} // namespace fhe::onnx_export

#endif // COMPILER_EXPORT_WRITER_H
