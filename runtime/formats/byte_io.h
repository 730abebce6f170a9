//===- byte_io.h - Bounded little-endian reading and writing ------------------------------===//
//
// The reader knows how many bytes there are in all; it checks every length against what is left
// before anything is allocated, and `finish` refuses trailing bytes. Hosts are little-endian, which
// is checked at compile time.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_FORMATS_BYTE_IO_H
#define FHE_RUNTIME_FORMATS_BYTE_IO_H

#include "runtime/formats/error.h"

#include <bit>
#include <span>
#include <type_traits>

namespace fhe::runtime {

static_assert(std::endian::native == std::endian::little, "files are written in host order");

class ByteReader {
public:
  ByteReader(fhe_read_fn read, void *state, uint64_t bytes)
      : callback(read), state(state), left(bytes) {}

  uint64_t remaining() const { return left; }
  void bytes(void *data, uint64_t count);

  template <class T>
  T value() {
    static_assert(std::is_trivially_copyable_v<T>);
    T result;
    bytes(&result, sizeof(T));
    return result;
  }
  template <class T>
  void values(std::span<T> data) {
    bytes(data.data(), data.size_bytes());
  }
  /// A string of at most `limit` bytes, its length first (32 bits).
  std::string text(uint32_t limit);
  /// Throws unless `count` elements of `elementBytes` are left.
  void expect(uint64_t count, uint64_t elementBytes, const char *what) const;
  /// Throws if bytes are left.
  void finish() const;

private:
  fhe_read_fn callback;
  void *state;
  uint64_t left;
};

/// Writes through a callback, or only counts when there is none.
class ByteWriter {
public:
  ByteWriter() = default;
  ByteWriter(fhe_write_fn write, void *state) : callback(write), state(state) {}

  uint64_t written() const { return count; }
  void bytes(const void *data, uint64_t size);

  template <class T>
  void value(const T &data) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes(&data, sizeof(T));
  }
  template <class T>
  void values(std::span<const T> data) {
    bytes(data.data(), data.size_bytes());
  }
  void text(const std::string &data);

private:
  fhe_write_fn callback = nullptr;
  void *state = nullptr;
  uint64_t count = 0;
};

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_BYTE_IO_H
