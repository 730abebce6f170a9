//===- linear.h - Linear layers with clear integer weights on LWE ciphertexts ----------------===//
//
// Matrix product and convolution of ciphertexts with small clear integers, modulo 2^64 or 2^32,
// without materialised patches. Padding is the trivial zero ciphertext. Noise out: sum of w^2 V_in
// for independent inputs. Exact integer arithmetic: the same words on every instruction set and for
// every split.
//
// Work is cut into items; a call does the share [begin, end) of them, so threads can divide one
// layer between them. What one share writes no other does.
//
// Cost: outputs * taps * words products of a weight and a word. With byte-plane instructions (see
// isa/integer_kernels.h) a product costs 8 or 4 byte products for each byte of the weight, groups
// of four taps whose weights are all zero are left out, and inputs are brought into planes once for
// all outputs (and for all windows of a row that overlap); where that does not pay, and on other
// machines, zero weights are left out one by one.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_LINEAR_LINEAR_H
#define FHE_RUNTIME_TFHE_LINEAR_LINEAR_H

#include "runtime/tfhe/buffer.h"
#include "runtime/tfhe/isa/isa.h"

namespace fhe::tfhe {

/// Clear weights: signed integers of 1, 2 or 4 bytes, aligned to their size.
struct Weights {
  const void *data = nullptr;
  uint32_t bytesPerWeight = 1;

  int64_t operator[](size_t i) const;
};

/// in [samples][inputs][words] x weights [outputs][inputs] -> out [samples][outputs][words].
struct GemmShape {
  uint64_t samples = 0, inputs = 0, outputs = 0;
  uint64_t words = 0; ///< Of one ciphertext: n + 1.
};

uint64_t gemmItems(const GemmShape &shape);
size_t gemmScratchBytes(const GemmShape &shape);
/// Word is uint64_t or uint32_t. in and out must not overlap.
template <class Word>
void gemm(const GemmShape &shape, const Word *in, const Weights &weights, Word *out,
          uint64_t begin, uint64_t end, Scratch scratch, Isa isa = activeIsa());

/// in [samples][inChannels][inHeight][inWidth][words] convolved with
/// weights [outChannels][inChannels/groups][kernelHeight][kernelWidth] to
/// out [samples][outChannels][outHeight][outWidth][words]. A one-dimensional convolution has
/// height 1. Both channel numbers must be multiples of `groups`; the padded input must be at least
/// as large as the dilated kernel.
struct ConvolutionShape {
  uint64_t samples = 0, inChannels = 0, inHeight = 0, inWidth = 0;
  uint64_t outChannels = 0, kernelHeight = 0, kernelWidth = 0;
  uint64_t strideY = 1, strideX = 1, dilationY = 1, dilationX = 1;
  uint64_t padTop = 0, padLeft = 0, padBottom = 0, padRight = 0;
  uint64_t groups = 1;
  uint64_t words = 0;

  uint64_t outHeight() const {
    return (inHeight + padTop + padBottom - dilationY * (kernelHeight - 1) - 1) / strideY + 1;
  }
  uint64_t outWidth() const {
    return (inWidth + padLeft + padRight - dilationX * (kernelWidth - 1) - 1) / strideX + 1;
  }
  /// Weights of one output.
  uint64_t taps() const { return inChannels / groups * kernelHeight * kernelWidth; }
};

uint64_t convolutionItems(const ConvolutionShape &shape);
size_t convolutionScratchBytes(const ConvolutionShape &shape);
/// Word is uint64_t or uint32_t. in and out must not overlap.
template <class Word>
void convolution(const ConvolutionShape &shape, const Word *in, const Weights &weights, Word *out,
                 uint64_t begin, uint64_t end, Scratch scratch, Isa isa = activeIsa());

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_LINEAR_LINEAR_H
