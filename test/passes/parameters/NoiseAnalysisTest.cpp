//===- NoiseAnalysisTest.cpp - Norms over independent sources ----------------------===//
#include "mlir/Parser/Parser.h"
#include "passes/parameters/NoiseAnalysis.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::parameters;

namespace {

class NoiseAnalysisTest : public testing::Test {
protected:
  NoiseAnalysisTest() {
    context.loadDialect<fhe::tfhe_ir::TFHEDialect, mlir::func::FuncDialect>();
  }

  /// Norms of the returned values of a function, each "fresh, table" of the worst element.
  std::vector<SquaredNorm> norms(const std::string &body, double maxPaths = 2e8,
                                 const char *resultType = "$2") {
    std::string text = R"(
      tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
      func.func @main(%x: tensor<2x!tfhe.lwe<@p::@k, 60>>, %i: tensor<1x3x3x!tfhe.lwe<@p::@k, 60>>)
          -> RESULT {)" + body + "}";
    // Short names for the types.
    auto replace = [&](const std::string &from, const std::string &to) {
      for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    };
    replace("RESULT", resultType);
    replace("$2", "tensor<2x!tfhe.lwe<@p::@k, 60>>");
    replace("$m", "tensor<1x3x3x!tfhe.lwe<@p::@k, 60>>");
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
    NoiseAnalysis analysis(main, maxPaths);
    std::vector<SquaredNorm> result;
    for (mlir::Value value : main.front().getTerminator()->getOperands())
      result.push_back(analysis.worst(value).front());
    return result;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

const char *const lookup = "lo 0 tables dense<[[[0, 1, 2, 3, 3, 3, 3, 3]]]> : tensor<1x1x8xi32> width 3 guard 0 : $2 -> $2\n";

TEST_F(NoiseAnalysisTest, WeightsOfIndependentInputs) {
  EXPECT_EQ(norms("%a = tfhe.linear %x weights dense<[[1, -2], [3, 1]]> : tensor<2x2xi32> : $2 -> $2\n"
                  "return %a : $2"),
            (std::vector<SquaredNorm>{{10, 0}}));
}

TEST_F(NoiseAnalysisTest, RepeatedInputsMerge) {
  // x + x has coefficient 2; (x0 + x1) + (x0 - x1) cancels x1.
  EXPECT_EQ(norms("%a = tfhe.combine %x, %x {coefficients = array<i64: 1, 1>, log2_factors = array<i64: 0, 0>}"
                  " : ($2, $2) -> $2\nreturn %a : $2"),
            (std::vector<SquaredNorm>{{4, 0}}));
  EXPECT_EQ(norms("%a = tfhe.linear %x weights dense<[[1, 1], [1, 1]]> : tensor<2x2xi32> : $2 -> $2\n"
                  "%b = tfhe.linear %x weights dense<[[1, -1], [1, -1]]> : tensor<2x2xi32> : $2 -> $2\n"
                  "%c = tfhe.combine %a, %b {coefficients = array<i64: 1, 1>, log2_factors = array<i64: 0, 0>}"
                  " : ($2, $2) -> $2\nreturn %c : $2"),
            (std::vector<SquaredNorm>{{4, 0}}));
}

TEST_F(NoiseAnalysisTest, TablesAreNewSources) {
  EXPECT_EQ(norms(std::string("%h = tfhe.lookup %x ") + lookup +
                  "%a = tfhe.combine %x, %h {coefficients = array<i64: 2, 3>, log2_factors = array<i64: 0, 0>}"
                  " : ($2, $2) -> $2\nreturn %a : $2"),
            (std::vector<SquaredNorm>{{4, 9}}));
}

TEST_F(NoiseAnalysisTest, EqualLookupsAreOneSource) {
  // Equal weight rows give equal ciphertexts, equal tables equal results: 1 + 1 counts as 2.
  std::string rows = "%a = tfhe.linear %x weights dense<[[1, 1], [1, ROW]]> : tensor<2x2xi32> : $2 -> $2\n";
  std::string rest = std::string("%h = tfhe.lookup %a ") + lookup +
                     "%y = tfhe.linear %h weights dense<1> : tensor<2x2xi32> : $2 -> $2\nreturn %y : $2";
  auto with = [&](const char *entry) {
    std::string text = rows;
    text.replace(text.find("ROW"), 3, entry);
    return norms(text + rest);
  };
  EXPECT_EQ(with("1"), (std::vector<SquaredNorm>{{0, 4}}));
  EXPECT_EQ(with("2"), (std::vector<SquaredNorm>{{0, 2}}));
}

TEST_F(NoiseAnalysisTest, GatheredTwiceIsOneSource) {
  EXPECT_EQ(norms("%g = tfhe.gather %x {source = array<i64: 1, 1>} : ($2) -> $2\n"
                  "%y = tfhe.linear %g weights dense<1> : tensor<2x2xi32> : $2 -> $2\nreturn %y : $2"),
            (std::vector<SquaredNorm>{{4, 0}}));
  EXPECT_EQ(norms("%g = tfhe.gather %x {source = array<i64: 1, -1>} : ($2) -> $2\n"
                  "%y = tfhe.linear %g weights dense<3> : tensor<2x2xi32> : $2 -> $2\nreturn %y : $2"),
            (std::vector<SquaredNorm>{{9, 0}}));
}

TEST_F(NoiseAnalysisTest, SumsOfConvolutionsOverlap) {
  // Two 2x2 windows of ones in a row, summed: the shared column counts twice.
  // Elements of a 3x3 image under conv(2x2) then conv(2x2): binomial weights 1 2 1 times 1 2 1.
  EXPECT_EQ(norms("%a = tfhe.conv %i weights dense<1> : tensor<1x1x2x2xi32> : $m -> tensor<1x2x2x!tfhe.lwe<@p::@k, 60>>\n"
                  "%b = tfhe.conv %a weights dense<1> : tensor<1x1x2x2xi32> : tensor<1x2x2x!tfhe.lwe<@p::@k, 60>>"
                  " -> tensor<1x1x1x!tfhe.lwe<@p::@k, 60>>\nreturn %b : tensor<1x1x1x!tfhe.lwe<@p::@k, 60>>",
                  2e8, "tensor<1x1x1x!tfhe.lwe<@p::@k, 60>>"),
            (std::vector<SquaredNorm>{{36, 0}}));
}

TEST_F(NoiseAnalysisTest, BoundNeverUnderestimates) {
  std::string text = "%a = tfhe.linear %x weights dense<[[1, 1], [2, -1]]> : tensor<2x2xi32> : $2 -> $2\n"
                     "%b = tfhe.linear %a weights dense<[[1, -1], [1, 1]]> : tensor<2x2xi32> : $2 -> $2\n"
                     "return %b : $2";
  double exact = norms(text)[0].fresh, bound = norms(text, 0)[0].fresh;
  EXPECT_EQ(exact, 9); // 3 x0 + 0 x1
  EXPECT_DOUBLE_EQ(bound, 20); // (sqrt 5 + sqrt 5)^2
}

} // namespace
