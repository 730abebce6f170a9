//===- deployment_test.cpp - The five commands, as a user types them ----------------------===//
#include "python-free-tools/deployment/command.h"
#include "runtime/tests/support.h"

#include <csignal>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>

namespace fhe::tools {
namespace {

namespace fs = std::filesystem;
using runtime::NpyArray;

struct Outcome {
  int status;
  std::string out, err;
};

/// A folder of its own with a model, its manifest, keys and inputs, made once.
class Deployment : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    folder = fs::temp_directory_path() / ("fhe_deployment_test." + std::to_string(getpid()));
    fs::create_directories(folder);
    fs::current_path(folder);
    ASSERT_EQ(run("fhe-inspect --manifest " FHE_TEST_MODEL " > kitchen.json").status, 0);
    auto values = runtime::test::inputsOf(kitchen_model, 2);
    writeNpyFile("a.npy", NpyArray::fromFloat({2, 2, 4, 4}, values[0]));
    writeNpyFile("b.npy", NpyArray::fromFloat({2, 10}, values[1]));
    Outcome keygen = run("fhe-keygen kitchen.json -o client.key --evaluation-key eval.key");
    ASSERT_EQ(keygen.status, 0) << keygen.err;
  }
  static void TearDownTestSuite() {
    fs::current_path("/");
    fs::remove_all(folder);
  }

  static Outcome run(const std::string &command) {
    std::string line = "PATH=" FHE_BIN ":$PATH; { " + command + "; } >out.txt 2>err.txt";
    if (command.find('>') != std::string::npos)
      line = "PATH=" FHE_BIN ":$PATH; " + command + " 2>err.txt; s=$?; : > out.txt; exit $s";
    int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, readText("out.txt"), readText("err.txt")};
  }
  static void expectError(const std::string &command, int status, const std::string &words) {
    Outcome outcome = run(command);
    EXPECT_EQ(outcome.status, status) << command << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find(words), std::string::npos) << command << "\n" << outcome.err;
  }
  static inline fs::path folder;
};

TEST_F(Deployment, WholeWayGivesTheClearResult) {
  auto must = [](const std::string &command) {
    Outcome outcome = run(command);
    ASSERT_EQ(outcome.status, 0) << command << "\n" << outcome.err;
  };
  must("fhe-encrypt kitchen.json --key client.key --inputs a=a.npy --inputs b=b.npy -o x.ct");
  must("fhe-evaluate " FHE_TEST_MODEL " --evaluation-key eval.key x.ct -o y.ct");
  must("fhe-decrypt kitchen.json --key client.key y.ct -o y.npy --quiet");
  must("fhe-decrypt kitchen.json --key client.key y.ct -o out=i.npy --integers");
  NpyArray integers = readNpyFile("i.npy");
  EXPECT_EQ(integers.shape, (std::vector<uint64_t>{2, 10}));
  EXPECT_EQ(integers.toIntegers(),
            runtime::test::runClear(kitchen_model, runtime::test::inputsOf(kitchen_model, 2), 2));
  EXPECT_EQ(readNpyFile("y.npy").shape, (std::vector<uint64_t>{2, 1}));
  // In turns of one sample the bytes are the same.
  must("fhe-evaluate " FHE_TEST_MODEL
       " --evaluation-key eval.key x.ct -o z.ct --samples-at-once 1 --threads 1 --json");
  EXPECT_NE(readText("out.txt").find("\"tables_per_second\": "), std::string::npos);
  EXPECT_EQ(readText("y.ct"), readText("z.ct"));
}

TEST_F(Deployment, KeysAreKeptSafe) {
  struct stat info;
  ASSERT_EQ(stat("client.key", &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  std::string before = readText("client.key");
  expectError("fhe-keygen kitchen.json -o client.key --evaluation-key other.key", 1,
              "client.key: error: exists already");
  EXPECT_EQ(readText("client.key"), before);
  EXPECT_FALSE(fs::exists("other.key"));
  expectError("fhe-keygen kitchen.json -o other.key --evaluation-key eval.key", 1, "eval.key");
  EXPECT_FALSE(fs::exists("other.key"));
  expectError("fhe-keygen kitchen.json -o same --evaluation-key same", 2, "same file");
  for (const auto &entry : fs::directory_iterator("."))
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
}

TEST_F(Deployment, OutputsNeverReplaceInputsOrKeys) {
  const std::string encrypt =
      "fhe-encrypt kitchen.json --key client.key --inputs a=a.npy --inputs b=b.npy -o ";
  const std::string decrypt = "fhe-decrypt kitchen.json --key client.key s.ct -o ";
  const std::string evaluate = "fhe-evaluate " FHE_TEST_MODEL " --evaluation-key eval.key s.ct -o ";
  ASSERT_EQ(run(encrypt + "s.ct").status, 0);
  fs::create_hard_link("client.key", "hard.key");
  fs::create_symlink("eval.key", "soft.key");
  fs::copy_file("client.key", "second.key");
  std::string key = readText("client.key"), evaluationKey = readText("eval.key");
  for (const char *path : {"client.key", "./client.key", "hard.key", "a.npy", "kitchen.json"})
    expectError(encrypt + path, 2, "is the same file as the input");
  for (const char *path : {"client.key", "hard.key", "s.ct", "kitchen.json"})
    expectError(decrypt + path, 2, "is the same file as the input");
  expectError(decrypt + "out=q.npy -o out=./q.npy", 2, "name the same file");
  for (const char *path : {"eval.key", "soft.key", "s.ct", FHE_TEST_MODEL})
    expectError(evaluate + path, 2, "is the same file as the input");
  expectError("fhe-keygen kitchen.json -o kitchen.json --evaluation-key q.key --force", 2,
              "is the same file as the input");
  expectError("fhe-keygen kitchen.json -o q.key --evaluation-key ./q.key --force", 2, "same file");
  for (const std::string &command : {encrypt, decrypt, evaluate})
    expectError(command + "second.key", 1, "second.key: error: holds a client key");
  for (const char *path : {"client.key", "hard.key", "second.key"})
    EXPECT_EQ(readText(path), key);
  EXPECT_EQ(readText("eval.key"), evaluationKey);
}

TEST_F(Deployment, SignalsLeaveNoTemporary) {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    pid_t child = fork();
    if (child == 0) {
      removeTemporariesOnSignals();
      OutputFile file("killed.key", true, Replace::nothing);
      OutputFile::write(&file, "secret", 6);
      if (fs::exists("killed.key.tmp" + std::to_string(getpid())))
        raise(signal);
      _exit(9);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_FALSE(fs::exists("killed.key.tmp" + std::to_string(child)));
    EXPECT_FALSE(fs::exists("killed.key"));
  }
  // Past the file size limit (in KiB) a write fails, and what was written is removed.
  Outcome outcome = run("sh -c 'ulimit -f 8; exec fhe-keygen kitchen.json -o big.key "
                        "--evaluation-key big.eval'");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("error: "), std::string::npos) << outcome.err;
  for (const auto &entry : fs::directory_iterator("."))
    EXPECT_FALSE(entry.path().filename().string().starts_with("big.")) << entry.path();
}

TEST_F(Deployment, FullDisksAreReported) {
  const std::string encrypt =
      "fhe-encrypt kitchen.json --key client.key --inputs a=a.npy --inputs b=b.npy -o ";
  expectError("fhe-inspect kitchen.json > /dev/full", 1, "standard output: error: ");
  expectError("fhe-inspect --help > /dev/full", 1, "standard output: error: ");
  expectError(encrypt + "full.ct > /dev/full", 1, "standard output: error: ");
  // A device is written in place, never replaced by a file.
  expectError(encrypt + "/dev/full", 1, "/dev/full: error: ");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(Deployment, NotANumberIsNamed) {
  std::vector<float> values(20);
  values[13] = std::numeric_limits<float>::quiet_NaN();
  writeNpyFile("nan.npy", NpyArray::fromFloat({2, 10}, values));
  expectError("fhe-encrypt kitchen.json --key client.key --inputs a=a.npy --inputs b=nan.npy "
              "-o q.ct",
              1, "nan.npy: error: sample 1, element 3 is not a number");
}

TEST_F(Deployment, AnotherClientsFilesAreRefused) {
  ASSERT_EQ(run("fhe-keygen kitchen.json -o b.key --evaluation-key b.eval").status, 0);
  ASSERT_EQ(run("fhe-encrypt kitchen.json --key client.key --inputs a=a.npy --inputs b=b.npy "
                "-o x.ct")
                .status,
            0);
  expectError("fhe-evaluate " FHE_TEST_MODEL " --evaluation-key b.eval x.ct -o w.ct", 1,
              "x.ct: error: the ciphertexts belong to key");
  EXPECT_FALSE(fs::exists("w.ct"));
  ASSERT_EQ(run("fhe-keygen kitchen.json -o b.key --evaluation-key b.eval --force").status, 0);
}

TEST_F(Deployment, RefusalsNameTheFile) {
  expectError("fhe-encrypt kitchen.json --key client.key --inputs a=b.npy --inputs b=b.npy -o q.ct",
              1, "b.npy: error: has the shape 2 x 10; input 'a' takes samples x 2 x 4 x 4");
  expectError("fhe-encrypt kitchen.json --key client.key --inputs a.npy -o q.ct", 1,
              "kitchen.json: error: the model has several inputs");
  expectError("fhe-encrypt kitchen.json --key client.key --inputs z=a.npy -o q.ct", 1,
              "kitchen.json: error: the model has no input 'z'");
  expectError("fhe-encrypt kitchen.json --key client.key --inputs a=a.npy -o q.ct", 1,
              "1 inputs given");
  expectError("fhe-encrypt kitchen.json --key eval.key --inputs a=a.npy --inputs b=b.npy -o q.ct",
              1, "eval.key: error: the file holds an evaluation key");
  expectError("fhe-encrypt none.json --key client.key --inputs a=a.npy -o q.ct", 1,
              "none.json: error: No such file");
  expectError("fhe-evaluate kitchen.json --evaluation-key eval.key a.npy -o q.ct", 1,
              "kitchen.json: error: ");
  expectError("fhe-decrypt kitchen.json --key client.key a.npy -o q.npy", 1, "a.npy: error: ");
  expectError("fhe-inspect err.txt", 1, "err.txt: error: is neither");
  EXPECT_FALSE(fs::exists("q.ct"));
  for (const char *tool :
       {"fhe-keygen", "fhe-encrypt", "fhe-evaluate", "fhe-decrypt", "fhe-inspect"}) {
    std::string name = tool;
    expectError(name + " --no-such-flag", 2, name + ": error: ");
    EXPECT_EQ(run(name + " --help").status, 0);
    EXPECT_EQ(run(name + " --version").out, name + " " + fhe_version() + "\n");
  }
}

TEST_F(Deployment, EncryptsTheFirstSamplesOnly) {
  const std::string encrypt = "fhe-encrypt kitchen.json --key client.key --inputs a=a.npy "
                              "--inputs b=b.npy -o some.ct --samples ";
  ASSERT_EQ(run(encrypt + "1").status, 0);
  EXPECT_NE(run("fhe-inspect some.ct").out.find("samples: 1\n"), std::string::npos);
  ASSERT_EQ(run(encrypt + "9").status, 0); // more than there are: all
  EXPECT_NE(run("fhe-inspect some.ct").out.find("samples: 2\n"), std::string::npos);
  expectError(encrypt + "0", 2, "fhe-encrypt: error: --samples");
}

TEST_F(Deployment, InspectKnowsEveryKindOfFile) {
  ASSERT_EQ(run("fhe-encrypt kitchen.json --key client.key --inputs a=a.npy --inputs b=b.npy "
                "-o x.ct")
                .status,
            0);
  for (auto [file, kind] :
       {std::pair(FHE_TEST_MODEL, "compiled model"), std::pair("kitchen.json", "manifest"),
        std::pair("client.key", "client key (secret)"), std::pair("eval.key", "evaluation key"),
        std::pair("x.ct", "ciphertexts"), std::pair("a.npy", "NumPy array")}) {
    Outcome outcome = run(std::string("fhe-inspect ") + file);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find(std::string("kind: ") + kind), std::string::npos) << outcome.out;
    EXPECT_EQ(run(std::string("fhe-inspect --json ") + file).out.front(), '{');
  }
  std::ofstream("r.json") << R"({"format": "fhe-report", "name": "n", "layers": [{"onnx_node": "fc"}]})";
  EXPECT_NE(run("fhe-inspect r.json").out.find("kind: report of a compilation"), std::string::npos);
  // ir_version 8, operator set 13, a graph of one (empty) node, an initializer "w", and the inputs "x"
  // and "w".
  const char onnx[] = "\x08\x08\x42\x02\x10\x0d\x3a\x11\x0a\x00\x2a\x03\x42\x01w\x5a\x03\x0a\x01x"
                      "\x5a\x03\x0a\x01w";
  std::ofstream("m.onnx", std::ios::binary).write(onnx, sizeof onnx - 1);
  Outcome network = run("fhe-inspect --json m.onnx");
  auto said = nlohmann::json::parse(network.out);
  EXPECT_EQ(said["kind"], "ONNX network");
  EXPECT_EQ(said["operator_sets"]["ai.onnx"], 13);
  EXPECT_EQ(said["inputs"], nlohmann::json({"x"}));
  EXPECT_EQ(said["nodes"], 1);
  // Cut off anywhere it is none, and nothing is read past its end.
  for (size_t bytes = 0; bytes + 1 < sizeof onnx - 1; ++bytes) {
    std::ofstream("cut.onnx", std::ios::binary | std::ios::trunc).write(onnx, std::streamsize(bytes));
    EXPECT_EQ(run("fhe-inspect cut.onnx").status, 1) << bytes;
  }
}

} // namespace
} // namespace fhe::tools
