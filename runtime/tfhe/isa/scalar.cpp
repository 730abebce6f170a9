//===- scalar.cpp - Scalar reference kernels -------------------------------------------------===//
//
// Vectors of one lane, plain C++: always built, and what the vector kernels are tested against. A
// block is one point here, so the whole tree is made of passes over memory. Fused multiply-adds are
// the C library's, exact on every machine, so the rounding errors are those of the vector kernels.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/isa/table_impl.h"

namespace fhe::tfhe {
namespace {

struct Scalar {
  using D = double;
  using W = uint64_t;
  static constexpr int lanes = 1, log2Lanes = 0, maxLog2Radix = 2;

  static constexpr bool convertsWords = true;

  static FHE_INLINE D load(const double *p) { return *p; }
  static FHE_INLINE void store(double *p, D x) { *p = x; }
  static FHE_INLINE D broadcast(double x) { return x; }
  static FHE_INLINE D add(D a, D b) { return a + b; }
  static FHE_INLINE D sub(D a, D b) { return a - b; }
  static FHE_INLINE D mul(D a, D b) { return a * b; }
  static FHE_INLINE D fma(D a, D b, D c) { return __builtin_fma(a, b, c); }
  static FHE_INLINE D fnma(D a, D b, D c) { return __builtin_fma(-a, b, c); }
  static FHE_INLINE D twiceMinus(D a, D b) { return fma(2, a, -b); }
  static FHE_INLINE void transposeFirst(D *) {}
  static FHE_INLINE void transposeRest(D *) {}

  static FHE_INLINE W loadWords(const uint64_t *p) { return *p; }
  static FHE_INLINE void storeWords(uint64_t *p, W x) { *p = x; }
  static FHE_INLINE W broadcastWord(uint64_t x) { return x; }
  static FHE_INLINE W addWordsTo(W a, W b) { return a + b; }
  static FHE_INLINE W subWords(W a, W b) { return a - b; }
  static FHE_INLINE W andWords(W a, W b) { return a & b; }
  static FHE_INLINE W xorWords(W a, W b) { return a ^ b; }
  static FHE_INLINE W shiftRight(W a, unsigned n) { return a >> n; }
  static FHE_INLINE void addWords(uint64_t *p, W x) { *p += x; }

  static FHE_INLINE D toDouble(W x) { return double(int64_t(x)); }
  /// The integer next to x y modulo 2^64.
  static FHE_INLINE W productToWord(D x, D y) {
    const double turns = 0x1p64 * __builtin_rint(x * y * 0x1p-64);
    const double value = __builtin_rint(__builtin_fma(x, y, -turns));
    // 2^63 and -2^63 are the same word, but only one of them fits a signed one.
    return uint64_t(int64_t(value >= 0x1p63 ? value - 0x1p64 : value));
  }
};

} // namespace

const KernelTable &scalarKernels() {
  static const KernelTable table = makeTable<Scalar>(Isa::scalar);
  return table;
}

} // namespace fhe::tfhe
