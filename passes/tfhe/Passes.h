//===- Passes.h - Passes from fhe to tfhe and down to LLVM -----------------------===//
//
// In pipeline order: convert-fhe-to-tfhe, tfhe-verify-noise, tfhe-schedule and
// tfhe-plan-arena (on func.func), convert-tfhe-to-llvm. Descriptions: Passes.td.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_TFHE_PASSES_H
#define PASSES_TFHE_PASSES_H

#include "mlir/Pass/Pass.h"
#include "passes/pipeline/Options.h"

namespace mlir {
class OpPassManager;
}

namespace fhe {

#define GEN_PASS_DECL
#include "passes/tfhe/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/tfhe/Passes.h.inc"

/// Adds the passes from a verified fhe module to a planned tfhe module.
void buildTfhePipeline(mlir::OpPassManager &manager, const CompileOptions &options);

} // namespace fhe

#endif // PASSES_TFHE_PASSES_H
