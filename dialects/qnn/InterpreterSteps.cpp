//===- InterpreterSteps.cpp - What each operation computes on floats ---------------===//
//
// One function an operation, from buffers to a buffer. Sums are in double.
//
//===-----------------------------------------------------------------------------===//
#include "dialects/qnn/InterpreterProgram.h"
#include "dialects/qnn/PostSteps.h"

using namespace mlir;

namespace fhe::qnn {

namespace {
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

StepFunction Interpreter::Program::evaluator(Operation *op) {
  if (auto gemm = dyn_cast<GemmOp>(op))
    return linear(gemm);
  if (auto convolution = dyn_cast<ConvOp>(op))
    return conv(convolution);
  if (auto average = dyn_cast<AvgPoolOp>(op))
    return pool(average);
  if (auto runs = dyn_cast<StatisticOp>(op))
    return statistic(runs);
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

StepFunction Interpreter::Program::linear(GemmOp op) {
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

StepFunction Interpreter::Program::conv(ConvOp op) {
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

StepFunction Interpreter::Program::pool(AvgPoolOp op) {
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

StepFunction Interpreter::Program::statistic(StatisticOp op) {
  unsigned input = numbers[op.getInput()];
  int64_t runs = elementCount(op.getResult()), size = elementCount(op.getInput()) / runs;
  return [=, kind = op.getStatistic()](Frame &frame, float *out) {
    double mean[kBlock], sum[kBlock];
    for (int64_t r = 0; r != runs; ++r, out += frame.width) {
      std::fill_n(mean, frame.width, 0.0);
      for (int64_t e = r * size; kind != Statistic::MeanSquare && e != (r + 1) * size; ++e)
        addRow(frame, input, e, 1.0 / double(size), mean);
      if (kind == Statistic::Mean) {
        storeRow(frame, mean, out);
        continue;
      }
      std::fill_n(sum, frame.width, 0.0);
      const float *x = frame.read(input);
      int64_t step = frame.widthOf(input) == frame.width ? 1 : 0, row = frame.widthOf(input);
      for (int64_t e = r * size; e != (r + 1) * size; ++e)
        for (int64_t s = 0; s != frame.width; ++s) {
          double distance = double(x[e * row + s * step]) - mean[s];
          sum[s] += distance * distance / double(size);
        }
      storeRow(frame, sum, out);
    }
  };
}

//===---------------------------------------------------------------------------===//
// Element-wise
//===---------------------------------------------------------------------------===//

StepFunction Interpreter::Program::elementwise(Operation *op) {
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

StepFunction Interpreter::Program::quantizer(Operation *op) {
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

StepFunction Interpreter::Program::moved(Operation *op) {
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

StepFunction Interpreter::Program::clientSide(Operation *op) {
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

StepFunction Interpreter::Program::oneHot(OneHotOp op) {
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

} // namespace fhe::qnn
