//===- replay_main.cpp - A fuzz target on given files ---------------------------===//
//
// For builds without libFuzzer: runs the target once on each file named, and on
// each file of a folder named.
//
//===---------------------------------------------------------------------------===//
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replay(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) {
    std::fprintf(stderr, "%s cannot be read\n", path.c_str());
    return 0;
  }
  std::fprintf(stderr, "%s\n", path.c_str()); // the last one shown is the one that ends the process
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  return 1;
}

int main(int argc, char **argv) {
  unsigned files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files += replay(argv[i]);
      continue;
    }
    for (const auto &entry : std::filesystem::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file())
        files += replay(entry.path());
  }
  std::printf("%u files\n", files);
  return files ? 0 : 1;
}
