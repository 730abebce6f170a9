//===- kernels.cpp - Measures the kernel library -------------------------------------------===//
//
// Nominal operations, as the literature counts them (so that libraries compare, whatever they
// really execute): 5 M log2 M for a transform of M = N/2 complex points, 8 for a complex
// multiply-accumulate, 2 for an integer multiply-add.
//
//===----------------------------------------------------------------------------------------===//
#include "python-free-tools/fhe-bench/kernels.h"
#include "python-free-tools/fhe-bench/measure.h"
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/fft/plan.h"
#include "runtime/tfhe/isa/kernels.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/linear.h"
#include "runtime/tfhe/named_sets.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <unistd.h>

namespace fhe::tools {

namespace {

using namespace fhe::tfhe;

constexpr uint32_t leastLog2N = 9, mostLog2N = 15;

void randomize(std::span<uint64_t> words, uint64_t seed) {
  std::mt19937_64 engine(seed);
  for (uint64_t &word : words)
    word = engine();
}

double transformOperations(double polynomialSize) {
  return 5 * (polynomialSize / 2) * std::log2(polynomialSize / 2);
}

double bootstrapOperations(const ParameterSet &set) {
  const double k1 = set.glwe.k + 1, rows = set.bootstrap.levels * k1;
  const double size = set.glwe.polynomialSize();
  return set.lwe.dimension * ((rows + k1) * transformOperations(size) + rows * k1 * 8 * size / 2);
}

double keyswitchOperations(const ParameterSet &set) {
  return 2.0 * set.glwe.lweDimension() * set.keyswitch.levels * double(set.lwe.words());
}

class Bench {
public:
  Bench(const KernelOptions &options, const std::function<void(const KernelRow &)> &found)
      : options(options), found(found) {
    report.isa = name(activeIsa());
    for (unsigned threads : options.threads)
      report.fmaPeakGflops.emplace_back(threads, fmaPeak(threads, options.seconds));
  }

  void run() {
    for (const std::string &set : options.sets) {
      if (set == "fft")
        transforms();
      else if (set == "linear")
        linear<uint64_t>("784x128 u64"), linear<uint32_t>("784x128 u32");
      else
        parameterSet(*findNamedSet(set));
    }
  }

  KernelReport report;

private:
  /// Measures one row: `work(thread)` does `items` items of `operations` nominal operations each.
  KernelRow &row(const std::string &set, const std::string &op, unsigned batch, unsigned threads,
                 double items, double operations, const std::function<void(unsigned)> &work) {
    const double seconds = minimumSeconds(threads, options.seconds, work) / (items * threads);
    double peak = 0;
    for (auto [count, gflops] : report.fmaPeakGflops)
      if (count == threads)
        peak = gflops;
    report.rows.push_back(
        {set, op, batch, threads, seconds * 1e9, operations / seconds * 1e-9 / peak, {}, {}});
    return report.rows.back();
  }

  void transforms() {
    const KernelTable &table = kernelTable(activeIsa());
    for (uint32_t log2N = leastLog2N; log2N <= mostLog2N; ++log2N) {
      const FftPlan &plan = fftPlan(activeIsa(), log2N);
      const uint32_t size = plan.polynomialSize(), repeat = 1u << (18 - log2N);
      const std::string set = "N" + std::to_string(size);
      const double operations = transformOperations(size);
      AlignedBuffer<uint64_t> words(size);
      AlignedBuffer<double> values(size);
      randomize(words.span(), log2N);
      found(row(set, "fft", 1, 1, repeat, operations, [&](unsigned) {
        for (uint32_t i = 0; i < repeat; ++i)
          table.forward(plan, words.data(), values.data());
      }));
      // In place: zeros stay zeros, other values would grow without end.
      std::fill(values.begin(), values.end(), 0.0);
      found(row(set, "ifft", 1, 1, repeat, operations, [&](unsigned) {
        for (uint32_t i = 0; i < repeat; ++i)
          table.inverseAdd(plan, values.data(), words.data());
      }));
    }
  }

  template <class Word> void linear(const char *name) {
    constexpr uint32_t inputs = 784, outputs = 128, dimension = 2048;
    const GemmShape shape{1, inputs, outputs, dimension + 1};
    AlignedBuffer<Word> in(inputs * shape.words), out(outputs * shape.words);
    std::vector<int8_t> values(inputs * outputs);
    std::mt19937_64 engine(2);
    for (Word &word : in)
      word = Word(engine());
    for (int8_t &value : values)
      value = int8_t(int(engine() % 16) - 8); // 4 bits, signed
    const Weights weights{values.data(), 1};
    for (unsigned threads : options.threads) {
      std::vector<AlignedBuffer<std::byte>> scratch;
      for (unsigned t = 0; t < threads; ++t)
        scratch.emplace_back(gemmScratchBytes(shape));
      const uint64_t items = gemmItems(shape);
      // The threads share one layer.
      found(row(name, "linear", 1, threads, 1.0 / threads,
                2.0 * inputs * outputs * double(shape.words), [&](unsigned t) {
                  gemm(shape, in.data(), weights, out.data(), items * t / threads,
                       items * (t + 1) / threads, scratch[t].span());
                }));
    }
  }

  void parameterSet(const NamedSet &named);

  const KernelOptions &options;
  const std::function<void(const KernelRow &)> &found;
};

/// Keys of random words, and for each thread ciphertexts and scratch.
struct SetBench {
  struct Thread {
    AlignedBuffer<uint64_t> big, small;
    AlignedBuffer<std::byte> switching, scratch;
  };

  const ParameterSet &set;
  LweKeyswitchKey switchKey;
  FourierBootstrapKey key;
  AlignedBuffer<uint64_t> table;
  std::vector<Thread> threads;

  SetBench(const ParameterSet &set, unsigned batch, unsigned threadCount)
      : set(set), switchKey(KeyswitchShape(set)),
        key(set.lwe.dimension, set.glwe, set.bootstrap), table(set.glwe.polynomialSize()) {
    if (!ok())
      return;
    constexpr uint32_t group = LweKeyswitchKey::coefficientGroup;
    AlignedBuffer<uint64_t> rows(group * switchKey.shape().coefficientWords());
    randomize(rows.span(), 1);
    for (uint32_t i = 0; i < set.glwe.lweDimension(); i += group)
      switchKey.setCoefficients(i, rows.span());
    AlignedBuffer<uint64_t> element(BootstrapKey::elementWords(set.glwe, set.bootstrap));
    AlignedBuffer<std::byte> conversion(key.conversionScratchBytes());
    randomize(element.span(), 2);
    for (uint32_t i = 0; i < set.lwe.dimension; ++i)
      key.setElement(i, element.span(), conversion.span());
    randomize(table.span(), 3);
    for (unsigned t = 0; t < threadCount; ++t) {
      Thread &thread = threads.emplace_back();
      thread.big = AlignedBuffer<uint64_t>(batch * set.glwe.lweWords());
      thread.small = AlignedBuffer<uint64_t>(batch * set.lwe.words());
      thread.switching = AlignedBuffer<std::byte>(keyswitchScratchBytes(switchKey.shape()));
      thread.scratch = AlignedBuffer<std::byte>(
          bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
      randomize(thread.big.span(), 4 + t);
      randomize(thread.small.span(), 104 + t);
    }
  }
  bool ok() const { return switchKey.ok() && key.ok() && table.ok(); }

  void doKeyswitch(unsigned t, unsigned batch) {
    keyswitch(switchKey, threads[t].big.data(), batch, threads[t].small.data(),
              threads[t].switching.span());
  }
  void doBootstrap(unsigned t, unsigned batch) {
    bootstrap(key, threads[t].small.data(), batch, table.data(), nullptr, threads[t].big.data(),
              threads[t].scratch.span());
  }
};

void Bench::parameterSet(const NamedSet &named) {
  // The compiler uses 32-bit keyswitch keys for all of them.
  const ParameterSet set = withKeyswitchWords(named.set, 32);
  const uint64_t switchBytes = keyswitchKeyBytes(set.glwe.lweDimension(), set.lwe.dimension,
                                                 set.keyswitch, set.keyswitchWordBits());
  const uint64_t bootstrapBytes =
      bootstrapKeyBytes(set.lwe.dimension, set.glwe, set.bootstrap);
  const uint64_t memory = uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  if ((switchBytes + bootstrapBytes) / 3 > memory / 4) {
    report.skipped.push_back(std::string(named.name) + ": its keys need " +
                             std::to_string((switchBytes + bootstrapBytes) >> 20) +
                             " MiB, of " + std::to_string(memory >> 20) +
                             " MiB of memory three quarters may be used");
    return;
  }
  const unsigned most = *std::max_element(options.batches.begin(), options.batches.end());
  SetBench bench(set, most, *std::max_element(options.threads.begin(), options.threads.end()));
  if (!bench.ok()) {
    report.skipped.push_back(std::string(named.name) + ": no memory for its keys");
    return;
  }
  const double steps = double(set.lwe.dimension) * (set.glwe.k + 1) * set.bootstrap.levels *
                       set.glwe.polynomialSize() * set.glwe.log2N;
  const double ks = keyswitchOperations(set), pbs = bootstrapOperations(set);
  for (unsigned threads : options.threads)
    for (unsigned batch : options.batches) {
      KernelRow &first = row(named.name, "ks", batch, threads, batch, ks,
                             [&](unsigned t) { bench.doKeyswitch(t, batch); });
      first.keyBytes = switchBytes;
      found(first);
      KernelRow &second = row(named.name, "pbs", batch, threads, batch, pbs,
                              [&](unsigned t) { bench.doBootstrap(t, batch); });
      second.nsPerStep = second.nsPerItem / steps;
      second.keyBytes = bootstrapBytes;
      found(second);
      KernelRow &both = row(named.name, "ks+pbs", batch, threads, batch, ks + pbs, [&](unsigned t) {
        bench.doKeyswitch(t, batch);
        bench.doBootstrap(t, batch);
      });
      both.keyBytes = switchBytes + bootstrapBytes;
      found(both);
    }
  const MemoryPages pages = memoryPages();
  report.memory.emplace_back(named.name, pages.resident, pages.huge);
}

} // namespace

std::vector<std::string> kernelSetNames() {
  std::vector<std::string> names = {"fft", "linear"};
  for (const NamedSet &set : namedSets())
    names.emplace_back(set.name);
  return names;
}

KernelReport measureKernels(const KernelOptions &options,
                            const std::function<void(const KernelRow &)> &found) {
  Bench bench(options, found);
  bench.run();
  return std::move(bench.report);
}

} // namespace fhe::tools
