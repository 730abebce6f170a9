//===- WeightGridTest.cpp - The scales of multiplied-out weights are found again -----===//
#include "passes/qnn/WeightGrid.h"
#include "compiler/import/Import.h"
#include "dialects/qnn/Elements.h"
#include "dialects/shared/StoredIntegers.h"
#include "passes/pipeline/Pipeline.h"
#include "passes/qnn/Analysis.h"
#include "passes/qnn/Passes.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace fhe;
using qnn::commonScale;

static std::vector<float> multiples(float scale, std::initializer_list<int> integers) {
  std::vector<float> out;
  for (int k : integers)
    out.push_back(float(k) * scale);
  return out;
}

TEST(WeightGrid, FindsTheScale) {
  for (float scale : {0.3f, 1.7e-3f, 0.25f, 91.337f}) {
    EXPECT_EQ(commonScale(multiples(scale, {1, -1, 0})), scale);
    EXPECT_EQ(commonScale(multiples(scale, {-1, 1})), scale);
    EXPECT_EQ(commonScale(multiples(scale, {7, -5, 3, 1, 0, -8})), scale);
    EXPECT_EQ(commonScale(multiples(scale, {255, 1, 0})), scale);
    EXPECT_EQ(commonScale(multiples(scale, {-127, 3, 100, 50, 1})), scale);
  }
}

TEST(WeightGrid, TakesTheLargestScale) {
  EXPECT_EQ(commonScale(multiples(0.5f, {2, -4, 0, 6})), 1.0);
  EXPECT_NEAR(*commonScale(multiples(0.3f, {2, 3})), 0.3f, 0.3 * 0x1p-22);
  EXPECT_EQ(commonScale(multiples(0.0f, {0, 0})), 1.0);
}

TEST(WeightGrid, AllowsRoundingOnly) {
  // Each weight a few units in the last place off, as from two roundings of a product.
  std::vector<float> weights = multiples(0.3f, {1, 2, 3, 5, 7});
  for (size_t i = 0; i != weights.size(); ++i)
    weights[i] = std::nextafter(weights[i], i % 2 ? 0.0f : 10.0f);
  ASSERT_TRUE(commonScale(weights));
  for (size_t i = 0; i != weights.size(); ++i)
    EXPECT_EQ(std::lround(weights[i] / *commonScale(weights)), (std::vector<long>{1, 2, 3, 5, 7})[i]);
  weights[2] *= 1 + 0x1p-18f;
  EXPECT_FALSE(commonScale(weights));
}

TEST(WeightGrid, RefusesOtherNumbers) {
  EXPECT_FALSE(commonScale(multiples(0.3f, {1, 256})));
  std::vector<float> many;
  for (int k = 0; k != 300; ++k)
    many.push_back(float(k) * 0.01f);
  EXPECT_FALSE(commonScale(many));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int round = 0; round != 200; ++round) {
    std::vector<float> weights(8);
    for (float &w : weights)
      w = normal(random);
    EXPECT_FALSE(commonScale(weights));
  }
}

/// Large constants are bytes where they fit, and read as they were.
TEST(StoredIntegers, Narrow) {
  MLIRContext context;
  struct Case {
    int64_t count;
    int32_t lo, hi;
    bool withUnsigned;
    unsigned width;
    bool isUnsigned;
  };
  for (const Case &c : {Case{kNarrowElements - 1, -128, 127, true, 32, false},
                        Case{kNarrowElements, -128, 127, true, 8, false},
                        Case{kNarrowElements, 0, 255, true, 8, true},
                        Case{kNarrowElements, 0, 255, false, 32, false},
                        Case{kNarrowElements, -1, 128, true, 32, false},
                        Case{kNarrowElements, INT32_MIN, INT32_MAX, true, 32, false}}) {
    std::vector<int32_t> values(size_t(c.count), 1);
    values.front() = c.lo;
    values.back() = c.hi;
    auto attr = storeIntegers(&context, {c.count}, values, c.withUnsigned);
    EXPECT_EQ(attr.getElementType().getIntOrFloatBitWidth(), c.width);
    EXPECT_EQ(attr.getElementType().isUnsignedInteger(), c.isUnsigned);
    EXPECT_TRUE(isStoredInteger(attr.getElementType(), c.withUnsigned));
    EXPECT_EQ(readIntegers(attr), values);
  }
}

/// Quantized weights of every test network, multiplied out, give their integers back.
TEST(WeightGrid, Models) {
  DialectRegistry registry;
  registerFheDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  unsigned layers = 0;
  for (const auto &folder : std::filesystem::directory_iterator(FHE_TEST_MODELS))
    for (const char *file : {"model.onnx", "model.qcdq.onnx"}) {
      std::filesystem::path path = folder.path() / file;
      if (!std::filesystem::exists(path) || std::filesystem::exists(folder.path() / "calibration.npy"))
        continue;
      OwningOpRef<ModuleOp> module = importOnnx(context, path.string());
      ASSERT_TRUE(module) << path;
      PassManager manager(&context);
      manager.addNestedPass<func::FuncOp>(createQnnFold());
      ASSERT_TRUE(succeeded(manager.run(*module)));
      module->walk([&](Operation *op) {
        if (!isa<qnn::GemmOp, qnn::ConvOp>(op))
          return;
        qnn::ConstantOp old = qnn::clearConstant(op->getOperand(1));
        std::vector<float> reals = qnn::clearReals(old);
        OpBuilder b(op);
        auto type = RankedTensorType::get(qnn::shapeOf(old), b.getF32Type());
        auto plain = qnn::ConstantOp::create(b, op->getLoc(), type,
                                             DenseElementsAttr::get(type, ArrayRef<float>(reals)));
        qnn::ConstantOp found = qnn::quantizeOnGrid(op, plain);
        ASSERT_TRUE(found) << path;
        EXPECT_EQ(qnn::clearReals(found), reals) << path;
        EXPECT_EQ(qnn::describeOffGrid(plain), "");
        EXPECT_EQ(qnn::centredIntegers(found), qnn::centredIntegers(old)) << path;
        ++layers;
      });
    }
  EXPECT_GE(layers, 40u);
}
