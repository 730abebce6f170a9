//===- Results.h - How the results of a network are dequantized ---------------------===//
#ifndef PASSES_QNN_RESULTS_H
#define PASSES_QNN_RESULTS_H

#include "passes/qnn/Analysis.h"
#include "runtime/client/processing.h"

namespace fhe::qnn {

/// real = integer * scale[c] + offset[c], c along `channelAxis` where one of them is not uniform; then
/// the steps of `post`.
struct ResultForm {
  mlir::Value integers; ///< the value whose integers are decrypted
  PerElement scale, offset;
  std::optional<int64_t> channelAxis;
  std::vector<runtime::PostOp> post;
};

/// The form of a returned value; refuses [Q012], [Q013] at `op` where it has none.
mlir::FailureOr<ResultForm> describeResult(mlir::Operation *op, const Analysis &analysis,
                                           mlir::Value value);

} // namespace fhe::qnn

#endif // PASSES_QNN_RESULTS_H
