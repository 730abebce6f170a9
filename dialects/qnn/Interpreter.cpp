//===- Interpreter.cpp - Float evaluation of the qnn level ------------------------===//
//
// @main is turned once into a list of steps over numbered buffers; threads take
// blocks of samples.
//
//===-----------------------------------------------------------------------------===//
#include "dialects/qnn/InterpreterProgram.h"
#include <atomic>
#include <thread>

using namespace mlir;

namespace fhe::qnn {

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
