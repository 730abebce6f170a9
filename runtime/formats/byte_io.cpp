//===- byte_io.cpp - Bounded little-endian reading and writing ----------------------------===//
#include "runtime/formats/byte_io.h"

#include <algorithm>

namespace fhe::runtime {

void ByteReader::bytes(void *data, uint64_t count) {
  if (count > left)
    throw Failure(FHE_INVALID_DATA, "the data ends too early: " + std::to_string(count) +
                                        " more bytes expected, " + std::to_string(left) + " left");
  if (count == 0)
    return;
  if (callback(state, data, size_t(count)) != 0)
    throw Failure(FHE_IO, "the read callback failed");
  left -= count;
}

std::string ByteReader::text(uint32_t limit) {
  uint32_t size = value<uint32_t>();
  if (size > limit || size > left)
    throw Failure(FHE_INVALID_DATA, "a name of " + std::to_string(size) + " bytes, at most " +
                                        std::to_string(std::min<uint64_t>(limit, left)) +
                                        " are possible");
  std::string result(size, '\0');
  bytes(result.data(), size);
  if (result.find('\0') != std::string::npos)
    throw Failure(FHE_INVALID_DATA, "a name holds a zero byte");
  return result;
}

void ByteReader::expect(uint64_t count, uint64_t elementBytes, const char *what) const {
  if (elementBytes != 0 && count > left / elementBytes)
    throw Failure(FHE_INVALID_DATA, std::string(what) + ": " + std::to_string(count) +
                                        " values of " + std::to_string(elementBytes) +
                                        " bytes expected, only " + std::to_string(left) +
                                        " bytes left");
}

void ByteReader::finish() const {
  if (left != 0)
    throw Failure(FHE_INVALID_DATA, std::to_string(left) + " bytes too many at the end");
}

void ByteWriter::bytes(const void *data, uint64_t size) {
  if (callback && size != 0 && callback(state, data, size_t(size)) != 0)
    throw Failure(FHE_IO, "the write callback failed");
  count += size;
}

void ByteWriter::text(const std::string &data) {
  value(uint32_t(data.size()));
  bytes(data.data(), data.size());
}

} // namespace fhe::runtime
