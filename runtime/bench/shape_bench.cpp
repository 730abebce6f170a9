//===- shape_bench.cpp - Times behind the rates of the compiler's cost model -----------------===//
//
// One step of a blind rotation over the shapes a parameter set may have, and keyswitches with 64-
// and 32-bit keys; batched, one thread, minimum of processor time. passes/parameters/KernelCost.cpp
// holds the rates that were fitted to these figures.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>
#include <random>
#include <vector>

using namespace fhe::tfhe;

namespace {

std::mt19937_64 engine(12345);

void randomize(std::vector<uint64_t> &words) {
  for (uint64_t &word : words)
    word = engine();
}

double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

/// The shortest of at least four runs in at least `duration` seconds.
template <class F> double shortest(double duration, F f) {
  double least = std::numeric_limits<double>::infinity();
  const double start = seconds();
  for (int runs = 0; runs < 4 || seconds() - start < duration; ++runs) {
    const double from = seconds();
    f();
    least = std::min(least, seconds() - from);
  }
  return least;
}

void benchCmux(uint32_t k, uint32_t log2N, uint32_t levels) {
  const GlweKey glwe{k, log2N, -50};
  const Decomposition digits{levels == 1 ? 22u : 30 / levels, levels};
  // As many elements as it takes to exceed the caches, at most those of a usual key.
  const size_t words = BootstrapKey::elementWords(glwe, digits);
  const uint32_t n = uint32_t(std::clamp<size_t>((size_t(96) << 20) / (words * 8), 24, 600));
  FourierBootstrapKey key(n, glwe, digits);
  if (!key.ok()) {
    std::printf("not enough memory\n");
    return;
  }
  std::vector<uint64_t> element(words);
  randomize(element);
  AlignedBuffer<std::byte> conversion(key.conversionScratchBytes());
  for (uint32_t i = 0; i < n; ++i)
    key.setElement(i, element, conversion.span());
  const uint32_t batch = bootstrapBatch(glwe, digits);
  std::vector<uint64_t> in(size_t(batch) * (n + 1)), out(batch * glwe.lweWords()),
      table(glwe.polynomialSize());
  randomize(in);
  randomize(table);
  AlignedBuffer<std::byte> scratch(bootstrapScratchBytes(n, glwe, digits));
  const double time = shortest(0.4, [&] {
    bootstrap(key, in.data(), batch, table.data(), nullptr, out.data(), scratch.span());
  });
  std::printf("step  k=%u N=%-6u levels=%u  %9.3f us\n", k, glwe.polynomialSize(), levels,
              time / batch / n * 1e6);
}

void benchKeyswitch(uint32_t in, uint32_t out, Decomposition digits, uint32_t wordBits) {
  const KeyswitchShape shape(in, out, digits, wordBits);
  LweKeyswitchKey key(shape);
  if (!key.ok()) {
    std::printf("not enough memory\n");
    return;
  }
  std::vector<uint64_t> rows(LweKeyswitchKey::coefficientGroup * shape.coefficientWords());
  randomize(rows);
  for (uint32_t i = 0; i < in; i += LweKeyswitchKey::coefficientGroup)
    key.setCoefficients(i, rows);
  const size_t count = 64;
  std::vector<uint64_t> from(count * (in + 1)), to(count * shape.words());
  randomize(from);
  AlignedBuffer<std::byte> scratch(keyswitchScratchBytes(shape));
  const double time = shortest(
      0.3, [&] { keyswitch(key, from.data(), count, to.data(), scratch.span()); });
  std::printf("keyswitch  %u to %u, levels=%u base=2^%u, %u bits  %8.4f ms, %6.2f ps a product\n",
              in, out, digits.levels, digits.baseLog, wordBits, time / count * 1e3,
              time / count / (double(in) * digits.levels * (out + 1)) * 1e12);
}

} // namespace

int main() {
  const uint32_t steps[][3] = {{6, 8, 1},  {1, 9, 1},  {3, 9, 2},  {4, 9, 1},  {4, 9, 2},
                               {2, 10, 1}, {2, 10, 2}, {1, 11, 1}, {1, 11, 2}, {1, 11, 3},
                               {2, 11, 1}, {3, 11, 1}, {1, 12, 1}, {1, 12, 2}, {2, 12, 1},
                               {1, 13, 1}, {1, 13, 2}, {1, 13, 3}, {1, 14, 1}, {1, 14, 2},
                               {1, 14, 3}, {1, 15, 2}, {1, 15, 3}, {1, 16, 2}};
  for (const auto &step : steps)
    benchCmux(step[0], step[1], step[2]);
  for (uint32_t bits : {64, 32}) {
    benchKeyswitch(1536, 720, {4, 3}, bits);
    benchKeyswitch(2048, 800, {3, 5}, bits);
    benchKeyswitch(2048, 880, {2, 8}, bits);
    benchKeyswitch(4096, 860, {3, 5}, bits);
    benchKeyswitch(8192, 900, {3, 6}, bits);
    benchKeyswitch(16384, 960, {3, 6}, bits);
  }
  return 0;
}
