//===- table_impl.h - Fills the table of one instruction set ---------------------------------===//
//
// Internal; included by isa/*.cpp only, after the vector type V of that file.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_ISA_TABLE_IMPL_H
#define FHE_RUNTIME_TFHE_ISA_TABLE_IMPL_H

#include "runtime/tfhe/isa/cmux_impl.h"

namespace fhe::tfhe {
namespace {

/// The table of one instruction set.
template <class V> KernelTable makeTable(Isa isa) {
  return {isa,
          uint32_t(V::log2Lanes),
          uint32_t(V::maxLog2Radix),
          forwardWords<V>,
          inverseAddWords<V>,
          multiplyPoints<V>,
          cmuxKernel<V>};
}

} // namespace
} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_ISA_TABLE_IMPL_H
