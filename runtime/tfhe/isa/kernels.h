//===- kernels.h - The table of inner kernels one instruction set fills ----------------------===//
//
// Internal. Each isa/*.cpp is compiled for one instruction set and fills one table; everything else
// in the library is portable and calls through a table. The inner kernels are the FFT, the CMUX,
// and the two integer products modulo 2^64 (keyswitch and linear layers).
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_KERNELS_H
#define FHE_RUNTIME_TFHE_ISA_KERNELS_H

#include "runtime/tfhe/isa/isa.h"

#include <cstddef>
#include <cstdint>

namespace fhe::tfhe {

struct FftPlan;

/// One CMUX on one accumulator. All pointers are 64-byte aligned.
struct CmuxArguments {
  const FftPlan *plan;
  uint32_t k, levels, baseLog;
  const double *key;     ///< One element of a FourierBootstrapKey.
  uint32_t rotation;     ///< In [1, 2N).
  uint64_t *accumulator; ///< [k+1][N], updated in place.
  double *work;          ///< levels (k+1) (N + 128) doubles.
  const char *prefetch;  ///< Part of the next element to fetch meanwhile, or null.
  size_t prefetchBytes;
};

struct KernelTable {
  Isa isa;
  uint32_t log2Lanes;    ///< Doubles of a vector; transforms come in blocks of lanes^2 points.
  uint32_t maxLog2Radix; ///< Largest radix whose butterflies stay in registers.

  /// Negacyclic transform of N signed words to N doubles.
  void (*forward)(const FftPlan &plan, const uint64_t *words, double *out);
  /// words[i] += round(inverse transform)[i] mod 2^64. Destroys `values`.
  void (*inverseAdd)(const FftPlan &plan, double *values, uint64_t *words);
  /// Pointwise product a * b of two transforms to out, which may be a or b.
  void (*multiply)(const FftPlan &plan, const double *a, const double *b, double *out);

  void (*cmux)(const CmuxArguments &arguments);

  /// outs[c][w] -= sum over rows of digits[row][c] * key[row][w], modulo 2^64; key [rows][words],
  /// digits [rows][digitStride], each below 2^digitBits. `nextKey` (null, or the next rows of the
  /// same key) is prefetched meanwhile.
  void (*digitProduct)(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                       size_t digitStride, unsigned digitBits, size_t count,
                       uint64_t *const *outs, const uint64_t *nextKey);

  /// outs[o][w] = sum over taps t of weights[t * outputs + o] * inputs[t][w], modulo 2^64, for w in
  /// [0, words); outputs is 1, 2 or 4.
  void (*dotTile)(const uint64_t *const *inputs, const int64_t *weights, size_t taps, size_t words,
                  uint64_t *const *outs, size_t outputs);
};

/// The table of an instruction set this CPU has (see availableIsas).
const KernelTable &kernelTable(Isa isa);

#ifdef FHE_TFHE_X86
/// digitProduct without and with the 52-bit multiply-add of AVX-512 IFMA; the AVX-512 table holds
/// the second where the CPU has these instructions.
void digitProductAvx512(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                        size_t digitStride, unsigned digitBits, size_t count,
                        uint64_t *const *outs, const uint64_t *nextKey);
void digitProductIfma(const uint64_t *key, size_t rows, size_t words, const uint64_t *digits,
                      size_t digitStride, unsigned digitBits, size_t count, uint64_t *const *outs,
                      const uint64_t *nextKey);
#endif

const KernelTable &scalarKernels();
const KernelTable &avx2Kernels();
const KernelTable &avx512Kernels();

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_KERNELS_H
