//===- NetworkBlocks.h - What of a network must lie under one key ----------------------------===//
//
// Sources that meet in one sum, directly or through others, form a block. Tables
// are put into classes that share a set; sums are kept per block, class of the user and
// weights on classes, without those that another implies.
//
//===----------------------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_NETWORKBLOCKS_H
#define PASSES_PARAMETERS_NETWORKBLOCKS_H

#include "passes/parameters/NetworkSearch.h"

namespace fhe::parameters {

/// A sum with squared coefficients by class of its sources.
struct BlockSum {
  size_t block = 0;
  bool isTable = false;
  size_t user = 0; ///< class of the table it is looked up in
  double limit = 0, fresh = 0;
  std::vector<double> table;
};

class NetworkBlocks {
public:
  /// `classOfTable`: of each table one of `classes`; none is empty unless there are no tables.
  NetworkBlocks(const Network &network, const FailureBudget &budget,
                std::vector<size_t> classOfTable, size_t classes);

  size_t count() const { return blockProducts.size(); }
  size_t classes() const { return numClasses; }
  size_t tableCount() const { return tableClass.size(); }
  size_t placeCount() const { return placeBlock.size(); }
  size_t classOfTable(size_t table) const { return tableClass[table]; }
  const std::vector<size_t> &classOfTables() const { return tableClass; }
  /// Of a table's input, or (from tableCount() on) of an output.
  size_t blockOfPlace(size_t place) const { return placeBlock[place]; }
  const std::vector<BlockSum> &sums() const { return keptSums; }

  double tablesOf(size_t c) const { return classTables[c]; }
  double polynomialsOf(size_t c) const { return classPolynomials[c]; }
  double products(size_t block) const { return blockProducts[block]; }
  double ciphertexts() const { return allCiphertexts; }
  /// Results of tables of a class that are used in the block; elements of the block looked up in
  /// tables of a class.
  double produced(size_t block, size_t c) const { return blockProduced[block * numClasses + c]; }
  double switched(size_t block, size_t c) const { return blockSwitched[block * numClasses + c]; }
  /// `unsharedPasses` of these: over a conversion's key, and over a keyswitch key.
  double producedPasses(size_t block, size_t c) const { return passesOut[block * numClasses + c]; }
  double switchedPasses(size_t block, size_t c) const { return passesIn[block * numClasses + c]; }

  /// For each block the widest class among its sources, without any among its users.
  std::vector<size_t> firstHomes() const;

private:
  void addSum(const NetworkSum &sum, size_t place, const FailureBudget &budget);
  void keepSum(const BlockSum &added);

  size_t numClasses = 1;
  std::vector<size_t> tableClass, placeBlock;
  std::vector<BlockSum> keptSums;
  std::vector<double> classTables, classPolynomials;
  std::vector<double> blockProducts, blockProduced, blockSwitched, passesIn, passesOut;
  double allCiphertexts = 0;
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_NETWORKBLOCKS_H
