//===- ConstantRecords.cpp - Constant data of a generated object ------------------===//
#include "passes/convert/ConstantRecords.h"

using namespace mlir;

namespace fhe {

Field Field::ofReal(double value) {
  Field field(0);
  field.kind = Kind::Real;
  field.real = value;
  return field;
}
Field Field::address(StringRef symbol) {
  Field field(0);
  field.kind = Kind::Address;
  field.symbol = symbol;
  return field;
}
Field Field::ofGroup(std::vector<Field> fields) {
  Field field(0);
  field.kind = Kind::Group;
  field.group = std::move(fields);
  return field;
}

ConstantRecords::ConstantRecords(Operation *before, StringRef prefix)
    : builder(before), loc(UnknownLoc::get(before->getContext())), prefix(prefix) {}

std::string ConstantRecords::makeName(StringRef suffix) {
  return (prefix + "." + suffix).str();
}

LLVM::GlobalOp ConstantRecords::makeGlobal(StringRef name, Type type, Attribute value,
                                           LLVM::Linkage linkage) {
  return LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, linkage, name, value);
}

std::string ConstantRecords::integers(ArrayRef<int64_t> values, unsigned bits) {
  if (values.empty())
    return {};
  auto element = builder.getIntegerType(bits);
  SmallVector<APInt> words;
  words.reserve(values.size());
  for (int64_t value : values)
    words.push_back(APInt(64, value, true).trunc(bits));
  auto data = DenseIntElementsAttr::get(
      RankedTensorType::get({int64_t(values.size())}, element), words);
  auto [it, fresh] = arrays.try_emplace(data);
  if (fresh) {
    it->second = makeName("data" + std::to_string(arrays.size() - 1));
    makeGlobal(it->second, LLVM::LLVMArrayType::get(element, values.size()), data,
               LLVM::Linkage::Internal);
  }
  return it->second;
}

std::string ConstantRecords::string(StringRef text) {
  auto [it, fresh] = strings.try_emplace(text);
  if (fresh) {
    it->second = makeName("text" + std::to_string(strings.size() - 1));
    std::string bytes = text.str();
    bytes.push_back('\0');
    makeGlobal(it->second, LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size()),
               builder.getStringAttr(bytes), LLVM::Linkage::Internal);
  }
  return it->second;
}

Value ConstantRecords::build(OpBuilder &body, Type type, const Field &field) {
  switch (field.kind) {
  case Field::Kind::Integer:
    return LLVM::ConstantOp::create(body, loc, type, body.getIntegerAttr(type, field.integer));
  case Field::Kind::Real:
    return LLVM::ConstantOp::create(body, loc, type, body.getFloatAttr(type, field.real));
  case Field::Kind::Address:
    if (field.symbol.empty())
      return LLVM::ZeroOp::create(body, loc, type);
    return LLVM::AddressOfOp::create(body, loc, type, field.symbol);
  case Field::Kind::Group:
    break;
  }
  Value record = LLVM::UndefOp::create(body, loc, type);
  for (auto [i, part] : llvm::enumerate(field.group)) {
    Type partType = isa<LLVM::LLVMStructType>(type)
                        ? cast<LLVM::LLVMStructType>(type).getBody()[i]
                        : cast<LLVM::LLVMArrayType>(type).getElementType();
    record = LLVM::InsertValueOp::create(body, loc, record, build(body, partType, part), i);
  }
  return record;
}

void ConstantRecords::fill(LLVM::GlobalOp global, const Field &fields) {
  OpBuilder body(builder.getContext());
  body.createBlock(&global.getInitializerRegion());
  LLVM::ReturnOp::create(body, loc, build(body, global.getGlobalType(), fields));
}

std::string ConstantRecords::record(StringRef suffix, Type type, const Field &fields) {
  std::string name = makeName(suffix);
  fill(makeGlobal(name, type, {}, LLVM::Linkage::Internal), fields);
  return name;
}

void ConstantRecords::exportRecord(StringRef name, Type type, const Field &fields) {
  fill(makeGlobal(name, type, {}, LLVM::Linkage::External), fields);
}

} // namespace fhe
