//===- NoiseAnalysis.cpp - Norms over independent sources of noise -------------===//
#include "passes/parameters/NoiseAnalysis.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <map>
#include <set>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

static constexpr uint32_t noSource = ~uint32_t(0); ///< a trivial ciphertext: no noise
static constexpr float freshWeight = -1, convertWeight = 0;
/// More different elements than this are bounded by one.
static constexpr size_t maxOriginNorms = 2048;

/// How one value is made of its operands or sources.
struct NoiseAnalysis::Form {
  enum class Kind { Sources, Linear, Conv, Combine, Gather, Convert } kind = Kind::Sources;
  int64_t elements = 0;
  double paths = 1; ///< at most so many terms an element, down to sources
  // Sources: one an element; a reshape or gather of sources is sources again. Convert: the source
  // that each element gets in addition.
  std::vector<uint32_t> ids;
  bool distinct = false, uniform = false; ///< no source twice (nor none); one weight for all
  bool oneOrigin = false;
  // Others.
  const Form *operands[2] = {nullptr, nullptr};
  double coefficient[2] = {1, 1};
  Operation *op = nullptr;
  std::vector<int32_t> weights;
  int64_t channels = 0, taps = 0; ///< of weights: [channels][taps]
  std::vector<SquaredNorm> worst; ///< once asked for
  std::vector<std::vector<double>> byOrigin; ///< likewise
};

/// Sums coefficients by source for one element at a time.
struct NoiseAnalysis::Scratch {
  std::vector<double> sum;
  std::vector<uint32_t> epochOf, touched;
  uint32_t epoch = 0;

  explicit Scratch(size_t sources) : sum(sources), epochOf(sources) {}
  void start() {
    touched.clear();
    ++epoch;
  }
  void add(uint32_t source, double coefficient) {
    if (epochOf[source] != epoch) {
      epochOf[source] = epoch;
      sum[source] = 0;
      touched.push_back(source);
    }
    sum[source] += coefficient;
  }
};

NoiseAnalysis::~NoiseAnalysis() = default;

NoiseAnalysis::NoiseAnalysis(func::FuncOp function, double maxPaths) : maxPaths(maxPaths) {
  for (Value argument : function.getArguments())
    addSources(argument, freshWeight, addOrigin(argument), {});
  for (Operation &op : function.front())
    readOperation(op);
}

NoiseAnalysis::Form &NoiseAnalysis::formOf(Value value) { return *forms[index.at(value)]; }

void NoiseAnalysis::addForm(Value value, Form form) {
  form.elements = elementsOf(value);
  index[value] = forms.size();
  forms.push_back(std::make_unique<Form>(std::move(form)));
}

uint32_t NoiseAnalysis::addOrigin(Value value) {
  allOrigins.push_back(value);
  return allOrigins.size() - 1;
}

/// `canonical`, if not empty, names for each element the first one that is equal to it.
std::vector<uint32_t> NoiseAnalysis::addSourceIds(int64_t count, float weight, uint32_t origin,
                                                  const std::vector<uint32_t> &canonical) {
  std::vector<uint32_t> ids(count);
  for (int64_t e = 0; e != count; ++e)
    ids[e] = sourceWeight.size() + (canonical.empty() ? e : canonical[e]);
  sourceWeight.insert(sourceWeight.end(), count, weight);
  sourceOrigin.insert(sourceOrigin.end(), count, origin);
  return ids;
}

static bool isDistinct(const std::vector<uint32_t> &canonical) {
  for (uint32_t e = 0; e != canonical.size(); ++e)
    if (canonical[e] != e)
      return false;
  return true;
}

void NoiseAnalysis::addSources(Value value, float weight, uint32_t origin,
                               const std::vector<uint32_t> &canonical) {
  Form form;
  form.ids = addSourceIds(elementsOf(value), weight, origin, canonical);
  form.distinct = isDistinct(canonical);
  form.uniform = form.oneOrigin = true;
  addForm(value, std::move(form));
}

static std::vector<int32_t> weightsOf(DenseIntElementsAttr weights) {
  auto values = weights.getValues<int32_t>();
  return {values.begin(), values.end()};
}

void NoiseAnalysis::readOperation(Operation &op) {
  auto weighted = [&](auto op, Form::Kind kind) {
    ArrayRef<int64_t> shape = op.getWeights().getType().getShape();
    Form form;
    form.kind = kind;
    form.op = op;
    form.operands[0] = &formOf(op.getInput());
    form.coefficient[0] = std::exp2(op.getLog2Factor());
    form.weights = weightsOf(op.getWeights());
    form.channels = shape[0];
    form.taps = form.weights.size() / shape[0];
    form.paths = form.taps * form.operands[0]->paths;
    addForm(op.getResult(), std::move(form));
  };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](LinearOp linear) { weighted(linear, Form::Kind::Linear); })
      .Case([&](ConvOp conv) { weighted(conv, Form::Kind::Conv); })
      .Case([&](CombineOp combine) {
        Form form;
        form.kind = Form::Kind::Combine;
        form.paths = 0;
        for (auto [k, input] : llvm::enumerate(combine.getInputs())) {
          form.operands[k] = &formOf(input);
          form.coefficient[k] =
              double(combine.getCoefficients()[k]) * std::exp2(combine.getLog2Factors()[k]);
          form.paths += form.operands[k]->paths;
        }
        addForm(combine.getResult(), std::move(form));
      })
      .Case([&](GatherOp gather) { readGather(gather); })
      .Case([&](ReshapeOp reshape) { index[reshape.getResult()] = index.at(reshape.getInput()); })
      .Case([&](ConstantOp constant) {
        Form form;
        form.ids.assign(elementsOf(constant.getResult()), noSource);
        addForm(constant.getResult(), std::move(form));
      })
      .Case([&](LookupOp lookup) { readLookup(lookup); })
      .Case([&](ConvertOp convert) { readConvert(convert); });
}

/// Equal ciphertexts are switched to equal ones.
void NoiseAnalysis::readConvert(ConvertOp convert) {
  Form form;
  form.kind = Form::Kind::Convert;
  form.operands[0] = &formOf(convert.getInput());
  form.paths = form.operands[0]->paths + 1;
  std::vector<uint32_t> canonical = canonicalOf(*form.operands[0]);
  form.ids = addSourceIds(canonical.size(), convertWeight, addOrigin(convert.getResult()), canonical);
  form.distinct = isDistinct(canonical);
  addForm(convert.getResult(), std::move(form));
}

void NoiseAnalysis::readGather(GatherOp gather) {
  Form form;
  form.kind = Form::Kind::Gather;
  form.op = gather;
  bool ofSources = true;
  form.paths = 1;
  for (auto [k, input] : llvm::enumerate(gather.getInputs())) {
    form.operands[k] = &formOf(input);
    form.paths = std::max(form.paths, form.operands[k]->paths);
    ofSources &= form.operands[k]->kind == Form::Kind::Sources;
  }
  if (ofSources) {
    form.kind = Form::Kind::Sources;
    form.distinct = form.uniform = form.oneOrigin = true;
    llvm::DenseMap<uint32_t, bool> seen;
    std::optional<float> weight;
    std::optional<uint32_t> origin;
    for (int64_t s : gather.getSource()) {
      int64_t first = form.operands[0]->elements;
      uint32_t id = s < 0          ? noSource
                    : s < first ? form.operands[0]->ids[s]
                                : form.operands[1]->ids[s - first];
      form.ids.push_back(id);
      form.distinct &= id != noSource && seen.try_emplace(id, true).second;
      if (id != noSource) {
        form.uniform &= !weight || *weight == sourceWeight[id];
        form.oneOrigin &= !origin || *origin == sourceOrigin[id];
        weight = sourceWeight[id];
        origin = sourceOrigin[id];
      }
    }
  }
  addForm(gather.getResult(), std::move(form));
}

void NoiseAnalysis::readLookup(LookupOp lookup) {
  // Equal input and equal tables: bit for bit the same result, hence one source.
  std::vector<uint32_t> input = canonicalOf(formOf(lookup.getInput()));
  ArrayRef<int64_t> shape = lookup.getTables().getType().getShape();
  std::vector<uint32_t> tableClass(shape[0], 0);
  if (!lookup.getTables().isSplat()) {
    std::vector<int32_t> values = weightsOf(lookup.getTables());
    size_t size = values.size() / shape[0];
    std::map<std::vector<int32_t>, uint32_t> classes;
    for (int64_t t = 0; t != shape[0]; ++t)
      tableClass[t] = classes
                          .try_emplace({values.begin() + t * size, values.begin() + (t + 1) * size}, t)
                          .first->second;
  }
  auto map = lookup.getTableOfElement();
  llvm::DenseMap<std::pair<uint32_t, uint32_t>, uint32_t> first;
  std::vector<uint32_t> canonical(input.size());
  for (uint32_t e = 0; e != input.size(); ++e)
    canonical[e] = first.try_emplace({input[e], map ? tableClass[(*map)[e]] : 0}, e).first->second;
  uint32_t origin = addOrigin(lookup.getOutputs().front());
  for (Value output : lookup.getOutputs())
    addSources(output, float(lookup.getOutputs().size()), origin, canonical);
}

/// For each element the first one that is the same combination of the same operands.
std::vector<uint32_t> NoiseAnalysis::canonicalOf(const Form &form) const {
  std::vector<uint32_t> canonical(form.elements);
  auto channelClasses = [&](int64_t group) {
    std::map<std::vector<int32_t>, uint32_t> classes;
    std::vector<uint32_t> result(form.channels);
    for (int64_t c = 0; c != form.channels; ++c) {
      if (c % group == 0) // other groups read other inputs
        classes.clear();
      auto row = form.weights.begin() + c * form.taps;
      result[c] = classes.try_emplace({row, row + form.taps}, c).first->second;
    }
    return result;
  };
  switch (form.kind) {
  case Form::Kind::Sources: {
    llvm::DenseMap<uint64_t, uint32_t> first;
    for (uint32_t e = 0; e != canonical.size(); ++e)
      canonical[e] = first.try_emplace(form.ids[e], e).first->second;
    return canonical;
  }
  case Form::Kind::Linear: {
    std::vector<uint32_t> classes = channelClasses(form.channels);
    for (uint32_t e = 0; e != canonical.size(); ++e)
      canonical[e] = e - e % form.channels + classes[e % form.channels];
    return canonical;
  }
  case Form::Kind::Conv: {
    std::vector<uint32_t> classes =
        channelClasses(form.channels / cast<ConvOp>(form.op).getGroups());
    uint32_t plane = form.elements / form.channels;
    for (uint32_t e = 0; e != canonical.size(); ++e)
      canonical[e] = classes[e / plane] * plane + e % plane;
    return canonical;
  }
  case Form::Kind::Combine: {
    std::vector<uint32_t> a = canonicalOf(*form.operands[0]), b = a;
    if (form.operands[1])
      b = canonicalOf(*form.operands[1]);
    llvm::DenseMap<std::pair<uint32_t, uint32_t>, uint32_t> first;
    for (uint32_t e = 0; e != canonical.size(); ++e)
      canonical[e] = first.try_emplace({a[e], b[e]}, e).first->second;
    return canonical;
  }
  case Form::Kind::Convert:
    return canonicalOf(*form.operands[0]);
  case Form::Kind::Gather: {
    ArrayRef<int64_t> source = cast<GatherOp>(form.op).getSource();
    std::vector<uint32_t> a = canonicalOf(*form.operands[0]), b;
    if (form.operands[1])
      b = canonicalOf(*form.operands[1]);
    llvm::DenseMap<int64_t, uint32_t> first;
    for (uint32_t e = 0; e != canonical.size(); ++e) {
      int64_t s = source[e], count = a.size();
      int64_t key = s < 0 ? -1 : s < count ? a[s] : count + b[s - count];
      canonical[e] = first.try_emplace(key, e).first->second;
    }
    return canonical;
  }
  }
  return canonical;
}

/// Adds coefficient * element, down to the sources.
void NoiseAnalysis::expand(const Form &form, int64_t element, double coefficient,
                           Scratch &scratch) const {
  switch (form.kind) {
  case Form::Kind::Sources:
    if (form.ids[element] != noSource)
      scratch.add(form.ids[element], coefficient);
    return;
  case Form::Kind::Linear: {
    int64_t row = element / form.channels, channel = element % form.channels;
    const int32_t *weights = form.weights.data() + channel * form.taps;
    for (int64_t i = 0; i != form.taps; ++i)
      if (weights[i])
        expand(*form.operands[0], row * form.taps + i, coefficient * form.coefficient[0] * weights[i],
               scratch);
    return;
  }
  case Form::Kind::Conv: {
    auto conv = cast<ConvOp>(form.op);
    ArrayRef<int64_t> in = conv.getInput().getType().getShape(),
                      out = conv.getResult().getType().getShape(),
                      kernel = conv.getWeights().getType().getShape();
    int64_t channel = element / (out[1] * out[2]), y = element / out[2] % out[1],
            x = element % out[2];
    int64_t group = channel / (form.channels / int64_t(conv.getGroups()));
    const int32_t *weights = form.weights.data() + channel * form.taps;
    for (int64_t tap = 0; tap != form.taps; ++tap) {
      int64_t c = group * kernel[1] + tap / (kernel[2] * kernel[3]);
      int64_t iy = y * conv.getStrides()[0] - conv.getPads()[0] +
                   tap / kernel[3] % kernel[2] * conv.getDilations()[0];
      int64_t ix = x * conv.getStrides()[1] - conv.getPads()[1] +
                   tap % kernel[3] * conv.getDilations()[1];
      if (weights[tap] && iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2])
        expand(*form.operands[0], (c * in[1] + iy) * in[2] + ix,
               coefficient * form.coefficient[0] * weights[tap], scratch);
    }
    return;
  }
  case Form::Kind::Convert:
    scratch.add(form.ids[element], coefficient);
    expand(*form.operands[0], element, coefficient, scratch);
    return;
  case Form::Kind::Combine:
    for (unsigned k = 0; k != 2 && form.operands[k]; ++k)
      expand(*form.operands[k], element, coefficient * form.coefficient[k], scratch);
    return;
  case Form::Kind::Gather: {
    int64_t s = cast<GatherOp>(form.op).getSource()[element], count = form.operands[0]->elements;
    if (s >= 0)
      expand(*form.operands[s < count ? 0 : 1], s < count ? s : s - count, coefficient, scratch);
    return;
  }
  }
}

/// Drops what another one exceeds in both kinds.
static std::vector<SquaredNorm> maximal(std::vector<SquaredNorm> norms) {
  std::sort(norms.begin(), norms.end(), [](const SquaredNorm &a, const SquaredNorm &b) {
    return a.fresh != b.fresh ? a.fresh > b.fresh : a.table > b.table;
  });
  std::vector<SquaredNorm> kept;
  for (const SquaredNorm &norm : norms)
    if (kept.empty() || norm.table > kept.back().table)
      kept.push_back(norm);
  return kept;
}

static void addTerm(SquaredNorm &norm, float weight, double square) {
  if (weight == freshWeight)
    norm.fresh += square;
  else
    norm.table += weight * square;
}

/// A linear operation whose taps are all independent sources of one kind: only weights matter.
std::vector<SquaredNorm> NoiseAnalysis::independentNorms(const Form &form) const {
  std::vector<SquaredNorm> norms;
  float weight = sourceWeight[form.operands[0]->ids.front()];
  for (int64_t c = 0; c != form.channels; ++c) {
    double square = 0;
    for (int64_t i = 0; i != form.taps; ++i)
      square += std::pow(form.coefficient[0] * form.weights[c * form.taps + i], 2);
    addTerm(norms.emplace_back(), weight, square);
  }
  return maximal(std::move(norms));
}

std::vector<SquaredNorm> NoiseAnalysis::exactNorms(const Form &form) const {
  std::vector<SquaredNorm> norms;
  Scratch scratch(sourceWeight.size());
  for (int64_t e = 0; e != form.elements; ++e) {
    scratch.start();
    expand(form, e, 1, scratch);
    SquaredNorm norm;
    for (uint32_t source : scratch.touched)
      addTerm(norm, sourceWeight[source], scratch.sum[source] * scratch.sum[source]);
    if (norms.empty() || !(norms.back() == norm))
      norms.push_back(norm);
  }
  return maximal(std::move(norms));
}

/// Standard deviations of all terms added up, each the operand's largest.
SquaredNorm NoiseAnalysis::boundNorm(Form &form) {
  SquaredNorm bound;
  auto add = [&](const Form *operand, double coefficient, bool either) {
    SquaredNorm most;
    for (const SquaredNorm &norm : worstOf(const_cast<Form &>(*operand))) {
      most.fresh = std::max(most.fresh, norm.fresh);
      most.table = std::max(most.table, norm.table);
    }
    auto combine = [&](double &sum, double square) {
      double std = std::abs(coefficient) * std::sqrt(square);
      sum = either ? std::max(sum, std) : sum + std;
    };
    combine(bound.fresh, most.fresh);
    combine(bound.table, most.table);
  };
  if (form.channels) {
    double sum = 0;
    for (int64_t c = 0; c != form.channels; ++c) {
      double channel = 0;
      for (int64_t i = 0; i != form.taps; ++i)
        channel += std::abs(double(form.weights[c * form.taps + i]));
      sum = std::max(sum, channel);
    }
    add(form.operands[0], form.coefficient[0] * sum, false);
  } else {
    for (unsigned k = 0; k != 2 && form.operands[k]; ++k)
      add(form.operands[k], form.coefficient[k], form.kind == Form::Kind::Gather);
  }
  return {bound.fresh * bound.fresh, bound.table * bound.table};
}

const std::vector<SquaredNorm> &NoiseAnalysis::worstOf(Form &form) {
  if (!form.worst.empty())
    return form.worst;
  const Form *operand = form.operands[0];
  if (form.channels && operand->kind == Form::Kind::Sources && operand->distinct && operand->uniform)
    form.worst = independentNorms(form);
  else if (form.kind == Form::Kind::Sources || form.paths * double(form.elements) <= maxPaths)
    form.worst = exactNorms(form);
  else
    form.worst = {boundNorm(form)};
  return form.worst;
}

//===----------------------------------------------------------------------===//
// By origin
//===----------------------------------------------------------------------===//

/// Without repetitions and without what another one exceeds everywhere.
static std::vector<std::vector<double>> maximal(std::set<std::vector<double>> norms) {
  std::vector<std::vector<double>> kept;
  if (norms.size() > maxOriginNorms) {
    kept.push_back(*norms.begin());
    for (const std::vector<double> &norm : norms)
      for (size_t i = 0; i != norm.size(); ++i)
        kept[0][i] = std::max(kept[0][i], norm[i]);
    return kept;
  }
  auto exceeds = [](const std::vector<double> &a, const std::vector<double> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), std::greater_equal<>());
  };
  // In decreasing lexicographic order nothing later exceeds what is kept already.
  for (auto norm = norms.rbegin(); norm != norms.rend(); ++norm)
    if (llvm::none_of(kept, [&](const std::vector<double> &other) { return exceeds(other, *norm); }))
      kept.push_back(*norm);
  return kept;
}

/// Sources of one origin, each once: those of the operand, or of what it converts.
std::vector<std::vector<double>> NoiseAnalysis::independentByOrigin(const Form &form) const {
  std::set<std::vector<double>> norms;
  for (int64_t c = 0; c != form.channels; ++c) {
    double square = 0;
    for (int64_t i = 0; i != form.taps; ++i)
      square += std::pow(form.coefficient[0] * form.weights[c * form.taps + i], 2);
    std::vector<double> norm(allOrigins.size());
    for (const Form *operand = form.operands[0]; operand; operand = operand->operands[0]) {
      float weight = sourceWeight[operand->ids.front()];
      norm[sourceOrigin[operand->ids.front()]] += (weight > 0 ? weight : 1) * square;
      if (operand->kind == Form::Kind::Sources)
        break;
    }
    norms.insert(std::move(norm));
  }
  return maximal(std::move(norms));
}

std::vector<std::vector<double>> NoiseAnalysis::exactByOrigin(const Form &form) const {
  std::set<std::vector<double>> norms;
  Scratch scratch(sourceWeight.size());
  std::vector<double> norm;
  for (int64_t e = 0; e != form.elements; ++e) {
    scratch.start();
    expand(form, e, 1, scratch);
    norm.assign(allOrigins.size(), 0);
    for (uint32_t source : scratch.touched) {
      float weight = sourceWeight[source];
      norm[sourceOrigin[source]] +=
          (weight > 0 ? weight : 1) * scratch.sum[source] * scratch.sum[source];
    }
    norms.insert(norm);
  }
  return maximal(std::move(norms));
}

/// Standard deviations of all terms added up origin by origin, each the operand's largest.
std::vector<double> NoiseAnalysis::boundByOrigin(Form &form) {
  std::vector<double> bound(allOrigins.size());
  double most = form.channels ? 0 : 1;
  for (int64_t c = 0; c != form.channels; ++c) {
    double channel = 0;
    for (int64_t i = 0; i != form.taps; ++i)
      channel += std::abs(double(form.weights[c * form.taps + i]));
    most = std::max(most, channel);
  }
  for (unsigned k = 0; k != 2 && form.operands[k]; ++k) {
    std::vector<double> largest(allOrigins.size());
    for (const auto &norm : byOriginOf(const_cast<Form &>(*form.operands[k])))
      for (size_t i = 0; i != norm.size(); ++i)
        largest[i] = std::max(largest[i], std::sqrt(norm[i]));
    for (size_t i = 0; i != bound.size(); ++i) {
      double std = std::abs(form.coefficient[k]) * most * largest[i];
      bound[i] = form.kind == Form::Kind::Gather ? std::max(bound[i], std) : bound[i] + std;
    }
  }
  for (double &value : bound)
    value *= value;
  if (form.kind == Form::Kind::Convert) // a source of its own, independent of all others
    bound[sourceOrigin[form.ids.front()]] += 1;
  return bound;
}

const std::vector<std::vector<double>> &NoiseAnalysis::byOriginOf(Form &form) {
  if (!form.byOrigin.empty())
    return form.byOrigin;
  auto independent = [](const Form *operand) {
    while (operand->kind == Form::Kind::Convert && operand->distinct)
      operand = operand->operands[0];
    return operand->kind == Form::Kind::Sources && operand->distinct && operand->oneOrigin;
  };
  if (form.channels && independent(form.operands[0]))
    form.byOrigin = independentByOrigin(form);
  else if (form.kind == Form::Kind::Sources || form.paths * double(form.elements) <= maxPaths)
    form.byOrigin = exactByOrigin(form);
  else
    form.byOrigin = {boundByOrigin(form)};
  return form.byOrigin;
}

const std::vector<std::vector<double>> &NoiseAnalysis::worstByOrigin(Value value) {
  return byOriginOf(formOf(value));
}

double NoiseAnalysis::variance(Value value, ArrayRef<double> variances) {
  double most = 0;
  for (const std::vector<double> &norm : worstByOrigin(value)) {
    double sum = 0;
    for (size_t i = 0; i != norm.size(); ++i)
      sum += norm[i] * variances[i];
    most = std::max(most, sum);
  }
  return most;
}

const std::vector<SquaredNorm> &NoiseAnalysis::worst(Value value) { return worstOf(formOf(value)); }

double NoiseAnalysis::norm2(Value value) {
  double most = 0;
  for (const SquaredNorm &norm : worst(value))
    most = std::max(most, norm.total());
  return std::sqrt(most);
}

double NoiseAnalysis::variance(Value value, double freshVariance, double tableVariance) {
  double most = 0;
  for (const SquaredNorm &norm : worst(value))
    most = std::max(most, norm.variance(freshVariance, tableVariance));
  return most;
}

} // namespace fhe::parameters
