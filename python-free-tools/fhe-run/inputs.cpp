//===- inputs.cpp - The input files of a run
//----------------------------------------------------===//
#include "python-free-tools/fhe-run/run.h"
#include "python-free-tools/shared/files.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fhe::tools {

static std::string list(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

/// Values of one file, and how many samples they are.
static std::vector<float> readInput(const std::string &path, const std::string &name,
                                    uint64_t elements, uint64_t &samples) {
  runtime::NpyArray array = readNpyFile(path);
  uint64_t total = array.elements();
  samples = array.shape.empty() ? 1 : array.shape[0];
  if (samples == 0)
    throw FileError(path, "holds no samples");
  if (total / samples != elements || total % samples != 0)
    throw FileError(path, "has " + std::to_string(total / samples) + " values a sample, input '" +
                              name + "' takes " + std::to_string(elements));
  try {
    std::vector<float> values = array.toFloat();
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        throw FileError(path,
                        "holds NaN or infinity (sample " + std::to_string(i / elements) + ")");
    return values;
  } catch (const runtime::Failure &failure) {
    throw FileError(path, failure.what());
  }
}

std::vector<InputValues> readInputs(const std::vector<NamedFile> &files,
                                    const std::vector<std::string> &names,
                                    const std::vector<uint64_t> &elements, uint64_t limit,
                                    const std::string &model, uint64_t &samples) {
  std::map<std::string, std::string> paths;
  for (auto [name, path] : files) {
    if (name.empty() && names.size() == 1)
      name = names.front();
    if (name.empty())
      throw FileError(model, "has the inputs " + list(names) + "; write --inputs NAME=" + path);
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw FileError(model, "has no input '" + name + "', it has " + list(names));
    if (!paths.emplace(name, path).second)
      throw FileError(model, "input '" + name + "' is given twice");
  }
  std::vector<InputValues> result;
  samples = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!paths.count(names[i]))
      throw FileError(model, "no values for input '" + names[i] + "'; add --inputs " + names[i] +
                                 "=X.npy");
    uint64_t count = 0;
    result.push_back({names[i], readInput(paths[names[i]], names[i], elements[i], count)});
    if (limit)
      count = std::min(count, limit);
    result.back().values.resize(count * elements[i]);
    if (samples && samples != count)
      throw FileError(paths[names[i]], "has " + std::to_string(count) +
                                           " samples, the inputs before it " +
                                           std::to_string(samples));
    samples = count;
  }
  return result;
}

} // namespace fhe::tools
