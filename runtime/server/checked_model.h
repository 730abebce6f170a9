//===- checked_model.h - A model object after every check ---------------------------------===//
//
// Checks a model record and every descriptor against each other, then runs the model's code once
// with an executor that only records: which operation on which arena offsets, in which order. After
// that a run can fail in nothing but its own arithmetic, so it does not fail.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_SERVER_CHECKED_MODEL_H
#define FHE_RUNTIME_SERVER_CHECKED_MODEL_H

#include "runtime/formats/parameters.h"

namespace fhe::runtime {

/// One call of the model's code to its executor.
struct Call {
  const fhe_op_header *op = nullptr;
  uint64_t in[2] = {0, 0};
  std::vector<uint64_t> out;

  friend bool operator==(const Call &, const Call &) = default;
};

struct CheckedModel {
  const fhe_model *model = nullptr;
  Parameters parameters; ///< Empty for a clear-only model.
  ParameterHash hash{};
  std::vector<Call> schedule;
  std::vector<const fhe_lookup_desc *> lookups; ///< In the order of fhe_model.ops.

  /// Table evaluations of one sample.
  uint64_t lookupsPerSample() const;
};

/// Throws a Failure that names what is wrong and where.
CheckedModel checkModel(const fhe_model *model);

/// Elements of the operands and of each result of a descriptor.
struct OpShape {
  uint64_t in[2] = {0, 0};
  uint64_t out = 0;
  uint32_t results = 1;
  uint32_t inKey = 0;
};
OpShape shapeOf(const fhe_op_header &op);

/// Rows and columns of zero padding after the input that the convolution needs.
uint64_t padBottom(const fhe_linear_desc &op);
uint64_t padRight(const fhe_linear_desc &op);

template <class Desc>
const Desc &as(const fhe_op_header &header) {
  return reinterpret_cast<const Desc &>(header);
}

} // namespace fhe::runtime

#endif // FHE_RUNTIME_SERVER_CHECKED_MODEL_H
