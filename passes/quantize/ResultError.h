//===- ResultError.h - How far the results of a network are off --------------------===//
//
// The number that ranges and ways of quantizing are compared by.
//
//===------------------------------------------------------------------------------===//
#ifndef PASSES_QUANTIZE_RESULTERROR_H
#define PASSES_QUANTIZE_RESULTERROR_H

#include <cstdint>
#include <span>

namespace fhe::quantize {

/// Squared error of a result, both [samples][elements]: in each sample relative to how far its elements
/// lie apart (a class is decided where they hardly do), and without what all of its elements have in
/// common. Of a single element: its squared error.
double resultError(std::span<const float> now, std::span<const float> before, int64_t samples);

} // namespace fhe::quantize

#endif // PASSES_QUANTIZE_RESULTERROR_H
