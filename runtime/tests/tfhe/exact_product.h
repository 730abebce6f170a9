//===- exact_product.h - Negacyclic products in exact integers, for every size ----------------===//
//
// An oracle that shares nothing with the FFT: number-theoretic transforms modulo two primes just
// below 2^62 that are 1 modulo 2^20, put together by the Chinese remainder theorem. Exact for
// signed products below 2^122, so for 64-bit words times 23-bit digits up to N = 2^19.
//
//===----------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_TESTS_TFHE_EXACT_PRODUCT_H
#define FHE_RUNTIME_TESTS_TFHE_EXACT_PRODUCT_H

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace fhe::tfhe::test {

/// Integers modulo a prime.
struct PrimeField {
  uint64_t p;

  uint64_t mul(uint64_t a, uint64_t b) const { return uint64_t((unsigned __int128)(a)*b % p); }
  uint64_t add(uint64_t a, uint64_t b) const { return a + b >= p ? a + b - p : a + b; }
  uint64_t sub(uint64_t a, uint64_t b) const { return a >= b ? a - b : a + p - b; }
  uint64_t pow(uint64_t a, uint64_t e) const {
    uint64_t out = 1;
    for (; e; e >>= 1, a = mul(a, a))
      if (e & 1)
        out = mul(out, a);
    return out;
  }
  uint64_t inverse(uint64_t a) const { return pow(a, p - 2); }
  /// A word read as a signed one.
  uint64_t fromWord(uint64_t word) const {
    const int64_t value = int64_t(word);
    return value >= 0 ? uint64_t(value) % p : p - 1 - (~word % p);
  }
  /// Miller and Rabin; these bases decide for all numbers below 2^64.
  bool isPrime() const {
    const int twos = std::countr_zero(p - 1);
    for (uint64_t base : {2u, 3u, 5u, 7u, 11u, 13u, 17u, 19u, 23u, 29u, 31u, 37u}) {
      uint64_t x = pow(base, (p - 1) >> twos);
      bool passes = x == 1 || x == p - 1;
      for (int i = 1; i < twos && !passes; ++i, passes = x == p - 1)
        x = mul(x, x);
      if (!passes)
        return false;
    }
    return true;
  }
  /// An element with r^size = -1.
  uint64_t negacyclicRoot(size_t size) const {
    for (uint64_t base = 2;; ++base)
      if (uint64_t root = pow(base, (p - 1) / (2 * size)); pow(root, size) == p - 1)
        return root;
  }
};

/// The two largest primes c 2^20 + 1 below 2^62.
inline std::array<PrimeField, 2> oraclePrimes() {
  std::array<PrimeField, 2> fields{};
  PrimeField field{(uint64_t(1) << 62) + 1};
  for (PrimeField &found : fields) {
    do
      field.p -= uint64_t(1) << 20;
    while (!field.isPrime());
    found = field;
  }
  return fields;
}

/// In place, natural order to bit-reversed; root of order `values.size()`.
inline void cyclicTransform(const PrimeField &field, std::span<uint64_t> values, uint64_t root) {
  for (size_t half = values.size() / 2; half >= 1; half /= 2, root = field.mul(root, root))
    for (size_t first = 0; first < values.size(); first += 2 * half) {
      uint64_t power = 1;
      for (size_t i = first; i < first + half; ++i, power = field.mul(power, root)) {
        const uint64_t u = values[i], v = values[i + half];
        values[i] = field.add(u, v);
        values[i + half] = field.mul(field.sub(u, v), power);
      }
    }
}

/// The way back, without the division by the size.
inline void cyclicInverse(const PrimeField &field, std::span<uint64_t> values, uint64_t root) {
  for (size_t half = 1; half < values.size(); half *= 2) {
    const uint64_t step = field.inverse(field.pow(root, values.size() / (2 * half)));
    for (size_t first = 0; first < values.size(); first += 2 * half) {
      uint64_t power = 1;
      for (size_t i = first; i < first + half; ++i, power = field.mul(power, step)) {
        const uint64_t u = values[i], v = field.mul(values[i + half], power);
        values[i] = field.add(u, v);
        values[i + half] = field.sub(u, v);
      }
    }
  }
}

/// a b modulo (p, X^N + 1), of words read as signed ones.
inline std::vector<uint64_t> productModulo(const PrimeField &field, std::span<const uint64_t> a,
                                           std::span<const uint64_t> b) {
  const size_t size = a.size();
  const uint64_t twist = field.negacyclicRoot(size), root = field.mul(twist, twist);
  std::vector<uint64_t> x(size), y(size);
  uint64_t power = 1;
  for (size_t i = 0; i < size; ++i, power = field.mul(power, twist)) {
    x[i] = field.mul(field.fromWord(a[i]), power);
    y[i] = field.mul(field.fromWord(b[i]), power);
  }
  cyclicTransform(field, x, root);
  cyclicTransform(field, y, root);
  for (size_t i = 0; i < size; ++i)
    x[i] = field.mul(x[i], y[i]);
  cyclicInverse(field, x, root);
  const uint64_t back = field.inverse(twist);
  power = field.inverse(uint64_t(size));
  for (size_t i = 0; i < size; ++i, power = field.mul(power, back))
    x[i] = field.mul(x[i], power);
  return x;
}

/// a b modulo (2^64, X^N + 1), of words read as signed ones.
inline std::vector<uint64_t> exactProduct(std::span<const uint64_t> a,
                                          std::span<const uint64_t> b) {
  static const std::array<PrimeField, 2> fields = oraclePrimes();
  const auto [p, q] = fields;
  std::vector<uint64_t> x = productModulo(p, a, b), y = productModulo(q, a, b);
  const uint64_t inverse = q.inverse(p.p % q.p);
  const unsigned __int128 modulus = (unsigned __int128)(p.p) * q.p;
  for (size_t i = 0; i < x.size(); ++i) {
    const uint64_t times = q.mul(q.sub(y[i], x[i] % q.p), inverse);
    unsigned __int128 value = x[i] + (unsigned __int128)(p.p) * times;
    if (value > modulus / 2)
      value -= modulus;
    x[i] = uint64_t(value);
  }
  return x;
}

} // namespace fhe::tfhe::test

#endif // FHE_RUNTIME_TESTS_TFHE_EXACT_PRODUCT_H
