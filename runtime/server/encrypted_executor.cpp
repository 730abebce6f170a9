//===- encrypted_executor.cpp - Encrypted runs on the bundled kernels ---------------------===//
//
// A layer's ciphertexts, all samples together, are cut into chunks that fill the kernels' batches;
// workers take chunks. A chunk of a lookup is scaled, keyswitched, shifted to its slots and
// bootstrapped while it is in the cache. Kernels give the same words for every split, so neither
// threads nor turns change a result.
//
//===--------------------------------------------------------------------------------------===//
#include "runtime/server/executor.h"
#include "runtime/server/loaded_keys.h"
#include "runtime/server/window.h"
#include "runtime/tfhe/bootstrap/bootstrap.h"
#include "runtime/tfhe/keyswitch/keyswitch.h"
#include "runtime/tfhe/linear/elementwise.h"
#include "runtime/tfhe/linear/linear.h"
#include "runtime/tfhe/random/generator.h"

namespace fhe::runtime {

namespace {

size_t aligned(size_t bytes) {
  return (bytes + tfhe::bufferAlignment - 1) / tfhe::bufferAlignment * tfhe::bufferAlignment;
}

tfhe::GemmShape gemmShape(const fhe_linear_desc &op, uint64_t samples, uint64_t words) {
  return {samples * op.rows, op.in_channels, op.out_channels, words};
}

tfhe::ConvolutionShape convolutionShape(const fhe_linear_desc &op, uint64_t samples,
                                        uint64_t words) {
  tfhe::ConvolutionShape shape;
  shape.samples = samples;
  shape.inChannels = op.in_channels, shape.inHeight = op.in_h, shape.inWidth = op.in_w;
  shape.outChannels = op.out_channels;
  shape.kernelHeight = op.kernel_h, shape.kernelWidth = op.kernel_w;
  shape.strideY = op.stride_h, shape.strideX = op.stride_w;
  shape.dilationY = op.dilation_h, shape.dilationX = op.dilation_w;
  shape.padTop = op.pad_top, shape.padLeft = op.pad_left;
  shape.padBottom = padBottom(op), shape.padRight = padRight(op);
  shape.groups = op.groups;
  shape.words = words;
  return shape;
}

/// How the scratch memory of one worker is laid out for a lookup.
struct LookupScratch {
  uint64_t chunk;
  size_t scaled, switched, tables, kernel;
  size_t bytes() const { return scaled + switched + tables + kernel; }

  LookupScratch(const Parameters &parameters, const fhe_lookup_desc &op) {
    const fhe_conversion_record &keyswitch = parameters.conversions[op.keyswitch];
    const fhe_conversion_record &bootstrap = parameters.conversions[op.bootstrap];
    tfhe::GlweKey glwe = parameters.glwe(op.header.key);
    tfhe::Decomposition digits = Parameters::decomposition(bootstrap);
    uint32_t small = parameters.keys[keyswitch.to_key].live;
    uint64_t batch = tfhe::bootstrapBatch(glwe, digits);
    chunk = (std::max<uint64_t>(batch, tfhe::keyswitchBatch()) + batch - 1) / batch * batch;
    scaled = op.log2_factor ? aligned(chunk * parameters.words(op.in_key) * 8) : 0;
    switched = aligned(chunk * (uint64_t(small) + 1) * 8);
    tables = aligned(chunk * sizeof(uint32_t));
    kernel = std::max(tfhe::keyswitchScratchBytes(parameters.keyswitch(keyswitch)),
                      tfhe::bootstrapScratchBytes(small, glwe, digits));
    kernel = aligned(kernel);
  }
};

size_t scratchBytes(const CheckedModel &checked) {
  size_t bytes = tfhe::bufferAlignment;
  for (uint32_t i = 0; i < checked.model->op_count; ++i) {
    const fhe_op_header &op = *checked.model->ops[i];
    if (op.kind == FHE_OP_LOOKUP)
      bytes = std::max(bytes, LookupScratch(checked.parameters, as<fhe_lookup_desc>(op)).bytes());
    if (op.kind == FHE_OP_CONVERT)
      bytes = std::max(bytes, tfhe::keyswitchScratchBytes(checked.parameters.keyswitch(
                                  checked.parameters
                                      .conversions[as<fhe_convert_desc>(op).keyswitch])));
    if (op.kind != FHE_OP_LINEAR)
      continue;
    const auto &linear = as<fhe_linear_desc>(op);
    uint64_t words = checked.parameters.words(op.key);
    bytes =
        std::max(bytes, linear.form == FHE_LINEAR_GEMM
                            ? tfhe::gemmScratchBytes(gemmShape(linear, 1, words))
                            : tfhe::convolutionScratchBytes(convolutionShape(linear, 1, words)));
  }
  return aligned(bytes);
}

uint64_t polynomialWords(const CheckedModel &checked, const fhe_lookup_desc &op) {
  return (uint64_t(op.table_count) * op.results)
         << checked.parameters.keys[op.header.key].log2_poly;
}

class EncryptedExecutor : public Executor {
public:
  EncryptedExecutor(const ExecutorResources &resources, const fhe_evaluation_key &key)
      : checked(resources.checked), parameters(checked.parameters), workers(resources.workers) {
    require(parameterHash(key.parameters) == checked.hash, FHE_MISMATCH,
            "the evaluation key was made for other parameters than the model's");
    for (uint32_t i = 0; i < checked.model->arena_count; ++i) {
      uint64_t words = checked.model->arena_elements[i] * parameters.words(i) * resources.samples;
      arenas.emplace_back(words);
      require(arenas.back().ok(), FHE_OUT_OF_MEMORY, "no memory for the ciphertexts");
    }
    keys = loadKeys(key, workers);
    fillPolynomials();
    for (uint32_t w = 0; w < workers.size(); ++w) {
      scratch.emplace_back(scratchBytes(checked));
      require(scratch.back().ok(), FHE_OUT_OF_MEMORY, "no memory for the kernels");
    }
  }

  void load(const fhe_port &port, const CiphertextTensor &tensor, Encoding encoding,
            Turn turn) override {
    uint64_t words = parameters.words(port.key), first = turn.first * port.elements;
    uint64_t *to = slot(port.key, port.offset, turn.count);
    uint64_t total = turn.count * port.elements;
    if (encoding == Encoding::full) {
      std::copy_n(tensor.words.data() + first * words, total * words, to);
      return;
    }
    tfhe::Seed seed(tensor.maskSeed);
    forRanges(total, 64, [&](uint64_t begin, uint64_t end) {
      tfhe::Generator stream(seed, {tfhe::StreamUse::encryptionMask});
      for (uint64_t c = begin; c < end; ++c) {
        stream.restart({tfhe::StreamUse::encryptionMask, 0, first + c});
        stream.fill(std::span(to + c * words, words - 1));
        to[c * words + words - 1] = tensor.words[first + c];
      }
    });
  }

  void store(uint32_t, const fhe_port &port, CiphertextTensor &tensor, Turn turn) override {
    uint64_t words = parameters.words(port.key) * port.elements;
    std::copy_n(slot(port.key, port.offset, turn.count), turn.count * words,
                tensor.words.data() + turn.first * words);
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
    return arenas[key].data() + samples * offset * parameters.words(key);
  }
  uint64_t slotWords(uint32_t key) const override { return parameters.words(key); }

private:
  uint64_t *slot(uint32_t key, uint64_t offset, uint64_t samples) {
    return arenas[key].data() + samples * offset * parameters.words(key);
  }

  /// body(begin, end) for pieces of at most `block` of [0, total).
  template <class Body>
  void forRanges(uint64_t total, uint64_t block, const Body &body) {
    workers.forEach((total + block - 1) / block, [&](uint64_t item, uint32_t) {
      body(item * block, std::min(total, (item + 1) * block));
    });
  }

  void fillPolynomials() {
    polynomials.resize(checked.model->op_count);
    for (const fhe_lookup_desc *op : checked.lookups) {
      tfhe::AlignedBuffer<uint64_t> &words = polynomials[op->header.index];
      words = tfhe::AlignedBuffer<uint64_t>(polynomialWords(checked, *op));
      require(words.ok(), FHE_OUT_OF_MEMORY, "no memory for the tables");
      uint32_t log2N = parameters.keys[op->header.key].log2_poly;
      // [results][tables][N]: the kernel takes the tables of one result.
      workers.forEach(uint64_t(op->results) * op->table_count, [&](uint64_t item, uint32_t) {
        uint32_t r = uint32_t(item / op->table_count), t = uint32_t(item % op->table_count);
        fillTestPolynomial(*op, t, r, log2N, words.data() + (item << log2N));
      });
    }
  }

  void linear(const fhe_linear_desc &op, const Call &call, Turn turn) {
    uint64_t words = parameters.words(op.header.key);
    const uint64_t *in = slot(op.header.key, call.in[0], turn.count);
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    tfhe::Weights weights{op.weights, op.weight_bits / 8};
    if (op.form == FHE_LINEAR_GEMM) {
      tfhe::GemmShape shape = gemmShape(op, turn.count, words);
      shareItems(tfhe::gemmItems(shape), [&](uint64_t begin, uint64_t end, uint32_t worker) {
        tfhe::gemm(shape, in, weights, out, begin, end, scratch[worker].span());
      });
    } else {
      tfhe::ConvolutionShape shape = convolutionShape(op, turn.count, words);
      shareItems(tfhe::convolutionItems(shape), [&](uint64_t begin, uint64_t end, uint32_t worker) {
        tfhe::convolution(shape, in, weights, out, begin, end, scratch[worker].span());
      });
    }
    if (op.log2_factor)
      forRanges(turn.count * shapeOf(op.header).out, 64, [&](uint64_t begin, uint64_t end) {
        tfhe::scale(out + begin * words, int64_t(uint64_t(1) << op.log2_factor), end - begin, words,
                    out + begin * words);
      });
  }

  /// Consecutive items, a few pieces a worker.
  template <class Body>
  void shareItems(uint64_t items, const Body &body) {
    uint64_t pieces = std::min<uint64_t>(items, uint64_t(workers.size()) * 8);
    workers.forEach(pieces, [&](uint64_t piece, uint32_t worker) {
      body(items * piece / pieces, items * (piece + 1) / pieces, worker);
    });
  }

  void combine(const fhe_combine_desc &op, const Call &call, Turn turn) {
    uint64_t words = parameters.words(op.header.key);
    uint64_t factors[2] = {0, 0};
    for (uint32_t k = 0; k < op.operands; ++k)
      factors[k] = uint64_t(op.coefficient[k]) << op.log2_factor[k];
    const uint64_t *a = slot(op.header.key, call.in[0], turn.count);
    const uint64_t *b = slot(op.header.key, call.in[1], turn.count);
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    forRanges(turn.count * op.elements, 16, [&](uint64_t begin, uint64_t end) {
      for (uint64_t i = begin * words; i < end * words; ++i)
        out[i] = factors[0] * a[i];
      if (op.operands == 2)
        for (uint64_t i = begin * words; i < end * words; ++i)
          out[i] += factors[1] * b[i];
    });
  }

  void gather(const fhe_gather_desc &op, const Call &call, Turn turn) {
    uint64_t words = parameters.words(op.header.key);
    const uint64_t *a = slot(op.header.key, call.in[0], turn.count);
    const uint64_t *b = slot(op.header.key, call.in[1], turn.count);
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    forRanges(turn.count * op.elements, 64, [&](uint64_t begin, uint64_t end) {
      for (uint64_t i = begin; i < end; ++i) {
        uint64_t sample = i / op.elements;
        int64_t source = op.source[i % op.elements];
        uint64_t *to = out + i * words;
        if (source < 0)
          std::fill_n(to, words, 0);
        else if (uint64_t(source) < op.in_elements[0])
          std::copy_n(a + (sample * op.in_elements[0] + uint64_t(source)) * words, words, to);
        else
          std::copy_n(b + (sample * op.in_elements[1] + uint64_t(source) - op.in_elements[0]) *
                              words,
                      words, to);
      }
    });
  }

  void constant(const fhe_constant_desc &op, const Call &call, Turn turn) {
    uint64_t words = parameters.words(op.header.key);
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    for (uint64_t i = 0; i < turn.count * op.elements; ++i) {
      std::fill_n(out + i * words, words - 1, 0);
      out[i * words + words - 1] = uint64_t(op.values[i % op.elements]) << op.log2_delta;
    }
  }

  void convert(const fhe_convert_desc &op, const Call &call, Turn turn) {
    uint64_t inWords = parameters.words(op.in_key), outWords = parameters.words(op.header.key);
    const uint64_t *in = slot(op.in_key, call.in[0], turn.count);
    uint64_t *out = slot(op.header.key, call.out[0], turn.count);
    uint64_t total = turn.count * op.elements;
    uint64_t share = (total + workers.size() - 1) / workers.size();
    uint64_t block = std::min<uint64_t>(tfhe::keyswitchBatch(), share);
    workers.forEach((total + block - 1) / block, [&](uint64_t item, uint32_t worker) {
      uint64_t begin = item * block, count = std::min(total, begin + block) - begin;
      tfhe::keyswitch(keys[op.keyswitch].keyswitch, in + begin * inWords, count,
                      out + begin * outWords, scratch[worker].span());
    });
  }

  void lookup(const fhe_lookup_desc &op, const Call &call, Turn turn, Monitor &monitor) {
    LookupScratch layout(parameters, op);
    uint64_t total = turn.count * op.elements;
    // Small layers are cut finer than the best batch, so that every worker has some.
    uint64_t share = (total + workers.size() - 1) / workers.size();
    uint64_t block = std::min(layout.chunk, share);
    workers.forEach((total + block - 1) / block, [&](uint64_t item, uint32_t worker) {
      uint64_t begin = item * block, count = std::min(total, begin + block) - begin;
      lookupChunk(op, call, turn, layout, begin, count, scratch[worker].span());
      if (!monitor.lookupsDone(count))
        throw Failure(FHE_CANCELLED, "cancelled");
    });
  }

  void lookupChunk(const fhe_lookup_desc &op, const Call &call, Turn turn,
                   const LookupScratch &layout, uint64_t begin, uint64_t count,
                   tfhe::Scratch memory) {
    const tfhe::LweKeyswitchKey &keyswitchKey = keys[op.keyswitch].keyswitch;
    const tfhe::FourierBootstrapKey &bootstrapKey = keys[op.bootstrap].bootstrap;
    uint64_t inWords = parameters.words(op.in_key), outWords = parameters.words(op.header.key);
    uint64_t smallWords = keyswitchKey.shape().words();
    auto *scaled = reinterpret_cast<uint64_t *>(memory.data());
    auto *switched = reinterpret_cast<uint64_t *>(memory.data() + layout.scaled);
    auto *tables = reinterpret_cast<uint32_t *>(memory.data() + layout.scaled + layout.switched);
    tfhe::Scratch kernel = memory.last(memory.size() - (layout.bytes() - layout.kernel));

    const uint64_t *in = slot(op.in_key, call.in[0], turn.count) + begin * inWords;
    if (op.log2_factor) {
      tfhe::scale(in, int64_t(uint64_t(1) << op.log2_factor), count, inWords, scaled);
      in = scaled;
    }
    tfhe::keyswitch(keyswitchKey, in, count, switched, kernel);
    tfhe::addClear(switched, bodyShift(op, bootstrapKey.glwe().log2N), count, smallWords);
    if (op.table_of_element)
      for (uint64_t c = 0; c < count; ++c)
        tables[c] = op.table_of_element[(begin + c) % op.elements];
    uint64_t perResult = uint64_t(op.table_count) << bootstrapKey.glwe().log2N;
    for (uint32_t r = 0; r < op.results; ++r) {
      uint64_t *out = slot(op.header.key, call.out[r], turn.count) + begin * outWords;
      tfhe::bootstrap(bootstrapKey, switched, count,
                      polynomials[op.header.index].data() + r * perResult,
                      op.table_of_element ? tables : nullptr, out, kernel,
                      tfhe::SwitchKind(parameters.conversions[op.bootstrap].switch_kind));
      if (op.realization == FHE_REALIZATION_NEGACYCLIC)
        for (uint64_t c = 0; c < count; ++c)
          out[(c + 1) * outWords - 1] +=
              resultShift(op, op.table_of_element ? tables[c] : 0, r);
    }
  }

  const CheckedModel &checked;
  const Parameters &parameters;
  Workers &workers;
  std::vector<tfhe::AlignedBuffer<uint64_t>> arenas;
  std::vector<LoadedKey> keys;
  std::vector<tfhe::AlignedBuffer<uint64_t>> polynomials; ///< By operation.
  std::vector<tfhe::AlignedBuffer<std::byte>> scratch;    ///< By worker.
};

} // namespace

Footprint encryptedFootprint(const CheckedModel &checked, uint32_t workers) {
  const Parameters &parameters = checked.parameters;
  Footprint footprint;
  footprint.fixed = uint64_t(workers) * scratchBytes(checked);
  for (const fhe_conversion_record &record : parameters.conversions) {
    uint32_t from = parameters.keys[record.from_key].live;
    footprint.fixed +=
        record.kind == FHE_CONVERSION_KEYSWITCH
            ? tfhe::LweKeyswitchKey::bytes(parameters.keyswitch(record))
            : tfhe::bootstrapKeyBytes(from, parameters.glwe(record.to_key),
                                      Parameters::decomposition(record));
  }
  for (const fhe_lookup_desc *op : checked.lookups)
    footprint.fixed += polynomialWords(checked, *op) * sizeof(uint64_t);
  for (uint32_t i = 0; i < checked.model->arena_count; ++i)
    footprint.perSample += checked.model->arena_elements[i] * parameters.words(i) * 8;
  return footprint;
}

std::unique_ptr<Executor> makeEncryptedExecutor(const ExecutorResources &resources,
                                                const fhe_evaluation_key &key) {
  return std::make_unique<EncryptedExecutor>(resources, key);
}

} // namespace fhe::runtime
