//===- Importer.h - The state of one import -------------------------------------===//
//
// What each ONNX tensor has become, and the walk over the graph. Activations
// ("encrypted" tensors) have lost their batch dimension; clear tensors never
// had one.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_IMPORTER_H
#define COMPILER_IMPORT_IMPORTER_H

#include "compiler/import/Constant.h"
#include "compiler/import/Import.h"
#include "compiler/import/Onnx.h"
#include "dialects/qnn/QNN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace fhe::import {

/// A tensor of stored integers, of which nothing has read the real numbers yet (IntegerTensors.h).
struct PendingQuantizer {
  explicit PendingQuantizer(mlir::Location producer) : producer(producer) {}

  mlir::Location producer;
  mlir::Value input; ///< the real numbers to quantize; of an input of the network the integers themselves
  bool clear = false;
  bool isInput = false; ///< an input of the network: scale and zero point are those of its first reader
  std::string description = "input"; ///< what gives it: an operator
  mutable mlir::Value quantized;     ///< `input` quantized, where a node has read it
  mutable std::vector<float> scales;
  mutable std::vector<int64_t> zeroPoints;
  int64_t axis = 0; ///< in the ONNX tensor, where there are several scales
  int dataType = 0;
  int64_t lo = 0, hi = 0;
};

/// What an ONNX tensor has become: exactly one of `constant`, `value` and `pending`.
struct Tensor {
  Constant constant; ///< numbers known now
  mlir::Value value; ///< a qnn value
  std::shared_ptr<const PendingQuantizer> pending;
  bool clear = false; ///< `value` comes from constants only and has no batch dimension
  bool integral = false; ///< `value` holds integers of the file as f32 (wholeTensors only)

  bool isEncrypted() const { return (value && !clear) || (pending && !pending->clear); }
};

/// Reports "MESSAGE [ID]" at `loc` with one attached note per entry of `notes`.
mlir::LogicalResult refuse(mlir::Location loc, const char *id, const llvm::Twine &message,
                           llvm::ArrayRef<std::string> notes = {});

class Importer {
public:
  /// Takes the data of initializers out of `model` as it decodes them.
  Importer(mlir::MLIRContext *context, llvm::StringRef path, onnx::ModelProto &model,
           const ImportOptions &options);

  /// The whole import. Null after refusals.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  const onnx::GraphProto &graph() const { return model.graph(); }
  llvm::StringRef folder() const { return modelFolder; }
  mlir::Location fileLocation() const { return fileLoc; }
  bool isUsed(llvm::StringRef name) const { return used.contains(name); }
  /// The batch size as shape arithmetic sees it: kBatch or 1.
  int64_t batchSize() const { return symbolicBatch ? kBatch : 1; }
  int64_t opset() const { return onnxOpset; }
  /// Activations keep all dimensions of the file (ImportOptions::wholeTensors).
  bool wholeTensors() const { return options.wholeTensors; }
  int64_t touchedLimit() const { return options.maxTouchedElements; }

  /// The tensor of this name; null where its producer was refused.
  const Tensor *find(llvm::StringRef name) const;
  void define(llvm::StringRef name, Tensor tensor) { tensors[name] = std::move(tensor); }

  mlir::OpBuilder builder;
  int64_t touchedElements = 0; ///< by folding and writing out constants

private:
  mlir::LogicalResult checkModel();
  mlir::LogicalResult checkNames();
  mlir::LogicalResult importInputs();
  mlir::LogicalResult importInput(const onnx::ValueInfoProto &input);
  mlir::LogicalResult readShape(const onnx::ValueInfoProto &input,
                                llvm::SmallVectorImpl<int64_t> &sample);
  bool isEncodedOnly(llvm::StringRef name) const;
  mlir::LogicalResult declareInputs();
  mlir::LogicalResult declareInput(const DeclaredInput &declared, llvm::StringRef name,
                                   mlir::BlockArgument argument);
  mlir::LogicalResult checkDirectQuantizer(llvm::StringRef name);
  mlir::LogicalResult importNodes();
  mlir::LogicalResult importOutputs();
  mlir::LogicalResult loadInitializers(const onnx::NodeProto &node);
  void loadInitializer(llvm::StringRef name, const std::string &user);
  mlir::LogicalResult readWholeShape(const onnx::ValueInfoProto &input,
                                     llvm::SmallVectorImpl<int64_t> &sample);
  /// wholeTensors: an output as a value, constants written out; null where there is none.
  mlir::FailureOr<mlir::Value> wholeOutput(llvm::StringRef name);
  void markLive();
  void releaseInputs(const onnx::NodeProto &node);
  mlir::Location nodeLocation(int index);

  onnx::ModelProto &model;
  const ImportOptions &options;
  mlir::Location fileLoc;
  std::string file, modelFolder;
  int64_t onnxOpset = 0;
  bool symbolicBatch = false;
  llvm::StringMap<Tensor> tensors;
  llvm::StringMap<onnx::TensorProto *> initializers;
  llvm::StringSet<> refusedInitializers;
  llvm::StringSet<> used; ///< tensors that some node takes
  llvm::StringMap<unsigned> usesLeft; ///< by live nodes that were not imported yet, and outputs
  std::vector<bool> live; ///< per node: an output of the network needs it
  std::vector<std::pair<std::string, mlir::BlockArgument>> arguments;
  mlir::func::FuncOp function;
};

} // namespace fhe::import

#endif // COMPILER_IMPORT_IMPORTER_H
