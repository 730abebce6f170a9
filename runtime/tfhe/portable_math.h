//===- portable_math.h - Functions that are the same on every machine ----------------------------===//
//
// The compiler's choice of parameters must not depend on the mathematics library or on the
// processor it runs on (glibc has variants with and without fused multiply-adds). These functions
// use additions, multiplications, divisions and scalings by powers of two only, which IEEE 754
// fixes to the last bit; their sources are compiled without contraction to fused multiply-adds.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_PORTABLE_MATH_H
#define FHE_RUNTIME_TFHE_PORTABLE_MATH_H

namespace fhe::tfhe {

/// 2^x, relative error below 1e-15; exact for whole x. Infinity above 1024, 0 below -1100.
double portableExp2(double x);

/// log2(x) of a finite x > 0, error below 1e-15 * max(1, |log2 x|); exact for powers of two.
double portableLog2(double x);

/// x^y for finite x > 0: 2^(y log2 x), relative error below 1e-15 * max(1, |y log2 x|).
double portablePow(double x, double y);

/// ln(1 + x) for x > -1 and exp(x) - 1, relative error below 1e-14 also where x is tiny.
double portableLog1p(double x);
double portableExpm1(double x);

/// log2 of erfc(x) for x >= 0, absolute error below 1e-12 * max(1, -log2 erfc(x)), however small
/// erfc(x) is. 0 for x <= 0.
double log2Erfc(double x);

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_PORTABLE_MATH_H
