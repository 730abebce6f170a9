//===- ParameterTableTest.cpp - Every cell of the committed table ------------------===//
#include "passes/parameters/CostModel.h"
#include "test/passes/parameters/ParameterTable.h"
#include "runtime/tfhe/noise.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fhe::parameters;

namespace {

TEST(ParameterTable, HasAllCells) {
  ASSERT_EQ(allCells().size(), 48u);
  size_t i = 0;
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (unsigned norm = 0; norm <= maxLog2Norm; norm += 2, ++i) {
      EXPECT_EQ(allCells()[i].bits, bits);
      EXPECT_EQ(allCells()[i].log2Norm, norm);
    }
}

TEST(ParameterTable, CellsLieOnTheCurveAndWithinBounds) {
  for (unsigned wordBits : {32u, 64u})
    for (const Cell &cell : allCells()) {
      fhe::tfhe::ParameterSet set = toParameterSet(cell, wordBits);
      EXPECT_EQ(fhe::tfhe::checkBounds(set), "");
      EXPECT_EQ(fhe::tfhe::checkSecurity(set, tableSecurity), "");
      EXPECT_DOUBLE_EQ(set.lwe.log2Std, *fhe::tfhe::log2StdForDimension(cell.n, 128, wordBits));
    }
}

TEST(ParameterTable, CellsMeetTheirFailureProbability) {
  for (unsigned wordBits : {32u, 64u})
    for (const Cell &cell : allCells()) {
      fhe::tfhe::ParameterSet set = toParameterSet(cell, wordBits);
      double input = std::exp2(2.0 * cell.log2Norm) * fhe::tfhe::tableOutputVariance(set);
      double log2P = fhe::tfhe::log2ErrorProbability(std::exp2(-double(cell.bits) - 2),
                                                     fhe::tfhe::tableInputVariance(set, input));
      EXPECT_LE(log2P, tableLog2PError) << cell.bits << " bits, norm 2^" << cell.log2Norm;
      // Not chosen for another table by mistake: the next bit is out of reach.
      double next = fhe::tfhe::log2ErrorProbability(std::exp2(-double(cell.bits) - 3),
                                                    fhe::tfhe::tableInputVariance(set, input));
      EXPECT_GT(next, tableLog2PError) << cell.bits << " bits, norm 2^" << cell.log2Norm;
    }
}

TEST(ParameterTable, RoundsUp) {
  EXPECT_EQ(findCell(3, 1.0)->log2Norm, 0u);
  EXPECT_EQ(findCell(3, 1.01)->log2Norm, 2u);
  EXPECT_EQ(findCell(3, 16.0)->log2Norm, 4u);
  EXPECT_EQ(findCell(8, 1024.0)->bits, 8u);
  EXPECT_EQ(findCell(8, 1025.0), nullptr);
  EXPECT_EQ(findCell(9, 1.0), nullptr);
}

TEST(ParameterTable, CostOrderIsTotal) {
  auto cells = cellsByCost();
  ASSERT_EQ(cells.size(), 48u);
  for (size_t i = 1; i != cells.size(); ++i)
    EXPECT_LE(cells[i - 1]->cost, cells[i]->cost);
}

TEST(CostModel, SeededKeysAreAboutHalf) {
  for (unsigned wordBits : {32u, 64u}) {
    fhe::tfhe::ParameterSet set = toParameterSet(*findCell(6, 16), wordBits);
    KeyBytes bytes = evaluationKeyBytes(set);
    uint64_t bootstrap = fhe::tfhe::bootstrapKeyBytes(set.lwe.dimension, set.glwe, set.bootstrap);
    EXPECT_EQ(bytes.stored, bootstrap / (set.glwe.k + 1) +
                                wordBits / 8ull * set.glwe.lweDimension() * set.keyswitch.levels);
    EXPECT_EQ(bytes.memory, bootstrap + wordBits / 8ull * set.glwe.lweDimension() *
                                            set.keyswitch.levels * set.lwe.words());
  }
}

} // namespace
