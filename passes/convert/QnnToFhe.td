//===- QnnToFhe.td - From reals with quantizers to integers with tables ------------===//
#ifndef FHE_CONVERT_QNN_TO_FHE
#define FHE_CONVERT_QNN_TO_FHE

include "mlir/Pass/PassBase.td"

def ConvertQnnToFhe : Pass<"convert-qnn-to-fhe", "::mlir::ModuleOp"> {
  let summary = "Fuse bias, normalization, activation and requantization into tables over integers";
  let description = [{
    **Takes** a module whose `@main` passed `qnn-check-quantizers` and `qnn-verify-accumulators`.
    **Gives** `@main` in `fhe`: integers are centred (zero points are gone); linear ops, sums and pool
    sums become integer ops with their `ranges`; everything between an accumulator and its
    quantizer becomes one `fhe.lut`, its tables evaluated in double from the f32 constants in the
    order of the ONNX nodes (of more than 2^16 integers, at multiples of `log2_step`), equal tables shared; layout ops become reshapes and gathers of integers.
    Elements that can have one value only (rows without non-zero weights, padding in front of a
    quantizer) become `fhe.constant` and cost no table. The largest of several values is a tree of
    b + max(a - b, 0), shared between windows that overlap; a product is a difference of two tables of squares. A quantizer on an argument, with clear affine
    and layout ops before it, moves to the client; a trailing affine function becomes the scale and
    offset of the result: `fhe.client` dictionaries on arguments and results (docs/formats.md).
    **Refuses** what `qnn-check-quantizers` does; an argument with two different quantizers or with
    a non-affine function before its quantizer [Q015]; a
    table value that is no number [Q016].
    **Example**
    ```
    %a = qnn.gemm %q, %w : ...                          // %q: integers -2..1, scale 0.5
    %r = qnn.activation relu %a : ...
    %z = qnn.quantize %r : ... -> tensor<1x!quant.uniform<u2:f32, 0.25>>
    ==>
    %a = fhe.linear %q weights dense<[[1, -1]]> : ... -> tensor<1x!fhe.int<-3:3>>
    %z = fhe.lut %a lo -3 tables dense<[[[0, 0, 0, 0, 1, 2, 3]]]> : ... -> tensor<1x!fhe.int<0:3>>
    ```
  }];
  let options = [
    Option<"exactScales", "exact-scales", "bool", "false", "refuse scales that meet by a table only">,
    Option<"products", "products", "bool", "false", "products of encrypted tensors by tables">
  ];
  let dependentDialects = ["::fhe::FHEDialect", "::mlir::func::FuncDialect"];
}

#endif // FHE_CONVERT_QNN_TO_FHE
