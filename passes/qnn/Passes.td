//===- Passes.td - Passes on qnn, in pipeline order ------------------------------===//
#ifndef FHE_QNN_PASSES
#define FHE_QNN_PASSES

include "mlir/Pass/PassBase.td"

def QnnFold : Pass<"qnn-fold", "::mlir::func::FuncOp"> {
  let summary = "Evaluate what depends on no input";
  let description = [{
    **Takes** an imported network. **Gives** the same with every operation whose operands are all clear
    replaced by a `qnn.constant`: weight quantizers are applied (f32 division, clip, round; nothing
    changes for values that are quantized already), layout ops move numbers and keep the quantized
    axis with them, element-wise ops compute in f32 as an ONNX runtime would, all others as the interpreter does.
    **Refuses** nothing.
    **Example**
    ```
    %w = qnn.constant dense<[[0.26, -0.9]]> : tensor<1x2xf32> -> tensor<1x2xf32>
    %q = qnn.quantize %w : tensor<1x2xf32> -> tensor<1x2x!quant.uniform<i2<-1:1>:f32, 0.5>>
    ==>
    %q = qnn.constant dense<[[1, -1]]> : tensor<1x2xi32> -> tensor<1x2x!quant.uniform<i2<-1:1>:f32, 0.5>>
    ```
  }];
  let dependentDialects = ["::fhe::qnn::QNNDialect"];
}

def QnnInferWeights : Pass<"qnn-infer-weights", "::mlir::func::FuncOp"> {
  let summary = "Quantizers for float weights that are integers times a scale";
  let description = [{
    **Takes** a folded network. **Gives** the same with the float weights of linear ops on encrypted tensors
    as quantized constants, where all weights of the tensor, or of each output channel, are multiples of one
    number by integers of at most 8 bits (with a zero point where signed ones are too few), each to within
    2^-21 of itself: f32(scale * k) as exporters multiply it out (not the matrices of a Resize). The
    largest such number is taken, per tensor unless channels need fewer bits. A warning names each
    layer. A network without any quantizer stays as it is.
    **Refuses** nothing: other float weights are refused by `qnn-check-quantizers` [Q014].
    **Example**
    ```
    %w = qnn.constant dense<[[0.3, -0.6]]> : tensor<1x2xf32> -> tensor<1x2xf32>
    ==>
    %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!quant.uniform<i2:f32, 0.3>>
    ```
  }];
  let dependentDialects = ["::fhe::qnn::QNNDialect"];
}

def QnnSetOutputs : Pass<"qnn-set-outputs", "::mlir::func::FuncOp"> {
  let summary = "Results with or without a quantizer at the end";
  let description = [{
    What `--outputs=raw|quantized` asks for, on the network as it was imported and quantized.
    **Takes** a network. **Gives**, with `raw`, the same without the quantizer that a result comes from through
    layout operations and what the client does, where encrypted numbers were computed before it (a
    bipolar one, too: the result is then the number whose sign it takes); without `raw` the same.
    **Refuses**, without `raw`, a result that goes through no quantizer [Q065].
    **Example**
    ```
    %y = qnn.gemm ...
    %q = qnn.quantize %y ...
    return %q
    ==> return %y
    ```
  }];
  let options = [Option<"raw", "raw", "bool", "false", "without the quantizers that end the network">];
  let dependentDialects = ["::fhe::qnn::QNNDialect"];
}

def QnnMoveMaxima : Pass<"qnn-move-maxima", "::mlir::func::FuncOp"> {
  let summary = "Take maxima of quantized numbers";
  let description = [{
    **Takes** a folded network. **Gives** the same function: a maximum (MaxPool) of numbers that are not
    quantized moves behind the quantizer that follows it, where nothing between decreases anywhere:
    functions that do not (relu, sigmoid, ...), sums with constants, products with constants that are not
    negative, layout operations.
    **Refuses** nothing; what does not move is refused by `qnn-check-quantizers`.
    **Example**
    ```
    %m = qnn.max %y : tensor<4x9xf32> -> tensor<4xf32>
    %r = qnn.activation relu %m : tensor<4xf32> -> tensor<4xf32>
    %q = qnn.quantize %r : tensor<4xf32> -> tensor<4x!q>
    ==>
    %r = qnn.activation relu %y : tensor<4x9xf32> -> tensor<4x9xf32>
    %p = qnn.quantize %r : tensor<4x9xf32> -> tensor<4x9x!q>
    %q = qnn.max %p : tensor<4x9x!q> -> tensor<4x!q>
    ```
  }];
  let dependentDialects = ["::fhe::qnn::QNNDialect"];
}

def QnnCheckQuantizers : Pass<"qnn-check-quantizers", "::mlir::func::FuncOp"> {
  let summary = "Every operand that needs a quantizer has one";
  let description = [{
    **Takes** a folded network. **Gives** it unchanged: every input of a linear, pool or concat op is
    quantized (one scale, an integer that is not a wide accumulator), sums, concatenations and maxima meet
    at one scale, at an exact ratio of small integers, or (not with `exact-scales`) by a table on one
    operand whose results are the nearest integers at a scale no coarser than the finer one; weights are clear and quantized per tensor or output channel, and
    every result is an affine function of integers, per channel of one axis.
    **Refuses** a network without quantizers [Q009], an operand without quantizer [Q010] or straight
    from an input [Q012], a sum or concat without a common scale [Q011], a result that is no affine
    function of integers [Q013], float weights [Q014], two encrypted operands where one must be clear
    [Q042] (with `products`, a product of two narrow ones is none of these), a statistic of encrypted numbers
    [Q018].
    **Example**
    ```
    %y = qnn.gemm %x, %w : (tensor<4xf32>, ...)   // %x is a function argument
    // error: input is not quantized [Q012]
    ```
  }];
  let options = [
    Option<"command", "command", "std::string", "\"fhe-compile MODEL.onnx\"",
           "the command that help lines repeat">,
    Option<"exactScales", "exact-scales", "bool", "false", "refuse scales that meet by a table only">,
    Option<"products", "products", "bool", "false", "products of encrypted tensors by tables">
  ];
}

def QnnVerifyAccumulators : Pass<"qnn-verify-accumulators", "::mlir::func::FuncOp"> {
  let summary = "No accumulator can exceed the limit";
  let description = [{
    **Takes** a checked network. **Gives** it unchanged. The interval of each accumulator (linear ops,
    sums and products of two encrypted tensors, pool sums) is the plain bound per output channel from the real
    weights and the input quantizer's range; its bits are the smallest two's-complement width
    (unsigned if it has no negative value).
    **Refuses** more than `max-bits` bits [Q020], with the range, the worst channel, and changes that
    would compile.
    **Example** 15 products of unsigned 2-bit weights and inputs: [0, 135], 8 bits; 14: [0, 126], 7.
  }];
  let options = [
    Option<"maxBits", "max-bits", "unsigned", "16", "the widest accumulator allowed">,
    Option<"round", "round", "unsigned", "0", "bits tables are rounded to; 0: exact">,
    Option<"command", "command", "std::string", "\"fhe-compile MODEL.onnx\"",
           "the command that help lines repeat">,
    Option<"exactScales", "exact-scales", "bool", "false", "refuse scales that meet by a table only">,
    Option<"products", "products", "bool", "false", "products of encrypted tensors by tables">
  ];
}

#endif // FHE_QNN_PASSES
