//===- onnx_summary.cpp - What an ONNX file says of itself --------------------------------===//
#include "python-free-tools/deployment/onnx_summary.h"

#include <set>

namespace fhe::tools {

namespace {
/// One field of a message: a number, or bytes.
struct Field {
  uint64_t number = 0, value = 0;
  std::string_view bytes;
  std::string text() const { return std::string(bytes); }
};

/// The fields of a message, one after the other.
class Message {
public:
  explicit Message(std::string_view bytes) : rest(bytes) {}

  /// False at the end, and where the bytes are no message: then `broken()`.
  bool next(Field &field) {
    uint64_t key = 0;
    if (rest.empty() || !varint(key))
      return false;
    field = {};
    field.number = key >> 3;
    uint64_t length = 0;
    switch (key & 7) {
    case 0:
      return varint(field.value);
    case 1:
      return take(8, field.bytes);
    case 2:
      return varint(length) && take(length, field.bytes);
    case 5:
      return take(4, field.bytes);
    default:
      return fail();
    }
  }
  bool broken() const { return bad; }

private:
  bool fail() {
    bad = true;
    return false;
  }
  bool varint(uint64_t &value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest.empty())
        return fail();
      auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return true;
    }
    return fail();
  }
  bool take(uint64_t length, std::string_view &bytes) {
    if (length > rest.size())
      return fail();
    bytes = rest.substr(0, length);
    rest.remove_prefix(length);
    return true;
  }

  std::string_view rest;
  bool bad = false;
};
} // namespace

/// A field of a message, as text: the name of a value (1) or of an initializer (8).
static std::string nameOf(std::string_view bytes, uint64_t number) {
  Message message(bytes);
  for (Field field; message.next(field);)
    if (field.number == number)
      return field.text();
  return {};
}

/// GraphProto.
static bool readGraph(std::string_view bytes, OnnxSummary &summary) {
  std::set<std::string> initializers;
  Message graph(bytes);
  for (Field field; graph.next(field);) {
    summary.nodes += field.number == 1;
    if (field.number == 5) {
      ++summary.initializers;
      initializers.insert(nameOf(field.bytes, 8));
    }
    if (field.number == 11)
      summary.inputs.push_back(nameOf(field.bytes, 1));
    if (field.number == 12)
      summary.outputs.push_back(nameOf(field.bytes, 1));
  }
  // Some exporters list initializers as inputs, too.
  std::erase_if(summary.inputs, [&](const std::string &name) { return initializers.count(name); });
  return !graph.broken();
}

/// OperatorSetIdProto.
static void readOperatorSet(std::string_view bytes, OnnxSummary &summary) {
  auto &[domain, version] = summary.operatorSets.emplace_back();
  Message set(bytes);
  for (Field field; set.next(field);) {
    if (field.number == 1)
      domain = field.text();
    if (field.number == 2)
      version = field.value;
  }
}

std::optional<OnnxSummary> summarizeOnnx(std::string_view bytes) {
  OnnxSummary summary;
  bool hasGraph = false;
  Message model(bytes);
  for (Field field; model.next(field);) {
    if (field.number == 1)
      summary.irVersion = field.value;
    if (field.number == 2)
      summary.producer = field.text();
    if (field.number == 3 && !field.bytes.empty())
      summary.producer += " " + field.text();
    if (field.number == 8)
      readOperatorSet(field.bytes, summary);
    if (field.number == 7 && (hasGraph = true) && !readGraph(field.bytes, summary))
      return std::nullopt;
  }
  if (model.broken() || !hasGraph || !summary.irVersion)
    return std::nullopt;
  return summary;
}

} // namespace fhe::tools
