//===- searched_noise.cpp - Noise at table inputs under sets that the search gives -------------===//
//
// searched-noise [--extended] [--samples=N] [--failures=N] [BITS...]
//
// For tables of so many bits (2 to 8) whose inputs are results of tables times 16 the parameters are
// searched for, full keys are made, and the phase is looked at where a table reads it: after
// bootstrap, clear weight, keyswitch and modulus switch, in positions of the accumulator. The
// variance of its error over --samples=12800 samples must be within 5 % of the formulas,
// conditioned on the drawn keys (conditioned_noise.h), and the mean within 5 standard errors.
//
// Then the search is asked for sets that fail with 2^-6.64 and 2^-9.97 (1e-2, 1e-3), and of
// --failures samples, or as many as it takes to expect 130 failures, those that a table would read in another slot are counted: their number must
// lie in the exact binomial 99.99 % interval of the conditioned prediction.
//
// Samples are coefficients of the accumulators of at least 100 blind rotations: every coefficient
// carries the noise that extraction takes from the constant one.
// With --extended the search may take partial and nested keys.
//
//===----------------------------------------------------------------------------------------===//
#include "passes/parameters/Search.h"
#include "runtime/tests/tfhe/conditioned_noise.h"
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/client/key_generation.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/noise.h"

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;
namespace parameters = fhe::parameters;

namespace {

constexpr double norm = 16;

Seed seed(uint8_t number) {
  std::array<uint8_t, 16> bytes{};
  bytes[0] = number, bytes[15] = 0xE5;
  return Seed(bytes);
}

double onesOf(std::span<const uint64_t> bits) {
  return double(std::accumulate(bits.begin(), bits.end(), uint64_t(0)));
}

/// As the compiler asks for it: one kind of table, 32- and 64-bit keyswitches, centred switch.
std::optional<ParameterSet> search(unsigned bits, double log2PError, bool extended) {
  parameters::SearchSpace space;
  space.keyswitchWords = {32, 64};
  space.switches = {SwitchKind::centred};
  space.partialKeys = space.nestedKeys = extended; // the same for all of a run
  static const parameters::Grid grid(space);
  parameters::SearchProblem problem;
  problem.requirements.push_back({std::exp2(-double(bits) - 2), {{0, norm * norm}}, 1, true});
  problem.budget.log2PError = log2PError;
  problem.workload.tables = 1000;
  auto found = parameters::searchParameters(problem, grid, parameters::KernelCosts());
  if (!found)
    return std::nullopt;
  return found->set;
}

/// Full keys of a set, and the prediction for them.
class Keys {
public:
  ParameterSet set;
  GlweSecretKey big;
  LweSecretKey small;
  LweKeyswitchKey keyswitchKey;
  FourierBootstrapKey bootstrapKey;
  double mean = 0, variance = 0; ///< of the error at a table's input, relative to the torus

  explicit Keys(const ParameterSet &set)
      : set(set), big(set.glwe.k, set.glwe.log2N, seed(1), 1, set.glwe.live),
        small(set.lwe.nested ? LweSecretKey(big.flat(), set.lwe.dimension)
                             : LweSecretKey(set.lwe.dimension, seed(1), 0)),
        keyswitchKey(KeyswitchShape(set)),
        bootstrapKey(set.lwe.dimension, set.glwe, set.bootstrap) {}

  bool make(unsigned threads) {
    if (!keyswitchKey.ok() || !bootstrapKey.ok())
      return false;
    generateBootstrapKey(bootstrapKey, small, big, {seed(2), seed(3), 0}, threads);
    makeKeyswitch(threads);
    predict();
    return true;
  }

private:
  /// The rows pass through here once, so that their noise is known and not only expected.
  void makeKeyswitch(unsigned threads) {
    const KeyswitchShape shape(set);
    constexpr uint32_t group = LweKeyswitchKey::coefficientGroup;
    const uint32_t groups = (shape.coefficients() + group - 1) / group;
    std::vector<double> sums(groups), squares(groups);
    std::atomic<uint32_t> next{0};
    auto work = [&] {
      std::vector<uint64_t> rows(group * shape.coefficientWords());
      for (uint32_t g; (g = next++) < groups;) {
        const uint32_t begin = g * group, end = std::min(begin + group, shape.coefficients());
        generateKeyswitchRows(shape, big.flat(), small, set.lwe.noise(), {seed(4), seed(5), 1}, begin,
                              end, rows.data());
        const std::span<const uint64_t> made =
            std::span(rows).first((end - begin) * shape.coefficientWords());
        keyswitchKey.setCoefficients(begin, made);
        std::vector<uint64_t> phases(size_t(end - begin) * shape.decomposition.levels);
        decryptPhases(small, made.data(), phases);
        for (size_t row = 0; row < phases.size(); ++row) {
          const unsigned level = unsigned(row % shape.decomposition.levels);
          const uint64_t bit = big.flat().bits()[shape.shared + begin + row / shape.decomposition.levels];
          const double error =
              toTorus(phases[row] - (bit << (64 - shape.decomposition.baseLog * (level + 1))));
          sums[g] += error, squares[g] += error * error;
        }
      }
    };
    {
      std::vector<std::jthread> helpers;
      for (unsigned t = 0; t < threads; ++t)
        helpers.emplace_back(work);
    }
    mean = std::accumulate(sums.begin(), sums.end(), 0.0) / 2; // digits are -1/2 on average
    const double bigOnes = onesOf(big.flat().bits()), word = shape.wordBits == 32 ? 0x1p-64 / 12 : 0;
    const double sharedOnes = shape.shared ? onesOf(small.bits()) : 0; // words taken over
    variance = std::accumulate(squares.begin(), squares.end(), 0.0) *
                   digitVariance(shape.decomposition) +
               (bigOnes - sharedOnes) * roundingVariance(shape.decomposition) + (1 + sharedOnes) * word;
  }

  void predict() {
    const GlweKey &glwe = set.glwe;
    const double bigOnes = onesOf(big.flat().bits()), smallOnes = onesOf(small.bits());
    // Rows of the bootstrap key are many: their noise is what was asked for.
    const double rows = double(set.bootstrap.levels) * (glwe.k + 1) * glwe.polynomialSize();
    const double step = rows * freshVariance(glwe.log2Std) * digitSquare(set.bootstrap) +
                        fftWordVariance(glwe, set.bootstrap) * fftSeen(glwe, bigOnes);
    const double rotation = set.lwe.dimension * step +
                            smallOnes * roundingVariance(set.bootstrap) * (1 + bigOnes);
    variance += norm * norm * rotation +
                switchVariance(set.modulusSwitch, set.lwe.dimension, smallOnes, glwe.log2N);
  }
};

/// A blind rotation of `rotations` [n] as `bootstrap` does it: the first step on two parts without
/// structure.
void rotate(const FourierBootstrapKey &key, const Decomposition &digits,
            std::span<const uint64_t> table, std::vector<uint32_t> rotations,
            std::span<uint64_t> accumulator, Generator &random, Scratch scratch) {
  const GlweKey &glwe = key.glwe();
  initAccumulator(glwe, digits, table.data(), 0, accumulator.data());
  uint32_t first = 0;
  while (first + 1 < rotations.size() && rotations[first] == 0)
    ++first;
  std::vector<uint64_t> half(accumulator.size());
  random.fill(std::span(half).subspan(glwe.coefficients()));
  for (size_t w = 0; w < half.size(); ++w)
    accumulator[w] -= half[w];
  cmux(key, first, rotations[first], half.data(), scratch);
  cmux(key, first, rotations[first], accumulator.data(), scratch);
  for (size_t w = 0; w < half.size(); ++w)
    accumulator[w] += half[w];
  rotations[first] = 0;
  blindRotate(key, rotations.data(), rotations.size(), 1, accumulator.data(), scratch);
}

struct Found {
  MeasuredErrors errors;
  uint64_t outside = 0; ///< further away than half a slot

  void add(const Found &other) {
    errors.sum += other.errors.sum, errors.squares += other.errors.squares;
    errors.count += other.errors.count, outside += other.outside;
  }
};

/// One thread's blind rotations, `each` samples of every one.
Found measure(const Keys &keys, double halfSlot, unsigned thread, uint64_t count, uint64_t each) {
  const ParameterSet &set = keys.set;
  const uint32_t n = set.lwe.dimension, size = set.glwe.polynomialSize();
  const size_t words = set.glwe.lweWords(), batch = 64;
  Generator random(seed(6), {StreamUse::derivedSeed, uint16_t(thread)});
  AlignedBuffer<std::byte> switching(keyswitchScratchBytes(keys.keyswitchKey.shape())),
      scratch(bootstrapScratchBytes(n, set.glwe, set.bootstrap));
  std::vector<uint64_t> table(size), accumulator(size_t(set.glwe.k + 1) * size), in(batch * words),
      before(batch), small(batch * (n + 1));
  std::vector<uint32_t> rotations(n), switched(batch * (n + 1));
  for (uint32_t j = 0; j < size; ++j) // 128 plateaus
    table[j] = uint64_t(j * 128ull / size) << 57;
  Found found;
  while (found.errors.count < count) {
    uint32_t position = 0; // what the key turns the table by
    for (uint32_t i = 0; i < n; ++i) {
      rotations[i] = uint32_t(random.next() >> (63 - set.glwe.log2N));
      position += rotations[i] * uint32_t(keys.small.bits()[i]);
    }
    position %= 2 * size;
    rotate(keys.bootstrapKey, set.bootstrap, table, rotations, accumulator, random, scratch.span());
    for (uint64_t done = 0; done < each && found.errors.count < count; done += batch) {
      for (size_t c = 0; c < batch; ++c) {
        // Spread over the polynomial.
        const uint32_t h = uint32_t((done + c) * size / each) % size;
        uint64_t *to = in.data() + c * words;
        sampleExtract(set.glwe, accumulator.data(), h, to);
        const uint32_t from = (h + 2 * size - position) % (2 * size);
        const uint64_t right = from < size ? table[from] : 0 - table[from - size];
        const uint64_t message = random.next();
        for (size_t w = 0; w < words; ++w)
          to[w] *= uint64_t(norm);
        // What is encrypted, without its error, is `message`.
        to[words - 1] += message - uint64_t(norm) * right;
        before[c] = message;
      }
      keyswitch(keys.keyswitchKey, in.data(), batch, small.data(), switching.span());
      modulusSwitch(set.modulusSwitch, n, set.glwe.log2N, small.data(), batch, switched.data());
      for (size_t c = 0; c < batch && found.errors.count < count; ++c) {
        uint32_t read = switched[c * (n + 1) + n];
        for (uint32_t i = 0; i < n; ++i)
          read -= switched[c * (n + 1) + i] * uint32_t(keys.small.bits()[i]);
        const uint64_t at = uint64_t(read % (2 * size)) << (63 - set.glwe.log2N);
        const double error = toTorus(at - before[c]);
        found.errors.add(error - keys.mean);
        found.outside += std::abs(error) > halfSlot;
      }
    }
  }
  return found;
}

Found measureAll(const Keys &keys, double halfSlot, uint64_t samples, unsigned threads) {
  // About a hundred rotations: the slowest mode of the transforms' error is common to all
  // coefficients of one.
  const uint64_t each =
      std::min<uint64_t>(keys.set.glwe.polynomialSize(), (samples / 100 + 63) / 64 * 64);
  std::vector<Found> found(threads);
  {
    std::vector<std::jthread> helpers;
    for (unsigned t = 0; t < threads; ++t)
      helpers.emplace_back([&, t] {
        found[t] = measure(keys, halfSlot, t, (samples + threads - 1) / threads, each);
      });
  }
  for (unsigned t = 1; t < threads; ++t)
    found[0].add(found[t]);
  return found[0];
}

/// Whether `events` of `count` lie in the exact binomial 99.99 % interval of probability p.
bool plausible(double p, uint64_t count, uint64_t events) {
  double below = 0, above = 0, term = double(count) * std::log1p(-p); // log of P(0)
  for (uint64_t i = 0; i <= count; ++i) {
    if (i)
      term += std::log(double(count - i + 1) / double(i)) + std::log(p) - std::log1p(-p);
    (i <= events ? below : above) += std::exp(term);
    if (i == events)
      above += std::exp(term);
    if (i > events && term < -800)
      break;
  }
  return below > 0.00005 && above > 0.00005;
}

std::string describe(const ParameterSet &set) {
  char text[160];
  const std::string live = set.glwe.partial() ? " live " + std::to_string(set.glwe.live) : "";
  std::snprintf(text, sizeof text, "n %4u%s k %u N %5u%s bootstrap %u/%-2u keyswitch %2u/%u of %u",
                set.lwe.dimension, set.lwe.nested ? " nested" : "", set.glwe.k,
                set.glwe.polynomialSize(), live.c_str(), set.bootstrap.levels,
                set.bootstrap.baseLog, set.keyswitch.levels, set.keyswitch.baseLog,
                set.keyswitchWordBits());
  return text;
}

bool check(unsigned bits, double log2PError, bool failures, uint64_t samples, unsigned threads,
           bool extended) {
  std::optional<ParameterSet> set = search(bits, log2PError, extended);
  if (!set) {
    std::printf("%u bits: FAILED: no parameters\n", bits);
    return false;
  }
  Keys keys(*set);
  if (!keys.make(threads)) {
    std::printf("%u bits: FAILED: no memory for the keys\n", bits);
    return false;
  }
  const double halfSlot = std::exp2(-double(bits) - 2);
  // The error has the mean of the key's rows.
  const double sigma = std::sqrt(2 * keys.variance);
  const double p =
      (std::erfc((halfSlot - keys.mean) / sigma) + std::erfc((halfSlot + keys.mean) / sigma)) / 2;
  if (failures) // a set may fail less often than it may
    samples = std::max(samples, uint64_t(std::min(130 / p, 2e6)));
  const Found found = measureAll(keys, halfSlot, samples, threads);
  const double count = double(found.errors.count), ratio = found.errors.ratio(keys.variance);
  const double mean = found.errors.meanInSigmas(keys.variance);
  bool good;
  if (failures) {
    good = p * count >= 100 && plausible(p, found.errors.count, found.outside);
    std::printf("%u bits at %.0e  %s  %llu of %llu read another slot, expected %.0f  %s\n", bits,
                std::exp2(log2PError), describe(*set).c_str(), (unsigned long long)found.outside,
                (unsigned long long)found.errors.count, p * count, good ? "ok" : "FAILED");
  } else {
    // 5 % are 4 standard deviations at 12,800 samples.
    good = std::abs(ratio - 1) < 0.05 && std::abs(mean) < 5;
    const double model = tableInputVariance(*set, norm * norm * tableOutputVariance(*set));
    std::printf("%u bits  %s  variance x%.3f of the keys', x%.3f of the model's, mean %+.1f sigma, "
                "%.0f samples  %s\n",
                bits, describe(*set).c_str(), ratio,
                (ratio * keys.variance + keys.mean * keys.mean) / model, mean, count,
                good ? "ok" : "FAILED");
  }
  std::fflush(stdout);
  return good;
}

} // namespace

int main(int argc, char **argv) {
  uint64_t samples = 12800, failures = 0;
  bool extended = false;
  std::vector<unsigned> bits;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--extended")
      extended = true;
    else if (argument.rfind("--samples=", 0) == 0)
      samples = std::strtoull(argument.c_str() + 10, nullptr, 10);
    else if (argument.rfind("--failures=", 0) == 0)
      failures = std::strtoull(argument.c_str() + 11, nullptr, 10);
    else if (unsigned value = unsigned(std::atoi(argv[i])); value >= 2 && value <= 8)
      bits.push_back(value);
    else {
      std::fprintf(stderr, "error: unknown argument '%s'\nhelp: searched-noise [--extended] "
                           "[--samples=N] [--failures=N] [BITS from 2 to 8...]\n", argv[i]);
      return 2;
    }
  }
  if (bits.empty())
    bits = {3, 4, 5, 6, 7, 8};
  const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  bool good = true;
  for (unsigned each : bits) {
    if (samples)
      good = check(each, -40, false, samples, threads, extended) && good;
    if (failures) {
      good = check(each, std::log2(1e-2), true, failures, threads, extended) && good;
      good = check(each, std::log2(1e-3), true, failures, threads, extended) && good;
    }
  }
  return good ? 0 : 1;
}
