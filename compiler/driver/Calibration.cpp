//===- Calibration.cpp - Observed ranges from calibration inputs ----------------===//
#include "compiler/driver/Calibration.h"
#include "dialects/fhe/ClientSide.h"
#include "dialects/fhe/Interpreter.h"
#include "dialects/shared/DiagnosticIds.h"
#include "mlir/IR/Diagnostics.h"
#include "runtime/formats/npy.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <cstring>

using namespace mlir;

namespace fhe {

namespace {
/// What is left of a buffer, for the reader of the runtime's formats.
struct Cursor {
  const char *data;
  static int read(void *state, void *out, size_t bytes) {
    auto &cursor = *static_cast<Cursor *>(state);
    std::memcpy(out, cursor.data, bytes);
    cursor.data += bytes;
    return 0;
  }
};
} // namespace

static InFlightDiagnostic refuse(MLIRContext *context, StringRef path) {
  return emitError(FileLineColLoc::get(context, path, 0, 0));
}

/// The float values of a file; refuses what is not one.
static FailureOr<runtime::NpyArray> readFile(MLIRContext *context, const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return refuse(context, path) << buffer.getError().message() << " [" << diag::Calibration << "]";
  Cursor cursor{(*buffer)->getBufferStart()};
  runtime::ByteReader reader(Cursor::read, &cursor, (*buffer)->getBufferSize());
  try {
    return runtime::readNpy(reader);
  } catch (const runtime::Failure &failure) {
    return refuse(context, path) << failure.what() << " [" << diag::Calibration << "]";
  }
}

/// The samples of one input.
static FailureOr<std::vector<float>> readInput(MLIRContext *context, const std::string &path,
                                               const CalibrationInput &input, int64_t &samples) {
  FailureOr<runtime::NpyArray> array = readFile(context, path);
  if (failed(array))
    return failure();
  int64_t count = array->shape.empty() ? 1 : int64_t(array->shape[0]);
  if (count == 0 || int64_t(array->elements()) != count * input.elements)
    return refuse(context, path) << "has " << (count ? array->elements() / count : 0)
                                 << " values a sample, input '" << input.name << "' takes "
                                 << input.elements << " [" << diag::Calibration << "]";
  if (samples >= 0 && samples != count)
    return refuse(context, path) << "has " << count << " samples, the inputs before it " << samples
                                 << " [" << diag::Calibration << "]";
  samples = count;
  std::vector<float> values = array->toFloat();
  for (float value : values)
    if (!std::isfinite(value))
      return refuse(context, path) << "holds NaN or infinity [" << diag::Calibration << "]";
  return values;
}

/// The file of `input`, "" if none is given.
static std::string findFile(const std::vector<NamedFile> &files, const std::string &input,
                            bool only) {
  for (const NamedFile &file : files)
    if (file.first == input || (only && file.first.empty()))
      return file.second;
  return "";
}

FailureOr<std::vector<std::vector<float>>>
readCalibration(ModuleOp module, const std::vector<NamedFile> &files,
                const std::vector<CalibrationInput> &inputs, int64_t &samples) {
  for (const NamedFile &file : files)
    if (!file.first.empty() &&
        llvm::none_of(inputs, [&](const CalibrationInput &input) { return input.name == file.first; }))
      return emitError(module.getLoc()) << "--calibration: the network has no input '" << file.first
                                        << "' [" << diag::Calibration << "]";
  if (inputs.size() == 1 && files.size() > 1)
    return emitError(module.getLoc()) << "--calibration: input '" << inputs.front().name
                                      << "' is given twice [" << diag::Calibration << "]";
  if (inputs.size() > 1)
    for (const NamedFile &file : files)
      if (file.first.empty()) {
        auto error = emitError(module.getLoc())
                     << "--calibration: the network has " << inputs.size() << " inputs, '"
                     << file.second << "' names none [" << diag::Calibration << "]";
        error.attachNote() << "help: write --calibration '" << inputs.front().name << "="
                           << file.second << "'";
        return failure();
      }
  std::vector<std::vector<float>> values;
  samples = -1;
  for (const CalibrationInput &input : inputs) {
    std::string path = findFile(files, input.name, inputs.size() == 1);
    if (path.empty()) {
      auto error = emitError(module.getLoc()) << "no calibration values for input '" << input.name
                                              << "' [" << diag::Calibration << "]";
      error.attachNote() << "help: add --calibration '" << input.name << "=F.npy'";
      return failure();
    }
    auto read = readInput(module.getContext(), path, input, samples);
    if (failed(read))
      return failure();
    values.push_back(std::move(*read));
  }
  return values;
}

LogicalResult calibrateFromFiles(ModuleOp module, const std::vector<NamedFile> &files,
                                 bool frequencies) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  FailureOr<std::vector<ClientInput>> inputs = readClientInputs(main);
  if (failed(inputs))
    return failure();
  std::vector<CalibrationInput> wanted;
  for (const ClientInput &input : *inputs)
    wanted.push_back({input.name, input.elements()});
  int64_t samples = 0;
  auto values = readCalibration(module, files, wanted, samples);
  if (failed(values))
    return failure();
  std::vector<std::vector<int64_t>> integers;
  for (auto [input, reals] : llvm::zip(*inputs, *values)) {
    integers.emplace_back(samples * input.integers());
    std::string problem = input.quantize(reals.data(), samples, integers.back().data());
    if (!problem.empty())
      return emitError(module.getLoc()) << "--calibration: " << problem << " [" << diag::Calibration
                                        << "]";
  }
  return recordObservedRanges(module, integers, samples, frequencies);
}

} // namespace fhe
