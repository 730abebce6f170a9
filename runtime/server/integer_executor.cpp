//===- integer_executor.cpp - Clear and simulated runs ------------------------------------===//
//
// A ciphertext is its integer. Arithmetic is modulo 2^64, as the torus is. A simulated run adds
// Gaussian noise to each table input, resolved to the positions of the test polynomial as the
// encrypted run does it, and to each output. The noise of a value depends on the seed, the call,
// the sample and the element only, so threads and turns change nothing.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/server/executor.h"
#include "runtime/server/window.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace fhe::runtime {

namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a mixing of 64 bits.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// A standard normal number that depends on the arguments only (Box and Muller).
double normal(uint64_t seed, uint64_t stream, uint64_t sample, uint64_t element) {
  uint64_t state = mix(mix(mix(mix(seed) ^ stream) ^ sample) ^ element);
  double u = (double(mix(state) >> 11) + 0.5) * 0x1p-53;
  double v = double(mix(state + 1) >> 11) * 0x1p-53;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

class IntegerExecutor : public Executor {
public:
  IntegerExecutor(const ExecutorResources &resources, bool noisy, uint64_t seed,
                  LookupCount *counts)
      : checked(resources.checked), workers(resources.workers), noisy(noisy), seed(seed),
        counts(counts) {
    for (uint32_t i = 0; i < checked.model->arena_count; ++i)
      arenas.emplace_back(checked.model->arena_elements[i] * resources.samples);
    lookupNumber.resize(checked.model->op_count);
    for (uint32_t i = 0; i < checked.lookups.size(); ++i)
      lookupNumber[checked.lookups[i]->header.index] = i;
  }

  void load(const fhe_port &port, const CiphertextTensor &tensor, Encoding, Turn turn) override {
    const uint64_t *from = tensor.words.data() + turn.first * port.elements;
    std::copy_n(from, turn.count * port.elements, slot(port.key, port.offset, turn.count));
  }

  void store(uint32_t output, const fhe_port &port, CiphertextTensor &tensor, Turn turn) override {
    const uint64_t *from = slot(port.key, port.offset, turn.count);
    uint64_t *to = tensor.words.data() + turn.first * port.elements;
    double std = noisy ? std::ldexp(port.noise_std, 64 - int(port.log2_delta)) : 0;
    for (uint64_t i = 0; i < turn.count * port.elements; ++i) {
      to[i] = from[i];
      if (std > 0)
        to[i] +=
            uint64_t(std::llround(std * normal(seed, ~uint64_t(output),
                                               turn.first + i / port.elements, i % port.elements)));
    }
  }

  void execute(const Call &call, Turn turn, Monitor &monitor) override {
    switch (call.op->kind) {
    case FHE_OP_LINEAR:
      return linear(as<fhe_linear_desc>(*call.op), call, turn);
    case FHE_OP_COMBINE:
      return combine(as<fhe_combine_desc>(*call.op), call, turn);
    case FHE_OP_GATHER:
      return gather(as<fhe_gather_desc>(*call.op), call, turn);
    case FHE_OP_LOOKUP:
      return lookup(as<fhe_lookup_desc>(*call.op), call, turn, monitor);
    case FHE_OP_CONVERT:
      return convert(as<fhe_convert_desc>(*call.op), call, turn);
    default:
      return constant(as<fhe_constant_desc>(*call.op), call, turn);
    }
  }

  const uint64_t *slotData(uint32_t key, uint64_t offset, uint64_t samples) const override {
    return arenas[key].data() + samples * offset;
  }
  uint64_t slotWords(uint32_t) const override { return 1; }

private:
  uint64_t *slot(uint32_t key, uint64_t offset, uint64_t samples) {
    return arenas[key].data() + samples * offset;
  }

  void linear(const fhe_linear_desc &op, const Call &call, Turn turn) {
    switch (op.weight_bits) {
    case 8:
      return linearOf<int8_t>(op, call, turn);
    case 16:
      return linearOf<int16_t>(op, call, turn);
    default:
      return linearOf<int32_t>(op, call, turn);
    }
  }

  template <class Weight>
  void linearOf(const fhe_linear_desc &op, const Call &call, Turn turn) {
    OpShape shape = shapeOf(op.header);
    const uint64_t *in = slot(op.header.key, call.in[0], turn.count);
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    const Weight *weights = static_cast<const Weight *>(op.weights);
    workers.forEach(turn.count, [&](uint64_t sample, uint32_t) {
      const uint64_t *from = in + sample * shape.in[0];
      uint64_t *to = out + sample * shape.out;
      if (op.form == FHE_LINEAR_GEMM)
        gemm(op, weights, from, to);
      else
        for (uint32_t channel = 0; channel < op.out_channels; ++channel)
          convolve(op, weights, from, channel, to + uint64_t(channel) * op.out_h * op.out_w);
    });
  }

  template <class Weight>
  static void gemm(const fhe_linear_desc &op, const Weight *weights, const uint64_t *in,
                   uint64_t *out) {
    for (uint64_t row = 0; row < op.rows; ++row)
      for (uint64_t o = 0; o < op.out_channels; ++o) {
        uint64_t sum = 0;
        for (uint64_t i = 0; i < op.in_channels; ++i)
          sum += uint64_t(int64_t(weights[o * op.in_channels + i])) * in[row * op.in_channels + i];
        out[row * op.out_channels + o] = sum;
      }
  }

  /// One output channel of one sample.
  template <class Weight>
  static void convolve(const fhe_linear_desc &op, const Weight *weights, const uint64_t *in,
                       uint32_t channel, uint64_t *out) {
    uint64_t perGroup = op.in_channels / op.groups;
    uint64_t firstIn = channel / (op.out_channels / op.groups) * perGroup;
    std::fill_n(out, uint64_t(op.out_h) * op.out_w, 0);
    for (uint64_t c = 0; c < perGroup; ++c)
      for (uint64_t ky = 0; ky < op.kernel_h; ++ky)
        for (uint64_t kx = 0; kx < op.kernel_w; ++kx) {
          uint64_t at = ((channel * perGroup + c) * op.kernel_h + ky) * op.kernel_w + kx;
          uint64_t weight = uint64_t(int64_t(weights[at]));
          if (weight != 0)
            addPlane(op, weight, in + (firstIn + c) * op.in_h * op.in_w, ky, kx, out);
        }
  }

  /// out += weight * the input plane as kernel element (ky, kx) sees it.
  static void addPlane(const fhe_linear_desc &op, uint64_t weight, const uint64_t *plane,
                       uint64_t ky, uint64_t kx, uint64_t *out) {
    for (uint64_t y = 0; y < op.out_h; ++y) {
      // Below zero (padding) these wrap to huge numbers and fail the comparisons.
      uint64_t fromY = y * op.stride_h + ky * op.dilation_h - op.pad_top;
      if (fromY >= op.in_h)
        continue;
      for (uint64_t x = 0; x < op.out_w; ++x) {
        uint64_t fromX = x * op.stride_w + kx * op.dilation_w - op.pad_left;
        if (fromX < op.in_w)
          out[y * op.out_w + x] += weight * plane[fromY * op.in_w + fromX];
      }
    }
  }

  void combine(const fhe_combine_desc &op, const Call &call, Turn turn) {
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    const uint64_t *a = slot(op.header.key, call.in[0], turn.count);
    const uint64_t *b = slot(op.header.key, call.in[1], turn.count);
    for (uint64_t i = 0; i < turn.count * op.elements; ++i) {
      out[i] = uint64_t(op.coefficient[0]) * a[i];
      if (op.operands == 2)
        out[i] += uint64_t(op.coefficient[1]) * b[i];
    }
  }

  void gather(const fhe_gather_desc &op, const Call &call, Turn turn) {
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    const uint64_t *a = slot(op.header.key, call.in[0], turn.count);
    const uint64_t *b = slot(op.header.key, call.in[1], turn.count);
    for (uint64_t s = 0; s < turn.count; ++s)
      for (uint64_t e = 0; e < op.elements; ++e) {
        int64_t source = op.source[e];
        uint64_t value = 0;
        if (source >= 0)
          value = uint64_t(source) < op.in_elements[0]
                      ? a[s * op.in_elements[0] + uint64_t(source)]
                      : b[s * op.in_elements[1] + uint64_t(source) - op.in_elements[0]];
        out[s * op.elements + e] = value;
      }
  }

  void constant(const fhe_constant_desc &op, const Call &call, Turn turn) {
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    for (uint64_t i = 0; i < turn.count * op.elements; ++i)
      out[i] = uint64_t(op.values[i % op.elements]);
  }

  void convert(const fhe_convert_desc &op, const Call &call, Turn turn) {
    std::copy_n(slot(op.in_key, call.in[0], turn.count), turn.count * op.elements,
                slot(op.header.key, call.out[0], turn.count));
  }

  /// The slot that a noisy run reads for v: what the blind rotation's position resolves to.
  uint64_t noisySlot(const fhe_lookup_desc &op, int64_t v, double noise) const {
    uint32_t log2N = checked.parameters.keys[op.header.key].log2_poly;
    uint64_t positions = uint64_t(2) << log2N;
    double position =
        std::ldexp(double(slotOf(op, v)) + placeInSlot(op, v), int(log2N) - int(polynomialBits(op))) +
        noise * double(positions);
    double index = polynomialBits(op) < log2N ? std::floor(position) : std::floor(position + 0.5);
    double turns = std::floor(index / double(positions));
    uint64_t j = uint64_t(index - turns * double(positions)) & (positions - 1);
    return slotOfPosition(op, j, log2N) & slotMask(op);
  }

  void lookup(const fhe_lookup_desc &op, const Call &call, Turn turn, Monitor &monitor) {
    constexpr uint64_t block = 4096;
    uint64_t total = turn.count * op.elements;
    const uint64_t *in = slot(op.in_key, call.in[0], turn.count);
    bool sampled = noisy && op.noise_std > 0;
    LookupCount &count = counts[lookupNumber[op.header.index]];
    workers.forEach((total + block - 1) / block, [&](uint64_t item, uint32_t) {
      uint64_t begin = item * block, end = std::min(total, begin + block), outside = 0;
      for (uint64_t i = begin; i < end; ++i) {
        int64_t v = int64_t(in[i]);
        uint64_t element = i % op.elements;
        outside += !isCovered(op, v);
        uint64_t place =
            sampled ? noisySlot(op, v,
                                op.noise_std * normal(seed, op.header.index,
                                                      turn.first + i / op.elements, element))
                    : slotOf(op, v);
        uint32_t table = op.table_of_element ? op.table_of_element[element] : 0;
        for (uint32_t r = 0; r < op.results; ++r)
          slot(op.header.key, call.out[r], turn.count)[i] =
              uint64_t(slotValue(op, table, r, place));
      }
      count.evaluated += end - begin;
      count.outside += outside;
      if (!monitor.lookupsDone(end - begin))
        throw Failure(FHE_CANCELLED, "cancelled");
    });
  }

  const CheckedModel &checked;
  Workers &workers;
  bool noisy;
  uint64_t seed;
  LookupCount *counts;
  std::vector<std::vector<uint64_t>> arenas;
  std::vector<uint32_t> lookupNumber;
};

} // namespace

Footprint integerFootprint(const CheckedModel &checked) {
  Footprint footprint;
  for (uint32_t i = 0; i < checked.model->arena_count; ++i)
    footprint.perSample += checked.model->arena_elements[i] * sizeof(uint64_t);
  return footprint;
}

std::unique_ptr<Executor> makeIntegerExecutor(const ExecutorResources &resources, bool noisy,
                                              uint64_t seed, LookupCount *counts) {
  return std::make_unique<IntegerExecutor>(resources, noisy, seed, counts);
}

} // namespace fhe::runtime
