//===- Node.h - One ONNX node as its import function sees it --------------------===//
//
// Checked access to inputs and attributes, refusals that name the node, and the
// few builders the import functions share.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_NODE_H
#define COMPILER_IMPORT_NODE_H

#include "compiler/import/Importer.h"
#include "dialects/shared/DiagnosticIds.h"

namespace fhe::import {

class Node {
public:
  Node(Importer &importer, const onnx::NodeProto &proto, mlir::Location loc)
      : importer(importer), proto(proto), loc(loc), builder(importer.builder) {}

  Importer &importer;
  const onnx::NodeProto &proto;
  mlir::Location loc;
  mlir::OpBuilder &builder;

  llvm::StringRef op() const { return proto.op_type(); }
  mlir::LogicalResult refuse(const char *id, const llvm::Twine &message,
                             llvm::ArrayRef<std::string> notes = {}) const {
    return import::refuse(loc, id, message, notes);
  }

  // Inputs. A missing optional input has an empty name.
  bool has(int i) const { return i < proto.input_size() && !proto.input(i).empty(); }
  /// Input `i`, which must be there (the operator table checks the number of inputs).
  const Tensor &input(int i) const { return *importer.find(proto.input(i)); }
  /// The constant of input `i`, refused where it is not one. `what` names it in the message.
  mlir::FailureOr<Constant> constantInput(int i, llvm::StringRef what) const;
  mlir::FailureOr<std::vector<int64_t>> integerInput(int i, llvm::StringRef what) const;
  mlir::FailureOr<std::vector<float>> realInput(int i, llvm::StringRef what) const;
  /// Input `i` as a qnn value; a constant is written out in full.
  mlir::FailureOr<Tensor> valueInput(int i) const;
  /// As valueInput, refused where it is not encrypted.
  mlir::FailureOr<mlir::Value> encryptedInput(int i) const;

  // Attributes: each keeps its default where the node has none. `checkAttributes` refuses those
  // that nothing has asked for.
  mlir::LogicalResult attribute(llvm::StringRef name, int64_t &value);
  mlir::LogicalResult attribute(llvm::StringRef name, float &value);
  mlir::LogicalResult attribute(llvm::StringRef name, std::string &value);
  mlir::LogicalResult attribute(llvm::StringRef name, llvm::SmallVector<int64_t> &value);
  mlir::LogicalResult attribute(llvm::StringRef name, const onnx::TensorProto *&value);
  bool hasAttribute(llvm::StringRef name) const;
  mlir::LogicalResult checkAttributes() const;
  void ignoreAttribute(llvm::StringRef name) { seen.insert(name); }

  /// axes as an attribute (older operator sets) or as input `i` (newer ones).
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>> axes(int i);
  /// `axis` counted from the front, refused outside -rank .. rank-1.
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank) const;

  /// Shape of the ONNX tensor, with the batch dimension where it has one.
  llvm::SmallVector<int64_t> onnxShape(const Tensor &tensor) const;
  /// f32 (or `element`) tensor type, refused where it is empty or too large.
  mlir::FailureOr<mlir::RankedTensorType> tensorType(llvm::ArrayRef<int64_t> shape,
                                                     mlir::Type element = {}) const;
  /// qnn.constant of real numbers, under another shape of the same size where given.
  mlir::FailureOr<mlir::Value>
  materialize(const ConstantTensor &constant,
              std::optional<llvm::ArrayRef<int64_t>> shape = std::nullopt) const;
  mlir::Value scalar(float value) const;

  /// Refuses a node that makes the import touch more elements than any network needs.
  mlir::LogicalResult charge(int64_t elements) const;

  mlir::LogicalResult define(mlir::Value value, bool clear = false);
  mlir::LogicalResult define(ConstantTensor constant);
  mlir::LogicalResult define(const Tensor &tensor);

private:
  const onnx::AttributeProto *findAttribute(llvm::StringRef name);
  mlir::LogicalResult wrongType(llvm::StringRef name, llvm::StringRef expected) const;

  llvm::StringSet<> seen;
};

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}
inline mlir::Type elementOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}
std::string describeShape(llvm::ArrayRef<int64_t> shape);

/// An import function: gives the node's outputs or refuses.
using Handler = mlir::LogicalResult (*)(Node &);

struct Operator {
  llvm::StringRef name;
  int minInputs, maxInputs;
  Handler handler;
};

/// The operator of a node, refused where the domain or the operator is unknown.
mlir::FailureOr<Operator> findOperator(const Node &node);
/// Imports one node; its inputs are defined.
mlir::LogicalResult importNode(Node &node);
bool isQuantizerOperator(const onnx::NodeProto &node);

// Elementwise.cpp
mlir::LogicalResult importBinary(Node &node);
mlir::LogicalResult importActivation(Node &node);
mlir::LogicalResult importClip(Node &node);
mlir::LogicalResult importIdentity(Node &node);
mlir::LogicalResult importDropout(Node &node);
// Layout.cpp
mlir::LogicalResult importReshape(Node &node);
mlir::LogicalResult importFlatten(Node &node);
mlir::LogicalResult importSqueeze(Node &node);
mlir::LogicalResult importUnsqueeze(Node &node);
mlir::LogicalResult importTranspose(Node &node);
mlir::LogicalResult importConcat(Node &node);
mlir::LogicalResult importPad(Node &node);
/// A view of a clear value under a shape that differs in dimensions of size 1 where the value is
/// quantized per channel (quantizers of constants move behind the view).
mlir::FailureOr<mlir::Value> reshapeClear(Node &node, mlir::Value value,
                                          llvm::ArrayRef<int64_t> shape);
mlir::FailureOr<mlir::Value> transposeValue(Node &node, mlir::Value value,
                                            llvm::ArrayRef<int64_t> permutation);
// Linear.cpp
mlir::LogicalResult importGemm(Node &node);
mlir::LogicalResult importMatMul(Node &node);
mlir::LogicalResult importConv(Node &node);
mlir::LogicalResult importBatchNormalization(Node &node);
mlir::LogicalResult importAveragePool(Node &node);
mlir::LogicalResult importGlobalAveragePool(Node &node);
mlir::LogicalResult importReduceMean(Node &node);
// Quantizers.cpp
mlir::LogicalResult importQuant(Node &node);
mlir::LogicalResult importBipolarQuant(Node &node);
mlir::LogicalResult importTrunc(Node &node);
mlir::LogicalResult importQuantizeLinear(Node &node);
mlir::LogicalResult importDequantizeLinear(Node &node);
// Integers.cpp: shape arithmetic
mlir::LogicalResult importShape(Node &node);
mlir::LogicalResult importSize(Node &node);
mlir::LogicalResult importGather(Node &node);
mlir::LogicalResult importSlice(Node &node);
mlir::LogicalResult importCast(Node &node);
mlir::LogicalResult importConstant(Node &node);
mlir::LogicalResult importConstantOfShape(Node &node);
// Fold.cpp
mlir::LogicalResult foldBinary(Node &node, const ConstantTensor &lhs, const ConstantTensor &rhs);
mlir::LogicalResult foldUnary(Node &node, const ConstantTensor &input);
mlir::LogicalResult foldConcat(Node &node, llvm::ArrayRef<Constant> inputs, int64_t axis);
ConstantTensor transposed(const ConstantTensor &input, llvm::ArrayRef<int64_t> permutation);
/// NumPy broadcasting; failure where the shapes do not go together.
mlir::FailureOr<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                                            llvm::ArrayRef<int64_t> b);
/// `input` read under a larger shape it broadcasts to.
ConstantTensor broadcastTo(const ConstantTensor &input, llvm::ArrayRef<int64_t> shape);
/// Copies element `source` of `from` to the end of `to`.
void appendElement(ConstantTensor &to, const ConstantTensor &from, int64_t source);
/// An empty tensor of the kind of `like`.
ConstantTensor emptyLike(const ConstantTensor &like, llvm::ArrayRef<int64_t> shape);

} // namespace fhe::import

#endif // COMPILER_IMPORT_NODE_H
