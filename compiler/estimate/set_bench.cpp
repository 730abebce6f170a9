//===- set_bench.cpp - Keyswitch and bootstrap under searched parameters ---------------------===//
//
// fhe_set_bench [BITS...]
//
// For tables of so many bits (default 3 to 8) at 2^-40 and a norm of 2^5, standard keys: what the
// search gives, and milliseconds of one core for keyswitch and bootstrap, each with a full key and
// full batches; beside it the cost model.
//
//===----------------------------------------------------------------------------------------===//
#include "passes/parameters/Search.h"
#include "runtime/bench/kernel_timing.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace fhe;

static bool benchSet(unsigned bits) {
  parameters::SearchSpace space;
  space.keyswitchWords = {32, 64};
  space.switches = {tfhe::SwitchKind::centred};
  static const parameters::Grid grid(space);
  parameters::SearchProblem problem;
  problem.requirements.push_back({std::exp2(-double(bits) - 2), {{0, 0x1p10}}, 1, true});
  problem.workload.tables = 1000;
  const parameters::KernelCosts costs;
  auto found = parameters::searchParameters(problem, grid, costs);
  if (!found)
    return false;
  const tfhe::ParameterSet &set = found->set;
  auto step = bench::stepSeconds({set.glwe, set.bootstrap, set.lwe.dimension}, 0, 1, {1.0, 3});
  auto change = bench::keyswitchSeconds(set.glwe.lweDimension(), set.lwe.dimension, set.keyswitch,
                                        set.keyswitchWordBits(), 64, {0.5, 3});
  if (!step || !change)
    return false;
  // The first step of a rotation is done twice.
  const double rotation = *step * (set.lwe.dimension + 1);
  std::printf("%u bits  n %4u k %u N %5u bootstrap %u/%-2u keyswitch %2u/%u of %u  keyswitch %.2f, "
              "bootstrap %.2f, both %.2f ms; model %.2f ms\n",
              bits, set.lwe.dimension, set.glwe.k, set.glwe.polynomialSize(), set.bootstrap.levels,
              set.bootstrap.baseLog, set.keyswitch.levels, set.keyswitch.baseLog,
              set.keyswitchWordBits(), *change * 1e3, rotation * 1e3, (*change + rotation) * 1e3,
              parameters::tableCost(set, costs) * 1e3);
  std::fflush(stdout);
  return true;
}

int main(int argc, char **argv) {
  bool good = true;
  for (int i = 1; i < argc; ++i)
    good = benchSet(unsigned(std::atoi(argv[i]))) && good;
  for (unsigned bits = 3; argc == 1 && bits <= 8; ++bits)
    good = benchSet(bits) && good;
  if (!good)
    std::fprintf(stderr, "fhe_set_bench: error: no parameters, or no memory for the keys\n");
  return good ? 0 : 1;
}
