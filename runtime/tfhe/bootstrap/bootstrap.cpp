//===- bootstrap.cpp - Batched programmable bootstrap ----------------------------------------===//
#include "runtime/tfhe/bootstrap/bootstrap.h"

#include "runtime/tfhe/fft/chains.h"
#include "runtime/tfhe/isa/kernels.h"

#include <algorithm>
#include <cstring>

namespace fhe::tfhe {

static constexpr uint32_t minBatch = 4, maxBatch = 16, maxFarBatch = 8;

static size_t roundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

/// Where the working memory of a group lies in the scratch region. There is a place for one
/// accumulator more than a group has, and for two in plain order.
struct BootstrapLayout {
  size_t accumulators, rows, local, single, plain, switched; ///< Bytes of each, in this order.

  BootstrapLayout(uint32_t lweDimension, const GlweKey &glwe, const Decomposition &decomposition) {
    const size_t batch = bootstrapBatch(glwe, decomposition);
    const size_t rowCount = size_t(decomposition.levels) * (glwe.k + 1);
    const size_t size = glwe.polynomialSize();
    single = (glwe.k + 1) * mostSpreadWords(size) * sizeof(uint64_t);
    accumulators = batch * single;
    rows = batch * rowCount * mostSpreadDoubles(size) * sizeof(double);
    local = rowCount * 2 * 64 * sizeof(double); // A block has 64 points at most.
    plain = 2 * (glwe.k + 1) * size * sizeof(uint64_t);
    switched = roundUp(batch * (size_t(lweDimension) + 1) * sizeof(uint32_t), bufferAlignment);
  }
  size_t bytes() const { return accumulators + rows + local + single + plain + switched; }
};

static size_t accumulatorWords(const GlweKey &glwe) {
  return size_t(glwe.k + 1) * glwe.polynomialSize();
}

uint32_t bootstrapBatch(const GlweKey &glwe, const Decomposition &decomposition) {
  // The accumulators and rows of a group and two elements of the key (this one and the one being
  // fetched) should share about 1.75 MiB of the second-level cache.
  const size_t each = accumulatorWords(glwe) * (decomposition.levels + 1) * sizeof(uint64_t);
  const size_t key = 2 * BootstrapKey::elementWords(glwe, decomposition) * sizeof(uint64_t);
  const size_t cache = size_t(7) << 18, least = key + minBatch * each;
  if (least <= cache)
    return uint32_t(std::min<size_t>((cache - key) / each, maxBatch));
  // Up to here a part of them is still found there.
  if (least <= size_t(13) << 18)
    return minBatch;
  // Larger ones come from the third level however many they are: more of them share what is read
  // of the key. A thread's part of that level is bounded too.
  return uint32_t(std::clamp<size_t>((size_t(16) << 20) / each, minBatch, maxFarBatch));
}

size_t bootstrapScratchBytes(uint32_t lweDimension, const GlweKey &glwe,
                             const Decomposition &decomposition) {
  return BootstrapLayout(lweDimension, glwe, decomposition).bytes();
}

/// Element i of a fixed sequence of numbers without structure (SplitMix64; Steele, Lea, Flood
/// 2014).
static uint64_t mixed(uint64_t i) {
  uint64_t z = (i + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// Small numbers instead of zeros. Transforms in f64 leave words that are multiples of a power of
/// two, a few bits below the decomposition's last digit. From a mask of zeros all sums of such
/// words are multiples too, those exactly halfway always round up, and the secret key adds up what
/// should have the mean 0 over half of its coefficients (45 % more variance at N = 8192, and more
/// the larger N is). Words that differ below stay so, because a CMUX only adds to them. A quarter
/// of the last digit's unit wide: its own noise is a sixteenth of the rounding of one CMUX.
static void startMask(const GlweKey &glwe, const Decomposition &decomposition, uint64_t *mask) {
  const unsigned kept = decomposition.baseLog * decomposition.levels;
  for (uint64_t i = 0; i < glwe.coefficients(); ++i)
    mask[i] = kept > 60 ? 0 : uint64_t(int64_t(mixed(i)) >> (kept + 2));
}

/// The CMUX of the first rotation that is not 0 (which becomes 0: done), in two halves. A table is
/// constant over its slots, so the digits of (X^a - 1) times it are a few long plateaus: all of the
/// product lies in the slowest modes, where a relative error of 2^-53 is large and the secret key,
/// whose bits have the mean 1/2, weighs most. At N = 32768 this one product brought as much noise
/// as 400 others. So the accumulator is the sum of one without structure and the rest, which has
/// none either; each goes through its own CMUX. Later products have the key's random masks in them.
static void firstStep(const FourierBootstrapKey &key, uint32_t *switched, uint64_t *accumulator,
                      uint64_t *half, Scratch scratch) {
  uint32_t i = 0;
  while (i < key.lweDimension() && switched[i] == 0)
    ++i;
  if (i == key.lweDimension())
    return;
  const size_t masks = key.glwe().coefficients(), words = masks + key.glwe().polynomialSize();
  for (size_t w = 0; w < words; ++w) {
    half[w] = w < masks ? 0 : mixed(~uint64_t(0) - w);
    accumulator[w] -= half[w];
  }
  cmux(key, i, switched[i], half, scratch);
  cmux(key, i, switched[i], accumulator, scratch);
  for (size_t w = 0; w < words; ++w)
    accumulator[w] += half[w];
  switched[i] = 0;
}

void initAccumulator(const GlweKey &glwe, const Decomposition &decomposition,
                     const uint64_t *testPolynomial, uint32_t rotation, uint64_t *accumulator) {
  const size_t size = glwe.polynomialSize();
  startMask(glwe, decomposition, accumulator);
  uint64_t *body = accumulator + glwe.k * size;
  const size_t r = rotation & (size - 1);
  const uint64_t sign = rotation < size ? 0 : ~uint64_t(0); // (x ^ sign) - sign negates.
  for (size_t i = 0; i < size - r; ++i)
    body[i] = (testPolynomial[i + r] ^ sign) - sign;
  for (size_t i = size - r; i < size; ++i)
    body[i] = (testPolynomial[i + r - size] ^ ~sign) - ~sign;
}

/// Accumulators in the order of the kernels, and back.
static void spreadAccumulator(const FourierBootstrapKey &key, const uint64_t *plain, uint64_t *to) {
  const FftPlan &plan = fftPlan(key.isa(), key.glwe().log2N);
  for (uint32_t j = 0; j <= key.glwe().k; ++j)
    spread(plan, plain + size_t(j) * plan.polynomialSize(), to + j * spreadWords(plan));
}
static void gatherAccumulator(const FourierBootstrapKey &key, const uint64_t *from,
                              uint64_t *plain) {
  const FftPlan &plan = fftPlan(key.isa(), key.glwe().log2N);
  for (uint32_t j = 0; j <= key.glwe().k; ++j)
    gather(plan, from + j * spreadWords(plan), plain + size_t(j) * plan.polynomialSize());
}

/// The working memory of a call.
namespace {
struct Memory {
  uint64_t *accumulators; ///< Of a group, in the order of the kernels.
  uint64_t *single;       ///< One more.
  uint64_t *plain, *half; ///< Two in plain order.
  uint32_t *switched;
  size_t words;           ///< Of an accumulator in the order of the kernels.
  CmuxArguments arguments{}; ///< What all steps share.

  Memory(const FourierBootstrapKey &key, Scratch scratch) {
    const GlweKey &glwe = key.glwe();
    const BootstrapLayout layout(key.lweDimension(), glwe, key.decomposition());
    const FftPlan &plan = fftPlan(key.isa(), glwe.log2N);
    words = (glwe.k + 1) * spreadWords(plan);
    accumulators = reinterpret_cast<uint64_t *>(scratch.data());
    std::byte *at = scratch.data() + layout.accumulators;
    arguments.rows = reinterpret_cast<double *>(at);
    arguments.local = reinterpret_cast<double *>(at += layout.rows);
    single = reinterpret_cast<uint64_t *>(at += layout.local);
    plain = reinterpret_cast<uint64_t *>(at += layout.single);
    half = plain + accumulatorWords(glwe);
    switched = reinterpret_cast<uint32_t *>(at + layout.plain);
    arguments.plan = &plan;
    arguments.k = glwe.k;
    arguments.levels = key.decomposition().levels;
    arguments.baseLog = key.decomposition().baseLog;
  }
};
} // namespace

/// Rotates the first `count` accumulators of a group.
static void rotateGroup(const FourierBootstrapKey &key, const uint32_t *switched,
                        size_t switchedStride, size_t count, const Memory &memory) {
  const KernelTable &table = kernelTable(key.isa());
  CmuxArguments a = memory.arguments;
  a.rotationStride = switchedStride;
  a.count = count;
  a.accumulators = memory.accumulators;
  for (uint32_t i = 0; i < key.lweDimension(); ++i) {
    a.key = key.element(i);
    a.nextKey = i + 1 < key.lweDimension() ? key.element(i + 1) : nullptr;
    a.rotation = switched + i;
    table.cmux(a);
    a.before = a.rotation;
  }
  a.key = nullptr;
  table.cmux(a);
}

void blindRotate(const FourierBootstrapKey &key, const uint32_t *switched, size_t switchedStride,
                 size_t count, uint64_t *accumulators, Scratch scratch) {
  const size_t batch = bootstrapBatch(key.glwe(), key.decomposition());
  const size_t plainWords = accumulatorWords(key.glwe());
  const Memory memory(key, scratch);
  for (size_t first = 0; first < count; first += batch) {
    const size_t here = std::min(batch, count - first);
    uint64_t *group = accumulators + first * plainWords;
    for (size_t c = 0; c < here; ++c)
      spreadAccumulator(key, group + c * plainWords, memory.accumulators + c * memory.words);
    rotateGroup(key, switched + first * switchedStride, switchedStride, here, memory);
    for (size_t c = 0; c < here; ++c)
      gatherAccumulator(key, memory.accumulators + c * memory.words, group + c * plainWords);
  }
}

void cmux(const FourierBootstrapKey &key, uint32_t element, uint32_t rotation,
          uint64_t *accumulator, Scratch scratch) {
  const Memory memory(key, scratch);
  CmuxArguments a = memory.arguments;
  a.count = 1;
  a.accumulators = memory.single;
  a.key = key.element(element);
  a.rotation = &rotation;
  spreadAccumulator(key, accumulator, memory.single);
  kernelTable(key.isa()).cmux(a);
  a.key = nullptr;
  a.before = &rotation;
  kernelTable(key.isa()).cmux(a);
  gatherAccumulator(key, memory.single, accumulator);
}

void sampleExtract(const GlweKey &glwe, const uint64_t *accumulator, uint32_t coefficient,
                   uint64_t *out) {
  // Coefficient h of A S is sum_{j <= h} A[h-j] S[j] - sum_{j > h} A[N+h-j] S[j].
  const size_t size = glwe.polynomialSize(), h = coefficient, live = glwe.lweDimension();
  for (size_t first = 0; first < live; first += size) {
    const uint64_t *from = accumulator + first;
    uint64_t *to = out + first;
    const size_t end = std::min(size, live - first);
    for (size_t j = 0; j < std::min(h + 1, end); ++j)
      to[j] = from[h - j];
    for (size_t j = h + 1; j < end; ++j)
      to[j] = 0 - from[size + h - j];
  }
  out[live] = accumulator[glwe.k * size + h];
}

void bootstrap(const FourierBootstrapKey &key, const uint64_t *in, size_t count,
               const uint64_t *testPolynomials, const uint32_t *tableOf, uint64_t *out,
               Scratch scratch, SwitchKind modulusSwitchKind) {
  const GlweKey &glwe = key.glwe();
  const size_t n = key.lweDimension(), size = glwe.polynomialSize();
  const size_t batch = bootstrapBatch(glwe, key.decomposition());
  const Memory memory(key, scratch);
  uint32_t *switched = memory.switched;
  for (size_t first = 0; first < count; first += batch) {
    const size_t here = std::min(batch, count - first);
    modulusSwitch(modulusSwitchKind, uint32_t(n), glwe.log2N, in + first * (n + 1), here,
                  switched);
    for (size_t c = 0; c < here; ++c) {
      const size_t table = tableOf ? tableOf[first + c] : 0;
      initAccumulator(glwe, key.decomposition(), testPolynomials + table * size,
                      switched[c * (n + 1) + n], memory.plain);
      firstStep(key, switched + c * (n + 1), memory.plain, memory.half, scratch);
      spreadAccumulator(key, memory.plain, memory.accumulators + c * memory.words);
    }
    rotateGroup(key, switched, n + 1, here, memory);
    for (size_t c = 0; c < here; ++c) {
      gatherAccumulator(key, memory.accumulators + c * memory.words, memory.plain);
      sampleExtract(glwe, memory.plain, 0, out + (first + c) * glwe.lweWords());
    }
  }
}

} // namespace fhe::tfhe
