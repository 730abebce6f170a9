//===- NoiseAnalysis.cpp - Norms over independent sources of noise -------------===//
#include "dialects/shared/StoredIntegers.h"
#include "passes/parameters/NoiseForms.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <map>

using namespace mlir;
using namespace fhe::tfhe_ir;

namespace fhe::parameters {

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

void NoiseAnalysis::readOperation(Operation &op) {
  auto weighted = [&](auto op, Form::Kind kind) {
    ArrayRef<int64_t> shape = op.getWeights().getType().getShape();
    Form form;
    form.kind = kind;
    form.op = op;
    form.operands[0] = &formOf(op.getInput());
    form.coefficient[0] = std::exp2(op.getLog2Factor());
    form.weights = readIntegers(op.getWeights());
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
    std::vector<int32_t> values = readIntegers(lookup.getTables());
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

} // namespace fhe::parameters
