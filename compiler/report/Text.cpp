//===- Text.cpp - The --check table and the closing lines --------------------------===//
#include "compiler/report/Report.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace fhe::report {

static std::string rangeText(const Range &range) {
  return "[" + std::to_string(range[0]) + ", " + std::to_string(range[1]) + "]";
}

static std::string print(const char *format, double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, value);
  return text;
}

static std::string secondsText(double seconds) {
  return seconds >= 1 ? print("%.1f s", seconds) : print("%.1f ms", seconds * 1e3);
}

static std::string bytesText(uint64_t bytes) {
  if (bytes >= 1000000000)
    return print("%.2f GB", bytes / 1e9);
  if (bytes < 1000)
    return std::to_string(bytes) + " bytes";
  return bytes >= 1000000 ? print("%.1f MB", bytes / 1e6) : print("%.1f kB", bytes / 1e3);
}

static std::string tableText(const Layer &layer) {
  if (!layer.tableInputBits)
    return "-";
  std::string text = std::to_string(*layer.tableInputBits);
  return layer.roundedBits ? text + " -> " + std::to_string(*layer.roundedBits) : text;
}

std::string toText(const Report &report) {
  using Row = std::vector<std::string>;
  bool parameters = report.securityBits.has_value();
  std::vector<Row> rows = {
      {"node", "op", "interval", "bits", "proven", "observed", "table bits", "tables"}};
  if (parameters)
    rows[0].insert(rows[0].end(), {"norm2", "p_fail", "predicted"});
  for (const Layer &layer : report.layers) {
    Row row = {layer.onnxNode, layer.op, rangeText(layer.interval),
               std::to_string(layer.accumulatorBits), rangeText(layer.proven),
               layer.observed ? rangeText(*layer.observed) : "-", tableText(layer),
               std::to_string(layer.tables)};
    if (parameters)
      row.insert(row.end(), {layer.norm2 ? print("%.1f", *layer.norm2) : "-",
                  layer.log2Failure ? print("2^%.1f", *layer.log2Failure) : "-",
                  layer.predictedSeconds ? secondsText(*layer.predictedSeconds) : "-"});
    rows.push_back(row);
  }
  std::vector<size_t> widths(rows[0].size());
  for (const Row &row : rows)
    for (size_t i = 0; i != row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const Row &row : rows) {
    std::string line;
    for (size_t i = 0; i != row.size(); ++i)
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    os << line << "\n";
  }
  os << "total: " << report.tables << " tables, widest accumulator " << report.maxAccumulatorBits
     << " bits\n";
  return text;
}

/// "N bits at node 'fc1' (Gemm)".
static std::string widestText(const Report &report) {
  for (const Layer &layer : report.layers)
    if (layer.accumulatorBits == report.maxAccumulatorBits)
      return std::to_string(layer.accumulatorBits) + " bits, node '" + layer.onnxNode + "' (" +
             layer.op + ")";
  return "none";
}

static std::string tablesText(const Report &report) {
  unsigned bits = 0;
  for (const Layer &layer : report.layers)
    if (layer.tableInputBits)
      bits = std::max(bits, layer.roundedBits.value_or(*layer.tableInputBits));
  std::string text = std::to_string(report.tables);
  return bits ? text + ", of at most " + std::to_string(bits) + " bits" : text;
}

/// How often rounding changes a result, and how far: one step, unless a table is steeper than its precision.
static std::string disagreementsText(const Report &report) {
  const Disagreements &disagreements = report.disagreements;
  const std::optional<double> count =
      disagreements.expected ? disagreements.expected : disagreements.atMost;
  if (!count)
    return "";
  int64_t steps = 1;
  for (const LedgerEntry &entry : report.tableLedger)
    steps = std::max(steps, entry.steps.value_or(1));
  return std::string("; ") + (disagreements.expected ? "" : "at most ") + print("%.2g", *count) +
         " table results of one inference " +
         (steps > 1 ? "up to " + std::to_string(steps) + " rounding steps off" : "a rounding step off");
}

std::string closingLines(const Report &report, llvm::StringRef nextCommand) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "widest accumulator: " << widestText(report) << "\n"
     << "tables: " << tablesText(report) << "\n";
  if (report.predictedSeconds && report.evaluationKeyBytes && report.inputBytes)
    os << "predicted: " << secondsText(*report.predictedSeconds)
       << " an inference on one core (a model, not measured"
       << (report.options.parameters.tuned ? "; rates and parameters are of this machine: --tune" : "")
       << "); evaluation key "
       << bytesText(*report.evaluationKeyBytes) << ", input " << bytesText(*report.inputBytes)
       << "\n";
  else
    os << "predicted: nothing, this object runs in clear mode only and has no keys\n";
  if (report.securityBits && report.log2Failure)
    os << "security: " << *report.securityBits << " bits; failure probability of one inference 2^"
       << print("%.1f", *report.log2Failure) << ", of a million 2^"
       << print("%.1f", *log2FailureOfAMillion(report)) << disagreementsText(report)
       << "\n";
  else
    os << "security: none, nothing is encrypted (--clear-only)\n";
  os << "next: " << nextCommand << "\n";
  return text;
}

} // namespace fhe::report
