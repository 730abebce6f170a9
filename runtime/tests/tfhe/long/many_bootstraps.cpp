//===- many_bootstraps.cpp - Counts the failures of thousands of bootstraps ------------------===//
//
// many-bootstraps [--threads=N] [--count=N] [--stress] [SET...]
//
// With full keys of each named set: inputs are outputs of earlier bootstraps times the set's norm,
// moved by a clear constant to a random message, so that every table is read through all the noise
// that the prediction counts. All results must be right where the prediction makes one failure
// less likely than 2^-20, else their number must lie in the exact binomial 99.99 % interval.
// --stress raises the norm until one table in 64 is predicted to fail, which tests the prediction
// itself. The noise of the results is compared with the formula, too, and key generation must not
// take more than a twentieth over the bytes of the keys.
//
//===----------------------------------------------------------------------------------------===//
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/client/encryption.h"
#include "runtime/tfhe/client/key_generation.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/named_sets.h"
#include "runtime/tfhe/noise.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

using namespace fhe::tfhe;

namespace {

Seed seedOf(uint8_t number) {
  std::array<uint8_t, 16> bytes{};
  bytes[0] = number;
  bytes[15] = 0xB5;
  return Seed(bytes);
}

/// Bytes of the largest memory this process has used; 0 where the system does not say.
uint64_t peakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0)
      return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

/// log2 of the probability of at most (`upper` false) or at least (true) `failures` of `count`.
double log2Tail(double p, uint64_t count, uint64_t failures, bool upper) {
  double sum = -INFINITY;
  const uint64_t from = upper ? failures : 0, to = upper ? count : failures;
  for (uint64_t i = from; i <= to; ++i) {
    const double choose =
        std::lgamma(double(count) + 1) - std::lgamma(double(i) + 1) - std::lgamma(double(count - i) + 1);
    sum = log2Add(sum, (choose + double(i) * std::log(p) + double(count - i) * std::log1p(-p)) /
                           std::log(2));
  }
  return sum;
}

/// Whether `failures` of `count` are what probability 2^log2P gives.
bool plausible(double log2P, uint64_t count, uint64_t failures) {
  if (log2AnyOf(log2P, double(count)) < -20)
    return failures == 0;
  const double p = std::exp2(log2P), limit = std::log2(0.00005);
  return log2Tail(p, count, failures, false) > limit && log2Tail(p, count, failures, true) > limit;
}

struct Options {
  unsigned threads = 2;
  uint64_t count = 0; ///< 0: 10,000, of the largest sets 200.
  bool stress = false;
  std::vector<const NamedSet *> sets;
};

/// What one thread found.
struct Found {
  uint64_t failures = 0, count = 0;
  double squares = 0; ///< Of the errors of right results, relative to the torus.
};

class Run {
public:
  Run(const NamedSet &named, double norm, const Options &options)
      : named(named), set(named.set), norm(uint64_t(norm)), options(options),
        small(set.lwe.dimension, seedOf(1), 0),
        big(set.glwe.k, set.glwe.log2N, seedOf(1), 1, set.glwe.live),
        keyswitchKey(KeyswitchShape(set)),
        bootstrapKey(set.lwe.dimension, set.glwe, set.bootstrap) {}

  bool makeKeys() {
    if (!keyswitchKey.ok() || !bootstrapKey.ok())
      return false;
    const KeySeeds seeds{seedOf(2), seedOf(3), 0};
    generateKeyswitchKey(keyswitchKey, big.flat(), small, set.lwe.noise(), seeds, options.threads);
    generateBootstrapKey(bootstrapKey, small, big, seeds, options.threads);
    fillTable();
    return true;
  }

  Found evaluate(uint64_t count) {
    std::vector<Found> found(options.threads);
    {
      std::vector<std::jthread> threads;
      for (unsigned t = 0; t < options.threads; ++t)
        threads.emplace_back([&, t] {
          found[t] = chain(t, (count + options.threads - 1 - t) / options.threads);
        });
    }
    for (size_t t = 1; t < found.size(); ++t) {
      found[0].failures += found[t].failures;
      found[0].count += found[t].count;
      found[0].squares += found[t].squares;
    }
    return found[0];
  }

private:
  unsigned shift() const { return 63 - named.bits; }
  uint64_t encode(uint64_t message) const { return message << shift(); }

  /// The identity: neighbours differ, and so do the two ends of the window.
  void fillTable() {
    const size_t size = set.glwe.polynomialSize(), slot = size >> named.bits;
    table.resize(size);
    for (size_t j = 0; j < size; ++j) {
      const size_t message = (j + slot / 2) / slot;
      table[j] = message < size_t(1) << named.bits ? encode(message) : 0 - encode(0);
    }
  }

  /// Batches of bootstraps, each on the results of the one before.
  Found chain(unsigned thread, uint64_t count) {
    Found found;
    const size_t batch = std::min<uint64_t>(16, std::max<uint64_t>(count, 1));
    const size_t words = set.glwe.lweWords();
    const uint64_t halfPosition = uint64_t(1) << (62 - set.glwe.log2N);
    AlignedBuffer<std::byte> switching(keyswitchScratchBytes(keyswitchKey.shape()));
    AlignedBuffer<std::byte> scratch(
        bootstrapScratchBytes(set.lwe.dimension, set.glwe, set.bootstrap));
    std::vector<uint64_t> values(batch), messages(batch), phases(batch), big1(batch * words),
        switched(batch * set.lwe.words());
    Generator random(seedOf(4), {StreamUse::derivedSeed, uint16_t(thread)});
    Generator mask(seedOf(5), {StreamUse::encryptionMask, uint16_t(thread)});
    Generator noise(seedOf(6), {StreamUse::encryptionNoise, uint16_t(thread)});
    encrypt(big.flat(), values, set.glwe.noise(), mask, noise, big1.data());
    // The first turn only brings the noise of fresh encryptions to that of results.
    for (bool warm = false; found.count < count || !warm; warm = true) {
      const size_t here = warm ? std::min<uint64_t>(batch, count - found.count) : batch;
      for (size_t c = 0; c < here; ++c) {
        messages[c] = random.next() >> (64 - named.bits);
        uint64_t *ciphertext = big1.data() + c * words;
        for (size_t w = 0; w < words; ++w)
          ciphertext[w] *= norm;
        ciphertext[words - 1] += encode(messages[c]) - norm * values[c] - halfPosition;
      }
      keyswitch(keyswitchKey, big1.data(), here, switched.data(), switching.span());
      bootstrap(bootstrapKey, switched.data(), here, table.data(), nullptr, big1.data(),
                scratch.span(), set.modulusSwitch);
      decryptPhases(big.flat(), big1.data(), std::span(phases).first(here));
      for (size_t c = 0; c < here; ++c) {
        const uint64_t half = uint64_t(1) << (shift() - 1);
        values[c] = (phases[c] + half) >> shift() << shift(); // What it encrypts, right or wrong.
        if (!warm)
          continue;
        ++found.count;
        found.failures += values[c] != encode(messages[c]);
        found.squares += std::pow(double(int64_t(phases[c] - values[c])) * 0x1p-64, 2);
      }
    }
    return found;
  }

  const NamedSet &named;
  ParameterSet set;
  uint64_t norm;
  const Options &options;
  LweSecretKey small;
  GlweSecretKey big;
  LweKeyswitchKey keyswitchKey;
  FourierBootstrapKey bootstrapKey;
  std::vector<uint64_t> table;
};

/// The set's norm, or the smallest that makes one table in 64 fail.
double normOf(NamedSet named, bool stress) {
  while (stress && named.log2FailureProbability() < -6)
    named.norm += std::max(1.0, std::floor(named.norm / 64));
  return named.norm;
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool check(const NamedSet &named, const Options &options) {
  NamedSet used = named;
  used.norm = normOf(named, options.stress);
  const double log2P = used.log2FailureProbability();
  const bool large = named.set.glwe.log2N > 14;
  const uint64_t count = options.count ? options.count : large ? 200 : 10000;
  const uint64_t keyBytes =
      LweKeyswitchKey::bytes(KeyswitchShape(named.set)) +
      bootstrapKeyBytes(named.set.lwe.dimension, named.set.glwe, named.set.bootstrap);
  const uint64_t before = peakMemory();
  double start = seconds();
  Run run(used, used.norm, options);
  if (!run.makeKeys()) {
    std::printf("%-5s FAILED: no memory for keys of %.0f MB\n", named.name, double(keyBytes) / 1e6);
    return false;
  }
  const double keySeconds = seconds() - start;
  const uint64_t peak = peakMemory();
  start = seconds();
  const Found found = run.evaluate(count);
  const double each = (seconds() - start) / double(found.count) * options.threads;
  const double ratio = found.squares / double(found.count) / tableOutputVariance(used.set);
  // Keys differ from their average by some per cent.
  const bool noiseRight = std::abs(ratio - 1) < 0.15 + 5 * std::sqrt(2 / double(found.count));
  const bool right = plausible(log2P, found.count, found.failures);
  // 64 MiB for what is not keys: tables, transforms, one element a thread.
  const bool slim = peak == 0 || peak < before + keyBytes + keyBytes / 20 + (uint64_t(64) << 20);
  std::printf("%-5s norm %7.0f  predicted 2^%-8.2f %6llu of %6llu wrong  noise x%.3f  "
              "keys %.0f MB in %.1f s, peak %.0f MB  %.1f ms each and thread  %s\n",
              named.name, used.norm, log2P, (unsigned long long)found.failures,
              (unsigned long long)found.count, ratio, double(keyBytes) / 1e6, keySeconds,
              double(peak) / 1e6, each * 1e3,
              !right ? "FAILED: failures" : !noiseRight ? "FAILED: noise"
                                          : !slim       ? "FAILED: memory"
                                                        : "ok");
  std::fflush(stdout);
  return right && noiseRight && slim;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("--threads=", 0) == 0)
      options.threads = std::clamp(std::atoi(argument.c_str() + 10), 1, 256);
    else if (argument.rfind("--count=", 0) == 0)
      options.count = std::strtoull(argument.c_str() + 8, nullptr, 10);
    else if (argument == "--stress")
      options.stress = true;
    else if (const NamedSet *set = findNamedSet(argument))
      options.sets.push_back(set);
    else {
      std::fprintf(stderr, "error: unknown argument '%s'\nhelp: many-bootstraps [--threads=N] "
                           "[--count=N] [--stress] [SET...]; sets:",
                   argv[i]);
      for (const NamedSet &each : namedSets())
        std::fprintf(stderr, " %s", each.name);
      std::fprintf(stderr, "\n");
      return 2;
    }
  }
  if (options.sets.empty())
    for (const NamedSet &set : namedSets())
      options.sets.push_back(&set);
  bool ok = true;
  for (const NamedSet *set : options.sets)
    ok = check(*set, options) && ok;
  return ok ? 0 : 1;
}
