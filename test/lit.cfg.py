# lit configuration (lit itself is a test-time tool of LLVM; the project has no other Python).
import os
import lit.formats

config.name = "fhe-compile"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".txtpb", ".test"]
config.excludes = ["models", "Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.fhe_binary, "test", "lit")
config.environment["PATH"] = os.pathsep.join(
    [config.fhe_bin, config.llvm_bin, os.environ.get("PATH", "/usr/bin:/bin")])
if config.sanitize:
    # Debian's libMLIR is not instrumented; containers and allocators it
    # shares with us look wrong, and leaks of its statics are not ours.
    config.environment["ASAN_OPTIONS"] = (
        "detect_container_overflow=0:allow_user_poisoning=0:detect_leaks=0")
config.substitutions.append(("%models", os.path.join(config.test_source_root, "models")))
config.substitutions.append(("%shared_models", config.shared_models or "/nonexistent"))
config.substitutions.append(("%runtime_include", os.path.join(config.fhe_source, "runtime", "include")))
# Text ONNX to a model file: RUN: %onnx_encode < %s > %t.onnx
config.substitutions.append(
    ("%onnx_encode", "protoc -I /usr/include --encode=onnx.ModelProto onnx/onnx.proto"))
if config.shared_models:
    config.available_features.add("shared-models")
