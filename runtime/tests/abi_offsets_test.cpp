//===- abi_offsets_test.cpp - Pins every offset of fhe/abi.h ------------------------------===//
//
// Objects that were compiled long ago rely on these numbers, and the code generator writes records
// by them. A failure here means: append instead, and raise FHE_ABI_VERSION.
//
//===--------------------------------------------------------------------------------------===//
#include "fhe/abi.h"

#include <cstddef>
#include <gtest/gtest.h>

#define PIN(type, field, offset) EXPECT_EQ(offsetof(type, field), size_t(offset))

TEST(AbiOffsets, fhe_key_record) {
  PIN(fhe_key_record, kind, 0);
  PIN(fhe_key_record, distribution, 4);
  PIN(fhe_key_record, dimension, 8);
  PIN(fhe_key_record, log2_poly, 12);
  PIN(fhe_key_record, live, 16);
  PIN(fhe_key_record, word_bits, 20);
  PIN(fhe_key_record, noise_kind, 24);
  PIN(fhe_key_record, nested_in, 28);
  PIN(fhe_key_record, log2_std, 32);
  EXPECT_EQ(sizeof(fhe_key_record), size_t(40));
}

TEST(AbiOffsets, fhe_conversion_record) {
  PIN(fhe_conversion_record, kind, 0);
  PIN(fhe_conversion_record, from_key, 4);
  PIN(fhe_conversion_record, to_key, 8);
  PIN(fhe_conversion_record, base_log, 12);
  PIN(fhe_conversion_record, levels, 16);
  PIN(fhe_conversion_record, engine, 20);
  PIN(fhe_conversion_record, switch_kind, 24);
  PIN(fhe_conversion_record, word_bits, 28);
  EXPECT_EQ(sizeof(fhe_conversion_record), size_t(32));
}

TEST(AbiOffsets, fhe_parameters) {
  PIN(fhe_parameters, abi_version, 0);
  PIN(fhe_parameters, size, 4);
  PIN(fhe_parameters, security_bits, 8);
  PIN(fhe_parameters, key_count, 12);
  PIN(fhe_parameters, conversion_count, 16);
  PIN(fhe_parameters, results_per_lookup, 20);
  PIN(fhe_parameters, keys, 24);
  PIN(fhe_parameters, conversions, 32);
  EXPECT_EQ(sizeof(fhe_parameters), size_t(40));
}

TEST(AbiOffsets, fhe_op_header) {
  PIN(fhe_op_header, kind, 0);
  PIN(fhe_op_header, size, 4);
  PIN(fhe_op_header, index, 8);
  PIN(fhe_op_header, key, 12);
  PIN(fhe_op_header, layer, 16);
  EXPECT_EQ(sizeof(fhe_op_header), size_t(24));
}

TEST(AbiOffsets, fhe_linear_desc) {
  PIN(fhe_linear_desc, header, 0);
  PIN(fhe_linear_desc, form, 24);
  PIN(fhe_linear_desc, weight_bits, 28);
  PIN(fhe_linear_desc, log2_factor, 32);
  PIN(fhe_linear_desc, groups, 36);
  PIN(fhe_linear_desc, rows, 40);
  PIN(fhe_linear_desc, in_channels, 44);
  PIN(fhe_linear_desc, out_channels, 48);
  PIN(fhe_linear_desc, in_h, 52);
  PIN(fhe_linear_desc, in_w, 56);
  PIN(fhe_linear_desc, out_h, 60);
  PIN(fhe_linear_desc, out_w, 64);
  PIN(fhe_linear_desc, kernel_h, 68);
  PIN(fhe_linear_desc, kernel_w, 72);
  PIN(fhe_linear_desc, stride_h, 76);
  PIN(fhe_linear_desc, stride_w, 80);
  PIN(fhe_linear_desc, pad_top, 84);
  PIN(fhe_linear_desc, pad_left, 88);
  PIN(fhe_linear_desc, dilation_h, 92);
  PIN(fhe_linear_desc, dilation_w, 96);
  PIN(fhe_linear_desc, reserved, 100);
  PIN(fhe_linear_desc, weights, 104);
  EXPECT_EQ(sizeof(fhe_linear_desc), size_t(112));
}

TEST(AbiOffsets, fhe_combine_desc) {
  PIN(fhe_combine_desc, header, 0);
  PIN(fhe_combine_desc, elements, 24);
  PIN(fhe_combine_desc, operands, 32);
  PIN(fhe_combine_desc, log2_factor, 36);
  PIN(fhe_combine_desc, reserved, 44);
  PIN(fhe_combine_desc, coefficient, 48);
  EXPECT_EQ(sizeof(fhe_combine_desc), size_t(64));
}

TEST(AbiOffsets, fhe_gather_desc) {
  PIN(fhe_gather_desc, header, 0);
  PIN(fhe_gather_desc, elements, 24);
  PIN(fhe_gather_desc, in_elements, 32);
  PIN(fhe_gather_desc, source, 48);
  EXPECT_EQ(sizeof(fhe_gather_desc), size_t(56));
}

TEST(AbiOffsets, fhe_lookup_desc) {
  PIN(fhe_lookup_desc, header, 0);
  PIN(fhe_lookup_desc, in_key, 24);
  PIN(fhe_lookup_desc, keyswitch, 28);
  PIN(fhe_lookup_desc, bootstrap, 32);
  PIN(fhe_lookup_desc, log2_factor, 36);
  PIN(fhe_lookup_desc, log2_delta_in, 40);
  PIN(fhe_lookup_desc, log2_delta_out, 44);
  PIN(fhe_lookup_desc, width, 48);
  PIN(fhe_lookup_desc, rounded_width, 52);
  PIN(fhe_lookup_desc, guard, 56);
  PIN(fhe_lookup_desc, elements, 64);
  PIN(fhe_lookup_desc, lo, 72);
  PIN(fhe_lookup_desc, entries, 80);
  PIN(fhe_lookup_desc, table_count, 88);
  PIN(fhe_lookup_desc, results, 92);
  PIN(fhe_lookup_desc, tables, 96);
  PIN(fhe_lookup_desc, table_of_element, 104);
  PIN(fhe_lookup_desc, noise_std, 112);
  PIN(fhe_lookup_desc, realization, 120);
  PIN(fhe_lookup_desc, log2_step, 124);
  PIN(fhe_lookup_desc, offsets, 128);
  EXPECT_EQ(sizeof(fhe_lookup_desc), size_t(136));
}

TEST(AbiOffsets, fhe_constant_desc) {
  PIN(fhe_constant_desc, header, 0);
  PIN(fhe_constant_desc, elements, 24);
  PIN(fhe_constant_desc, log2_delta, 32);
  PIN(fhe_constant_desc, reserved, 36);
  PIN(fhe_constant_desc, values, 40);
  EXPECT_EQ(sizeof(fhe_constant_desc), size_t(48));
}

TEST(AbiOffsets, fhe_convert_desc) {
  PIN(fhe_convert_desc, header, 0);
  PIN(fhe_convert_desc, in_key, 24);
  PIN(fhe_convert_desc, keyswitch, 28);
  PIN(fhe_convert_desc, elements, 32);
  EXPECT_EQ(sizeof(fhe_convert_desc), size_t(40));
}

TEST(AbiOffsets, fhe_executor_ops) {
  PIN(fhe_executor_ops, abi_version, 0);
  PIN(fhe_executor_ops, size, 4);
  PIN(fhe_executor_ops, linear, 8);
  PIN(fhe_executor_ops, combine, 16);
  PIN(fhe_executor_ops, gather, 24);
  PIN(fhe_executor_ops, lookup, 32);
  PIN(fhe_executor_ops, constant, 40);
  PIN(fhe_executor_ops, convert, 48);
  EXPECT_EQ(sizeof(fhe_executor_ops), size_t(56));
}

TEST(AbiOffsets, fhe_executor) {
  PIN(fhe_executor, ops, 0);
  PIN(fhe_executor, state, 8);
  EXPECT_EQ(sizeof(fhe_executor), size_t(16));
}

TEST(AbiOffsets, fhe_port) {
  PIN(fhe_port, name, 0);
  PIN(fhe_port, key, 8);
  PIN(fhe_port, log2_delta, 12);
  PIN(fhe_port, padding_bits, 16);
  PIN(fhe_port, rank, 20);
  PIN(fhe_port, shape, 24);
  PIN(fhe_port, elements, 32);
  PIN(fhe_port, offset, 40);
  PIN(fhe_port, lo, 48);
  PIN(fhe_port, hi, 56);
  PIN(fhe_port, noise_std, 64);
  EXPECT_EQ(sizeof(fhe_port), size_t(72));
}

TEST(AbiOffsets, fhe_model) {
  PIN(fhe_model, abi_version, 0);
  PIN(fhe_model, size, 4);
  PIN(fhe_model, name, 8);
  PIN(fhe_model, manifest, 16);
  PIN(fhe_model, manifest_bytes, 24);
  PIN(fhe_model, parameters, 32);
  PIN(fhe_model, arena_elements, 40);
  PIN(fhe_model, arena_count, 48);
  PIN(fhe_model, input_count, 52);
  PIN(fhe_model, output_count, 56);
  PIN(fhe_model, op_count, 60);
  PIN(fhe_model, inputs, 64);
  PIN(fhe_model, outputs, 72);
  PIN(fhe_model, ops, 80);
  PIN(fhe_model, entry, 88);
  EXPECT_EQ(sizeof(fhe_model), size_t(96));
}

TEST(AbiOffsets, Enumerators) {
  EXPECT_EQ(FHE_ABI_VERSION, 5u);
  EXPECT_EQ(FHE_KEY_LWE, 1);
  EXPECT_EQ(FHE_KEY_GLWE, 2);
  EXPECT_EQ(FHE_DISTRIBUTION_BINARY, 1);
  EXPECT_EQ(FHE_NOISE_GAUSSIAN, 1);
  EXPECT_EQ(FHE_CONVERSION_KEYSWITCH, 1);
  EXPECT_EQ(FHE_CONVERSION_BOOTSTRAP, 2);
  EXPECT_EQ(FHE_ENGINE_CLASSIC, 1);
  EXPECT_EQ(FHE_SWITCH_PLAIN, 1);
  EXPECT_EQ(FHE_OP_LINEAR, 1);
  EXPECT_EQ(FHE_OP_COMBINE, 2);
  EXPECT_EQ(FHE_OP_GATHER, 3);
  EXPECT_EQ(FHE_OP_LOOKUP, 4);
  EXPECT_EQ(FHE_OP_CONSTANT, 5);
  EXPECT_EQ(FHE_OP_CONVERT, 6);
  EXPECT_EQ(FHE_LINEAR_GEMM, 1);
  EXPECT_EQ(FHE_LINEAR_CONV, 2);
}
