//===- Passes.td - Realizations, from fhe to tfhe, noise, schedule, memory, LLVM -===//
#ifndef FHE_TFHE_PASSES
#define FHE_TFHE_PASSES

include "mlir/Pass/PassBase.td"

// ParameterOptions (passes/parameters/ParameterOptions.h) as options of a pass; 0: not given.
defvar parameterOptions = [
  Option<"log2PError", "log2-p-error", "double", "-40",
         "log2 of the failure probability of one element of a table or output">,
  Option<"log2GlobalPError", "log2-global-p-error", "double", "0",
         "log2 of the failure probability of one inference">,
  Option<"security", "security", "unsigned", "128", "bits of security: 128 or 132">,
  Option<"maxKeyBytes", "max-key-bytes", "uint64_t", "0", "most bytes of stored evaluation keys">,
  Option<"maxMemory", "max-memory", "uint64_t", "0", "most bytes of a server's memory">,
  Option<"extendedKeys", "extended-keys", "bool", "false", "partial and nested keys may be chosen">,
  Option<"tuniform", "tuniform", "bool", "false", "TUniform noise instead of Gaussian">,
  Option<"shareable", "shareable", "bool", "false",
         "decrypted results may be shown: 2^-128 everywhere, exact tables, proven ranges">,
  Option<"maxSets", "max-parameter-sets", "unsigned", "8", "most parameter sets of a network">
];

def FheChooseRealizations : Pass<"fhe-choose-realizations", "::mlir::ModuleOp"> {
  let summary = "Choose how each table is evaluated, together with the parameters";
  let description = [{
    **Takes** a verified `fhe` module: types and windows final, tables with a padding bit, rounded where
    that was asked for.
    **Gives** the same; each `fhe.lut` in the realization (RealizationInterface) that the search for
    parameters found cheapest for the whole network, with one set or several
    (passes/parameters/RealizationSearch.h): `negacyclic` needs no padding bit, where the upper half of the
    window is an offset minus its lower half for every integer of the tables (and for the guards at both
    ends that rounded tables and large failure probabilities need); a table that may be rounded is exact
    where that costs nothing. The range of a negacyclic table begins at slot `guard`, as many slots as it
    needs. Without parameters, and with `clear-only`, nothing is priced: where there are none each table
    gets the realization of fewest bits, which `convert-fhe-to-tfhe` then refuses.
    **Refuses** nothing.
    **Example**
    ```mlir
    %y = fhe.lut %x lo -2 tables dense<[[[-1, -1, 1, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 : ...
    ==> %y = fhe.lut ... width 2 guard 0 {realization = "negacyclic"} : ...
    ```
  }];
  let options = !listconcat(parameterOptions, [
    Option<"clearOnly", "clear-only", "bool", "false", "no keys: runs in clear mode only">,
    Option<"directOnly", "direct-only", "bool", "false", "keep the realization of every table">
  ]);
  let dependentDialects = ["::fhe::tfhe_ir::TFHEDialect"];
}

def ConvertFheToTfhe : Pass<"convert-fhe-to-tfhe", "::mlir::ModuleOp"> {
  let summary = "Choose encodings and parameters; integers become ciphertexts under keys";
  let description = [{
    **Takes** a verified `fhe` module: `@main`, types and windows final.
    **Gives** `tfhe` operations on tensors and one `tfhe.parameters @p`. Every value gets a Delta: a
    table's input 2^(63-width), a result without a table 2^(64-w); a producer writes at the smallest
    Delta a consumer needs, the others multiply by a clear 2^d, which counts in their norm. Parameters
    are the cheapest set, by the cost model, whose noise meets every table and output
    (passes/parameters/Search.h), named s0, g0, ks and bs; or several sets with conversions between
    their keys where that is cheaper (NetworkSearch.h), named as passes/convert/ParameterRegion.h says.
    **Refuses** a table wider than 8 bits [Q021] (not with `clear-only`), a failure probability that is
    not 2^-256 to 2^-1 or a security that is not 128 or 132 [Q030], networks no set satisfies [Q031].
    **Example**
    ```
    %y = fhe.lut %x ... width 3 ... : tensor<4x!fhe.int<-4:3>> -> tensor<4x!fhe.int<0:1>>
    ==>
    %y = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs ... width 3 ...
        : tensor<4x!tfhe.lwe<@p::@g0, 60>> -> tensor<4x!tfhe.lwe<@p::@g0, 63>>
    ```
  }];
  let options = !listconcat(parameterOptions, [
    Option<"clearOnly", "clear-only", "bool", "false", "no keys: runs in clear mode only">
  ]);
  let dependentDialects = ["::fhe::tfhe_ir::TFHEDialect"];
}

def TfheVerifyNoise : Pass<"tfhe-verify-noise", "::mlir::ModuleOp"> {
  let summary = "Recompute every failure probability from the noise the keys really have";
  let description = [{
    **Takes** a `tfhe` module. **Gives** the same with `norm2` on accumulators, `noise_std` and
    `log2_failure` (one table) on lookups, on rounded ones also how many results of an inference are
    expected to differ: `expected_disagreements` where `frequencies` are known, and
    `most_disagreements` over all possible inputs; `tfhe.noise_std` and `tfhe.log2_failure` (one element) on
    results of `@main`, and `tfhe.log2_failure` (one inference) on the module. Correlated paths are
    followed to independent sources (fresh inputs and table results); where that would be too large,
    bounds are used that never underestimate. Clear-only modules get `norm2` only.
    **Refuses** a lookup [Q032] or a result [Q033] that fails more often than 2^log2-p-error, an
    inference that fails more often than 2^log2-global-p-error [Q035].
    **Example**
    ```
    tfhe.lookup %x ... ==> tfhe.lookup %x ... {log2_failure = -41.2, noise_std = 0.002, ...}
    ```
  }];
  let options = !listconcat(parameterOptions, [
    Option<"command", "command", "std::string", "\"fhe-compile MODEL.onnx\"",
           "the command that help lines repeat">
  ]);
}

def TfheSchedule : Pass<"tfhe-schedule", "::mlir::func::FuncOp"> {
  let summary = "Order the operations so that few ciphertexts are live at once";
  let description = [{
    **Takes** a `tfhe` function on tensors. **Gives** the same operations, dead ones removed, in an
    order chosen greedily: of the operations whose operands exist, the one that leaves the fewest live
    ciphertexts; ties keep the order of the program. **Refuses** nothing.
    **Example** a constant moves down to its first use.
  }];
}

def TfhePlanArena : Pass<"tfhe-plan-arena", "::mlir::func::FuncOp"> {
  let summary = "Give every tensor a slot in its key's arena";
  let description = [{
    **Takes** a scheduled `tfhe` function on tensors. **Gives** `slots` on every operation, `tfhe.slot` on
    arguments and results and `tfhe.arena_elements` (a dictionary: key to size) on the function; slots
    live at one time do not overlap, nor does a result overlap its operands. Units: ciphertexts of one
    sample. Placement is greedy by size, deterministic, and checked by a second look.
    **Refuses** operations that are not tfhe's.
    **Example**
    ```
    %y = tfhe.linear %x ... ==> %y = tfhe.linear %x ... {slots = array<i64: 64>}
    ```
  }];
}

def TfheVerifyMemory : Pass<"tfhe-verify-memory", "::mlir::ModuleOp"> {
  let summary = "Check the memory of one inference against what was allowed";
  let description = [{
    **Takes** a planned `tfhe` module. **Gives** the same. The search keeps keys and live ciphertexts within
    the limit before there is a plan; this is the whole (passes/parameters/CostModel.h, peakBytes).
    **Refuses** a program whose memory for one sample on one thread is above `max-memory` [Q037].
    **Example** nothing changes.
  }];
  let options = [
    Option<"maxMemory", "max-memory", "uint64_t", "0", "most bytes of a server's memory; 0: any">
  ];
}

def ConvertTfheToLLVM : Pass<"convert-tfhe-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Descriptors become constants, the schedule becomes code";
  let description = [{
    **Takes** a planned `tfhe` module; name and manifest from the module's `tfhe.name` and
    `tfhe.manifest` (default "model" and ""). **Gives** LLVM dialect: one constant global a descriptor, laid
    out as runtime/include/fhe/abi.h, the exported `fhe_model NAME_model`, and an entry function that
    calls the executor's functions one operation after the other with arena offsets as immediates and
    returns at once what is not zero. No symbol is imported.
    **Refuses** an unplanned module, an operation that is not tfhe's, slots that overlap.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // FHE_TFHE_PASSES
