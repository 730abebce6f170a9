//===- Export.h - Quantized networks as ONNX files --------------------------------===//
//
// Writes a network of the qnn dialect back, so that other tools can check it: with Quant nodes (QONNX)
// or QuantizeLinear, Clip and DequantizeLinear (QCDQ). Reading the file with compiler/import gives a
// network with the same integers.
//
//===------------------------------------------------------------------------------===//
#ifndef COMPILER_EXPORT_EXPORT_H
#define COMPILER_EXPORT_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace fhe {

enum class OnnxFormat { Qonnx, Qcdq };

/// The bytes of an ONNX file for @main of `module`, as it was imported or quantized. Samples have a batch
/// dimension "batch" in the file, constant subgraphs are evaluated, nodes keep their names. The same
/// network gives the same bytes. Refuses what the format has no node for [Q064].
mlir::FailureOr<std::string> exportOnnx(mlir::ModuleOp module, OnnxFormat format);

} // namespace fhe

#endif // COMPILER_EXPORT_EXPORT_H
