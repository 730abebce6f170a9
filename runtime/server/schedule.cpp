//===- schedule.cpp - Records what a model's code does ------------------------------------===//
#include "runtime/server/schedule.h"

namespace fhe::runtime {

namespace {

fhe_status forward(void *state, const fhe_op_header *op, uint64_t in0, uint64_t in1,
                   const uint64_t *out, uint32_t results) noexcept {
  return guarded([&] {
    Call call{op, {in0, in1}, {out, out + results}};
    if (fhe_status status = static_cast<CallSink *>(state)->call(call))
      throw Failure(status, fhe_last_error());
  });
}

int32_t forwardLinear(void *state, const fhe_linear_desc *op, uint64_t out, uint64_t in) {
  return forward(state, op ? &op->header : nullptr, in, 0, &out, 1);
}
int32_t forwardCombine(void *state, const fhe_combine_desc *op, uint64_t out, uint64_t in0,
                       uint64_t in1) {
  return forward(state, op ? &op->header : nullptr, in0, in1, &out, 1);
}
int32_t forwardGather(void *state, const fhe_gather_desc *op, uint64_t out, uint64_t in0,
                      uint64_t in1) {
  return forward(state, op ? &op->header : nullptr, in0, in1, &out, 1);
}
int32_t forwardLookup(void *state, const fhe_lookup_desc *op, const uint64_t *out, uint64_t in) {
  if (!op || !out || op->results > 1024)
    return fail(FHE_INVALID_MODEL, "the model's code calls a lookup without a descriptor");
  return forward(state, &op->header, in, 0, out, op->results);
}
int32_t forwardConstant(void *state, const fhe_constant_desc *op, uint64_t out) {
  return forward(state, op ? &op->header : nullptr, 0, 0, &out, 1);
}

int32_t forwardConvert(void *state, const fhe_convert_desc *op, uint64_t out, uint64_t in) {
  return forward(state, op ? &op->header : nullptr, in, 0, &out, 1);
}

const fhe_executor_ops forwardingOps = {
    FHE_ABI_VERSION, sizeof(fhe_executor_ops), forwardLinear,   forwardCombine,
    forwardGather,   forwardLookup,            forwardConstant, forwardConvert};

/// Half-open interval of one arena.
struct Slot {
  uint32_t key;
  uint64_t begin, end;
  bool overlaps(const Slot &other) const {
    return key == other.key && begin < other.end && other.begin < end;
  }
};

class Recorder : public CallSink {
public:
  explicit Recorder(const CheckedModel &checked) : checked(checked) {
    const fhe_model &model = *checked.model;
    for (uint32_t i = 0; i < model.arena_count; ++i)
      written.emplace_back(model.arena_elements[i], false);
    for (uint32_t i = 0; i < model.input_count; ++i) {
      Slot slot = portSlot(model.inputs[i]);
      for (uint64_t e = slot.begin; e < slot.end; ++e) {
        require(!written[slot.key][e], FHE_INVALID_MODEL, "two inputs share a slot");
        written[slot.key][e] = true;
      }
    }
  }

  fhe_status call(const Call &call) noexcept override {
    return guarded([&] {
      require(schedule.size() < (1u << 20), FHE_INVALID_MODEL, "the model's code does not end");
      check(call);
      schedule.push_back(call);
    });
  }

  std::vector<Call> finish() {
    for (uint32_t i = 0; i < checked.model->output_count; ++i)
      requireWritten(portSlot(checked.model->outputs[i]), "an output is never written");
    return std::move(schedule);
  }

private:
  static Slot portSlot(const fhe_port &port) {
    return {port.key, port.offset, port.offset + port.elements};
  }

  Slot slot(uint32_t key, uint64_t offset, uint64_t elements) const {
    uint64_t size = checked.model->arena_elements[key];
    require(offset <= size && elements <= size - offset, FHE_INVALID_MODEL,
            "a slot outside its arena");
    return {key, offset, offset + elements};
  }

  void requireWritten(const Slot &slot, const char *message) const {
    for (uint64_t e = slot.begin; e < slot.end; ++e)
      require(written[slot.key][e], FHE_INVALID_MODEL, message);
  }

  void check(const Call &call) {
    const fhe_model &model = *checked.model;
    bool known = false;
    for (uint32_t i = 0; i < model.op_count && !known; ++i)
      known = model.ops[i] == call.op;
    require(known, FHE_INVALID_MODEL, "the model's code uses a descriptor it does not list");
    try {
      checkSlots(call);
    } catch (const Failure &failure) {
      throw Failure(failure.status(), "operation " + std::to_string(call.op->index) + " ('" +
                                          call.op->layer + "'): " + failure.what());
    }
  }

  void checkSlots(const Call &call) {
    OpShape shape = shapeOf(*call.op);
    std::vector<Slot> operands, results;
    for (int k = 0; k < 2; ++k) {
      if (shape.in[k] == 0)
        continue;
      operands.push_back(slot(shape.inKey, call.in[k], shape.in[k]));
      requireWritten(operands.back(), "an operand is read before it is written");
    }
    for (uint64_t offset : call.out) {
      Slot result = slot(call.op->key, offset, shape.out);
      for (const Slot &operand : operands)
        require(!result.overlaps(operand), FHE_INVALID_MODEL, "a result overlaps an operand");
      for (const Slot &other : results)
        require(!result.overlaps(other), FHE_INVALID_MODEL, "two results overlap");
      results.push_back(result);
    }
    for (const Slot &result : results)
      for (uint64_t e = result.begin; e < result.end; ++e)
        written[result.key][e] = true;
  }

  const CheckedModel &checked;
  std::vector<std::vector<bool>> written;
  std::vector<Call> schedule;
};

} // namespace

fhe_status callEntry(const fhe_model &model, CallSink &sink) {
  fhe_executor executor{&forwardingOps, &sink};
  return model.entry(&executor);
}

std::vector<Call> recordSchedule(const CheckedModel &checked) {
  Recorder recorder(checked);
  if (fhe_status status = callEntry(*checked.model, recorder)) {
    std::string message = fhe_last_error();
    throw Failure(status, message.empty() ? "the model's code failed" : message);
  }
  return recorder.finish();
}

} // namespace fhe::runtime
