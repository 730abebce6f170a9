//===- ModelsTest.cpp - Exported networks against the framework's own outputs ---------===//
//
// Every export of every quantized model: import, all passes down to verified fhe,
// the interpreter, and the client's arithmetic must reproduce outputs.npy on all
// samples; the interval of each accumulator must be meta.json's worst case, and the
// observed one (over the same samples where they are stored) meta.json's observed one.
// Calibrated and rounded compilations must agree with the exact one on the samples
// they were calibrated with.
//
//===----------------------------------------------------------------------------------===//
#include "compiler/import/Import.h"
#include "dialects/fhe/ClientSide.h"
#include "dialects/fhe/Interpreter.h"
#include "dialects/shared/NodeLocation.h"
#include "passes/pipeline/Pipeline.h"
#include "python-free-tools/shared/files.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>

using namespace mlir;
using namespace fhe;
namespace fs = std::filesystem;

namespace {

struct Case {
  fs::path folder;
  std::string file;
};

std::string nameOf(const testing::TestParamInfo<Case> &info) {
  std::string name = info.param.folder.filename().string() + "_" + info.param.file;
  for (char &c : name)
    if (!isalnum(c))
      c = '_';
  return name;
}

nlohmann::json readMeta(const fs::path &folder) {
  std::ifstream in(folder / "meta.json");
  return in ? nlohmann::json::parse(in) : nlohmann::json();
}

/// The exports of the quantized models in `root`.
void findCases(const fs::path &root, std::vector<Case> &cases) {
  if (root.empty() || !fs::is_directory(root))
    return;
  std::vector<fs::path> folders;
  for (const auto &entry : fs::directory_iterator(root))
    if (entry.is_directory() && readMeta(entry.path()).contains("accumulators"))
      folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path &folder : folders) {
    bool known = std::any_of(cases.begin(), cases.end(), [&](const Case &c) {
      return c.folder.filename() == folder.filename();
    });
    for (const char *file : {"model.onnx", "model.qonnx.onnx", "model.qcdq.onnx", "model.dynbatch.onnx"})
      if (!known && fs::exists(folder / file))
        cases.push_back({folder, file});
  }
}

std::vector<Case> allCases() {
  std::vector<Case> cases;
  findCases(FHE_TEST_MODELS, cases);
  findCases(FHE_SHARED_MODELS, cases);
  return cases;
}

/// The interval an attribute holds, as JSON.
nlohmann::json pairOf(ArrayRef<int64_t> range) { return nlohmann::json{range[0], range[1]}; }

class Models : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    DialectRegistry registry;
    registerFheDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    meta = readMeta(GetParam().folder);
  }

  /// The network at the end of the fhe passes; observed ranges are recorded where `calibrated`.
  OwningOpRef<ModuleOp> compile(Overflow overflow, std::optional<unsigned> round) {
    ImportOptions import;
    if (GetParam().folder.filename() == "zoo_unsw_nb15_w2a2")
      import.declaredInputs.push_back({"", 1, -1.0, 1.0});
    auto module = importOnnx(context, (GetParam().folder / GetParam().file).string(), import);
    if (!module)
      return nullptr;
    CompileOptions options;
    options.overflow = overflow;
    options.roundAccumulators = round;
    PassManager exact(&context), windows(&context);
    buildQnnPipeline(exact, options);
    buildFhePipeline(exact, options);
    if (failed(exact.run(*module)))
      return nullptr;
    auto inputs = quantizedInputs(*module);
    if (failed(recordObservedRanges(*module, inputs, samples)))
      return nullptr;
    buildWindowPipeline(windows, options);
    buildRealizationPipeline(windows, options);
    return failed(windows.run(*module)) ? nullptr : std::move(module);
  }

  std::vector<std::vector<int64_t>> quantizedInputs(ModuleOp module) {
    auto clients = readClientInputs(module.lookupSymbol<func::FuncOp>("main"));
    EXPECT_TRUE(succeeded(clients) && clients->size() == 1);
    std::vector<float> reals = tools::readNpyFile((GetParam().folder / "inputs.npy").string()).toFloat();
    const ClientInput &client = clients->front();
    samples = int64_t(reals.size()) / client.elements();
    std::vector<int64_t> integers(reals.size());
    client.quantize(reals.data(), samples, integers.data());
    return {integers};
  }

  std::vector<int64_t> evaluate(ModuleOp module) {
    auto interpreter = Interpreter::create(module);
    EXPECT_TRUE(succeeded(interpreter));
    auto out = (*interpreter)->run(quantizedInputs(module), samples);
    return out.at(0);
  }

  MLIRContext context;
  nlohmann::json meta;
  int64_t samples = 0;
};

TEST_P(Models, ReproduceTheFramework) {
  auto module = compile(Overflow::Proven, std::nullopt);
  ASSERT_TRUE(module);
  std::vector<int64_t> integers = evaluate(*module);
  auto clients = readClientOutputs(module->lookupSymbol<func::FuncOp>("main"));
  ASSERT_TRUE(succeeded(clients));
  std::vector<double> reals(integers.size());
  clients->front().dequantize(integers.data(), samples, reals.data());
  std::vector<float> expected =
      tools::readNpyFile((GetParam().folder / "outputs.npy").string()).toFloat();
  ASSERT_EQ(reals.size(), expected.size());
  size_t wrong = 0;
  for (size_t i = 0; i != reals.size(); ++i)
    wrong += !(std::fabs(reals[i] - expected[i]) <= 1e-4);
  EXPECT_EQ(wrong, 0u) << "of " << reals.size();
}

TEST_P(Models, RangesAreThoseOfTheWeights) {
  auto module = compile(Overflow::Proven, std::nullopt);
  ASSERT_TRUE(module);
  std::map<std::string, RangesAttr> found;
  module->walk([&](Operation *op) {
    if (auto ranges = op->getAttrOfType<RangesAttr>("ranges"))
      found.emplace(primaryNode(op->getLoc())->output.str(), ranges);
  });
  // Where fewer samples are stored than were observed, the interval only has to lie inside.
  std::string name = GetParam().folder.filename().string();
  bool fewer = name.starts_with("digits_") || name == "fashion_cnn_w2a2";
  for (const auto &accumulator : meta["accumulators"]) {
    std::string tensor = accumulator["tensor"];
    ASSERT_TRUE(found.count(tensor)) << tensor;
    RangesAttr ranges = found.at(tensor);
    EXPECT_EQ(pairOf(ranges.getInterval()), accumulator["worst_case_interval"]) << tensor;
    int64_t lo = ranges.getInterval()[0], hi = ranges.getInterval()[1];
    // meta.json counts a sign bit always, accumulatorBits only for negative values.
    EXPECT_EQ(accumulatorBits(lo, hi) + (lo >= 0), accumulator["bits_worst_case"].get<unsigned>()) << tensor;
    ASSERT_EQ(ranges.getObserved().size(), 2u) << tensor;
    if (!fewer) {
      EXPECT_EQ(pairOf(ranges.getObserved()), accumulator["observed_interval"]) << tensor;
    } else {
      EXPECT_GE(ranges.getObserved()[0], accumulator["observed_interval"][0].get<int64_t>()) << tensor;
      EXPECT_LE(ranges.getObserved()[1], accumulator["observed_interval"][1].get<int64_t>()) << tensor;
    }
    EXPECT_LE(ranges.getInterval()[0], ranges.getProven()[0]);
    EXPECT_LE(ranges.getProven()[0], ranges.getObserved()[0]);
    EXPECT_GE(ranges.getInterval()[1], ranges.getProven()[1]);
    EXPECT_GE(ranges.getProven()[1], ranges.getObserved()[1]);
  }
}

TEST_P(Models, CalibratedAndRoundedAgreeOnTheSamples) {
  auto exact = compile(Overflow::Proven, std::nullopt);
  ASSERT_TRUE(exact);
  std::vector<int64_t> expected = evaluate(*exact);
  for (std::optional<unsigned> round : {std::optional<unsigned>(), std::optional<unsigned>(6)}) {
    auto module = compile(Overflow::Calibrated, round);
    ASSERT_TRUE(module);
    EXPECT_EQ(evaluate(*module), expected) << (round ? "rounded" : "exact tables");
  }
}

INSTANTIATE_TEST_SUITE_P(All, Models, testing::ValuesIn(allCases()), nameOf);

TEST(ModelsFound, TheRepositoryHasThem) {
  std::vector<Case> cases;
  findCases(FHE_TEST_MODELS, cases);
  EXPECT_GE(cases.size(), 30u);
}

} // namespace
