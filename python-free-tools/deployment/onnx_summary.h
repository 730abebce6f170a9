//===- onnx_summary.h - What an ONNX file says of itself ----------------------------------===//
//
// Enough of the protobuf wire format to count and name things, without protobuf. Reads only inside
// the bytes it is given, whatever they hold.
//
//===--------------------------------------------------------------------------------------===//
#ifndef PYTHON_FREE_TOOLS_DEPLOYMENT_ONNX_SUMMARY_H
#define PYTHON_FREE_TOOLS_DEPLOYMENT_ONNX_SUMMARY_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fhe::tools {

struct OnnxSummary {
  uint64_t irVersion = 0, nodes = 0, initializers = 0;
  std::string producer;                                       ///< name and version
  std::vector<std::pair<std::string, uint64_t>> operatorSets; ///< domain, version
  std::vector<std::string> inputs, outputs;
};

/// Nothing if `bytes` are no ONNX ModelProto with a version and a graph.
std::optional<OnnxSummary> summarizeOnnx(std::string_view bytes);

} // namespace fhe::tools

#endif // PYTHON_FREE_TOOLS_DEPLOYMENT_ONNX_SUMMARY_H
