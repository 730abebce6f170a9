//===- ClientSide.h - What a client does around the fhe level --------------------===//
//
// Reads the `fhe.client` dictionaries of @main's arguments and results (the manifest
// entries of docs/formats.md as attributes) and does what they say, in double
// precision: float inputs to centred integers, integer outputs to reals. The
// runtime's client library does the same from the JSON manifest.
//
// In the dictionaries numbers are i64 or f64 attributes, lists are dense arrays or
// array attributes, flags are booleans or unit attributes; absent means null.
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_FHE_CLIENTSIDE_H
#define DIALECTS_FHE_CLIENTSIDE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>
#include <string>
#include <vector>

namespace fhe {

/// x * scale[c] + offset[c], c along the first axis; one value serves all channels.
struct ClientAffine {
  std::vector<double> scale, offset;
};

struct ClientInput {
  std::string name;
  std::vector<int64_t> shape; ///< one sample
  std::vector<ClientAffine> pre;
  bool bipolar = false;
  int64_t min = 0, max = 0, zeroPoint = 0;
  double scale = 1;
  std::string rounding = "ROUND";

  int64_t elements() const;
  /// Quantizes `samples` samples; x and q are [samples][elements].
  void quantize(const float *x, int64_t samples, int64_t *q) const;
};

struct ClientOutput {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<double> scale, offset; ///< one value, or one a coordinate along channelAxis
  std::optional<int64_t> channelAxis;
  std::vector<ClientAffine> post;

  int64_t elements() const;
  /// real = q * scale + offset; q and y are [samples][elements].
  void dequantize(const int64_t *q, int64_t samples, double *y) const;
};

/// The client's side of every argument and result of @main; a diagnostic names what is missing.
mlir::FailureOr<std::vector<ClientInput>> readClientInputs(mlir::func::FuncOp main);
mlir::FailureOr<std::vector<ClientOutput>> readClientOutputs(mlir::func::FuncOp main);

} // namespace fhe

#endif // DIALECTS_FHE_CLIENTSIDE_H
