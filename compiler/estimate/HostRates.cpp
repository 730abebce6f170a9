//===- HostRates.cpp - Rates of the machine this runs on --------------------------------------===//
#include "compiler/estimate/HostRates.h"
#include "runtime/tfhe/isa/isa.h"
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <unistd.h>

namespace fhe::estimate {

namespace fs = std::filesystem;

/// What the system calls the processor, and how many there are.
static std::string processorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0)
      if (size_t colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "processor";
}

/// FNV-1a (Fowler, Noll, Vo), as hexadecimal digits.
static std::string hashOf(const std::string &text) {
  uint64_t hash = 0xCBF29CE484222325;
  for (unsigned char c : text)
    hash = (hash ^ c) * 0x100000001B3;
  char digits[20];
  std::snprintf(digits, sizeof digits, "%016llx", (unsigned long long)hash);
  return digits;
}

std::string hostRatesFile() {
  // The committed rates are in the key: what was scaled from others is no good.
  std::string key = processorName() + "|" + std::to_string(std::thread::hardware_concurrency()) +
                    "|" + ::fhe::tfhe::name(::fhe::tfhe::activeIsa()) + "|" FHE_VERSION_TEXT "|" +
                    toJson(parameters::committedRates());
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  fs::path folder;
  if (cache && *cache == '/') // the specification: a relative path is to be ignored
    folder = cache;
  else if (home && *home)
    folder = fs::path(home) / ".cache";
  else
    return "";
  return (folder / "fhe-compile" / ("kernel-rates-" + hashOf(key) + ".json")).string();
}

static std::optional<KernelRates> readRates(const std::string &path, std::string &error) {
  constexpr std::streamsize most = 1 << 16;
  std::error_code code;
  std::ifstream file;
  if (fs::is_regular_file(path, code))
    file.open(path, std::ios::binary);
  if (!file.is_open()) {
    error = "cannot be read";
    return std::nullopt;
  }
  std::string text(size_t(most) + 1, '\0');
  file.read(text.data(), most + 1);
  text.resize(size_t(file.gcount()));
  if (std::streamsize(text.size()) > most) {
    error = "is too large for a file of kernel rates";
    return std::nullopt;
  }
  return ratesFromJson(text, error);
}

/// Written beside and renamed: another process sees all of it or nothing. Failure is no error.
static void writeRates(const std::string &path, const KernelRates &rates) {
  std::error_code code;
  fs::create_directories(fs::path(path).parent_path(), code);
  std::string temporary = path + "." + std::to_string(getpid());
  bool written = bool(std::ofstream(temporary, std::ios::binary) << toJson(rates) << std::flush);
  if (written)
    fs::rename(temporary, path, code);
  if (!written || code)
    fs::remove(temporary, code);
}

NamedRates hostRates() {
  std::string path = hostRatesFile(), ignored;
  std::string machine = processorName() + ", " + ::fhe::tfhe::name(::fhe::tfhe::activeIsa());
  if (!path.empty())
    if (auto cached = readRates(path, ignored))
      return {*cached, "this machine (" + machine + "), measured before"};
  std::optional<KernelRates> measured = scaleRates(parameters::committedRates());
  if (!measured)
    return {parameters::committedRates(), "committed (no memory to measure this machine)"};
  if (!path.empty())
    writeRates(path, *measured);
  return {*measured, "this machine (" + machine + "), measured now"};
}

std::optional<NamedRates> ratesOf(const std::string &asked, std::string &error) {
  if (asked.empty() || asked == "host")
    return hostRates();
  if (asked == "committed")
    return NamedRates{parameters::committedRates(), "committed"};
  std::optional<KernelRates> rates = readRates(asked, error);
  if (!rates)
    return std::nullopt;
  return NamedRates{*rates, asked};
}

} // namespace fhe::estimate
