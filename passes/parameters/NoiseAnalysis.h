//===- NoiseAnalysis.h - Norms over independent sources of noise ---------------===//
//
// Every ciphertext of a tfhe function is an integer combination of independent
// sources: elements of encrypted inputs (fresh noise), results of lookups
// (bootstrap noise) and what conversions between keys add (keyswitch noise). An
// origin is the argument, lookup or conversion that a source is an element of: in
// programs with several keys each has a variance of its own. With one set the variance of an
// element is
//     fresh * Var(encryption) + table * Var(bootstrap),
// with `fresh` and `table` the sums of squared coefficients after repeated
// sources are merged. Lookups of equal ciphertexts through equal tables (equal
// weight rows, repeated elements) are one source. The R results of one lookup may
// be correlated: their coefficients count R times (Cauchy-Schwarz).
//
// Exact where the paths are few enough to follow one by one; otherwise Minkowski's
// bound (standard deviations add), which never underestimates.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PARAMETERS_NOISEANALYSIS_H
#define PASSES_PARAMETERS_NOISEANALYSIS_H

#include "dialects/tfhe/TFHE.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/parameters/SquaredNorm.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>
#include <optional>
#include <vector>

namespace fhe::parameters {

class NoiseAnalysis {
public:
  /// Reads the whole function: one block, operations of the tfhe dialect. `maxPaths` bounds the
  /// terms that are followed one by one for one value.
  explicit NoiseAnalysis(mlir::func::FuncOp function, double maxPaths = 2e8);
  ~NoiseAnalysis();

  /// Norms of the elements of `value` that no other element exceeds in both kinds. Never empty.
  const std::vector<SquaredNorm> &worst(mlir::Value value);

  /// The largest 2-norm of an element, whatever the kinds.
  double norm2(mlir::Value value);

  /// The largest variance of an element.
  double variance(mlir::Value value, double freshVariance, double tableVariance);

  /// Where noise comes from, in program order: arguments, first results of lookups, results of
  /// conversions.
  const std::vector<mlir::Value> &origins() const { return allOrigins; }

  /// Squared coefficients [origins()] of the elements of `value` that no other element exceeds
  /// everywhere; a single bound where that would be thousands. Never empty.
  const std::vector<std::vector<double>> &worstByOrigin(mlir::Value value);

  /// The largest variance of an element where origin i has `variances[i]`.
  double variance(mlir::Value value, llvm::ArrayRef<double> variances);

private:
  struct Form;
  struct Scratch;

  Form &formOf(mlir::Value value);
  void addForm(mlir::Value value, Form form);
  uint32_t addOrigin(mlir::Value value);
  std::vector<uint32_t> addSourceIds(int64_t count, float weight, uint32_t origin,
                                     const std::vector<uint32_t> &canonical);
  void addSources(mlir::Value value, float weight, uint32_t origin,
                  const std::vector<uint32_t> &canonical);
  void readOperation(mlir::Operation &op);
  void readGather(tfhe_ir::GatherOp op);
  void readLookup(tfhe_ir::LookupOp op);
  void readConvert(tfhe_ir::ConvertOp op);
  void expand(const Form &form, int64_t element, double coefficient, Scratch &scratch) const;
  std::vector<SquaredNorm> independentNorms(const Form &form) const;
  std::vector<SquaredNorm> exactNorms(const Form &form) const;
  SquaredNorm boundNorm(Form &form);
  std::vector<std::vector<double>> independentByOrigin(const Form &form) const;
  std::vector<std::vector<double>> exactByOrigin(const Form &form) const;
  std::vector<double> boundByOrigin(Form &form);
  const std::vector<std::vector<double>> &byOriginOf(Form &form);
  const std::vector<SquaredNorm> &worstOf(Form &form);
  std::vector<uint32_t> canonicalOf(const Form &form) const;

  double maxPaths;
  llvm::DenseMap<mlir::Value, unsigned> index; ///< into forms
  std::vector<std::unique_ptr<Form>> forms;
  /// By source: R of its lookup, -1 for a fresh encryption, 0 for a conversion, which has no place in
  /// a SquaredNorm.
  std::vector<float> sourceWeight;
  std::vector<uint32_t> sourceOrigin; ///< by source: index into allOrigins
  std::vector<mlir::Value> allOrigins;
};

} // namespace fhe::parameters

#endif // PASSES_PARAMETERS_NOISEANALYSIS_H
