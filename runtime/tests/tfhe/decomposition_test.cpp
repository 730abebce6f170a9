//===- decomposition_test.cpp - The digits of a CMUX -----------------------------------------===//
#include "runtime/tests/tfhe/exact.h"

#include <gtest/gtest.h>

using namespace fhe::tfhe;
using namespace fhe::tfhe::test;

// The digits of a CMUX are exact: a noise-free GGSW of 1 returns the rotated accumulator, rounded.
TEST(Decomposition, CmuxRoundsExactly) {
  for (Decomposition decomposition : {Decomposition{23, 1}, Decomposition{15, 2},
                                      Decomposition{9, 4}, Decomposition{7, 7}}) {
    const GlweKey glwe{2, 8, -20};
    std::vector<uint64_t> words(BootstrapKey::elementWords(glwe, decomposition));
    for (uint32_t level = 0; level < decomposition.levels; ++level)
      for (uint32_t j = 0; j <= glwe.k; ++j)
        words[((size_t(level) * 3 + j) * 3 + j) << 8] =
            uint64_t(1) << (64 - decomposition.baseLog * (level + 1));
    std::vector<uint64_t> start = randomWords(3 * 256, 12);
    start[0] = uint64_t(1) << 63;
    start[300] = ~uint64_t(0) >> 1;
    const unsigned kept = decomposition.baseLog * decomposition.levels;
    for (Isa isa : availableIsas()) {
      FourierBootstrapKey key = singleElement(glwe, decomposition, words, isa);
      TestScratch scratch(bootstrapScratchBytes(1, glwe, decomposition));
      for (uint32_t rotation : {0u, 1u, 7u, 8u, 255u, 256u, 257u, 300u, 511u}) {
        AlignedBuffer<uint64_t> accumulator(start.size());
        std::copy(start.begin(), start.end(), accumulator.begin());
        cmux(key, 0, rotation, accumulator.data(), scratch);
        for (size_t j = 0; j < 3; ++j) {
          std::vector<uint64_t> expected =
              rotated(std::span(start).subspan(j * 256, 256), rotation);
          for (size_t i = 0; i < 256; ++i)
            ASSERT_LE(std::abs(double(int64_t(accumulator[j * 256 + i] - expected[i]))),
                      std::exp2(63 - kept) + 0x1p14)
                << name(isa) << ", rotation " << rotation << ", base 2^" << decomposition.baseLog;
        }
      }
    }
  }
}