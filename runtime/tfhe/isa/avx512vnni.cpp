//===- avx512vnni.cpp - Byte-plane products with VPDPBUSD ------------------------------------===//
//
// Compiled for AVX-512 F, DQ, BW, VL and VNNI. One instruction adds 64 products of a key byte
// (unsigned) with a digit byte (signed) to 16 sums of 32 bits: 16 products of 32-bit words or 8 of
// 64-bit ones, against 4 with the 52-bit multiply-add. A tile of up to six columns times one group
// keeps 24 sums in registers.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/integer_kernels.h"

#include <cstring>
#include <immintrin.h>

#define FHE_INLINE inline __attribute__((always_inline))

namespace fhe::tfhe {
namespace {

constexpr int vectors = int(groupBytes / 64);
constexpr size_t vectorLanes = 16;

/// Interleaves the bytes of four rows: per 16 bytes of a row, vector 0 has the places 0..3, vector
/// 1 has 4..7, vector 2 has 8..11, vector 3 has 12..15.
FHE_INLINE void interleave(const __m512i *rows, uint8_t *out) {
  const __m512i low01 = _mm512_unpacklo_epi8(rows[0], rows[1]);
  const __m512i high01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(rows[2], rows[3]);
  const __m512i high23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
  _mm512_store_si512(out, _mm512_unpacklo_epi16(low01, low23));
  _mm512_store_si512(out + 64, _mm512_unpackhi_epi16(low01, low23));
  _mm512_store_si512(out + 128, _mm512_unpacklo_epi16(high01, high23));
  _mm512_store_si512(out + 192, _mm512_unpackhi_epi16(high01, high23));
}

void pack(const void *const *rows, size_t bytes, uint8_t *out, size_t stride) {
  for (size_t at = 0; at < bytes; at += groupRowBytes, out += stride) {
    const size_t left = bytes - at;
    const __mmask64 inside = left < groupRowBytes ? (__mmask64(1) << left) - 1 : ~__mmask64(0);
    __m512i row[groupRows];
#pragma GCC unroll 4
    for (size_t r = 0; r < groupRows; ++r)
      row[r] = rows[r] ? _mm512_maskz_loadu_epi8(inside, static_cast<const char *>(rows[r]) + at)
                       : _mm512_setzero_si512();
    interleave(row, out);
  }
}

/// One tile of C columns; P cache lines are prefetched each step.
template <int C, int P>
void tile(const uint8_t *planes, const uint32_t *groups, size_t steps, const int32_t *digits,
          size_t digitStride, bool fromZero, int32_t *sums, const uint8_t *ahead,
          size_t aheadLines) {
  __m512i sum[C][vectors];
#pragma GCC unroll 6
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      sum[c][v] = fromZero ? _mm512_setzero_si512()
                           : _mm512_load_si512(sums + c * groupLanes + v * vectorLanes);
  const uint8_t *end = P ? ahead + aheadLines * 64 : nullptr;
  for (size_t s = 0; s < steps; ++s, digits += digitStride) {
    const uint8_t *group = planes + (groups ? groups[s] : s) * groupBytes;
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p, ahead += 64)
      if (ahead < end)
        _mm_prefetch(ahead, _MM_HINT_T1);
    __m512i key[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      key[v] = _mm512_load_si512(group + v * 64);
#pragma GCC unroll 6
    for (int c = 0; c < C; ++c) {
      const __m512i digit = _mm512_set1_epi32(digits[c]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        sum[c][v] = _mm512_dpbusd_epi32(sum[c][v], key[v], digit);
    }
  }
#pragma GCC unroll 6
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      _mm512_store_si512(sums + c * groupLanes + v * vectorLanes, sum[c][v]);
}

/// One column would wait for each sum: every other group goes to sums of its own.
template <int P>
void column(const uint8_t *planes, const uint32_t *groups, size_t steps, const int32_t *digits,
            size_t digitStride, bool fromZero, int32_t *sums, const uint8_t *ahead,
            size_t aheadLines) {
  __m512i sum[2][vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    sum[0][v] = fromZero ? _mm512_setzero_si512() : _mm512_load_si512(sums + v * vectorLanes);
    sum[1][v] = _mm512_setzero_si512();
  }
  const uint8_t *end = P ? ahead + aheadLines * 64 : nullptr;
  const auto step = [&](size_t s, __m512i *to) __attribute__((always_inline)) {
    const uint8_t *group = planes + (groups ? groups[s] : s) * groupBytes;
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p, ahead += 64)
      if (ahead < end)
        _mm_prefetch(ahead, _MM_HINT_T1);
    const __m512i digit = _mm512_set1_epi32(digits[s * digitStride]);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      to[v] = _mm512_dpbusd_epi32(to[v], _mm512_load_si512(group + v * 64), digit);
  };
  size_t s = 0;
  for (; s + 2 <= steps; s += 2) {
    step(s, sum[0]);
    step(s + 1, sum[1]);
  }
  if (s < steps)
    step(s, sum[0]);
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v)
    _mm512_store_si512(sums + v * vectorLanes, _mm512_add_epi32(sum[0][v], sum[1][v]));
}

template <int P>
void productOf(const uint8_t *planes, const uint32_t *groups, size_t steps, const int32_t *digits,
               size_t digitStride, size_t columns, bool fromZero, int32_t *sums,
               const uint8_t *ahead, size_t aheadLines) {
  constexpr auto run = [](auto f, auto... arguments) { f(arguments...); };
  const auto call = [&](auto f) {
    run(f, planes, groups, steps, digits, digitStride, fromZero, sums, ahead, aheadLines);
  };
  switch (columns) {
  case 1:
    return call(column<P>);
  case 2:
    return call(tile<2, P>);
  case 3:
    return call(tile<3, P>);
  case 4:
    return call(tile<4, P>);
  case 5:
    return call(tile<5, P>);
  default:
    return call(tile<6, P>);
  }
}

void product(const uint8_t *planes, const uint32_t *groups, size_t steps, const int32_t *digits,
             size_t digitStride, size_t columns, bool fromZero, int32_t *sums,
             const uint8_t *ahead, size_t aheadLines) {
  const auto f = aheadLines == 0       ? productOf<0>
                 : aheadLines <= steps ? productOf<1>
                                       : productOf<4>;
  f(planes, groups, steps, digits, digitStride, columns, fromZero, sums, ahead, aheadLines);
}

constexpr size_t decomposed = 64; ///< words at a time

void decompose(const uint64_t *in, size_t count, unsigned baseLog, unsigned levels,
               int32_t *digits, size_t stride) {
  const uint64_t base = uint64_t(1) << baseLog;
  const unsigned kept = baseLog * levels;
  // Rounds to the kept bits and adds B/2 at every digit: plain fields are then digits plus B/2.
  uint64_t offset = kept < 64 ? uint64_t(1) << (63 - kept) : 0;
  for (unsigned level = 1; level <= levels; ++level)
    offset += base / 2 << (64 - baseLog * level);
  const size_t quads = (count + groupRows - 1) / groupRows;
  const __m512i offsets = _mm512_set1_epi64(int64_t(offset));
  const __m512i mask = _mm512_set1_epi64(int64_t(base - 1));
  const __m512i half = _mm512_set1_epi64(int64_t(base / 2));
  for (size_t at = 0; at < count; at += decomposed) {
    const size_t here = count - at < decomposed ? count - at : decomposed;
    __m512i words[decomposed / 8];
#pragma GCC unroll 8
    for (size_t v = 0; v < decomposed / 8; ++v) {
      const size_t left = here > 8 * v ? here - 8 * v : 0;
      const __mmask8 inside = left < 8 ? __mmask8((1u << left) - 1) : __mmask8(0xFF);
      words[v] = _mm512_add_epi64(_mm512_maskz_loadu_epi64(inside, in + at + 8 * v), offsets);
    }
    for (unsigned level = 0; level < levels; ++level) {
      const __m128i shift = _mm_cvtsi32_si128(int(64 - baseLog * (level + 1)));
      alignas(64) uint8_t bytes[decomposed];
#pragma GCC unroll 8
      for (size_t v = 0; v < decomposed / 8; ++v) {
        const __m512i digit = _mm512_sub_epi64(
            _mm512_and_si512(_mm512_srl_epi64(words[v], shift), mask), half);
        _mm_storel_epi64(reinterpret_cast<__m128i *>(bytes + 8 * v),
                         _mm512_cvtepi64_epi8(digit));
      }
      int32_t *to = digits + (level * quads + at / groupRows) * stride;
      for (size_t q = 0; q < (here + groupRows - 1) / groupRows; ++q, to += stride)
        std::memcpy(to, bytes + groupRows * q, groupRows);
    }
  }
}

/// Planes 0..3 of one word (in the lanes of 16 bytes) summed up in pairs: exact 64-bit values of
/// plane 0 + plane 1 * 2^8, and of plane 2 + plane 3 * 2^8.
FHE_INLINE __m512i pairs(__m512i sums) {
  const __m512i even = _mm512_srai_epi64(_mm512_slli_epi64(sums, 32), 32);
  const __m512i odd = _mm512_srai_epi64(sums, 32);
  return _mm512_add_epi64(even, _mm512_slli_epi64(odd, 8));
}

void fold64(const int32_t *sums, size_t words, unsigned shift, FoldMode mode, uint64_t *out) {
  const auto load = [&](int v) { return pairs(_mm512_load_si512(sums + v * vectorLanes)); };
  const __m512i first = _mm512_add_epi64(load(0), _mm512_slli_epi64(load(1), 32));
  const __m512i second = _mm512_add_epi64(load(2), _mm512_slli_epi64(load(3), 32));
  const __m512i low = _mm512_unpacklo_epi64(first, second);
  const __m512i high = _mm512_unpackhi_epi64(first, second);
  __m512i value = _mm512_add_epi64(low, _mm512_slli_epi64(high, 16));
  value = _mm512_sll_epi64(value, _mm_cvtsi32_si128(int(shift)));
  const __mmask8 inside = words < 8 ? __mmask8((1u << words) - 1) : __mmask8(0xFF);
  if (mode == FoldMode::add)
    value = _mm512_add_epi64(_mm512_maskz_loadu_epi64(inside, out), value);
  else if (mode == FoldMode::subtract)
    value = _mm512_sub_epi64(_mm512_maskz_loadu_epi64(inside, out), value);
  _mm512_mask_storeu_epi64(out, inside, value);
}

void fold32(const int32_t *sums, size_t words, unsigned shift, FoldMode mode, uint32_t *out) {
  const __m512i places = _mm512_set4_epi32(24, 16, 8, 0);
  const auto load = [&](int v) {
    return _mm512_sllv_epi32(_mm512_load_si512(sums + v * vectorLanes), places);
  };
  const auto halves = [&](__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const __m512i first = halves(load(0), load(1)), second = halves(load(2), load(3));
  __m512i value = _mm512_add_epi32(_mm512_unpacklo_epi64(first, second),
                                   _mm512_unpackhi_epi64(first, second));
  value = _mm512_sll_epi32(value, _mm_cvtsi32_si128(int(shift)));
  const __mmask16 inside = words < 16 ? __mmask16((1u << words) - 1) : __mmask16(0xFFFF);
  if (mode == FoldMode::add)
    value = _mm512_add_epi32(_mm512_maskz_loadu_epi32(inside, out), value);
  else if (mode == FoldMode::subtract)
    value = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(inside, out), value);
  _mm512_mask_storeu_epi32(out, inside, value);
}

} // namespace

const PlaneKernels &vnniPlaneKernels() {
  static const PlaneKernels kernels = {pack, product, decompose, {fold64}, {fold32}};
  return kernels;
}

} // namespace fhe::tfhe
