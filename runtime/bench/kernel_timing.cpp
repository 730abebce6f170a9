//===- kernel_timing.cpp - Times of single kernels on this machine ---------------------------===//
//
// See kernel_timing.h.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/bench/kernel_timing.h"

#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/linear.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <ctime>
#include <limits>
#include <random>
#include <span>
#include <thread>
#include <vector>

namespace fhe::bench {

using namespace fhe::tfhe;

namespace {

void randomize(std::span<uint64_t> words, uint64_t seed) {
  std::mt19937_64 engine(seed);
  for (uint64_t &word : words)
    word = engine();
}

double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

/// The shortest of the runs of `f`, processor time.
template <class F> double shortest(Effort effort, F f) {
  double least = std::numeric_limits<double>::infinity();
  const double start = seconds();
  for (int runs = 0; runs < effort.runs || seconds() - start < effort.seconds; ++runs) {
    const double from = seconds();
    f();
    least = std::min(least, seconds() - from);
  }
  return least;
}

/// Ciphertexts and scratch of one thread of a rotation.
struct RotationThread {
  AlignedBuffer<uint64_t> in, out;
  AlignedBuffer<std::byte> scratch;

  RotationThread(const RotationShape &shape, uint32_t count, unsigned number)
      : in(size_t(count) * (shape.dimension + 1)), out(size_t(count) * shape.glwe.lweWords()),
        scratch(bootstrapScratchBytes(shape.dimension, shape.glwe, shape.digits)) {
    if (ok())
      randomize(in.span(), 7 + number);
  }
  bool ok() const { return in.ok() && out.ok() && scratch.ok(); }
};

} // namespace

RotationShape RotationShape::of(uint32_t k, uint32_t log2N, uint32_t levels, size_t keyBytes) {
  RotationShape shape{{k, log2N, -50}, {levels == 1 ? 22u : 30 / levels, levels}, 0};
  const size_t element = BootstrapKey::elementWords(shape.glwe, shape.digits) * 8;
  shape.dimension = uint32_t(std::clamp<size_t>(keyBytes / element, 24, 600));
  return shape;
}

std::optional<double> stepSeconds(const RotationShape &shape, uint32_t count, unsigned threads,
                                  Effort effort) {
  FourierBootstrapKey key(shape.dimension, shape.glwe, shape.digits);
  AlignedBuffer<uint64_t> element(BootstrapKey::elementWords(shape.glwe, shape.digits)),
      table(shape.glwe.polynomialSize());
  AlignedBuffer<std::byte> conversion(key.conversionScratchBytes());
  if (!key.ok() || !element.ok() || !table.ok() || !conversion.ok())
    return std::nullopt;
  randomize(element.span(), 1);
  randomize(table.span(), 2);
  for (uint32_t i = 0; i < shape.dimension; ++i)
    key.setElement(i, element.span(), conversion.span());
  if (count == 0)
    count = bootstrapBatch(shape.glwe, shape.digits);
  std::vector<RotationThread> memory;
  for (unsigned t = 0; t < threads; ++t) {
    memory.emplace_back(shape, count, t);
    if (!memory.back().ok())
      return std::nullopt;
  }
  auto work = [&](unsigned t) {
    bootstrap(key, memory[t].in.data(), count, table.data(), nullptr, memory[t].out.data(),
              memory[t].scratch.span());
  };
  // All start together; those that are done earlier go on, so that the others stay disturbed.
  std::vector<double> times(threads);
  std::barrier start{std::ptrdiff_t(threads)};
  std::atomic<unsigned> working{threads};
  {
    std::vector<std::jthread> helpers;
    auto measure = [&](unsigned t) {
      start.arrive_and_wait();
      times[t] = shortest(effort, [&] { work(t); });
      for (--working; working != 0;)
        work(t);
    };
    for (unsigned t = 1; t < threads; ++t)
      helpers.emplace_back(measure, t);
    measure(0);
  }
  // The first step is done twice (bootstrap.cpp).
  return *std::max_element(times.begin(), times.end()) / count / (shape.dimension + 1);
}

std::optional<double> keyswitchSeconds(uint32_t in, uint32_t out, Decomposition digits,
                                       uint32_t wordBits, uint32_t count, Effort effort,
                                       uint32_t shared) {
  const KeyswitchShape shape(in, out, digits, wordBits, shared);
  LweKeyswitchKey key(shape);
  AlignedBuffer<uint64_t> from(size_t(count) * (in + 1)), to(size_t(count) * shape.words()),
      rows(LweKeyswitchKey::coefficientGroup * shape.coefficientWords());
  AlignedBuffer<std::byte> scratch(keyswitchScratchBytes(shape));
  if (!key.ok() || !from.ok() || !to.ok() || !rows.ok() || !scratch.ok())
    return std::nullopt;
  randomize(rows.span(), 1);
  for (uint32_t i = 0; i < shape.coefficients(); i += LweKeyswitchKey::coefficientGroup)
    key.setCoefficients(i, rows.span());
  randomize(from.span(), 2);
  return shortest(effort, [&] { keyswitch(key, from.data(), count, to.data(), scratch.span()); }) /
         count;
}

double productSeconds(Effort effort) {
  const GemmShape shape{1, 256, 64, 4097};
  std::vector<uint64_t> in(shape.inputs * shape.words), out(shape.outputs * shape.words);
  std::vector<int8_t> values(shape.inputs * shape.outputs);
  randomize(in, 1);
  std::mt19937_64 engine(2);
  for (int8_t &value : values)
    value = int8_t(int(engine() % 16) - 8);
  const Weights weights{values.data(), 1};
  AlignedBuffer<std::byte> scratch(gemmScratchBytes(shape));
  const double time = shortest(effort, [&] {
    gemm(shape, in.data(), weights, out.data(), 0, gemmItems(shape), scratch.span());
  });
  return time / (double(values.size()) * double(shape.words));
}

double copyBytesPerSecond(Effort effort) {
  std::vector<uint64_t> from(size_t(8) << 20), to(from.size());
  randomize(std::span(from).first(1024), 1);
  uint64_t *volatile target = to.data(); // Or nothing would be copied: nobody reads it.
  const double time =
      shortest(effort, [&] { std::copy(from.begin(), from.end(), static_cast<uint64_t *>(target)); });
  return 16.0 * double(from.size()) / time;
}

} // namespace fhe::bench
