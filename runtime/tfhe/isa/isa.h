//===- isa.h - Which instruction set the kernels use -----------------------------------------===//
//
// Every kernel exists for a scalar reference and for the vector instruction sets that measured
// better. One is chosen once per process: the best the CPU has, or the one the environment variable
// FHE_ISA (scalar | avx2 | avx512 | neon) names. Results are bit-identical for one instruction set
// whatever the batch split; across instruction sets only the decrypted values are equal (the order
// of floating-point operations differs).
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_ISA_H
#define FHE_RUNTIME_TFHE_ISA_ISA_H

#include <span>
#include <string>

namespace fhe::tfhe {

enum class Isa { scalar, avx2, avx512, neon };
inline constexpr unsigned isaCount = 4;

/// "scalar", "avx2", "avx512" or "neon".
const char *name(Isa isa);

/// The instruction sets this build has and this CPU can run, worst first; scalar is always there.
std::span<const Isa> availableIsas();

/// The instruction set kernels use when none is named. Thread-safe; fixed after the first call.
/// An FHE_ISA that is unknown or that the CPU lacks is ignored here; `isaDiagnostic` says so.
Isa activeIsa();

/// Empty, or one sentence on why FHE_ISA was not obeyed.
std::string isaDiagnostic();

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_ISA_H
