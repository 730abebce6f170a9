//===- inspector.cpp - Looks at every table of an encrypted run, with the secret key -----------===//
#include "test/reality/inspector.h"

#include "runtime/formats/ciphertexts.h"
#include "runtime/server/window.h"
#include "runtime/tests/tfhe/conditioned_noise.h"
#include "runtime/tfhe/client/encryption.h"

#include <cmath>
#include <limits>

using namespace fhe::runtime;
using fhe::tfhe::test::toTorus;

namespace fhe::reality {

namespace {

/// Positions that lie outside are events: at or above `up`, at or below `down`. Unbounded: none.
struct Bounds {
  double up = std::numeric_limits<double>::infinity();
  double down = -std::numeric_limits<double>::infinity();

  bool outside(double position) const { return position >= up || position <= down; }
  /// The chance of that for a centre, with noise in positions before it is rounded to one.
  double probability(double centre, double sigma) const {
    auto tail = [&](double distance) { return std::erfc(distance / sigma / std::sqrt(2.0)) / 2; };
    return std::min(1.0, tail(up - 0.5 - centre) + tail(centre - down - 0.5));
  }
};

/// Where the integer lies among the 2N positions; not wrapped.
double centreOf(const fhe_lookup_desc &op, int64_t value, uint32_t log2N) {
  const uint32_t bits = polynomialBits(op);
  const double slot = double(value) - double(op.lo) + double(op.guard);
  return std::ldexp(slot, int(log2N) - int(bits)) - (bits < log2N ? 0.5 : 0);
}

/// The first position of a slot; the last is before the first of the next.
double firstPosition(const fhe_lookup_desc &op, int64_t slot, uint32_t log2N) {
  const double first = std::ldexp(double(slot), int(log2N) - int(polynomialBits(op)));
  return polynomialBits(op) < log2N
             ? first - std::ldexp(0.5, int(log2N) - int(polynomialBits(op)))
             : std::ceil(first);
}

int64_t valueAt(const fhe_lookup_desc &op, uint32_t table, uint32_t result, int64_t slot) {
  return slotValue(op, table, result, uint64_t(slot) & slotMask(op));
}

/// The nearest positions at which a result is more than one threshold away from that of `value`.
Bounds twoSteps(const fhe_lookup_desc &op, int64_t value, uint32_t table, uint32_t log2N) {
  const int64_t slot = value - op.lo + int64_t(op.guard);
  const int64_t reach = int64_t(1) << (polynomialBits(op) - 1);
  Bounds bounds;
  for (uint32_t r = 0; r < op.results; ++r)
    for (int64_t direction : {1, -1}) {
      int crossed = 0;
      for (int64_t d = 1; d <= reach && crossed < 2; ++d) {
        const int64_t at = slot + direction * d;
        crossed += valueAt(op, table, r, at) != valueAt(op, table, r, at - direction);
        if (crossed < 2)
          continue;
        if (direction > 0)
          bounds.up = std::min(bounds.up, firstPosition(op, at, log2N));
        else
          bounds.down = std::max(bounds.down, firstPosition(op, at + 1, log2N) - 1);
      }
    }
  return bounds;
}

/// How far apart the values of two integers at most `slots` apart are, over all tables.
int64_t largestStep(const fhe_lookup_desc &op, int64_t slots) {
  int64_t most = 0;
  for (uint32_t t = 0; t < op.table_count; ++t)
    for (uint32_t r = 0; r < op.results; ++r) {
      const int32_t *values = tableOf(op, t, r);
      for (int64_t i = 0; i < int64_t(op.entries); ++i)
        for (int64_t j = i + 1; j <= std::min(i + slots, int64_t(op.entries) - 1); ++j)
          most = std::max(most, std::abs(int64_t(values[i]) - values[j]));
    }
  return most;
}

} // namespace

std::vector<Place> placesOf(const CheckedModel &checked) {
  std::vector<Place> places;
  for (const Call &call : checked.schedule) {
    if (call.op->kind != FHE_OP_LOOKUP)
      continue;
    const auto &op = as<fhe_lookup_desc>(*call.op);
    Place place;
    place.name = call.op->layer;
    place.width = op.width, place.precision = op.rounded_width;
    place.stated = op.noise_std * op.noise_std;
    place.halfSlot =
        std::exp2(-double(polynomialBits(op)) + double(op.width - op.rounded_width) - 2);
    place.reach = largestStep(op, (int64_t(1) << (op.width - op.rounded_width)) / 2);
    places.push_back(std::move(place));
  }
  for (uint32_t i = 0; i < checked.model->output_count; ++i) {
    const fhe_port &port = checked.model->outputs[i];
    Place place;
    place.name = std::string("output ") + port.name;
    place.isTable = false;
    place.stated = port.noise_std * port.noise_std;
    place.halfSlot = std::exp2(double(port.log2_delta) - 65);
    places.push_back(std::move(place));
  }
  return places;
}

Inspector::Inspector(const CheckedModel &checked, const fhe_client_key &client,
                     const fhe_evaluation_key &evaluation, Workers &workers, Shadow &shadow,
                     std::vector<Place> &places, double supposed)
    : checked(checked), client(client), keyNoise(client, evaluation, workers), shadow(shadow),
      places(places), supposed(supposed) {}

void Inspector::start(const std::vector<std::vector<int64_t>> &inputs) {
  shadow.start(inputs);
  place = 0;
}

std::vector<Inspector::Prediction> Inspector::predict(const fhe_lookup_desc &op,
                                                      const Observation &seen,
                                                      const Sums &sums) const {
  const Noise switches = keyNoise.switches(op);
  const std::vector<uint64_t> first = firstEqual(seen.in[0], op.elements, seen.inWords);
  const double factor = std::exp2(op.log2_factor);
  std::vector<Prediction> predictions(op.elements);
  for (uint64_t e = 0; e < op.elements; ++e) {
    const Noise in = keyNoise.of(shadow.shares(sums[e]));
    predictions[e].skipped = first[e] != e || sums[e].empty();
    predictions[e].noise = {in.model * factor * factor, in.key * factor * factor, in.mean * factor};
    predictions[e].noise += switches;
    predictions[e].noise.key *= supposed;
  }
  return predictions;
}

/// One table evaluation: where the table was read, and how likely that was.
void Inspector::look(Place &place, const fhe_lookup_desc &op, int64_t value, uint32_t table,
                     uint32_t position, const Noise &noise) const {
  const uint32_t log2N = checked.parameters.keys[op.header.key].log2_poly;
  const double turn = std::exp2(log2N + 1.0), centre = centreOf(op, value, log2N);
  const double error = std::remainder(position - centre, turn);
  place.add(error / turn, noise);
  // Noise before it is rounded to a position.
  const double sigma = std::sqrt(noise.key * turn * turn - 1.0 / 12), mean = noise.mean * turn;
  const double half = place.halfSlot * turn;
  const Bounds slot{std::floor(centre + half) + 1, std::ceil(centre - half) - 1};
  place.failures.add(slot.probability(centre + mean, sigma), slot.outside(centre + error));
  if (op.rounded_width == op.width)
    return;
  int64_t off = 0;
  for (uint32_t r = 0; r < op.results; ++r)
    off = std::max(off, std::abs(valueAt(op, table, r, int64_t(slotOfPosition(op, position, log2N))) -
                                 valueAt(op, table, r, value - op.lo + int64_t(op.guard))));
  place.farther += off > place.reach;
  place.contradictions += off > place.reach && !slot.outside(centre + error);
  const Bounds bounds = twoSteps(op, value, table, log2N);
  place.steps.add(bounds.probability(centre + mean, sigma), bounds.outside(centre + error));
}

void Inspector::see(const Observation &seen) {
  if (seen.op->kind != FHE_OP_LOOKUP) {
    shadow.see(seen);
    return;
  }
  const auto &op = as<fhe_lookup_desc>(*seen.op);
  const uint32_t log2N = checked.parameters.keys[op.header.key].log2_poly;
  const Value &operand = shadow.operand();
  const uint64_t total = seen.samples * op.elements;
  const std::vector<Prediction> predictions = predict(op, seen, *operand.sums);
  const std::vector<uint32_t> positions = keyNoise.positions(op, seen.in[0], total);
  std::vector<std::vector<int64_t>> results(op.results, std::vector<int64_t>(total));
  for (uint64_t i = 0; i < total; ++i) {
    const uint64_t element = i % op.elements;
    const uint32_t table = op.table_of_element ? op.table_of_element[element] : 0;
    for (uint32_t r = 0; r < op.results; ++r)
      results[r][i] =
          valueAt(op, table, r, int64_t(slotOfPosition(op, positions[i], log2N)));
    if (!predictions[element].skipped)
      look(places[place], op, operand.integers[i], table, positions[i], predictions[element].noise);
    if (element + 1 == op.elements)
      places[place].endInference();
  }
  checkResults(places[place], seen, results);
  shadow.see(seen, std::move(results));
  ++place;
}

/// Results hold what the table has at the position read, with the noise of a bootstrap.
void Inspector::checkResults(Place &place, const Observation &seen,
                             const std::vector<std::vector<int64_t>> &results) const {
  const auto &op = as<fhe_lookup_desc>(*seen.op);
  const Noise noise = keyNoise.of(Origin{Origin::table, op.bootstrap});
  std::vector<uint64_t> phases(results[0].size());
  for (uint32_t r = 0; r < op.results; ++r) {
    tfhe::decryptPhases(client.flat(op.header.key), seen.out[r], phases);
    for (uint64_t i = 0; i < phases.size(); ++i) {
      const double error = toTorus(phases[i] - (uint64_t(results[r][i]) << op.log2_delta_out));
      place.unexplained += std::abs(error) > 8 * std::sqrt(noise.key);
      place.resultSquares += error * error / noise.key;
      ++place.results;
    }
  }
}

void Inspector::finish(const fhe_ciphertexts &outputs) {
  for (uint32_t i = 0; i < checked.model->output_count; ++i) {
    const fhe_port &port = checked.model->outputs[i];
    const CiphertextTensor &tensor = *outputs.find(port.name);
    const Value &value = shadow.at(port.key, port.offset);
    std::vector<uint64_t> phases(outputs.samples * port.elements);
    tfhe::decryptPhases(client.flat(port.key), tensor.words.data(), phases);
    const std::vector<uint64_t> first =
        firstEqual(tensor.words.data(), port.elements, checked.parameters.words(port.key));
    Place &seen = places[place + i];
    for (uint64_t c = 0; c < phases.size(); ++c) {
      const uint64_t e = c % port.elements;
      const Sum &sum = (*value.sums)[e];
      if (first[e] == e && !sum.empty()) {
        Noise noise = keyNoise.of(shadow.shares(sum));
        noise.key *= supposed;
        const double error = toTorus(phases[c] - (uint64_t(value.integers[c]) << port.log2_delta));
        const double sigma = std::sqrt(2 * noise.key);
        seen.add(error, noise);
        seen.failures.add((std::erfc((seen.halfSlot - noise.mean) / sigma) +
                           std::erfc((seen.halfSlot + noise.mean) / sigma)) / 2,
                          std::abs(error) > seen.halfSlot);
      }
      if (e + 1 == port.elements)
        seen.endInference();
    }
  }
}

} // namespace fhe::reality
