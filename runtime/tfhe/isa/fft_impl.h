//===- fft_impl.h - The negacyclic FFT, written once for all vector types --------------------===//
//
// Internal; included by isa/*.cpp only, after the vector type V of that file. Everything has
// internal linkage, because each file is compiled with its own machine flags. See fft/plan.h for
// the algorithm and the layout of points.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_FFT_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_FFT_IMPL_H

#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"

#define FHE_INLINE inline __attribute__((always_inline))

namespace fhe::tfhe {
namespace {

/// (u, v) -> (u + s v, u - s v). With fused operations the second output is 2u minus the first: six
/// instead of eight, at 0.11 more in log2 of the noise variance, which the fit of noise.h contains.
template <class V>
FHE_INLINE void butterfly(typename V::D &ur, typename V::D &ui, typename V::D &vr,
                          typename V::D &vi, typename V::D sr, typename V::D si) {
  auto xr = V::fnma(si, vi, V::fma(sr, vr, ur));
  auto xi = V::fma(si, vr, V::fma(sr, vi, ui));
  if constexpr (V::hasFma) {
    vr = V::twiceMinus(ur, xr);
    vi = V::twiceMinus(ui, xi);
  } else {
    auto yr = V::fma(si, vi, V::fnma(sr, vr, ur));
    vi = V::fnma(si, vr, V::fnma(sr, vi, ui));
    vr = yr;
  }
  ur = xr;
  ui = xi;
}

/// The same with i s in the place of s.
template <class V>
FHE_INLINE void butterflyI(typename V::D &ur, typename V::D &ui, typename V::D &vr,
                           typename V::D &vi, typename V::D sr, typename V::D si) {
  auto xr = V::fnma(si, vr, V::fnma(sr, vi, ur));
  auto xi = V::fnma(si, vi, V::fma(sr, vr, ui));
  if constexpr (V::hasFma) {
    vr = V::twiceMinus(ur, xr);
    vi = V::twiceMinus(ui, xi);
  } else {
    auto yr = V::fma(si, vr, V::fma(sr, vi, ur));
    vi = V::fma(si, vi, V::fnma(sr, vr, ui));
    vr = yr;
  }
  ur = xr;
  ui = xi;
}

/// (x, y) -> (x + y, (x - y) conj(s)).
template <class V>
FHE_INLINE void inverseButterfly(typename V::D &xr, typename V::D &xi, typename V::D &yr,
                                 typename V::D &yi, typename V::D sr, typename V::D si) {
  auto dr = V::sub(xr, yr), di = V::sub(xi, yi);
  xr = V::add(xr, yr);
  xi = V::add(xi, yi);
  yr = V::fma(di, si, V::mul(dr, sr));
  yi = V::fnma(dr, si, V::mul(di, sr));
}

/// The same with i s in the place of s.
template <class V>
FHE_INLINE void inverseButterflyI(typename V::D &xr, typename V::D &xi, typename V::D &yr,
                                  typename V::D &yi, typename V::D sr, typename V::D si) {
  auto dr = V::sub(xr, yr), di = V::sub(xi, yi);
  xr = V::add(xr, yr);
  xi = V::add(xi, yi);
  yr = V::fnma(dr, si, V::mul(di, sr));
  yi = V::fnms(di, si, V::mul(dr, sr));
}

/// R = 0..3 levels of the tree on 2^R points held in registers; c are the group's constants.
template <class V, int R>
FHE_INLINE void forwardLevels(typename V::D *re, typename V::D *im, const typename V::D *c) {
  if constexpr (R >= 1) {
    constexpr int h = 1 << (R - 1);
#pragma GCC unroll 8
    for (int e = 0; e < h; ++e)
      butterfly<V>(re[e], im[e], re[e + h], im[e + h], c[0], c[1]);
  }
  if constexpr (R >= 2) {
    constexpr int h = 1 << (R - 2);
#pragma GCC unroll 8
    for (int e = 0; e < h; ++e) {
      butterfly<V>(re[e], im[e], re[e + h], im[e + h], c[2], c[3]);
      butterflyI<V>(re[e + 2 * h], im[e + 2 * h], re[e + 3 * h], im[e + 3 * h], c[2], c[3]);
    }
  }
  if constexpr (R >= 3) {
    butterfly<V>(re[0], im[0], re[1], im[1], c[4], c[5]);
    butterflyI<V>(re[2], im[2], re[3], im[3], c[4], c[5]);
    butterfly<V>(re[4], im[4], re[5], im[5], c[6], c[7]);
    butterflyI<V>(re[6], im[6], re[7], im[7], c[6], c[7]);
  }
}

template <class V, int R>
FHE_INLINE void inverseLevels(typename V::D *re, typename V::D *im, const typename V::D *c) {
  if constexpr (R >= 3) {
    inverseButterfly<V>(re[0], im[0], re[1], im[1], c[4], c[5]);
    inverseButterflyI<V>(re[2], im[2], re[3], im[3], c[4], c[5]);
    inverseButterfly<V>(re[4], im[4], re[5], im[5], c[6], c[7]);
    inverseButterflyI<V>(re[6], im[6], re[7], im[7], c[6], c[7]);
  }
  if constexpr (R >= 2) {
    constexpr int h = 1 << (R - 2);
#pragma GCC unroll 8
    for (int e = 0; e < h; ++e) {
      inverseButterfly<V>(re[e], im[e], re[e + h], im[e + h], c[2], c[3]);
      inverseButterflyI<V>(re[e + 2 * h], im[e + 2 * h], re[e + 3 * h], im[e + 3 * h], c[2], c[3]);
    }
  }
  if constexpr (R >= 1) {
    constexpr int h = 1 << (R - 1);
#pragma GCC unroll 8
    for (int e = 0; e < h; ++e)
      inverseButterfly<V>(re[e], im[e], re[e + h], im[e + h], c[0], c[1]);
  }
}

template <class V, int R>
FHE_INLINE void broadcastConstants(const double *from, typename V::D *c) {
#pragma GCC unroll 8
  for (int i = 0; i < int(2 * groupConstants(R)); ++i)
    c[i] = V::broadcast(from[i]);
}

template <class V, int R> FHE_INLINE void loadConstants(const double *from, typename V::D *c) {
#pragma GCC unroll 8
  for (int i = 0; i < int(2 * groupConstants(R)); ++i)
    c[i] = V::load(from + i * V::lanes);
}

/// Points in memory: point p (a multiple of the lanes) at double 2p.
template <class V> struct Points {
  double *data;
  FHE_INLINE void load(size_t p, typename V::D &re, typename V::D &im) const {
    re = V::load(data + 2 * p);
    im = V::load(data + 2 * p + V::lanes);
  }
  FHE_INLINE void store(size_t p, typename V::D re, typename V::D im) const {
    V::store(data + 2 * p, re);
    V::store(data + 2 * p + V::lanes, im);
  }
};

/// Source of the first forward pass: signed words.
template <class V> struct SignedWords {
  const uint64_t *words;
  size_t half;
  FHE_INLINE void load(size_t p, typename V::D &re, typename V::D &im) const {
    re = V::toDouble(V::loadWords(words + p));
    im = V::toDouble(V::loadWords(words + half + p));
  }
};

/// Destination of the last inverse pass: added to torus words.
template <class V> struct AddToWords {
  uint64_t *words;
  size_t half;
  double scale;
  FHE_INLINE void store(size_t p, typename V::D re, typename V::D im) const {
    auto s = V::broadcast(scale);
    V::addWords(words + p, V::fractionToWord(V::mul(re, s)));
    V::addWords(words + half + p, V::fractionToWord(V::mul(im, s)));
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
        source.load(q + e * stride, re[e], im[e]);
      forwardLevels<V, R>(re, im, c);
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        destination.store(q + e * stride, re[e], im[e]);
    }
  }
}

/// Nodes [begin, end) of one pass.
template <class V, int R, class Destination>
void inversePass(const FftPlan &plan, const FftPlan::Pass &pass, size_t begin, size_t end,
                 double *in, Destination destination) {
  using D = typename V::D;
  const size_t size = plan.points() >> pass.depth, stride = size >> R;
  const Points<V> source{in};
  for (size_t node = begin; node < end; ++node) {
    D c[8];
    broadcastConstants<V, R>(pass.constants + node * 2 * groupConstants(R), c);
    for (size_t q = node * size; q < node * size + stride; q += V::lanes) {
      D re[1 << R], im[1 << R];
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        source.load(q + e * stride, re[e], im[e]);
      inverseLevels<V, R>(re, im, c);
#pragma GCC unroll 8
      for (int e = 0; e < 1 << R; ++e)
        destination.store(q + e * stride, re[e], im[e]);
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
                               double *in, Destination destination) {
  const FftPlan::Pass &pass = plan.passes[i];
  if (pass.log2Radix == 1)
    inversePass<V, 1>(plan, pass, begin, end, in, destination);
  else if (pass.log2Radix == 2)
    inversePass<V, 2>(plan, pass, begin, end, in, destination);
  else
    inversePass<V, 3>(plan, pass, begin, end, in, destination);
}

/// Subtrees below the first pass: the parts in which a transform is done once it fits a cache.
inline size_t subtrees(const FftPlan &plan) { return size_t(1) << plan.passes[0].log2Radix; }

/// The passes over memory of one subtree, after the first pass.
template <class V> void forwardSubtree(const FftPlan &plan, size_t subtree, double *values) {
  for (uint32_t i = 1; i < plan.passCount; ++i) {
    const size_t nodes = (size_t(1) << plan.passes[i].depth) / subtrees(plan);
    anyForwardPass<V>(plan, i, subtree * nodes, (subtree + 1) * nodes, Points<V>{values}, values);
  }
}

/// The inverse of forwardSubtree.
template <class V> void inverseSubtree(const FftPlan &plan, size_t subtree, double *values) {
  for (uint32_t i = plan.passCount; i-- > 1;) {
    const size_t nodes = (size_t(1) << plan.passes[i].depth) / subtrees(plan);
    anyInversePass<V>(plan, i, subtree * nodes, (subtree + 1) * nodes, values, Points<V>{values});
  }
}

/// The last pass of the inverse transform, added to torus words.
template <class V> void inverseToWords(const FftPlan &plan, double *values, uint64_t *words) {
  anyInversePass<V>(plan, 0, 0, 1, values, AddToWords<V>{words, plan.points(), plan.scale});
}

/// The last levels of block `b`, from memory to registers re, im [lanes].
template <class V>
FHE_INLINE void forwardBlock(const FftPlan &plan, size_t b, const double *in, typename V::D *re,
                             typename V::D *im) {
  constexpr int R = V::log2Lanes;
  typename V::D c[8];
#pragma GCC unroll 8
  for (int e = 0; e < V::lanes; ++e) {
    re[e] = V::load(in + 2 * e * V::lanes);
    im[e] = V::load(in + (2 * e + 1) * V::lanes);
  }
  broadcastConstants<V, R>(plan.blockConstants + b * 2 * groupConstants(R), c);
  forwardLevels<V, R>(re, im, c);
  V::transpose(re);
  V::transpose(im);
  loadConstants<V, R>(plan.laneConstants + b * 2 * groupConstants(R) * V::lanes, c);
  forwardLevels<V, R>(re, im, c);
}

/// The first levels of the inverse of block `b`, from registers to memory.
template <class V>
FHE_INLINE void inverseBlock(const FftPlan &plan, size_t b, typename V::D *re, typename V::D *im,
                             double *out) {
  constexpr int R = V::log2Lanes;
  typename V::D c[8];
  loadConstants<V, R>(plan.laneConstants + b * 2 * groupConstants(R) * V::lanes, c);
  inverseLevels<V, R>(re, im, c);
  V::transpose(re);
  V::transpose(im);
  broadcastConstants<V, R>(plan.blockConstants + b * 2 * groupConstants(R), c);
  inverseLevels<V, R>(re, im, c);
#pragma GCC unroll 8
  for (int e = 0; e < V::lanes; ++e) {
    V::store(out + 2 * e * V::lanes, re[e]);
    V::store(out + (2 * e + 1) * V::lanes, im[e]);
  }
}

template <class V> FHE_INLINE void storeBlock(double *out, const typename V::D *re,
                                              const typename V::D *im) {
#pragma GCC unroll 8
  for (int e = 0; e < V::lanes; ++e) {
    V::store(out + 2 * e * V::lanes, re[e]);
    V::store(out + (2 * e + 1) * V::lanes, im[e]);
  }
}

template <class V> void forwardWords(const FftPlan &plan, const uint64_t *words, double *out) {
  const size_t block = 2 * size_t(V::lanes) * V::lanes, blocks = plan.blocks() / subtrees(plan);
  anyForwardPass<V>(plan, 0, 0, 1, SignedWords<V>{words, plan.points()}, out);
  for (size_t subtree = 0; subtree < subtrees(plan); ++subtree) {
    forwardSubtree<V>(plan, subtree, out);
    for (size_t b = subtree * blocks; b < (subtree + 1) * blocks; ++b) {
      typename V::D re[V::lanes], im[V::lanes];
      forwardBlock<V>(plan, b, out + b * block, re, im);
      storeBlock<V>(out + b * block, re, im);
    }
  }
}

template <class V> void inverseAddWords(const FftPlan &plan, double *values, uint64_t *words) {
  const size_t block = 2 * size_t(V::lanes) * V::lanes, blocks = plan.blocks() / subtrees(plan);
  for (size_t subtree = 0; subtree < subtrees(plan); ++subtree) {
    for (size_t b = subtree * blocks; b < (subtree + 1) * blocks; ++b) {
      typename V::D re[V::lanes], im[V::lanes];
#pragma GCC unroll 8
      for (int e = 0; e < V::lanes; ++e) {
        re[e] = V::load(values + b * block + 2 * e * V::lanes);
        im[e] = V::load(values + b * block + (2 * e + 1) * V::lanes);
      }
      inverseBlock<V>(plan, b, re, im, values + b * block);
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
