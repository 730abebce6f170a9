//===- processing.h - What a client does before and behind the encrypted part --------------===//
//
// The steps of `pre` and `post` in the manifest (docs/formats.md), one sample at a time, in double
// precision. Used by the client library and by the compiler's own interpreters, so that both
// give the same numbers. No dependency but the standard library.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_CLIENT_PROCESSING_H
#define FHE_RUNTIME_CLIENT_PROCESSING_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fhe::runtime {

/// x * scale[c] + offset[c]: one value for all, or one a coordinate of the first axis.
struct Affine {
  std::vector<double> scale, offset;
};

/// Functions a network may end with.
enum class PostFunction {
  relu,
  leakyRelu, ///< alpha
  clip,      ///< alpha = least, beta = largest
  sigmoid,
  hardSigmoid, ///< alpha, beta
  tanh,
  softplus,
  exp,
  log,
  sqrt
};

/// By its name in the manifest: "relu", "leaky_relu", ...
std::optional<PostFunction> postFunctionNamed(std::string_view name);
const char *nameOf(PostFunction function);
double applyPostFunction(PostFunction function, double alpha, double beta, double x);

struct PreOp {
  enum Kind { affine, oneHot } kind = affine;
  Affine numbers;       ///< affine.
  uint64_t classes = 0; ///< oneHot: a new last axis of this size, 1 at the number and else 0.
};

struct PostOp {
  /// In the order of postOpNames.
  enum Kind { affine, bipolar, function, softmax, logSoftmax, argmax, topk, reshape, hardmax };
  Kind kind = affine;
  Affine numbers; ///< affine; bipolar: scale[0].
  PostFunction applied = PostFunction::relu;
  double alpha = 0, beta = 0;  ///< function.
  uint64_t axis = 0;           ///< softmax, logSoftmax, argmax, topk, hardmax.
  bool keepDims = true;        ///< argmax: the axis stays with size 1.
  bool selectLast = false;     ///< argmax: of equal numbers the last one, not the first.
  uint64_t k = 1;              ///< topk.
  bool indices = false;        ///< topk: coordinates along the axis, not the numbers.
  std::vector<uint64_t> shape; ///< reshape.
};

inline constexpr const char *postOpNames[] = {"affine",      "bipolar", "function", "softmax",
                                              "log_softmax", "argmax",  "topk",     "reshape",
                                              "hardmax"};

/// Whether the step goes along an axis.
bool hasAxis(PostOp::Kind kind);

/// As applyToShape and applyPost below. applyPre says which number is none of the classes, and else
/// nothing.
std::string applyToShape(const PreOp &op, std::vector<uint64_t> &shape);
std::string applyPre(const PreOp &op, std::vector<uint64_t> &shape, std::vector<double> &values);

/// Replaces `shape`, of one sample, by the shape behind the step. Otherwise says what does not
/// fit ("axis 3 of a tensor with 2 axes"); empty where all does.
std::string applyToShape(const PostOp &op, std::vector<uint64_t> &shape);

/// Applies a step that fits `shape` to one sample; both become those behind it.
void applyPost(const PostOp &op, std::vector<uint64_t> &shape, std::vector<double> &values);

/// The value of a list that has one for all channels or one a channel.
inline double channelValue(const std::vector<double> &values, uint64_t channel) {
  return values.size() == 1 ? values[0] : values[channel];
}

/// Applies an affine step in place.
void applyAffine(const Affine &affine, const std::vector<uint64_t> &shape,
                 std::span<double> values);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_CLIENT_PROCESSING_H
