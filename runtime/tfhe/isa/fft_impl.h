//===- fft_impl.h - The negacyclic FFT, written once for all vector types --------------------===//
//
// Internal; included by isa/*.cpp only, after the vector type V of that file. Everything has
// internal linkage, because each file is compiled with its own machine flags. See fft/plan.h for
// the algorithm and the layout of points.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_FFT_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_FFT_IMPL_H

#include "runtime/tfhe/fft/chains.h"
#include "runtime/tfhe/isa/butterflies_impl.h"

namespace fhe::tfhe {
namespace {

/// Points in memory: point p (a multiple of the lanes) at double 2p. Passes read and write point q
/// of chain e, `stride` points a chain; the chains of a first pass may have gaps between them.
template <class V> struct Points {
  double *data;
  size_t gap = 0; ///< Doubles.
  FHE_INLINE double *at(size_t q, size_t e, size_t stride) const {
    return data + 2 * (q + e * stride) + e * gap;
  }
  FHE_INLINE void load(size_t q, size_t e, size_t stride, typename V::D &re,
                       typename V::D &im) const {
    const double *from = at(q, e, stride);
    re = V::load(from);
    im = V::load(from + V::lanes);
  }
  FHE_INLINE void store(size_t q, size_t e, size_t stride, typename V::D re,
                        typename V::D im) const {
    double *to = at(q, e, stride);
    V::store(to, re);
    V::store(to + V::lanes, im);
  }
};

/// Source of the first forward pass: signed words.
template <class V> struct SignedWords {
  const uint64_t *words;
  size_t half;
  FHE_INLINE void load(size_t q, size_t e, size_t stride, typename V::D &re,
                       typename V::D &im) const {
    const uint64_t *from = words + q + e * stride;
    re = V::toDouble(V::loadWords(from));
    im = V::toDouble(V::loadWords(from + half));
  }
};

/// Destination of the last inverse pass: scaled and untwisted, reduced and added to torus words.
template <class V> struct AddToWords {
  uint64_t *words;
  size_t half; ///< Words from the real to the imaginary parts, gaps included.
  const double *untwist;
  size_t gap = 0; ///< Words between chains.
  FHE_INLINE void store(size_t q, size_t e, size_t stride, typename V::D re,
                        typename V::D im) const {
    // (re + i im) cos (1 - i tan): the product with the cosine is part of the rounding.
    const double *factors = untwist + 2 * (q + e * stride);
    auto cosine = V::load(factors), tangent = V::load(factors + V::lanes);
    uint64_t *to = words + q + e * (stride + gap);
    V::addWords(to, V::productToWord(V::fma(im, tangent, re), cosine));
    V::addWords(to + half, V::productToWord(V::fnma(re, tangent, im), cosine));
  }
};

/// Nodes [begin, end) of one pass.
template <class V, int R, class Source>
void forwardPass(const FftPlan &plan, const FftPlan::Pass &pass, size_t begin, size_t end,
                 Source source, double *out) {
  using D = typename V::D;
  const size_t size = plan.points() >> pass.depth, stride = size >> R;
  const Points<V> destination{out};
  for (size_t node = begin; node < end; ++node) {
    D c[8];
    broadcastConstants<V, R>(pass.constants + node * 2 * groupConstants(R), c);
    for (size_t q = node * size; q < node * size + stride; q += V::lanes) {
      D re[1 << R], im[1 << R];
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        source.load(q, e, stride, re[e], im[e]);
      forwardLevels<V, R>(re, im, c);
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        destination.store(q, e, stride, re[e], im[e]);
    }
  }
}

/// Nodes [begin, end) of one pass.
template <class V, int R, class Destination>
void inversePass(const FftPlan &plan, const FftPlan::Pass &pass, size_t begin, size_t end,
                 Points<V> source, Destination destination) {
  using D = typename V::D;
  const size_t size = plan.points() >> pass.depth, stride = size >> R;
  for (size_t node = begin; node < end; ++node) {
    const double *constants = pass.inverseConstants;
    for (size_t q = node * size; q < node * size + stride; q += V::lanes) {
      D re[1 << R], im[1 << R], c[8];
      loadConstants<V, R>(constants, c);
      constants += 2 * groupConstants(R) * V::lanes;
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        source.load(q, e, stride, re[e], im[e]);
      inverseLevels<V, R>(re, im, c);
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        destination.store(q, e, stride, re[e], im[e]);
    }
  }
}

template <class V, class Source>
FHE_INLINE void anyForwardPass(const FftPlan &plan, uint32_t i, size_t begin, size_t end,
                               Source source, double *out) {
  const FftPlan::Pass &pass = plan.passes[i];
  if (pass.log2Radix == 1)
    forwardPass<V, 1>(plan, pass, begin, end, source, out);
  else if (pass.log2Radix == 2)
    forwardPass<V, 2>(plan, pass, begin, end, source, out);
  else
    forwardPass<V, 3>(plan, pass, begin, end, source, out);
}

template <class V, class Destination>
FHE_INLINE void anyInversePass(const FftPlan &plan, uint32_t i, size_t begin, size_t end,
                               Points<V> source, Destination destination) {
  const FftPlan::Pass &pass = plan.passes[i];
  if (pass.log2Radix == 1)
    inversePass<V, 1>(plan, pass, begin, end, source, destination);
  else if (pass.log2Radix == 2)
    inversePass<V, 2>(plan, pass, begin, end, source, destination);
  else
    inversePass<V, 3>(plan, pass, begin, end, source, destination);
}

/// A block of lanes^2 points in registers.
template <class V>
FHE_INLINE void loadBlock(const double *in, typename V::D *re, typename V::D *im) {
#pragma GCC unroll 8
  for (int e = 0; e < V::lanes; ++e) {
    re[e] = V::load(in + 2 * e * V::lanes);
    im[e] = V::load(in + (2 * e + 1) * V::lanes);
  }
}

template <class V>
FHE_INLINE void storeBlock(double *out, const typename V::D *re, const typename V::D *im) {
#pragma GCC unroll 8
  for (int e = 0; e < V::lanes; ++e) {
    V::store(out + 2 * e * V::lanes, re[e]);
    V::store(out + (2 * e + 1) * V::lanes, im[e]);
  }
}

/// The last levels of blocks [begin, end) across vectors, and the first part of the transposition.
/// Its second part belongs to the next loop: with all shuffles in one loop the processor's window
/// fills with instructions that wait for them (measured: 245 against 200 vector operations' time).
template <class V>
FHE_INLINE void forwardBlocks(const FftPlan &plan, size_t begin, size_t end, double *values) {
  constexpr int R = V::log2Lanes;
  if constexpr (R > 0)
    for (size_t b = begin; b < end; ++b) {
      typename V::D re[V::lanes], im[V::lanes], c[8];
      double *block = values + b * 2 * V::lanes * V::lanes;
      loadBlock<V>(block, re, im);
      broadcastConstants<V, R>(plan.blockConstants + b * 2 * groupConstants(R), c);
      forwardLevels<V, R>(re, im, c);
      V::transposeFirst(re);
      V::transposeFirst(im);
      storeBlock<V>(block, re, im);
    }
}

/// The way back of forwardBlocks.
template <class V>
FHE_INLINE void inverseBlocks(const FftPlan &plan, size_t begin, size_t end, double *values) {
  constexpr int R = V::log2Lanes;
  if constexpr (R > 0)
    for (size_t b = begin; b < end; ++b) {
      typename V::D re[V::lanes], im[V::lanes], c[8];
      double *block = values + b * 2 * V::lanes * V::lanes;
      loadBlock<V>(block, re, im);
      V::transposeRest(re);
      V::transposeRest(im);
      loadConstants<V, R>(plan.inverseConstants, c);
      inverseLevels<V, R>(re, im, c);
      storeBlock<V>(block, re, im);
    }
}

/// The passes over memory of one subtree, between the first pass and the leaves.
template <class V> void forwardSubtree(const FftPlan &plan, size_t subtree, double *values) {
  for (uint32_t i = 1; i < plan.passCount; ++i) {
    const size_t nodes = (size_t(1) << plan.passes[i].depth) / subtrees(plan);
    anyForwardPass<V>(plan, i, subtree * nodes, (subtree + 1) * nodes, Points<V>{values}, values);
  }
  const size_t blocks = plan.blocks() / subtrees(plan);
  forwardBlocks<V>(plan, subtree * blocks, (subtree + 1) * blocks, values);
}

/// The inverse of forwardSubtree.
template <class V> void inverseSubtree(const FftPlan &plan, size_t subtree, double *values) {
  const size_t blocks = plan.blocks() / subtrees(plan);
  inverseBlocks<V>(plan, subtree * blocks, (subtree + 1) * blocks, values);
  for (uint32_t i = plan.passCount; i-- > 1;) {
    const size_t nodes = (size_t(1) << plan.passes[i].depth) / subtrees(plan);
    anyInversePass<V>(plan, i, subtree * nodes, (subtree + 1) * nodes, Points<V>{values},
                      Points<V>{values});
  }
}

/// The last pass of the inverse transform, added to torus words.
template <class V> void inverseToWords(const FftPlan &plan, double *values, uint64_t *words) {
  anyInversePass<V>(plan, 0, 0, 1, Points<V>{values},
                    AddToWords<V>{words, plan.points(), plan.untwist});
}

/// The same for a transform and words with gaps.
template <class V> void inverseToSpreadWords(const FftPlan &plan, double *values, uint64_t *words) {
  anyInversePass<V>(plan, 0, 0, 1, Points<V>{values, pointGap(plan)},
                    AddToWords<V>{words, spreadWords(plan) / 2, plan.untwist, wordGap(plan)});
  fillGaps(plan, words);
}

/// The last levels of block `b`, across lanes, from memory to registers re, im [lanes].
template <class V>
FHE_INLINE void forwardLeaves(const FftPlan &plan, size_t b, const double *in, typename V::D *re,
                              typename V::D *im) {
  constexpr int R = V::log2Lanes;
  typename V::D c[8];
  loadBlock<V>(in, re, im);
  V::transposeRest(re);
  V::transposeRest(im);
  loadConstants<V, R>(plan.laneConstants + b * 2 * groupConstants(R) * V::lanes, c);
  forwardLevels<V, R>(re, im, c);
}

/// The first levels of the inverse of a block, from registers to memory.
template <class V>
FHE_INLINE void inverseLeaves(typename V::D *re, typename V::D *im, double *out) {
  inverseLeafLevels<V, V::log2Lanes>(re, im);
  V::transposeFirst(re);
  V::transposeFirst(im);
  storeBlock<V>(out, re, im);
}

template <class V> void forwardWords(const FftPlan &plan, const uint64_t *words, double *out) {
  const size_t block = 2 * size_t(V::lanes) * V::lanes, blocks = plan.blocks() / subtrees(plan);
  anyForwardPass<V>(plan, 0, 0, 1, SignedWords<V>{words, plan.points()}, out);
  for (size_t subtree = 0; subtree < subtrees(plan); ++subtree) {
    forwardSubtree<V>(plan, subtree, out);
    for (size_t b = subtree * blocks; b < (subtree + 1) * blocks; ++b) {
      typename V::D re[V::lanes], im[V::lanes];
      forwardLeaves<V>(plan, b, out + b * block, re, im);
      storeBlock<V>(out + b * block, re, im);
    }
  }
}

template <class V> void inverseAddWords(const FftPlan &plan, double *values, uint64_t *words) {
  const size_t block = 2 * size_t(V::lanes) * V::lanes, blocks = plan.blocks() / subtrees(plan);
  for (size_t subtree = 0; subtree < subtrees(plan); ++subtree) {
    for (size_t b = subtree * blocks; b < (subtree + 1) * blocks; ++b) {
      typename V::D re[V::lanes], im[V::lanes];
      loadBlock<V>(values + b * block, re, im);
      inverseLeaves<V>(re, im, values + b * block);
    }
    inverseSubtree<V>(plan, subtree, values);
  }
  inverseToWords<V>(plan, values, words);
}

template <class V>
void multiplyPoints(const FftPlan &plan, const double *a, const double *b, double *out) {
  for (size_t i = 0; i < plan.polynomialSize(); i += 2 * V::lanes) {
    auto ar = V::load(a + i), ai = V::load(a + i + V::lanes);
    auto br = V::load(b + i), bi = V::load(b + i + V::lanes);
    V::store(out + i, V::fnma(ai, bi, V::mul(ar, br)));
    V::store(out + i + V::lanes, V::fma(ai, br, V::mul(ar, bi)));
  }
}

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_FFT_IMPL_H
