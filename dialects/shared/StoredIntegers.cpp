//===- StoredIntegers.cpp - Integer constants in few bytes ---------------------------===//
#include "dialects/shared/StoredIntegers.h"
#include "mlir/IR/BuiltinTypes.h"
#include <algorithm>

using namespace mlir;

namespace fhe {

bool isStoredInteger(Type element, bool withUnsigned) {
  return element.isSignlessInteger(32) || element.isSignlessInteger(8) ||
         (withUnsigned && element.isUnsignedInteger(8));
}

template <typename T>
static DenseIntElementsAttr store(Type element, ArrayRef<int64_t> shape, ArrayRef<int32_t> values) {
  std::vector<T> bytes(values.begin(), values.end());
  auto type = RankedTensorType::get(shape, element);
  return cast<DenseIntElementsAttr>(DenseElementsAttr::get(type, ArrayRef<T>(bytes)));
}

DenseIntElementsAttr storeIntegers(MLIRContext *context, ArrayRef<int64_t> shape,
                                   ArrayRef<int32_t> values, bool withUnsigned) {
  if (int64_t(values.size()) >= kNarrowElements) {
    auto [lo, hi] = std::minmax_element(values.begin(), values.end());
    if (*lo >= INT8_MIN && *hi <= INT8_MAX)
      return store<int8_t>(IntegerType::get(context, 8), shape, values);
    if (withUnsigned && *lo >= 0 && *hi <= UINT8_MAX)
      return store<uint8_t>(IntegerType::get(context, 8, IntegerType::Unsigned), shape, values);
  }
  auto type = RankedTensorType::get(shape, IntegerType::get(context, 32));
  return cast<DenseIntElementsAttr>(DenseElementsAttr::get(type, values));
}

template <typename T>
static std::vector<int32_t> read(DenseElementsAttr attr) {
  std::vector<int32_t> out;
  out.reserve(attr.getNumElements());
  for (T value : attr.getValues<T>())
    out.push_back(int32_t(value));
  return out;
}

std::vector<int32_t> readIntegers(DenseElementsAttr attr) {
  Type element = attr.getElementType();
  if (element.isUnsignedInteger(8))
    return read<uint8_t>(attr);
  return element.isInteger(8) ? read<int8_t>(attr) : read<int32_t>(attr);
}

} // namespace fhe
