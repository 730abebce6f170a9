//===- bootstrap_key.h - Bootstrap keys, standard and Fourier domain -------------------------===//
//
// The standard form is plain words: portable, what files hold. The Fourier form is what the kernels
// read; its order of points and its blocks depend on the instruction set, so it is made when a key
// is loaded and never stored.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TFHE_BOOTSTRAP_BOOTSTRAP_KEY_H
#define FHE_RUNTIME_TFHE_BOOTSTRAP_BOOTSTRAP_KEY_H

#include "runtime/tfhe/buffer.h"
#include "runtime/tfhe/isa/isa.h"
#include "runtime/tfhe/parameters.h"

namespace fhe::tfhe {

/// Words [n][levels][k+1 rows][k+1 polynomials][N]: one GGSW per bit s_i of the input key. Row
/// (level, j) is a GLWE encryption of zero under the output key, mask polynomials 0..k-1 then body,
/// with s_i * 2^(64 - baseLog * (level + 1)) added to the constant coefficient of polynomial j.
class BootstrapKey {
public:
  BootstrapKey() = default;
  /// Zero words; fill them element by element from a file or with `generateBootstrapElement`. The
  /// numbers must have passed `checkBounds`. Check `ok()`.
  BootstrapKey(uint32_t lweDimension, const GlweKey &glwe, const Decomposition &decomposition);

  /// Words of one GGSW: levels * (k+1)^2 * N.
  static size_t elementWords(const GlweKey &glwe, const Decomposition &decomposition);

  bool ok() const { return storage.ok(); }
  uint32_t lweDimension() const { return n; }
  const GlweKey &glwe() const { return output; }
  const Decomposition &decomposition() const { return digits; }
  std::span<uint64_t> words() { return storage.span(); }
  std::span<const uint64_t> words() const { return storage.span(); }
  std::span<uint64_t> element(uint32_t i) {
    size_t size = elementWords(output, digits);
    return words().subspan(i * size, size);
  }
  std::span<const uint64_t> element(uint32_t i) const {
    size_t size = elementWords(output, digits);
    return words().subspan(i * size, size);
  }

private:
  uint32_t n = 0;
  GlweKey output;
  Decomposition digits;
  AlignedBuffer<uint64_t> storage;
};

/// The form the blind rotation reads: [n][block of points][levels][k+1 rows][k+1 columns][point],
/// divided by the digitUnit of the level.
class FourierBootstrapKey {
public:
  FourierBootstrapKey() = default;
  /// Zero key bound to one instruction set. Fill every element. Check `ok()`. The first key of a
  /// polynomial size also makes the constants of its FFT, which throws std::bad_alloc when there is
  /// no memory for them.
  FourierBootstrapKey(uint32_t lweDimension, const GlweKey &glwe,
                      const Decomposition &decomposition, Isa isa = activeIsa());

  bool ok() const { return storage.ok(); }
  Isa isa() const { return instructions; }
  uint32_t lweDimension() const { return n; }
  const GlweKey &glwe() const { return output; }
  const Decomposition &decomposition() const { return digits; }

  /// Bytes of scratch that `setElement` needs.
  size_t conversionScratchBytes() const;
  /// Converts one GGSW (BootstrapKey::elementWords words, laid out as there). Distinct elements may
  /// be set from distinct threads.
  void setElement(uint32_t i, std::span<const uint64_t> words, Scratch scratch);

  /// Doubles of one element, and the elements in order (for the kernels).
  size_t elementDoubles() const { return n ? storage.size() / n : 0; }
  const double *element(uint32_t i) const { return storage.data() + i * elementDoubles(); }

private:
  uint32_t n = 0;
  GlweKey output;
  Decomposition digits;
  Isa instructions = Isa::scalar;
  AlignedBuffer<double> storage;
};

} // namespace fhe::tfhe

#endif // FHE_RUNTIME_TFHE_BOOTSTRAP_BOOTSTRAP_KEY_H
