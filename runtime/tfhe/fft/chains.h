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

/// The most there is between chains. Doubles between chains of points: seven cache lines, of which a
/// chain takes two at a time (measured: other odd numbers from three on are as good). Words between
/// chains of words: one cache line, as much as a chain takes at a time; no vector is longer.
constexpr size_t mostPointGap = 56, mostWordGap = 8;
constexpr size_t leastSizeWithGaps = 4096;

/// Smaller polynomials have no gaps: their chains share few sets, and gaps cost more than they save
/// (measured).
inline bool hasGaps(const FftPlan &plan) { return plan.polynomialSize() >= leastSizeWithGaps; }
inline size_t pointGap(const FftPlan &plan) { return hasGaps(plan) ? mostPointGap : 0; }
inline size_t wordGap(const FftPlan &plan) { return hasGaps(plan) ? mostWordGap : 0; }

/// Subtrees below the first pass, each a chain of it: the parts in which a transform is done once
/// it fits a cache.
inline size_t subtrees(const FftPlan &plan) { return size_t(1) << plan.passes[0].log2Radix; }

/// Doubles of a transform with gaps; two lines more set apart the rows of an element.
inline size_t spreadDoubles(const FftPlan &plan) {
  return plan.polynomialSize() + (hasGaps(plan) ? subtrees(plan) * mostPointGap + 16 : 0);
}

/// Words of a polynomial with gaps.
inline size_t spreadWords(const FftPlan &plan) {
  return plan.polynomialSize() + 2 * subtrees(plan) * wordGap(plan);
}

/// The most that either can be for polynomials of `size` words.
constexpr size_t mostSpreadDoubles(size_t size) {
  return size < leastSizeWithGaps ? size : size + 8 * mostPointGap + 16;
}
constexpr size_t mostSpreadWords(size_t size) {
  return size < leastSizeWithGaps ? size : size + 16 * mostWordGap;
}

/// Repeats in each gap of a polynomial the words that follow it. The last gap is never read.
inline void fillGaps(const FftPlan &plan, uint64_t *spread) {
  if (!hasGaps(plan))
    return;
  const size_t chains = 2 * subtrees(plan), step = plan.polynomialSize() / chains + mostWordGap;
  for (size_t e = 1; e < chains; ++e)
    std::memcpy(spread + e * step - mostWordGap, spread + e * step,
                mostWordGap * sizeof(uint64_t));
}

/// Copies a polynomial of N words to one with gaps, and back.
inline void spread(const FftPlan &plan, const uint64_t *words, uint64_t *to) {
  const size_t chains = 2 * subtrees(plan), length = plan.polynomialSize() / chains;
  for (size_t e = 0; e < chains; ++e)
    std::memcpy(to + e * (length + wordGap(plan)), words + e * length, length * sizeof(uint64_t));
  fillGaps(plan, to);
}
inline void gather(const FftPlan &plan, const uint64_t *from, uint64_t *words) {
  const size_t chains = 2 * subtrees(plan), length = plan.polynomialSize() / chains;
  for (size_t e = 0; e < chains; ++e)
    std::memcpy(words + e * length, from + e * (length + wordGap(plan)), length * sizeof(uint64_t));
}

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_FFT_CHAINS_H
