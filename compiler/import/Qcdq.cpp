//===- Qcdq.cpp - Import of QuantizeLinear and DequantizeLinear ------------------------===//
//
// QuantizeLinear, Clip, DequantizeLinear fused to one qnn.quantize, and stored
// integers to quantized constants. Specification: the ONNX operators of these names.
//
//===-----------------------------------------------------------------------------===//
#include "compiler/import/IntegerTensors.h"
#include "compiler/import/WholeQuantizers.h"

using namespace mlir;
using onnx::TensorProto;

namespace fhe::import {

/// Scale and zero point of one of the pair, with their attributes.
static FailureOr<Linear> readPair(Node &node) {
  int64_t blockSize = 0, precision = 0, axis = 1;
  if (failed(node.attribute("axis", axis)) || failed(node.attribute("block_size", blockSize)) ||
      failed(node.attribute("precision", precision)))
    return failure();
  if (blockSize)
    return node.refuse(diag::UnsupportedForm, "quantizes in blocks (block_size), which is not "
                                              "supported");
  return readLinear(node, 1, 2, node.onnxShape(node.input(0)), axis);
}

LogicalResult importQuantizeLinear(Node &node) {
  if (node.importer.wholeTensors())
    return defineWholeQuantizer(node, /*quantize=*/true);
  FailureOr<Tensor> input = quantizerInput(node);
  int64_t outputType = 0, saturate = 1;
  if (failed(input) || failed(node.attribute("output_dtype", outputType)) ||
      failed(node.attribute("saturate", saturate)))
    return failure();
  FailureOr<Linear> linear = readPair(node);
  if (failed(linear))
    return failure();
  FailureOr<Tensor> result = quantize(node, input->value, input->clear, *linear,
                                      outputType ? int(outputType) : int(TensorProto::UINT8));
  return failed(result) ? failure() : node.define(*result);
}

LogicalResult importDequantizeLinear(Node &node) {
  if (node.importer.wholeTensors())
    return defineWholeQuantizer(node, /*quantize=*/false);
  int64_t outputType = TensorProto::FLOAT;
  if (failed(node.attribute("output_dtype", outputType)))
    return failure();
  FailureOr<Linear> linear = readPair(node);
  if (failed(linear))
    return failure();
  if (outputType && outputType != TensorProto::FLOAT)
    return node.refuse(diag::UnsupportedForm, "dequantizes to " + dataTypeName(int(outputType)));
  FailureOr<Tensor> result = dequantize(node, 0, *linear);
  return failed(result) ? failure() : node.define(result->value, result->clear);
}

} // namespace fhe::import
