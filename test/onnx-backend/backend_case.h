//===- backend_case.h - One model of the ONNX backend tests -------------------------===//
//
// A case is a folder with model.onnx and test_data_set_N/{input,output}_I.pb.
//
//===-----------------------------------------------------------------------------===//
#ifndef TEST_ONNX_BACKEND_BACKEND_CASE_H
#define TEST_ONNX_BACKEND_BACKEND_CASE_H

#include "compiler/import/Onnx.h"
#include <optional>
#include <string>
#include <vector>

namespace fhe::backend {

enum class Outcome : char {
  Evaluated = 'e', ///< imported as it is, outputs match
  Bound = 'b',     ///< refused as it is, imported with constants bound, outputs match
  Refused = 'r',   ///< an operator that is not in the table, refused by a diagnostic
  Failed = 'f',    ///< operators of the table, but refused or outputs differ
  Broken = 'x'     ///< a failure without diagnostic, or an unreadable case
};

struct CaseResult {
  Outcome outcome = Outcome::Broken;
  std::string reason; ///< first diagnostic or difference
};

/// Runs one case in this process.
CaseResult runCase(const std::string &folder);

/// A tensor of the data sets as doubles; nullopt for types without numbers.
struct Numbers {
  std::vector<int64_t> shape;
  std::vector<double> values;
};
std::optional<Numbers> decode(const onnx::TensorProto &tensor);
std::optional<onnx::TensorProto> readTensor(const std::string &path);

/// The first difference beyond rtol 1e-3, atol 1e-7 (those of the ONNX runner), or "".
std::string difference(const Numbers &expected, const std::vector<int64_t> &shape,
                       const std::vector<float> &found);

} // namespace fhe::backend

#endif // TEST_ONNX_BACKEND_BACKEND_CASE_H
