//===- NodeLocation.h - The ONNX node an operation came from -------------------===//
//
// Every operation made from an ONNX node carries its name, operator and first
// output tensor in its location, through all levels: diagnostics and reports
// always name the node. Form:
//   loc("fc1"(fused<{op = "Gemm", output = "y"}>["model.onnx":4:1]))
// with the node's place in the file (from 1) as the line. Fusions keep all of
// their nodes in a FusedLoc; the first is the one reports name.
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_SHARED_NODELOCATION_H
#define DIALECTS_SHARED_NODELOCATION_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace fhe {

/// What a location says of an ONNX node. The strings live in the MLIR context.
struct OnnxNode {
  llvm::StringRef name;   ///< node name, never empty (unnamed nodes: "Gemm_3")
  llvm::StringRef op;     ///< operator, "Gemm"
  llvm::StringRef output; ///< first output tensor
  llvm::StringRef file;
  unsigned index = 0; ///< place in the graph, from 1
};

/// The location of an ONNX node (see the file comment).
mlir::Location makeNodeLocation(mlir::MLIRContext *context, const OnnxNode &node);

/// All ONNX nodes a location names, in order of first appearance, each once.
llvm::SmallVector<OnnxNode> collectNodes(mlir::Location location);

/// The node a report or diagnostic names for `location`, if it names any.
std::optional<OnnxNode> primaryNode(mlir::Location location);

} // namespace fhe

#endif // DIALECTS_SHARED_NODELOCATION_H
