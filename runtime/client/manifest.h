//===- manifest.h - A parsed and checked manifest -----------------------------------------===//
#ifndef FHE_RUNTIME_CLIENT_MANIFEST_H
#define FHE_RUNTIME_CLIENT_MANIFEST_H

#include "fhe/client.h"
#include "runtime/client/processing.h"
#include "runtime/formats/parameters.h"

#include <memory>
#include <optional>

namespace fhe::runtime {

enum class Rounding { halfEven, ceil, floor, up, down, halfUp, halfDown };

struct Quantizer {
  bool bipolar = false;
  double scale = 1, zeroPoint = 0;
  int64_t min = 0, max = 0; ///< Of the stored integers.
  Rounding rounding = Rounding::halfEven;
};

struct InputSpec {
  std::string name;
  std::vector<uint64_t> shape, floatShape; ///< Behind and before `pre`.
  uint64_t elements = 0, floatElements = 0;
  std::vector<PreOp> pre;
  Quantizer quantizer;
  int64_t lo = 0, hi = 0;
  uint32_t key = 0, log2Delta = 0;
};

struct OutputSpec {
  std::string name;
  std::vector<uint64_t> shape, floatShape;
  uint64_t elements = 0, floatElements = 0;
  int64_t lo = 0, hi = 0;
  std::vector<double> scale, offset;
  std::optional<uint64_t> channelAxis;
  std::vector<PostOp> post;
  uint32_t key = 0, log2Delta = 0;
};

} // namespace fhe::runtime

struct fhe_manifest {
  std::string name;
  bool clearOnly = false;
  fhe::runtime::Parameters parameters; ///< Empty when clearOnly.
  fhe::runtime::ParameterHash hash{};
  std::vector<fhe::runtime::InputSpec> inputs;
  std::vector<fhe::runtime::OutputSpec> outputs;

  /// Throws when there is none; `name` null means the only one.
  const fhe::runtime::InputSpec &input(const char *name) const;
  const fhe::runtime::OutputSpec &output(const char *name) const;
};

namespace fhe::runtime {

/// Throws a Failure (FHE_INVALID_MANIFEST or FHE_UNSUPPORTED) that names the field.
std::unique_ptr<fhe_manifest> parseManifest(std::string_view text);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_CLIENT_MANIFEST_H
