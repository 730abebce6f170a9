//===- kernel_bench.cpp - Times of the TFHE kernels, one thread ------------------------------===//
//
// Prints the minimum and median processor time of each kernel: FFT, keyswitch, bootstrap (batch of
// one and full batches), linear layer, and key generation. Keys hold random words: no kernel's time
// depends on their values. The instruction set is the best there is, or FHE_ISA. Usage:
// fhe_kernel_bench [SET...] where SET is one of the names that `--sets` prints; default: those up
// to N = 4096. `linear`: linear layers only, `fft`: transforms only. FFTs and bootstraps also show
// their share of the core's peak rate of fused multiply-adds, measured in the same run, counting
// 5 M log2 M operations a complex transform of M points and 8 a complex multiply-add.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/client/key_generation.h"
#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/linear.h"
#include "runtime/tfhe/named_sets.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>
#include <vector>

using namespace fhe::tfhe;

namespace {

std::mt19937_64 engine(12345);

void randomize(std::span<uint64_t> words) {
  for (uint64_t &word : words)
    word = engine();
}

/// Processor time of this thread, so that what else runs on the machine disturbs less.
double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

#if defined(__x86_64__)
/// Seconds of 12 chains of fused multiply-adds, `count` long, on vectors of 8 and of 4 doubles:
/// more chains than the latency of 4 times two units.
__attribute__((target("avx512f"))) double chains512(int count) {
  __m512d a[12] = {}, b{};
  const double from = seconds();
  for (int i = 0; i < count; ++i)
#pragma GCC unroll 12
    for (__m512d &x : a)
      asm volatile("vfmadd231pd %1, %1, %0" : "+v"(x) : "v"(b));
  return seconds() - from;
}

__attribute__((target("avx2,fma"))) double chains256(int count) {
  __m256d a[12] = {}, b{};
  const double from = seconds();
  for (int i = 0; i < count; ++i)
#pragma GCC unroll 12
    for (__m256d &x : a)
      asm volatile("vfmadd231pd %1, %1, %0" : "+v"(x) : "v"(b));
  return seconds() - from;
}
#endif

/// Floating-point operations a second of this core at its best: the largest of short loops, one
/// before each line that is printed. 0 without vector instructions.
double peak() {
  static double best = 0;
#if defined(__x86_64__)
  const int count = 20000;
  if (activeIsa() == Isa::avx512)
    best = std::max(best, 12.0 * count * 16 / chains512(count));
  else if (activeIsa() == Isa::avx2)
    best = std::max(best, 12.0 * count * 8 / chains256(count));
#endif
  return best;
}

/// Operations of a complex FFT of N/2 points, counted as usual, whatever the kernel does.
double fftOperations(uint32_t log2N) { return 5 * std::ldexp(log2N - 1, int(log2N) - 1); }

/// The same of a whole bootstrap: transforms of the digits and back, complex multiply-adds.
double bootstrapOperations(const ParameterSet &set) {
  const double rows = set.bootstrap.levels * (set.glwe.k + 1.0), columns = set.glwe.k + 1.0;
  return set.lwe.dimension * ((rows + columns) * fftOperations(set.glwe.log2N) +
                              8 * rows * columns * set.glwe.polynomialSize() / 2);
}

/// Runs `f` for at least `duration` seconds and five times; prints the time of one of `per` parts,
/// and the share of the peak at which it does `operations`.
template <class F>
void time(const char *what, double duration, double per, F f, double operations = 0) {
  const double best = peak();
  std::vector<double> times;
  const double start = seconds();
  f();
  do {
    const double from = seconds();
    f();
    times.push_back((seconds() - from) / per);
  } while (times.size() < 5 || seconds() - start < duration);
  std::sort(times.begin(), times.end());
  const double low = times.front(), middle = times[times.size() / 2];
  const bool small = low < 1e-4;
  std::printf("  %-42s min %9.3f  median %9.3f %s\n", what, low * (small ? 1e6 : 1e3),
              middle * (small ? 1e6 : 1e3), small ? "us" : "ms");
  if (operations > 0 && best > 0)
    std::printf("  %-42s     %9.1f %% of %.1f Gflop/s\n", "", 100 * operations / low / best,
                best * 1e-9);
}

void benchFft() {
  std::printf("negacyclic FFT, with conversions\n");
  const KernelTable &table = kernelTable(activeIsa());
  for (uint32_t log2N = 8; log2N <= 16; ++log2N) {
    const FftPlan &plan = fftPlan(activeIsa(), log2N);
    AlignedBuffer<uint64_t> words(plan.polynomialSize());
    AlignedBuffer<double> values(plan.polynomialSize());
    randomize(words.span());
    const int repeat = 1 << (18 - log2N);
    char what[64];
    std::snprintf(what, sizeof what, "forward N=%u", plan.polynomialSize());
    time(what, 0.1, repeat, [&] {
      for (int i = 0; i < repeat; ++i)
        table.forward(plan, words.data(), values.data());
    }, fftOperations(log2N));
    std::snprintf(what, sizeof what, "inverse and add N=%u", plan.polynomialSize());
    // Zeros stay zeros under the in-place inverse; its time does not depend on the values.
    std::fill(values.begin(), values.end(), 0.0);
    time(what, 0.1, repeat, [&] {
      for (int i = 0; i < repeat; ++i)
        table.inverseAdd(plan, values.data(), words.data());
    }, fftOperations(log2N));
  }
}

/// What one thread needs to make the two keys and convert one of them.
void benchKeyGeneration(const ParameterSet &set, FourierBootstrapKey &key) {
  const uint32_t n = set.lwe.dimension, kn = set.glwe.lweDimension();
  Seed secret(std::array<uint8_t, 16>{1}), mask(std::array<uint8_t, 16>{2});
  LweSecretKey small(n, secret, 0);
  GlweSecretKey big(set.glwe.k, set.glwe.log2N, secret, 1);
  const KeySeeds seeds{mask, secret, 0};
  std::vector<uint64_t> element(BootstrapKey::elementWords(set.glwe, set.bootstrap));
  AlignedBuffer<std::byte> generation(bootstrapGenerationScratchBytes(set.glwe));
  AlignedBuffer<std::byte> conversion(key.conversionScratchBytes());
  const uint32_t elements = 8, coefficients = 64;
  const KeyswitchShape shape(set);
  std::vector<uint64_t> rows(coefficients * shape.coefficientWords());
  time("making the bootstrap key, in all", 0.2, double(elements) / n, [&] {
    for (uint32_t i = 0; i < elements; ++i)
      generateBootstrapElement(set.glwe, set.bootstrap, small, big, seeds, i, element.data(),
                               generation.span());
  });
  time("converting the bootstrap key, in all", 0.2, double(elements) / n, [&] {
    for (uint32_t i = 0; i < elements; ++i)
      key.setElement(i, element, conversion.span());
  });
  time("making the keyswitch key, in all", 0.2, double(coefficients) / kn, [&] {
    generateKeyswitchRows(shape, big.flat(), small, set.lwe.log2Std, seeds, 0, coefficients,
                          rows.data());
  });
}

/// A keyswitch key of random words.
LweKeyswitchKey randomSwitchKey(const KeyswitchShape &shape) {
  LweKeyswitchKey key(shape);
  std::vector<uint64_t> rows(LweKeyswitchKey::coefficientGroup * shape.coefficientWords());
  randomize(rows);
  for (uint32_t i = 0; key.ok() && i < shape.inputDimension; i += LweKeyswitchKey::coefficientGroup)
    key.setCoefficients(i, rows);
  return key;
}

void benchKeyswitch(const ParameterSet &set, uint32_t wordBits) {
  KeyswitchShape shape(set);
  shape.wordBits = wordBits;
  LweKeyswitchKey key = randomSwitchKey(shape);
  if (!key.ok()) {
    std::printf("  not enough memory\n");
    return;
  }
  const size_t most = 64;
  std::vector<uint64_t> in(most * set.glwe.lweWords()), out(most * shape.words());
  randomize(in);
  AlignedBuffer<std::byte> scratch(keyswitchScratchBytes(shape));
  for (size_t count : {size_t(1), size_t(4), size_t(16), size_t(32), most}) {
    char what[64];
    std::snprintf(what, sizeof what, "keyswitch, %u-bit key, batch of %zu, each", wordBits, count);
    time(what, 0.2, double(count),
         [&] { keyswitch(key, in.data(), count, out.data(), scratch.span()); });
  }
}

void benchSet(const NamedSet &named) {
  const ParameterSet &set = named.set;
  const uint32_t n = set.lwe.dimension;
  std::printf("set %s: n=%u k=%u N=%u l=%u b=%u, keyswitch l=%u b=%u\n", named.name, n, set.glwe.k,
              set.glwe.polynomialSize(), set.bootstrap.levels, set.bootstrap.baseLog,
              set.keyswitch.levels, set.keyswitch.baseLog);
  const LweKeyswitchKey switchKey = randomSwitchKey(KeyswitchShape(set));
  FourierBootstrapKey key(n, set.glwe, set.bootstrap);
  if (!switchKey.ok() || !key.ok()) {
    std::printf("  not enough memory\n");
    return;
  }
  benchKeyGeneration(set, key);
  std::vector<uint64_t> element(BootstrapKey::elementWords(set.glwe, set.bootstrap));
  AlignedBuffer<std::byte> conversion(key.conversionScratchBytes());
  randomize(element);
  for (uint32_t i = 0; i < n; ++i)
    key.setElement(i, element, conversion.span());

  const uint32_t batch = bootstrapBatch(set.glwe, set.bootstrap);
  const size_t count = std::max<size_t>(keyswitchBatch(), batch);
  std::vector<uint64_t> big(count * set.glwe.lweWords()), small(count * set.lwe.words());
  std::vector<uint64_t> table(set.glwe.polynomialSize());
  randomize(big);
  randomize(small);
  randomize(table);
  AlignedBuffer<std::byte> switching(keyswitchScratchBytes(switchKey.shape()));
  AlignedBuffer<std::byte> scratch(bootstrapScratchBytes(n, set.glwe, set.bootstrap));
  auto doSwitch = [&](size_t c) {
    keyswitch(switchKey, big.data(), c, small.data(), switching.span());
  };
  auto doBootstrap = [&](size_t c) {
    bootstrap(key, small.data(), c, table.data(), nullptr, big.data(), scratch.span());
  };
  for (uint32_t wordBits : {64u, 32u})
    benchKeyswitch(set, wordBits);
  time("bootstrap, one", 0.5, 1, [&] { doBootstrap(1); }, bootstrapOperations(set));
  char what[64];
  std::snprintf(what, sizeof what, "bootstrap, batch of %u, each", batch);
  time(what, 1, batch, [&] { doBootstrap(batch); }, bootstrapOperations(set));
  std::snprintf(what, sizeof what, "keyswitch and bootstrap of %zu, each", count);
  time(what, 1, double(count), [&] {
    doSwitch(count);
    doBootstrap(count);
  });
}

template <class Word>
void benchGemm(const GemmShape &shape, unsigned weightBits, unsigned zeroPercent) {
  AlignedBuffer<Word> in(shape.samples * shape.inputs * shape.words);
  AlignedBuffer<Word> out(shape.samples * shape.outputs * shape.words);
  for (Word &word : in)
    word = Word(engine());
  std::vector<int8_t> weights(shape.inputs * shape.outputs);
  for (int8_t &weight : weights)
    weight = engine() % 100 < zeroPercent
                 ? int8_t(0)
                 : int8_t(int64_t(engine() % (1u << weightBits)) - (1 << (weightBits - 1)));
  AlignedBuffer<std::byte> scratch(gemmScratchBytes(shape));
  char what[80];
  std::snprintf(what, sizeof what, "gemm %u x %u, %u-bit weights, %u %% zero, u%zu",
                unsigned(shape.inputs), unsigned(shape.outputs), weightBits, zeroPercent,
                8 * sizeof(Word));
  time(what, 0.3, 1, [&] {
    gemm(shape, in.data(), {weights.data(), 1}, out.data(), 0, gemmItems(shape), scratch.span());
  });
}

template <class Word> void benchConvolution(const char *name, const ConvolutionShape &shape) {
  AlignedBuffer<Word> in(shape.inChannels * shape.inHeight * shape.inWidth * shape.words);
  AlignedBuffer<Word> out(shape.outChannels * shape.outHeight() * shape.outWidth() * shape.words);
  for (Word &word : in)
    word = Word(engine());
  std::vector<int8_t> weights(shape.outChannels * shape.taps());
  for (int8_t &weight : weights)
    weight = int8_t(engine() % 16) - 8;
  AlignedBuffer<std::byte> scratch(convolutionScratchBytes(shape));
  char what[80];
  std::snprintf(what, sizeof what, "%s, 4-bit weights, u%zu", name, 8 * sizeof(Word));
  time(what, 0.3, 1, [&] {
    convolution(shape, in.data(), {weights.data(), 1}, out.data(), 0, convolutionItems(shape),
                scratch.span());
  });
}

void benchLinear() {
  std::printf("linear layers, 2049 words, one sample\n");
  const GemmShape goal{1, 784, 128, 2049};
  for (unsigned zeroPercent : {0u, 75u, 90u, 97u}) {
    benchGemm<uint64_t>(goal, 4, zeroPercent);
    benchGemm<uint32_t>(goal, 4, zeroPercent);
  }
  benchGemm<uint64_t>({1, 784, 64, 2049}, 3, 0);
  benchGemm<uint64_t>({1, 784, 10, 2049}, 4, 0);
  ConvolutionShape first = {.samples = 1, .inChannels = 1, .inHeight = 28, .inWidth = 28,
                            .outChannels = 8, .kernelHeight = 3, .kernelWidth = 3, .words = 2049};
  benchConvolution<uint64_t>("conv 1 -> 8, 3x3, 28x28", first);
  ConvolutionShape inner = first;
  inner.inChannels = inner.outChannels = 32;
  inner.inHeight = inner.inWidth = 14;
  inner.padTop = inner.padLeft = inner.padBottom = inner.padRight = 1;
  benchConvolution<uint64_t>("conv 32 -> 32, 3x3, 14x14", inner);
  benchConvolution<uint32_t>("conv 32 -> 32, 3x3, 14x14", inner);
  ConvolutionShape pool = inner;
  pool.groups = 32;
  benchConvolution<uint64_t>("depthwise 32, 3x3, 14x14", pool);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && std::strcmp(argv[1], "--sets") == 0) {
    for (const NamedSet &set : namedSets())
      std::printf("%s\n", set.name);
    return 0;
  }
  if (std::string diagnostic = isaDiagnostic(); !diagnostic.empty())
    std::fprintf(stderr, "%s\n", diagnostic.c_str());
  std::printf("instruction set: %s\n", name(activeIsa()));
  if (argc == 1) {
    benchFft();
    benchLinear();
  }
  if (argc == 2 && std::strcmp(argv[1], "linear") == 0)
    benchLinear();
  if (argc == 2 && std::strcmp(argv[1], "fft") == 0)
    benchFft();
  for (const NamedSet &set : namedSets()) {
    bool wanted = argc == 1 && set.set.glwe.log2N <= 12;
    for (int a = 1; a < argc; ++a)
      wanted |= std::strcmp(argv[a], set.name) == 0;
    if (wanted)
      benchSet(set);
  }
  return 0;
}
