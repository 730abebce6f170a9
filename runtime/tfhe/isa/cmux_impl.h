//===- cmux_impl.h - The CMUX, written once for all vector types -----------------------------===//
//
// Internal; included by isa/*.cpp only. accumulator += GGSW x (X^rotation - 1) accumulator in three
// stages: (A) for each mask polynomial and the body, rotate and subtract, and for each level take
// the digits and run the forward passes over memory; (B) for each block of points, which fits the
// first-level cache: last forward levels of every row, products with the key, first inverse levels;
// (C) the inverse passes over memory, the last of which reduces modulo 2^64 and adds.
// Nothing here depends on other ciphertexts, so results cannot depend on how a batch is split.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_CMUX_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_CMUX_IMPL_H

#include "runtime/tfhe/isa/fft_impl.h"

namespace fhe::tfhe {
namespace {

/// out[i] = sign * from[i] - minus[i] + offset for i in [0, count); Negative: sign = -1.
/// `out` must not overlap the others, because the last vector may redo part of the one before.
template <class V, bool Negative>
FHE_INLINE void subtractRun(const uint64_t *from, const uint64_t *minus, uint64_t offset,
                            size_t count, uint64_t *out) {
  auto one = [&](size_t i) {
    out[i] = offset - minus[i] + (Negative ? 0 - from[i] : from[i]);
  };
  if (count < size_t(V::lanes)) {
    for (size_t i = 0; i < count; ++i)
      one(i);
    return;
  }
  auto o = V::broadcastWord(offset);
  auto vector = [&](size_t i) {
    auto rest = V::subWords(o, V::loadWords(minus + i));
    auto f = V::loadWords(from + i);
    V::storeWords(out + i, Negative ? V::subWords(rest, f) : V::addWordsTo(rest, f));
  };
  size_t i = 0;
  for (; i + V::lanes <= count; i += V::lanes)
    vector(i);
  if (i < count)
    vector(count - V::lanes);
}

/// out = (X^rotation - 1) polynomial + offset, modulo X^N + 1.
template <class V>
void rotateMinusOne(const uint64_t *polynomial, size_t size, uint32_t rotation, uint64_t offset,
                    uint64_t *out) {
  size_t r = rotation & (size - 1);
  if (rotation < size) {
    subtractRun<V, true>(polynomial + size - r, polynomial, offset, r, out);
    subtractRun<V, false>(polynomial, polynomial + r, offset, size - r, out + r);
  } else {
    subtractRun<V, false>(polynomial + size - r, polynomial, offset, r, out);
    subtractRun<V, true>(polynomial, polynomial + r, offset, size - r, out + r);
  }
}

/// Makes plain bit fields of the words their balanced digits plus B/2: rounds to the bits that are
/// kept and adds B/2 at every digit, so that the borrow of signed digits happens in this addition.
FHE_INLINE uint64_t decompositionOffset(uint32_t baseLog, uint32_t levels) {
  unsigned kept = baseLog * levels;
  uint64_t offset = kept < 64 ? uint64_t(1) << (63 - kept) : 0;
  for (uint32_t level = 1; level <= levels; ++level)
    offset += uint64_t(1) << (64 - baseLog * level + baseLog - 1);
  return offset;
}

/// Stage B for one block: rows hold the block's points of every row, [rows][polynomial]; columns go
/// where the first k+1 rows were.
template <class V>
FHE_INLINE void blockProduct(const CmuxArguments &a, size_t b, const double *key, double *rows,
                             double *local) {
  using D = typename V::D;
  const FftPlan &plan = *a.plan;
  constexpr size_t block = 2 * size_t(V::lanes) * V::lanes;
  const size_t rowCount = size_t(a.levels) * (a.k + 1), columns = a.k + 1;
  const size_t polynomial = plan.polynomialSize();
  for (size_t row = 0; row < rowCount; ++row) {
    D re[V::lanes], im[V::lanes];
    forwardBlock<V>(plan, b, rows + row * polynomial + b * block, re, im);
    storeBlock<V>(local + row * block, re, im);
  }
  for (size_t column = 0; column < columns; ++column) {
    D re[V::lanes], im[V::lanes];
    const double *digits = local, *with = key + column * block;
#pragma GCC unroll 8
    for (int e = 0; e < V::lanes; ++e)
      re[e] = im[e] = V::broadcast(0.0);
    for (size_t row = 0; row < rowCount; ++row, digits += block, with += columns * block) {
#pragma GCC unroll 8
      for (int e = 0; e < V::lanes; ++e) {
        D dr = V::load(digits + 2 * e * V::lanes), di = V::load(digits + (2 * e + 1) * V::lanes);
        D kr = V::load(with + 2 * e * V::lanes), ki = V::load(with + (2 * e + 1) * V::lanes);
        re[e] = V::fnma(di, ki, V::fma(dr, kr, re[e]));
        im[e] = V::fma(di, kr, V::fma(dr, ki, im[e]));
      }
    }
    inverseBlock<V>(plan, b, re, im, rows + column * polynomial + b * block);
  }
}

template <class V> void cmuxKernel(const CmuxArguments &a) {
  const FftPlan &plan = *a.plan;
  const size_t size = plan.polynomialSize();
  constexpr size_t block = 2 * size_t(V::lanes) * V::lanes;
  const size_t rowCount = size_t(a.levels) * (a.k + 1);
  uint64_t *difference = reinterpret_cast<uint64_t *>(a.work);
  double *rows = a.work + size, *local = rows + rowCount * size;
  const uint64_t offset = decompositionOffset(a.baseLog, a.levels);
  const uint64_t mask = (uint64_t(1) << a.baseLog) - 1;
  const double bias = 0x1p52 + double(uint64_t(1) << (a.baseLog - 1));

  for (uint32_t j = 0; j <= a.k; ++j) {
    rotateMinusOne<V>(a.accumulator + j * size, size, a.rotation, offset, difference);
    for (uint32_t level = 0; level < a.levels; ++level) {
      unsigned shift = 64 - a.baseLog * (level + 1);
      forwardPasses<V>(plan, Digits<V>{difference, size / 2, shift, mask, bias},
                       rows + (size_t(level) * (a.k + 1) + j) * size);
    }
  }

  const size_t blocks = plan.blocks(), keyBlock = rowCount * (a.k + 1) * block;
  const size_t fetch = a.prefetch ? (a.prefetchBytes / blocks + 63) / 64 * 64 : 0;
  for (size_t b = 0; b < blocks; ++b) {
    size_t end = (b + 1) * fetch < a.prefetchBytes ? (b + 1) * fetch : a.prefetchBytes;
    for (size_t byte = b * fetch; byte < end && fetch; byte += 64)
      __builtin_prefetch(a.prefetch + byte, 0, 2);
    blockProduct<V>(a, b, a.key + b * keyBlock, rows, local);
  }

  for (uint32_t column = 0; column <= a.k; ++column)
    inversePasses<V>(plan, rows + column * size, a.accumulator + column * size);
}

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_CMUX_IMPL_H
