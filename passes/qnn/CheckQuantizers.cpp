//===- CheckQuantizers.cpp - Every operand that needs a quantizer has one ----------===//
#include "passes/qnn/Analysis.h"
#include "dialects/qnn/PostSteps.h"
#include "dialects/shared/DiagnosticIds.h"
#include "passes/qnn/Passes.h"
#include "passes/qnn/Results.h"

namespace fhe {
#define GEN_PASS_DEF_QNNCHECKQUANTIZERS
#include "passes/qnn/Passes.h.inc"
} // namespace fhe

using namespace mlir;
using namespace fhe::qnn;

namespace fhe::qnn {

/// The axis of `shape` along which alone `values` varies; nullopt where there is none.
static std::optional<int64_t> varyingAxis(const PerElement &values, ArrayRef<int64_t> shape) {
  int64_t inner = 1;
  for (int64_t axis = int64_t(shape.size()) - 1; axis >= 0; --axis) {
    bool fits = true;
    for (size_t e = 0; e != values.values.size() && fits; ++e)
      fits = values[e] == values[e / inner % shape[axis] * inner];
    if (fits)
      return axis;
    inner *= shape[axis];
  }
  return std::nullopt;
}

static LogicalResult refuseResult(Operation *op, const Analysis &analysis, Value value) {
  InFlightDiagnostic diagnostic =
      op->emitError("is a result of the network but neither an affine function of integers nor one that "
                    "the client can apply, and no quantizer follows")
      << diag::tag(diag::OutputNotAffine);
  diagnostic.attachNote() << "the integers are those of "
                          << describeOrigin(analysis.form(value).root);
  diagnostic.attachNote() << "help: end the network before this operation and apply it after "
                             "decryption, or put a QuantIdentity after it";
  return diagnostic;
}

/// A kept axis of size 1 that the next step drops is the step's own matter.
static void dropAxis(std::vector<runtime::PostOp> &post, ArrayRef<int64_t> behindArgmax) {
  using runtime::PostOp;
  if (post.size() < 2 || post.back().kind != PostOp::reshape ||
      post[post.size() - 2].kind != PostOp::argmax)
    return;
  PostOp &argmax = post[post.size() - 2];
  std::vector<uint64_t> shape(behindArgmax.begin(), behindArgmax.end());
  shape.erase(shape.begin() + std::ptrdiff_t(argmax.axis));
  if (shape != post.back().shape)
    return;
  argmax.keepDims = false;
  post.pop_back();
}

/// The steps from the value that is decrypted to `value`, which becomes the former.
static FailureOr<std::vector<runtime::PostOp>> postSteps(const Analysis &analysis, Value &value) {
  SmallVector<std::pair<Operation *, runtime::PostOp>> tail;
  while (!analysis.form(value).isClear() &&
         (!analysis.form(value).isAffine ||
          analysis.root(analysis.form(value).root).kind == RootKind::Client)) {
    Operation *op = value.getDefiningOp();
    unsigned data = 0, encrypted = 0;
    for (unsigned i = 0; i != op->getNumOperands(); ++i)
      if (!analysis.form(op->getOperand(i)).isClear()) {
        data = i;
        ++encrypted;
      }
    std::optional<runtime::PostOp> step = encrypted == 1 ? postStepOf(op, data) : std::nullopt;
    if (!step)
      return refuseResult(op, analysis, value);
    tail.push_back({op, std::move(*step)});
    value = op->getOperand(data);
  }
  std::vector<runtime::PostOp> post;
  for (auto &[op, step] : llvm::reverse(tail)) {
    post.push_back(std::move(step));
    dropAxis(post, shapeOf(op->getOperand(0)));
  }
  return post;
}

FailureOr<ResultForm> describeResult(Operation *op, const Analysis &analysis, Value value) {
  FailureOr<std::vector<runtime::PostOp>> post = postSteps(analysis, value);
  if (failed(post))
    return failure();
  const Form &form = analysis.form(value);
  if (form.isClear() || analysis.root(form.root).kind == RootKind::Argument)
    return (op->emitError("result does not depend on a quantized input")
            << diag::tag(diag::InputNotQuantized))
               .attachNote() << "it comes from " << describeOrigin(value);
  ResultForm out;
  out.integers = value;
  out.post = std::move(*post);
  out.scale = form.scale;
  out.offset = form.offset;
  if (form.scale.isUniform() && form.offset.isUniform())
    return out;
  ArrayRef<int64_t> shape = shapeOf(value);
  for (const PerElement *numbers : {&form.scale, &form.offset}) {
    if (numbers->isUniform())
      continue;
    std::optional<int64_t> axis = varyingAxis(*numbers, shape);
    if (!axis || (out.channelAxis && *out.channelAxis != *axis)) {
      InFlightDiagnostic diagnostic =
          op->emitError("scale or offset of a result differs along more than one axis")
        << diag::tag(diag::OutputNotAffine);
      diagnostic.attachNote() << "it comes from " << describeOrigin(value);
      return diagnostic;
    }
    out.channelAxis = axis;
  }
  int64_t inner = 1;
  for (int64_t size : shape.drop_front(*out.channelAxis + 1))
    inner *= size;
  for (PerElement *numbers : {&out.scale, &out.offset})
    if (!numbers->isUniform()) {
      std::vector<double> channels;
      for (int64_t c = 0; c != shape[*out.channelAxis]; ++c)
        channels.push_back((*numbers)[c * inner]);
      numbers->values = std::move(channels);
    }
  return out;
}

} // namespace fhe::qnn

namespace {
struct QnnCheckQuantizers : fhe::impl::QnnCheckQuantizersBase<QnnCheckQuantizers> {
  using QnnCheckQuantizersBase::QnnCheckQuantizersBase;
  void runOnOperation() override {
    FailureOr<Analysis> analysis = Analysis::run(getOperation(), command, {!exactScales, products});
    if (failed(analysis))
      return signalPassFailure();
    Operation *end = getOperation().getBody().front().getTerminator();
    bool good = true;
    for (Value value : end->getOperands())
      good &= succeeded(describeResult(end, *analysis, value));
    if (!good)
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
