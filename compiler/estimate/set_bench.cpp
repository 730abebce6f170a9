//===- set_bench.cpp - Keyswitch and bootstrap under searched parameters ---------------------===//
//
// fhe_set_bench [--extended] [BITS...]
//
// For tables of so many bits (default 3 to 8) at 2^-40 and a norm of 2^5, standard keys: what the
// search gives, and milliseconds of one core for keyswitch and bootstrap, each with a full key and
// full batches; beside it the cost model. With --extended also with partial keys, and with partial
// and nested keys, and what each takes of the time with standard keys.
//
//===----------------------------------------------------------------------------------------===//
#include "passes/parameters/Search.h"
#include "runtime/bench/kernel_timing.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace fhe;

namespace {

/// As the compiler searches, with keys of these kinds.
parameters::Grid gridOf(bool partial, bool nested) {
  parameters::SearchSpace space;
  space.keyswitchWords = {32, 64};
  space.switches = {tfhe::SwitchKind::centred};
  space.partialKeys = partial;
  space.nestedKeys = nested;
  return parameters::Grid(space);
}

struct Times {
  double keyswitch = 0, rotation = 0, model = 0;
  double both() const { return keyswitch + rotation; }
};

bool benchSet(unsigned bits, const char *kind, const parameters::Grid &grid, Times &times) {
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
                                        set.keyswitchWordBits(), 64, {0.5, 3},
                                        set.sharedCoefficients());
  if (!step || !change)
    return false;
  // The first step of a rotation is done twice.
  times = {*change, *step * (set.lwe.dimension + 1), parameters::tableCost(set, costs)};
  std::printf("%u bits%s  n %4u k %u N %5u live %5u bootstrap %u/%-2u keyswitch %2u/%u of %u  "
              "keyswitch %.2f, bootstrap %.2f, both %.2f ms; model %.2f ms; key %.0f MB\n",
              bits, kind, set.lwe.dimension, set.glwe.k, set.glwe.polynomialSize(),
              set.glwe.lweDimension(), set.bootstrap.levels, set.bootstrap.baseLog,
              set.keyswitch.levels, set.keyswitch.baseLog, set.keyswitchWordBits(),
              times.keyswitch * 1e3, times.rotation * 1e3, times.both() * 1e3, times.model * 1e3,
              double(parameters::evaluationKeyBytes(set).memory) / 1e6);
  std::fflush(stdout);
  return true;
}

bool benchBits(unsigned bits, bool extended) {
  static const parameters::Grid standard = gridOf(false, false);
  Times base, times;
  if (!benchSet(bits, extended ? " standard" : "", standard, base))
    return false;
  if (!extended)
    return true;
  static const parameters::Grid partial = gridOf(true, false), nested = gridOf(true, true);
  for (const auto &[name, grid] : {std::pair(" partial ", &partial), std::pair(" nested  ", &nested)}) {
    if (!benchSet(bits, name, *grid, times))
      return false;
    std::printf("%u bits%s  of standard: keyswitch %.3f, both %.3f; model %.3f\n", bits, name,
                times.keyswitch / base.keyswitch, times.both() / base.both(),
                times.model / base.model);
  }
  return true;
}

} // namespace

int main(int argc, char **argv) {
  bool good = true, extended = false, any = false;
  for (int i = 1; i < argc; ++i)
    extended = extended || std::strcmp(argv[i], "--extended") == 0;
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "--extended") != 0) {
      any = true;
      good = benchBits(unsigned(std::atoi(argv[i])), extended) && good;
    }
  for (unsigned bits = 3; !any && bits <= 8; ++bits)
    good = benchBits(bits, extended) && good;
  if (!good)
    std::fprintf(stderr, "fhe_set_bench: error: no parameters, or no memory for the keys\n");
  return good ? 0 : 1;
}
