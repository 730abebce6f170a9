//===- ProgramNoiseTest.cpp - Variances of programs with several sets --------------===//
#include "mlir/Parser/Parser.h"
#include "passes/parameters/ProgramNoise.h"
#include "runtime/tfhe/noise.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::parameters;
using namespace fhe::tfhe;

namespace {

const char *const keys = R"(
  tfhe.parameters @p security 128 {
    tfhe.lwe_key @s0 dimension 830 log2_std -18.64
    tfhe.glwe_key @g0 k 1 log2_poly 11 log2_std -49.951
    tfhe.lwe_key @s1 dimension 880 log2_std -19.9 word_bits 32
    tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
    tfhe.keyswitch_key @ks00 from @g0 to @s0 base_log 2 levels 8
    tfhe.keyswitch_key @ks01 from @g0 to @s1 base_log 2 levels 8
    tfhe.keyswitch_key @ks10 from @g1 to @s0 base_log 3 levels 6
    tfhe.keyswitch_key @ks11 from @g1 to @s1 base_log 2 levels 8
    tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 8 levels 3
    tfhe.bootstrap_key @bs0 from @s0 to @g0 base_log 23 levels 1 {switch_kind = "centred"}
    tfhe.bootstrap_key @bs1 from @s1 to @g1 base_log 15 levels 2
  }
)";

class ProgramNoiseTest : public testing::Test {
protected:
  ProgramNoiseTest() {
    context.loadDialect<fhe::tfhe_ir::TFHEDialect, mlir::func::FuncDialect>();
  }

  /// Variances at all lookups and results of @main(%x: $0 of two elements) -> what `result` says.
  std::vector<double> variances(std::string body, const char *result = "$1", double maxPaths = 2e8) {
    std::string text = std::string(keys) + "func.func @main(%x: $0) -> " + result + " {" + body + "}";
    auto replace = [&](const std::string &from, const std::string &to) {
      for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    };
    replace("$0", "tensor<2x!tfhe.lwe<@p::@g0, 60>>");
    replace("$1", "tensor<2x!tfhe.lwe<@p::@g1, 60>>");
    replace("TABLE", "lo 0 tables dense<[[[0, 1, 2, 3, 3, 3, 3, 3]]]> : tensor<1x1x8xi32> width 3 guard 0");
    replace("ADD", "{coefficients = array<i64: 3, 4>, log2_factors = array<i64: 0, 0>}");
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    if (!module)
      return {};
    auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
    NoiseAnalysis analysis(main, maxPaths);
    ProgramNoise noise(fhe::tfhe_ir::getParameters(*module), analysis);
    std::vector<double> found;
    for (const Constraint &constraint : collectConstraints(main))
      found.push_back(noise.varianceAt(constraint));
    return found;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

const GlweKey g0{1, 11, -49.951}, g1{1, 12, -62.0};
const double fresh0 = freshVariance(-49.951), s0 = freshVariance(-18.64), s1 = freshVariance(-19.9);
const double table0 = blindRotationVariance(830, g0, {23, 1}),
             table1 = blindRotationVariance(880, g1, {15, 2}),
             conversion = keyswitchVariance(2048, {8, 3}, freshVariance(-62.0));
const double switch0 = modulusSwitchVariance(830, 11, SwitchKind::centred),
             switch1 = modulusSwitchVariance(880, 12, SwitchKind::plain);

TEST_F(ProgramNoiseTest, EachSourceHasItsSetsVariance) {
  auto found = variances("%a = tfhe.lookup %x keyswitch @p::@ks00 bootstrap @p::@bs0 TABLE : $0 -> $0\n"
                         "%b = tfhe.lookup %a keyswitch @p::@ks01 bootstrap @p::@bs1 TABLE : $0 -> $1\n"
                         "%c = tfhe.lookup %b keyswitch @p::@ks10 bootstrap @p::@bs0 TABLE : $1 -> $0\n"
                         "return %b : $1");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_DOUBLE_EQ(found[0], fresh0 + keyswitchVariance(2048, {2, 8}, s0) + switch0);
  EXPECT_DOUBLE_EQ(found[1], table0 + keyswitchVariance(2048, {2, 8}, s1, 32) + switch1);
  EXPECT_DOUBLE_EQ(found[2], table1 + keyswitchVariance(4096, {3, 6}, s0) + switch0);
  EXPECT_DOUBLE_EQ(found[3], table1);
}

const std::string residual =
    "%a = tfhe.lookup %x keyswitch @p::@ks00 bootstrap @p::@bs0 TABLE : $0 -> $0\n"
    "%b = tfhe.lookup %x keyswitch @p::@ks01 bootstrap @p::@bs1 TABLE : $0 -> $1\n"
    "%c = tfhe.convert %a keyswitch @p::@c01 : $0 -> $1\n"
    "%y = tfhe.combine %c, %b ADD : ($1, $1) -> $1\n";

TEST_F(ProgramNoiseTest, ConversionsAddTheirOwn) {
  auto found = variances(residual + "return %y : $1");
  EXPECT_DOUBLE_EQ(found[2], 9 * (table0 + conversion) + 16 * table1);
}

TEST_F(ProgramNoiseTest, ConvertedTwiceIsConvertedEqually) {
  // Both paths carry one noise: (3 + 4)^2, of the table and of the conversion.
  auto found = variances("%a = tfhe.lookup %x keyswitch @p::@ks00 bootstrap @p::@bs0 TABLE : $0 -> $0\n"
                         "%g = tfhe.gather %a {source = array<i64: 0, 0>} : ($0) -> $0\n"
                         "%c = tfhe.convert %g keyswitch @p::@c01 : $0 -> $1\n"
                         "%y = tfhe.linear %c weights dense<[[3, 4], [1, 0]]> : tensor<2x2xi32> : $1 -> $1\n"
                         "return %y : $1");
  EXPECT_DOUBLE_EQ(found[1], 49 * (table0 + conversion));
}

TEST_F(ProgramNoiseTest, LinearOperationsOnConvertedSources) {
  auto found = variances("%a = tfhe.lookup %x keyswitch @p::@ks00 bootstrap @p::@bs0 TABLE : $0 -> $0\n"
                         "%c = tfhe.convert %a keyswitch @p::@c01 : $0 -> $1\n"
                         "%y = tfhe.linear %c weights dense<[[3, 4], [1, 5]]> : tensor<2x2xi32> : $1 -> $1\n"
                         "return %y : $1");
  EXPECT_DOUBLE_EQ(found[1], 26 * (table0 + conversion));
}

TEST_F(ProgramNoiseTest, BoundNeverUnderestimates) {
  auto exact = variances(residual + "return %y : $1"), bound = variances(residual + "return %y : $1", "$1", 0);
  for (size_t i = 0; i != exact.size(); ++i)
    EXPECT_GE(bound[i], exact[i] * (1 - 1e-12));
  EXPECT_LT(bound[2], 2 * exact[2]);
}

} // namespace
