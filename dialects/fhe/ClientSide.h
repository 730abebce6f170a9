//===- ClientSide.h - What a client does around the fhe level --------------------===//
//
// Reads the `fhe.client` dictionaries of @main's arguments and results (the manifest
// entries of docs/formats.md as attributes) and does what they say, in double
// precision: float inputs to centred integers, integer outputs to reals. The
// runtime's client library does the same from the JSON manifest, by the same
// functions (runtime/client/processing.h).
//
// In the dictionaries numbers are i64 or f64 attributes, lists are dense arrays or
// array attributes, flags are booleans or unit attributes; absent means null.
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_FHE_CLIENTSIDE_H
#define DIALECTS_FHE_CLIENTSIDE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/client/processing.h"
#include <optional>
#include <string>
#include <vector>

namespace fhe {

struct ClientInput {
  std::string name;
  std::vector<int64_t> shape; ///< of the values of one sample, before `pre`
  std::vector<runtime::PreOp> pre;
  bool bipolar = false;
  int64_t min = 0, max = 0, zeroPoint = 0;
  double scale = 1;
  std::string rounding = "ROUND";

  int64_t elements() const; ///< values of one sample
  int64_t integers() const; ///< integers of one sample, behind `pre`
  /// Quantizes `samples` samples: x is [samples][elements], q [samples][integers]. Says which value
  /// cannot be, and else nothing.
  std::string quantize(const float *x, int64_t samples, int64_t *q) const;
};

struct ClientOutput {
  std::string name;
  std::vector<int64_t> shape; ///< of the integers of one sample
  std::vector<double> scale, offset; ///< one value, or one a coordinate along channelAxis
  std::optional<int64_t> channelAxis;
  std::vector<runtime::PostOp> post;

  int64_t elements() const; ///< integers of one sample
  std::vector<int64_t> resultShape() const; ///< of one sample behind `post`
  int64_t resultElements() const;
  /// real = q * scale + offset, then `post`: q is [samples][elements], y [samples][resultElements].
  void dequantize(const int64_t *q, int64_t samples, double *y) const;
};

/// Shape of what a client gets of an output (one sample, behind `post`) by its dictionary.
std::vector<int64_t> resultShapeOf(mlir::DictionaryAttr client);

/// Numbers of a dictionary: an array of f64.
mlir::Attribute realArray(mlir::Builder &builder, llvm::ArrayRef<double> values);

/// A step of `pre` or `post` as its dictionary.
mlir::DictionaryAttr describeStep(mlir::Builder &builder, const runtime::PreOp &step);
mlir::DictionaryAttr describeStep(mlir::Builder &builder, const runtime::PostOp &step);

/// The client's side of every argument and result of @main; a diagnostic names what is missing.
mlir::FailureOr<std::vector<ClientInput>> readClientInputs(mlir::func::FuncOp main);
mlir::FailureOr<std::vector<ClientOutput>> readClientOutputs(mlir::func::FuncOp main);

} // namespace fhe

#endif // DIALECTS_FHE_CLIENTSIDE_H
