//===- ciphertexts.h - Named tensors of ciphertexts or clear integers ---------------------===//
//
// Three encodings. `seeded`: a mask seed and one body a ciphertext; mask word i of ciphertext c is
// word i of stream (encryptionMask, 0, c) of the seed. `full`: mask and body of each ciphertext.
// `clear`: one int64 a value. Order is [samples][elements] everywhere.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_FORMATS_CIPHERTEXTS_H
#define FHE_RUNTIME_FORMATS_CIPHERTEXTS_H

#include "runtime/formats/header.h"

namespace fhe::runtime {

enum class Encoding : uint32_t { clear = 1, seeded = 2, full = 3 };

struct CiphertextTensor {
  std::string name;
  uint32_t key = 0;       ///< Index into the parameters' keys; 0 when clear.
  uint32_t dimension = 0; ///< Mask words of one ciphertext; 0 when clear.
  uint64_t elements = 0;  ///< Of one sample.
  std::array<uint8_t, 16> maskSeed{};
  std::vector<uint64_t> words;
};

inline constexpr uint32_t maxNameBytes = 4096, maxTensors = 4096;

/// Words that a tensor of this encoding has for each value.
inline uint64_t wordsPerValue(Encoding encoding, uint32_t dimension) {
  return encoding == Encoding::full ? uint64_t(dimension) + 1 : 1;
}

} // namespace fhe::runtime

struct fhe_ciphertexts {
  fhe::runtime::Encoding encoding{};
  fhe::runtime::ParameterHash parameters{};
  fhe::runtime::KeyId keyId{};
  uint64_t samples = 0;
  std::vector<fhe::runtime::CiphertextTensor> tensors;

  bool isClear() const { return encoding == fhe::runtime::Encoding::clear; }
  /// The tensor called `name`, or null.
  const fhe::runtime::CiphertextTensor *find(const std::string &name) const;
  void write(fhe::runtime::ByteWriter &writer) const;
};

namespace fhe::runtime {

/// Bytes of a file of `samples` samples of these tensors, whose `words` may be empty.
uint64_t ciphertextFileBytes(Encoding encoding, uint64_t samples,
                             const std::vector<CiphertextTensor> &tensors);

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_CIPHERTEXTS_H
