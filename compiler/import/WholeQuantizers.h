//===- WholeQuantizers.h - QuantizeLinear and DequantizeLinear for evaluation -----------===//
#ifndef COMPILER_IMPORT_WHOLEQUANTIZERS_H
#define COMPILER_IMPORT_WHOLEQUANTIZERS_H

#include "compiler/import/Node.h"

namespace fhe::import {

/// One of the pair by itself (ImportOptions::wholeTensors): computes with the integers themselves, as real
/// numbers, and with any scale, also one that is computed.
mlir::LogicalResult defineWholeQuantizer(Node &node, bool quantize);

} // namespace fhe::import

#endif // COMPILER_IMPORT_WHOLEQUANTIZERS_H
