//===- kernels.h - The table of inner kernels one instruction set fills ----------------------===//
//
// Internal. Each isa/*.cpp is compiled for one instruction set and fills one table; everything else
// in the library is portable and calls through a table. The inner kernels here are the FFT and the
// CMUX; those of integer products are in integer_kernels.h.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_KERNELS_H
#define FHE_RUNTIME_TFHE_ISA_KERNELS_H

#include "runtime/tfhe/isa/isa.h"

#include <cstddef>
#include <cstdint>

namespace fhe::tfhe {

struct FftPlan;

/// One step of a blind rotation: the CMUX with one element of the key on `count` accumulators.
/// The last pass of a step is left to the next one, which reads what it writes: `before` names the
/// rotations of the step that is to be finished. All pointers are 64-byte aligned, but those to
/// rotations.
struct CmuxArguments {
  const FftPlan *plan;
  uint32_t k, levels, baseLog;
  const double *key;        ///< An element of a FourierBootstrapKey, or null: only finish.
  const double *nextKey;    ///< The next element, fetched meanwhile, or null.
  size_t count;
  const uint32_t *rotation; ///< Of ciphertext c at [c * rotationStride], in [0, 2N).
  const uint32_t *before;   ///< The same of the step before, or null.
  size_t rotationStride;
  uint64_t *accumulators;   ///< [count][k+1][spreadWords] (chains.h), updated in place.
  double *rows;             ///< [count][levels][k+1][spreadDoubles]: what is left between steps.
  double *local;            ///< levels (k+1) 128 doubles.
};

/// What a CMUX takes for one unit of a digit of this level (0 is the first): the weight it has in
/// its word. Keys are divided by it. A power of two, so nothing is lost.
constexpr double digitUnit(uint32_t baseLog, uint32_t level) {
  return double(uint64_t(1) << (64 - baseLog * (level + 1)));
}

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

};

/// The table of an instruction set this CPU has (see availableIsas).
const KernelTable &kernelTable(Isa isa);

const KernelTable &scalarKernels();
const KernelTable &avx2Kernels();
const KernelTable &avx512Kernels();
const KernelTable &neonKernels();

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_KERNELS_H
