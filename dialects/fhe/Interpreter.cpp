//===- Interpreter.cpp - Exact evaluation of the fhe level -----------------------===//
//
// @main is turned once into a list of steps over numbered buffers; each thread then
// takes samples one by one with buffers of its own.
//
//===---------------------------------------------------------------------------===//
#include "dialects/fhe/Interpreter.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include <atomic>
#include <functional>
#include <map>
#include <thread>

using namespace mlir;

namespace fhe {

namespace {
using Buffers = std::vector<std::vector<int64_t>>;

/// What a step saw on one thread.
struct Seen {
  int64_t lo = INT64_MAX, hi = INT64_MIN;
  uint64_t evaluated = 0, outside = 0;
};

struct Step {
  Operation *op = nullptr;
  unsigned result = 0; ///< buffer of the first result
  std::function<void(Buffers &, Seen &)> evaluate;
};

int64_t elementsOf(Value value) { return cast<ShapedType>(value.getType()).getNumElements(); }
ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

std::vector<int64_t> integers(DenseIntElementsAttr attr) {
  std::vector<int64_t> values;
  values.reserve(attr.getNumElements());
  for (const APInt &value : attr)
    values.push_back(value.getSExtValue());
  return values;
}

/// Geometry of a convolution or pool on [C,H,W].
struct Window {
  int64_t channels, height, width, outHeight, outWidth, kernelH, kernelW, strideH, strideW, top,
      left, dilationH, dilationW;

  /// Calls visit(input offset inside one channel, kernel offset) for the real elements of the window
  /// at (y, x).
  template <typename Visit>
  void forEach(int64_t y, int64_t x, Visit visit) const {
    for (int64_t ky = 0; ky != kernelH; ++ky) {
      int64_t row = y * strideH - top + ky * dilationH;
      if (row < 0 || row >= height)
        continue;
      for (int64_t kx = 0; kx != kernelW; ++kx) {
        int64_t column = x * strideW - left + kx * dilationW;
        if (column >= 0 && column < width)
          visit(row * width + column, ky * kernelW + kx);
      }
    }
  }
};

Window windowOf(Value input, Value result, ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations) {
  ArrayRef<int64_t> in = shapeOf(input), out = shapeOf(result);
  return {in[0],      in[1],   in[2],   out[1],       out[2],      kernel[0], kernel[1],
          strides[0], strides[1], pads[0], pads[1], dilations[0], dilations[1]};
}
} // namespace

struct Interpreter::Program {
  func::FuncOp function;
  std::vector<Step> steps;
  std::vector<int64_t> bufferSizes;
  std::vector<unsigned> arguments, results;
  std::vector<OpObservation> observations;
  /// Lookups of each lut by [table][entry], over all threads; empty where nobody counts.
  using Counts = std::vector<std::atomic<uint64_t>>;
  std::map<Operation *, Counts> counts;

  llvm::DenseMap<Value, unsigned> numbers;

  unsigned add(Value value) {
    unsigned number = bufferSizes.size();
    bufferSizes.push_back(elementsOf(value));
    numbers[value] = number;
    return number;
  }

  LogicalResult build(ModuleOp module);
  LogicalResult build(Operation *op);
  void push(Operation *op, std::function<void(Buffers &, Seen &)> evaluate) {
    steps.push_back({op, numbers[op->getResult(0)], std::move(evaluate)});
  }
  void buildLinear(LinearOp op);
  void buildConv(ConvOp op);
  void buildSumPool(SumPoolOp op);
  void buildLut(LutOp op);
  void buildElementwise(Operation *op);
  void evaluate(Buffers &buffers, std::vector<Seen> &seen) const;
};

LogicalResult Interpreter::Program::build(ModuleOp module) {
  function = module.lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return module.emitError("has no function @main with one block");
  for (Type type : llvm::concat<const Type>(function.getArgumentTypes(), function.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !isa<IntType>(tensor.getElementType()))
      return function.emitError("arguments and results must be tensors of !fhe.int, found ") << type;
  }
  for (Value argument : function.getArguments())
    arguments.push_back(add(argument));
  for (Operation &op : function.getBody().front()) {
    if (isa<func::ReturnOp>(op)) {
      for (Value operand : op.getOperands())
        results.push_back(numbers[operand]);
      continue;
    }
    for (Value result : op.getResults())
      if (isa<RankedTensorType>(result.getType()))
        add(result);
    if (failed(build(&op)))
      return failure();
  }
  for (const Step &step : steps)
    observations.push_back({step.op, INT64_MAX, INT64_MIN, 0, 0, {}});
  return success();
}

LogicalResult Interpreter::Program::build(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LinearOp o) { return buildLinear(o), success(); })
      .Case([&](ConvOp o) { return buildConv(o), success(); })
      .Case([&](SumPoolOp o) { return buildSumPool(o), success(); })
      .Case([&](LutOp o) { return buildLut(o), success(); })
      .Case<AddOp, MulConstOp, ConstantOp, ReshapeOp, GatherOp>(
          [&](Operation *o) { return buildElementwise(o), success(); })
      .Default([](Operation *o) {
        return o->emitError("is not an operation of the fhe level");
      });
}

void Interpreter::Program::buildLinear(LinearOp op) {
  unsigned in = numbers[op.getInput()], out = numbers[op.getResult()];
  ArrayRef<int64_t> shape = cast<ShapedType>(op.getWeights().getType()).getShape();
  int64_t outputs = shape[0], terms = shape[1], rows = elementsOf(op.getInput()) / terms;
  push(op, [=, weights = integers(op.getWeights())](Buffers &b, Seen &) {
    for (int64_t r = 0; r != rows; ++r)
      for (int64_t o = 0; o != outputs; ++o) {
        const int64_t *x = b[in].data() + r * terms, *w = weights.data() + o * terms;
        int64_t sum = 0;
        for (int64_t i = 0; i != terms; ++i)
          sum += w[i] * x[i];
        b[out][r * outputs + o] = sum;
      }
  });
}

void Interpreter::Program::buildConv(ConvOp op) {
  unsigned in = numbers[op.getInput()], out = numbers[op.getResult()];
  ArrayRef<int64_t> shape = cast<ShapedType>(op.getWeights().getType()).getShape();
  Window window = windowOf(op.getInput(), op.getResult(), shape.drop_front(2), op.getStrides(),
                           op.getPads(), op.getDilations());
  int64_t outputs = shape[0], perGroup = shape[1], groupOutputs = shape[0] / int64_t(op.getGroups());
  push(op, [=, weights = integers(op.getWeights())](Buffers &b, Seen &) {
    int64_t kernel = window.kernelH * window.kernelW, plane = window.height * window.width;
    int64_t *result = b[out].data();
    for (int64_t o = 0; o != outputs; ++o) {
      const int64_t *x = b[in].data() + (o / groupOutputs) * perGroup * plane;
      const int64_t *w = weights.data() + o * perGroup * kernel;
      for (int64_t y = 0; y != window.outHeight; ++y)
        for (int64_t column = 0; column != window.outWidth; ++column) {
          int64_t sum = 0;
          window.forEach(y, column, [&](int64_t place, int64_t k) {
            for (int64_t c = 0; c != perGroup; ++c)
              sum += w[c * kernel + k] * x[c * plane + place];
          });
          *result++ = sum;
        }
    }
  });
}

void Interpreter::Program::buildSumPool(SumPoolOp op) {
  unsigned in = numbers[op.getInput()], out = numbers[op.getResult()];
  int64_t ones[2] = {1, 1};
  Window window = windowOf(op.getInput(), op.getResult(), op.getKernel(), op.getStrides(),
                           op.getPads(), ones);
  push(op, [=](Buffers &b, Seen &) {
    int64_t *result = b[out].data();
    for (int64_t c = 0; c != window.channels; ++c) {
      const int64_t *x = b[in].data() + c * window.height * window.width;
      for (int64_t y = 0; y != window.outHeight; ++y)
        for (int64_t column = 0; column != window.outWidth; ++column) {
          int64_t sum = 0;
          window.forEach(y, column, [&](int64_t place, int64_t) { sum += x[place]; });
          *result++ = sum;
        }
    }
  });
}

void Interpreter::Program::buildLut(LutOp op) {
  unsigned in = numbers[op.getInput()], out = numbers[op.getOutputs().front()];
  ArrayRef<int64_t> shape = cast<ShapedType>(op.getTables().getType()).getShape();
  int64_t results = shape[1], entries = shape[2], lo = op.getLo(), guard = op.getGuard();
  unsigned log2Step = op.getLog2Step();
  // Without padding bit the upper half of the window is an offset minus the lower half.
  std::vector<int64_t> offsets(shape[0] * results, 0);
  bool isNegacyclic = op.getRealization() == negacyclicRealization;
  if (isNegacyclic)
    offsets = *negacyclicOffsets(op.getTables(), op.getWidth(), guard);
  uint64_t slots = uint64_t(1) << (op.getWidth() - isNegacyclic);
  std::vector<int32_t> tableOf(elementsOf(op.getInput()), 0);
  if (auto map = op.getTableOfElement())
    tableOf.assign(map->begin(), map->end());
  Counts &counted = counts[op];
  push(op, [=, &counted, tables = integers(op.getTables()), offsets = std::move(offsets),
            tableOf = std::move(tableOf)](Buffers &b, Seen &seen) {
    for (size_t e = 0; e != tableOf.size(); ++e) {
      int64_t value = tableStep(b[in][e], log2Step);
      uint64_t slot = (uint64_t(value) - uint64_t(lo) + uint64_t(guard)) & (2 * slots - 1);
      bool negated = slot >= slots;
      int64_t entry = int64_t(negated ? slot - slots : slot) - guard;
      entry = std::clamp<int64_t>(entry, 0, entries - 1);
      seen.outside += uint64_t(value) - uint64_t(lo) >= uint64_t(entries);
      if (!counted.empty())
        counted[tableOf[e] * entries + entry].fetch_add(1, std::memory_order_relaxed);
      for (int64_t r = 0; r != results; ++r) {
        int64_t found = tables[(tableOf[e] * results + r) * entries + entry];
        b[out + r][e] = negated ? offsets[tableOf[e] * results + r] - found : found;
      }
    }
    seen.evaluated += tableOf.size();
  });
}

void Interpreter::Program::buildElementwise(Operation *op) {
  unsigned out = numbers[op->getResult(0)];
  if (auto add = dyn_cast<AddOp>(op)) {
    unsigned lhs = numbers[add.getLhs()], rhs = numbers[add.getRhs()];
    int64_t f = add.getLhsFactor(), g = add.getRhsFactor();
    return push(op, [=](Buffers &b, Seen &) {
      for (size_t e = 0; e != b[out].size(); ++e)
        b[out][e] = f * b[lhs][e] + g * b[rhs][e];
    });
  }
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto value = cast<DenseIntElementsAttr>(constant.getValue());
    return push(op, [=, values = integers(value)](Buffers &b, Seen &) { b[out] = values; });
  }
  unsigned in = numbers[op->getOperand(0)];
  if (auto gather = dyn_cast<GatherOp>(op)) {
    unsigned second = numbers[gather.getInputs().back()];
    int64_t first = elementsOf(gather.getInputs().front());
    std::vector<int64_t> source(gather.getSource().begin(), gather.getSource().end());
    return push(op, [=, source = std::move(source)](Buffers &b, Seen &) {
      for (size_t e = 0; e != source.size(); ++e)
        b[out][e] = source[e] < 0 ? 0 : source[e] < first ? b[in][source[e]]
                                                          : b[second][source[e] - first];
    });
  }
  int64_t factor = 1;
  if (auto mul = dyn_cast<MulConstOp>(op))
    factor = mul.getFactor();
  push(op, [=](Buffers &b, Seen &) {
    for (size_t e = 0; e != b[out].size(); ++e)
      b[out][e] = factor * b[in][e];
  });
}

void Interpreter::Program::evaluate(Buffers &buffers, std::vector<Seen> &seen) const {
  for (auto [step, s] : llvm::zip(steps, seen)) {
    step.evaluate(buffers, s);
    for (int64_t value : buffers[step.result]) {
      s.lo = std::min(s.lo, value);
      s.hi = std::max(s.hi, value);
    }
  }
}

Interpreter::Interpreter(std::unique_ptr<Program> program) : program(std::move(program)) {}
Interpreter::~Interpreter() = default;

FailureOr<std::unique_ptr<Interpreter>> Interpreter::create(ModuleOp module) {
  auto program = std::make_unique<Program>();
  if (failed(program->build(module)))
    return failure();
  return std::unique_ptr<Interpreter>(new Interpreter(std::move(program)));
}

func::FuncOp Interpreter::function() const { return program->function; }

void Interpreter::countEntries() {
  for (auto &[op, counts] : program->counts) {
    ArrayRef<int64_t> shape = cast<ShapedType>(cast<LutOp>(op).getTables().getType()).getShape();
    counts = Program::Counts(shape[0] * shape[2]);
  }
}

std::vector<int64_t> Interpreter::argumentSizes() const {
  std::vector<int64_t> sizes;
  for (unsigned number : program->arguments)
    sizes.push_back(program->bufferSizes[number]);
  return sizes;
}

std::vector<int64_t> Interpreter::resultSizes() const {
  std::vector<int64_t> sizes;
  for (unsigned number : program->results)
    sizes.push_back(program->bufferSizes[number]);
  return sizes;
}

const std::vector<OpObservation> &Interpreter::observations() const {
  return program->observations;
}

std::vector<std::vector<int64_t>>
Interpreter::run(const std::vector<std::vector<int64_t>> &inputs, int64_t samples,
                 unsigned threads) {
  const Program &p = *program;
  std::vector<std::vector<int64_t>> outputs;
  for (int64_t size : resultSizes())
    outputs.emplace_back(size * samples);
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  threads = unsigned(std::min<int64_t>(threads, std::max<int64_t>(samples, 1)));

  std::atomic<int64_t> next = 0;
  std::vector<std::vector<Seen>> seen(threads, std::vector<Seen>(p.steps.size()));
  auto work = [&](unsigned thread) {
    Buffers buffers;
    for (int64_t size : p.bufferSizes)
      buffers.emplace_back(size);
    for (int64_t s; (s = next++) < samples;) {
      for (auto [number, input] : llvm::zip(p.arguments, inputs))
        std::copy_n(input.begin() + s * p.bufferSizes[number], p.bufferSizes[number],
                    buffers[number].begin());
      p.evaluate(buffers, seen[thread]);
      for (auto [number, output] : llvm::zip(p.results, outputs))
        std::copy(buffers[number].begin(), buffers[number].end(),
                  output.begin() + s * p.bufferSizes[number]);
    }
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < threads; ++t)
    pool.emplace_back(work, t);
  work(0);
  for (std::thread &thread : pool)
    thread.join();

  for (const std::vector<Seen> &perThread : seen)
    for (auto [o, s] : llvm::zip(program->observations, perThread)) {
      o.lo = std::min(o.lo, s.lo);
      o.hi = std::max(o.hi, s.hi);
      o.evaluated += s.evaluated;
      o.outside += s.outside;
    }
  for (OpObservation &o : program->observations)
    if (auto counts = p.counts.find(o.op); counts != p.counts.end())
      o.entries.assign(counts->second.begin(), counts->second.end());
  return outputs;
}

/// What was counted over `samples` samples, of one inference.
static void setFrequencies(LutOp lut, const std::vector<uint64_t> &entries, int64_t samples) {
  std::vector<double> frequencies;
  for (uint64_t count : entries)
    frequencies.push_back(double(count) / double(samples));
  ArrayRef<int64_t> shape = cast<ShapedType>(lut.getTables().getType()).getShape();
  auto type = RankedTensorType::get({shape[0], shape[2]}, Float64Type::get(lut.getContext()));
  lut.setFrequenciesAttr(
      cast<ElementsAttr>(DenseElementsAttr::get(type, ArrayRef<double>(frequencies))));
}

LogicalResult recordObservedRanges(ModuleOp module, const std::vector<std::vector<int64_t>> &inputs,
                                   int64_t samples, bool frequencies) {
  FailureOr<std::unique_ptr<Interpreter>> interpreter = Interpreter::create(module);
  if (failed(interpreter))
    return failure();
  if (frequencies)
    (*interpreter)->countEntries();
  (*interpreter)->run(inputs, samples);
  for (const OpObservation &o : (*interpreter)->observations()) {
    if (!o.entries.empty())
      setFrequencies(cast<LutOp>(o.op), o.entries, samples);
    auto ranges = o.op->getAttrOfType<RangesAttr>("ranges");
    if (!ranges || o.lo > o.hi)
      continue;
    o.op->setAttr("ranges", RangesAttr::get(module.getContext(), ranges.getInterval(),
                                            ranges.getProven(), {o.lo, o.hi}));
  }
  return success();
}

} // namespace fhe
