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
  int64_t opset() const { return importer.opset(); }
  mlir::LogicalResult refuse(const char *id, const llvm::Twine &message,
                             llvm::ArrayRef<std::string> notes = {}) const {
    return import::refuse(loc, id, message, notes);
  }

  // Inputs. A missing optional input has an empty name.
  bool has(int i) const { return i >= 0 && i < proto.input_size() && !proto.input(i).empty(); }
  /// Input `i`, which must be there (the operator table checks the number of inputs).
  const Tensor &input(int i) const { return *importer.find(proto.input(i)); }
  /// The constant of input `i`, refused where it is not one. `what` names it in the message.
  mlir::FailureOr<Constant> constantInput(int i, llvm::StringRef what) const;
  mlir::FailureOr<std::vector<int64_t>> integerInput(int i, llvm::StringRef what) const;
  mlir::FailureOr<std::vector<float>> realInput(int i, llvm::StringRef what) const;
  /// Input `i` as a qnn value; a constant is written out in full.
  mlir::FailureOr<Tensor> valueInput(int i) const;
  mlir::FailureOr<Tensor> valueOf(const Tensor &tensor, llvm::StringRef name) const;
  /// Whether the value of `tensor` lacks dimension 0 of the ONNX tensor, the batch.
  bool hidesBatch(const Tensor &tensor) const {
    return tensor.isEncrypted() && !importer.wholeTensors();
  }
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
  /// A constant as real numbers: truth values are 0 and 1; other integers where they are exact in f32.
  mlir::FailureOr<mlir::Value> realValue(const ConstantTensor &constant,
                                         const llvm::Twine &what) const;

  /// Refuses a node that makes the import touch more elements than any network needs.
  mlir::LogicalResult charge(int64_t elements) const;

  mlir::LogicalResult define(mlir::Value value, bool clear = false);
  mlir::LogicalResult define(ConstantTensor constant);
  mlir::LogicalResult define(const Tensor &tensor);
  mlir::LogicalResult define(int output, Tensor tensor);

private:
  const onnx::AttributeProto *findAttribute(llvm::StringRef name);
  mlir::LogicalResult wrongType(llvm::StringRef name, llvm::StringRef expected) const;

  /// The quantized numbers behind integers that the node only moves.
  mlir::FailureOr<mlir::Value> movedIntegers(const PendingQuantizer &pending,
                                             llvm::StringRef name) const;

  llvm::StringSet<> seen;
  /// What the node's encrypted results are integers of; null: real numbers.
  mutable std::shared_ptr<PendingQuantizer> moved;
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

/// What an operator is on encrypted tensors.
enum class OperatorClass {
  Mixing,     ///< sums of encrypted integers with clear weights
  Univariate, ///< one function of one integer: goes into a table
  Layout,     ///< moves elements
  Quantizer,
  Client, ///< computed by the client, before encryption or after decryption
  Clear,  ///< on constants and shapes only
};

/// One row of the operator table, the single source of docs/supported-ops.md.
struct Operator {
  llvm::StringRef name;
  int since; ///< oldest operator set it is in (of those supported)
  int until; ///< newest one, 0: still there
  int minInputs, maxInputs, maxOutputs;
  /// Bit i: input i must be a constant of the file; the last bit also means all later ones.
  unsigned constantInputs;
  OperatorClass kind;
  Handler handler;
  llvm::StringRef note; ///< one line for the documentation
};

/// The rows of ai.onnx and of the QONNX domains, by name.
llvm::ArrayRef<Operator> onnxOperators();
llvm::ArrayRef<Operator> qonnxOperators();
/// Whether the table wants input `i` to be a constant.
bool mustBeConstant(const Operator &row, int i);

/// The operator of a node, refused where the domain or the operator is unknown.
mlir::FailureOr<Operator> findOperator(const Node &node);
/// Imports one node; its inputs are defined.
mlir::LogicalResult importNode(Node &node);
bool isQuantizerOperator(const onnx::NodeProto &node);

// Elementwise.cpp: arithmetic, and operators that do nothing
mlir::LogicalResult importBinary(Node &node);
mlir::LogicalResult importClip(Node &node);
mlir::LogicalResult importIdentity(Node &node);
mlir::LogicalResult importDropout(Node &node);
/// Operands as values that broadcast without batch dimension; at least one is encrypted.
mlir::LogicalResult alignOperands(Node &node, llvm::MutableArrayRef<Tensor> operands);
/// Refuses several encrypted operands that are not functions of one value.
mlir::LogicalResult checkOneSource(Node &node, llvm::ArrayRef<Tensor> operands);
mlir::FailureOr<mlir::RankedTensorType> broadcastType(Node &node, llvm::ArrayRef<Tensor> operands);
// Functions.cpp: functions of one number, and of several with one source
mlir::LogicalResult importFunction(Node &node);
mlir::LogicalResult importGelu(Node &node);
mlir::LogicalResult importSwish(Node &node);
mlir::LogicalResult importIsInf(Node &node);
mlir::LogicalResult importBinaryFunction(Node &node);
mlir::LogicalResult importExtremum(Node &node);
mlir::LogicalResult importSum(Node &node);
mlir::LogicalResult importWhere(Node &node);
mlir::Value createFunction(Node &node, qnn::Function function, mlir::Value value, double alpha = 0,
                           double beta = 0);
// Layout.cpp: views, transposes, concatenation
mlir::LogicalResult importReshape(Node &node);
mlir::LogicalResult importFlatten(Node &node);
mlir::LogicalResult importSqueeze(Node &node);
mlir::LogicalResult importUnsqueeze(Node &node);
mlir::LogicalResult importTranspose(Node &node);
mlir::LogicalResult importConcat(Node &node);
/// A view of a clear value under a shape that differs in dimensions of size 1 where the value is
/// quantized per channel (quantizers of constants move behind the view).
mlir::FailureOr<mlir::Value> reshapeClear(Node &node, mlir::Value value,
                                          llvm::ArrayRef<int64_t> shape);
mlir::FailureOr<mlir::Value> transposeValue(Node &node, mlir::Value value,
                                            llvm::ArrayRef<int64_t> permutation);
/// Values joined along an axis; the shapes agree.
mlir::FailureOr<mlir::Value> concatValues(Node &node, llvm::ArrayRef<mlir::Value> values,
                                          int64_t axis);
mlir::LogicalResult refuseBatch(Node &node, llvm::ArrayRef<int64_t> from,
                                llvm::ArrayRef<int64_t> to);
// Gathers.cpp: operators that choose elements
mlir::LogicalResult importSlice(Node &node);
mlir::LogicalResult importSplit(Node &node);
mlir::LogicalResult importGather(Node &node);
mlir::LogicalResult importExpand(Node &node);
mlir::LogicalResult importTile(Node &node);
mlir::LogicalResult importPad(Node &node);
mlir::LogicalResult importDepthToSpace(Node &node);
mlir::LogicalResult importSpaceToDepth(Node &node);
mlir::LogicalResult importTrilu(Node &node);
/// By ONNX axis: the source indices (-1: zero), or nullopt for all of them in order.
using AxisIndices = llvm::SmallVector<std::optional<std::vector<int64_t>>>;
/// Defines output `output` as `input` read through `indices`, under `shape` (without hidden batch) where
/// given.
mlir::LogicalResult defineAxisGather(Node &node, int output, const Tensor &input,
                                     const AxisIndices &indices,
                                     std::optional<llvm::ArrayRef<int64_t>> shape = std::nullopt);
/// qnn.gather of `value`.
mlir::FailureOr<mlir::Value> createGather(Node &node, mlir::Value value,
                                          std::vector<int32_t> source,
                                          llvm::ArrayRef<int64_t> shape);
/// Elements of clear weights that may be quantized per channel, whose channels are then axis `axis` of
/// `shape`; -1 is a real zero.
mlir::FailureOr<mlir::Value> gatherWeights(Node &node, mlir::Value value,
                                           llvm::ArrayRef<int32_t> source,
                                           llvm::ArrayRef<int64_t> shape, int64_t axis);
// Normalization.cpp: by statistics of the data
mlir::LogicalResult importInstanceNormalization(Node &node);
mlir::LogicalResult importGroupNormalization(Node &node);
mlir::LogicalResult importLayerNormalization(Node &node);
// ClientOps.cpp: what the client computes
mlir::LogicalResult importSoftmax(Node &node);
mlir::LogicalResult importArgMax(Node &node);
mlir::LogicalResult importTopK(Node &node);
mlir::LogicalResult importOneHot(Node &node);
/// A Gather of rows of a constant table by an input of the network.
mlir::LogicalResult importEmbedding(Node &node);
// Resize.cpp
mlir::LogicalResult importResize(Node &node);
mlir::LogicalResult importUpsample(Node &node);
mlir::LogicalResult importCumSum(Node &node);
// Linear.cpp
mlir::LogicalResult importGemm(Node &node);
mlir::LogicalResult importMatMul(Node &node);
mlir::LogicalResult importBatchNormalization(Node &node);
mlir::LogicalResult refuseEncryptedProduct(Node &node);
mlir::FailureOr<mlir::Value> createGemm(Node &node, mlir::Value input, mlir::Value weights,
                                        mlir::Value bias);
/// A clear bias as [size]; null for operands that must be added in an op of their own.
mlir::FailureOr<mlir::Value> readBias(Node &node, int i, int64_t size);
/// x W for clear W [I,O], a vector [I] or a stack of matrices; W x for clear W [O,I].
mlir::FailureOr<mlir::Value> multiplyRight(Node &node, mlir::Value input, mlir::Value weights);
mlir::FailureOr<mlir::Value> multiplyLeft(Node &node, mlir::Value weights, mlir::Value input);
/// `apply` of `input` without batch: of each sample where whole tensors keep it.
mlir::FailureOr<mlir::Value>
perSample(Node &node, mlir::Value input,
          llvm::function_ref<mlir::FailureOr<mlir::Value>(mlir::Value sample)> apply);
/// Defines the node's output as `apply` of its input 0 without batch: of each sample where whole tensors
/// keep it.
mlir::LogicalResult definePerSample(
    Node &node, llvm::function_ref<mlir::FailureOr<mlir::Value>(mlir::Value sample)> apply);
// Windows.cpp, Pools.cpp
mlir::LogicalResult importConv(Node &node);
/// The convolution that the node's attributes describe; `bias` [O] or null.
mlir::FailureOr<mlir::Value> convolve(Node &node, mlir::Value input, mlir::Value weights,
                                      mlir::Value bias);
mlir::LogicalResult importConvTranspose(Node &node);
mlir::LogicalResult importAveragePool(Node &node);
mlir::LogicalResult importMaxPool(Node &node);
// Reduce.cpp
mlir::LogicalResult importReduce(Node &node);
mlir::LogicalResult importGlobalPool(Node &node);
// QLinear.cpp: operators on stored integers
mlir::LogicalResult importQLinearConv(Node &node);
mlir::LogicalResult importQLinearMatMul(Node &node);
mlir::LogicalResult importConvInteger(Node &node);
mlir::LogicalResult importMatMulInteger(Node &node);
// Quantizers.cpp, Qcdq.cpp
mlir::LogicalResult importQuant(Node &node);
mlir::LogicalResult importBipolarQuant(Node &node);
mlir::LogicalResult importTrunc(Node &node);
mlir::LogicalResult importQuantizeLinear(Node &node);
mlir::LogicalResult importDequantizeLinear(Node &node);
// Integers.cpp: shape arithmetic
mlir::LogicalResult importShape(Node &node);
mlir::LogicalResult importSize(Node &node);
mlir::LogicalResult importCast(Node &node);
mlir::LogicalResult importConstant(Node &node);
mlir::LogicalResult importConstantOfShape(Node &node);
mlir::LogicalResult importRange(Node &node);
// Fold.cpp
mlir::LogicalResult foldBinary(Node &node, const ConstantTensor &lhs, const ConstantTensor &rhs);
/// The function of two numbers an operator is, of those that integers have, too.
std::optional<qnn::BinaryFunction> exactFunction(llvm::StringRef op);
mlir::LogicalResult foldUnary(Node &node, const ConstantTensor &input, qnn::Function function,
                              double alpha, double beta);
mlir::LogicalResult foldWhere(Node &node, const ConstantTensor &condition,
                              const ConstantTensor &lhs, const ConstantTensor &rhs);
mlir::LogicalResult foldConcat(Node &node, llvm::ArrayRef<Constant> inputs, int64_t axis);
ConstantTensor transposed(const ConstantTensor &input, llvm::ArrayRef<int64_t> permutation);
/// NumPy broadcasting; failure where the shapes do not go together.
mlir::FailureOr<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                                            llvm::ArrayRef<int64_t> b);
/// `input` read under a larger shape it broadcasts to.
ConstantTensor broadcastTo(const ConstantTensor &input, llvm::ArrayRef<int64_t> shape);
/// Copies element `source` of `from` to the end of `to`.
void appendElement(ConstantTensor &to, const ConstantTensor &from, int64_t source);
/// A sum, product, maximum or minimum of integers over `axes` (sorted).
mlir::LogicalResult foldReduction(Node &node, const ConstantTensor &input,
                                  llvm::ArrayRef<int64_t> axes, bool keep);
/// An empty tensor of the kind of `like`.
ConstantTensor emptyLike(const ConstantTensor &like, llvm::ArrayRef<int64_t> shape);

} // namespace fhe::import

#endif // COMPILER_IMPORT_NODE_H
