//===- make_model.cpp - Networks too large to keep in the repository ------------===//
//
//   make-model KIND SIZE OUT.onnx
//
// Networks with SIZE megabytes of weights:
//   mlp       QONNX, float weights behind a Quant node each
//   cnn       the same, convolutions of 3 x 3
//   qcdq      8-bit weights behind a DequantizeLinear each
//   external  a float network, its weights in OUT.onnx.data
// Graphs that are large in another way, SIZE of:
//   chain     nodes, each the input of the next     wide     inputs of one node
//   branches  sums of a value with itself in a row  inputs   inputs of the network
//   attributes of one node                          nested   depth of If in If
//   names     nodes without a producer              dead     nodes that no output needs
//   quantizers one after the other                  splits   outputs of one node
//
//===---------------------------------------------------------------------------===//
#include "compiler/import/Onnx.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <google/protobuf/io/coded_stream.h>
#include <map>
#include <random>

namespace {

class Builder {
public:
  explicit Builder(std::string path) : path(std::move(path)), random(7) {
    model.set_ir_version(8);
    auto *set = model.add_opset_import();
    set->set_version(13);
    graph().set_name("g");
    scalar("zero", 0);
    scalar("four", 4);
    scalar("three", 3);
    scalar("activation", 0.125f);
    scalar("weights", 0.25f);
  }

  onnx::GraphProto &graph() { return *model.mutable_graph(); }

  onnx::NodeProto &node(const char *op, const std::vector<std::string> &inputs,
                        const std::string &output) {
    onnx::NodeProto &made = *graph().add_node();
    made.set_op_type(op);
    made.set_name(output);
    if (!std::strcmp(op, "Quant"))
      made.set_domain("onnx.brevitas");
    for (const std::string &input : inputs)
      made.add_input(input);
    made.add_output(output);
    return made;
  }
  void attribute(onnx::NodeProto &node, const char *name, std::vector<int64_t> values, bool list) {
    auto *made = node.add_attribute();
    made->set_name(name);
    made->set_type(list ? onnx::AttributeProto::INTS : onnx::AttributeProto::INT);
    for (int64_t value : values)
      list ? made->add_ints(value) : made->set_i(value);
  }
  std::string quantizer(const std::string &input, const std::string &output, bool isWeight) {
    auto &made = node("Quant", {input, isWeight ? "weights" : "activation", "zero",
                                isWeight ? "three" : "four"}, output);
    attribute(made, "signed", {isWeight}, false);
    attribute(made, "narrow", {isWeight}, false);
    return output;
  }
  onnx::TensorProto &initializer(const std::string &name, std::vector<int64_t> dims, int type) {
    auto *made = graph().add_initializer();
    made->set_name(name);
    made->set_data_type(type);
    for (int64_t size : dims)
      made->add_dims(size);
    return *made;
  }
  void scalar(const char *name, float value) {
    initializer(name, {}, onnx::TensorProto::FLOAT).add_float_data(value);
  }
  void port(onnx::ValueInfoProto &port, const std::string &name, std::vector<int64_t> dims) {
    port.set_name(name);
    auto *type = port.mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (int64_t size : dims)
      type->mutable_shape()->add_dim()->set_dim_value(size);
  }
  void input(const std::string &name, std::vector<int64_t> dims) {
    port(*graph().add_input(), name, std::move(dims));
  }
  void output(const std::string &name) { graph().add_output()->set_name(name); }

  /// Multiples of a quarter from -3/4 to 3/4, most of them zero: accumulators stay narrow.
  std::string floats(int64_t count) {
    std::string bytes(size_t(count) * 4, '\0');
    for (int64_t i = 0; i < count; ++i) {
      uint32_t draw = random();
      float value = draw % 64 ? 0.0f : 0.25f * float(int(draw >> 8) % 4 - 1);
      std::memcpy(&bytes[size_t(i) * 4], &value, 4);
    }
    return bytes;
  }
  std::string integers(int64_t count) {
    std::string bytes(size_t(count), '\0');
    for (char &byte : bytes) {
      uint32_t draw = random();
      byte = draw % 64 ? 0 : char(int(draw >> 8) % 4 - 1);
    }
    return bytes;
  }
  void externalData(onnx::TensorProto &tensor, std::ofstream &data, const std::string &bytes) {
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    std::string name = path.substr(path.rfind('/') + 1) + ".data";
    for (auto [key, value] : {std::pair<const char *, std::string>{"location", name},
                              {"offset", std::to_string(data.tellp())},
                              {"length", std::to_string(bytes.size())}}) {
      auto *entry = tensor.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    data.write(bytes.data(), std::streamsize(bytes.size()));
  }

  void write() {
    std::ofstream file(path, std::ios::binary);
    if (!model.SerializePartialToOstream(&file) || !file.flush()) {
      std::fprintf(stderr, "make-model: %s cannot be written\n", path.c_str());
      std::exit(1);
    }
  }

  std::string path;
  onnx::ModelProto model;
  std::mt19937 random;
};

constexpr int64_t kWidth = 1024;

void makeMlp(Builder &b, int64_t megabytes) {
  b.input("x", {1, kWidth});
  std::string last = b.quantizer("x", "xq", false);
  for (int64_t i = 0, layers = std::max<int64_t>(1, megabytes / 4); i < layers; ++i) {
    std::string n = std::to_string(i);
    b.initializer("w" + n, {kWidth, kWidth}, onnx::TensorProto::FLOAT)
        .set_raw_data(b.floats(kWidth * kWidth));
    std::string weights = b.quantizer("w" + n, "wq" + n, true);
    b.attribute(b.node("Gemm", {last, weights}, "y" + n), "transB", {1}, false);
    b.node("Relu", {"y" + n}, "r" + n);
    last = b.quantizer("r" + n, "q" + n, false);
  }
  b.output(last);
}

void makeCnn(Builder &b, int64_t megabytes) {
  constexpr int64_t channels = 512;
  b.input("x", {1, channels, 4, 4});
  std::string last = b.quantizer("x", "xq", false);
  int64_t layers = std::max<int64_t>(1, megabytes * 1000000 / (channels * channels * 9 * 4));
  for (int64_t i = 0; i < layers; ++i) {
    std::string n = std::to_string(i);
    b.initializer("w" + n, {channels, channels, 3, 3}, onnx::TensorProto::FLOAT)
        .set_raw_data(b.floats(channels * channels * 9));
    std::string weights = b.quantizer("w" + n, "wq" + n, true);
    auto &conv = b.node("Conv", {last, weights}, "y" + n);
    b.attribute(conv, "pads", {1, 1, 1, 1}, true);
    b.node("Relu", {"y" + n}, "r" + n);
    last = b.quantizer("r" + n, "q" + n, false);
  }
  b.output(last);
}

void makeQcdq(Builder &b, int64_t megabytes) {
  b.input("x", {1, kWidth});
  b.initializer("u8", {}, onnx::TensorProto::UINT8).add_int32_data(0);
  b.initializer("s8", {}, onnx::TensorProto::INT8).add_int32_data(0);
  auto pair = [&](const std::string &from, const std::string &to) {
    b.node("QuantizeLinear", {from, "activation", "u8"}, to + "i");
    b.node("DequantizeLinear", {to + "i", "activation", "u8"}, to);
    return to;
  };
  std::string last = pair("x", "xq");
  for (int64_t i = 0; i < std::max<int64_t>(1, megabytes); ++i) {
    std::string n = std::to_string(i);
    b.initializer("w" + n, {kWidth, kWidth}, onnx::TensorProto::INT8)
        .set_raw_data(b.integers(kWidth * kWidth));
    b.node("DequantizeLinear", {"w" + n, "weights", "s8"}, "wq" + n);
    b.attribute(b.node("Gemm", {last, "wq" + n}, "y" + n), "transB", {1}, false);
    b.node("Relu", {"y" + n}, "r" + n);
    last = pair("r" + n, "q" + n);
  }
  b.output(last);
}

void makeExternal(Builder &b, int64_t megabytes) {
  std::ofstream data(b.path + ".data", std::ios::binary);
  b.input("x", {1, kWidth});
  std::string last = "x";
  for (int64_t i = 0, layers = std::max<int64_t>(1, megabytes / 4); i < layers; ++i) {
    std::string n = std::to_string(i);
    b.externalData(b.initializer("w" + n, {kWidth, kWidth}, onnx::TensorProto::FLOAT), data,
                   b.floats(kWidth * kWidth));
    b.attribute(b.node("Gemm", {last, "w" + n}, "y" + n), "transB", {1}, false);
    last = b.node("Relu", {"y" + n}, "r" + n).output(0);
  }
  b.output(last);
}

/// `count` nodes that take the one before; `twice` as both operands.
void makeChain(Builder &b, int64_t count, const char *op, bool twice) {
  b.input("x", {1, 4});
  std::string last = b.quantizer("x", "xq", false);
  for (int64_t i = 0; i < count; ++i) {
    std::string next = "n" + std::to_string(i);
    if (!std::strcmp(op, "Quant"))
      b.quantizer(last, next, false);
    else
      b.node(op, twice ? std::vector{last, last} : std::vector{last}, next);
    last = next;
  }
  b.output(last);
}

void makeNested(Builder &b, int64_t depth) {
  b.input("x", {1, 4});
  b.output("y");
  std::string inner;
  // Written from the inside out: a message of that depth cannot be built without deep recursion.
  auto field = [](unsigned tag, const std::string &bytes) {
    std::string out;
    for (uint64_t value : {uint64_t(tag) << 3 | 2, uint64_t(bytes.size())}) {
      for (; value > 127; value >>= 7)
        out += char(value | 128);
      out += char(value);
    }
    return out + bytes;
  };
  for (int64_t i = 0; i < depth; ++i) {
    std::string attribute = field(1, "then_branch") + field(6, inner); // g
    std::string node = field(1, "x") + field(2, "y") + field(4, "If") + field(5, attribute);
    inner = field(1, node) + field(2, "g");
  }
  std::ofstream(b.path, std::ios::binary) << field(7, inner) + field(8, std::string("\x10\x0d", 2));
  std::exit(0);
}

void makeWide(Builder &b, int64_t count) {
  b.input("x", {1, 4});
  std::string q = b.quantizer("x", "xq", false);
  b.attribute(b.node("Concat", std::vector<std::string>(size_t(count), q), "y"), "axis", {1}, false);
  b.output("y");
}

void makeInputs(Builder &b, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    b.input("x" + std::to_string(i), {1, 4});
  b.output(b.quantizer("x0", "y", false));
}

void makeAttributes(Builder &b, int64_t count) {
  b.input("x", {1, 4});
  auto &node = b.node("Relu", {b.quantizer("x", "xq", false)}, "y");
  for (int64_t i = 0; i < count; ++i)
    b.attribute(node, ("a" + std::to_string(i)).c_str(), {1}, false);
  b.output("y");
}

void makeNames(Builder &b, int64_t count, bool dead) {
  b.input("x", {1, 4});
  std::string q = b.quantizer("x", "xq", false);
  for (int64_t i = 0; i < count; ++i)
    b.node("Relu", {dead ? q : "none" + std::to_string(i)}, "n" + std::to_string(i));
  b.output(q);
}

void makeSplits(Builder &b, int64_t count) {
  b.input("x", {1, count});
  auto &node = b.node("Split", {b.quantizer("x", "xq", false)}, "y0");
  for (int64_t i = 1; i < count; ++i)
    node.add_output("y" + std::to_string(i));
  b.attribute(node, "axis", {1}, false);
  b.output("y0");
}

} // namespace

int main(int argc, char **argv) {
  const std::map<std::string, std::function<void(Builder &, int64_t)>> kinds{
      {"mlp", makeMlp},
      {"cnn", makeCnn},
      {"qcdq", makeQcdq},
      {"external", makeExternal},
      {"chain", [](Builder &b, int64_t n) { makeChain(b, n, "Relu", false); }},
      {"branches", [](Builder &b, int64_t n) { makeChain(b, n, "Add", true); }},
      {"quantizers", [](Builder &b, int64_t n) { makeChain(b, n, "Quant", false); }},
      {"wide", makeWide},
      {"inputs", makeInputs},
      {"attributes", makeAttributes},
      {"nested", makeNested},
      {"names", [](Builder &b, int64_t n) { makeNames(b, n, false); }},
      {"dead", [](Builder &b, int64_t n) { makeNames(b, n, true); }},
      {"splits", makeSplits}};
  auto kind = argc == 4 ? kinds.find(argv[1]) : kinds.end();
  int64_t size = argc == 4 ? std::atoll(argv[2]) : 0;
  if (kind == kinds.end() || size < 1) {
    std::fprintf(stderr, "usage: make-model KIND SIZE OUT.onnx\n");
    return 2;
  }
  Builder builder(argv[3]);
  kind->second(builder, size);
  builder.write();
  return 0;
}
