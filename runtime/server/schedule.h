//===- schedule.h - Records what a model's code does --------------------------------------===//
#ifndef FHE_RUNTIME_SERVER_SCHEDULE_H
#define FHE_RUNTIME_SERVER_SCHEDULE_H

#include "runtime/server/checked_model.h"

namespace fhe::runtime {

/// Gets each call of the model's code; returns 0 or the status that ends the run.
class CallSink {
public:
  virtual ~CallSink() = default;
  virtual fhe_status call(const Call &call) noexcept = 0;
};

/// Runs the model's code; every executor call goes to `sink`.
fhe_status callEntry(const fhe_model &model, CallSink &sink);

/// Runs the model's code once and checks each call: known descriptors, slots within the arenas,
/// operands that were written before, results that overlap neither operands nor each other, all
/// outputs written at the end.
std::vector<Call> recordSchedule(const CheckedModel &checked);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_SCHEDULE_H
