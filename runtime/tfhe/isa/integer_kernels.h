//===- integer_kernels.h - Inner kernels of integer products, by instruction set -------------===//
//
// Internal. Keyswitch and linear layers are integer matrix products modulo 2^32 or 2^64 of small
// signed digits (or clear weights) with torus words. Two forms:
//   words   one multiplication a word; any digit. On every instruction set.
//   planes  words cut into bytes, four rows at a time, for instructions that add four products of
//           unsigned and signed bytes to a 32-bit sum (VPDPBUSD). Digits of one signed byte.
// Both are exact, so every instruction set and every order of work gives the same words.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_INTEGER_KERNELS_H
#define FHE_RUNTIME_TFHE_ISA_INTEGER_KERNELS_H

#include "runtime/tfhe/isa/isa.h"

#include <cstddef>
#include <cstdint>

namespace fhe::tfhe {

/// Word is uint64_t or uint32_t; arithmetic is modulo its range.
template <class Word> struct WordKernels {
  /// outs[c][w] -= sum over rows of digits[row][c] * key[row][w]; key [rows][words], digits
  /// [rows][digitStride]. `nextKey` (null, or the next rows of the same key) is prefetched
  /// meanwhile.
  void (*digitProduct)(const Word *key, size_t rows, size_t words, const Word *digits,
                       size_t digitStride, size_t count, Word *const *outs, const Word *nextKey);

  /// outs[o][w] = sum over taps t of weights[t * outputs + o] * inputs[t][w] for w in [0, words);
  /// outputs is 1, 2 or 4.
  void (*dotTile)(const Word *const *inputs, const int64_t *weights, size_t taps, size_t words,
                  Word *const *outs, size_t outputs);
};

/// A group is four rows of 64 bytes (8 words of 64 bits or 16 of 32), interleaved so that the bytes
/// of one place of the four rows are neighbours: 64 lanes of four bytes. The order of lanes is the
/// kernels' own.
inline constexpr size_t groupRows = 4, groupRowBytes = 64;
inline constexpr size_t groupBytes = groupRows * groupRowBytes;
inline constexpr size_t groupLanes = groupBytes / groupRows;
/// Largest number of columns of one product.
inline constexpr size_t maxColumns = 6;

enum class FoldMode { store, add, subtract };

template <class Word> struct FoldKernel {
  /// Adds up the byte places of one sum: the value v of each word is that of its plane p times
  /// 2^(8p), shifted left by `shift`. out[w] = v, += v or -= v for the first `words` (at most those
  /// of a group) words.
  void (*fold)(const int32_t *sums, size_t words, unsigned shift, FoldMode mode, Word *out);
};

struct PlaneKernels {
  /// Interleaves `bytes` bytes from each of four rows (null: zeros) to groups `stride` bytes apart,
  /// at 64-byte aligned `out`; the last one is filled up with zeros.
  void (*pack)(const void *const *rows, size_t bytes, uint8_t *out, size_t stride);

  /// sums[c][lane] (64 lanes a column; += or, with `fromZero`, =) the sum over s < steps, r < 4 of
  /// byte r of the lane in group groups[s] (null: s) of `planes`, times signed byte r of
  /// digits[s * digitStride + c]. Modulo 2^32. 1 to maxColumns columns. `ahead`, `aheadLines`:
  /// cache lines to prefetch meanwhile.
  void (*product)(const uint8_t *planes, const uint32_t *groups, size_t steps,
                  const int32_t *digits, size_t digitStride, size_t columns, bool fromZero,
                  int32_t *sums, const uint8_t *ahead, size_t aheadLines);

  /// Signed digits in [-B/2, B/2), B = 2^baseLog of at most 8 bits, most significant first, of
  /// `count` words rounded to their top baseLog * levels bits. Four neighbours of one level make
  /// one element: digits[(level * quads + i / 4) * stride], quads = ceil(count / 4), zeros beyond.
  void (*decompose)(const uint64_t *in, size_t count, unsigned baseLog, unsigned levels,
                    int32_t *digits, size_t stride);

  FoldKernel<uint64_t> fold64;
  FoldKernel<uint32_t> fold32;
};

struct IntegerKernels {
  WordKernels<uint64_t> words64;
  WordKernels<uint32_t> words32;
  const PlaneKernels *planes; ///< Null where the CPU has no such instructions.
};

/// The kernels of an instruction set this CPU has (see availableIsas).
const IntegerKernels &integerKernels(Isa isa);

template <class Word> const WordKernels<Word> &wordKernels(const IntegerKernels &kernels) {
  if constexpr (sizeof(Word) == 8)
    return kernels.words64;
  else
    return kernels.words32;
}

template <class Word> const FoldKernel<Word> &foldKernel(const PlaneKernels &kernels) {
  if constexpr (sizeof(Word) == 8)
    return kernels.fold64;
  else
    return kernels.fold32;
}

const IntegerKernels &scalarIntegerKernels();
const IntegerKernels &avx2IntegerKernels();
const IntegerKernels &avx512IntegerKernels();
const IntegerKernels &neonIntegerKernels();
/// Needs AVX-512 BW, VL and VNNI.
const PlaneKernels &vnniPlaneKernels();

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_INTEGER_KERNELS_H
