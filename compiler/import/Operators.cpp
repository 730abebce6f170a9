//===- Operators.cpp - The operators this compiler imports ----------------------===//
//
// The one table of supported operators, and what to say of the others.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

static constexpr int kMany = 1 << 20;

static const Operator kOnnxOperators[] = {
    {"Abs", 1, 1, importActivation},
    {"Add", 2, 2, importBinary},
    {"AveragePool", 1, 1, importAveragePool},
    {"BatchNormalization", 5, 5, importBatchNormalization},
    {"Cast", 1, 1, importCast},
    {"Ceil", 1, 1, importActivation},
    {"Clip", 1, 3, importClip},
    {"Concat", 1, kMany, importConcat},
    {"Constant", 0, 0, importConstant},
    {"ConstantOfShape", 1, 1, importConstantOfShape},
    {"Conv", 2, 3, importConv},
    {"DequantizeLinear", 2, 3, importDequantizeLinear},
    {"Div", 2, 2, importBinary},
    {"Dropout", 1, 3, importDropout},
    {"Elu", 1, 1, importActivation},
    {"Exp", 1, 1, importActivation},
    {"Flatten", 1, 1, importFlatten},
    {"Floor", 1, 1, importActivation},
    {"Gather", 2, 2, importGather},
    {"Gemm", 2, 3, importGemm},
    {"GlobalAveragePool", 1, 1, importGlobalAveragePool},
    {"HardSigmoid", 1, 1, importActivation},
    {"Identity", 1, 1, importIdentity},
    {"LeakyRelu", 1, 1, importActivation},
    {"MatMul", 2, 2, importMatMul},
    {"Mul", 2, 2, importBinary},
    {"Neg", 1, 1, importActivation},
    {"Pad", 1, 4, importPad},
    {"Pow", 2, 2, importBinary},
    {"QuantizeLinear", 2, 3, importQuantizeLinear},
    {"ReduceMean", 1, 2, importReduceMean},
    {"Relu", 1, 1, importActivation},
    {"Reshape", 1, 2, importReshape},
    {"Round", 1, 1, importActivation},
    {"Shape", 1, 1, importShape},
    {"Sigmoid", 1, 1, importActivation},
    {"Sign", 1, 1, importActivation},
    {"Size", 1, 1, importSize},
    {"Slice", 1, 5, importSlice},
    {"Sqrt", 1, 1, importActivation},
    {"Squeeze", 1, 2, importSqueeze},
    {"Sub", 2, 2, importBinary},
    {"Tanh", 1, 1, importActivation},
    {"Transpose", 1, 1, importTranspose},
    {"Unsqueeze", 1, 2, importUnsqueeze},
};

static const Operator kQonnxOperators[] = {
    {"BipolarQuant", 2, 2, importBipolarQuant},
    {"IntQuant", 4, 4, importQuant},
    {"Quant", 4, 4, importQuant},
    {"Trunc", 5, 6, importTrunc},
};

static bool isOnnxDomain(StringRef domain) { return domain.empty() || domain == "ai.onnx"; }

static bool isQonnxDomain(StringRef domain) {
  return domain == "onnx.brevitas" || domain == "qonnx.custom_op.general" ||
         domain == "finn.custom_op.general";
}

bool isQuantizerOperator(const onnx::NodeProto &node) {
  StringRef op = node.op_type();
  if (isQonnxDomain(node.domain()))
    return true;
  return isOnnxDomain(node.domain()) && (op == "QuantizeLinear" || op == "DequantizeLinear");
}

/// What to do in place of an unsupported operator, where there is an answer.
static SmallVector<std::string> waysOut(StringRef op) {
  static const StringRef client[] = {"Softmax", "LogSoftmax", "ArgMax",
                                     "ArgMin",  "TopK",       "Hardmax"};
  static const StringRef recurrent[] = {"LSTM", "GRU", "RNN"};
  if (llvm::is_contained(client, op))
    return {"the client computes this on the decrypted outputs",
            "help: remove the operator from the model before the export"};
  if (op == "MaxPool" || op == "GlobalMaxPool")
    return {"help: use average pooling (nn.AvgPool2d) and quantize its output"};
  if (llvm::is_contained(recurrent, op))
    return {"recurrent layers multiply two encrypted tensors",
            "help: use convolutions over the sequence (nn.Conv1d)"};
  if (op == "FloatQuant")
    return {"help: use an integer quantizer (Quant)"};
  return {"see docs/supported-ops.md for the operators that are supported"};
}

FailureOr<Operator> findOperator(const Node &node) {
  StringRef domain = node.proto.domain(), op = node.op();
  if (!isOnnxDomain(domain) && !isQonnxDomain(domain))
    return node.refuse(diag::UnknownDomain,
                       "operator '" + domain + "::" + op +
                           "' is of a domain that this compiler does not know",
                       {"known domains: ai.onnx, qonnx.custom_op.general, onnx.brevitas, "
                        "finn.custom_op.general",
                        "help: export the network with standard ONNX operators"});
  if (op == "If" || op == "Loop" || op == "Scan" || op == "SequenceMap")
    return node.refuse(diag::ControlFlow, "control flow (" + op + ") is not supported",
                       {"help: export with torch.jit.trace semantics, so that the graph has one "
                        "path"});
  ArrayRef<Operator> table =
      isOnnxDomain(domain) ? ArrayRef(kOnnxOperators) : ArrayRef(kQonnxOperators);
  for (const Operator &entry : table)
    if (entry.name == op)
      return entry;
  return node.refuse(diag::UnsupportedOperator, "operator '" + op + "' is not supported",
                     waysOut(op));
}

/// Refuses a second output that something uses: no supported operator has a meaning for it.
static LogicalResult checkOutputs(const Node &node) {
  if (node.proto.output_size() < 1 || node.proto.output(0).empty())
    return node.refuse(diag::MalformedNode, "has no output");
  for (int i = 1; i < node.proto.output_size(); ++i)
    if (!node.proto.output(i).empty() && node.importer.isUsed(node.proto.output(i)))
      return node.refuse(diag::UnsupportedForm, "its output '" + node.proto.output(i) +
                                                    "' is used; only the first one is supported");
  return success();
}

LogicalResult importNode(Node &node) {
  FailureOr<Operator> op = findOperator(node);
  if (failed(op) || failed(checkOutputs(node)))
    return failure();
  int count = node.proto.input_size();
  while (count > 0 && node.proto.input(count - 1).empty())
    --count;
  if (count < op->minInputs || count > op->maxInputs)
    return node.refuse(diag::MalformedNode,
                       "has " + llvm::Twine(count) + " inputs, expected " +
                           llvm::Twine(op->minInputs) +
                           (op->maxInputs == op->minInputs ? ""
                            : op->maxInputs == kMany       ? " or more"
                                                     : " to " + std::to_string(op->maxInputs)));
  for (int i = 0; i < op->minInputs; ++i)
    if (!node.has(i))
      return node.refuse(diag::MalformedNode, "lacks input " + llvm::Twine(i));
  if (failed(op->handler(node)))
    return failure();
  return node.checkAttributes();
}

} // namespace fhe::import
