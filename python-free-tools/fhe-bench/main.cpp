//===- main.cpp - fhe-bench: measures the project's parts ----------------------------------===//
//
// `fhe-bench kernels` times the TFHE kernel library on this machine. Figures of several machines
// or libraries compare by their share of the fused multiply-add peak, measured in the same run.
//
//===----------------------------------------------------------------------------------------===//
#include "python-free-tools/deployment/command.h"
#include "python-free-tools/fhe-bench/kernels.h"
#include "runtime/tfhe/isa/isa.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace {

using namespace fhe::tools;

nlohmann::ordered_json toJson(const KernelReport &report) {
  nlohmann::ordered_json json;
  json["isa"] = report.isa;
  for (auto [threads, gflops] : report.fmaPeakGflops)
    json["fma_peak_gflops"].push_back({{"threads", threads}, {"gflops", gflops}});
  json["rows"] = nlohmann::ordered_json::array();
  for (const KernelRow &row : report.rows) {
    nlohmann::ordered_json &entry = json["rows"].emplace_back();
    entry["set"] = row.set;
    entry["op"] = row.op;
    entry["batch"] = row.batch;
    entry["threads"] = row.threads;
    entry["ns_per_item"] = row.nsPerItem;
    entry["fma_peak_share"] = row.fmaPeakShare;
    if (row.nsPerStep)
      entry["ns_per_n_k1_l_N_log2N"] = *row.nsPerStep;
    if (row.keyBytes)
      entry["key_bytes"] = *row.keyBytes;
  }
  json["memory"] = nlohmann::ordered_json::array();
  for (const auto &[set, resident, huge] : report.memory)
    json["memory"].push_back(
        {{"set", set}, {"resident_bytes", resident}, {"huge_page_bytes", huge}});
  json["skipped"] = report.skipped;
  return json;
}

void printRow(const KernelRow &row) {
  const bool small = row.nsPerItem < 1e5;
  std::printf("%-12s %-7s %5u %7u %11.3f %s %6.1f %%", row.set.c_str(), row.op.c_str(), row.batch,
              row.threads, row.nsPerItem * (small ? 1e-3 : 1e-6), small ? "us" : "ms",
              row.fmaPeakShare * 100);
  if (row.keyBytes)
    std::printf(" %9.1f", double(*row.keyBytes) / 1e6);
  if (row.nsPerStep)
    std::printf(" %7.4f", *row.nsPerStep);
  std::printf("\n");
  std::fflush(stdout);
}

void addKernels(CLI::App &app, KernelOptions &options) {
  app.add_option("--sets", options.sets,
                 "What to measure, with commas: fft, linear, or a parameter set (default: all but "
                 "p8 and m4c4, whose keys take gigabytes)")
      ->delimiter(',')
      ->check(CLI::IsMember(kernelSetNames()));
  app.add_option("--batch", options.batches, "Ciphertexts of one call, with commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Numbers of threads, with commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Time for each row, about")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
}

void runKernels(KernelOptions options, const CommonFlags &flags) {
  if (options.sets.empty())
    for (const std::string &name : kernelSetNames())
      if (name != "p8" && name != "m4c4")
        options.sets.push_back(name);
  if (std::string diagnostic = fhe::tfhe::isaDiagnostic(); !diagnostic.empty())
    std::fprintf(stderr, "fhe-bench: warning: %s\n", diagnostic.c_str());
  const bool table = !flags.json;
  if (table)
    std::printf("%-12s %-7s %5s %7s %14s %8s %9s %7s\n", "set", "op", "batch", "threads",
                "time an item", "of peak", "keys, MB", "ns/step");
  KernelReport report = measureKernels(options, [&](const KernelRow &row) {
    if (table)
      printRow(row);
  });
  if (!table) {
    std::printf("%s\n", toJson(report).dump(2).c_str());
    return;
  }
  std::printf("\ninstruction set: %s\n", report.isa.c_str());
  for (auto [threads, gflops] : report.fmaPeakGflops)
    std::printf("fused multiply-add peak, %u thread%s: %.1f GFLOP/s\n", threads,
                threads == 1 ? "" : "s", gflops);
  for (const auto &[set, resident, huge] : report.memory)
    std::printf("memory of %s: %.1f MB, %.1f MB of it on huge pages\n", set.c_str(),
                double(resident) / 1e6, double(huge) / 1e6);
  for (const std::string &skipped : report.skipped)
    std::printf("skipped %s\n", skipped.c_str());
  std::printf("of peak: nominal operations a second over that peak (docs/benchmarks.md); ns/step: "
              "ns per n (k+1) l N log2 N\n");
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Measures the project's parts on this machine.", "fhe-bench");
  app.require_subcommand(1);
  CLI::App &kernels = *app.add_subcommand(
      "kernels", "Times transforms, linear layers, keyswitch and bootstrap of the kernel library");
  CommonFlags flags(app);
  KernelOptions options;
  addKernels(kernels, options);
  kernels.fallthrough(); // --json and --quiet may stand after the subcommand.
  return runCommand(app, argc, argv, [&] { runKernels(options, flags); });
}
