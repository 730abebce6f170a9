//===- FHEOps.td - The fhe dialect: types, attributes, operations --------------===//
#ifndef FHE_OPS
#define FHE_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/Interfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def FHE_Dialect : Dialect {
  let name = "fhe";
  let cppNamespace = "::fhe";
  let summary = "Exact encrypted integers: ranges and tables, no scales, no keys";
  let description = [{
    A program over Z. Integers are centred (zero points are gone), so padding is the integer 0. Types
    say the exact range a value was compiled for; bias, scale, batch normalization and activation
    exist only inside the tables of `fhe.lut` or with the client. The interpreter of this dialect
    (`dialects/fhe/Interpreter.h`) is the semantic authority.

    The network is `func.func @main`. Each argument carries `fhe.client = {...}`, each result too: the
    dictionary is the input's or output's entry of the manifest (docs/formats.md) as far as it is
    known at this level: `name`, `shape`, `pre`, `quantizer`, `integer_range`, or `name`, `shape`,
    `integer_range`, `scale`, `offset`, `channel_axis`, `post`.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

def FHE_RealizationInterface : OpInterface<"RealizationInterface"> {
  let cppNamespace = "::fhe";
  let description = [{
    An operation that looks integers up and can be evaluated in more than one way. Each realization states
    its operations, the noise it can stand and its encoding (struct Realization, FHE.h), which is all that the
    choice of parameters sees of it; what values outside the window become is part of its meaning.
  }];
  let methods = [
    InterfaceMethod<[{
      The present realization first, then those that give the same results inside the window or, where
      the present one is rounded, the exact ones.
    }], "::llvm::SmallVector<::fhe::Realization>", "getRealizations", (ins "::fhe::GuardRule":$guardOf)>,
    InterfaceMethod<"Makes one of them the operation's.", "void", "realizeAs",
                    (ins "const ::fhe::Realization &":$realization)>
  ];
}

class FHE_Op<string mnemonic, list<Trait> traits = []> : Op<FHE_Dialect, mnemonic, traits>;

def FHE_IntType : TypeDef<FHE_Dialect, "Int", [MemRefElementTypeInterface]> {
  let mnemonic = "int";
  let summary = "an encrypted integer of a known range";
  let description = [{
    `!fhe.int<LO:HI>`: every value lies in [LO, HI] (or, compiled with calibrated ranges, is meant to;
    values outside do what the window of their table does). |LO|, |HI| < 2^40.
  }];
  let parameters = (ins "int64_t":$lo, "int64_t":$hi);
  let assemblyFormat = "`<` $lo `` `:` `` $hi `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// ceil(log2(hi-lo+1)).
    unsigned getWidth() const { return ::fhe::tableBits(getLo(), getHi()); }
    bool contains(int64_t value) const { return getLo() <= value && value <= getHi(); }
  }];
}

def FHE_RangesAttr : AttrDef<FHE_Dialect, "Ranges"> {
  let mnemonic = "ranges";
  let summary = "the three ranges of an accumulator";
  let description = [{
    `interval`: plain per-channel bound from the real weights, never tightened; `proven`: the tightest
    sound range; `observed`: over the calibration inputs, or absent. Unions over the channels.

    ```mlir
    #fhe.ranges<interval = [-350, 364], proven = [-350, 364], observed = [-121, 180]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$interval, ArrayRefParameter<"int64_t">:$proven,
                        OptionalArrayRefParameter<"int64_t">:$observed);
  let assemblyFormat = [{
    `<` `interval` `=` `[` $interval `]` `,` `proven` `=` `[` $proven `]`
        (`,` `observed` `=` `[` $observed^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

def FHE_Tensor : StaticShapeTensorOf<[FHE_IntType]>;
def FHE_Weights : ElementsAttrBase<
    CPred<"::llvm::isa<::mlir::DenseIntElementsAttr>($_self) && "
          "::fhe::isStoredInteger(::llvm::cast<::mlir::DenseIntElementsAttr>($_self).getElementType(), "
          "/*withUnsigned=*/false)">,
    "dense i32 or i8 tensor"> {
  let storageType = "::mlir::DenseIntElementsAttr";
  let returnType = "::mlir::DenseIntElementsAttr";
}
def FHE_Tables : ElementsAttrBase<
    CPred<"::llvm::isa<::mlir::DenseIntElementsAttr>($_self) && "
          "::llvm::cast<::mlir::DenseIntElementsAttr>($_self).getElementType().isInteger(32)">,
    "dense i32 tensor"> {
  let storageType = "::mlir::DenseIntElementsAttr";
  let returnType = "::mlir::DenseIntElementsAttr";
}

def FHE_LinearOp : FHE_Op<"linear", [Pure]> {
  let summary = "Multiply by a clear integer matrix";
  let description = [{
    result[..., o] = sum_i weights[o, i] * input[..., i].
    C1: weights are [O,I] with the input's last dimension I and the result's O.
    C2: the result's range contains what the weights give for the input's range, unless `calibrated`.
    `ranges` are those of the accumulator before any calibration; `channel_lo/hi` the proven range
    a channel.

    ```mlir
    %y = fhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32>
        : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<-6:3>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$input, FHE_Weights:$weights,
      OptionalAttr<FHE_RangesAttr>:$ranges, OptionalAttr<DenseI64ArrayAttr>:$channel_lo,
      OptionalAttr<DenseI64ArrayAttr>:$channel_hi, UnitAttr:$calibrated);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$input `weights` $weights attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def FHE_ConvOp : FHE_Op<"conv", [Pure]> {
  let summary = "Convolve with clear integer weights";
  let description = [{
    As `qnn.conv` over Z: input [C,H,W], weights [O, C/groups, KH, KW], `pads` [top, left, bottom,
    right] of integer zeros. Attributes as `fhe.linear`.

    ```mlir
    %y = fhe.conv %x weights dense<1> : tensor<1x1x2x2xi32>
        : tensor<1x3x3x!fhe.int<0:3>> -> tensor<1x2x2x!fhe.int<0:12>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$input, FHE_Weights:$weights,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      OptionalAttr<FHE_RangesAttr>:$ranges, OptionalAttr<DenseI64ArrayAttr>:$channel_lo,
      OptionalAttr<DenseI64ArrayAttr>:$channel_hi, UnitAttr:$calibrated);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$input `weights` $weights attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def FHE_SumPoolOp : FHE_Op<"sum_pool", [Pure]> {
  let summary = "Sum over windows";
  let description = [{
    Input [C,H,W]; each channel by itself; pads are integer zeros.

    ```mlir
    %y = fhe.sum_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>}
        : tensor<1x4x4x!fhe.int<0:3>> -> tensor<1x2x2x!fhe.int<0:12>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$input, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads,
      OptionalAttr<FHE_RangesAttr>:$ranges, UnitAttr:$calibrated);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def FHE_AddOp : FHE_Op<"add", [Pure]> {
  let summary = "Add two encrypted tensors, each times a small integer";
  let description = [{
    result = lhs_factor * lhs + rhs_factor * rhs, element by element; equal shapes. Factors other than 1
    make unequal scales meet by an exact small-integer ratio. With `maximum` the sum is the larger (or the
    smaller) one of two values a and b: lhs is b, and rhs a table of max(v, 0) (or min(v, 0)) of v = a - b. Its
    range is then theirs, not that of a sum (`fhe-verify-exact` checks it), and its table is never rounded: a
    step more would leave the range.

    ```mlir
    %y = fhe.add %a, %b : (tensor<4x!fhe.int<-4:3>>, tensor<4x!fhe.int<-4:3>>) -> tensor<4x!fhe.int<-8:6>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$lhs, FHE_Tensor:$rhs,
      DefaultValuedAttr<I64Attr, "1">:$lhs_factor, DefaultValuedAttr<I64Attr, "1">:$rhs_factor,
      OptionalAttr<FHE_RangesAttr>:$ranges, UnitAttr:$calibrated, UnitAttr:$maximum);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def FHE_MulConstOp : FHE_Op<"mul_const", [Pure]> {
  let summary = "Multiply by a small clear integer";
  let description = [{
    ```mlir
    %y = fhe.mul_const %x {factor = 3 : i64} : tensor<4x!fhe.int<-4:3>> -> tensor<4x!fhe.int<-12:9>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$input, I64Attr:$factor);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def FHE_ConstantOp : FHE_Op<"constant", [Pure]> {
  let summary = "Give clear integers as (trivially) encrypted ones";
  let description = [{
    ```mlir
    %c = fhe.constant dense<[1, 2]> : tensor<2xi64> -> tensor<2x!fhe.int<1:2>>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$value attr-dict `->` type($result)";
  let hasVerifier = 1;
}

def FHE_LutOp : FHE_Op<"lut", [Pure, DeclareOpInterfaceMethods<FHE_RealizationInterface>]> {
  let summary = "Look up a table, element by element";
  let description = [{
    result_r[e] = tables[t, r, input[e] - lo] with t = table_of_element[e] (0 where absent).
    `tables` is [T, R, entries]; it covers the integers [lo, lo + entries), which contain the input's
    range. The window has 2^width slots, the integer v sits in slot v - lo + guard; slots of no integer
    hold the end values; outside the window the table is negacyclic (slot s of [2^width, 2^(width+1))
    gives minus slot s - 2^width, slots count modulo 2^(width+1)): the exact behaviour of TFHE, which
    every executor and the interpreter share. `rounded_width` is P where the lookup is approximately
    rounded (it sets only the noise budget). `frequencies` [T, entries] says how often an inference
    looks each entry of each table up on average, where that was observed.

    With `realization = "negacyclic"` there is no padding bit: slots count modulo 2^width, slot s of the
    upper half gives an offset minus slot s - 2^(width-1), one offset a table and result, and every entry
    of an upper slot must be just that (C4). Signs and odd saturating functions are such tables.

    With `log2_step` = s above 0 an entry stands for 2^s integers: the table is read at u = floor((v + 2^(s-1)) /
    2^s), which takes the place of the integer v in all that is said above (`lo`, `entries`, `width`, slots). Such a
    table is the function sampled at the integers u * 2^s; it is rounded to a precision that tells no two of them apart.
    C1: entries >= 1, guard + entries <= 2^width. C2: table_of_element has one entry an element, each
    below T. C3: one result an R, each of the input's shape, whose range contains its tables' values.

    ```mlir
    %s = fhe.lut %x lo -2 tables dense<[[[-1, -1, 1, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
        {realization = "negacyclic"} : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<-1:1>>
    %y = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
        : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$input, I64Attr:$lo, FHE_Tables:$tables, I64Attr:$width,
      I64Attr:$guard, OptionalAttr<DenseI32ArrayAttr>:$table_of_element,
      OptionalAttr<I64Attr>:$rounded_width, OptionalAttr<ElementsAttr>:$frequencies,
      DefaultValuedAttr<StrAttr, "\"direct\"">:$realization,
      DefaultValuedAttr<I64Attr, "0">:$log2_step);
  let results = (outs Variadic<FHE_Tensor>:$outputs);
  let assemblyFormat = [{
    $input `lo` $lo `tables` $tables `width` $width `guard` $guard attr-dict
        `:` type($input) `->` type($outputs)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The present realization.
    ::fhe::Realization getChosen();
    /// The number u that the table is read at for the integer v.
    int64_t stepOf(int64_t v) { return ::fhe::tableStep(v, getLog2Step()); }
  }];
}

def FHE_ReshapeOp : FHE_Op<"reshape", [Pure]> {
  let summary = "View the same elements under another shape";
  let description = [{
    ```mlir
    %y = fhe.reshape %x : tensor<2x2x!fhe.int<0:3>> -> tensor<4x!fhe.int<0:3>>
    ```
  }];
  let arguments = (ins FHE_Tensor:$input);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def FHE_GatherOp : FHE_Op<"gather", [Pure]> {
  let summary = "Choose elements: transposes, pads and concatenations";
  let description = [{
    result[e] = concatenation of the inputs' elements (row-major) at source[e], or 0 where source[e] is -1.
    One or two inputs.

    ```mlir
    %y = fhe.gather %x {source = array<i64: 0, 2, 1, 3>} : (tensor<2x2x!fhe.int<0:3>>) -> tensor<2x2x!fhe.int<0:3>>
    ```
  }];
  let arguments = (ins Variadic<FHE_Tensor>:$inputs, DenseI64ArrayAttr:$source);
  let results = (outs FHE_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
}

#endif // FHE_OPS
