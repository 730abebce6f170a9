//===- check.cpp - What the end-to-end scripts compare with
//-------------------------------------===//
//
//   end-to-end-check npy A B TOLERANCE         every value of A equals that of B but for TOLERANCE
//   end-to-end-check json FILE POINTER VALUE   the JSON value at POINTER (RFC 6901) is VALUE
//   end-to-end-check ranges REPORT META same|inside|none
//       every accumulator of a model's meta.json has the same interval and signed bits in the
//       report; its observed interval is the same, lies inside, or is not looked at
//   end-to-end-check take FILE N OUT           writes the first N samples of a .npy file
//   end-to-end-check tile FILE N OUT           writes N samples, those of FILE over and over
//   end-to-end-check write OUT SAMPLES VALUE...  writes float samples of equally many values
//   end-to-end-check limits SECONDS MIB COMMAND...   the command ends well within time and memory
//
// Exit status 0 if it holds, else 1 with a line that says what does not.
//
//===----------------------------------------------------------------------------------------===//
#include "python-free-tools/shared/files.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using Json = nlohmann::json;
using fhe::tools::readNpyFile;

static int fail(const std::string &text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return 1;
}

static Json readJson(const std::string &path) {
  std::ifstream stream(path);
  if (!stream)
    throw std::runtime_error(path + " cannot be read");
  return Json::parse(stream);
}

static int compareNpy(const std::string &a, const std::string &b, double tolerance) {
  auto first = readNpyFile(a), second = readNpyFile(b);
  std::vector<float> x = first.toFloat(), y = second.toFloat();
  if (x.size() != y.size() || x.empty())
    return fail(a + " has " + std::to_string(x.size()) + " values, " + b + " has " +
                std::to_string(y.size()));
  double worst = 0;
  size_t where = 0, differing = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double distance = std::fabs(double(x[i]) - double(y[i]));
    differing += !(distance <= tolerance);
    if (!(distance <= worst)) {
      worst = distance;
      where = i;
    }
  }
  if (differing == 0)
    return 0;
  return fail(a + ": " + std::to_string(differing) + " of " + std::to_string(x.size()) +
              " values differ, the worst at " + std::to_string(where) + " by " +
              std::to_string(worst) + " (" + std::to_string(x[where]) + " and " +
              std::to_string(y[where]) + ")");
}

static int compareJson(const std::string &path, const std::string &pointer,
                       const std::string &expected) {
  Json found = readJson(path).at(Json::json_pointer(pointer));
  if (found == Json::parse(expected))
    return 0;
  return fail(path + ": " + pointer + " is " + found.dump() + ", not " + expected);
}

/// What is wrong with the layer of one accumulator, "" if nothing.
static std::string compareAccumulator(const Json &layer, const Json &meta,
                                      const std::string &observed) {
  if (layer.at("accumulator_interval") != meta.at("worst_case_interval"))
    return "interval " + layer.at("accumulator_interval").dump() + ", expected " +
           meta.at("worst_case_interval").dump();
  // meta.json counts signed bits, the report unsigned ones where no value is negative.
  int64_t lo = meta.at("worst_case_interval")[0];
  int bits = meta.at("bits_worst_case").get<int>() - (lo >= 0 ? 1 : 0);
  if (layer.at("accumulator_bits") != bits)
    return layer.at("accumulator_bits").dump() + " bits, expected " + std::to_string(bits);
  if (observed == "none")
    return "";
  const Json &found = layer.at("accumulator_observed"), &there = meta.at("observed_interval");
  if (found.is_null())
    return "no observed interval";
  bool good = observed == "same" ? found == there : found[0] >= there[0] && found[1] <= there[1];
  return good ? ""
              : "observed " + found.dump() + ", expected " + there.dump() + " (" + observed + ")";
}

static int compareRanges(const std::string &reportPath, const std::string &metaPath,
                         const std::string &observed) {
  Json report = readJson(reportPath), meta = readJson(metaPath);
  const Json &accumulators = meta.at("accumulators");
  if (accumulators.empty())
    return fail(metaPath + " has no accumulators");
  int wrong = 0;
  for (const Json &accumulator : accumulators) {
    std::string tensor = accumulator.at("tensor"), problem = "is not in the report";
    for (const Json &layer : report.at("layers"))
      if (layer.at("tensor") == tensor)
        problem = compareAccumulator(layer, accumulator, observed);
    if (!problem.empty())
      wrong += fail(reportPath + ": " + tensor + ": " + problem);
  }
  return wrong ? 1 : 0;
}

static int tileSamples(const std::string &path, uint64_t samples, const std::string &out) {
  auto array = readNpyFile(path);
  if (array.shape.empty() || array.shape[0] == 0 || array.data.empty())
    return fail(path + " has no samples");
  const size_t bytes = array.data.size() / array.shape[0], given = array.data.size();
  array.data.resize(bytes * samples);
  for (size_t i = given; i < array.data.size(); ++i)
    array.data[i] = array.data[i - given];
  array.shape[0] = samples;
  fhe::tools::writeNpyFile(out, array);
  return 0;
}
static int takeSamples(const std::string &path, uint64_t samples, const std::string &out) {
  auto array = readNpyFile(path);
  if (array.shape.empty() || array.shape[0] < samples)
    return fail(path + " has fewer than " + std::to_string(samples) + " samples");
  array.data.resize(array.data.size() / array.shape[0] * samples);
  array.shape[0] = samples;
  fhe::tools::writeNpyFile(out, array);
  return 0;
}

static int writeSamples(const std::string &out, uint64_t samples, int count, char **texts) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i)
    values.push_back(std::stof(texts[i]));
  if (samples == 0 || values.size() % samples)
    return fail(std::to_string(count) + " values are not " + std::to_string(samples) + " samples");
  fhe::tools::writeNpyFile(
      out, fhe::runtime::NpyArray::fromFloat({samples, values.size() / samples}, values));
  return 0;
}

static int runLimited(double seconds, double mebibytes, char **command) {
  auto start = std::chrono::steady_clock::now();
  pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) != child)
    return fail("cannot run " + std::string(command[0]));
  double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(std::string(command[0]) + " ended with status " + std::to_string(status));
  if (took > seconds)
    return fail("took " + std::to_string(took) + " s, limit " + std::to_string(seconds));
  if (double(usage.ru_maxrss) / 1024 > mebibytes)
    return fail("used " + std::to_string(usage.ru_maxrss / 1024) + " MiB, limit " +
                std::to_string(mebibytes));
  return 0;
}

int main(int argc, char **argv) {
  try {
    std::string what = argc > 1 ? argv[1] : "";
    if (what == "npy" && argc == 5)
      return compareNpy(argv[2], argv[3], std::stod(argv[4]));
    if (what == "json" && argc == 5)
      return compareJson(argv[2], argv[3], argv[4]);
    if (what == "ranges" && argc == 5)
      return compareRanges(argv[2], argv[3], argv[4]);
    if (what == "take" && argc == 5)
      return takeSamples(argv[2], std::stoull(argv[3]), argv[4]);
    if (what == "tile" && argc == 5)
      return tileSamples(argv[2], std::stoull(argv[3]), argv[4]);
    if (what == "write" && argc > 4)
      return writeSamples(argv[2], std::stoull(argv[3]), argc - 4, argv + 4);
    if (what == "limits" && argc > 4)
      return runLimited(std::stod(argv[2]), std::stod(argv[3]), argv + 4);
  } catch (const std::exception &error) {
    return fail(error.what());
  }
  return fail("usage: see the head of check.cpp");
}
