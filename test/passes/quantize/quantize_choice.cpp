//===- quantize_choice.cpp - Ways of quantizing compared on samples they have not seen ----===//
//
// quantize_choice MODEL.onnx CALIBRATION.npy [BITS...]: every way of quantizing (Network.h), fitted to half of
// the calibration samples and compared with the float network on the other half, and the reverse. Prints
// the errors of the results relative to those of the first way, and the geometric mean over the
// numbers of bits. No labels, no test set: this is what the defaults were chosen by.
//
//===-------------------------------------------------------------------------------------===//
#include "compiler/import/Import.h"
#include "passes/quantize/HeldOut.h"
#include "runtime/formats/npy.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

using namespace fhe;
using namespace fhe::quantize;

namespace {
struct Way {
  const char *name;
  Variant variant;
};

const Way ways[] = {
    {"min-max", {false, 0.05, RangeMethod::MinMax}},
    {"percentile", {false, 0.05, RangeMethod::Percentile}},
    {"least-error", {false, 0.05, RangeMethod::LeastError}},
    {"output-error", {false, 0.05, RangeMethod::Output}},
    {"min-max, ridge 0.2", {false, 0.2, RangeMethod::MinMax}},
    {"min-max, ridge 0.01", {false, 0.01, RangeMethod::MinMax}},
    {"min-max, ridge 0.002", {false, 0.002, RangeMethod::MinMax}},
    {"output-error, ridge 0.01", {false, 0.01, RangeMethod::Output}},
    {"output-error, ridge 0.002", {false, 0.002, RangeMethod::Output}},
    {"equalized, min-max", {true, 0.05, RangeMethod::MinMax}},
    {"equalized, least-error", {true, 0.05, RangeMethod::LeastError}},
    {"equalized, output-error", {true, 0.05, RangeMethod::Output}},
    {"equalized, output-error, ridge 0.01", {true, 0.01, RangeMethod::Output}},
};

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

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: quantize_choice MODEL.onnx CALIBRATION.npy [BITS...]\n");
    return 2;
  }
  auto buffer = llvm::MemoryBuffer::getFile(argv[2], false, false);
  if (!buffer) {
    std::fprintf(stderr, "%s: %s\n", argv[2], buffer.getError().message().c_str());
    return 1;
  }
  Cursor cursor{(*buffer)->getBufferStart()};
  runtime::ByteReader reader(Cursor::read, &cursor, (*buffer)->getBufferSize());
  runtime::NpyArray array = runtime::readNpy(reader);
  qnn::RealTensors values{array.toFloat()};
  auto samples = int64_t(array.shape[0]);
  mlir::MLIRContext context;
  ImportOptions importing;
  importing.floatNetwork = true;
  mlir::OwningOpRef<mlir::ModuleOp> module = importOnnx(context, argv[1], importing);
  if (!module)
    return 1;
  std::vector<unsigned> widths{3, 4, 5, 6, 7, 8};
  if (argc > 3)
    widths.clear();
  for (int i = 3; i < argc; ++i)
    widths.push_back(unsigned(std::stoul(argv[i])));
  std::vector<double> first;
  for (const Way &way : ways) {
    std::printf("%-36s", way.name);
    double product = 0;
    for (size_t i = 0; i != widths.size(); ++i) {
      QuantizeOptions options;
      options.weightBits = options.activationBits = widths[i];
      mlir::FailureOr<double> found = heldOutError(*module, values, samples, options, way.variant);
      if (failed(found))
        return 1;
      double error = *found;
      if (&way == ways)
        first.push_back(error);
      product += std::log(error / first[i]) / double(widths.size());
      std::printf("%9.3f", &way == ways ? error : error / first[i]);
      std::fflush(stdout);
    }
    std::printf("  mean %.3f\n", std::exp(product));
  }
  return 0;
}
