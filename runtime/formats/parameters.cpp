//===- parameters.cpp - Checks, hash and bytes of parameter records -----------------------===//
#include "runtime/formats/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <openssl/evp.h>

namespace fhe::runtime {

tfhe::LweKey Parameters::lwe(uint32_t key) const {
  const fhe_key_record &record = keys[key];
  return {record.dimension, record.log2_std, tfhe::NoiseKind(record.noise_kind), record.word_bits,
          record.nested_in != 0};
}

bool Parameters::anyNested() const {
  return std::ranges::any_of(keys, [](const fhe_key_record &key) { return key.nested_in != 0; });
}

tfhe::GlweKey Parameters::glwe(uint32_t key) const {
  const fhe_key_record &record = keys[key];
  tfhe::GlweKey glwe{record.dimension, record.log2_poly, record.log2_std,
                     tfhe::NoiseKind(record.noise_kind)};
  if (record.log2_poly <= tfhe::maxLog2PolynomialSize && record.live != glwe.coefficients())
    glwe.live = record.live;
  return glwe;
}

static std::string keyName(uint32_t i) { return "key " + std::to_string(i) + ": "; }

static void checkKey(const Parameters &parameters, uint32_t i, fhe_status status) {
  const fhe_key_record &key = parameters.keys[i];
  if (key.kind != FHE_KEY_LWE && key.kind != FHE_KEY_GLWE)
    throw Failure(FHE_UNSUPPORTED, keyName(i) + "unknown kind " + std::to_string(key.kind));
  if (key.distribution != FHE_DISTRIBUTION_BINARY)
    throw Failure(FHE_UNSUPPORTED,
                  keyName(i) + "only uniform binary keys are implemented, found distribution " +
                      std::to_string(key.distribution));
  if (key.noise_kind != FHE_NOISE_GAUSSIAN && key.noise_kind != FHE_NOISE_TUNIFORM)
    throw Failure(FHE_UNSUPPORTED,
                  keyName(i) + "unknown kind of noise " + std::to_string(key.noise_kind));
  bool isGlwe = key.kind == FHE_KEY_GLWE;
  if (key.word_bits != 64 && (isGlwe || key.word_bits != 32))
    throw Failure(FHE_UNSUPPORTED, keyName(i) + "words of " + std::to_string(key.word_bits) +
                                       " bits are not supported (64, or of an LWE key 32)");
  std::string error =
      isGlwe ? tfhe::checkBounds(parameters.glwe(i)) : tfhe::checkBounds(parameters.lwe(i));
  if (!error.empty())
    throw Failure(status, keyName(i) + error);
  uint32_t full = isGlwe ? parameters.glwe(i).coefficients() : key.dimension;
  if (key.live == 0 || key.live > full || (!isGlwe && key.live != full))
    throw Failure(status, keyName(i) + std::to_string(key.live) + " live coefficients of " +
                              std::to_string(full) + (isGlwe ? "" : "; LWE keys are not partial"));
}

/// The index is that of a GLWE key with more live coefficients than the nested key has bits.
static void checkNesting(const Parameters &parameters, uint32_t i, fhe_status status) {
  const fhe_key_record &key = parameters.keys[i];
  if (key.nested_in == 0)
    return;
  if (key.kind != FHE_KEY_LWE)
    throw Failure(status, keyName(i) + "only an LWE key can be nested in another key");
  if (key.nested_in > parameters.keys.size() ||
      parameters.keys[key.nested_in - 1].kind != FHE_KEY_GLWE)
    throw Failure(status, keyName(i) + "is nested in a key that is not a GLWE key");
  if (key.live >= parameters.keys[key.nested_in - 1].live)
    throw Failure(status, keyName(i) + "has " + std::to_string(key.live) +
                              " bits, the key it is nested in only " +
                              std::to_string(parameters.keys[key.nested_in - 1].live));
}

static void checkConversion(const Parameters &parameters, uint32_t i, fhe_status status) {
  const fhe_conversion_record &conversion = parameters.conversions[i];
  std::string name = "conversion " + std::to_string(i) + ": ";
  bool isKeyswitch = conversion.kind == FHE_CONVERSION_KEYSWITCH;
  if (!isKeyswitch && conversion.kind != FHE_CONVERSION_BOOTSTRAP)
    throw Failure(FHE_UNSUPPORTED, name + "unknown kind " + std::to_string(conversion.kind));
  size_t count = parameters.keys.size();
  if (conversion.from_key >= count || conversion.to_key >= count)
    throw Failure(status, name + "names a key that does not exist");
  const bool fromGlwe = parameters.keys[conversion.from_key].kind == FHE_KEY_GLWE;
  const bool toGlwe = parameters.keys[conversion.to_key].kind == FHE_KEY_GLWE;
  if (fromGlwe != isKeyswitch || (!isKeyswitch && !toGlwe) ||
      conversion.from_key == conversion.to_key)
    throw Failure(status, name + "a keyswitch goes from a GLWE key to an LWE or another GLWE key, "
                                 "a bootstrap from an LWE to a GLWE key");
  if (!isKeyswitch && conversion.engine != FHE_ENGINE_CLASSIC)
    throw Failure(FHE_UNSUPPORTED, name + "bootstrap engine " + std::to_string(conversion.engine) +
                                       " is not supported (only the classic one, 1)");
  if (!isKeyswitch && conversion.switch_kind != FHE_SWITCH_PLAIN &&
      conversion.switch_kind != FHE_SWITCH_CENTRED)
    throw Failure(FHE_UNSUPPORTED, name + "unknown kind of modulus switch " +
                                       std::to_string(conversion.switch_kind));
  uint32_t wordBits = isKeyswitch ? parameters.keys[conversion.to_key].word_bits : 64;
  if (conversion.word_bits != wordBits)
    throw Failure(status, name + "words of " + std::to_string(conversion.word_bits) +
                              " bits, expected " + std::to_string(wordBits) +
                              (isKeyswitch ? ", those of the key it leads to" : ""));
  if (std::string error = tfhe::checkBounds(Parameters::decomposition(conversion)); !error.empty())
    throw Failure(status, name + error);
  if (uint64_t(conversion.base_log) * conversion.levels > conversion.word_bits)
    throw Failure(status, name + std::to_string(conversion.levels) + " levels of " +
                              std::to_string(conversion.base_log) + " bits do not fit words of " +
                              std::to_string(conversion.word_bits) + " bits");
}

void checkParameters(const Parameters &parameters, fhe_status status) {
  if (parameters.keys.empty() || parameters.keys.size() > maxKeys ||
      parameters.conversions.size() > maxConversions)
    throw Failure(status, "parameters with " + std::to_string(parameters.keys.size()) +
                              " keys and " + std::to_string(parameters.conversions.size()) +
                              " conversions");
  for (uint32_t i = 0; i < parameters.keys.size(); ++i)
    checkKey(parameters, i, status);
  for (uint32_t i = 0; i < parameters.keys.size(); ++i)
    checkNesting(parameters, i, status);
  for (uint32_t i = 0; i < parameters.conversions.size(); ++i)
    checkConversion(parameters, i, status);
}

void checkSecurity(const Parameters &parameters, tfhe::KeyAssumptions assumptions) {
  for (uint32_t i = 0; i < parameters.keys.size(); ++i) {
    unsigned security = parameters.securityBits;
    std::string error = parameters.keys[i].kind == FHE_KEY_GLWE
                            ? tfhe::checkSecurity(parameters.glwe(i), security, assumptions)
                            : tfhe::checkSecurity(parameters.lwe(i), security, assumptions);
    if (!error.empty())
      throw Failure(FHE_INSECURE_PARAMETERS, keyName(i) + error);
  }
}

/// One canonical text line a record. log2_std in steps of 2^-20, so that a detour through decimal
/// text cannot change the hash. Only of a nested key the line names the key it is nested in.
static std::string canonicalText(const Parameters &parameters) {
  std::string text = "fhe-parameters-1 " + std::to_string(parameters.securityBits) + "\n";
  auto add = [&](uint64_t number) { text += std::to_string(number) + " "; };
  for (const fhe_key_record &key : parameters.keys) {
    for (uint64_t number : {key.kind, key.distribution, key.dimension, key.log2_poly, key.live,
                            key.word_bits, key.noise_kind})
      add(number);
    text += std::to_string(std::llround(key.log2_std * 0x1p20));
    if (key.nested_in)
      text += " nested " + std::to_string(key.nested_in - 1);
    text += "\n";
  }
  for (const fhe_conversion_record &conversion : parameters.conversions) {
    for (uint64_t number :
         {conversion.kind, conversion.from_key, conversion.to_key, conversion.base_log,
          conversion.levels, conversion.engine, conversion.switch_kind, conversion.word_bits})
      add(number);
    text += "\n";
  }
  return text;
}

ParameterHash parameterHash(const Parameters &parameters) {
  ParameterHash hash{};
  if (parameters.empty())
    return hash;
  std::string text = canonicalText(parameters);
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size < hash.size())
    throw Failure(FHE_INTERNAL, "SHA-256 is not available");
  std::copy_n(digest.begin(), hash.size(), hash.begin());
  return hash;
}

std::string toHex(std::span<const uint8_t> bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void writeParameters(ByteWriter &writer, const Parameters &parameters) {
  writer.value(parameters.securityBits);
  writer.value(uint32_t(parameters.keys.size()));
  writer.value(uint32_t(parameters.conversions.size()));
  writer.values(std::span<const fhe_key_record>(parameters.keys));
  writer.values(std::span<const fhe_conversion_record>(parameters.conversions));
}

Parameters readParameters(ByteReader &reader) {
  Parameters parameters;
  parameters.securityBits = reader.value<uint32_t>();
  uint32_t keys = reader.value<uint32_t>(), conversions = reader.value<uint32_t>();
  require(keys >= 1 && keys <= maxKeys && conversions <= maxConversions, FHE_INVALID_DATA,
          "the parameters have an impossible number of keys or conversions");
  reader.expect(keys, sizeof(fhe_key_record), "keys");
  parameters.keys.resize(keys);
  reader.values(std::span(parameters.keys));
  reader.expect(conversions, sizeof(fhe_conversion_record), "conversions");
  parameters.conversions.resize(conversions);
  reader.values(std::span(parameters.conversions));
  checkParameters(parameters, FHE_INVALID_DATA);
  return parameters;
}

} // namespace fhe::runtime
