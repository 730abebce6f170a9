//===- buffer.cpp - Aligned memory on huge pages ---------------------------------------------===//
#include "runtime/tfhe/buffer.h"

#include <cstdlib>
#include <cstring>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace fhe::tfhe {

static constexpr size_t hugePage = size_t(2) << 20;

void *allocateAligned(size_t bytes) noexcept {
  if (bytes == 0 || bytes > SIZE_MAX - hugePage)
    return nullptr;
  size_t alignment = bytes >= hugePage / 2 ? hugePage : bufferAlignment;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void *data = std::aligned_alloc(alignment, rounded);
  if (!data)
    return nullptr;
#ifdef MADV_HUGEPAGE
  // A hint: where it is refused the pages are small and only speed suffers.
  if (alignment == hugePage)
    (void)madvise(data, rounded, MADV_HUGEPAGE);
#endif
  std::memset(data, 0, rounded);
  return data;
}

void freeAligned(void *data) noexcept { std::free(data); }

} // namespace fhe::tfhe
