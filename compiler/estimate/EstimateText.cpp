//===- EstimateText.cpp - An estimate as a table and as JSON -----------------------------------===//
#include "compiler/estimate/Estimate.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace fhe::estimate {

using Json = nlohmann::ordered_json;

static std::string print(const char *format, double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, value);
  return text;
}

static std::string secondsText(double seconds) {
  if (seconds >= 100)
    return print("%.0f s", seconds);
  return seconds >= 1 ? print("%.2f s", seconds) : print("%.1f ms", seconds * 1e3);
}

static std::string bytesText(uint64_t bytes) {
  std::string exact = std::to_string(bytes) + " bytes";
  if (bytes < 10000)
    return exact;
  return (bytes >= 1000000000 ? print("%.2f GB", double(bytes) / 1e9)
          : bytes >= 1000000  ? print("%.1f MB", double(bytes) / 1e6)
                              : print("%.1f kB", double(bytes) / 1e3)) +
         " (" + exact + ")";
}

static std::string setText(const report::Layer &layer) {
  return layer.tables && layer.parameterSet ? *layer.parameterSet : "-";
}

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell; the first two to the left, numbers to the right.
static void printTable(llvm::raw_ostream &os, const std::vector<Row> &rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row &row : rows)
    for (size_t i = 0; i != row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (const Row &row : rows) {
    std::string line;
    for (size_t i = 0; i != row.size(); ++i) {
      std::string space(widths[i] - row[i].size(), ' ');
      line += (i ? "  " : "") + (i < 2 ? row[i] + space : space + row[i]);
    }
    os << line << "\n";
  }
}

static std::string bitsText(const report::Layer &layer) {
  if (!layer.tableInputBits)
    return "-";
  std::string bits = std::to_string(*layer.tableInputBits);
  return layer.roundedBits ? bits + " -> " + std::to_string(*layer.roundedBits) : bits;
}

std::string toText(const Estimate &estimate) {
  const report::Report &report = estimate.report;
  std::vector<Row> rows = {{"node", "op", "tables", "table bits", "set", "p_fail", "time"}};
  for (const report::Layer &layer : report.layers)
    rows.push_back({layer.onnxNode, layer.op, std::to_string(layer.tables), bitsText(layer),
                    setText(layer), layer.log2Failure ? print("2^%.1f", *layer.log2Failure) : "-",
                    secondsText(layer.predictedSeconds.value_or(0))});
  rows.push_back({"total", "", std::to_string(report.tables), "", "",
                  report.log2Failure ? print("2^%.1f", *report.log2Failure) : "-",
                  secondsText(estimate.seconds)});
  std::string text;
  llvm::raw_string_ostream os(text);
  printTable(os, rows);
  os << "\n";
  for (const std::string &set : estimate.sets)
    os << "parameters      " << set << "; " << report.securityBits.value_or(0) << " bits of security\n";
  os << "time            " << secondsText(estimate.seconds / double(estimate.samples))
     << " an inference: " << estimate.samples << (estimate.samples == 1 ? " sample" : " samples")
     << " on " << estimate.threads << (estimate.threads == 1 ? " thread" : " threads") << "\n"
     << "kernel rates    " << estimate.rates << "\n"
     << "evaluation key  " << bytesText(estimate.evaluationKeyBytes) << "\n"
     << "ciphertexts     " << bytesText(estimate.inputBytes) << " in, "
     << bytesText(estimate.outputBytes) << " out\n"
     << "server          " << bytesText(estimate.serverBytes) << " of keys, tables, ciphertexts\n"
     << "peak memory     fhe-run " << bytesText(estimate.runPeakBytes) << ", fhe-evaluate "
     << bytesText(estimate.evaluatePeakBytes) << "\n";
  return text;
}

template <typename T>
static Json orNull(const std::optional<T> &value) {
  return value ? Json(*value) : Json();
}

std::string toJson(const Estimate &estimate) {
  const report::Report &report = estimate.report;
  Json layers = Json::array();
  for (const report::Layer &layer : report.layers)
    layers.push_back({{"onnx_node", layer.onnxNode},
                      {"op", layer.op},
                      {"tables", layer.tables},
                      {"table_input_bits", orNull(layer.tableInputBits)},
                      {"rounded_bits", orNull(layer.roundedBits)},
                      {"parameter_set", layer.tables ? orNull(layer.parameterSet) : Json()},
                      {"log2_failure_probability", orNull(layer.log2Failure)},
                      {"seconds", layer.predictedSeconds.value_or(0)}});
  Json json = {{"format", "fhe-estimate"},
               {"format_version", 1},
               {"name", report.name},
               {"samples", estimate.samples},
               {"threads", estimate.threads},
               {"kernel_rates", estimate.rates},
               {"layers", layers},
               {"tables", report.tables},
               {"parameter_sets", estimate.sets},
               {"security_bits", orNull(report.securityBits)},
               {"log2_failure_probability", orNull(report.log2Failure)},
               {"seconds", estimate.seconds},
               {"seconds_per_inference", estimate.seconds / double(estimate.samples)},
               {"samples_together", estimate.samplesTogether},
               {"evaluation_key_bytes", estimate.evaluationKeyBytes},
               {"input_ciphertext_bytes", estimate.inputBytes},
               {"output_ciphertext_bytes", estimate.outputBytes},
               {"server_bytes", estimate.serverBytes},
               {"peak_memory_bytes", estimate.runPeakBytes},
               {"evaluate_peak_memory_bytes", estimate.evaluatePeakBytes}};
  // Names come from files: what is not UTF-8 is replaced, not thrown at.
  return json.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

} // namespace fhe::estimate
