//===- EventsTest.cpp - Exact intervals of counts ----------------------------------------------===//
#include "test/reality/events.h"

#include <gtest/gtest.h>

namespace fhe::reality {
namespace {

Events of(std::initializer_list<std::pair<double, int>> counts) {
  Events events;
  for (auto [probability, count] : counts)
    for (int i = 0; i < count; ++i)
      events.add(probability, false);
  return events;
}

using Interval = std::pair<uint64_t, uint64_t>;

// By hand: 10 throws of a coin are 0 or 10 with 1/1024 each, 1 or 9 with 10/1024.
TEST(Events, Binomial) {
  EXPECT_EQ(of({{0.5, 10}}).interval(0.0005), Interval(0, 10));
  EXPECT_EQ(of({{0.5, 10}}).interval(0.001), Interval(1, 9));
  EXPECT_EQ(of({{0.5, 10}}).interval(0.0107), Interval(1, 9));
  EXPECT_EQ(of({{0.5, 10}}).interval(0.0108), Interval(2, 8));
}

// One event of 0.1 and one of 0.9: none with 0.09, both with 0.09.
TEST(Events, PoissonBinomial) {
  EXPECT_EQ(of({{0.1, 1}, {0.9, 1}}).interval(0.08), Interval(0, 2));
  EXPECT_EQ(of({{0.1, 1}, {0.9, 1}}).interval(0.1), Interval(1, 1));
  EXPECT_EQ(of({{1.0, 3}, {0.0, 5}}).interval(0.00005), Interval(3, 3));
}

// Far ends that are dropped do not move the interval: the normal approximation says 9500 +- 84.8.
TEST(Events, Many) {
  auto [low, high] = of({{0.95, 10000}}).interval(0.00005);
  EXPECT_NEAR(double(low), 9500 - 3.89 * 21.8, 4);
  EXPECT_NEAR(double(high), 9500 + 3.89 * 21.8, 4);
}

TEST(Events, PlausibleOrNot) {
  Events events = of({{0.01, 900}});
  EXPECT_TRUE(events.plausible());
  for (int i = 0; i < 100; ++i)
    events.add(0.01, i < 30);
  EXPECT_NEAR(events.expected(), 10, 1e-9);
  EXPECT_EQ(events.happened(), 30u);
  EXPECT_FALSE(events.plausible());
}

} // namespace
} // namespace fhe::reality
