//===- shape_bench.cpp - Times behind the rates of the compiler's cost model -----------------===//
//
// fhe_shape_bench [FILE.json]
//
// Times the kernels over the shapes a parameter set may have, fits the rates of the
// cost model, and prints them as passes/parameters/KernelCost.cpp has them; FILE is
// what fhe-compile --kernel-rates=FILE reads. Some minutes on an idle machine.
//
//===----------------------------------------------------------------------------------------===//
#include "compiler/estimate/RateFit.h"
#include <cstdio>
#include <fstream>

int main(int argc, char **argv) {
  auto rates = fhe::estimate::measureRates([](const std::string &line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  });
  if (!rates) {
    std::fprintf(stderr, "fhe_shape_bench: error: not enough memory\n");
    return 1;
  }
  std::printf("committedRates():\n%s", fhe::estimate::toSource(*rates).c_str());
  std::string text = fhe::estimate::toJson(*rates);
  if (argc > 1 && !(std::ofstream(argv[1]) << text << std::flush)) {
    std::fprintf(stderr, "%s: error: cannot be written\n", argv[1]);
    return 1;
  }
  return 0;
}
