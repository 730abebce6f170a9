//===- report.cpp - What a run showed
//-----------------------------------------------------------===//
//
// Accuracy, agreement with the clear run and with a reference file, times, tables per second, and
// values that left the windows of their tables; as a table for people or as JSON.
//
//===----------------------------------------------------------------------------------------===//
#include "python-free-tools/fhe-run/run.h"
#include "python-free-tools/shared/files.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace fhe::tools {

using Json = nlohmann::ordered_json;

static uint64_t perSample(const OutputValues &output) {
  uint64_t count = 1;
  for (uint64_t extent : output.shape)
    count *= extent;
  return count;
}

/// The class a sample is put in: the largest value; of a single value its sign, or the value itself
/// where the network gives a class number.
static int64_t predictedClass(const float *values, uint64_t count, bool sign) {
  if (count == 1)
    return sign ? values[0] > 0 : std::lround(values[0]);
  return std::max_element(values, values + count) - values;
}

static Json accuracy(const RunOptions &options, const RunResult &result) {
  std::vector<int64_t> labels;
  try {
    labels = readNpyFile(options.labels).toIntegers();
  } catch (const runtime::Failure &failure) {
    throw FileError(options.labels, failure.what());
  }
  if (labels.size() < result.samples)
    throw FileError(options.labels, "has " + std::to_string(labels.size()) + " labels for " +
                                        std::to_string(result.samples) + " samples");
  labels.resize(result.samples);
  const OutputValues &output = result.outputs.front();
  uint64_t count = perSample(output);
  for (int64_t label : labels)
    if (count > 1 && (label < 0 || label >= int64_t(count)))
      throw FileError(options.labels, "holds class " + std::to_string(label) +
                                          ", the network has the classes 0 to " +
                                          std::to_string(count - 1));
  // One value a sample is a score whose sign decides, unless all values are class numbers.
  bool classes = std::all_of(output.values.begin(), output.values.end(),
                             [](float value) { return value >= 0 && value == std::floor(value); });
  uint64_t right = 0;
  for (uint64_t s = 0; s < result.samples; ++s)
    right += predictedClass(&output.values[s * count], count, !classes) == labels[s];
  return {{"right", right},
          {"of", result.samples},
          {"percent", 100.0 * double(right) / double(result.samples)}};
}

/// How often two runs give the same integers, and put a sample in the same class.
static Json agreement(const RunResult &result) {
  uint64_t differing = 0, values = 0, samplesDiffering = 0, largest = 0;
  for (const OutputValues &output : result.outputs) {
    values += output.integers.size();
    uint64_t count = output.integers.size() / result.samples;
    for (uint64_t s = 0; s < result.samples; ++s) {
      uint64_t before = differing;
      for (uint64_t e = s * count; e < (s + 1) * count; ++e) {
        uint64_t distance = std::abs(output.integers[e] - output.clearIntegers[e]);
        differing += distance != 0;
        largest = std::max(largest, distance);
      }
      samplesDiffering += differing != before;
    }
  }
  return {{"integers_differing", differing},
          {"of", values},
          {"samples_differing", samplesDiffering},
          {"largest_difference", largest}};
}

/// Classes that agree with the clear run, counted on the integers (a positive scale keeps order).
static Json classAgreement(const RunResult &result) {
  const OutputValues &output = result.outputs.front();
  uint64_t count = output.integers.size() / result.samples, same = 0;
  for (uint64_t s = 0; s < result.samples; ++s) {
    auto best = [&](const std::vector<int64_t> &integers) {
      auto first = integers.begin() + int64_t(s * count);
      return count == 1 ? *first : std::max_element(first, first + int64_t(count)) - first;
    };
    same += best(output.integers) == best(output.clearIntegers);
  }
  return {{"same", same}, {"of", result.samples}};
}

/// The output a file is for: the one named, or the only one.
static size_t findOutput(const std::string &model, const std::vector<std::string> &names,
                         const NamedFile &file, const char *flag) {
  std::string all;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == file.first || (file.first.empty() && names.size() == 1))
      return i;
    all += (i ? ", '" : "'") + names[i] + "'";
  }
  throw FileError(model, std::string(flag) + ": name one of the outputs " + all + " (NAME=" +
                             file.second + ")");
}

void checkOutputNames(const RunOptions &options, const std::vector<std::string> &names) {
  for (const NamedFile &file : options.outputs)
    findOutput(options.model, names, file, "--outputs");
  for (const NamedFile &file : options.references)
    findOutput(options.model, names, file, "--reference");
}

static const OutputValues &findOutput(const RunOptions &options, const RunResult &result,
                                      const NamedFile &file, const char *flag) {
  std::vector<std::string> names;
  for (const OutputValues &output : result.outputs)
    names.push_back(output.name);
  return result.outputs[findOutput(options.model, names, file, flag)];
}

static Json reference(const RunOptions &options, const RunResult &result) {
  double largest = 0;
  uint64_t samplesDiffering = 0;
  for (const NamedFile &file : options.references) {
    const OutputValues &output = findOutput(options, result, file, "--reference");
    std::vector<float> expected = readNpyFile(file.second).toFloat();
    if (expected.size() < output.values.size() || output.values.empty())
      throw FileError(file.second, "has " + std::to_string(expected.size()) +
                                       " values, the run gave " +
                                       std::to_string(output.values.size()));
    uint64_t count = output.values.size() / result.samples;
    for (uint64_t s = 0; s < result.samples; ++s) {
      double worst = 0;
      for (uint64_t e = s * count; e < (s + 1) * count; ++e) {
        double distance = std::fabs(double(output.values[e]) - double(expected[e]));
        // A NaN never agrees.
        worst = std::isnan(distance) ? INFINITY : std::max(worst, distance);
      }
      largest = std::max(largest, worst);
      samplesDiffering += worst > 1e-4;
    }
  }
  return {{"largest_difference", largest},
          {"samples_differing", samplesDiffering},
          {"of", result.samples},
          {"tolerance", 1e-4}};
}

static uint64_t peakMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return uint64_t(usage.ru_maxrss) * 1024;
}

static Json makeReport(const RunOptions &options, const RunResult &result) {
  static const char *modes[] = {"clear", "simulate", "encrypted", "float"};
  Json report = {
      {"model", options.model}, {"mode", modes[int(options.mode)]}, {"samples", result.samples}};
  if (!options.labels.empty())
    report["accuracy"] = accuracy(options, result);
  if (options.mode == Mode::Simulate || options.mode == Mode::Encrypted) {
    report["agreement_with_clear"] = agreement(result);
    report["same_class_as_clear"] = classAgreement(result);
  }
  if (!options.references.empty())
    report["reference"] = reference(options, result);
  report["seconds"] = result.seconds;
  report["seconds_per_inference"] = result.seconds / double(result.samples);
  report["tables"] = result.tables;
  report["tables_per_second"] = result.seconds > 0 ? double(result.tables) / result.seconds : 0.0;
  if (result.keygenSeconds) {
    report["key_generation_seconds"] = *result.keygenSeconds;
    report["evaluation_key_bytes"] = result.evaluationKeyBytes;
    report["input_ciphertext_bytes"] = result.inputBytes;
    report["output_ciphertext_bytes"] = result.outputBytes;
  }
  report["peak_memory_bytes"] = peakMemory();
  Json windows = Json::array();
  for (const LayerWindow &window : result.windows)
    windows.push_back(
        {{"layer", window.layer}, {"evaluated", window.evaluated}, {"outside", window.outside}});
  report["out_of_window"] = windows;
  return report;
}

static std::string seconds(double value) {
  char text[64];
  if (value >= 1)
    std::snprintf(text, sizeof(text), "%.2f s", value);
  else if (value >= 1e-3)
    std::snprintf(text, sizeof(text), "%.2f ms", value * 1e3);
  else
    std::snprintf(text, sizeof(text), "%.2f us", value * 1e6);
  return text;
}

static std::string bytes(uint64_t value) {
  char text[64];
  if (value < 10000)
    std::snprintf(text, sizeof(text), "%llu bytes", static_cast<unsigned long long>(value));
  else if (value < 10000000)
    std::snprintf(text, sizeof(text), "%.1f kB", double(value) / 1e3);
  else
    std::snprintf(text, sizeof(text), "%.1f MB", double(value) / 1e6);
  return text;
}

static void row(const char *name, const std::string &text) {
  std::printf("%-24s%s\n", name, text.c_str());
}

static std::string fraction(const Json &part, const Json &whole) {
  return std::to_string(part.get<uint64_t>()) + " of " + std::to_string(whole.get<uint64_t>());
}

static void printComparisons(const Json &report) {
  if (report.contains("accuracy")) {
    const Json &accuracy = report["accuracy"];
    char text[64];
    std::snprintf(text, sizeof(text), "%.2f %% (", accuracy["percent"].get<double>());
    row("accuracy", text + fraction(accuracy["right"], accuracy["of"]) + ")");
  }
  if (report.contains("agreement_with_clear")) {
    const Json &agreement = report["agreement_with_clear"];
    if (agreement["integers_differing"] == 0)
      row("agreement with clear",
          "all " + std::to_string(agreement["of"].get<uint64_t>()) + " output integers are equal");
    else
      row("agreement with clear",
          fraction(agreement["integers_differing"], agreement["of"]) +
              " output integers differ, by at most " +
              std::to_string(agreement["largest_difference"].get<uint64_t>()));
    const Json &classes = report["same_class_as_clear"];
    row("same class as clear", fraction(classes["same"], classes["of"]));
  }
  if (report.contains("reference")) {
    const Json &reference = report["reference"];
    char text[160];
    std::snprintf(text, sizeof(text),
                  "largest difference %.3g, %llu of %llu samples differ by > %g",
                  reference["largest_difference"].get<double>(),
                  static_cast<unsigned long long>(reference["samples_differing"].get<uint64_t>()),
                  static_cast<unsigned long long>(reference["of"].get<uint64_t>()),
                  reference["tolerance"].get<double>());
    row("reference", text);
  }
}

static void printReport(const Json &report) {
  row("mode", report["mode"]);
  row("samples", std::to_string(report["samples"].get<uint64_t>()));
  printComparisons(report);
  row("time per inference", seconds(report["seconds_per_inference"]));
  bool hasTables = report["mode"] != "float";
  char rate[32];
  std::snprintf(rate, sizeof(rate), "%.1f", report["tables_per_second"].get<double>());
  if (hasTables)
    row("tables per second", rate + std::string(" (") +
                               std::to_string(report["tables"].get<uint64_t>()) + " in " +
                               seconds(report["seconds"]) + ")");
  if (report.contains("key_generation_seconds")) {
    row("key generation", seconds(report["key_generation_seconds"]));
    row("evaluation key", bytes(report["evaluation_key_bytes"]));
    row("ciphertexts", bytes(report["input_ciphertext_bytes"]) + " in, " +
                           bytes(report["output_ciphertext_bytes"]) + " out");
  }
  row("peak memory", bytes(report["peak_memory_bytes"]));
  if (!hasTables)
    return;
  uint64_t outside = 0, evaluated = 0;
  for (const Json &window : report["out_of_window"]) {
    evaluated += window["evaluated"].get<uint64_t>();
    outside += window["outside"].get<uint64_t>();
  }
  row("outside their window",
      std::to_string(outside) + " of " + std::to_string(evaluated) + " table inputs");
  for (const Json &window : report["out_of_window"])
    if (window["outside"] != 0)
      row("", window["layer"].get<std::string>() + ": " +
                  fraction(window["outside"], window["evaluated"]));
}

void reportRun(const RunOptions &options, const RunResult &result) {
  Json report = makeReport(options, result);
  for (const NamedFile &file : options.outputs) {
    const OutputValues &output = findOutput(options, result, file, "--outputs");
    std::vector<uint64_t> shape = output.shape;
    shape.insert(shape.begin(), result.samples);
    writeNpyFile(file.second, runtime::NpyArray::fromFloat(shape, output.values));
  }
  if (options.json)
    std::cout << report.dump(2) << "\n";
  else if (!options.quiet)
    printReport(report);
  std::cout.flush();
  if (std::fflush(stdout) != 0 || !std::cout)
    throw FileError("stdout", "cannot be written");
}

} // namespace fhe::tools
