//===- chains.h - Where a blind rotation keeps its polynomials -------------------------------===//
//
// Internal. The first pass of a transform of radix R reads N/2 points in R chains at a time, and 2R
// chains of words. Consecutive chains would begin a power of two apart: in the same set of the
// first-level cache, which has fewer places in a set than there are chains. So polynomials of a
// blind rotation have gaps between their chains. A gap of words repeats the words that follow it,
// so that a vector may begin in one chain and end in the next.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_FFT_CHAINS_H
#define FHE_RUNTIME_TFHE_FFT_CHAINS_H

#include "runtime/tfhe/fft/plan.h"

#include <cstring>

namespace fhe::tfhe {

/// Doubles between chains of points: seven cache lines, a chain takes two at a time. Measured: any
/// odd number from three on is as good.
constexpr size_t pointGap = 56;
/// Words between chains of words: one cache line, as much as a chain takes at a time; no vector is
/// longer.
constexpr size_t wordGap = 8;

/// Subtrees below the first pass, each a chain of it: the parts in which a transform is done once
/// it fits a cache.
inline size_t subtrees(const FftPlan &plan) { return size_t(1) << plan.passes[0].log2Radix; }

/// Doubles of a transform with gaps; two lines more set apart the rows of an element.
inline size_t spreadDoubles(const FftPlan &plan) {
  return plan.polynomialSize() + subtrees(plan) * pointGap + 16;
}

/// Words of a polynomial with gaps.
inline size_t spreadWords(const FftPlan &plan) {
  return plan.polynomialSize() + 2 * subtrees(plan) * wordGap;
}

/// The most that either can be for polynomials of `size` words.
constexpr size_t mostSpreadDoubles(size_t size) { return size + 8 * pointGap + 16; }
constexpr size_t mostSpreadWords(size_t size) { return size + 16 * wordGap; }

/// Repeats in each gap of a polynomial the words that follow it. The last gap is never read.
inline void fillGaps(const FftPlan &plan, uint64_t *spread) {
  const size_t chains = 2 * subtrees(plan), step = plan.polynomialSize() / chains + wordGap;
  for (size_t e = 1; e < chains; ++e)
    std::memcpy(spread + e * step - wordGap, spread + e * step, wordGap * sizeof(uint64_t));
}

/// Copies a polynomial of N words to one with gaps, and back.
inline void spread(const FftPlan &plan, const uint64_t *words, uint64_t *to) {
  const size_t chains = 2 * subtrees(plan), length = plan.polynomialSize() / chains;
  for (size_t e = 0; e < chains; ++e)
    std::memcpy(to + e * (length + wordGap), words + e * length, length * sizeof(uint64_t));
  fillGaps(plan, to);
}
inline void gather(const FftPlan &plan, const uint64_t *from, uint64_t *words) {
  const size_t chains = 2 * subtrees(plan), length = plan.polynomialSize() / chains;
  for (size_t e = 0; e < chains; ++e)
    std::memcpy(words + e * length, from + e * (length + wordGap), length * sizeof(uint64_t));
}

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_FFT_CHAINS_H
