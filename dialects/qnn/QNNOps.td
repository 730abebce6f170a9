//===- QNNOps.td - Operations of the qnn dialect -----------------------------===//
//
// Tensors have no batch dimension: one sample. Layout is channel first
// ([C,H,W]); axes in attributes count from 0 without the batch.
//
//===-------------------------------------------------------------------------===//
#ifndef QNN_OPS
#define QNN_OPS

include "dialects/qnn/QNNEnums.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Dialect/Quant/IR/QuantBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QNN_Dialect : Dialect {
  let name = "qnn";
  let cppNamespace = "::fhe::qnn";
  let summary = "Quantized networks: real numbers plus how each edge is quantized";
  let description = [{
    A `qnn` program is the imported network: each op computes on real numbers exactly as its ONNX
    node says. An edge has a `!quant.uniform` element type only where it is the output of a
    quantizer (`qnn.quantize`, `qnn.trunc`), or of a layout, max-pool or concat op on one; all other
    edges are `f32`. Weights are operands; that they are clear (come from `qnn.constant`) is checked
    by `qnn-check-quantizers`, not assumed.

    The network is one `func.func @main`. Argument attributes: `qnn.name` (string). Result
    attributes: `qnn.name`.
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
}

class QNN_Op<string mnemonic, list<Trait> traits = []> : Op<QNN_Dialect, mnemonic, traits>;

def QNN_RealElement : AnyTypeOf<[F32, Type<CPred<
    "::llvm::isa<::mlir::quant::UniformQuantizedType, ::mlir::quant::UniformQuantizedPerAxisType>($_self)">,
    "uniform quantized">], "f32 or uniform quantized">;
def QNN_Tensor : StaticShapeTensorOf<[QNN_RealElement]>;
def QNN_FloatTensor : StaticShapeTensorOf<[F32]>;

//===-------------------------------------------------------------------------===//
// Constants and quantizers
//===-------------------------------------------------------------------------===//

def QNN_ConstantOp : QNN_Op<"constant", [Pure]> {
  let summary = "Give a clear tensor";
  let description = [{
    Numbers of the file: f32 values, or the stored integers of an already quantized weight (real
    value = (stored - zero point) * scale, per tensor or per channel). `value` has the result's shape;
    its element type is f32 for an f32 result and i32 for a quantized one, or i8 or ui8 (large ones are held
    so).

    ```mlir
    %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!quant.uniform<i3<-3:3>:f32, 5.000000e-01>>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$value attr-dict `->` type($result)";
  let hasVerifier = 1;
}

def QNN_QuantizeOp : QNN_Op<"quantize", [Pure]> {
  let summary = "Quantize a tensor (QuantIdentity and the end of every activation)";
  let description = [{
    stored = round(clip(x/scale + zero_point, lo, hi)), all of them from the result type, whose
    value is (stored - zero_point)*scale. `kind = bipolar`: +1 where x >= 0, else -1; the result
    type is then `!quant.uniform<i2<-1:1>:f32, scale>`. The storage type tells bits and sign of the
    file's quantizer (`u3<0:7>`, narrow: `i3<-3:3>`).

    ```mlir
    %q = qnn.quantize %x : tensor<4xf32> -> tensor<4x!quant.uniform<u3:f32, 2.500000e-01>>
    %b = qnn.quantize %x {kind = 1 : i32} : tensor<4xf32> -> tensor<4x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input,
      DefaultValuedAttr<QNN_QuantizerKind, "QuantizerKind::Uniform">:$kind,
      DefaultValuedAttr<QNN_Rounding, "Rounding::Round">:$rounding);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_TruncOp : QNN_Op<"trunc", [Pure]> {
  let summary = "Drop low bits of a quantized tensor (QONNX Trunc)";
  let description = [{
    y = round_half_even(x/scale + zero_point) is the exact integer of the input, t = y/divisor, clipped to the
    result's storage range if `clip`, rounded; the value is (t - z)*s with z and s of the
    result type. QONNX Trunc of domain version 1 keeps the input scale in its result type and does
    not clip: the storage range of the result is then only what the file says (bits, and the sign
    of the quantizer before it), the integers themselves may lie outside. Version 2 clips.

    ```mlir
    %t = qnn.trunc %x {scale = 1.0e-1 : f64, zero_point = 0 : i64, divisor = 4.0 : f64}
        : tensor<4xf32> -> tensor<4x!quant.uniform<u4:f32, 1.000000e-01>>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, F64Attr:$scale, I64Attr:$zero_point, F64Attr:$divisor,
      UnitAttr:$clip, DefaultValuedAttr<QNN_Rounding, "Rounding::Floor">:$rounding);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

//===-------------------------------------------------------------------------===//
// Linear operations
//===-------------------------------------------------------------------------===//

def QNN_GemmOp : QNN_Op<"gemm", [Pure]> {
  let summary = "Multiply by a clear matrix";
  let description = [{
    result[..., o] = sum_i input[..., i] * weights[o, i] + bias[o]. Gemm, MatMul and MatMul with
    transposed constants are all imported in this one operand order.
    C1: weights are [O,I], the input's last dimension is I, the result's is O, the others are equal.
    C2: bias, if present, is [O].

    ```mlir
    %y = qnn.gemm %x, %w bias %b : (tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, QNN_Tensor:$weights, Optional<QNN_Tensor>:$bias);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weights (`bias` $bias^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QNN_ConvOp : QNN_Op<"conv", [Pure]> {
  let summary = "Convolve with clear weights";
  let description = [{
    Cross-correlation as in ONNX Conv, input [C,H,W], weights [O, C/groups, KH, KW], zero padding.
    `pads` is [top, left, bottom, right].
    C1: shapes agree with strides, pads and dilations. C2: groups divides C and O. C3: bias is [O].

    ```mlir
    %y = qnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
        : (tensor<1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x8x8xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, QNN_Tensor:$weights, Optional<QNN_Tensor>:$bias,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weights (`bias` $bias^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QNN_AvgPoolOp : QNN_Op<"avg_pool", [Pure]> {
  let summary = "Average over windows";
  let description = [{
    Input [C,H,W]; `pads` is [top, left, bottom, right]; the divisor is the window size
    (`count_include_pad`), the number of real elements, or 1 (`sum`). GlobalAveragePool is one window.

    ```mlir
    %y = qnn.avg_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<6x8x8xf32> -> tensor<6x4x4xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads, UnitAttr:$count_include_pad,
      UnitAttr:$sum);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

//===-------------------------------------------------------------------------===//
// Element-wise operations on reals
//===-------------------------------------------------------------------------===//

class QNN_BinaryOp<string mnemonic, string what> : QNN_Op<mnemonic, [Pure]> {
  let arguments = (ins QNN_Tensor:$lhs, QNN_Tensor:$rhs);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let summary = what;
  let hasVerifier = 1;
}

def QNN_AddOp : QNN_BinaryOp<"add", "Add two tensors, or a tensor and a clear one"> {
  let description = [{
    NumPy broadcasting (without the batch). Two encrypted operands must be quantized with one
    common scale (`qnn-check-quantizers`). ONNX Sub is imported as an add of the exact negative.

    ```mlir
    %y = qnn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def QNN_MulOp : QNN_BinaryOp<"mul", "Multiply by a clear tensor"> {
  let description = [{
    NumPy broadcasting. One operand must be clear.

    ```mlir
    %y = qnn.mul %a, %c : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
    ```
  }];
}

def QNN_DivOp : QNN_BinaryOp<"div", "Divide by a clear tensor"> {
  let description = [{
    NumPy broadcasting. The divisor must be clear and without zeros. Kept apart from `qnn.mul`: tables
    are evaluated in the arithmetic of the file.

    ```mlir
    %y = qnn.div %a, %c : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
    ```
  }];
}

def QNN_ActivationOp : QNN_Op<"activation", [Pure]> {
  let summary = "Apply an element-wise function";
  let description = [{
    ```mlir
    %y = qnn.activation relu %x : tensor<4xf32> -> tensor<4xf32>
    %z = qnn.activation clip %x {alpha = 0.0 : f64, beta = 6.0 : f64} : tensor<4xf32> -> tensor<4xf32>
    ```
  }];
  let arguments = (ins QNN_Function:$function, QNN_Tensor:$input,
      DefaultValuedAttr<F64Attr, "0.0">:$alpha, DefaultValuedAttr<F64Attr, "0.0">:$beta);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$function $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_BinaryFunctionOp : QNN_Op<"binary", [Pure]> {
  let summary = "Apply a function of two numbers, element by element";
  let description = [{
    NumPy broadcasting. One operand must be clear, or both functions of the same encrypted element: only
    then is the result a table (`qnn-check-quantizers`).

    ```mlir
    %y = qnn.binary min %a, %c : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins QNN_BinaryFunction:$function, QNN_Tensor:$lhs, QNN_Tensor:$rhs);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$function $lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QNN_SelectOp : QNN_Op<"select", [Pure]> {
  let summary = "Choose between two tensors, element by element";
  let description = [{
    result = condition != 0 ? on_true : on_false. NumPy broadcasting; encrypted operands as in
    `qnn.binary`.

    ```mlir
    %y = qnn.select %c, %a, %b : (tensor<4xf32>, tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$condition, QNN_Tensor:$on_true, QNN_Tensor:$on_false);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$condition `,` $on_true `,` $on_false attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QNN_BatchNormOp : QNN_Op<"batch_norm", [Pure]> {
  let summary = "Normalize by constant statistics, per channel";
  let description = [{
    y = (x - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c], c along axis 0.

    ```mlir
    %y = qnn.batch_norm %x, %s, %b, %m, %v {epsilon = 1.0e-5 : f64}
        : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, QNN_FloatTensor:$scale, QNN_FloatTensor:$bias,
      QNN_FloatTensor:$mean, QNN_FloatTensor:$variance, F64Attr:$epsilon);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input `,` $scale `,` $bias `,` $mean `,` $variance attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QNN_StatisticOp : QNN_Op<"statistic", [Pure]> {
  let summary = "Give a statistic of each run of consecutive elements";
  let description = [{
    result[g] is the mean, the variance or the mean square of elements g * n to (g + 1) * n - 1 of the input,
    row-major, where n is the number of elements of the input by that of the result.
    InstanceNormalization, GroupNormalization, LayerNormalization and RMSNormalization are imported with it. No table
    gives a statistic of encrypted numbers: `qnn-check-quantizers` refuses it, `--freeze-statistics` puts its mean
    over the calibration samples in its place.

    ```mlir
    %m = qnn.statistic variance %x : tensor<6x8x8xf32> -> tensor<6xf32>
    ```
  }];
  let arguments = (ins QNN_Statistic:$statistic, QNN_Tensor:$input);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$statistic $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

//===-------------------------------------------------------------------------===//
// Layout
//===-------------------------------------------------------------------------===//

def QNN_ReshapeOp : QNN_Op<"reshape", [Pure]> {
  let summary = "View the same elements under another shape";
  let description = [{
    Row-major order. Keeps the element type (per-tensor quantized or f32).

    ```mlir
    %y = qnn.reshape %x : tensor<8x7x7xf32> -> tensor<392xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_TransposeOp : QNN_Op<"transpose", [Pure]> {
  let summary = "Permute axes";
  let description = [{
    Result axis d is input axis `permutation[d]`. The quantized dimension of a per-channel type
    follows the permutation.

    ```mlir
    %y = qnn.transpose %x {permutation = array<i64: 1, 0>} : tensor<8x49xf32> -> tensor<49x8xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_PadOp : QNN_Op<"pad", [Pure]> {
  let summary = "Pad with real zeros";
  let description = [{
    `low` and `high` count the elements added before and after each axis.

    ```mlir
    %y = qnn.pad %x {low = array<i64: 0, 1, 1>, high = array<i64: 0, 1, 1>} : tensor<1x8x8xf32> -> tensor<1x10x10xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_GatherOp : QNN_Op<"gather", [Pure]> {
  let summary = "Choose elements: slices, splits, repetitions, windows";
  let description = [{
    result[e] = input[source[e]], both row-major, or 0 where source[e] is -1. Keeps the element type, which
    is not quantized per channel.

    ```mlir
    %y = qnn.gather %x {source = array<i32: 0, 0, -1>} : tensor<2xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, DenseI32ArrayAttr:$source);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_MaxOp : QNN_Op<"max", [Pure]> {
  let summary = "Give the largest of each row";
  let description = [{
    Over the last axis, which the result does not have. MaxPool is a `qnn.gather` of its windows (a place in
    the padding repeats an element of its window) and a `qnn.max`.

    ```mlir
    %y = qnn.max %x : tensor<4x9xf32> -> tensor<4xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_ConcatOp : QNN_Op<"concat", [Pure]> {
  let summary = "Join tensors along an axis";
  let description = [{
    Encrypted operands must be quantized with one common scale (`qnn-check-quantizers`). The result
    keeps an element type all operands share; otherwise it is f32.

    ```mlir
    %y = qnn.concat %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
    ```
  }];
  let arguments = (ins Variadic<QNN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs QNN_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
}

//===-------------------------------------------------------------------------===//
// The client's part
//===-------------------------------------------------------------------------===//

def QNN_SoftmaxOp : QNN_Op<"softmax", [Pure]> {
  let summary = "Normalize exponentials along an axis, on the client";
  let description = [{
    exp(x) / sum(exp(x)) along `axis`, or its logarithm (`log`). Only the client can compute it, on decrypted
    numbers: what follows must be a result of the network, through operations of the client
    (`qnn-check-quantizers`).

    ```mlir
    %y = qnn.softmax %x {axis = 0 : i64} : tensor<10xf32> -> tensor<10xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, I64Attr:$axis, UnitAttr:$log);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_HardmaxOp : QNN_Op<"hardmax", [Pure]> {
  let summary = "Mark the largest number along an axis, on the client";
  let description = [{
    1 at the largest number along `axis`, of equal ones at the first, and else 0. Only the client can compute
    it, as `qnn.softmax`.

    ```mlir
    %y = qnn.hardmax %x {axis = 0 : i64} : tensor<10xf32> -> tensor<10xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, I64Attr:$axis);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_TopKOp : QNN_Op<"top_k", [Pure]> {
  let summary = "Give the largest numbers along an axis, on the client";
  let description = [{
    The result has the `k` largest along `axis`, largest first, or their coordinates along it (`indices`). Of
    equal numbers the first one comes first. ArgMax is k = 1 with `indices`; `last` then takes the last one of
    equal numbers. Only the client can compute it, as `qnn.softmax`.

    ```mlir
    %y = qnn.top_k %x {axis = 0 : i64, k = 3 : i64, indices} : tensor<10xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins QNN_Tensor:$input, I64Attr:$axis, I64Attr:$k, UnitAttr:$indices, UnitAttr:$last);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QNN_OneHotOp : QNN_Op<"one_hot", [Pure]> {
  let summary = "Encode class numbers, on the client";
  let description = [{
    The result has one axis more, of the number of classes: 1 at the number and else 0. Negative numbers
    count from the end. The input is one of the network, and a quantizer follows: the client encodes before
    it encrypts.

    ```mlir
    %y = qnn.one_hot %x : tensor<3xf32> -> tensor<3x16xf32>
    ```
  }];
  let arguments = (ins QNN_FloatTensor:$input);
  let results = (outs QNN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // QNN_OPS
