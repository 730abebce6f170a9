//===- shadow.cpp - What an encrypted run should hold, and where its noise comes from ----------===//
#include "test/reality/shadow.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

using namespace fhe::runtime;

namespace fhe::reality {

namespace {

using Tap = std::function<void(unsigned operand, uint64_t element, int64_t weight, double factor)>;

int64_t weightOf(const fhe_linear_desc &op, uint64_t at) {
  switch (op.weight_bits) {
  case 8:
    return static_cast<const int8_t *>(op.weights)[at];
  case 16:
    return static_cast<const int16_t *>(op.weights)[at];
  default:
    return static_cast<const int32_t *>(op.weights)[at];
  }
}

void tapsOfLinear(const fhe_linear_desc &op, uint64_t element, const Tap &tap) {
  const double factor = std::exp2(op.log2_factor);
  auto visit = [&](uint64_t from, uint64_t at) {
    if (int64_t weight = weightOf(op, at))
      tap(0, from, weight, double(weight) * factor);
  };
  if (op.form == FHE_LINEAR_GEMM) {
    const uint64_t row = element / op.out_channels, channel = element % op.out_channels;
    for (uint64_t i = 0; i < op.in_channels; ++i)
      visit(row * op.in_channels + i, channel * op.in_channels + i);
    return;
  }
  const int64_t channel = int64_t(element / (uint64_t(op.out_h) * op.out_w));
  const int64_t y = int64_t(element / op.out_w % op.out_h), x = int64_t(element % op.out_w);
  const int64_t each = op.in_channels / op.groups;
  const int64_t first = channel / (op.out_channels / op.groups) * each;
  for (int64_t c = 0; c < each; ++c)
    for (int64_t ky = 0; ky < op.kernel_h; ++ky)
      for (int64_t kx = 0; kx < op.kernel_w; ++kx) {
        const int64_t fromY = y * op.stride_h + ky * op.dilation_h - op.pad_top;
        const int64_t fromX = x * op.stride_w + kx * op.dilation_w - op.pad_left;
        if (fromY >= 0 && fromY < op.in_h && fromX >= 0 && fromX < op.in_w)
          visit(uint64_t(((first + c) * op.in_h + fromY) * op.in_w + fromX),
                uint64_t(((channel * each + c) * op.kernel_h + ky) * op.kernel_w + kx));
      }
}

/// Calls tap for everything that is added up in an element of the result.
void taps(const fhe_op_header &header, uint64_t element, const Tap &tap) {
  switch (header.kind) {
  case FHE_OP_LINEAR:
    return tapsOfLinear(as<fhe_linear_desc>(header), element, tap);
  case FHE_OP_COMBINE: {
    const auto &op = as<fhe_combine_desc>(header);
    for (unsigned k = 0; k < op.operands; ++k)
      tap(k, element, op.coefficient[k], std::ldexp(double(op.coefficient[k]), op.log2_factor[k]));
    return;
  }
  case FHE_OP_GATHER: {
    const auto &op = as<fhe_gather_desc>(header);
    const int64_t source = op.source[element], count = int64_t(op.in_elements[0]);
    if (source >= 0)
      tap(source < count ? 0 : 1, uint64_t(source < count ? source : source - count), 1, 1);
    return;
  }
  case FHE_OP_CONVERT:
    return tap(0, element, 1, 1);
  case FHE_OP_CONSTANT:
    return;
  default:
    throw std::runtime_error("an operation of unknown kind");
  }
}

Sum added(const std::map<uint32_t, double> &factors) {
  Sum sum;
  for (auto [source, factor] : factors)
    if (factor != 0)
      sum.push_back({source, factor});
  return sum;
}

} // namespace

bool isTrivial(const uint64_t *words, uint64_t wordsEach) {
  return std::all_of(words, words + wordsEach - 1, [](uint64_t word) { return word == 0; });
}

std::vector<uint64_t> firstEqual(const uint64_t *words, uint64_t count, uint64_t wordsEach) {
  // Masks are random: a few words tell ciphertexts apart.
  std::map<std::vector<uint64_t>, uint64_t> first;
  std::vector<uint64_t> equal;
  for (uint64_t c = 0; c < count; ++c) {
    const uint64_t *from = words + c * wordsEach;
    equal.push_back(
        first.try_emplace({from, from + std::min<uint64_t>(8, wordsEach)}, c).first->second);
  }
  return equal;
}

Shadow::Shadow(const CheckedModel &checked) : checked(checked), known(checked.schedule.size()) {
  for (uint32_t i = 0; i < checked.model->input_count; ++i) {
    const fhe_port &port = checked.model->inputs[i];
    Sums sums;
    for (uint64_t e = 0; e < port.elements; ++e)
      sums.push_back({{addSource({Origin::input, port.key}), 1}});
    inputSums.push_back(std::move(sums));
  }
}

uint32_t Shadow::addSource(Origin origin) {
  origins.push_back(origin);
  return uint32_t(origins.size() - 1);
}

void Shadow::start(const std::vector<std::vector<int64_t>> &inputs) {
  values.clear();
  position = 0;
  for (uint32_t i = 0; i < checked.model->input_count; ++i) {
    const fhe_port &port = checked.model->inputs[i];
    store(port.key, port.offset, inputs.at(i), inputSums[i]);
  }
}

const Value &Shadow::operand(unsigned k) const {
  return at(shapeOf(*call().op).inKey, call().in[k]);
}

void Shadow::store(uint32_t key, uint64_t offset, std::vector<int64_t> integers, const Sums &sums) {
  values[{key, offset}] = {std::move(integers), &sums};
}

/// Of each element the source that its bootstrap or conversion is; equal ciphertexts are one.
Sums Shadow::sourcesOfResult(const Observation &seen, unsigned result) {
  const bool lookup = seen.op->kind == FHE_OP_LOOKUP;
  const Origin origin = {lookup ? Origin::table : Origin::conversion,
                         lookup ? as<fhe_lookup_desc>(*seen.op).bootstrap
                                : as<fhe_convert_desc>(*seen.op).keyswitch};
  const uint64_t elements = shapeOf(*seen.op).out;
  const std::vector<uint64_t> first = firstEqual(seen.out[result], elements, seen.outWords);
  Sums sums(elements);
  for (uint64_t e = 0; e < elements; ++e)
    if (first[e] != e)
      sums[e] = sums[first[e]];
    else if (!isTrivial(seen.in[0] + e * seen.inWords, seen.inWords))
      sums[e] = {{addSource(origin), 1}};
  return sums;
}

Sums Shadow::sumsOf(const Observation &seen) {
  const OpShape shape = shapeOf(*seen.op);
  Sums own(shape.out), sums;
  if (seen.op->kind == FHE_OP_CONVERT)
    own = sourcesOfResult(seen, 0);
  for (uint64_t e = 0; e < shape.out; ++e) {
    std::map<uint32_t, double> factors;
    taps(*seen.op, e, [&](unsigned k, uint64_t from, int64_t, double factor) {
      for (const Term &term : (*operand(k).sums)[from])
        factors[term.source] += factor * term.factor;
    });
    for (const Term &term : own[e])
      factors[term.source] += term.factor;
    sums.push_back(added(factors));
  }
  return sums;
}

void Shadow::see(const Observation &seen) {
  const OpShape shape = shapeOf(*seen.op);
  std::vector<int64_t> integers(seen.samples * shape.out);
  for (uint64_t i = 0; i < integers.size(); ++i) {
    const uint64_t sample = i / shape.out, element = i % shape.out;
    uint64_t sum = 0;
    if (seen.op->kind == FHE_OP_CONSTANT)
      sum = uint64_t(as<fhe_constant_desc>(*seen.op).values[element]);
    else
      taps(*seen.op, element, [&](unsigned k, uint64_t from, int64_t weight, double) {
        sum += uint64_t(weight) * uint64_t(operand(k).integers[sample * shape.in[k] + from]);
      });
    integers[i] = int64_t(sum);
  }
  if (known[position].empty())
    known[position].push_back(sumsOf(seen));
  store(seen.op->key, call().out[0], std::move(integers), known[position][0]);
  ++position;
}

void Shadow::see(const Observation &seen, std::vector<std::vector<int64_t>> results) {
  if (known[position].empty())
    for (unsigned r = 0; r < results.size(); ++r)
      known[position].push_back(sourcesOfResult(seen, r));
  for (unsigned r = 0; r < results.size(); ++r)
    store(seen.op->key, call().out[r], std::move(results[r]), known[position][r]);
  ++position;
}

std::vector<Share> Shadow::shares(const Sum &sum) const {
  std::map<Origin, Share> found;
  for (const Term &term : sum) {
    Share &share = found[origins[term.source]];
    share.origin = origins[term.source];
    share.squares += term.factor * term.factor;
    share.factors += term.factor;
  }
  std::vector<Share> shares;
  for (const auto &[origin, share] : found)
    shares.push_back(share);
  return shares;
}

} // namespace fhe::reality
