//===- whole_keys_test.cpp - Keys made in one call -------------------------------------------===//
#include "runtime/tests/tfhe/support.h"
#include "runtime/tfhe/named_sets.h"

#include <gtest/gtest.h>

namespace fhe::tfhe::test {
namespace {

/// A set of few key bits: what is made, not how secure it is, is looked at.
ParameterSet smallSet(unsigned wordBits) {
  ParameterSet set = findNamedSet("m1c1")->set;
  set.lwe.dimension = 450;
  return withKeyswitchWords(set, wordBits);
}

TEST(WholeKeys, DoNotDependOnTheNumberOfThreads) {
  for (unsigned wordBits : {32u, 64u}) {
    const ParameterSet set = smallSet(wordBits);
    const LweSecretKey small(set.lwe.dimension, seedOf(1), 0);
    const GlweSecretKey big(set.glwe.k, set.glwe.log2N, seedOf(1), 1);
    const KeySeeds seeds{seedOf(2), seedOf(3), 4};
    const std::vector<uint64_t> in = randomWords(set.glwe.lweWords() * 3, 5);
    std::vector<std::vector<uint64_t>> switched;
    for (unsigned threads : {1u, 3u}) {
      LweKeyswitchKey key{KeyswitchShape(set)};
      generateKeyswitchKey(key, big.flat(), small, set.lwe.noise(), seeds, threads);
      TestScratch scratch(keyswitchScratchBytes(key.shape()));
      keyswitch(key, in.data(), 3, switched.emplace_back(3 * set.lwe.words()).data(), scratch);
    }
    EXPECT_EQ(switched[0], switched[1]);
  }
}

// A nested key has rows for the coefficients that are not its own; the same as made row by row.
TEST(WholeKeys, NestedKeysHaveTheirRows) {
  ParameterSet set = smallSet(32);
  set.lwe.nested = true;
  const GlweSecretKey big(set.glwe.k, set.glwe.log2N, seedOf(1), 1);
  const LweSecretKey small(big.flat(), set.lwe.dimension);
  const KeySeeds seeds{seedOf(2), seedOf(3), 4};
  LweKeyswitchKey whole{KeyswitchShape(set)}, rows{KeyswitchShape(set)};
  generateKeyswitchKey(whole, big.flat(), small, set.lwe.noise(), seeds, 3);
  fillKeyswitchKey(rows, big.flat(), small, set.lwe.noise(), seeds);
  const std::vector<uint64_t> in = randomWords(set.glwe.lweWords() * 3, 5);
  std::vector<uint64_t> found(3 * set.lwe.words()), expected(found.size());
  TestScratch scratch(keyswitchScratchBytes(whole.shape()));
  keyswitch(whole, in.data(), 3, found.data(), scratch);
  keyswitch(rows, in.data(), 3, expected.data(), scratch);
  EXPECT_EQ(found, expected);
}

TEST(WholeKeys, HoldTheElementsOfTheirSeeds) {
  const ParameterSet set = smallSet(64);
  const LweSecretKey small(set.lwe.dimension, seedOf(1), 0);
  const GlweSecretKey big(set.glwe.k, set.glwe.log2N, seedOf(1), 1);
  const KeySeeds seeds{seedOf(2), seedOf(3), 4};
  FourierBootstrapKey whole(set.lwe.dimension, set.glwe, set.bootstrap);
  generateBootstrapKey(whole, small, big, seeds, 2);
  FourierBootstrapKey single(set.lwe.dimension, set.glwe, set.bootstrap);
  TestScratch generation(bootstrapGenerationScratchBytes(set.glwe));
  TestScratch conversion(single.conversionScratchBytes());
  std::vector<uint64_t> words(BootstrapKey::elementWords(set.glwe, set.bootstrap));
  for (uint32_t i = 0; i < set.lwe.dimension; ++i) {
    generateBootstrapElement(set.glwe, set.bootstrap, small, big, seeds, i, words.data(),
                             generation);
    single.setElement(i, words, conversion);
    ASSERT_TRUE(std::equal(whole.element(i), whole.element(i) + whole.elementDoubles(),
                           single.element(i)))
        << "element " << i;
  }
}

} // namespace
} // namespace fhe::tfhe::test
