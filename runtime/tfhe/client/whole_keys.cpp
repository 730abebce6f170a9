//===- whole_keys.cpp - Makes keys straight in the form that the kernels read ----------------===//
#include "runtime/tfhe/client/key_generation.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

namespace fhe::tfhe {

namespace {

/// Runs `worker(next)` on every thread, where next() gives the items from 0 to items - 1 one after
/// another, then `items`. Which thread makes which part of a key does not matter: each row has
/// streams of its own. The first exception of a worker is thrown here.
template <class Worker> void shareItems(uint32_t items, unsigned threads, const Worker &worker) {
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::max(1u, std::min(threads, items));
  std::atomic<uint32_t> counter = 0;
  std::exception_ptr failure;
  std::mutex lock;
  auto run = [&] {
    try {
      worker([&] { return std::min(items, counter.fetch_add(1, std::memory_order_relaxed)); });
    } catch (...) {
      std::lock_guard guard(lock);
      failure = failure ? failure : std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < threads; ++t)
      others.emplace_back(run);
    run();
  }
  if (failure)
    std::rethrow_exception(failure);
}

template <class T> AlignedBuffer<T> allocate(size_t count) {
  AlignedBuffer<T> buffer(count);
  if (!buffer.ok())
    throw std::bad_alloc();
  return buffer;
}

} // namespace

void generateKeyswitchKey(LweKeyswitchKey &key, const LweSecretKey &input,
                          const LweSecretKey &output, const Noise &noise, const KeySeeds &seeds,
                          unsigned threads) {
  const KeyswitchShape &shape = key.shape();
  constexpr uint32_t group = LweKeyswitchKey::coefficientGroup;
  const uint32_t groups = (shape.coefficients() + group - 1) / group;
  shareItems(groups, threads, [&](auto next) {
    AlignedBuffer<uint64_t> rows = allocate<uint64_t>(group * shape.coefficientWords());
    for (uint32_t item; (item = next()) < groups;) {
      const uint32_t begin = item * group, end = std::min(begin + group, shape.coefficients());
      generateKeyswitchRows(shape, input, output, noise, seeds, begin, end, rows.data());
      key.setCoefficients(begin, rows.span().first((end - begin) * shape.coefficientWords()));
    }
  });
}

void generateBootstrapKey(FourierBootstrapKey &key, const LweSecretKey &input,
                          const GlweSecretKey &output, const KeySeeds &seeds, unsigned threads) {
  const size_t words = BootstrapKey::elementWords(key.glwe(), key.decomposition());
  shareItems(key.lweDimension(), threads, [&](auto next) {
    AlignedBuffer<uint64_t> element = allocate<uint64_t>(words);
    AlignedBuffer<std::byte> generation =
        allocate<std::byte>(bootstrapGenerationScratchBytes(key.glwe()));
    AlignedBuffer<std::byte> conversion = allocate<std::byte>(key.conversionScratchBytes());
    for (uint32_t item; (item = next()) < key.lweDimension();) {
      generateBootstrapElement(key.glwe(), key.decomposition(), input, output, seeds, item,
                               element.data(), generation.span(), key.isa());
      key.setElement(item, element.span(), conversion.span());
    }
  });
}

} // namespace fhe::tfhe
