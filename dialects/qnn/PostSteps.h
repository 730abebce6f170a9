//===- PostSteps.h - Operations that a client can do behind the network ---------===//
#ifndef DIALECTS_QNN_POSTSTEPS_H
#define DIALECTS_QNN_POSTSTEPS_H

#include "dialects/qnn/QNN.h"
#include "runtime/client/processing.h"
#include <optional>

namespace fhe::qnn {

/// Operations that only a client can do: softmax, hardmax, top_k.
bool isClientOp(mlir::Operation *op);

/// What `op` does to its operand `data`, where all other operands are clear, as a step of the manifest's
/// `post`; nullopt where there is none.
std::optional<runtime::PostOp> postStepOf(mlir::Operation *op, unsigned data = 0);

} // namespace fhe::qnn

#endif // DIALECTS_QNN_POSTSTEPS_H
