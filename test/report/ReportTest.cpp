//===- ReportTest.cpp - Reports from hand-written fhe modules ----------------------===//
#include "compiler/report/Report.h"
#include "dialects/fhe/FHE.h"
#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/tfhe/Passes.h"
#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace fhe::report;

namespace {

const char *const network = R"mlir(
func.func @main(%x: tensor<2x!fhe.int<0:3>>) -> tensor<1x!fhe.int<-6:6>> {
  %a = fhe.linear %x weights dense<[[1, 1], [1, 2]]> : tensor<2x2xi32>
      {ranges = #fhe.ranges<interval = [0, 9], proven = [0, 9], observed = [1, 7]>}
      : tensor<2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:9>> loc("fc1")
  %v = fhe.reshape %a : tensor<2x!fhe.int<0:9>> -> tensor<1x2x!fhe.int<0:9>>
  %h = fhe.lut %v lo 0 tables dense<[[[0,0,0,1,1,1,2,2,2,3]]]> : tensor<1x1x10xi32> width 4 guard 3
      : tensor<1x2x!fhe.int<0:9>> -> tensor<1x2x!fhe.int<0:3>> loc("relu")
  %r = fhe.reshape %h : tensor<1x2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:3>>
  %y = fhe.linear %r weights dense<[[2, -2]]> : tensor<1x2xi32>
      {ranges = #fhe.ranges<interval = [-6, 6], proven = [-6, 6]>}
      : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<-6:6>> loc("fc2")
  return %y : tensor<1x!fhe.int<-6:6>>
}
)mlir";

class ReportTest : public testing::Test {
protected:
  ReportTest() {
    context.loadDialect<fhe::FHEDialect, fhe::tfhe_ir::TFHEDialect, mlir::func::FuncDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(network, &context);
  }
  Report make(bool withParameters, bool clearOnly = false) {
    fhe::CompileOptions options;
    options.clearOnly = clearOnly;
    Report report = collect(*module, "net", options);
    if (withParameters) {
      mlir::PassManager manager(&context);
      fhe::buildTfhePipeline(manager, options);
      EXPECT_TRUE(mlir::succeeded(manager.run(*module)));
      addParameters(report, *module);
    }
    return report;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(ReportTest, CheckKnowsTheFheLevelOnly) {
  ASSERT_TRUE(module);
  auto json = nlohmann::json::parse(toJson(make(false)));
  ASSERT_EQ(json["layers"].size(), 2u);
  auto &fc1 = json["layers"][0], &fc2 = json["layers"][1];
  EXPECT_EQ(fc1["onnx_node"], "fc1");
  EXPECT_EQ(fc1["accumulator_interval"], nlohmann::json({0, 9}));
  EXPECT_EQ(fc1["accumulator_observed"], nlohmann::json({1, 7}));
  EXPECT_EQ(fc1["accumulator_bits"], 4);
  EXPECT_EQ(fc1["table_input_bits"], 4);
  EXPECT_EQ(fc1["tables"], 2); // through the reshape
  EXPECT_TRUE(fc1["norm2"].is_null());
  EXPECT_TRUE(fc1["failure_probability"].is_null());
  EXPECT_EQ(fc2["accumulator_bits"], 4);
  EXPECT_TRUE(fc2["accumulator_observed"].is_null());
  EXPECT_TRUE(fc2["table_input_bits"].is_null());
  EXPECT_EQ(json["tables"], 2);
  EXPECT_EQ(json["max_accumulator_bits"], 4);
  EXPECT_TRUE(json["bytes"]["peak"].is_null());
}

TEST_F(ReportTest, ParametersFillTheRest) {
  ASSERT_TRUE(module);
  Report report = make(true);
  auto json = nlohmann::json::parse(toJson(report));
  auto &fc1 = json["layers"][0], &fc2 = json["layers"][1];
  EXPECT_DOUBLE_EQ(fc1["norm2"], std::sqrt(5.0));
  EXPECT_DOUBLE_EQ(fc2["norm2"], std::sqrt(8.0));
  EXPECT_EQ(fc1["parameter_set"], "p");
  EXPECT_LE(fc1["failure_probability"].get<double>(), 2 * std::exp2(-40));
  EXPECT_GT(fc1["failure_probability"].get<double>(), 0);
  EXPECT_GT(fc1["predicted_seconds"].get<double>(), fc2["predicted_seconds"].get<double>());
  EXPECT_EQ(json["security_bits"], 128);
  EXPECT_GT(json["bytes"]["evaluation_key_stored"].get<uint64_t>(), 0u);
  EXPECT_GE(json["bytes"]["peak"].get<uint64_t>(),
            json["bytes"]["evaluation_key_memory"].get<uint64_t>());
}

TEST_F(ReportTest, ProbabilitiesBelowEveryDoubleAreNullBesideTheirLogarithm) {
  Report report;
  report.layers.emplace_back().log2Failure = -2000.5;
  report.log2Failure = -40;
  auto json = nlohmann::json::parse(toJson(report));
  EXPECT_TRUE(json["layers"][0]["failure_probability"].is_null());
  EXPECT_EQ(json["layers"][0]["log2_failure_probability"], -2000.5);
  EXPECT_EQ(json["failure_probability"], std::exp2(-40));
  EXPECT_EQ(json["log2_failure_probability"], -40);
  EXPECT_TRUE(json["disagreements"]["expected"].is_null());
  EXPECT_TRUE(json["options"]["rounding"].is_null());
}

// One table to a million inferences, in logarithms that do not underflow.
TEST_F(ReportTest, TheLedgerGoesFromOneTableToAMillionInferences) {
  ASSERT_TRUE(module);
  auto json = nlohmann::json::parse(toJson(make(true)));
  auto &ledger = json["ledger"];
  ASSERT_EQ(ledger["tables"].size(), 1u);
  auto &table = ledger["tables"][0];
  EXPECT_EQ(table["elements"], 2);
  EXPECT_LE(table["log2_failure_probability"].get<double>(), -40);
  EXPECT_NEAR(table["log2_failure_probability_of_all"].get<double>(),
              table["log2_failure_probability"].get<double>() + 1, 1e-9);
  ASSERT_EQ(ledger["outputs"].size(), 1u);
  double inference = ledger["log2_failure_probability_of_an_inference"];
  EXPECT_EQ(inference, json["log2_failure_probability"].get<double>());
  EXPECT_GE(inference, table["log2_failure_probability_of_all"].get<double>());
  EXPECT_NEAR(ledger["log2_failure_probability_of_a_million_inferences"].get<double>(),
              inference + std::log2(1e6), 1e-4);

  Report report;
  report.log2Failure = -2000.5;
  report.tableLedger.emplace_back().log2Failure = -3000;
  json = nlohmann::json::parse(toJson(report));
  EXPECT_EQ(json["ledger"]["tables"][0]["log2_failure_probability"], -3000);
  EXPECT_NEAR(json["ledger"]["log2_failure_probability_of_a_million_inferences"].get<double>(),
              -2000.5 + std::log2(1e6), 1e-9);
  EXPECT_TRUE(nlohmann::json::parse(toJson(Report()))["ledger"].is_null());
}

TEST_F(ReportTest, RoundedTablesSayHowOftenTheyAreAStepOff) {
  ASSERT_TRUE(module);
  // Rounded to 2 bits, in a window wide enough for the guards; inputs beside thresholds only.
  module->walk([&](fhe::LutOp lut) {
    lut.setWidth(5);
    lut.setGuard(11);
    lut.setRoundedWidth(2);
    auto type = mlir::RankedTensorType::get({1, 10}, mlir::Float64Type::get(&context));
    std::vector<double> frequencies = {0, 0, 1, 1, 0, 0, 0, 0, 0, 0};
    lut.setFrequenciesAttr(
        mlir::DenseElementsAttr::get(type, llvm::ArrayRef<double>(frequencies)));
  });
  Report report = make(true);
  report.options.roundAccumulators = 2;
  auto json = nlohmann::json::parse(toJson(report));
  auto &found = json["layers"][0]["disagreements"];
  EXPECT_GT(found["expected"].get<double>(), 0);
  EXPECT_LE(found["expected"].get<double>(), found["at_most"].get<double>());
  EXPECT_LT(found["at_most"].get<double>(), 2);
  EXPECT_TRUE(json["layers"][1]["disagreements"]["at_most"].is_null());
  EXPECT_EQ(json["disagreements"], found);
  EXPECT_EQ(json["options"]["rounding"], "approximate");
  auto withSteps = [&](int64_t steps) {
    for (LedgerEntry &entry : report.tableLedger)
      entry.steps = steps;
    return closingLines(report, "x");
  };
  ASSERT_FALSE(report.tableLedger.empty());
  EXPECT_NE(withSteps(1).find(" table results of one inference a rounding step off"), std::string::npos);
  // Thresholds closer together than the precision.
  EXPECT_NE(withSteps(3).find(" table results of one inference up to 3 rounding steps off"),
            std::string::npos);
}

TEST_F(ReportTest, TextHasOneLineALayer) {
  ASSERT_TRUE(module);
  std::string text = toText(make(false));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4); // head, two layers, total
  EXPECT_NE(text.find("total: 2 tables, widest accumulator 4 bits"), std::string::npos);
}

TEST_F(ReportTest, FiveClosingLines) {
  ASSERT_TRUE(module);
  std::string text = closingLines(make(true), "fhe-run net.so");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
  EXPECT_EQ(text.find("widest accumulator: 4 bits, node 'fc1'"), 0u);
  EXPECT_NE(text.find("tables: 2, of at most 4 bits\n"), std::string::npos);
  EXPECT_NE(text.find("security: 128 bits; failure probability of one inference 2^-"),
            std::string::npos);
  EXPECT_NE(text.find("next: fhe-run net.so\n"), std::string::npos);
}

TEST_F(ReportTest, ClearOnlySaysSo) {
  ASSERT_TRUE(module);
  Report report = make(true, true);
  EXPECT_FALSE(report.securityBits);
  EXPECT_TRUE(report.layers[0].norm2);
  std::string text = closingLines(report, "fhe-run net.so");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
  EXPECT_NE(text.find("nothing is encrypted"), std::string::npos);
}

} // namespace
