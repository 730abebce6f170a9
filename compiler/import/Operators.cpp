//===- Operators.cpp - The operators this compiler imports ----------------------===//
//
// The one table of supported operators, and what to say of the others.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"

using namespace mlir;

namespace fhe::import {

static constexpr int kMany = 1 << 20;

// Name, oldest and newest operator set (0: still there), inputs at least and at most, outputs at most,
// constant inputs (a bit each), class, import function, note.
static const Operator kOnnxOperators[] = {
    {"Abs", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Acos", 7, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Acosh", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Add", 6, 0, 2, 2, 1, 0, OperatorClass::Mixing, importBinary,
     "two encrypted operands meet at one scale, by a table where it must be; a constant goes into the next table"},
    {"And", 7, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"ArgMax", 6, 0, 1, 1, 1, 0, OperatorClass::Client, importArgMax,
     "keepdims, select_last_index; not over the batch"},
    {"ArgMin", 6, 0, 1, 1, 1, 0, OperatorClass::Client, importArgMax, "as ArgMax"},
    {"Asin", 7, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Asinh", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Atan", 7, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Atanh", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"AveragePool", 6, 0, 1, 1, 1, 0, OperatorClass::Mixing, importAveragePool,
     "one to three dimensions; pads, dilations, ceil_mode, count_include_pad"},
    {"BatchNormalization", 6, 0, 5, 5, 1, 0x1e, OperatorClass::Univariate, importBatchNormalization,
     "constant statistics, per channel"},
    {"Cast", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importCast,
     "FLOAT and DOUBLE: nothing; other numbers: rounding; BOOL: x != 0"},
    {"Ceil", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Celu", 12, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "alpha"},
    {"Clip", 6, 0, 1, 3, 1, 6, OperatorClass::Univariate, importClip,
     "constant bounds; between QuantizeLinear and DequantizeLinear it is the range"},
    {"Concat", 6, 0, 1, kMany, 1, 0, OperatorClass::Layout, importConcat,
     "encrypted operands as in Add"},
    {"Constant", 6, 0, 0, 0, 1, 0, OperatorClass::Clear, importConstant, ""},
    {"ConstantOfShape", 9, 0, 1, 1, 1, 1, OperatorClass::Clear, importConstantOfShape, ""},
    {"Conv", 6, 0, 2, 3, 1, 6, OperatorClass::Mixing, importConv,
     "one to three dimensions; strides, pads, dilations, groups, auto_pad"},
    {"ConvInteger", 10, 0, 2, 4, 1, 0xe, OperatorClass::Mixing, importConvInteger,
     "a sum of integers; Cast and Mul by the scale make it real"},
    {"ConvTranspose", 6, 0, 2, 3, 1, 6, OperatorClass::Mixing, importConvTranspose,
     "as Conv; output_padding, output_shape"},
    {"Cos", 7, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Cosh", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"CumSum", 11, 0, 2, 2, 1, 2, OperatorClass::Mixing, importCumSum,
     "a product with a matrix of zeros and ones"},
    {"DepthToSpace", 6, 0, 1, 1, 1, 0, OperatorClass::Layout, importDepthToSpace, "DCR and CRD"},
    {"DequantizeLinear", 10, 0, 2, 3, 1, 6, OperatorClass::Quantizer, importDequantizeLinear,
     "alone on integer weights"},
    {"Div", 6, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinary,
     "as Mul; no zeros in the divisor"},
    {"Dropout", 6, 0, 1, 3, 1, 6, OperatorClass::Layout, importDropout,
     "nothing in inference; no mask"},
    {"Elu", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "alpha"},
    {"Equal", 7, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"Erf", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Exp", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Expand", 8, 0, 2, 2, 1, 2, OperatorClass::Layout, importExpand, "constant shape"},
    {"Flatten", 6, 0, 1, 1, 1, 0, OperatorClass::Layout, importFlatten, ""},
    {"Floor", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Gather", 6, 0, 2, 2, 1, 2, OperatorClass::Layout, importGather,
     "constant indices; or rows of a constant table by an input (embedding): the client sends it one-hot"},
    {"Gelu", 20, 0, 1, 1, 1, 0, OperatorClass::Univariate, importGelu,
     "exact or tanh approximation"},
    {"Gemm", 6, 0, 2, 3, 1, 2, OperatorClass::Mixing, importGemm,
     "clear weights; transB, alpha, beta; an encrypted C needs a common scale"},
    {"GlobalAveragePool", 6, 0, 1, 1, 1, 0, OperatorClass::Mixing, importGlobalPool, ""},
    {"GlobalMaxPool", 6, 0, 1, 1, 1, 0, OperatorClass::Mixing, importGlobalPool, "as MaxPool"},
    {"Greater", 7, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"GreaterOrEqual", 12, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"GroupNormalization", 18, 0, 3, 3, 1, 6, OperatorClass::Mixing, importGroupNormalization,
     "as InstanceNormalization, over groups of channels"},
    {"HardSigmoid", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "alpha, beta"},
    {"HardSwish", 14, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Hardmax", 6, 0, 1, 1, 1, 0, OperatorClass::Client, importSoftmax, ""},
    {"Identity", 6, 0, 1, 1, 1, 0, OperatorClass::Layout, importIdentity, ""},
    {"InstanceNormalization", 6, 0, 3, 3, 1, 6, OperatorClass::Mixing, importInstanceNormalization,
     "constant statistics: --freeze-statistics puts the means of the calibration samples in place of those of the data"},
    {"IsInf", 10, 0, 1, 1, 1, 0, OperatorClass::Univariate, importIsInf,
     "detect_negative, detect_positive"},
    {"IsNaN", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"LayerNormalization", 17, 0, 2, 3, 3, 6, OperatorClass::Mixing, importLayerNormalization,
     "as InstanceNormalization; Mean and InvStdDev, too"},
    {"LeakyRelu", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "alpha"},
    {"Less", 7, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"LessOrEqual", 12, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"Log", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"LogSoftmax", 6, 0, 1, 1, 1, 0, OperatorClass::Client, importSoftmax, ""},
    {"MatMul", 6, 0, 2, 2, 1, 2, OperatorClass::Mixing, importMatMul,
     "one clear operand on either side; vectors and stacks of matrices"},
    {"MatMulInteger", 10, 0, 2, 4, 1, 0xe, OperatorClass::Mixing, importMatMulInteger,
     "as ConvInteger; operands as in MatMul"},
    {"Max", 6, 0, 1, kMany, 1, ~1u, OperatorClass::Univariate, importExtremum,
     "with constants, or of functions of one tensor; of two quantized ones a table a pair"},
    {"MaxPool", 6, 0, 1, 1, 1, 0, OperatorClass::Mixing, importMaxPool,
     "a table a pair, one bit wider than the input; any window, pads, ceil_mode; overlapping windows share pairs"},
    {"Mean", 6, 0, 1, kMany, 1, 0, OperatorClass::Mixing, importSum, "as Add"},
    {"Min", 6, 0, 1, kMany, 1, ~1u, OperatorClass::Univariate, importExtremum, "as Max"},
    {"Mish", 18, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Mod", 10, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"Mul", 6, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinary,
     "by a constant, or of two functions of one tensor; of two narrow tensors with --encrypted-products=tables"},
    {"Neg", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Not", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "of 0 and 1"},
    {"OneHot", 9, 0, 3, 3, 1, 6, OperatorClass::Client, importOneHot, "of an input of the network"},
    {"Or", 7, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"PRelu", 6, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "constant slopes, also per channel"},
    {"Pad", 6, 0, 1, 4, 1, 14, OperatorClass::Layout, importPad,
     "constant, edge, reflect, wrap; negative pads take away"},
    {"Pow", 6, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
    {"QLinearConv", 10, 0, 8, 9, 1, 0x1fe, OperatorClass::Mixing, importQLinearConv,
     "Conv and the quantizer of its result; weight scales also per channel"},
    {"QLinearMatMul", 10, 0, 8, 8, 1, 0xfe, OperatorClass::Mixing, importQLinearMatMul,
     "MatMul and the quantizer of its result"},
    {"QuantizeLinear", 10, 0, 2, 3, 1, 6, OperatorClass::Quantizer, importQuantizeLinear,
     "with DequantizeLinear one quantizer (QCDQ)"},
    {"RMSNormalization", 23, 0, 2, 2, 1, 2, OperatorClass::Mixing, importLayerNormalization,
     "as LayerNormalization, without a mean"},
    {"Range", 11, 0, 3, 3, 1, 7, OperatorClass::Clear, importRange, "integers"},
    {"Reciprocal", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"ReduceL1", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce,
     "a sum of a table's results: quantize those"},
    {"ReduceL2", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce, "as ReduceL1"},
    {"ReduceLogSum", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce,
     "as ReduceSum, with a table behind"},
    {"ReduceLogSumExp", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce, "as ReduceL1"},
    {"ReduceMax", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce, "as MaxPool"},
    {"ReduceMean", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce, "as ReduceSum"},
    {"ReduceMin", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce, "as MaxPool"},
    {"ReduceProd", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce,
     "as Mul of two narrow tensors, in pairs; one element; constants"},
    {"ReduceSum", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce,
     "over any axes but the batch"},
    {"ReduceSumSquare", 6, 0, 1, 2, 1, 2, OperatorClass::Mixing, importReduce, "as ReduceL1"},
    {"Relu", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Reshape", 6, 0, 1, 2, 1, 2, OperatorClass::Layout, importReshape, ""},
    {"Resize", 10, 0, 1, 4, 1, 14, OperatorClass::Mixing, importResize,
     "nearest: a copy; linear and cubic: a clear matrix, of encrypted tensors where its weights are multiples of 2^-8"},
    {"Round", 11, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "halves to even"},
    {"Selu", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "alpha, gamma"},
    {"Shape", 6, 0, 1, 1, 1, 0, OperatorClass::Clear, importShape, "also of encrypted tensors"},
    {"Shrink", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "lambd, bias"},
    {"Sigmoid", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Sign", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Sin", 7, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Sinh", 9, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Size", 6, 0, 1, 1, 1, 0, OperatorClass::Clear, importSize, "also of encrypted tensors"},
    {"Slice", 6, 0, 1, 5, 1, 0x1e, OperatorClass::Layout, importSlice,
     "constant starts, ends, axes, steps"},
    {"Softmax", 6, 0, 1, 1, 1, 0, OperatorClass::Client, importSoftmax, ""},
    {"Softplus", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Softsign", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"SpaceToDepth", 6, 0, 1, 1, 1, 0, OperatorClass::Layout, importSpaceToDepth, ""},
    {"Split", 6, 0, 1, 2, kMany, 2, OperatorClass::Layout, importSplit, "equal or given parts"},
    {"Sqrt", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Squeeze", 6, 0, 1, 2, 1, 2, OperatorClass::Layout, importSqueeze, ""},
    {"Sub", 6, 0, 2, 2, 1, 0, OperatorClass::Mixing, importBinary, "as Add"},
    {"Sum", 6, 0, 1, kMany, 1, 0, OperatorClass::Mixing, importSum, "as Add"},
    {"Swish", 24, 0, 1, 1, 1, 0, OperatorClass::Univariate, importSwish, "alpha"},
    {"Tan", 7, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"Tanh", 6, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, ""},
    {"ThresholdedRelu", 10, 0, 1, 1, 1, 0, OperatorClass::Univariate, importFunction, "alpha"},
    {"Tile", 6, 0, 2, 2, 1, 2, OperatorClass::Layout, importTile, "constant repeats"},
    {"TopK", 6, 0, 1, 2, 2, 2, OperatorClass::Client, importTopK,
     "values and indices; largest, sorted"},
    {"Transpose", 6, 0, 1, 1, 1, 0, OperatorClass::Layout, importTranspose, ""},
    {"Trilu", 14, 0, 1, 2, 1, 2, OperatorClass::Layout, importTrilu, "constant k"},
    {"Unsqueeze", 6, 0, 1, 2, 1, 2, OperatorClass::Layout, importUnsqueeze, ""},
    {"Upsample", 9, 9, 2, 2, 1, 2, OperatorClass::Mixing, importUpsample, "as Resize"},
    {"Where", 9, 0, 3, 3, 1, 6, OperatorClass::Univariate, importWhere,
     "constants, or functions of one tensor, in each place"},
    {"Xor", 7, 0, 2, 2, 1, 2, OperatorClass::Univariate, importBinaryFunction,
     "by a constant, or of two functions of one tensor"},
};

static const Operator kQonnxOperators[] = {
    {"BipolarQuant", 1, 0, 2, 2, 1, 2, OperatorClass::Quantizer, importBipolarQuant,
     "+1 where x >= 0, else -1"},
    {"IntQuant", 1, 0, 4, 4, 1, 14, OperatorClass::Quantizer, importQuant, "as Quant"},
    {"Quant", 1, 0, 4, 4, 1, 14, OperatorClass::Quantizer, importQuant,
     "scale per tensor, on weights also per channel; zero point; signed, narrow; all rounding modes"},
    {"Trunc", 1, 0, 5, 6, 1, 62, OperatorClass::Quantizer, importTrunc,
     "five inputs (scale kept) or six (output scale given)"},
};

ArrayRef<Operator> onnxOperators() { return kOnnxOperators; }
ArrayRef<Operator> qonnxOperators() { return kQonnxOperators; }

bool mustBeConstant(const Operator &row, int i) {
  return row.constantInputs >> std::min(i, 31) & 1;
}

static bool isOnnxDomain(StringRef domain) { return domain.empty() || domain == "ai.onnx"; }

static bool isQonnxDomain(StringRef domain) {
  return domain == "onnx.brevitas" || domain == "qonnx.custom_op.general" ||
         domain == "finn.custom_op.general";
}

bool isQuantizerOperator(const onnx::NodeProto &node) {
  StringRef op = node.op_type();
  if (isQonnxDomain(node.domain()))
    return true;
  static const StringRef quantizers[] = {"QuantizeLinear", "DequantizeLinear", "QLinearConv",
                                         "QLinearMatMul",  "ConvInteger",      "MatMulInteger",
                                         "DynamicQuantizeLinear"};
  return isOnnxDomain(node.domain()) && llvm::is_contained(quantizers, op);
}

/// What to do in place of an unsupported operator, where there is an answer.
static SmallVector<std::string> waysOut(StringRef op) {
  static const StringRef recurrent[] = {"LSTM", "GRU", "RNN"};
  if (op == "LRN" || op == "MeanVarianceNormalization")
    return {"it divides by a statistic of encrypted numbers",
            "help: use BatchNorm with track_running_stats (its statistics are constants in model.eval())"};
  if (llvm::is_contained(recurrent, op))
    return {"recurrent layers multiply two encrypted tensors",
            "help: use convolutions over the sequence (nn.Conv1d)"};
  if (op == "DynamicQuantizeLinear")
    return {"it chooses scale and zero point from the numbers themselves, which are encrypted",
            "help: quantize statically: onnxruntime.quantization.quantize_static, with calibration data"};
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
  for (const Operator &entry : table) {
    if (entry.name != op)
      continue;
    if (isOnnxDomain(domain) && (node.opset() < entry.since ||
                                 (entry.until && node.opset() > entry.until)))
      return node.refuse(diag::UnsupportedOperator,
                         "operator '" + op + "' is not in operator set " +
                             llvm::Twine(node.opset()) + " of the model, or not supported there",
                         {"help: export with opset_version=" + std::to_string(std::max(13, entry.since))});
    return entry;
  }
  return node.refuse(diag::UnsupportedOperator, "operator '" + op + "' is not supported",
                     waysOut(op));
}

/// Refuses further outputs that something uses.
static LogicalResult checkOutputs(const Node &node, int maxOutputs) {
  if (node.proto.output_size() < 1 || node.proto.output(0).empty())
    return node.refuse(diag::MalformedNode, "has no output");
  for (int i = maxOutputs; i < node.proto.output_size(); ++i)
    if (!node.proto.output(i).empty() && node.importer.isUsed(node.proto.output(i)))
      return node.refuse(diag::UnsupportedForm, "its output '" + node.proto.output(i) +
                                                    "' is used; only the first one is supported");
  return success();
}

/// Refuses arithmetic in double precision with constants that f32 does not have.
static LogicalResult checkRounded(const Node &node) {
  if (node.importer.wholeTensors() || node.op() == "Cast" || node.op() == "Identity")
    return success();
  for (int i = 0; i != node.proto.input_size(); ++i)
    if (node.has(i) && node.input(i).constant && node.input(i).constant->isRounded)
      return node.refuse(diag::BadTensorData,
                         "takes '" + node.proto.input(i) +
                             "', which holds DOUBLE values that are not exact in 32-bit floats",
                         {"help: export in single precision (model.float()), or cast the constant to FLOAT"});
  return success();
}

LogicalResult importNode(Node &node) {
  FailureOr<Operator> op = findOperator(node);
  if (failed(op) || failed(checkOutputs(node, op->maxOutputs)))
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
  if (failed(checkRounded(node)) || failed(op->handler(node)))
    return failure();
  return node.checkAttributes();
}

} // namespace fhe::import
