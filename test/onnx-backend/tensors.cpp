//===- tensors.cpp - Tensors of the data sets ------------------------------------------===//
#include "test/onnx-backend/backend_case.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Endian.h"
#include <cmath>
#include <fstream>
#include <sstream>

using namespace llvm;
using onnx::TensorProto;

namespace fhe::backend {

static double fromBits(const fltSemantics &semantics, uint16_t bits) {
  return APFloat(semantics, APInt(16, bits)).convertToDouble();
}

/// The number at `p`, little-endian; `size` becomes its bytes, 0 for types without numbers.
static double readNumber(int type, const char *p, size_t &size) {
  using namespace support::endian;
  size = 0;
  switch (type) {
  case TensorProto::FLOAT:
    return size = 4, double(bit_cast<float>(read32le(p)));
  case TensorProto::DOUBLE:
    return size = 8, bit_cast<double>(read64le(p));
  case TensorProto::FLOAT16:
    return size = 2, fromBits(APFloat::IEEEhalf(), read16le(p));
  case TensorProto::BFLOAT16:
    return size = 2, fromBits(APFloat::BFloat(), read16le(p));
  case TensorProto::INT8:
    return size = 1, double(int8_t(*p));
  case TensorProto::UINT8:
  case TensorProto::BOOL:
    return size = 1, double(uint8_t(*p));
  case TensorProto::INT16:
    return size = 2, double(int16_t(read16le(p)));
  case TensorProto::UINT16:
    return size = 2, double(read16le(p));
  case TensorProto::INT32:
    return size = 4, double(int32_t(read32le(p)));
  case TensorProto::UINT32:
    return size = 4, double(read32le(p));
  case TensorProto::INT64:
    return size = 8, double(int64_t(read64le(p)));
  case TensorProto::UINT64:
    return size = 8, double(read64le(p));
  default:
    return 0;
  }
}

std::optional<Numbers> decode(const TensorProto &tensor) {
  Numbers out;
  size_t count = 1;
  for (int64_t size : tensor.dims()) {
    out.shape.push_back(size);
    count *= size_t(size);
  }
  static const char zeros[8] = {};
  size_t bytes = 0;
  readNumber(tensor.data_type(), zeros, bytes);
  if (!bytes)
    return std::nullopt;
  if (tensor.has_raw_data()) {
    if (tensor.raw_data().size() != count * bytes)
      return std::nullopt;
    for (size_t i = 0; i != count; ++i)
      out.values.push_back(readNumber(tensor.data_type(), tensor.raw_data().data() + i * bytes, bytes));
    return out;
  }
  bool isHalf = tensor.data_type() == TensorProto::FLOAT16,
       isBrain = tensor.data_type() == TensorProto::BFLOAT16;
  for (float v : tensor.float_data())
    out.values.push_back(v);
  for (double v : tensor.double_data())
    out.values.push_back(v);
  for (int32_t v : tensor.int32_data())
    out.values.push_back(isHalf    ? fromBits(APFloat::IEEEhalf(), uint16_t(v))
                         : isBrain ? fromBits(APFloat::BFloat(), uint16_t(v))
                                   : double(v));
  for (int64_t v : tensor.int64_data())
    out.values.push_back(double(v));
  for (uint64_t v : tensor.uint64_data())
    out.values.push_back(double(v));
  return out.values.size() == count ? std::optional(out) : std::nullopt;
}

std::optional<TensorProto> readTensor(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  TensorProto tensor;
  if (!file || !tensor.ParseFromIstream(&file))
    return std::nullopt;
  return tensor;
}

std::string difference(const Numbers &expected, const std::vector<int64_t> &shape,
                       const std::vector<float> &found) {
  if (expected.shape != shape)
    return "output has another shape";
  for (size_t i = 0; i != found.size(); ++i) {
    double e = expected.values[i], f = found[i];
    bool same = std::isnan(e) ? std::isnan(f)
                              : e == f || std::fabs(e - f) <= 1e-7 + 1e-3 * std::fabs(e);
    if (same)
      continue;
    std::ostringstream text;
    text << "element " << i << " is " << f << ", expected " << e;
    return text.str();
  }
  return "";
}

} // namespace fhe::backend
