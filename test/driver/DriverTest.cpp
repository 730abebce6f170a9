//===- DriverTest.cpp - Diagnostics, output files, and defects told from refusals
//---------------===//
#include "compiler/driver/Compilation.h"
#include "compiler/driver/OutputFiles.h"
#include "dialects/shared/NodeLocation.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace fs = std::filesystem;
using namespace fhe;

namespace {

std::string read(const fs::path &path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// A folder of its own for a test, which is also the current one.
class Folder : public testing::Test {
protected:
  void SetUp() override {
    const char *name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder = fs::path(testing::TempDir()) / ("driver_test_" + std::string(name));
    fs::remove_all(folder);
    fs::create_directories(folder);
    fs::current_path(folder);
  }
  void TearDown() override {
    fs::current_path("/");
    fs::remove_all(folder);
  }
  size_t files() const {
    return size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }
  fs::path folder;
};

using OutputFilesTest = Folder;
using CompilationTest = Folder;

TEST(Diagnostics, IdentifierAtTheEnd) {
  EXPECT_TRUE(hasIdentifier("too wide [Q020]"));
  EXPECT_FALSE(hasIdentifier("too wide"));
  EXPECT_FALSE(hasIdentifier("shape [1]"));
  EXPECT_FALSE(hasIdentifier("[Q020] too wide"));
  EXPECT_FALSE(hasIdentifier("]"));
}

TEST(Diagnostics, NamesTheNodeAndItsNotes) {
  mlir::MLIRContext context;
  std::string text;
  llvm::raw_string_ostream os(text);
  mlir::Location fc1 = makeNodeLocation(&context, {"fc1", "Gemm", "y", "net.onnx", 4});
  mlir::Location fc0 = makeNodeLocation(&context, {"fc0", "Conv", "x", "net.onnx", 2});
  {
    DiagnosticPrinter printer(context, os, "given.onnx");
    auto error = mlir::emitError(fc1) << "too wide [Q020]";
    error.attachNote() << "first line\nsecond line";
    error.attachNote(fc0) << "comes from here";
    error.attachNote() << "help: use fewer bits";
    error.report();
    mlir::emitError(mlir::UnknownLoc::get(&context)) << "no identifier";
    mlir::emitRemark(fc1) << "only when verbose";
    EXPECT_EQ(printer.errors(), 2u);
    EXPECT_FALSE(printer.allIdentified());
  }
  EXPECT_EQ(text, "net.onnx: error: node 'fc1' (Gemm): too wide [Q020]\n"
                  "net.onnx: note: first line\n"
                  "    second line\n"
                  "net.onnx: note: node 'fc0' (Conv): comes from here\n"
                  "net.onnx: help: use fewer bits\n"
                  "given.onnx: error: no identifier\n");
}

TEST_F(OutputFilesTest, AllAreThereAfterCommit) {
  {
    OutputFiles out;
    ASSERT_FALSE(bool(out.add("a.o", "object")));
    ASSERT_FALSE(bool(out.add("a.h", "header")));
    EXPECT_FALSE(fs::exists("a.o"));
    ASSERT_FALSE(bool(out.commit()));
  }
  EXPECT_EQ(read("a.o"), "object");
  EXPECT_EQ(read("a.h"), "header");
  EXPECT_EQ(files(), 2u);
}

TEST_F(OutputFilesTest, NothingChangesWithoutCommit) {
  std::ofstream("a.o") << "old";
  {
    OutputFiles out;
    ASSERT_FALSE(bool(out.add("a.o", "new")));
    fs::create_directory("a.h");
    llvm::Error error = out.add("a.h", "header");
    EXPECT_TRUE(bool(error));
    EXPECT_EQ(llvm::toString(std::move(error)), "a.h: error: Is a directory");
  }
  EXPECT_EQ(read("a.o"), "old");
  EXPECT_EQ(files(), 2u);
}

TEST_F(CompilationTest, AnErrorWithoutIdentifierIsADefect) {
  CompileFlags flags;
  Compilation compilation("net.onnx", flags, {}, "fhe-compile net.onnx");
  EXPECT_FALSE(compilation.runStage("broken", [&] {
    mlir::emitError(mlir::UnknownLoc::get(&compilation.context())) << "surprise";
    return false;
  }));
  EXPECT_EQ(compilation.exitCode(), ExitInternal);
  EXPECT_NE(read("net.internal-error.mlir").find("stage: broken\n// fhe-compile net.onnx"),
            std::string::npos);
  // Nothing runs after a failure.
  EXPECT_FALSE(compilation.runStage("next", [] { return true; }));
}

TEST_F(CompilationTest, AnErrorWithIdentifierIsARefusal) {
  CompileFlags flags;
  Compilation compilation("net.onnx", flags, {}, "fhe-compile net.onnx");
  EXPECT_TRUE(compilation.runStage("good", [] { return true; }));
  EXPECT_FALSE(compilation.runStage("refusing", [&] {
    mlir::emitError(mlir::UnknownLoc::get(&compilation.context())) << "no [Q001]";
    return false;
  }));
  EXPECT_EQ(compilation.exitCode(), ExitRefused);
  EXPECT_EQ(files(), 0u);
}

TEST_F(CompilationTest, AnExceptionIsADefect) {
  CompileFlags flags;
  Compilation compilation("net.onnx", flags, {}, "fhe-compile net.onnx");
  EXPECT_FALSE(compilation.runStage("throwing", []() -> bool { throw std::bad_alloc(); }));
  EXPECT_EQ(compilation.exitCode(), ExitInternal);
}

TEST(Flags, NamedFiles) {
  EXPECT_EQ(parseNamedFile("x.npy"), NamedFile("", "x.npy"));
  EXPECT_EQ(parseNamedFile("in=x.npy"), NamedFile("in", "x.npy"));
  EXPECT_EQ(parseNamedFile("a/b=c.npy"), NamedFile("", "a/b=c.npy"));
  EXPECT_EQ(parseNamedFile("in=a=b.npy"), NamedFile("in", "a=b.npy"));
}

} // namespace
