//===- Pipeline.h - The order of the passes -------------------------------------===//
//
// The passes of docs/architecture.md in order, in the groups a compilation stops
// between: the driver calibrates between the second and the third.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PIPELINE_PIPELINE_H
#define PASSES_PIPELINE_PIPELINE_H

#include "mlir/Pass/PassManager.h"
#include "passes/pipeline/Options.h"

namespace fhe {

/// What `outputs` asks for, on imported (and quantized) qnn.
void buildOutputPipeline(mlir::OpPassManager &manager, const CompileOptions &options);
/// Imported qnn to verified qnn: fold, move maxima, check quantizers, verify accumulators.
void buildQnnPipeline(mlir::OpPassManager &manager, const CompileOptions &options);
/// Verified qnn to fhe with fused tables.
void buildFhePipeline(mlir::OpPassManager &manager, const CompileOptions &options);
/// Final types and table windows, and the verifier of the fhe level.
void buildWindowPipeline(mlir::OpPassManager &manager, const CompileOptions &options);
/// The realization of each table, which the search for parameters chooses.
void buildRealizationPipeline(mlir::OpPassManager &manager, const CompileOptions &options);
// From there on: buildTfhePipeline (passes/tfhe/Passes.h).

/// Registers every pass of the project, for fhe-opt.
void registerAllFhePasses();
/// Registers the groups above as `fhe-qnn`, `fhe-exact` (both groups of the fhe level), and the
/// whole way as `fhe-pipeline`, each with the options of CompileOptions that concern it.
void registerFhePipelines();

/// Dialects a compilation needs.
void registerFheDialects(mlir::DialectRegistry &registry);

} // namespace fhe

#endif // PASSES_PIPELINE_PIPELINE_H
