//===- isa.cpp - Chooses the instruction set once per process --------------------------------===//
#include "runtime/tfhe/isa/isa.h"

#include "runtime/tfhe/isa/integer_kernels.h"
#include "runtime/tfhe/isa/kernels.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace fhe::tfhe {

const char *name(Isa isa) {
  switch (isa) {
  case Isa::neon:
    return "neon";
  case Isa::avx512:
    return "avx512";
  case Isa::avx2:
    return "avx2";
  case Isa::scalar:
    break;
  }
  return "scalar";
}

static std::vector<Isa> detect() {
  std::vector<Isa> found = {Isa::scalar};
#ifdef FHE_TFHE_NEON
  found.push_back(Isa::neon); // Part of every AArch64 processor.
#endif
#ifdef FHE_TFHE_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    found.push_back(Isa::avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    found.push_back(Isa::avx512);
#endif
  return found;
}

std::span<const Isa> availableIsas() {
  static const std::vector<Isa> isas = detect();
  return isas;
}

namespace {
struct Choice {
  Isa isa;
  std::string diagnostic;
};
} // namespace

static Choice choose() {
  std::span<const Isa> isas = availableIsas();
  Choice choice{isas.back(), {}};
  const char *wanted = std::getenv("FHE_ISA");
  if (!wanted || !*wanted)
    return choice;
  for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (std::strcmp(wanted, name(isa)) != 0)
      continue;
    if (std::find(isas.begin(), isas.end(), isa) != isas.end())
      choice.isa = isa;
    else
      choice.diagnostic = std::string("FHE_ISA=") + wanted +
                          " is not available on this machine; using " + name(choice.isa);
    return choice;
  }
  choice.diagnostic = std::string("FHE_ISA=") + wanted +
                      " is unknown (allowed: scalar, avx2, avx512, neon); using " + name(choice.isa);
  return choice;
}

static const Choice &choice() {
  static const Choice made = choose();
  return made;
}

Isa activeIsa() { return choice().isa; }
std::string isaDiagnostic() { return choice().diagnostic; }

const KernelTable &kernelTable(Isa isa) {
#ifdef FHE_TFHE_NEON
  if (isa == Isa::neon)
    return neonKernels();
#endif
#ifdef FHE_TFHE_X86
  if (isa == Isa::avx512)
    return avx512Kernels();
  if (isa == Isa::avx2)
    return avx2Kernels();
#endif
  return scalarKernels();
}

const IntegerKernels &integerKernels(Isa isa) {
#ifdef FHE_TFHE_NEON
  if (isa == Isa::neon)
    return neonIntegerKernels();
#endif
#ifdef FHE_TFHE_X86
  if (isa == Isa::avx512)
    return avx512IntegerKernels();
  if (isa == Isa::avx2)
    return avx2IntegerKernels();
#endif
  return scalarIntegerKernels();
}

} // namespace fhe::tfhe
