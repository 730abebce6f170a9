//===- FreezeStatisticsTest.cpp - Constants in place of statistics of the data -------===//
#include "passes/quantize/FreezeStatistics.h"
#include "dialects/qnn/Elements.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace fhe;

namespace {

/// A network over three numbers, its warnings kept.
struct Frozen {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  std::string messages;
  bool done = false;

  Frozen(const std::string &body, const qnn::RealTensors &inputs, int64_t samples) {
    context.loadDialect<func::FuncDialect, qnn::QNNDialect>();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      for (Diagnostic &note : diagnostic.getNotes())
        messages += note.str() + "\n";
      return success();
    });
    module = parseSourceString<ModuleOp>("func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {\n" + body + "}",
                                         &context);
    done = module && succeeded(quantize::freezeStatistics(*module, inputs, samples));
  }
  qnn::RealTensors run(const qnn::RealTensors &inputs, int64_t samples) {
    return (*qnn::Interpreter::create(*module))->run(inputs, samples, 1);
  }
  int count(StringRef name) {
    int found = 0;
    module->walk([&](Operation *op) { found += op->getName().getStringRef() == name; });
    return found;
  }
};

constexpr char kLayer[] = R"(
  %m = qnn.statistic mean %x : tensor<3xf32> -> tensor<1xf32>
  %n = qnn.activation neg %m : tensor<1xf32> -> tensor<1xf32>
  %d = qnn.add %x, %n : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  %v = qnn.statistic variance %x : tensor<3xf32> -> tensor<1xf32>
  %s = qnn.activation sqrt %v : tensor<1xf32> -> tensor<1xf32>
  %y = qnn.div %d, %s : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
)";
/// The same as exporters before operator set 17 spell it.
constexpr char kSpelledOut[] = R"(
  %two = qnn.constant dense<2.0> : tensor<1xf32> -> tensor<1xf32>
  %zero = qnn.constant dense<0.0> : tensor<1xf32> -> tensor<1xf32>
  %r = qnn.reshape %x : tensor<3xf32> -> tensor<1x1x3xf32>
  %a = qnn.avg_pool %r {kernel = array<i64: 1, 3>} : tensor<1x1x3xf32> -> tensor<1x1x1xf32>
  %m = qnn.reshape %a : tensor<1x1x1xf32> -> tensor<1xf32>
  %n = qnn.activation neg %m : tensor<1xf32> -> tensor<1xf32>
  %d = qnn.add %x, %n : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  %p = qnn.binary pow %d, %two : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  %q = qnn.reshape %p : tensor<3xf32> -> tensor<1x1x3xf32>
  %b = qnn.avg_pool %q {kernel = array<i64: 1, 3>} : tensor<1x1x3xf32> -> tensor<1x1x1xf32>
  %w = qnn.reshape %b : tensor<1x1x1xf32> -> tensor<1xf32>
  %e = qnn.add %w, %zero : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %s = qnn.activation sqrt %e : tensor<1xf32> -> tensor<1xf32>
  %y = qnn.div %d, %s : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
)";

/// Means 2 and 4, variances 6 and 24 (each of three numbers): 3 and 15 in their place.
const qnn::RealTensors kInputs{{-1, 2, 5, -2, 4, 10}};

void expectAffine(Frozen &frozen) {
  ASSERT_TRUE(frozen.done);
  EXPECT_EQ(frozen.count("qnn.statistic"), 0);
  EXPECT_EQ(frozen.count("qnn.avg_pool"), 0);
  std::vector<float> y = frozen.run({{-1, 2, 5}}, 1)[0];
  for (int e = 0; e != 3; ++e)
    EXPECT_NEAR(y[e], (3 * e - 1 - 3) / std::sqrt(15.0), 1e-6);
  // Means 1 off 3, in deviations of sqrt(15); deviations sqrt(6) and sqrt(24) of sqrt(15).
  EXPECT_NE(frozen.messages.find("its means vary by 0.26 standard deviations, its standard deviations by 32.0 %"),
            std::string::npos)
      << frozen.messages;
  EXPECT_NE(frozen.messages.find("the statistics of 1 normalization are replaced"), std::string::npos);
}

TEST(FreezeStatistics, MeansOverTheSamples) {
  Frozen frozen(kLayer, kInputs, 2);
  expectAffine(frozen);
}

TEST(FreezeStatistics, SpelledOut) {
  Frozen frozen(kSpelledOut, kInputs, 2);
  expectAffine(frozen);
}

TEST(FreezeStatistics, EqualStatisticsChangeNothing) {
  Frozen frozen(kLayer, {{-1, 2, 5, 5, -1, 2}}, 2);
  ASSERT_TRUE(frozen.done);
  EXPECT_NE(frozen.messages.find("the results change by 0.0 %"), std::string::npos) << frozen.messages;
}

TEST(FreezeStatistics, RefusesWhatCannotBeMeant) {
  Frozen one(kLayer, {{1, 2, 3}}, 1);
  EXPECT_FALSE(one.done);
  EXPECT_NE(one.messages.find("[Q061]"), std::string::npos);
  Frozen none("return %x : tensor<3xf32>\n", kInputs, 2);
  EXPECT_TRUE(none.done);
  EXPECT_EQ(none.messages, "");
}

} // namespace
