//===- buffer_test.cpp - Memory of keys: huge pages where there are any ----------------------===//
#include "runtime/tfhe/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace fhe::tfhe::test {
namespace {

constexpr size_t large = size_t(64) << 20;

bool isZeroAndWritable(AlignedBuffer<uint64_t> &buffer) {
  const bool zero = std::all_of(buffer.begin(), buffer.end(), [](uint64_t w) { return w == 0; });
  std::fill(buffer.begin(), buffer.end(), uint64_t(1));
  return zero && buffer[buffer.size() - 1] == 1;
}

TEST(AlignedBuffer, IsAlignedAndZeroInEverySize) {
  for (size_t bytes : {size_t(8), size_t(64), size_t(1) << 20, (size_t(1) << 20) + 8, large}) {
    AlignedBuffer<uint64_t> buffer(bytes / 8);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(buffer.size(), bytes / 8);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % bufferAlignment, 0u);
    EXPECT_TRUE(isZeroAndWritable(buffer)) << bytes;
  }
}

TEST(AlignedBuffer, SaysThatThereIsNoMemory) {
  AlignedBuffer<uint64_t> buffer(SIZE_MAX / 8);
  EXPECT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.size(), 0u);
}

#ifdef PR_SET_THP_DISABLE

/// Bytes on huge pages of the mapping that holds `data`, as the kernel tells.
uint64_t hugePageBytes(const void *data) {
  std::ifstream file("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(file, line)) {
    uint64_t begin, end, kibibytes;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &begin, &end) == 2)
      inside = uint64_t(data) >= begin && uint64_t(data) < end;
    else if (inside && std::sscanf(line.c_str(), "AnonHugePages: %" SCNu64, &kibibytes) == 1)
      return kibibytes << 10;
  }
  return 0;
}

TEST(AlignedBuffer, LiesOnHugePages) {
  std::ifstream setting("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string modes;
  if (!std::getline(setting, modes) || modes.find("[never]") != std::string::npos)
    GTEST_SKIP() << "this system gives no huge pages";
  AlignedBuffer<uint64_t> buffer(large / 8);
  ASSERT_TRUE(buffer.ok());
  // How many depends on how scattered the free memory is.
  EXPECT_GT(hugePageBytes(buffer.data()), 0u);
}

TEST(AlignedBuffer, IsTheSameWithoutHugePages) {
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  AlignedBuffer<uint64_t> buffer(large / 8);
  EXPECT_TRUE(buffer.ok());
  EXPECT_EQ(hugePageBytes(buffer.data()), 0u);
  EXPECT_TRUE(isZeroAndWritable(buffer));
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
}

#endif

} // namespace
} // namespace fhe::tfhe::test
