//===- cmux_impl.h - The CMUX, written once for all vector types -----------------------------===//
//
// Internal; included by isa/*.cpp only. accumulator += GGSW x (X^rotation - 1) accumulator, for a
// group of ciphertexts, in three stages: (A) for each mask polynomial and the body, rotate,
// subtract, take the digits of each level and do the first pass of their transforms, all in
// registers; (B) for each subtree below, whose rows fit the first-level cache: the other forward
// levels of every row, products with the key, and the inverse levels up to the subtree's root; (C)
// the last inverse pass, which reduces modulo 2^64 and adds.
//
// What limits a CMUX beside arithmetic is lines moved between the caches. So stage C of one step
// and A of the next go polynomial by polynomial: A finds there what C has just written, and writes
// where C has just read. And stage B takes all ciphertexts of the group through one subtree before
// the next: the subtree's part of the key (1/4 or 1/8 of an element) stays near. Nothing depends on
// the other ciphertexts, so results cannot depend on how a batch is split.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_CMUX_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_CMUX_IMPL_H

#include "runtime/tfhe/isa/fft_impl.h"

namespace fhe::tfhe {
namespace {

/// Makes plain bit fields of the words their balanced digits plus B/2: rounds to the bits that are
/// kept and adds B/2 at every digit, so that the borrow of signed digits happens in this addition.
/// Where words convert in one instruction the first digit is already signed, as the word is.
template <class V> FHE_INLINE uint64_t decompositionOffset(uint32_t baseLog, uint32_t levels) {
  unsigned kept = baseLog * levels;
  uint64_t offset = kept < 64 ? uint64_t(1) << (63 - kept) : 0;
  for (uint32_t level = V::convertsWords ? 2 : 1; level <= levels; ++level)
    offset += uint64_t(1) << (64 - baseLog * level + baseLog - 1);
  return offset;
}

/// Takes the digits of one level where they stand in the word, that is times digitUnit: the key is
/// divided by it, which saves a shift here.
template <class V, bool first> struct DigitField {
  unsigned shift;
  typename V::W mask;
  typename V::D bias;

  FHE_INLINE DigitField(uint32_t baseLog, uint32_t level) : shift(64 - baseLog * (level + 1)) {
    const uint64_t field = (uint64_t(1) << baseLog) - 1;
    const double unit = digitUnit(baseLog, level),
                 half = unit * double(uint64_t(1) << (baseLog - 1));
    mask = V::broadcastWord(V::convertsWords ? field << shift : field);
    bias = V::broadcast(V::convertsWords ? half : unit * 0x1p52 + half);
  }
  FHE_INLINE typename V::D operator()(typename V::W words) const {
    if constexpr (V::convertsWords && first)
      return V::toDouble(V::andWords(words, mask));
    else if constexpr (V::convertsWords)
      return V::sub(V::toDouble(V::andWords(words, mask)), bias);
    else // The bits of (2^52 + field) unit.
      return V::sub(V::fieldToDouble(V::andWords(V::shiftRight(words, shift), mask), shift), bias);
  }
};

/// Stage A for one polynomial. The first pass of radix 2^R reads, for each q, the 2^(R+1) words q +
/// e stride (real parts, then imaginary parts). Rotated by r = E stride + rho, word j comes from j
/// - r, or negated from j - r + N where j < r: that is for e < E, and for e = E where q < rho. So
/// the source of each e is one place and sign below rho and one above; the vector that contains
/// rho is put together lane by lane.
template <class V, int R> class RotatedFirstPass {
  using W = typename V::W;
  static constexpr int chains = 2 << R;

public:
  RotatedFirstPass(const CmuxArguments &a, uint32_t rotation, const uint64_t *polynomial)
      : arguments(a), plan(*a.plan), in(polynomial), size(plan.polynomialSize()),
        stride(plan.points() >> R), gap(wordGap(plan)), log2Stride(plan.log2N - 1 - R),
        r(rotation & (size - 1)), flip(rotation >= size),
        offset(decompositionOffset<V>(a.baseLog, a.levels)) {}

  /// Writes the rows of levels 0, 1, .., `rowStride` doubles apart.
  void run(double *rows, size_t rowStride) {
    const size_t rho = r & (stride - 1), whole = rho & ~size_t(V::lanes - 1);
    setSources(true);
    for (size_t q = 0; q < whole; q += V::lanes)
      step(q, rows, rowStride);
    size_t q = whole;
    if (rho != whole) {
      // Vectors of other chains end in the gap behind their source.
      const size_t e = r >> log2Stride;
      for (size_t lane = 0; lane < size_t(V::lanes); ++lane)
        mixed[lane] = difference(e * stride + q + lane);
      mixedChain = int(e);
      step(q, rows, rowStride);
      mixedChain = -1;
      q += V::lanes;
    }
    setSources(false);
    for (; q < stride; q += V::lanes)
      step(q, rows, rowStride);
  }

private:
  /// For q below the place in a chain at which the rotated polynomial begins, or from it on. Chains
  /// whose words were rotated out of the end come back from there with the other sign.
  void setSources(bool below) {
    const size_t wrapped = (r >> log2Stride) + below;
    for (size_t e = 0; e < size_t(chains); ++e) {
      const bool wraps = e < wrapped;
      const size_t from = (e - wrapped) % chains;
      // May be negative until q is added.
      source[e] =
          ptrdiff_t(from * (stride + gap) + (below ? stride : 0)) - ptrdiff_t(r & (stride - 1));
      sign[e] = wraps != flip ? ~uint64_t(0) : 0;
      constant[e] = offset - sign[e];
    }
  }

  /// One word of (X^rotation - 1) polynomial + offset.
  uint64_t difference(size_t j) const {
    const bool wraps = j < r;
    const uint64_t word = at(wraps ? j + size - r : j - r);
    return (wraps != flip ? 0 - word : word) - at(j) + offset;
  }
  uint64_t at(size_t j) const { return in[j + (j >> log2Stride) * gap]; }

  FHE_INLINE W chain(int e, size_t q) const {
    if (e == mixedChain)
      return V::loadWords(mixed);
    // (x ^ sign) - sign, the second part of it in the constant.
    const W rotated =
        V::xorWords(V::loadWords(in + (source[e] + ptrdiff_t(q))), V::broadcastWord(sign[e]));
    const W own = V::loadWords(in + e * (stride + gap) + q);
    return V::addWordsTo(V::subWords(V::broadcastWord(constant[e]), own), rotated);
  }

  FHE_INLINE void step(size_t q, double *rows, size_t rowStride) const {
    W words[chains];
#pragma GCC unroll 16
    for (int e = 0; e < chains; ++e)
      words[e] = chain(e, q);
    transform(DigitField<V, true>(arguments.baseLog, 0), words, q, rows);
    for (uint32_t level = 1; level < arguments.levels; ++level)
      transform(DigitField<V, false>(arguments.baseLog, level), words, q, rows + level * rowStride);
  }

  template <class Field>
  FHE_INLINE void transform(const Field &digit, const W *words, size_t q, double *row) const {
    typename V::D re[1 << R], im[1 << R], c[8];
#pragma GCC unroll 8
    for (int e = 0; e < 1 << R; ++e) {
      re[e] = digit(words[e]);
      im[e] = digit(words[e + (1 << R)]);
    }
    broadcastConstants<V, R>(plan.passes[0].constants, c);
    forwardLevels<V, R>(re, im, c);
    const Points<V> out{row, pointGap(plan)};
#pragma GCC unroll 8
    for (int e = 0; e < 1 << R; ++e)
      out.store(q, e, stride, re[e], im[e]);
  }

  const CmuxArguments &arguments;
  const FftPlan &plan;
  const uint64_t *in;
  const size_t size, stride, gap;
  const uint32_t log2Stride;
  const size_t r;
  const bool flip;
  const uint64_t offset;
  int mixedChain = -1;
  ptrdiff_t source[chains];
  uint64_t sign[chains], constant[chains];
  alignas(64) uint64_t mixed[V::lanes];
};

/// Fetches the next part of the key, a few lines at a time between the computations with this one:
/// a burst would stall on the buffers between the caches.
class Prefetcher {
public:
  /// `doubles` from `from` on (null: nothing), in `steps` steps.
  Prefetcher(const double *from, size_t doubles, size_t steps)
      : next(reinterpret_cast<const char *>(from)), end(next ? next + doubles * 8 : nullptr),
        each((doubles * 8 / steps + 63) / 64 * 64) {}
  FHE_INLINE void step() {
    const char *stop = size_t(end - next) > each ? next + each : end;
    for (; next < stop; next += 64)
      __builtin_prefetch(next, 0, 2);
  }

private:
  const char *next, *end;
  size_t each;
};

/// Asks for `doubles` doubles in the first-level cache.
FHE_INLINE void fetchNear(const double *from, size_t doubles) {
  for (size_t i = 0; i < doubles; i += 8)
    __builtin_prefetch(from + i, 0, 3);
}

/// Stage B for one block: columns go where the first k+1 rows were. `nextRows`, if not null, are
/// the rows of which the same block comes next in the caller's order of ciphertexts.
template <class V>
FHE_INLINE void blockProduct(const CmuxArguments &a, size_t b, const double *key, double *rows,
                             const double *nextRows, Prefetcher &prefetcher) {
  using D = typename V::D;
  const FftPlan &plan = *a.plan;
  constexpr size_t block = 2 * size_t(V::lanes) * V::lanes;
  const size_t rowCount = size_t(a.levels) * (a.k + 1), columns = a.k + 1;
  const size_t polynomial = spreadDoubles(plan);
  for (size_t row = 0; row < rowCount; ++row) {
    D re[V::lanes], im[V::lanes];
    forwardLeaves<V>(plan, b, rows + row * polynomial + b * block, re, im);
    storeBlock<V>(a.local + row * block, re, im);
    if (nextRows)
      fetchNear(nextRows + row * polynomial + b * block, block);
    prefetcher.step();
  }
  for (size_t column = 0; column < columns; ++column) {
    D re[V::lanes], im[V::lanes];
    const double *digits = a.local, *with = key + column * block;
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
    inverseLeaves<V>(re, im, rows + column * polynomial + b * block);
    prefetcher.step();
  }
}

/// Stages C of the step before and A of this one, for one ciphertext.
template <class V, int R>
void finishAndStart(const CmuxArguments &a, bool finish, uint32_t rotation, uint64_t *accumulator,
                    double *rows) {
  const FftPlan &plan = *a.plan;
  const size_t words = spreadWords(plan), doubles = spreadDoubles(plan);
  for (uint32_t j = 0; j <= a.k; ++j) {
    uint64_t *polynomial = accumulator + j * words;
    if (finish)
      inverseToSpreadWords<V>(plan, rows + j * doubles, polynomial);
    if (rotation)
      RotatedFirstPass<V, R>(a, rotation, polynomial).run(rows + j * doubles, (a.k + 1) * doubles);
  }
}

/// Stage B of one subtree for one ciphertext. `rows` and `nextRows` are moved by the gaps before.
template <class V>
void subtreeProduct(const CmuxArguments &a, size_t subtree, double *rows, const double *nextRows,
                    Prefetcher &prefetcher) {
  const FftPlan &plan = *a.plan;
  const size_t doubles = spreadDoubles(plan), rowCount = size_t(a.levels) * (a.k + 1);
  const size_t blocks = plan.blocks() / subtrees(plan);
  const size_t keyBlock = rowCount * (a.k + 1) * 2 * size_t(V::lanes) * V::lanes;
  for (size_t row = 0; row < rowCount; ++row)
    forwardSubtree<V>(plan, subtree, rows + row * doubles);
  for (size_t b = subtree * blocks; b < (subtree + 1) * blocks; ++b)
    blockProduct<V>(a, b, a.key + b * keyBlock, rows, nextRows, prefetcher);
  for (uint32_t column = 0; column <= a.k; ++column)
    inverseSubtree<V>(plan, subtree, rows + column * doubles);
}

template <class V> void cmuxKernel(const CmuxArguments &a) {
  const FftPlan &plan = *a.plan;
  const size_t size = plan.polynomialSize(), rowCount = size_t(a.levels) * (a.k + 1);
  const size_t accumulatorWords = (a.k + 1) * spreadWords(plan);
  const size_t rowDoubles = rowCount * spreadDoubles(plan);
  for (size_t c = 0; c < a.count; ++c) {
    const bool finish = a.before && a.before[c * a.rotationStride] != 0;
    const uint32_t rotation = a.key ? a.rotation[c * a.rotationStride] : 0;
    uint64_t *accumulator = a.accumulators + c * accumulatorWords;
    double *rows = a.rows + c * rowDoubles;
    if (plan.passes[0].log2Radix == 1)
      finishAndStart<V, 1>(a, finish, rotation, accumulator, rows);
    else if (plan.passes[0].log2Radix == 2)
      finishAndStart<V, 2>(a, finish, rotation, accumulator, rows);
    else
      finishAndStart<V, 3>(a, finish, rotation, accumulator, rows);
  }
  if (!a.key)
    return;
  const size_t parts = subtrees(plan), part = rowCount * (a.k + 1) * size / parts;
  // Measured: better where the first-level cache has room for what comes next.
  const bool near = rowCount * size / parts * sizeof(double) <= 12 << 10;
  // Measured: a part that fills much of the second-level cache is better left to come when it is
  // read, in order, than fetched while this one is in use.
  const bool fetchKey = part * sizeof(double) <= 512 << 10;
  for (size_t subtree = 0; subtree < parts; ++subtree) {
    const double *nextPart = subtree + 1 < parts ? a.key + (subtree + 1) * part : a.nextKey;
    Prefetcher prefetcher(fetchKey ? nextPart : nullptr, part,
                          a.count * (plan.blocks() / parts) * (rowCount + a.k + 1));
    for (size_t c = 0; c < a.count; ++c) {
      if (a.rotation[c * a.rotationStride] == 0)
        continue; // X^0 - 1 = 0: adds nothing.
      double *rows = a.rows + c * rowDoubles + subtree * pointGap(plan);
      const double *next = !near                 ? nullptr
                           : c + 1 < a.count     ? rows + rowDoubles
                           : subtree + 1 < parts ? a.rows + size / parts + (subtree + 1) * pointGap(plan)
                                                 : nullptr;
      subtreeProduct<V>(a, subtree, rows, next, prefetcher);
    }
  }
}

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_CMUX_IMPL_H
