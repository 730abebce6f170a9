// fhe/fhe.hpp: the C interface in RAII, spans and exceptions (C++20). Everything here is inline and
// calls fhe/client.h or fhe/server.h; link fhe_client, fhe_server or both, as the functions used
// need. A failing call throws fhe::Error, whose what() is fhe_last_error().
#ifndef FHE_FHE_HPP
#define FHE_FHE_HPP

#include "fhe/fhe.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fhe {

class Error : public std::runtime_error {
public:
  Error(fhe_status status, const std::string &message)
      : std::runtime_error(message), code(status) {}
  fhe_status status() const { return code; }

private:
  fhe_status code;
};

inline void check(fhe_status status) {
  if (status != FHE_OK)
    throw Error(status, fhe_last_error());
}

namespace detail {
template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T *object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

inline int appendTo(void *state, const void *data, size_t bytes) {
  auto &out = *static_cast<std::vector<uint8_t> *>(state);
  try {
    const auto *from = static_cast<const uint8_t *>(data);
    out.insert(out.end(), from, from + bytes);
    return 0;
  } catch (...) {
    return 1;
  }
}
inline int readFrom(void *state, void *data, size_t bytes) {
  auto &rest = *static_cast<std::span<const uint8_t> *>(state);
  if (bytes > rest.size())
    return 1;
  std::copy_n(rest.data(), bytes, static_cast<uint8_t *>(data));
  rest = rest.subspan(bytes);
  return 0;
}
} // namespace detail

class Manifest {
public:
  explicit Manifest(std::string_view text) {
    fhe_manifest *raw = nullptr;
    check(fhe_manifest_parse(text.data(), text.size(), &raw));
    handle.reset(raw);
  }
  const fhe_manifest *get() const { return handle.get(); }
  std::string name() const { return fhe_manifest_name(get()); }
  bool isClearOnly() const { return fhe_manifest_is_clear_only(get()); }
  std::vector<fhe_tensor_info> inputs() const {
    std::vector<fhe_tensor_info> infos(fhe_manifest_input_count(get()));
    for (uint32_t i = 0; i < infos.size(); ++i)
      check(fhe_manifest_input(get(), i, &infos[i]));
    return infos;
  }
  std::vector<fhe_tensor_info> outputs() const {
    std::vector<fhe_tensor_info> infos(fhe_manifest_output_count(get()));
    for (uint32_t i = 0; i < infos.size(); ++i)
      check(fhe_manifest_output(get(), i, &infos[i]));
    return infos;
  }
  /// Output `name` (null: the only one).
  fhe_tensor_info output(const char *name = nullptr) const {
    std::vector<fhe_tensor_info> infos = outputs();
    for (const fhe_tensor_info &info : infos)
      if (name ? std::string_view(name) == info.name : infos.size() == 1)
        return info;
    throw Error(FHE_INVALID_ARGUMENT, "no such output, or several: name one");
  }

private:
  detail::Handle<fhe_manifest, fhe_manifest_free> handle;
};

class ClientKey {
public:
  explicit ClientKey(const Manifest &manifest) {
    fhe_client_key *raw = nullptr;
    check(fhe_client_key_generate(manifest.get(), &raw));
    handle.reset(raw);
  }
  static ClientKey fromBytes(std::span<const uint8_t> bytes) {
    fhe_client_key *raw = nullptr;
    check(fhe_client_key_read(detail::readFrom, &bytes, bytes.size(), &raw));
    return ClientKey(raw);
  }
  std::vector<uint8_t> toBytes() const {
    std::vector<uint8_t> bytes;
    check(fhe_client_key_write(get(), detail::appendTo, &bytes));
    return bytes;
  }
  const fhe_client_key *get() const { return handle.get(); }

private:
  explicit ClientKey(fhe_client_key *raw) : handle(raw) {}
  detail::Handle<fhe_client_key, fhe_client_key_free> handle;
};

class EvaluationKey {
public:
  explicit EvaluationKey(const ClientKey &key, uint32_t threads = 0) {
    fhe_evaluation_key *raw = nullptr;
    check(fhe_evaluation_key_generate(key.get(), threads, &raw));
    handle.reset(raw);
  }
  static EvaluationKey fromBytes(std::span<const uint8_t> bytes) {
    fhe_evaluation_key *raw = nullptr;
    check(fhe_evaluation_key_read(detail::readFrom, &bytes, bytes.size(), &raw));
    return EvaluationKey(raw);
  }
  std::vector<uint8_t> toBytes() const {
    std::vector<uint8_t> bytes;
    check(fhe_evaluation_key_write(get(), detail::appendTo, &bytes));
    return bytes;
  }
  const fhe_evaluation_key *get() const { return handle.get(); }

private:
  explicit EvaluationKey(fhe_evaluation_key *raw) : handle(raw) {}
  detail::Handle<fhe_evaluation_key, fhe_evaluation_key_free> handle;
};

class Ciphertexts {
public:
  explicit Ciphertexts(fhe_ciphertexts *raw) : handle(raw) {}
  static Ciphertexts fromBytes(std::span<const uint8_t> bytes) {
    fhe_ciphertexts *raw = nullptr;
    check(fhe_ciphertexts_read(detail::readFrom, &bytes, bytes.size(), &raw));
    return Ciphertexts(raw);
  }
  std::vector<uint8_t> toBytes() const {
    std::vector<uint8_t> bytes;
    check(fhe_ciphertexts_write(get(), detail::appendTo, &bytes));
    return bytes;
  }
  uint64_t samples() const { return fhe_ciphertexts_samples(get()); }
  bool isClear() const { return fhe_ciphertexts_is_clear(get()); }
  const fhe_ciphertexts *get() const { return handle.get(); }

private:
  detail::Handle<fhe_ciphertexts, fhe_ciphertexts_free> handle;
};

/// One input: float32 [samples][elements]; an empty name means the only one.
struct Input {
  std::string name;
  std::span<const float> values;
};

namespace detail {
inline std::vector<fhe_input> toC(std::span<const Input> inputs) {
  std::vector<fhe_input> result;
  for (const Input &input : inputs)
    result.push_back({input.name.empty() ? nullptr : input.name.c_str(), input.values.data(),
                      input.values.size()});
  return result;
}
} // namespace detail

inline Ciphertexts encrypt(const Manifest &manifest, const ClientKey &key,
                           std::span<const Input> inputs, uint64_t samples) {
  std::vector<fhe_input> list = detail::toC(inputs);
  fhe_ciphertexts *raw = nullptr;
  check(fhe_encrypt(manifest.get(), key.get(), list.data(), uint32_t(list.size()), samples, &raw));
  return Ciphertexts(raw);
}

inline Ciphertexts encodeClear(const Manifest &manifest, std::span<const Input> inputs,
                               uint64_t samples) {
  std::vector<fhe_input> list = detail::toC(inputs);
  fhe_ciphertexts *raw = nullptr;
  check(fhe_encode_clear(manifest.get(), list.data(), uint32_t(list.size()), samples, &raw));
  return Ciphertexts(raw);
}

inline std::vector<float> decrypt(const Manifest &manifest, const ClientKey &key,
                                  const Ciphertexts &ciphertexts, const char *name = nullptr) {
  std::vector<float> values(ciphertexts.samples() * manifest.output(name).float_elements);
  check(fhe_decrypt(manifest.get(), key.get(), ciphertexts.get(), name, values.data(),
                    values.size()));
  return values;
}

inline std::vector<int64_t> decryptIntegers(const Manifest &manifest, const ClientKey &key,
                                            const Ciphertexts &ciphertexts,
                                            const char *name = nullptr) {
  std::vector<int64_t> values(ciphertexts.samples() * manifest.output(name).elements);
  check(fhe_decrypt_integers(manifest.get(), key.get(), ciphertexts.get(), name, values.data(),
                             values.size()));
  return values;
}

inline std::vector<float> decodeClear(const Manifest &manifest, const Ciphertexts &ciphertexts,
                                      const char *name = nullptr) {
  std::vector<float> values(ciphertexts.samples() * manifest.output(name).float_elements);
  check(fhe_decode_clear(manifest.get(), ciphertexts.get(), name, values.data(), values.size()));
  return values;
}

inline std::vector<int64_t> decodeClearIntegers(const Manifest &manifest,
                                                const Ciphertexts &ciphertexts,
                                                const char *name = nullptr) {
  std::vector<int64_t> values(ciphertexts.samples() * manifest.output(name).elements);
  check(fhe_decode_clear_integers(manifest.get(), ciphertexts.get(), name, values.data(),
                                  values.size()));
  return values;
}

/// fhe_options with its size filled in.
struct Options : fhe_options {
  Options() : fhe_options{sizeof(fhe_options), FHE_MODE_ENCRYPTED, 0, 0, 0, 0, 0} {}
};

class Prepared {
public:
  /// `key` null in clear and simulated runs. Returns false from `progress` to cancel.
  using Progress = std::function<bool(const fhe_progress &)>;

  Prepared(const fhe_model &model, const EvaluationKey *key, const Options &options = {}) {
    fhe_prepared *raw = nullptr;
    check(fhe_prepare(&model, key ? key->get() : nullptr, &options, &raw));
    handle.reset(raw);
  }
  Ciphertexts run(const Ciphertexts &inputs, const Progress &progress = nullptr) {
    fhe_ciphertexts *raw = nullptr;
    auto *state = const_cast<Progress *>(&progress);
    check(fhe_run(get(), inputs.get(), progress ? forward : nullptr, state, &raw));
    return Ciphertexts(raw);
  }
  void cancel() { fhe_cancel(get()); }
  uint64_t samples() const { return fhe_prepared_samples(handle.get()); }
  uint64_t memory() const { return fhe_prepared_memory(handle.get()); }
  fhe_prepared *get() { return handle.get(); }

private:
  static int forward(void *state, const fhe_progress *progress) {
    try {
      return (*static_cast<Progress *>(state))(*progress) ? 0 : 1;
    } catch (...) {
      return 1; // An exception cannot pass through C: the run is cancelled.
    }
  }
  detail::Handle<fhe_prepared, fhe_prepared_free> handle;
};

} // namespace fhe

#endif // FHE_FHE_HPP
