//===- Constant.h - Clear tensors of the file, with their numbers --------------===//
//
// Initializers, Constant nodes and what is folded from them. Real numbers are kept as
// f32, bit for bit but for DOUBLE (isRounded); integers (shapes, axes, stored
// weights) as int64.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_CONSTANT_H
#define COMPILER_IMPORT_CONSTANT_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onnx {
class TensorProto;
}

namespace fhe::import {

/// The batch size, where it is symbolic, among the integers of shape arithmetic.
inline constexpr int64_t kBatch = INT64_MIN;

/// Largest number of elements of any tensor of a network (encrypted: 2^26 ciphertexts is more
/// than 1 TiB), and of a constant that folding makes.
inline constexpr int64_t kMaxElements = int64_t(1) << 26;
inline constexpr int64_t kMaxFoldedElements = int64_t(1) << 22;
inline constexpr size_t kMaxRank = 16;

/// Product of dimensions, or -1 where one is negative, the product above `limit`, or the rank above
/// kMaxRank.
int64_t countElements(llvm::ArrayRef<int64_t> shape, int64_t limit = kMaxElements);

struct ConstantTensor {
  std::string name; ///< of the initializer or the tensor a node gives
  llvm::SmallVector<int64_t> shape;
  bool isReal = false;
  bool isRounded = false; ///< DOUBLE values that were not exact: only a Cast to FLOAT may take them
  std::vector<float> reals;
  std::vector<int64_t> integers;
  int dataType = 0; ///< onnx::TensorProto::DataType of the integers
  /// Range of the integers where a Clip has narrowed that of the type.
  std::optional<std::pair<int64_t, int64_t>> range;

  int64_t size() const { return isReal ? int64_t(reals.size()) : int64_t(integers.size()); }
};
using Constant = std::shared_ptr<const ConstantTensor>;

/// Range of an integer ONNX data type of up to 32 bits, if it is one.
std::optional<std::pair<int64_t, int64_t>> integerRange(int dataType);

/// "FLOAT", "INT8", or "data type 77".
std::string dataTypeName(int dataType);

/// What to call with an identifier and a message when data are refused.
using RefuseFn = llvm::function_ref<void(const char *id, const llvm::Twine &message)>;

/// The numbers of `tensor`, checked: dimensions, type, number of bytes, no NaN or infinity.
/// External data are read from inside `folder` only. Null after `refuse` was called; messages
/// start with `what`, such as "initializer 'w'". DOUBLE values become the nearest f32.
Constant decodeTensor(const onnx::TensorProto &tensor, llvm::StringRef what, llvm::StringRef folder,
                      RefuseFn refuse);

} // namespace fhe::import

#endif // COMPILER_IMPORT_CONSTANT_H
