//===- Interpreter.cpp - Float evaluation of the qnn level ------------------------===//
//
// @main is turned once into a list of steps over numbered buffers. A buffer holds
// [elements][width]: `width` samples of a block, innermost so that every loop over
// them is contiguous, or 1 where the value is clear. Threads take blocks.
//
//===-----------------------------------------------------------------------------===//
#include "dialects/qnn/Interpreter.h"
#include "dialects/qnn/Elements.h"
#include "dialects/qnn/PostSteps.h"
#include "llvm/ADT/DenseMap.h"
#include <atomic>
#include <functional>
#include <thread>

using namespace mlir;

namespace fhe::qnn {

/// Samples evaluated together: enough for the vector units, few enough for the caches.
static constexpr int64_t kBlock = 32;

namespace {
/// The buffers of one thread, or of what is clear (width 1).
struct Frame {
  const std::vector<std::vector<float>> &clear; ///< by number, empty where not clear
  int64_t width = 1;
  std::vector<std::vector<float>> own;

  const float *read(unsigned n) const { return clear[n].empty() ? own[n].data() : clear[n].data(); }
  int64_t widthOf(unsigned n) const { return clear[n].empty() ? width : 1; }
};

struct Step {
  Operation *op = nullptr;
  unsigned result = 0;
  SmallVector<unsigned> operands;
  std::function<void(Frame &, float *)> evaluate; ///< writes the result, [elements][width]
};

/// Copies element `source` of operand `n` to `out`, a row of `frame.width`.
void copyRow(const Frame &frame, unsigned n, int64_t source, float *out) {
  if (frame.widthOf(n) == frame.width)
    std::copy_n(frame.read(n) + source * frame.width, frame.width, out);
  else
    std::fill_n(out, frame.width, frame.read(n)[source]);
}

/// acc += weight * element `source` of operand `n`.
void addRow(const Frame &frame, unsigned n, int64_t source, double weight, double *acc) {
  const float *x = frame.read(n);
  if (frame.widthOf(n) == frame.width) {
    x += source * frame.width;
    for (int64_t s = 0; s != frame.width; ++s)
      acc[s] += weight * double(x[s]);
  } else {
    for (int64_t s = 0; s != frame.width; ++s)
      acc[s] += weight * double(x[source]);
  }
}

void storeRow(const Frame &frame, const double *acc, float *out) {
  for (int64_t s = 0; s != frame.width; ++s)
    out[s] = float(acc[s]);
}
} // namespace

struct Interpreter::Program {
  func::FuncOp function;
  std::vector<Step> steps;
  std::vector<int64_t> sizes;
  std::vector<std::vector<float>> clear;
  llvm::DenseMap<Value, unsigned> numbers;

  unsigned add(Value value) {
    unsigned number = sizes.size();
    sizes.push_back(elementCount(value));
    clear.emplace_back();
    numbers[value] = number;
    return number;
  }
  LogicalResult build(ModuleOp module);
  LogicalResult build(Operation *op);
  bool isClear(Value value) const { return !clear[numbers.lookup(value)].empty(); }
  std::function<void(Frame &, float *)> evaluator(Operation *op);
  std::function<void(Frame &, float *)> linear(GemmOp op);
  std::function<void(Frame &, float *)> conv(ConvOp op);
  std::function<void(Frame &, float *)> pool(AvgPoolOp op);
  std::function<void(Frame &, float *)> elementwise(Operation *op);
  std::function<void(Frame &, float *)> quantizer(Operation *op);
  std::function<void(Frame &, float *)> moved(Operation *op);
  std::function<void(Frame &, float *)> clientSide(Operation *op);
  std::function<void(Frame &, float *)> oneHot(OneHotOp op);
  std::vector<bool> needed(ArrayRef<Value> values) const;
  std::vector<unsigned> lastUses(ArrayRef<Value> values) const;
};

LogicalResult Interpreter::Program::build(ModuleOp module) {
  function = module.lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return module.emitError("has no function @main with one block");
  auto isTensor = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  for (Value argument : function.getArguments()) {
    if (!isTensor(argument.getType()))
      return function.emitError("arguments must be tensors of a static shape");
    add(argument);
  }
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (op.getNumResults() != 1 || !isa<QNNDialect>(op.getDialect()))
      return op.emitError("is no operation of a quantized network");
    add(op.getResult(0));
    if (failed(build(&op)))
      return failure();
  }
  return success();
}

LogicalResult Interpreter::Program::build(Operation *op) {
  unsigned result = numbers[op->getResult(0)];
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    clear[result] = clearReals(constant);
    return success();
  }
  if (isa<GemmOp, ConvOp>(op))
    for (Value operand : op->getOperands().drop_front())
      if (!isClear(operand))
        return op->emitError("weights and bias must be clear");
  Step step{op, result, {}, evaluator(op)};
  if (!step.evaluate)
    return op->emitError("is no operation of a quantized network");
  for (Value operand : op->getOperands())
    step.operands.push_back(numbers[operand]);
  if (llvm::all_of(op->getOperands(), [&](Value v) { return isClear(v); })) {
    Frame frame{clear, 1, {}};
    std::vector<float> values(sizes[result]);
    step.evaluate(frame, values.data());
    clear[result] = std::move(values);
    return success();
  }
  steps.push_back(std::move(step));
  return success();
}

std::function<void(Frame &, float *)> Interpreter::Program::evaluator(Operation *op) {
  if (auto gemm = dyn_cast<GemmOp>(op))
    return linear(gemm);
  if (auto convolution = dyn_cast<ConvOp>(op))
    return conv(convolution);
  if (auto average = dyn_cast<AvgPoolOp>(op))
    return pool(average);
  if (isQuantizer(op))
    return quantizer(op);
  if (isElementwise(op))
    return elementwise(op);
  if (isClientOp(op))
    return clientSide(op);
  if (auto encoded = dyn_cast<OneHotOp>(op))
    return oneHot(encoded);
  return moved(op);
}

//===---------------------------------------------------------------------------===//
// Sums
//===---------------------------------------------------------------------------===//

std::function<void(Frame &, float *)> Interpreter::Program::linear(GemmOp op) {
  unsigned in = numbers[op.getInput()], weights = numbers[op.getWeights()];
  std::optional<unsigned> bias;
  if (op.getBias())
    bias = numbers[op.getBias()];
  ArrayRef<int64_t> shape = shapeOf(op.getWeights());
  int64_t outputs = shape[0], terms = shape[1], rows = terms ? elementCount(op.getInput()) / terms : 0;
  return [=](Frame &frame, float *out) {
    const float *w = frame.read(weights), *b = bias ? frame.read(*bias) : nullptr;
    double acc[kBlock];
    for (int64_t r = 0; r != rows; ++r)
      for (int64_t o = 0; o != outputs; ++o) {
        std::fill_n(acc, frame.width, 0.0);
        for (int64_t i = 0; i != terms; ++i)
          addRow(frame, in, r * terms + i, w[o * terms + i], acc);
        for (int64_t s = 0; b && s != frame.width; ++s)
          acc[s] += double(b[o]);
        storeRow(frame, acc, out + (r * outputs + o) * frame.width);
      }
  };
}

/// Calls visit(input offset inside one channel, kernel offset) for the real elements of the window at
/// (y, x) of a [C,H,W] tensor.
template <typename Visit>
static void forEachInWindow(ArrayRef<int64_t> in, ArrayRef<int64_t> kernel,
                            ArrayRef<int64_t> strides, ArrayRef<int64_t> pads,
                            ArrayRef<int64_t> dilations, int64_t y, int64_t x, Visit visit) {
  for (int64_t ky = 0; ky != kernel[0]; ++ky) {
    int64_t row = y * strides[0] - pads[0] + ky * dilations[0];
    if (row < 0 || row >= in[1])
      continue;
    for (int64_t kx = 0; kx != kernel[1]; ++kx) {
      int64_t column = x * strides[1] - pads[1] + kx * dilations[1];
      if (column >= 0 && column < in[2])
        visit(row * in[2] + column, ky * kernel[1] + kx);
    }
  }
}

std::function<void(Frame &, float *)> Interpreter::Program::conv(ConvOp op) {
  unsigned input = numbers[op.getInput()], weights = numbers[op.getWeights()];
  std::optional<unsigned> bias;
  if (op.getBias())
    bias = numbers[op.getBias()];
  return [=](Frame &frame, float *result) mutable {
    ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getResult()),
                      kernel = shapeOf(op.getWeights());
    int64_t places = kernel[2] * kernel[3], plane = in[1] * in[2];
    int64_t groupOutputs = kernel[0] / int64_t(op.getGroups());
    double acc[kBlock];
    for (int64_t o = 0; o != out[0]; ++o) {
      const float *w = frame.read(weights) + o * kernel[1] * places;
      int64_t first = o / groupOutputs * kernel[1];
      for (int64_t y = 0; y != out[1]; ++y)
        for (int64_t x = 0; x != out[2]; ++x, result += frame.width) {
          std::fill_n(acc, frame.width, bias ? double(frame.read(*bias)[o]) : 0.0);
          forEachInWindow(in, kernel.drop_front(2), op.getStrides(), op.getPads(),
                          op.getDilations(), y, x, [&](int64_t place, int64_t k) {
                            for (int64_t c = 0; c != kernel[1]; ++c)
                              addRow(frame, input, (first + c) * plane + place, w[c * places + k],
                                     acc);
                          });
          storeRow(frame, acc, result);
        }
    }
  };
}

std::function<void(Frame &, float *)> Interpreter::Program::pool(AvgPoolOp op) {
  unsigned input = numbers[op.getInput()];
  return [=](Frame &frame, float *result) mutable {
    ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getResult()),
                      kernel = op.getKernel();
    double acc[kBlock];
    for (int64_t c = 0; c != out[0]; ++c)
      for (int64_t y = 0; y != out[1]; ++y)
        for (int64_t x = 0; x != out[2]; ++x, result += frame.width) {
          std::fill_n(acc, frame.width, 0.0);
          int64_t real = 0;
          forEachInWindow(in, kernel, op.getStrides(), op.getPads(), {1, 1}, y, x,
                          [&](int64_t place, int64_t) {
                            addRow(frame, input, c * in[1] * in[2] + place, 1.0, acc);
                            ++real;
                          });
          double divisor = op.getSum()               ? 1
                           : op.getCountIncludePad() ? double(kernel[0] * kernel[1])
                                                     : double(std::max<int64_t>(real, 1));
          for (int64_t s = 0; s != frame.width; ++s)
            acc[s] /= divisor;
          storeRow(frame, acc, result);
        }
  };
}

//===---------------------------------------------------------------------------===//
// Element-wise
//===---------------------------------------------------------------------------===//

std::function<void(Frame &, float *)> Interpreter::Program::elementwise(Operation *op) {
  SmallVector<unsigned> operands;
  std::vector<ElementMap> maps;
  for (unsigned i = 0; i != op->getNumOperands(); ++i) {
    operands.push_back(numbers[op->getOperand(i)]);
    maps.push_back(inputElements(op, i));
  }
  int64_t count = elementCount(op->getResult(0));
  return [=](Frame &frame, float *out) {
    SmallVector<float, 5> x(operands.size());
    SmallVector<const float *, 5> rows(operands.size());
    SmallVector<int64_t, 5> steps;
    for (unsigned n : operands)
      steps.push_back(frame.widthOf(n) == frame.width ? 1 : 0);
    for (int64_t e = 0; e != count; ++e, out += frame.width) {
      for (size_t i = 0; i != operands.size(); ++i)
        rows[i] = frame.read(operands[i]) +
                  (maps[i].empty() ? e : int64_t(maps[i][e])) * frame.widthOf(operands[i]);
      for (int64_t s = 0; s != frame.width; ++s) {
        for (size_t i = 0; i != operands.size(); ++i)
          x[i] = rows[i][s * steps[i]];
        out[s] = evaluateElement<float>(op, x);
      }
    }
  };
}

std::function<void(Frame &, float *)> Interpreter::Program::quantizer(Operation *op) {
  unsigned input = numbers[op->getOperand(0)];
  auto tensor = cast<RankedTensorType>(op->getResult(0).getType());
  return [=](Frame &frame, float *out) {
    Type type = tensor.getElementType();
    const float *x = frame.read(input);
    for (int64_t e = 0; e != tensor.getNumElements(); ++e) {
      float scale = float(scaleAt(type, tensor.getShape(), e));
      int64_t zeroPoint = zeroPointAt(type, tensor.getShape(), e);
      for (int64_t s = 0; s != frame.width; ++s, ++x, ++out)
        *out = std::isnan(*x) ? *x : float(quantizeStored(op, e, *x) - zeroPoint) * scale;
    }
  };
}

//===---------------------------------------------------------------------------===//
// Layout, concatenation, maximum
//===---------------------------------------------------------------------------===//

std::function<void(Frame &, float *)> Interpreter::Program::moved(Operation *op) {
  unsigned input = op->getNumOperands() ? numbers[op->getOperand(0)] : 0;
  int64_t count = elementCount(op->getResult(0));
  if (isLayout(op)) {
    return [=, map = inputElements(op, 0)](Frame &frame, float *out) {
      for (int64_t e = 0; e != count; ++e, out += frame.width)
        if (int64_t source = map.empty() ? e : int64_t(map[e]); source >= 0)
          copyRow(frame, input, source, out);
        else
          std::fill_n(out, frame.width, 0.0f);
    };
  }
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    SmallVector<unsigned> operands;
    for (Value operand : concat.getInputs())
      operands.push_back(numbers[operand]);
    return [=, elements = concatElements(concat)](Frame &frame, float *out) {
      for (auto [operand, element] : elements) {
        copyRow(frame, operands[operand], element, out);
        out += frame.width;
      }
    };
  }
  if (auto largest = dyn_cast<MaxOp>(op)) {
    int64_t row = shapeOf(largest.getInput()).back();
    return [=](Frame &frame, float *out) {
      const float *x = frame.read(input);
      for (int64_t e = 0; e != count; ++e, out += frame.width) {
        std::copy_n(x, frame.width, out);
        x += frame.width;
        for (int64_t k = 1; k != row; ++k, x += frame.width)
          for (int64_t s = 0; s != frame.width; ++s)
            out[s] = std::max(out[s], x[s]);
      }
    };
  }
  return nullptr;
}

//===---------------------------------------------------------------------------===//
// What clients do
//===---------------------------------------------------------------------------===//

std::function<void(Frame &, float *)> Interpreter::Program::clientSide(Operation *op) {
  unsigned input = numbers[op->getOperand(0)];
  std::optional<runtime::PostOp> step = postStepOf(op);
  if (!step)
    return nullptr;
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0));
  return [=, shape = std::vector<uint64_t>(from.begin(), from.end()),
          count = elementCount(op->getOperand(0))](Frame &frame, float *out) {
    const float *x = frame.read(input);
    std::vector<double> values;
    for (int64_t s = 0; s != frame.width; ++s) {
      values.resize(count);
      for (int64_t e = 0; e != count; ++e)
        values[e] = x[e * frame.width + s];
      std::vector<uint64_t> behind = shape;
      applyPost(*step, behind, values);
      for (size_t e = 0; e != values.size(); ++e)
        out[e * frame.width + s] = float(values[e]);
    }
  };
}

std::function<void(Frame &, float *)> Interpreter::Program::oneHot(OneHotOp op) {
  unsigned input = numbers[op.getInput()];
  int64_t classes = shapeOf(op.getResult()).back(), count = elementCount(op.getInput());
  return [=](Frame &frame, float *out) {
    const float *x = frame.read(input);
    std::fill_n(out, count * classes * frame.width, 0.0f);
    for (int64_t e = 0; e != count; ++e)
      for (int64_t s = 0; s != frame.width; ++s) {
        double index = x[e * frame.width + s];
        index += index < 0 ? double(classes) : 0.0;
        // What is no class stays a row of zeros, as ONNX says.
        if (index >= 0 && index < double(classes) && index == std::floor(index))
          out[(e * classes + int64_t(index)) * frame.width + s] = 1;
      }
  };
}

//===---------------------------------------------------------------------------===//
// Runs
//===---------------------------------------------------------------------------===//

/// By step: whether `values` depend on it.
std::vector<bool> Interpreter::Program::needed(ArrayRef<Value> values) const {
  std::vector<bool> wanted(sizes.size(), false), out(steps.size(), false);
  for (Value value : values)
    wanted[numbers.lookup(value)] = true;
  for (size_t i = steps.size(); i-- > 0;)
    if (wanted[steps[i].result]) {
      out[i] = true;
      for (unsigned operand : steps[i].operands)
        wanted[operand] = true;
    }
  return out;
}

/// By buffer: the step after which it is free; the number of steps for `values`.
std::vector<unsigned> Interpreter::Program::lastUses(ArrayRef<Value> values) const {
  std::vector<unsigned> last(sizes.size(), 0);
  for (size_t i = 0; i != steps.size(); ++i)
    for (unsigned operand : steps[i].operands)
      last[operand] = unsigned(i);
  for (Value value : values)
    last[numbers.lookup(value)] = unsigned(steps.size());
  return last;
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

std::vector<int64_t> Interpreter::argumentSizes() const {
  std::vector<int64_t> sizes;
  for (Value argument : program->function.getArguments())
    sizes.push_back(elementCount(argument));
  return sizes;
}

std::vector<int64_t> Interpreter::resultSizes() const {
  std::vector<int64_t> sizes;
  for (Value value : program->function.getBody().front().getTerminator()->getOperands())
    sizes.push_back(elementCount(value));
  return sizes;
}

RealTensors Interpreter::run(const RealTensors &inputs, int64_t samples, unsigned threads) const {
  auto results = program->function.getBody().front().getTerminator()->getOperands();
  return evaluate(SmallVector<Value>(results), inputs, samples, threads);
}

/// Samples first .. first+width of [samples][size], turned to [size][width] and back.
static void toBlock(const float *from, int64_t size, int64_t first, int64_t width, float *to) {
  for (int64_t s = 0; s != width; ++s)
    for (int64_t e = 0; e != size; ++e)
      to[e * width + s] = from[(first + s) * size + e];
}

static void fromBlock(const float *from, int64_t step, int64_t size, int64_t first, int64_t width,
                      float *to) {
  for (int64_t s = 0; s != width; ++s)
    for (int64_t e = 0; e != size; ++e)
      to[(first + s) * size + e] = step == 1 ? from[e] : from[e * width + s];
}

RealTensors Interpreter::evaluate(ArrayRef<Value> values, const RealTensors &inputs,
                                  int64_t samples, unsigned threads) const {
  const Program &p = *program;
  RealTensors outputs;
  for (Value value : values)
    outputs.emplace_back(elementCount(value) * samples);
  std::vector<bool> needed = p.needed(values);
  std::vector<unsigned> last = p.lastUses(values);
  int64_t blocks = (samples + kBlock - 1) / kBlock;
  std::atomic<int64_t> next = 0;
  auto work = [&] {
    Frame frame{p.clear, 1, std::vector<std::vector<float>>(p.sizes.size())};
    for (int64_t block; (block = next++) < blocks;) {
      int64_t first = block * kBlock;
      frame.width = std::min(kBlock, samples - first);
      for (auto [a, input] : llvm::enumerate(inputs)) {
        frame.own[a].resize(p.sizes[a] * frame.width);
        toBlock(input.data(), p.sizes[a], first, frame.width, frame.own[a].data());
      }
      for (size_t i = 0; i != p.steps.size(); ++i) {
        if (!needed[i])
          continue;
        const Step &step = p.steps[i];
        frame.own[step.result].resize(p.sizes[step.result] * frame.width);
        step.evaluate(frame, frame.own[step.result].data());
        for (unsigned operand : step.operands)
          if (last[operand] == i)
            std::vector<float>().swap(frame.own[operand]);
      }
      for (auto [value, output] : llvm::zip(values, outputs)) {
        unsigned n = p.numbers.lookup(value);
        fromBlock(frame.read(n), frame.widthOf(n) == frame.width ? frame.width : 1, p.sizes[n], first,
                  frame.width, output.data());
      }
    }
  };
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> pool;
  for (int64_t t = 1; t < std::min<int64_t>(threads, blocks); ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  return outputs;
}

} // namespace fhe::qnn
