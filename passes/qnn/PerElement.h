//===- PerElement.h - Arithmetic on numbers of elements -------------------------===//
//
// Shared by the parts of the analysis; a number for all elements stays one.
//
//===--------------------------------------------------------------------------===//
#ifndef PASSES_QNN_PERELEMENT_H
#define PASSES_QNN_PERELEMENT_H

#include "passes/qnn/Analysis.h"

namespace fhe::qnn {

/// Numbers read through an element map; padding reads 0.
inline PerElement permute(const PerElement &from, const ElementMap &map, bool padIsZero) {
  if (map.empty() || (from.isUniform() && (!padIsZero || from[0] == 0)))
    return from;
  PerElement out;
  out.values.resize(map.size());
  for (size_t e = 0; e != map.size(); ++e)
    out.values[e] = map[e] < 0 ? 0.0 : from[map[e]];
  out.compress();
  return out;
}

/// One number an element from one or two others.
template <typename F>
PerElement combine(int64_t count, const PerElement &a, const PerElement &b, F f) {
  PerElement out;
  out.values.resize(a.isUniform() && b.isUniform() ? 1 : count);
  for (size_t e = 0; e != out.values.size(); ++e)
    out.values[e] = f(a[e], b[e]);
  out.compress();
  return out;
}

} // namespace fhe::qnn

#endif // PASSES_QNN_PERELEMENT_H
