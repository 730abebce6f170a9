//===- kernel_bench.cpp - Times of the TFHE kernels, one thread ------------------------------===//
//
// What `fhe-bench kernels` has no rows for: keyswitches with 64-bit keys beside 32-bit ones, linear
// layers of many shapes and with zero weights, and key generation. Minimum and median processor time.
// Keys hold random words: no kernel's time depends on their values. The instruction set is the best
// there is, or FHE_ISA. Usage: fhe_kernel_bench [SET...] [linear], SET one of the names that
// `--sets` prints; default: the sets up to N = 4096, and `linear`.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/client/key_generation.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/linear.h"
#include "runtime/tfhe/named_sets.h"

#include <algorithm>
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

/// Runs `f` for at least `duration` seconds and five times; prints the time of one of `per` parts.
template <class F> void time(const char *what, double duration, double per, F f) {
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
  FourierBootstrapKey key(n, set.glwe, set.bootstrap);
  if (!key.ok()) {
    std::printf("  not enough memory\n");
    return;
  }
  benchKeyGeneration(set, key);
  for (uint32_t wordBits : {64u, 32u})
    benchKeyswitch(set, wordBits);
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
  bool linear = argc == 1;
  for (int a = 1; a < argc; ++a)
    linear |= std::strcmp(argv[a], "linear") == 0;
  if (linear)
    benchLinear();
  for (const NamedSet &set : namedSets()) {
    bool wanted = argc == 1 && set.set.glwe.log2N <= 12;
    for (int a = 1; a < argc; ++a)
      wanted |= std::strcmp(argv[a], set.name) == 0;
    if (wanted)
      benchSet(set);
  }
  return 0;
}
