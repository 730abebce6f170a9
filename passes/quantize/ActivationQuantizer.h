//===- ActivationQuantizer.h - Quantizers between the layers of a network ---------===//
//
// What post-training quantization knows of one activation quantizer, and how it is put into
// the network and taken out again.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_ACTIVATIONQUANTIZER_H
#define PASSES_QUANTIZE_ACTIVATIONQUANTIZER_H

#include "dialects/qnn/QNN.h"
#include "passes/quantize/Affine.h"

namespace fhe::quantize {

/// Scale and integers, and the real number integer 0 stands for where `shifted` (then the zero point
/// is 0).
struct ActivationQuantizer {
  Affine affine;
  unsigned bits = 0;
  bool shifted = false;
  double offset = 0;
};

/// The quantizer on `bits` bits that covers `range`, and 0 unless `shifted`.
ActivationQuantizer quantizerOf(Range range, unsigned bits, bool shifted);

/// The quantizer with that scale and as many integers as `range` and 0 need, at most 16 bits of them.
ActivationQuantizer quantizerAt(double scale, Range range);

/// Quantizes `producer`, behind it; nothing reads the result yet.
mlir::Value insertQuantizer(mlir::Value producer, const ActivationQuantizer &quantizer);
/// The operation of an inserted quantizer that reads `producer`.
mlir::Operation *firstOf(mlir::Value value, mlir::Value producer);
/// Takes an inserted quantizer away again; its readers read `producer`.
void removeQuantizer(mlir::Value value, mlir::Value producer);
/// The scale an inserted quantizer has.
double scaleOf(mlir::Value value);

/// `value` put through the layout and max operations that `like` went through since `producer`.
mlir::Value throughLayout(mlir::Value value, mlir::Value like, mlir::Value producer);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_ACTIVATIONQUANTIZER_H
