//===- ObjectTest.cpp - Emitted objects, loaded and called -------------------------===//
//
// fhe IR down to a shared library, opened here and run against an executor that
// records its calls.
//
//===---------------------------------------------------------------------------===//
#include "compiler/codegen/Codegen.h"
#include "dialects/fhe/FHE.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/tfhe/Passes.h"
#include "runtime/include/fhe/abi.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <cstdio>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using fhe::codegen::ObjectKind;

// fc1 (3x4), a table, a sum with the input's first three elements, a second table, fc2.
const char *const network = R"mlir(
func.func @main(%x: tensor<4x!fhe.int<0:3>> {fhe.client = {name = "x"}}) -> (tensor<2x!fhe.int<-9:6>>) {
  %a = fhe.linear %x weights dense<[[1, -1, 1, 0], [1, 1, -1, -1], [0, 1, 0, 200]]> : tensor<3x4xi32>
      {calibrated} : tensor<4x!fhe.int<0:3>> -> tensor<3x!fhe.int<-6:6>> loc("fc1")
  %h = fhe.lut %a lo -6 tables dense<[[[0,0,0,0,0,0,0,1,1,2,2,3,3]], [[3,0,0,0,0,0,0,1,1,2,2,3,3]]]>
      : tensor<2x1x13xi32> width 4 guard 1 {table_of_element = array<i32: 0, 1, 0>}
      : tensor<3x!fhe.int<-6:6>> -> tensor<3x!fhe.int<0:3>> loc("relu1")
  %g = fhe.gather %x {source = array<i64: 0, 1, -1>} : (tensor<4x!fhe.int<0:3>>) -> tensor<3x!fhe.int<0:3>>
  %s = fhe.add %h, %g {rhs_factor = 2 : i64}
      : (tensor<3x!fhe.int<0:3>>, tensor<3x!fhe.int<0:3>>) -> tensor<3x!fhe.int<0:9>> loc("add")
  %t = fhe.lut %s lo 0 tables dense<[[[0,0,1,1,1,2,2,2,3,3]]]> : tensor<1x1x10xi32> width 4 guard 3
      : tensor<3x!fhe.int<0:9>> -> tensor<3x!fhe.int<0:3>> loc("relu2")
  %y = fhe.linear %t weights dense<[[1, -2, 1], [-1, 1, -2]]> : tensor<2x3xi32>
      : tensor<3x!fhe.int<0:3>> -> tensor<2x!fhe.int<-9:6>> loc("fc2")
  return %y : tensor<2x!fhe.int<-9:6>>
}
)mlir";

fhe::codegen::Products compile(const char *text, ObjectKind kind, bool clearOnly,
                               const char *name = "net") {
  mlir::DialectRegistry registry;
  fhe::codegen::registerDialects(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  EXPECT_TRUE(module);
  mlir::PassManager manager(&context);
  fhe::CompileOptions options;
  options.clearOnly = clearOnly;
  fhe::buildTfhePipeline(manager, options);
  EXPECT_TRUE(mlir::succeeded(manager.run(*module)));
  auto products = fhe::codegen::emit(*module, {name, kind});
  EXPECT_TRUE(mlir::succeeded(products));
  return mlir::succeeded(products) ? *products : fhe::codegen::Products();
}

/// A shared library in memory, opened.
class Library {
public:
  explicit Library(const std::string &bytes) {
    char path[] = "/tmp/fhe-object-test-XXXXXX";
    int file = mkstemp(path);
    EXPECT_EQ(write(file, bytes.data(), bytes.size()), ssize_t(bytes.size()));
    close(file);
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    EXPECT_TRUE(handle) << dlerror();
    unlink(path);
  }
  ~Library() {
    if (handle)
      dlclose(handle);
  }
  const fhe_model *model(const char *symbol) const {
    return handle ? static_cast<const fhe_model *>(dlsym(handle, symbol)) : nullptr;
  }

private:
  void *handle = nullptr;
};

struct Recorder {
  struct Call {
    const void *descriptor;
    std::vector<uint64_t> out, in;
  };
  std::vector<Call> calls;
  size_t failAt = ~size_t(0);

  int32_t add(const void *descriptor, std::vector<uint64_t> out, std::vector<uint64_t> in) {
    calls.push_back({descriptor, std::move(out), std::move(in)});
    return calls.size() - 1 == failAt ? 77 : 0;
  }
  static Recorder &of(void *state) { return *static_cast<Recorder *>(state); }

  int32_t run(const fhe_model *model) {
    static const fhe_executor_ops ops = {
        FHE_ABI_VERSION, sizeof(fhe_executor_ops),
        [](void *s, const fhe_linear_desc *op, uint64_t out, uint64_t in) {
          return of(s).add(op, {out}, {in});
        },
        [](void *s, const fhe_combine_desc *op, uint64_t out, uint64_t in0, uint64_t in1) {
          return of(s).add(op, {out}, {in0, in1});
        },
        [](void *s, const fhe_gather_desc *op, uint64_t out, uint64_t in0, uint64_t in1) {
          return of(s).add(op, {out}, {in0, in1});
        },
        [](void *s, const fhe_lookup_desc *op, const uint64_t *out, uint64_t in) {
          return of(s).add(op, std::vector<uint64_t>(out, out + op->results), {in});
        },
        [](void *s, const fhe_constant_desc *op, uint64_t out) { return of(s).add(op, {out}, {}); },
        [](void *s, const fhe_convert_desc *op, uint64_t out, uint64_t in) {
          return of(s).add(op, {out}, {in});
        }};
    fhe_executor executor = {&ops, this};
    return model->entry(&executor);
  }
};

TEST(Object, CallsDescriptorsAndSlots) {
  Library library(compile(network, ObjectKind::SharedLibrary, false).object);
  const fhe_model *model = library.model("net_model");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->abi_version, FHE_ABI_VERSION);
  EXPECT_EQ(model->size, sizeof(fhe_model));
  EXPECT_STREQ(model->name, "net");
  ASSERT_EQ(model->op_count, 6u);
  Recorder recorder;
  ASSERT_EQ(recorder.run(model), 0);
  ASSERT_EQ(recorder.calls.size(), 6u);
  uint64_t arena = model->arena_elements[1];
  for (uint32_t i = 0; i != 6; ++i) {
    auto *header = static_cast<const fhe_op_header *>(recorder.calls[i].descriptor);
    EXPECT_EQ(header, model->ops[i]);
    EXPECT_EQ(header->index, i);
    EXPECT_EQ(header->key, 1u);
    for (uint64_t out : recorder.calls[i].out)
      EXPECT_LT(out, arena);
  }
  // The schedule keeps the chain: the second fully connected layer writes the output's slot.
  EXPECT_EQ(recorder.calls[5].out[0], model->outputs[0].offset);
  EXPECT_EQ(recorder.calls[5].in[0], recorder.calls[4].out[0]);
}

TEST(Object, DescriptorContents) {
  Library library(compile(network, ObjectKind::SharedLibrary, false).object);
  const fhe_model *model = library.model("net_model");
  ASSERT_TRUE(model);
  const fhe_linear_desc *linear = nullptr;
  const fhe_lookup_desc *lookup = nullptr;
  const fhe_combine_desc *combine = nullptr;
  const fhe_gather_desc *gather = nullptr;
  for (uint32_t i = 0; i != model->op_count; ++i) {
    const fhe_op_header *op = model->ops[i];
    if (op->kind == FHE_OP_LINEAR && !strcmp(op->layer, "fc1"))
      linear = reinterpret_cast<const fhe_linear_desc *>(op);
    if (op->kind == FHE_OP_LOOKUP && !strcmp(op->layer, "relu1"))
      lookup = reinterpret_cast<const fhe_lookup_desc *>(op);
    if (op->kind == FHE_OP_COMBINE)
      combine = reinterpret_cast<const fhe_combine_desc *>(op);
    if (op->kind == FHE_OP_GATHER)
      gather = reinterpret_cast<const fhe_gather_desc *>(op);
  }
  ASSERT_TRUE(linear && lookup && combine && gather);
  EXPECT_EQ(linear->form, FHE_LINEAR_GEMM);
  EXPECT_EQ(linear->weight_bits, 16u); // 200 does not fit int8_t
  EXPECT_EQ(linear->rows, 1u);
  EXPECT_EQ(linear->in_channels, 4u);
  EXPECT_EQ(linear->out_channels, 3u);
  EXPECT_EQ(static_cast<const int16_t *>(linear->weights)[11], 200);
  EXPECT_EQ(static_cast<const int16_t *>(linear->weights)[1], -1);
  EXPECT_EQ(lookup->width, 4u);
  EXPECT_EQ(lookup->rounded_width, 4u);
  EXPECT_EQ(lookup->guard, 1u);
  EXPECT_EQ(lookup->lo, -6);
  EXPECT_EQ(lookup->entries, 13u);
  EXPECT_EQ(lookup->table_count, 2u);
  EXPECT_EQ(lookup->results, 1u);
  EXPECT_EQ(lookup->elements, 3u);
  EXPECT_EQ(lookup->tables[13], 3);
  EXPECT_EQ(lookup->table_of_element[1], 1u);
  EXPECT_EQ(lookup->log2_delta_in + lookup->log2_factor + lookup->width, 63u);
  EXPECT_GT(lookup->noise_std, 0);
  EXPECT_EQ(combine->operands, 2u);
  EXPECT_EQ(combine->coefficient[1], 2);
  EXPECT_EQ(gather->in_elements[0], 4u);
  EXPECT_EQ(gather->in_elements[1], 0u);
  EXPECT_EQ(gather->source[2], -1);
  const fhe_parameters *parameters = model->parameters;
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->key_count, 2u);
  EXPECT_EQ(parameters->conversions[lookup->keyswitch].kind, unsigned(FHE_CONVERSION_KEYSWITCH));
  EXPECT_EQ(parameters->conversions[lookup->bootstrap].to_key, lookup->header.key);
  EXPECT_EQ(parameters->keys[lookup->in_key].kind, unsigned(FHE_KEY_GLWE));
}

TEST(Object, StopsAtTheFirstFailure) {
  Library library(compile(network, ObjectKind::SharedLibrary, false).object);
  const fhe_model *model = library.model("net_model");
  ASSERT_TRUE(model);
  for (size_t failAt : {0, 2, 5}) {
    Recorder recorder;
    recorder.failAt = failAt;
    EXPECT_EQ(recorder.run(model), 77);
    EXPECT_EQ(recorder.calls.size(), failAt + 1);
  }
}

TEST(Object, ClearOnlyHasNoParameters) {
  auto products = compile(network, ObjectKind::SharedLibrary, true);
  Library library(products.object);
  const fhe_model *model = library.model("net_model");
  ASSERT_TRUE(model);
  EXPECT_FALSE(model->parameters);
  EXPECT_EQ(model->arena_count, 1u);
  EXPECT_GT(model->arena_elements[0], 0u);
  Recorder recorder;
  EXPECT_EQ(recorder.run(model), 0);
  EXPECT_NE(products.manifest.find("\"clear_only\": true"), std::string::npos);
  EXPECT_EQ(products.manifest, model->manifest);
  EXPECT_EQ(products.manifest.size(), model->manifest_bytes);
}

TEST(Object, SameInputSameBytes) {
  for (ObjectKind kind : {ObjectKind::Object, ObjectKind::Archive, ObjectKind::SharedLibrary}) {
    auto a = compile(network, kind, false), b = compile(network, kind, false);
    EXPECT_EQ(a.object, b.object);
    EXPECT_EQ(a.header, b.header);
    EXPECT_EQ(a.manifest, b.manifest);
  }
}

TEST(Object, ImportsNothingAndExportsTheModel) {
  std::string bytes = compile(network, ObjectKind::Object, false).object;
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "net.o"));
  ASSERT_TRUE(bool(file));
  std::vector<std::string> global;
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    uint32_t flags = llvm::cantFail(symbol.getFlags());
    if (flags & llvm::object::SymbolRef::SF_FormatSpecific)
      continue;
    EXPECT_FALSE(flags & llvm::object::SymbolRef::SF_Undefined)
        << llvm::cantFail(symbol.getName()).str();
    if (flags & llvm::object::SymbolRef::SF_Global)
      global.push_back(llvm::cantFail(symbol.getName()).str());
  }
  EXPECT_EQ(global, std::vector<std::string>{"net_model"});
}

TEST(Object, ArchiveHoldsOneMember) {
  std::string bytes = compile(network, ObjectKind::Archive, false).object;
  auto archive = llvm::object::Archive::create(llvm::MemoryBufferRef(bytes, "net.a"));
  ASSERT_TRUE(bool(archive));
  llvm::Error error = llvm::Error::success();
  unsigned members = 0;
  for (const auto &child : (*archive)->children(error)) {
    ++members;
    EXPECT_EQ(llvm::cantFail(child.getName()), "net.o");
  }
  EXPECT_FALSE(bool(error));
  EXPECT_EQ(members, 1u);
}

TEST(Identifier, MadeOfAnyText) {
  EXPECT_EQ(fhe::codegen::makeIdentifier("my-net.v2"), "my_net_v2");
  EXPECT_EQ(fhe::codegen::makeIdentifier("3x"), "_3x");
  EXPECT_EQ(fhe::codegen::makeIdentifier(""), "_");
}

} // namespace
