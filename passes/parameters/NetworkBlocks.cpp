//===- NetworkBlocks.cpp - What of a network must lie under one key --------------------------===//
#include "passes/parameters/NetworkBlocks.h"
#include <algorithm>
#include <cstdint>
#include <numeric>

namespace fhe::parameters {

/// Terms of all elements of a place, with repetitions.
static std::vector<SourceTerm> allTerms(const NetworkSum &sum) {
  std::vector<SourceTerm> terms = sum.terms;
  for (const std::vector<SourceTerm> &more : sum.others)
    terms.insert(terms.end(), more.begin(), more.end());
  return terms;
}

/// Block of each place: places with a source in common are in one. The encrypted inputs are one
/// source, for all are under one key.
static std::vector<size_t> blocksOf(const std::vector<const NetworkSum *> &places,
                                    size_t tables) {
  // Nodes: results of tables, the inputs, places.
  std::vector<size_t> parent(tables + 1 + places.size());
  std::iota(parent.begin(), parent.end(), size_t(0));
  auto root = [&](size_t i) {
    while (parent[i] != i)
      i = parent[i] = parent[parent[i]];
    return i;
  };
  for (size_t place = 0; place != places.size(); ++place)
    for (const SourceTerm &term : allTerms(*places[place])) {
      size_t source = term.table == SourceTerm::input ? tables : size_t(term.table);
      parent[root(tables + 1 + place)] = root(source);
    }
  std::vector<size_t> numberOf(parent.size(), SIZE_MAX), blocks;
  size_t count = 0;
  for (size_t place = 0; place != places.size(); ++place) {
    size_t &number = numberOf[root(tables + 1 + place)];
    if (number == SIZE_MAX)
      number = count++;
    blocks.push_back(number);
  }
  return blocks;
}

NetworkBlocks::NetworkBlocks(const Network &network, const FailureBudget &budget,
                             std::vector<size_t> classOfTable, size_t classes)
    : numClasses(classes), tableClass(std::move(classOfTable)), classTables(classes, 0),
      classPolynomials(classes, 0) {
  std::vector<const NetworkSum *> places;
  for (size_t table = 0; table != network.tables.size(); ++table) {
    const NetworkTable &looked = network.tables[table];
    classTables[tableClass[table]] += looked.input.count * looked.results;
    classPolynomials[tableClass[table]] += looked.polynomials;
    places.push_back(&looked.input);
  }
  for (const NetworkSum &output : network.outputs)
    places.push_back(&output);
  placeBlock = blocksOf(places, network.tables.size());
  const size_t blocks =
      placeBlock.empty() ? 0 : *std::max_element(placeBlock.begin(), placeBlock.end()) + 1;
  blockProducts.assign(blocks, 0);
  blockProduced.assign(blocks * numClasses, 0);
  for (auto *numbers : {&blockSwitched, &passesIn, &passesOut})
    numbers->assign(blocks * numClasses, 0);
  std::vector<bool> used(network.tables.size(), false);
  for (size_t place = 0; place != places.size(); ++place) {
    addSum(*places[place], place, budget);
    for (const SourceTerm &term : allTerms(*places[place]))
      if (term.table != SourceTerm::input && !used[size_t(term.table)]) {
        used[size_t(term.table)] = true;
        const NetworkTable &table = network.tables[size_t(term.table)];
        size_t at = placeBlock[place] * numClasses + tableClass[size_t(term.table)];
        blockProduced[at] += table.input.count * table.results;
        passesOut[at] += unsharedPasses(table.input.count) * table.results;
      }
  }
  for (size_t table = 0; table != network.tables.size(); ++table) {
    const NetworkTable &looked = network.tables[table];
    size_t at = placeBlock[table] * numClasses + tableClass[table];
    blockSwitched[at] += looked.input.count * looked.results;
    passesIn[at] += unsharedPasses(looked.input.count);
  }
  if (network.ciphertexts > 0)
    allCiphertexts = network.ciphertexts;
}

void NetworkBlocks::addSum(const NetworkSum &sum, size_t place, const FailureBudget &budget) {
  BlockSum added;
  added.block = placeBlock[place];
  added.isTable = place < tableClass.size();
  if (added.isTable)
    added.user = tableClass[place];
  added.limit = varianceLimit({sum.halfSlot, {}, sum.count, added.isTable}, budget);
  blockProducts[added.block] += sum.products;
  allCiphertexts += sum.count;
  auto add = [&](const std::vector<SourceTerm> &terms) {
    added.fresh = 0;
    added.table.assign(numClasses, 0);
    for (const SourceTerm &term : terms)
      (term.table == SourceTerm::input ? added.fresh
                                       : added.table[tableClass[size_t(term.table)]]) += term.square;
    keepSum(added);
  };
  add(sum.terms);
  for (const std::vector<SourceTerm> &terms : sum.others)
    add(terms);
}

void NetworkBlocks::keepSum(const BlockSum &added) {
  auto implies = [&](const BlockSum &a, const BlockSum &b) {
    if (a.block != b.block || a.isTable != b.isTable || a.user != b.user || a.limit > b.limit ||
        a.fresh < b.fresh)
      return false;
    for (size_t c = 0; c != numClasses; ++c)
      if (a.table[c] < b.table[c])
        return false;
    return true;
  };
  for (const BlockSum &other : keptSums)
    if (implies(other, added))
      return;
  std::erase_if(keptSums, [&](const BlockSum &other) { return implies(added, other); });
  keptSums.push_back(added);
}

std::vector<size_t> NetworkBlocks::firstHomes() const {
  std::vector<size_t> homes(count(), 0);
  for (size_t block = 0; block != count(); ++block) {
    bool sources = false;
    for (size_t c = 0; c != numClasses; ++c)
      if (produced(block, c) > 0) {
        homes[block] = c;
        sources = true;
      }
    for (size_t c = 0; c != numClasses && !sources; ++c)
      if (switched(block, c) > 0)
        homes[block] = c;
  }
  return homes;
}

} // namespace fhe::parameters
