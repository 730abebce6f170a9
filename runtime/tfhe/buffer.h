//===- buffer.h - Memory for keys, ciphertexts and scratch -----------------------------------===//
//
// Owning arrays of trivial elements, aligned to cache lines; those of at least 1 MiB are rounded up
// to 2 MiB and asked to lie on huge pages, because TLB misses bound key streams otherwise.
// Kernels never allocate: their callers own AlignedBuffers and pass spans.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_BUFFER_H
#define FHE_RUNTIME_TFHE_BUFFER_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace fhe::tfhe {

/// Alignment of every buffer and of every scratch region a kernel is given, in bytes.
inline constexpr size_t bufferAlignment = 64;

/// Zero-filled memory of `bytes` bytes. Null when the machine has not so much (or bytes is 0).
void *allocateAligned(size_t bytes) noexcept;
void freeAligned(void *data) noexcept;

/// An owning, zero-initialised array of trivial elements. Movable, not copyable.
template <class T>
class AlignedBuffer {
public:
  AlignedBuffer() = default;
  /// Check `ok()` afterwards: an allocation that fails leaves an empty buffer.
  explicit AlignedBuffer(size_t count) {
    if (count <= SIZE_MAX / sizeof(T))
      pointer = static_cast<T *>(allocateAligned(count * sizeof(T)));
    length = pointer ? count : 0;
    failed = count != 0 && !pointer;
  }
  ~AlignedBuffer() { freeAligned(pointer); }
  AlignedBuffer(AlignedBuffer &&other) noexcept
      : pointer(std::exchange(other.pointer, nullptr)), length(std::exchange(other.length, 0)),
        failed(std::exchange(other.failed, false)) {}
  AlignedBuffer &operator=(AlignedBuffer &&other) noexcept {
    std::swap(pointer, other.pointer);
    std::swap(length, other.length);
    std::swap(failed, other.failed);
    return *this;
  }

  /// False when the allocation asked for could not be had.
  bool ok() const { return !failed; }
  T *data() { return pointer; }
  const T *data() const { return pointer; }
  size_t size() const { return length; }
  T &operator[](size_t i) { return pointer[i]; }
  const T &operator[](size_t i) const { return pointer[i]; }
  std::span<T> span() { return {pointer, length}; }
  std::span<const T> span() const { return {pointer, length}; }
  T *begin() { return pointer; }
  T *end() { return pointer + length; }
  const T *begin() const { return pointer; }
  const T *end() const { return pointer + length; }

private:
  T *pointer = nullptr;
  size_t length = 0;
  bool failed = false;
};

/// Working memory of one kernel call: aligned to `bufferAlignment`, at least as large as the
/// kernel's `...ScratchBytes` says, used by one thread at a time. Contents before and after are
/// meaningless.
using Scratch = std::span<std::byte>;

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_BUFFER_H
