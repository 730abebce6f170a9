//===- MeasureRates.cpp - The measurements behind the rates ----------------------------------===//
//
// See RateFit.h. Everything is batched and on one thread, but for the slowdown of all
// cores and for single ciphertexts, which wait for the key.
//
//===----------------------------------------------------------------------------------------===//
#include "compiler/estimate/RateFit.h"
#include "runtime/bench/kernel_timing.h"
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

namespace fhe::estimate {

using namespace ::fhe::tfhe;
using bench::Effort;
using bench::RotationShape;
using parameters::KernelCosts;
using parameters::RateMember;
using Json = nlohmann::ordered_json;

namespace {

using Print = std::function<void(const std::string &)>;

/// Four digits are more than a measurement has.
double roundedToFour(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3e", value);
  return std::strtod(text, nullptr);
}

[[gnu::format(printf, 2, 3)]] void say(const Print &print, const char *format, ...) {
  char text[200];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  print(text);
}

double keyBytes(const RotationShape &shape) {
  return double(bootstrapKeyBytes(shape.dimension, shape.glwe, shape.digits));
}

bool measureSteps(const Print &print, KernelRates &rates) {
  static constexpr uint32_t shapes[][3] = {
      {6, 8, 1},  {1, 9, 1},  {3, 9, 2},  {4, 9, 1},  {4, 9, 2},  {2, 10, 1},
      {2, 10, 2}, {1, 11, 1}, {1, 11, 2}, {1, 11, 3}, {2, 11, 1}, {3, 11, 1},
      {1, 12, 1}, {1, 12, 2}, {1, 12, 3}, {2, 12, 1}, {1, 13, 1}, {1, 13, 2},
      {1, 13, 3}, {1, 14, 1}, {1, 14, 2}, {1, 14, 3}, {1, 15, 2}, {1, 15, 3},
      {1, 16, 2}, {1, 16, 3}};
  std::vector<StepTime> steps;
  for (const auto &[k, log2N, levels] : shapes) {
    RotationShape shape = RotationShape::of(k, log2N, levels, size_t(96) << 20);
    std::optional<double> seconds = bench::stepSeconds(shape, 0, 1, {0.6, 4});
    if (!seconds)
      return false;
    steps.push_back({shape.glwe, levels, *seconds});
  }
  fitSteps(steps, rates);
  for (const StepTime &step : steps)
    say(print, "step  k=%u N=%-6u levels=%u  %9.3f us, model %+5.1f %%", step.glwe.k,
        step.glwe.polynomialSize(), step.levels, step.seconds * 1e6,
        100 * (KernelCosts(rates).cmux(step.glwe, step.levels) / step.seconds - 1));
  say(print, "largest error of the model %.1f %%", 100 * largestError(steps, rates));
  return true;
}

/// What a single ciphertext pays for reading the key, as bytes a second.
bool measureSingles(const Print &print, KernelRates &rates) {
  double seconds = 0, read = 0;
  static constexpr uint32_t shapes[][3] = {
      {4, 9, 1}, {1, 11, 1}, {1, 12, 2}, {1, 13, 2}, {1, 14, 2}};
  for (const auto &[k, log2N, levels] : shapes) {
    RotationShape shape = RotationShape::of(k, log2N, levels, 0);
    shape.dimension = 900; // the size of a real key decides where it stays
    auto full = bench::stepSeconds(shape, 0, 1, {0.5, 3});
    auto one = bench::stepSeconds(shape, 1, 1, {0.5, 3});
    if (!full || !one)
      return false;
    double share = 1 - 1.0 / bootstrapBatch(shape.glwe, shape.digits), bytes = keyBytes(shape);
    double passes = std::max(1e-9, *one - *full) * (shape.dimension + 1) / share;
    say(print, "single k=%u N=%-6u levels=%u  %9.3f us a step, key of %4.0f MB at %5.1f GB/s", k,
        shape.glwe.polynomialSize(), levels, *one * 1e6, bytes / 1e6, bytes / passes / 1e9);
    seconds += passes;
    read += bytes;
  }
  rates.bootstrapKeyBytesPerSecond = read / seconds;
  return true;
}

bool measureKeyswitches(const Print &print, KernelRates &rates) {
  struct Shape {
    uint32_t in, out, baseLog, levels;
  };
  static constexpr Shape shapes[] = {{1536, 720, 4, 3},  {2048, 800, 3, 5},  {2048, 880, 2, 8},
                                     {4096, 860, 3, 5},  {4096, 900, 1, 19}, {8192, 900, 3, 6},
                                     {16384, 960, 3, 6}};
  for (unsigned bits : {64u, 32u}) {
    // The mean of what a product costs, as relative times weigh it.
    double sum = 0, squares = 0;
    for (const Shape &shape : shapes) {
      auto time =
          bench::keyswitchSeconds(shape.in, shape.out, {shape.baseLog, shape.levels}, bits, 64,
                                  {0.4, 4});
      if (!time)
        return false;
      double products = double(shape.in) * shape.levels * (shape.out + 1.0);
      sum += products / *time;
      squares += std::pow(products / *time, 2);
      say(print, "keyswitch  %u to %u, levels=%u base=2^%u, %u bits  %8.4f ms, %6.2f ps a product",
          shape.in, shape.out, shape.levels, shape.baseLog, bits, *time * 1e3,
          *time / products * 1e12);
    }
    (bits == 64 ? rates.keyswitch64PerSecond : rates.keyswitch32PerSecond) = squares / sum;
  }
  // Larger than caches one core may have for itself; one ciphertext and many.
  auto one = bench::keyswitchSeconds(16384, 960, {3, 6}, 32, 1, {0.4, 3});
  auto many = bench::keyswitchSeconds(16384, 960, {3, 6}, 32, 64, {0.4, 3});
  if (!one || !many || *one <= *many)
    return false;
  rates.keyBytesPerSecond = 16384.0 * 6 * 961 * 4 / (*one - *many);
  say(print, "keyswitch of one ciphertext: the key is read at %.1f GB/s",
      rates.keyBytesPerSecond / 1e9);
  return true;
}

double slowdown(unsigned threads, Effort effort) {
  RotationShape shape = RotationShape::of(1, 12, 2, size_t(96) << 20);
  auto alone = bench::stepSeconds(shape, 0, 1, effort);
  auto together = bench::stepSeconds(shape, 0, threads, effort);
  return alone && together ? std::max(1.0, *together / *alone) : 1;
}

unsigned cores() { return std::max(1u, std::thread::hardware_concurrency()); }

} // namespace

std::optional<KernelRates> measureRates(const Print &print) {
  KernelRates rates = parameters::committedRates();
  if (!measureSteps(print, rates) || !measureSingles(print, rates) ||
      !measureKeyswitches(print, rates))
    return std::nullopt;
  rates.linearPerSecond = 1 / bench::productSeconds({0.4, 4});
  rates.copyBytesPerSecond = bench::copyBytesPerSecond({0.4, 4});
  rates.allCores = cores();
  rates.allCoresSlowdown = slowdown(cores(), {1.0, 4});
  say(print, "linear %.1f GHz products, copies %.1f GB/s; on all of %u cores times %.3f",
      rates.linearPerSecond / 1e9, rates.copyBytesPerSecond / 1e9, cores(), rates.allCoresSlowdown);
  for (const RateMember &member : parameters::rateMembers)
    rates.*member.value = roundedToFour(rates.*member.value);
  return rates;
}

std::optional<KernelRates> scaleRates(const KernelRates &rates) {
  const Effort effort{0.08, 3};
  KernelRates scaled = rates;
  const KernelCosts costs(rates);
  auto step = [&](uint32_t log2N, uint32_t levels) {
    return bench::stepSeconds(RotationShape::of(1, log2N, levels, size_t(24) << 20), 0, 1, effort);
  };
  auto small = step(11, 1), middle = step(12, 2), large = step(14, 2);
  auto narrow = bench::keyswitchSeconds(2048, 880, {2, 8}, 32, 64, effort);
  auto wide = bench::keyswitchSeconds(2048, 880, {2, 8}, 64, 64, effort);
  if (!small || !middle || !large || !narrow || !wide)
    return std::nullopt;
  // Speed against the model, where data stay near and where they do not.
  const GlweKey key11{1, 11, -50}, key12{1, 12, -50}, key14{1, 14, -50};
  const double nearSpeed =
      std::sqrt(costs.cmux(key11, 1) / *small * (costs.cmux(key12, 2) / *middle));
  scaled.fftFlopsPerSecond *= nearSpeed;
  scaled.macsPerSecond *= nearSpeed;
  const auto work = parameters::stepWork(key14, 2, rates);
  const double computing = (work.flops / rates.fftFlopsPerSecond + work.macs / rates.macsPerSecond) /
                           nearSpeed;
  const double moving = costs.cmux(key14, 2) - computing * nearSpeed;
  const double farSpeed =
      std::clamp(moving / std::max(*large - computing, 1e-9), nearSpeed / 4, nearSpeed * 4);
  scaled.nearWordsPerSecond *= farSpeed;
  scaled.farWordsPerSecond *= farSpeed;
  scaled.bootstrapKeyBytesPerSecond *= farSpeed;
  scaled.keyBytesPerSecond *= farSpeed;
  const double products = 2048.0 * 8 * 881;
  scaled.keyswitch32PerSecond = products / *narrow;
  scaled.keyswitch64PerSecond = products / *wide;
  scaled.linearPerSecond = 1 / bench::productSeconds(effort);
  scaled.copyBytesPerSecond = bench::copyBytesPerSecond(effort);
  scaled.allCores = cores();
  scaled.allCoresSlowdown = cores() > 1 ? slowdown(cores(), {0.1, 3}) : 1;
  return scaled;
}

std::string toSource(const KernelRates &rates) {
  std::string text;
  for (const RateMember &member : parameters::rateMembers) {
    char line[100];
    std::snprintf(line, sizeof line, "      .%s = %.10g,\n", member.field, rates.*member.value);
    text += line;
  }
  return text;
}

std::string toJson(const KernelRates &rates) {
  Json json = {{"format", "fhe-kernel-rates"}, {"format_version", 1}};
  for (const RateMember &member : parameters::rateMembers)
    json[member.name] = rates.*member.value;
  return json.dump(2) + "\n";
}

std::optional<KernelRates> ratesFromJson(const std::string &text, std::string &error) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("format", Json()) != "fhe-kernel-rates" ||
      json.value("format_version", Json()) != 1) {
    error = "is no file of kernel rates (fhe_shape_bench writes one)";
    return std::nullopt;
  }
  KernelRates rates{};
  for (const RateMember &member : parameters::rateMembers) {
    auto found = json.find(member.name);
    if (found == json.end() || !found->is_number()) {
      error = std::string("has no number '") + member.name + "'";
      return std::nullopt;
    }
    double value = found->get<double>();
    // What no machine reaches would make prices 0 or infinite.
    if (!(value >= 1 && value <= 1e18)) {
      error = std::string("'") + member.name + "' is not from 1 to 1e18";
      return std::nullopt;
    }
    rates.*member.value = value;
  }
  return rates;
}

} // namespace fhe::estimate
