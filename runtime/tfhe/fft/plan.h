//===- plan.h - Constants of the negacyclic FFT ----------------------------------------------===//
//
// Internal. A real polynomial a of N coefficients modulo X^N + 1 is folded to M = N/2 complex
// points a_j + i a_{j+M} modulo X^M - i. The transform walks the binary tree of quotients
//   C[X]/(X^m - c)  ->  C[X]/(X^{m/2} - s) x C[X]/(X^{m/2} + s),   s^2 = c,
// from the root c = i to linear factors: one butterfly (u + s v, u - s v) and one constant s per
// node, no separate twist, no bit reversal (the order of the leaves never matters, products are
// pointwise). (Bernstein, "Multidigit multiplication for mathematicians", 2001, describes the
// tree.)
//
// The inverse walks back on scaled variables: with X = t Y, t^m = c, a node is C[Y]/(Y^m - 1),
// whose coefficient j is t^j times that of X^j. With the same t for a node and its left child, and
// e^(2 pi i/m) times it for the right one, the halves a, b combine to a_j + w b_j and a_j - w b_j,
// w = e^(-2 pi i j/m): the multiplication comes before the additions again, where fused operations
// take it in, and the first three levels have trivial constants. At the root t = e^(2 pi i/4M) is
// left: the last pass multiplies by t^-j / M.
//
// Points are stored in vectors of L lanes: L real parts, then L imaginary parts. The tree's first
// levels are passes of radix up to 2^maxLog2Radix over memory; its last 2 log2(L) levels run inside
// blocks of L^2 points: log2(L) levels across vectors, an L x L transposition, log2(L) levels
// across vectors again with one node per lane.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_FFT_PLAN_H
#define FHE_RUNTIME_TFHE_FFT_PLAN_H

#include "runtime/tfhe/buffer.h"
#include "runtime/tfhe/isa/isa.h"

#include <cstdint>

namespace fhe::tfhe {

/// Constants of one group of r levels below a node: s of the node, of its left child, of its left
/// left grandchild and of its right child's left child; the others are i times one of these.
/// So 2^(r-1) complex constants (re, im); the inverse has as many a position.
constexpr uint32_t groupConstants(uint32_t levels) { return levels == 0 ? 0 : 1u << (levels - 1); }

struct FftPlan {
  struct Pass {
    uint32_t depth;          ///< Of the nodes it starts at.
    uint32_t log2Radix;      ///< Levels it does.
    const double *constants; ///< [2^depth nodes][groupConstants][re, im].
    const double *inverseConstants; ///< [positions / lanes][groupConstants][re lanes, im lanes].
  };

  Isa isa;
  uint32_t log2N, log2Lanes;
  uint32_t passCount = 0;
  Pass passes[16];
  const double *blockConstants; ///< [blocks][groupConstants][re, im].
  const double *laneConstants;  ///< [blocks][groupConstants][re lanes, im lanes].
  const double *inverseConstants; ///< [groupConstants][re lanes, im lanes], the same in all blocks.
  /// t^-j / M = a (1 - i b), a the scaled cosine, b the tangent: [M / lanes][a lanes, b lanes].
  const double *untwist;
  AlignedBuffer<double> storage;

  uint32_t polynomialSize() const { return uint32_t(1) << log2N; }
  uint32_t points() const { return uint32_t(1) << (log2N - 1); }
  uint32_t blockPoints() const { return uint32_t(1) << (2 * log2Lanes); }
  uint32_t blocks() const { return points() >> (2 * log2Lanes); }
};

/// The plan of a size and instruction set, made at the first call and kept for the life of the
/// process (a plan of size N holds about 2 N doubles). Thread-safe. log2N within the bounds of
/// parameters.h.
const FftPlan &fftPlan(Isa isa, uint32_t log2N);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_FFT_PLAN_H
