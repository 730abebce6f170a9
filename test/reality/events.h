//===- events.h - Counts of independent events against their probabilities ---------------------===//
#ifndef TEST_REALITY_EVENTS_H
#define TEST_REALITY_EVENTS_H

#include <cstdint>
#include <map>
#include <utility>

namespace fhe::reality {

/// Independent events of known probabilities, and how many happened.
class Events {
public:
  void add(double probability, bool happened) {
    if (probability > 0)
      ++counts[probability];
    expectation += probability;
    hits += happened;
  }
  void add(const Events &other) {
    for (auto [probability, count] : other.counts)
      counts[probability] += count;
    expectation += other.expectation, hits += other.hits;
  }

  uint64_t happened() const { return hits; }
  double expected() const { return expectation; }
  /// The exact interval that the count (Poisson binomial: its distribution is the convolution of
  /// all events') leaves on either side with probability at most `tail`.
  std::pair<uint64_t, uint64_t> interval(double tail) const;
  /// Whether the count lies in its 99.99 % interval.
  bool plausible() const {
    auto [low, high] = interval(0.00005);
    return low <= hits && hits <= high;
  }

private:
  std::map<double, uint64_t> counts; ///< by probability
  double expectation = 0;
  uint64_t hits = 0;
};

} // namespace fhe::reality

#endif // TEST_REALITY_EVENTS_H
