//===- TFHEOps.td - The tfhe dialect: keys, types, batched operations ----------===//
#ifndef TFHE_OPS
#define TFHE_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def TFHE_Dialect : Dialect {
  let name = "tfhe";
  // ::fhe::tfhe is the kernel library (runtime/tfhe); the IR has a namespace of its own.
  let cppNamespace = "::fhe::tfhe_ir";
  let summary = "Batches of ciphertexts under named keys";
  let description = [{
    One `tfhe.parameters` symbol holds named secret keys and the public conversions between them, a
    graph. A tensor of `!tfhe.lwe<@p::@g0, 55>` is a batch of LWE ciphertexts under key `@g0`, the
    integer 1 encoded at 2^55 on the 64-bit torus. Each operation is one call of the executor for a
    whole tensor of all samples (runtime/include/fhe/abi.h); shapes are those of one sample.

    `slots`, where present, says where each result lies in its key's arena (in ciphertexts of one
    sample); `tfhe-plan-arena` writes it. `layer` is the index of the accumulator in the report that
    an operation belongs to. `norm2`, `noise_std`, `log2_failure` are written by `tfhe-verify-noise`.
    The network is `func.func @main`; its arguments and results carry `tfhe.client` (what the client
    needs, from `fhe.client`), `tfhe.range = array<i64: LO, HI>` and, once planned, `tfhe.slot`.
  }];
  let useDefaultTypePrinterParser = 1;
}

class TFHE_Op<string mnemonic, list<Trait> traits = []> : Op<TFHE_Dialect, mnemonic, traits>;

def TFHE_LweType : TypeDef<TFHE_Dialect, "Lwe", [MemRefElementTypeInterface]> {
  let mnemonic = "lwe";
  let summary = "an LWE ciphertext under a named key";
  let description = [{
    `!tfhe.lwe<@PARAMETERS::@KEY, D>`: the integer v is v * 2^D on the 64-bit torus, centred. Under a
    GLWE key it is a ciphertext of the key's coefficients read as one LWE key.
  }];
  let parameters = (ins "::mlir::SymbolRefAttr":$key, "unsigned":$log2Delta);
  let assemblyFormat = "`<` $key `,` $log2Delta `>`";
  let genVerifyDecl = 1;
}

def TFHE_Tensor : StaticShapeTensorOf<[TFHE_LweType]>;
def TFHE_Weights : ElementsAttrBase<
    CPred<"::llvm::isa<::mlir::DenseIntElementsAttr>($_self) && "
          "::fhe::isStoredInteger(::llvm::cast<::mlir::DenseIntElementsAttr>($_self).getElementType(), "
          "/*withUnsigned=*/false)">,
    "dense i32 or i8 tensor"> {
  let storageType = "::mlir::DenseIntElementsAttr";
  let returnType = "::mlir::DenseIntElementsAttr";
}
def TFHE_Tables : ElementsAttrBase<
    CPred<"::llvm::isa<::mlir::DenseIntElementsAttr>($_self) && "
          "::llvm::cast<::mlir::DenseIntElementsAttr>($_self).getElementType().isInteger(32)">,
    "dense i32 tensor"> {
  let storageType = "::mlir::DenseIntElementsAttr";
  let returnType = "::mlir::DenseIntElementsAttr";
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

def TFHE_ParametersOp : TFHE_Op<"parameters", [Symbol, SymbolTable, NoTerminator, SingleBlock,
    NoRegionArguments, IsolatedFromAbove]> {
  let summary = "Name the keys and conversions of a program";
  let description = [{
    A graph: `lwe_key` and `glwe_key` are secret keys, any number of each, `keyswitch_key` and
    `bootstrap_key` public conversions between two of them. Every key must carry at least the noise of
    the security curve for its dimension (runtime/tfhe/parameters.h), so unsafe parameters cannot be
    written; partial and nested keys only where `key_assumptions "extended"` says what they rest on
    (docs/security.md). With
    `clear_only` there is one `clear_key` and nothing else: the object runs in clear mode only.

    ```mlir
    tfhe.parameters @p security 128 {
      tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
      tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
      tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
      tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$security,
                       DefaultValuedAttr<StrAttr, "\"standard\"">:$key_assumptions,
                       UnitAttr:$clear_only);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `security` $security (`key_assumptions` $key_assumptions^)?
        (`clear_only` $clear_only^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def TFHE_LweKeyOp : TFHE_Op<"lwe_key", [Symbol, HasParent<"ParametersOp">]> {
  let summary = "Name an LWE secret key";
  let description = [{
    `dimension` uniform binary secret bits; encryptions under it carry noise of standard deviation
    2^log2_std, relative to the torus: Gaussian, or with `tuniform B` uniform on [-2^B, 2^B] units of
    the last place, the two ends half as likely (log2_std must be that of the bound). With `word_bits 32` (default 64) the
    keyswitch keys that lead to it, and the ciphertexts these give, are words modulo 2^32.
    With `nested_in @G` it has no bits of its own: they are the first ones of GLWE key @G, which has more
    live coefficients. A keyswitch from @G then has rows for the other coefficients only. That needs
    `key_assumptions "extended"`.
    ```mlir
    tfhe.lwe_key @s0 dimension 838 log2_std -18.857968 word_bits 32
    tfhe.lwe_key @s1 dimension 879 log2_std -18.792481250360578 tuniform 46
    tfhe.lwe_key @s2 dimension 838 nested_in @g0 log2_std -18.857968 word_bits 32
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$dimension,
                       OptionalAttr<FlatSymbolRefAttr>:$nested_in, F64Attr:$log2_std,
                       OptionalAttr<I64Attr>:$tuniform,
                       DefaultValuedAttr<I64Attr, "64">:$word_bits,
                       DefaultValuedAttr<StrAttr, "\"binary\"">:$distribution);
  let assemblyFormat = [{
    $sym_name `dimension` $dimension (`nested_in` $nested_in^)? `log2_std` $log2_std
        (`tuniform` $tuniform^)? (`word_bits` $word_bits^)? attr-dict
  }];
  let hasVerifier = 1;
}

def TFHE_GlweKeyOp : TFHE_Op<"glwe_key", [Symbol, HasParent<"ParametersOp">]> {
  let summary = "Name a GLWE secret key";
  let description = [{
    k secret polynomials of 2^log2_poly binary coefficients; noise as `tfhe.lwe_key`. With `live L`
    the key is partial: only the first L of its coefficients may be one, LWE ciphertexts under it have
    L + 1 words, and the security curve is asked at L. That needs `key_assumptions "extended"`.
    ```mlir
    tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
    tfhe.glwe_key @g1 k 1 log2_poly 14 live 2560 log2_std -62.0
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$k, I64Attr:$log2_poly,
                       OptionalAttr<I64Attr>:$live, F64Attr:$log2_std,
                       OptionalAttr<I64Attr>:$tuniform,
                       DefaultValuedAttr<StrAttr, "\"binary\"">:$distribution);
  let assemblyFormat = [{
    $sym_name `k` $k `log2_poly` $log2_poly (`live` $live^)? `log2_std` $log2_std
        (`tuniform` $tuniform^)? attr-dict
  }];
  let hasVerifier = 1;
}

def TFHE_ClearKeyOp : TFHE_Op<"clear_key", [Symbol, HasParent<"ParametersOp">]> {
  let summary = "Name the absent key of a clear-only program";
  let description = [{
    Stands where a GLWE key would: it names an arena and has no dimension.
    ```mlir
    tfhe.clear_key @g0
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let assemblyFormat = "$sym_name attr-dict";
}

def TFHE_KeyswitchKeyOp : TFHE_Op<"keyswitch_key", [Symbol, HasParent<"ParametersOp">]> {
  let summary = "Name a conversion from a GLWE key's ciphertexts to an LWE key";
  let description = [{
    From a GLWE key, its coefficients read as one LWE key, to an LWE key (what a `tfhe.lookup` needs) or
    to another GLWE key read in the same way (`tfhe.convert`). Its words have the target's width, in
    which the digits must fit: 64 bits of a GLWE key.
    ```mlir
    tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
    tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$source,
                       FlatSymbolRefAttr:$target, I64Attr:$base_log, I64Attr:$levels);
  let assemblyFormat = [{
    $sym_name `from` $source `to` $target `base_log` $base_log `levels` $levels attr-dict
  }];
  let extraClassDeclaration = [{
    /// Bits of its words: those of the target.
    uint64_t getWordBits();
    /// Whether it leads to a GLWE key: for `tfhe.convert`, not for lookups.
    bool isBetweenGlweKeys();
  }];
  let hasVerifier = 1;
}

def TFHE_BootstrapKeyOp : TFHE_Op<"bootstrap_key", [Symbol, HasParent<"ParametersOp">]> {
  let summary = "Name a programmable bootstrap from an LWE key to a GLWE key";
  let description = [{
    `engine` is "classic"; other engines are not built yet and refused. `switch_kind` is how
    ciphertexts are rounded to multiples of 1/2N: "plain", or "centred", which moves the body by the
    expected rounding error of the mask first.
    ```mlir
    tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$source,
                       FlatSymbolRefAttr:$target, I64Attr:$base_log, I64Attr:$levels,
                       DefaultValuedAttr<StrAttr, "\"classic\"">:$engine,
                       DefaultValuedAttr<StrAttr, "\"plain\"">:$switch_kind);
  let assemblyFormat = [{
    $sym_name `from` $source `to` $target `base_log` $base_log `levels` $levels attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Batched operations
//===----------------------------------------------------------------------===//

// What passes annotate (dialect description).
defvar TFHE_Notes = (ins OptionalAttr<DenseI64ArrayAttr>:$slots, OptionalAttr<I64Attr>:$layer,
                         OptionalAttr<F64Attr>:$norm2);

def TFHE_LinearOp : TFHE_Op<"linear", [Pure]> {
  let summary = "Multiply ciphertexts by a clear integer matrix";
  let description = [{
    result[..., o] = sum_i weights[o, i] * 2^log2_factor * input[..., i].
    C1: weights are [O,I], the input's last dimension is I, the result's O, all others equal.
    C2: same key; the result's log2 delta is the input's plus log2_factor.

    ```mlir
    %y = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32>
        : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = !con((ins TFHE_Tensor:$input, TFHE_Weights:$weights,
      DefaultValuedAttr<I64Attr, "0">:$log2_factor), TFHE_Notes);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = "$input `weights` $weights attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def TFHE_ConvOp : TFHE_Op<"conv", [Pure]> {
  let summary = "Convolve ciphertexts with clear integer weights";
  let description = [{
    Input [C,H,W], weights [O, C/groups, KH, KW], `pads` [top, left, bottom, right] of trivial
    ciphertexts of 0; times 2^log2_factor as `tfhe.linear`. A sum pool is a depthwise convolution with
    ones.

    ```mlir
    %y = tfhe.conv %x weights dense<1> : tensor<1x1x2x2xi32>
        : tensor<1x3x3x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x2x2x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = !con((ins TFHE_Tensor:$input, TFHE_Weights:$weights,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<I64Attr, "0">:$log2_factor), TFHE_Notes);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = "$input `weights` $weights attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def TFHE_CombineOp : TFHE_Op<"combine", [Pure]> {
  let summary = "Add one or two tensors of ciphertexts, each times a clear integer";
  let description = [{
    result[e] = sum_k coefficients[k] * 2^log2_factors[k] * input_k[e].
    C1: one or two inputs of the result's shape. C2: one key; each input's log2 delta plus its factor is
    the result's log2 delta.

    ```mlir
    %y = tfhe.combine %a, %b {coefficients = array<i64: 1, -1>, log2_factors = array<i64: 0, 2>}
        : (tensor<4x!tfhe.lwe<@p::@g0, 57>>, tensor<4x!tfhe.lwe<@p::@g0, 55>>)
        -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = !con((ins Variadic<TFHE_Tensor>:$inputs, DenseI64ArrayAttr:$coefficients,
      DenseI64ArrayAttr:$log2_factors), TFHE_Notes);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
}

def TFHE_GatherOp : TFHE_Op<"gather", [Pure]> {
  let summary = "Choose ciphertexts";
  let description = [{
    result[e] = concatenation of the inputs' elements (row-major) at source[e]; the trivial ciphertext of
    0 where source[e] is -1. C1: one or two inputs. C2: one type of element.

    ```mlir
    %y = tfhe.gather %m {source = array<i64: 0, -1>}
        : (tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = !con((ins Variadic<TFHE_Tensor>:$inputs, DenseI64ArrayAttr:$source), TFHE_Notes);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
}

def TFHE_ReshapeOp : TFHE_Op<"reshape", [Pure]> {
  let summary = "View the same ciphertexts under another shape";
  let description = [{
    Shares the operand's slot; no call is made for it.
    ```mlir
    %y = tfhe.reshape %m : tensor<2x2x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = (ins TFHE_Tensor:$input);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def TFHE_ConstantOp : TFHE_Op<"constant", [Pure]> {
  let summary = "Give trivial ciphertexts of clear integers";
  let description = [{
    ```mlir
    %c = tfhe.constant dense<[1, 2]> : tensor<2xi64> -> tensor<2x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = !con((ins ElementsAttr:$value), TFHE_Notes);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = "$value attr-dict `->` type($result)";
  let hasVerifier = 1;
}

def TFHE_ConvertOp : TFHE_Op<"convert", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Bring ciphertexts under another key";
  let description = [{
    The same integers at the same encoding under the key that the keyswitch leads to: values meet in one
    sum only under one key, and tables of different sets leave theirs under different ones. The
    keyswitch adds its noise to each element (equal elements get equal noise).
    C1: one shape and one log2 delta. C2: a keyswitch between the two GLWE keys.

    ```mlir
    %y = tfhe.convert %x keyswitch @p::@c01
        : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g1, 57>>
    ```
  }];
  let arguments = !con((ins TFHE_Tensor:$input, SymbolRefAttr:$keyswitch), TFHE_Notes);
  let results = (outs TFHE_Tensor:$result);
  let assemblyFormat = [{
    $input `keyswitch` $keyswitch attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def TFHE_LookupOp : TFHE_Op<"lookup", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Keyswitch and bootstrap a whole tensor through tables";
  let description = [{
    result_r[e] = tables[t, r, v - lo] for the integer v of input[e], t = table_of_element[e] (0 where
    absent). The window has 2^width slots, v sits in slot v - lo + guard; slots of no integer hold the
    end values; outside the window the table is negacyclic (abi.h, fhe_lookup_desc). The input times
    2^log2_factor is encoded at 2^(63-width): one padding bit. With `realization = "negacyclic"` there is
    none: it is encoded at 2^(64-width), slots count modulo 2^width, and the upper half of the window is an
    offset minus the lower half, one offset a table and result (`fhe.lut`). `log2_step` is that of `fhe.lut`: steps of 2^log2_step integers sit
    in the slots, encoded at the input's Delta times 2^(log2_factor + log2_step). `rounded_width` is P of an approximately
    rounded lookup; `frequencies` are those of `fhe.lut`, of which `tfhe-verify-noise` makes
    `expected_disagreements` (passes/parameters/Disagreements.h). The keyswitch leads from the operand's
    key to the bootstrap's source, the bootstrap to the results' key; both are absent under a clear key.

    ```mlir
    %y = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs
        lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
        : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
    ```
  }];
  let arguments = !con((ins TFHE_Tensor:$input, OptionalAttr<SymbolRefAttr>:$keyswitch,
      OptionalAttr<SymbolRefAttr>:$bootstrap, I64Attr:$lo, TFHE_Tables:$tables, I64Attr:$width,
      I64Attr:$guard, OptionalAttr<DenseI32ArrayAttr>:$table_of_element,
      OptionalAttr<I64Attr>:$rounded_width, DefaultValuedAttr<I64Attr, "0">:$log2_factor,
      DefaultValuedAttr<StrAttr, "\"direct\"">:$realization,
      DefaultValuedAttr<I64Attr, "0">:$log2_step,
      OptionalAttr<ElementsAttr>:$frequencies, OptionalAttr<F64Attr>:$noise_std,
      OptionalAttr<F64Attr>:$log2_failure, OptionalAttr<F64Attr>:$expected_disagreements,
      OptionalAttr<F64Attr>:$most_disagreements), TFHE_Notes);
  let results = (outs Variadic<TFHE_Tensor>:$outputs);
  let assemblyFormat = [{
    $input (`keyswitch` $keyswitch^ `bootstrap` $bootstrap)? `lo` $lo `tables` $tables
        `width` $width `guard` $guard attr-dict `:` type($input) `->` type($outputs)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Bits the noise must leave right: P of a rounded lookup, else the width.
    int64_t getPrecision() {
      return getRoundedWidth() ? std::min<int64_t>(*getRoundedWidth(), getWidth()) : getWidth();
    }
    /// 1, or 0 of a negacyclic lookup.
    int64_t getPaddingBits() { return getRealization() == ::fhe::negacyclicRealization ? 0 : 1; }
    /// log2 of the slots of the torus: of the window and, with a padding bit, its negative.
    int64_t getTorusBits() { return getWidth() + getPaddingBits(); }
    /// By [table][result]; zeros of a direct lookup. The operation must have passed its verifier.
    std::vector<int64_t> getOffsets();
  }];
}

#endif // TFHE_OPS
