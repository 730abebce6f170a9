//===- Mutator.cpp - Changes to ONNX models that stay ONNX models ---------------===//
//
// Most changes of bytes end in the message parser. Half of the mutations here
// change one field of one message instead: by reflection, so that every field of
// the format is reached, with names and operators that the importer looks for.
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Node.h"
#include "compiler/import/Onnx.h"
#include <cstdint>
#include <limits>
#include <random>

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

constexpr int64_t kIntegers[] = {
    INT64_MIN, INT64_MIN + 1, -(int64_t(1) << 32), INT32_MIN,           -3,
    -2,        -1,            0,                   1,                   2,
    3,         4,             5,                   6,                   7,
    8,         10,            11,                  13,                  16,
    17,        25,            32,                  33,                  64,
    127,       128,           255,                 256,                 1000,
    65535,     65536,         1 << 20,             1 << 26,             (1 << 26) + 1,
    INT32_MAX, int64_t(1) << 31, int64_t(1) << 32, int64_t(1) << 53,    INT64_MAX};
constexpr float kReals[] = {0.0f,  -0.0f, 1.0f,   -1.0f,  0.5f,    2.0f,  2.5f,  3.0f, 4.0f,
                            8.0f,  16.0f, 32.0f,  33.0f,  0.1f,    1e-7f, 1e-38f, 1e-45f, 1e7f,
                            3e38f, 255.f, 65536.f, -128.f, 16777217.f,
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()};
constexpr const char *kStrings[] = {
    "axis", "axes", "perm", "pads", "strides", "kernel_shape", "dilations", "group", "auto_pad",
    "ceil_mode", "keepdims", "alpha", "beta", "transA", "transB", "value", "to", "signed", "narrow",
    "rounding_mode", "mode", "split", "output_padding", "output_shape", "count_include_pad",
    "storage_order", "epsilon", "training_mode", "starts", "ends", "sizes", "scales", "min", "max",
    "num_outputs", "noop_with_empty_axes", "exclusive", "reverse", "upper", "blocksize", "allowzero",
    "direction", "fmod", "value_int", "value_ints", "value_float", "value_floats", "repeats", "shape",
    "coordinate_transformation_mode", "nearest_mode", "approximate", "broadcast", "spatial", "momentum",
    "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP",
    "HALF_DOWN", "ROUND_TO_ZERO", "nearest", "linear", "cubic", "asymmetric", "half_pixel",
    "align_corners", "floor", "constant", "reflect", "edge", "tanh", "none", "DCR", "CRD",
    "onnx.brevitas", "qonnx.custom_op.general", "ai.onnx", "location", "offset", "length", "a/../b",
    "", "*/", "\n", "\x1b[31m", "\xff\xfe", "%s%n"};

class Mutator {
public:
  explicit Mutator(unsigned seed) : random(seed) {}

  void mutate(onnx::ModelProto &model) {
    collect(model, 0);
    unsigned changes = 1 + pick(4) * pick(2);
    for (unsigned i = 0; i != changes; ++i) {
      messages.clear();
      collect(model, 0);
      change(*messages[pick(messages.size())]);
    }
  }

private:
  size_t pick(size_t size) { return size ? random() % size : 0; }
  template <typename T, size_t N>
  T from(const T (&values)[N]) { return values[pick(N)]; }

  void collect(Message &message, unsigned depth);
  void change(Message &message);
  void changeRepeated(Message &message, const FieldDescriptor *field);
  void setSingular(Message &message, const FieldDescriptor *field);
  void addElement(Message &message, const FieldDescriptor *field);
  void setElement(Message &message, const FieldDescriptor *field, int index);
  int64_t integer(int64_t old);
  std::string text(const FieldDescriptor *field, const std::string &old);
  const Message *another(const Descriptor *type);

  std::mt19937 random;
  std::vector<Message *> messages;
  std::vector<std::string> names;
};

} // namespace

void Mutator::collect(Message &message, unsigned depth) {
  if (depth > 12 || messages.size() > 20000)
    return;
  messages.push_back(&message);
  if (auto *node = dynamic_cast<onnx::NodeProto *>(&message); node && names.size() < 5000) {
    names.insert(names.end(), node->input().begin(), node->input().end());
    names.insert(names.end(), node->output().begin(), node->output().end());
  }
  const Reflection *reflection = message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      continue;
    if (!field->is_repeated()) {
      collect(*reflection->MutableMessage(&message, field), depth + 1);
      continue;
    }
    for (int i = 0, e = reflection->FieldSize(message, field); i != e; ++i)
      collect(*reflection->MutableRepeatedMessage(&message, field, i), depth + 1);
  }
}

const Message *Mutator::another(const Descriptor *type) {
  std::vector<const Message *> same;
  for (const Message *message : messages)
    if (message->GetDescriptor() == type && message->ByteSizeLong() < 4096)
      same.push_back(message);
  return same.empty() ? nullptr : same[pick(same.size())];
}

int64_t Mutator::integer(int64_t old) {
  switch (pick(4)) {
  case 0:
    return int64_t(uint64_t(old) + pick(5) - 2);
  case 1:
    return int64_t(pick(9));
  default:
    return from(kIntegers);
  }
}

std::string Mutator::text(const FieldDescriptor *field, const std::string &old) {
  if (field->name() == "op_type" && pick(20)) {
    auto table = pick(5) ? fhe::import::onnxOperators() : fhe::import::qonnxOperators();
    return table[pick(table.size())].name.str();
  }
  bool isName = field->name() == "input" || field->name() == "output" ||
                (field->name() == "name" && field->containing_type()->name() != "AttributeProto");
  if (isName && !names.empty() && pick(10))
    return names[pick(names.size())];
  if (field->name() == "raw_data" && pick(3)) {
    std::string data = old;
    if (pick(4) == 0)
      data.resize(pick(old.size() + 9));
    for (size_t n = pick(4); data.size() >= 4 && n != 0; --n) {
      float value = from(kReals);
      std::copy_n(reinterpret_cast<const char *>(&value), 4, &data[pick(data.size() / 4) * 4]);
    }
    return data;
  }
  if (pick(3) == 0) {
    std::string data = old;
    data.resize(old.size() + 16);
    data.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(data.data()), old.size(), data.size()));
    return data;
  }
  return from(kStrings);
}

void Mutator::setSingular(Message &message, const FieldDescriptor *field) {
  const Reflection *r = message.GetReflection();
  switch (field->cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return r->SetInt32(&message, field, int32_t(integer(r->GetInt32(message, field))));
  case FieldDescriptor::CPPTYPE_INT64:
    return r->SetInt64(&message, field, integer(r->GetInt64(message, field)));
  case FieldDescriptor::CPPTYPE_UINT32:
    return r->SetUInt32(&message, field, uint32_t(integer(r->GetUInt32(message, field))));
  case FieldDescriptor::CPPTYPE_UINT64:
    return r->SetUInt64(&message, field, uint64_t(integer(int64_t(r->GetUInt64(message, field)))));
  case FieldDescriptor::CPPTYPE_DOUBLE:
    return r->SetDouble(&message, field, from(kReals));
  case FieldDescriptor::CPPTYPE_FLOAT:
    return r->SetFloat(&message, field, from(kReals));
  case FieldDescriptor::CPPTYPE_BOOL:
    return r->SetBool(&message, field, pick(2));
  case FieldDescriptor::CPPTYPE_ENUM:
    return r->SetEnumValue(&message, field,
                           field->enum_type()->value(pick(field->enum_type()->value_count()))->number());
  case FieldDescriptor::CPPTYPE_STRING:
    return r->SetString(&message, field, text(field, r->GetString(message, field)));
  case FieldDescriptor::CPPTYPE_MESSAGE:
    if (const Message *source = another(field->message_type())) {
      std::unique_ptr<Message> copy(source->New());
      copy->CopyFrom(*source);
      r->MutableMessage(&message, field)->CopyFrom(*copy);
    } else {
      r->MutableMessage(&message, field);
    }
  }
}

void Mutator::addElement(Message &message, const FieldDescriptor *field) {
  const Reflection *r = message.GetReflection();
  switch (field->cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return r->AddInt32(&message, field, int32_t(integer(0)));
  case FieldDescriptor::CPPTYPE_INT64:
    return r->AddInt64(&message, field, integer(0));
  case FieldDescriptor::CPPTYPE_UINT64:
    return r->AddUInt64(&message, field, uint64_t(integer(0)));
  case FieldDescriptor::CPPTYPE_DOUBLE:
    return r->AddDouble(&message, field, from(kReals));
  case FieldDescriptor::CPPTYPE_FLOAT:
    return r->AddFloat(&message, field, from(kReals));
  case FieldDescriptor::CPPTYPE_STRING:
    return r->AddString(&message, field, text(field, ""));
  case FieldDescriptor::CPPTYPE_MESSAGE: {
    const Message *source = another(field->message_type());
    std::unique_ptr<Message> copy(source ? source->New() : nullptr);
    if (copy)
      copy->CopyFrom(*source);
    Message *made = r->AddMessage(&message, field);
    if (copy)
      made->CopyFrom(*copy);
    return;
  }
  default: // the format repeats no other kinds
    return;
  }
}

void Mutator::setElement(Message &message, const FieldDescriptor *field, int i) {
  const Reflection *r = message.GetReflection();
  switch (field->cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return r->SetRepeatedInt32(&message, field, i,
                               int32_t(integer(r->GetRepeatedInt32(message, field, i))));
  case FieldDescriptor::CPPTYPE_INT64:
    return r->SetRepeatedInt64(&message, field, i, integer(r->GetRepeatedInt64(message, field, i)));
  case FieldDescriptor::CPPTYPE_FLOAT:
    return r->SetRepeatedFloat(&message, field, i, from(kReals));
  case FieldDescriptor::CPPTYPE_STRING:
    return r->SetRepeatedString(&message, field, i,
                                text(field, r->GetRepeatedString(message, field, i)));
  case FieldDescriptor::CPPTYPE_MESSAGE:
    return change(*r->MutableRepeatedMessage(&message, field, i));
  default:
    return;
  }
}

void Mutator::changeRepeated(Message &message, const FieldDescriptor *field) {
  const Reflection *r = message.GetReflection();
  int size = r->FieldSize(message, field);
  if (size == 0 || (pick(4) == 0 && size < 200))
    return addElement(message, field);
  switch (pick(4)) {
  case 0:
    r->SwapElements(&message, field, int(pick(size)), size - 1);
    return r->RemoveLast(&message, field);
  case 1:
    return r->SwapElements(&message, field, int(pick(size)), int(pick(size)));
  default:
    return setElement(message, field, int(pick(size)));
  }
}

void Mutator::change(Message &message) {
  const Descriptor *type = message.GetDescriptor();
  const Reflection *r = message.GetReflection();
  std::vector<const FieldDescriptor *> present;
  r->ListFields(message, &present);
  bool there = !present.empty() && pick(5);
  const FieldDescriptor *field =
      there ? present[pick(present.size())] : type->field(int(pick(type->field_count())));
  if (field->is_repeated())
    return changeRepeated(message, field);
  if (there && pick(8) == 0)
    return r->ClearField(&message, field);
  setSingular(message, field);
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned seed) {
  google::protobuf::LogSilencer silencer;
  onnx::ModelProto model;
  if (seed % 4 == 0 || !model.ParseFromArray(data, int(size)))
    return LLVMFuzzerMutate(data, size, maxSize);
  Mutator(seed).mutate(model);
  size_t bytes = model.ByteSizeLong();
  if (bytes > maxSize || !model.SerializePartialToArray(data, int(maxSize)))
    return LLVMFuzzerMutate(data, size, maxSize);
  return bytes;
}

/// Nodes and initializers of the second model behind those of the first.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                            size_t size2, uint8_t *out, size_t maxSize, unsigned seed) {
  google::protobuf::LogSilencer silencer;
  onnx::ModelProto first, second;
  if (!first.ParseFromArray(data1, int(size1)) || !second.ParseFromArray(data2, int(size2)))
    return 0;
  std::mt19937 random(seed);
  for (const onnx::TensorProto &tensor : second.graph().initializer())
    if (random() % 2 && tensor.ByteSizeLong() < 4096)
      *first.mutable_graph()->add_initializer() = tensor;
  for (const onnx::NodeProto &node : second.graph().node())
    if (random() % 2)
      *first.mutable_graph()->add_node() = node;
  size_t bytes = first.ByteSizeLong();
  return bytes <= maxSize && first.SerializePartialToArray(out, int(maxSize)) ? bytes : 0;
}
