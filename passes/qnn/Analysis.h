//===- Analysis.h - Each value as a function of one integer source -------------===//
//
// Every encrypted value of a checked qnn function is, per element, a real
// function of the integers of one *root*: a quantizer's output, the accumulator
// of a linear op, a sum, product or maximum of quantized tensors, a pool's sum, a concatenation,
// or (before any quantizer) an argument of the function. The analysis finds the
// root, which of its elements each element reads, and, while only clear affine ops
// lie between, the exact scale and offset. A value is *quantized* when it is affine
// with one scale over an integer that is narrow (not a linear accumulator).
//
// Intervals are plain per-channel bounds from the real weights and the range of
// the quantizer in front, never tightened.
//
//===--------------------------------------------------------------------------===//
#ifndef PASSES_QNN_ANALYSIS_H
#define PASSES_QNN_ANALYSIS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "dialects/qnn/Elements.h"
#include "llvm/ADT/DenseMap.h"

namespace fhe::qnn {

/// Client: real numbers that only the client knows (qnn.softmax, qnn.top_k). Argument: an argument of the
/// function, or its one-hot encoding.
enum class RootKind { Argument, Quantizer, Linear, Sum, Pool, Concat, Max, Product, Client };

/// What two encrypted tensors may do.
struct Meetings {
  bool rescale = true;   ///< unequal scales meet by a table, where no ratio of small integers does
  bool products = false; ///< products by tables of squares
};

/// How an operand comes to the scale of a sum, concatenation or maximum: its integers times `factor`,
/// or, where `ratio` is not 0, a table of the integers nearest to theirs times `ratio` (halves to even).
struct Scaled {
  int64_t factor = 1;
  double ratio = 0;
  int64_t of(int64_t integer) const;
  /// The range of all integers that come from [lo, hi].
  std::pair<int64_t, int64_t> of(std::pair<int64_t, int64_t> range) const;
};

/// Ends of intervals beyond every limit on accumulators: so far from 2^63 that a sum or difference of two fits.
inline int64_t saturated(__int128 value) {
  constexpr __int128 most = int64_t(1) << 61;
  return int64_t(std::clamp(value, -most, most));
}

/// One number for all elements, or one an element.
struct PerElement {
  std::vector<double> values{0.0};
  double operator[](int64_t e) const { return values.size() == 1 ? values[0] : values[e]; }
  bool isUniform() const { return values.size() == 1; }
  void compress(); ///< to one number where all are equal
};

/// The integers at the start of a value.
struct Root {
  RootKind kind = RootKind::Argument;
  int64_t lo = 0, hi = 0; ///< interval over all channels
  /// Per output channel of a linear op (interval), empty otherwise.
  llvm::SmallVector<int64_t> channelLo, channelHi;
  int64_t worstChannel = -1, worstTerms = 0; ///< of a linear op; non-zero weights of that channel
  /// Of a sum, concatenation or maximum of tensors: by operand (clear ones, too).
  llvm::SmallVector<Scaled, 2> scaled;
};

/// A value in terms of its root.
struct Form {
  mlir::Value root; ///< null: clear
  ElementMap elements;
  bool isAffine = true; ///< real = integer * scale + offset
  PerElement scale, offset;
  bool isClear() const { return !root; }
};

class Analysis {
public:
  /// Analyses the function; a failure was reported (docs/diagnostics.md), several where they do not follow
  /// from each other.
  /// `command` is repeated in help lines.
  static mlir::FailureOr<Analysis> run(mlir::func::FuncOp function, llvm::StringRef command = "",
                                       Meetings allowed = {});

  const Form &form(mlir::Value value) const { return forms.find(value)->second; }
  const Root &root(mlir::Value root) const { return roots.find(root)->second; }
  /// Quantized: affine, one scale, over a narrow integer.
  bool isQuantized(mlir::Value value) const;

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitQuantizer(mlir::Operation *op);
  mlir::LogicalResult visitLinear(mlir::Operation *op);
  mlir::LogicalResult visitSum(AddOp op);
  mlir::LogicalResult visitPool(AvgPoolOp op);
  mlir::LogicalResult visitConcat(ConcatOp op);
  mlir::LogicalResult visitOneHot(OneHotOp op);
  mlir::LogicalResult refuseBehindClient(mlir::Operation *op);
  mlir::LogicalResult visitMax(MaxOp op);
  mlir::LogicalResult visitLargerOf(BinaryFunctionOp op);
  mlir::LogicalResult visitProduct(MulOp op);
  /// Brings the encrypted ones of `operands` to one scale: into `scaled`, and the scale; empty where
  /// they cannot meet or a table would be needed and is not allowed.
  std::optional<double> meet(llvm::ArrayRef<mlir::Value> operands,
                             llvm::SmallVectorImpl<Scaled> &scaled) const;
  /// Two operands by a table on one of them: the cheaper one.
  std::optional<double> meetByTable(mlir::Value lhs, mlir::Value rhs,
                                    llvm::SmallVectorImpl<Scaled> &scaled) const;
  /// Whether a table on the value becomes part of the one that gives it.
  bool isTableFree(mlir::Value value) const;
  /// Operands that do not meet.
  mlir::LogicalResult refuseScales(mlir::Operation *op, llvm::ArrayRef<mlir::Value> operands,
                                   llvm::StringRef where);
  mlir::LogicalResult visitElementwise(mlir::Operation *op);
  /// An element-wise op with several encrypted operands: a sum, or one function of one integer.
  mlir::LogicalResult visitSeveral(mlir::Operation *op, llvm::ArrayRef<unsigned> operands);
  /// The root's elements that all of `operands` read; nullopt where they differ.
  std::optional<ElementMap> commonElements(mlir::Operation *op,
                                           llvm::ArrayRef<unsigned> operands) const;
  /// Scale and offset behind a clear affine op, `isAffine` false where it is none.
  void scaleAffine(mlir::Operation *op, unsigned data, PerElement scale, PerElement offset,
                   int64_t count, Form &out) const;
  void visitLayout(mlir::Operation *op);
  void addAccumulator(mlir::Operation *op, ConstantOp weights, const Form &input, Root root);
  mlir::LogicalResult requireQuantized(mlir::Operation *op, mlir::Value operand, llvm::StringRef what);
  mlir::LogicalResult requireWeights(mlir::Operation *op, mlir::Value weights);
  std::pair<int64_t, int64_t> rangeOf(const Form &form) const;

  llvm::DenseMap<mlir::Value, Form> forms;
  llvm::DenseMap<mlir::Value, Root> roots;
  bool hasQuantizers = false;
  std::string command;
  Meetings allowed;
};

/// The argument of the function behind a root of kind Argument.
mlir::BlockArgument argumentOf(mlir::Value root);

/// "node 'relu1' (Relu)" or "graph input 'x'".
std::string describeOrigin(mlir::Value value);

/// Refuses a statistic of encrypted numbers [Q018]; `command` is repeated with what would freeze it.
mlir::LogicalResult refuseStatistic(StatisticOp op, llvm::StringRef command);

/// Stored integers minus zero points of a quantized constant.
std::vector<int32_t> centredIntegers(ConstantOp constant);

} // namespace fhe::qnn

#endif // PASSES_QNN_ANALYSIS_H
