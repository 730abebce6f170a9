//===- Constant.cpp - Decoding of ONNX tensor data ------------------------------===//
//
// TensorProto keeps numbers in raw little-endian bytes, in typed fields, or in
// another file. All sizes are checked before memory is taken.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Constant.h"
#include "compiler/import/Onnx.h"
#include "dialects/shared/DiagnosticIds.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace llvm;
using onnx::TensorProto;

namespace fhe::import {

int64_t countElements(ArrayRef<int64_t> shape, int64_t limit) {
  int64_t count = 1;
  bool empty = false;
  if (shape.size() > kMaxRank)
    return -1;
  for (int64_t size : shape) {
    if (size < 0)
      return -1;
    if (size == 0) {
      empty = true;
      continue;
    }
    if (size > limit / count)
      return -1;
    count *= size;
  }
  return empty ? 0 : count;
}

std::optional<std::pair<int64_t, int64_t>> integerRange(int dataType) {
  switch (dataType) {
  case TensorProto::INT8:
    return {{INT8_MIN, INT8_MAX}};
  case TensorProto::UINT8:
    return {{0, UINT8_MAX}};
  case TensorProto::INT16:
    return {{INT16_MIN, INT16_MAX}};
  case TensorProto::UINT16:
    return {{0, UINT16_MAX}};
  case TensorProto::INT32:
    return {{INT32_MIN, INT32_MAX}};
  case TensorProto::UINT32:
    return {{0, UINT32_MAX}};
  default:
    return std::nullopt;
  }
}

std::string dataTypeName(int dataType) {
  if (onnx::TensorProto_DataType_IsValid(dataType))
    return onnx::TensorProto_DataType_Name(onnx::TensorProto_DataType(dataType));
  return "data type " + std::to_string(dataType);
}

/// Bytes of one element in raw data, 0 for types that are not read.
static unsigned elementBytes(int dataType) {
  switch (dataType) {
  case TensorProto::INT8:
  case TensorProto::UINT8:
  case TensorProto::BOOL:
    return 1;
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 4;
  case TensorProto::INT64:
  case TensorProto::UINT64:
  case TensorProto::DOUBLE:
    return 8;
  default:
    return 0;
  }
}

static std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : enumerate(shape))
    text += (i ? "," : "") + std::to_string(size);
  return text + "]";
}

namespace {
/// Decodes one TensorProto.
class Decoder {
public:
  Decoder(const TensorProto &proto, StringRef what, StringRef folder, RefuseFn refuse)
      : proto(proto), what(what), folder(folder), refuseFn(refuse) {}

  Constant decode() {
    result->name = proto.name();
    result->shape.assign(proto.dims().begin(), proto.dims().end());
    result->dataType = proto.data_type();
    count = countElements(result->shape);
    unsigned bytes = elementBytes(proto.data_type());
    if (count < 0)
      return refuse(diag::TooLarge, "dimensions " + describeShape(result->shape) +
                                        " are negative, more than 16, or give more than " +
                                        Twine(kMaxElements) + " elements");
    if (!bytes)
      return refuse(diag::BadTensorData,
                    "holds " + dataTypeName(proto.data_type()) +
                        " values, which are not supported (float, float16, bfloat16, double, bool "
                        "and integers are)");
    if (proto.has_segment())
      return refuse(diag::BadTensorData, "is stored in segments, which are not supported");
    result->isReal = proto.data_type() == TensorProto::FLOAT ||
                     proto.data_type() == TensorProto::FLOAT16 ||
                     proto.data_type() == TensorProto::BFLOAT16 ||
                     proto.data_type() == TensorProto::DOUBLE;
    bool good = proto.data_location() == TensorProto::EXTERNAL ? readExternal(bytes)
                : proto.has_raw_data() ? readRaw(proto.raw_data(), "raw_data", bytes)
                                       : readFields();
    if (!good || !checkFinite())
      return nullptr;
    return result;
  }

private:
  Constant refuse(const char *id, const Twine &message) {
    refuseFn(id, what + Twine(" ") + message);
    return nullptr;
  }
  bool fail(const char *id, const Twine &message) { return refuse(id, message), false; }

  bool readRaw(StringRef data, StringRef source, unsigned bytes);
  bool readFields();
  bool readExternal(unsigned bytes);
  void addReal(double value);
  bool addInteger(int64_t value);
  bool checkFinite();
  template <typename Field>
  bool readField(const Field &field, StringRef name);

  const TensorProto &proto;
  StringRef what, folder;
  RefuseFn refuseFn;
  int64_t count = 0;
  std::shared_ptr<ConstantTensor> result = std::make_shared<ConstantTensor>();
};
} // namespace

/// The f32 value of the 16 bits of an IEEE half.
static float halfToFloat(uint16_t bits) {
  return APFloat(APFloat::IEEEhalf(), APInt(16, bits)).convertToFloat();
}

/// The f32 value whose upper half are the 16 bits of a bfloat16.
static float bfloatToFloat(uint16_t bits) { return bit_cast<float>(uint32_t(bits) << 16); }

void Decoder::addReal(double value) {
  float narrowed = float(value);
  result->isRounded |= !std::isnan(value) && double(narrowed) != value;
  result->reals.push_back(narrowed);
}

bool Decoder::addInteger(int64_t value) {
  if (auto range = integerRange(proto.data_type()))
    if (value < range->first || value > range->second)
      return fail(diag::BadTensorData, "holds " + Twine(value) + ", outside the range of " +
                                           dataTypeName(proto.data_type()));
  // -2^63 occurs as "from the very start" in slices; that value means the batch size here.
  result->integers.push_back(value == kBatch ? kBatch + 1 : value);
  return true;
}

bool Decoder::readRaw(StringRef data, StringRef source, unsigned bytes) {
  if (data.size() != uint64_t(count) * bytes)
    return fail(diag::BadTensorData, source + Twine(" has ") + Twine(uint64_t(data.size())) +
                                         " bytes, but dimensions " + describeShape(result->shape) +
                                         " of " + dataTypeName(proto.data_type()) + " need " +
                                         Twine(uint64_t(count) * bytes));
  result->isReal ? result->reals.reserve(count) : result->integers.reserve(count);
  for (const char *p = data.begin(); p != data.end(); p += bytes) {
    using namespace support::endian;
    bool good = true;
    switch (proto.data_type()) {
    case TensorProto::FLOAT:
      result->reals.push_back(bit_cast<float>(read32le(p)));
      break;
    case TensorProto::FLOAT16:
      result->reals.push_back(halfToFloat(read16le(p)));
      break;
    case TensorProto::BFLOAT16:
      result->reals.push_back(bfloatToFloat(read16le(p)));
      break;
    case TensorProto::DOUBLE:
      addReal(bit_cast<double>(read64le(p)));
      break;
    case TensorProto::INT8:
      good = addInteger(int8_t(*p));
      break;
    case TensorProto::UINT8:
    case TensorProto::BOOL:
      good = addInteger(uint8_t(*p));
      break;
    case TensorProto::INT16:
      good = addInteger(int16_t(read16le(p)));
      break;
    case TensorProto::UINT16:
      good = addInteger(read16le(p));
      break;
    case TensorProto::INT32:
      good = addInteger(int32_t(read32le(p)));
      break;
    case TensorProto::UINT32:
      good = addInteger(read32le(p));
      break;
    default: // INT64, UINT64: above 2^63 reads as negative, refused by every user
      good = addInteger(int64_t(read64le(p)));
    }
    if (!good)
      return false;
  }
  return true;
}

template <typename Field>
bool Decoder::readField(const Field &field, StringRef name) {
  if (field.size() != count)
    return fail(diag::BadTensorData, name + Twine(" has ") + Twine(field.size()) +
                                         " values, but dimensions " + describeShape(result->shape) +
                                         " need " + Twine(count));
  result->isReal ? result->reals.reserve(count) : result->integers.reserve(count);
  for (auto value : field) {
    bool half = proto.data_type() == TensorProto::FLOAT16;
    if (half || proto.data_type() == TensorProto::BFLOAT16)
      result->reals.push_back(half ? halfToFloat(uint16_t(value)) : bfloatToFloat(uint16_t(value)));
    else if (result->isReal)
      addReal(double(value));
    else if (!addInteger(int64_t(value)))
      return false;
  }
  return true;
}

bool Decoder::readFields() {
  switch (proto.data_type()) {
  case TensorProto::FLOAT:
    return readField(proto.float_data(), "float_data");
  case TensorProto::DOUBLE:
    return readField(proto.double_data(), "double_data");
  case TensorProto::INT64:
    return readField(proto.int64_data(), "int64_data");
  case TensorProto::UINT32:
  case TensorProto::UINT64:
    return readField(proto.uint64_data(), "uint64_data");
  default:
    return readField(proto.int32_data(), "int32_data");
  }
}

bool Decoder::readExternal(unsigned bytes) {
  StringRef location;
  uint64_t offset = 0, expected = uint64_t(count) * bytes, length = expected;
  for (const onnx::StringStringEntryProto &entry : proto.external_data()) {
    StringRef value = entry.value();
    bool good = true;
    if (entry.key() == "location")
      location = value;
    else if (entry.key() == "offset")
      good = !value.getAsInteger(10, offset);
    else if (entry.key() == "length")
      good = !value.getAsInteger(10, length);
    if (!good)
      return fail(diag::ExternalData,
                  "external data " + entry.key() + " '" + value + "' is not a number");
  }
  bool leaves = location.empty() || sys::path::is_absolute(location) || location.contains('\0');
  for (auto part = sys::path::begin(location), end = sys::path::end(location); part != end; ++part)
    leaves |= *part == "..";
  SmallString<256> path(folder), realFolder, realPath;
  sys::path::append(path, location);
  if (leaves)
    return fail(diag::ExternalData,
                "external data location '" + location + "' leaves the folder of the model");
  sys::fs::file_status status;
  if (sys::fs::real_path(folder.empty() ? "." : folder, realFolder) ||
      sys::fs::real_path(path, realPath) || sys::fs::status(realPath, status) ||
      status.type() != sys::fs::file_type::regular_file)
    return fail(diag::ExternalData, "external data file '" + location + "' cannot be read");
  if (realFolder != "/")
    realFolder += "/";
  if (!StringRef(realPath).starts_with(realFolder))
    return fail(diag::ExternalData, "external data location '" + location +
                                        "' is a link that leaves the folder of the model");
  if (length != expected)
    return fail(diag::ExternalData, "external data have length " + Twine(length) +
                                        ", but dimensions " + describeShape(result->shape) +
                                        " need " + Twine(expected));
  if (offset > status.getSize() || length > status.getSize() - offset)
    return fail(diag::ExternalData, "external data file '" + location + "' has " +
                                        Twine(status.getSize()) + " bytes, too few for " +
                                        Twine(length) + " at offset " + Twine(offset));
  if (!length)
    return readRaw("", "external data", bytes);
  auto buffer = MemoryBuffer::getFileSlice(realPath, length, offset);
  if (!buffer)
    return fail(diag::ExternalData, "external data file '" + location + "' cannot be read");
  return readRaw((*buffer)->getBuffer(), "external data", bytes);
}

bool Decoder::checkFinite() {
  for (auto [index, value] : enumerate(result->reals))
    if (!std::isfinite(value))
      return fail(diag::NotFinite, "holds " + Twine(std::isnan(value) ? "NaN" : "infinity") +
                                       " at element " + Twine(index) + " of " + Twine(count));
  return true;
}

Constant decodeTensor(const TensorProto &tensor, StringRef what, StringRef folder,
                      RefuseFn refuse) {
  return Decoder(tensor, what, folder, refuse).decode();
}

} // namespace fhe::import
