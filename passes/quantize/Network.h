//===- Network.h - One way of quantizing a network, from its first layer to its last ----===//
//
// The walk over a float network that leaves a quantized one behind. Quantize.h chooses between several
// ways.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_NETWORK_H
#define PASSES_QUANTIZE_NETWORK_H

#include "dialects/qnn/Interpreter.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/quantize/ActivationQuantizer.h"
#include "passes/quantize/Places.h"
#include "passes/quantize/QuantizeOptions.h"

namespace fhe::quantize {

/// One way to quantize.
struct Variant {
  bool equalizes = false; ///< cross-layer equalization first (Equalize.h)
  double ridge = 0.05;    ///< how much integers are held to the weights of the file (LayerWeights.h)
  std::optional<RangeMethod> range = std::nullopt; ///< in place of that of the options
};

/// Whether evaluations of the network are so cheap that it may be quantized several times.
bool isSmall(mlir::ModuleOp module, int64_t samples);

class Network {
public:
  /// Works on `module` in place. `inputs` are the calibration values; they must live as long.
  Network(mlir::ModuleOp module, const qnn::RealTensors &inputs, int64_t samples,
          const QuantizeOptions &options, Variant variant)
      : module(module), options(options), inputs(inputs), samples(samples), variant(variant) {}

  mlir::LogicalResult run();

  /// After run: resultError of all results on other inputs, a sample.
  mlir::FailureOr<double> errorOn(const qnn::RealTensors &others, int64_t count) const;

private:
  mlir::LogicalResult prepare();
  mlir::LogicalResult quantizeOperands(mlir::Operation *op, llvm::ArrayRef<unsigned> operands);
  mlir::LogicalResult quantizeWeights(mlir::Operation *op);
  mlir::LogicalResult quantizeBeforeFunctions(mlir::Value result);
  mlir::LogicalResult quantizeResults();
  mlir::FailureOr<mlir::Value> quantized(mlir::Value producer, unsigned bits,
                                         std::optional<double> scale);
  mlir::FailureOr<ActivationQuantizer> chooseRange(mlir::Value producer,
                                                   llvm::ArrayRef<float> values, unsigned bits);
  mlir::FailureOr<double> errorWith(mlir::Value producer, const ActivationQuantizer &candidate);
  mlir::FailureOr<std::vector<float>> evaluate(mlir::Value value);
  unsigned bitsOf(mlir::Value producer) const;

  mlir::func::FuncOp main() const {
    return const_cast<mlir::ModuleOp &>(module).lookupSymbol<mlir::func::FuncOp>("main");
  }

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  const qnn::RealTensors &inputs;
  int64_t samples;
  Variant variant;
  mlir::OwningOpRef<mlir::ModuleOp> floatModule;
  mlir::IRMapping toFloat; ///< values of the module as it was imported to those of its copy
  std::unique_ptr<qnn::Interpreter> floatNetwork;
  qnn::RealTensors choiceInputs, choiceResults; ///< what ranges are compared on; results in f32
  int64_t choiceSamples = 0;
  Sources sources;
  llvm::DenseMap<mlir::Value, mlir::Value> done; ///< producer to its quantized value
};

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_NETWORK_H
