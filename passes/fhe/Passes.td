//===- Passes.td - Passes on the fhe dialect, in pipeline order --------------------===//
#ifndef FHE_PASSES
#define FHE_PASSES

include "mlir/Pass/PassBase.td"

def FheFuseLuts : Pass<"fhe-fuse-luts", "::mlir::func::FuncOp"> {
  let summary = "Share and compose tables";
  let description = [{
    **Takes** a function in the fhe dialect.
    **Gives** the same function with fewer lookups: tables of one source become one `fhe.lut` with
    several results; a table of a table whose inner value has no other use becomes one table (also through
    a reshape, or a gather of it and constants that reads all of it, each element by one table); equal tables of the elements are stored once. A wide table is never duplicated to save a
    narrow one: where the inner value has other uses, the outer table keeps working on it.
    **Refuses** nothing.
    **Example**
    ```mlir
    %a = fhe.lut %x lo 0 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32> width 1 guard 0 : ...
    %b = fhe.lut %a lo 0 tables dense<[[[3, 5]]]> : tensor<1x1x2xi32> width 1 guard 0 : ...
    ==>
    %b = fhe.lut %x lo 0 tables dense<[[[3, 5]]]> : tensor<1x1x2xi32> width 1 guard 0 : ...
    ```
  }];
  let dependentDialects = ["::fhe::FHEDialect"];
}

def FheAssignWindows : Pass<"fhe-assign-windows", "::mlir::func::FuncOp"> {
  let summary = "Decide the final range of every accumulator and the window of every table";
  let description = [{
    **Takes** a function whose accumulators carry `ranges`; with `calibrated`, `observed` in all of them.
    **Gives** tables of `entries` integers in a window of 2^width slots, and accumulators whose type is the
    range compiled for.
    - Proven: width = ceil(log2(range)); free slots are split to both ends.
    - Calibrated: the range is the observed one, widened within the proven one to fill the window;
      accumulators are marked `calibrated`. An accumulator that leaves the program without a table keeps
      its proven range: it would wrap unnoticed, and its range costs no table.
    - Rounding (`round=P`): a table wider than P gets `rounded_width = P`. Only such tables keep their
      `frequencies`. Sampled tables (`log2_step`) get longer steps, P + 6 bits of them in a window.
    - Of rounded tables, and of all where `log2-p-error` is above -40, 6 standard deviations of the noise
      are kept free at both ends (see endGuard), widening the window where needed: what leaves a window
      comes back at the other end with its sign changed, which is no rounding step.
    **Refuses** a calibrated accumulator without an observed range (internal); a sampled table that is not
    rounded [Q021]; a rounded table whose guards
    fill every window, as they do with few bits at a large failure probability [Q034].
    **Example**
    ```mlir
    %y = fhe.lut %x lo -5 tables ... width 4 guard 0 : tensor<4x!fhe.int<-5:5>> -> ...
    ==> width 4 guard 2
    ```
  }];
  let options = [
    Option<"calibrated", "calibrated", "bool", "false", "compile for the observed ranges">,
    Option<"round", "round", "unsigned", "0", "bits tables are rounded to; 0: exact">,
    Option<"log2PError", "log2-p-error", "double", "-40",
           "log2 of the most failure probability of one table">,
    Option<"command", "command", "std::string", "\"fhe-compile MODEL.onnx\"",
           "what help lines repeat">
  ];
  let dependentDialects = ["::fhe::FHEDialect"];
}

def FheVerifyExact : Pass<"fhe-verify-exact", "::mlir::ModuleOp"> {
  let summary = "Check that the program is exact over the integers";
  let description = [{
    **Takes** the end of the fhe level.
    **Gives** the module unchanged.
    **Refuses** (as a defect of the compiler) a module without `@main`, an operation or type of another
    level, an accumulator whose type does not contain what its operands can give (unless `calibrated`),
    and arguments or results without `fhe.client`. That tables cover their range is the verifier of
    `fhe.lut`.
    **Example** `fhe.linear %x weights dense<2> : tensor<1x1xi32> : tensor<1x!fhe.int<0:3>> ->
    tensor<1x!fhe.int<0:5>>` is refused: the sum reaches 6.
  }];
  let dependentDialects = ["::fhe::FHEDialect"];
}

#endif // FHE_PASSES
