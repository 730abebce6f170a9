//===- AbiTypesTest.cpp - LLVM records against the C header ------------------------===//
//
// Sizes and every field's offset, so that generated constants are what a C program
// reads.
//
//===---------------------------------------------------------------------------===//
#include "passes/convert/AbiTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Target/LLVMIR/TypeToLLVM.h"
#include "runtime/include/fhe/abi.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/LLVMContext.h"
#include <cstddef>
#include <gtest/gtest.h>

namespace {

class AbiTypes : public testing::Test {
protected:
  AbiTypes() { context.loadDialect<mlir::LLVM::LLVMDialect>(); }

  void expect(mlir::LLVM::LLVMStructType type, size_t size, std::vector<size_t> offsets) {
    mlir::LLVM::TypeToLLVMIRTranslator translator(llvmContext);
    auto *translated = llvm::cast<llvm::StructType>(translator.translateType(type));
    const llvm::StructLayout *structLayout = layout.getStructLayout(translated);
    EXPECT_EQ(structLayout->getSizeInBytes(), size);
    ASSERT_EQ(translated->getNumElements(), offsets.size());
    for (unsigned i = 0; i != offsets.size(); ++i)
      EXPECT_EQ(structLayout->getElementOffset(i), offsets[i]) << "field " << i;
  }

  mlir::MLIRContext context;
  llvm::LLVMContext llvmContext;
  // 64-bit little-endian: x86-64, as the code generator sets it.
  llvm::DataLayout layout{"e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"};
};

#define AT(field) offsetof(RECORD, field)

TEST_F(AbiTypes, Parameters) {
#define RECORD fhe_key_record
  expect(fhe::abi::keyRecord(&context), sizeof(RECORD),
         {AT(kind), AT(distribution), AT(dimension), AT(log2_poly), AT(live), AT(word_bits),
          AT(noise_kind), AT(nested_in), AT(log2_std)});
#undef RECORD
#define RECORD fhe_conversion_record
  expect(fhe::abi::conversionRecord(&context), sizeof(RECORD),
         {AT(kind), AT(from_key), AT(to_key), AT(base_log), AT(levels), AT(engine),
          AT(switch_kind), AT(word_bits)});
#undef RECORD
#define RECORD fhe_parameters
  expect(fhe::abi::parameters(&context), sizeof(RECORD),
         {AT(abi_version), AT(size), AT(security_bits), AT(key_count), AT(conversion_count),
          AT(results_per_lookup), AT(keys), AT(conversions)});
#undef RECORD
}

TEST_F(AbiTypes, Descriptors) {
#define RECORD fhe_op_header
  expect(fhe::abi::opHeader(&context), sizeof(RECORD),
         {AT(kind), AT(size), AT(index), AT(key), AT(layer)});
#undef RECORD
#define RECORD fhe_linear_desc
  expect(fhe::abi::linearDesc(&context), sizeof(RECORD),
         {AT(header), AT(form), AT(weight_bits), AT(log2_factor), AT(groups), AT(rows),
          AT(in_channels), AT(out_channels), AT(in_h), AT(in_w), AT(out_h), AT(out_w),
          AT(kernel_h), AT(kernel_w), AT(stride_h), AT(stride_w), AT(pad_top), AT(pad_left),
          AT(dilation_h), AT(dilation_w), AT(reserved), AT(weights)});
#undef RECORD
#define RECORD fhe_combine_desc
  expect(fhe::abi::combineDesc(&context), sizeof(RECORD),
         {AT(header), AT(elements), AT(operands), AT(log2_factor), AT(reserved), AT(coefficient)});
#undef RECORD
#define RECORD fhe_gather_desc
  expect(fhe::abi::gatherDesc(&context), sizeof(RECORD),
         {AT(header), AT(elements), AT(in_elements), AT(source)});
#undef RECORD
#define RECORD fhe_lookup_desc
  expect(fhe::abi::lookupDesc(&context), sizeof(RECORD),
         {AT(header), AT(in_key), AT(keyswitch), AT(bootstrap), AT(log2_factor), AT(log2_delta_in),
          AT(log2_delta_out), AT(width), AT(rounded_width), AT(guard), AT(elements), AT(lo),
          AT(entries), AT(table_count), AT(results), AT(tables), AT(table_of_element),
          AT(noise_std), AT(realization), AT(log2_step), AT(offsets)});
#undef RECORD
#define RECORD fhe_constant_desc
  expect(fhe::abi::constantDesc(&context), sizeof(RECORD),
         {AT(header), AT(elements), AT(log2_delta), AT(reserved), AT(values)});
#undef RECORD
#define RECORD fhe_convert_desc
  expect(fhe::abi::convertDesc(&context), sizeof(RECORD),
         {AT(header), AT(in_key), AT(keyswitch), AT(elements)});
#undef RECORD
}

TEST_F(AbiTypes, ExecutorAndModel) {
#define RECORD fhe_executor_ops
  expect(fhe::abi::executorOps(&context), sizeof(RECORD),
         {AT(abi_version), AT(size), AT(linear), AT(combine), AT(gather), AT(lookup),
          AT(constant), AT(convert)});
#undef RECORD
#define RECORD fhe_executor
  expect(fhe::abi::executor(&context), sizeof(RECORD), {AT(ops), AT(state)});
#undef RECORD
#define RECORD fhe_port
  expect(fhe::abi::port(&context), sizeof(RECORD),
         {AT(name), AT(key), AT(log2_delta), AT(padding_bits), AT(rank), AT(shape), AT(elements),
          AT(offset), AT(lo), AT(hi), AT(noise_std)});
#undef RECORD
#define RECORD fhe_model
  expect(fhe::abi::model(&context), sizeof(RECORD),
         {AT(abi_version), AT(size), AT(name), AT(manifest), AT(manifest_bytes), AT(parameters),
          AT(arena_elements), AT(arena_count), AT(input_count), AT(output_count), AT(op_count),
          AT(inputs), AT(outputs), AT(ops), AT(entry)});
#undef RECORD
}

} // namespace
