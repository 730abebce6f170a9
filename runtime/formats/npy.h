//===- npy.h - NumPy .npy files -----------------------------------------------------------===//
//
// Versions 1.0 to 3.0, C order, little-endian: <f4 <f8 |i1 <i2 <i4 <i8 |u1 <u2 <u4 |b1. Sizes are
// checked against the bytes that are there before anything is allocated.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_FORMATS_NPY_H
#define FHE_RUNTIME_FORMATS_NPY_H

#include "runtime/formats/byte_io.h"

#include <vector>

namespace fhe::runtime {

enum class NpyType { f4, f8, i1, i2, i4, i8, u1, u2, u4, b1 };

struct NpyArray {
  NpyType type = NpyType::f4;
  std::vector<uint64_t> shape;
  std::vector<std::byte> data;

  uint64_t elements() const;
  /// The values as another type: floats may lose precision; an integer result takes integers only
  /// (throws a Failure otherwise).
  std::vector<float> toFloat() const;
  std::vector<int64_t> toIntegers() const;

  static NpyArray fromFloat(std::vector<uint64_t> shape, const std::vector<float> &values);
  static NpyArray fromIntegers(std::vector<uint64_t> shape, const std::vector<int64_t> &values);
};

/// Bytes of one element.
uint64_t npyTypeBytes(NpyType type);

/// Throws a Failure that says what is wrong.
NpyArray readNpy(ByteReader &reader);
void writeNpy(ByteWriter &writer, const NpyArray &array);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_NPY_H
