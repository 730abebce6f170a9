//===- butterflies_impl.h - Radix 2 to 8 in registers, written once for all vector types ------===//
//
// Internal; included by isa/*.cpp only. One butterfly serves both transforms: (u + s v, u - s v),
// with s, i s or -i s, in six fused operations. The forward transform multiplies by constants of
// the node, the same for all of its points (fft/plan.h); the inverse by constants of the position
// inside the node, the same for all nodes, because it works on polynomials whose variable is scaled
// by a root of the node's constant. So neither has the eight operations of (x + y, (x - y) s).
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_BUTTERFLIES_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_BUTTERFLIES_IMPL_H

#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"

#define FHE_INLINE inline __attribute__((always_inline))

namespace fhe::tfhe {
namespace {

/// (u, v) -> (u + w v, u - w v) for w = i^turn, turn 0 or -1: additions only.
template <class V, int turn>
FHE_INLINE void plainButterfly(typename V::D &ur, typename V::D &ui, typename V::D &vr,
                               typename V::D &vi) {
  auto pr = vr, pi = vi; // w v = (pr, pi) or (pi, -pr).
  if constexpr (turn == 0) {
    vr = V::sub(ur, pr), vi = V::sub(ui, pi);
    ur = V::add(ur, pr), ui = V::add(ui, pi);
  } else {
    static_assert(turn == -1);
    vr = V::sub(ur, pi), vi = V::add(ui, pr);
    ur = V::add(ur, pi), ui = V::sub(ui, pr);
  }
}

/// (u, v) -> (u + w v, u - w v) for w = i^turn s. The second output is 2u minus the first: six
/// fused operations instead of eight, at 0.11 more in log2 of the noise variance, which the fit of
/// noise.h contains.
template <class V, int turn>
FHE_INLINE void butterfly(typename V::D &ur, typename V::D &ui, typename V::D &vr,
                          typename V::D &vi, typename V::D sr, typename V::D si) {
  typename V::D xr, xi;
  if constexpr (turn == 0) {
    xr = V::fnma(si, vi, V::fma(sr, vr, ur));
    xi = V::fma(si, vr, V::fma(sr, vi, ui));
  } else if constexpr (turn == 1) {
    xr = V::fnma(si, vr, V::fnma(sr, vi, ur));
    xi = V::fnma(si, vi, V::fma(sr, vr, ui));
  } else {
    xr = V::fma(si, vr, V::fma(sr, vi, ur));
    xi = V::fma(si, vi, V::fnma(sr, vr, ui));
  }
  vr = V::twiceMinus(ur, xr);
  vi = V::twiceMinus(ui, xi);
  ur = xr;
  ui = xi;
}

/// The same for s = sqrt(1/2) (1 - i): one addition less deep than with general constants.
template <class V, int turn>
FHE_INLINE void eighthButterfly(typename V::D &ur, typename V::D &ui, typename V::D &vr,
                                typename V::D &vi) {
  const auto h = V::broadcast(0.70710678118654752440);
  auto pr = V::add(vr, vi), pi = V::sub(vi, vr);
  if constexpr (turn == 0) {
    vr = V::fnma(h, pr, ur), vi = V::fnma(h, pi, ui);
    ur = V::fma(h, pr, ur), ui = V::fma(h, pi, ui);
  } else {
    static_assert(turn == -1);
    vr = V::fnma(h, pi, ur), vi = V::fma(h, pr, ui);
    ur = V::fma(h, pi, ur), ui = V::fnma(h, pr, ui);
  }
}

/// R = 0..3 levels of the tree on 2^R points held in registers; c are the group's constants.
template <class V, int R>
FHE_INLINE void forwardLevels(typename V::D *re, typename V::D *im, const typename V::D *c) {
  if constexpr (R >= 1) {
    constexpr int h = 1 << (R - 1);
#pragma GCC unroll 8
    for (int e = 0; e < h; ++e)
      butterfly<V, 0>(re[e], im[e], re[e + h], im[e + h], c[0], c[1]);
  }
  if constexpr (R >= 2) {
    constexpr int h = 1 << (R - 2);
#pragma GCC unroll 8
    for (int e = 0; e < h; ++e) {
      butterfly<V, 0>(re[e], im[e], re[e + h], im[e + h], c[2], c[3]);
      butterfly<V, 1>(re[e + 2 * h], im[e + 2 * h], re[e + 3 * h], im[e + 3 * h], c[2], c[3]);
    }
  }
  if constexpr (R >= 3) {
    butterfly<V, 0>(re[0], im[0], re[1], im[1], c[4], c[5]);
    butterfly<V, 1>(re[2], im[2], re[3], im[3], c[4], c[5]);
    butterfly<V, 0>(re[4], im[4], re[5], im[5], c[6], c[7]);
    butterfly<V, 1>(re[6], im[6], re[7], im[7], c[6], c[7]);
  }
}

/// The way back; c are the constants of the position.
template <class V, int R>
FHE_INLINE void inverseLevels(typename V::D *re, typename V::D *im, const typename V::D *c) {
  if constexpr (R >= 1) {
#pragma GCC unroll 8
    for (int e = 0; e < 1 << R; e += 2)
      butterfly<V, 0>(re[e], im[e], re[e + 1], im[e + 1], c[0], c[1]);
  }
  if constexpr (R >= 2) {
#pragma GCC unroll 8
    for (int e = 0; e < 1 << R; e += 4) {
      butterfly<V, 0>(re[e], im[e], re[e + 2], im[e + 2], c[2], c[3]);
      butterfly<V, -1>(re[e + 1], im[e + 1], re[e + 3], im[e + 3], c[2], c[3]);
    }
  }
  if constexpr (R >= 3) {
    butterfly<V, 0>(re[0], im[0], re[4], im[4], c[4], c[5]);
    butterfly<V, -1>(re[2], im[2], re[6], im[6], c[4], c[5]);
    butterfly<V, 0>(re[1], im[1], re[5], im[5], c[6], c[7]);
    butterfly<V, -1>(re[3], im[3], re[7], im[7], c[6], c[7]);
  }
}

/// The first R levels of the way back: at position 0 of single points the constants are 1 and
/// e^(-i pi/4).
template <class V, int R> FHE_INLINE void inverseLeafLevels(typename V::D *re, typename V::D *im) {
  if constexpr (R >= 1) {
#pragma GCC unroll 8
    for (int e = 0; e < 1 << R; e += 2)
      plainButterfly<V, 0>(re[e], im[e], re[e + 1], im[e + 1]);
  }
  if constexpr (R >= 2) {
#pragma GCC unroll 8
    for (int e = 0; e < 1 << R; e += 4) {
      plainButterfly<V, 0>(re[e], im[e], re[e + 2], im[e + 2]);
      plainButterfly<V, -1>(re[e + 1], im[e + 1], re[e + 3], im[e + 3]);
    }
  }
  if constexpr (R >= 3) {
    plainButterfly<V, 0>(re[0], im[0], re[4], im[4]);
    plainButterfly<V, -1>(re[2], im[2], re[6], im[6]);
    eighthButterfly<V, 0>(re[1], im[1], re[5], im[5]);
    eighthButterfly<V, -1>(re[3], im[3], re[7], im[7]);
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

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_BUTTERFLIES_IMPL_H
