//===- npy.cpp - NumPy .npy files ---------------------------------------------------------===//
#include "runtime/formats/npy.h"

#include <cstring>

namespace fhe::runtime {

namespace {

struct TypeName {
  const char *name;
  NpyType type;
  uint64_t bytes;
};
constexpr TypeName typeNames[] = {
    {"<f4", NpyType::f4, 4}, {"<f8", NpyType::f8, 8}, {"|i1", NpyType::i1, 1},
    {"<i2", NpyType::i2, 2}, {"<i4", NpyType::i4, 4}, {"<i8", NpyType::i8, 8},
    {"|u1", NpyType::u1, 1}, {"<u2", NpyType::u2, 2}, {"<u4", NpyType::u4, 4},
    {"|b1", NpyType::b1, 1}, {"<i1", NpyType::i1, 1}, {"<u1", NpyType::u1, 1}};

[[noreturn]] void broken(const std::string &what) {
  throw Failure(FHE_INVALID_DATA, ".npy file: " + what);
}

/// Also of an array without values: readers multiply the samples of one by the size of a sample.
constexpr uint64_t maxDimension = uint64_t(1) << 31;

/// Text of a file as it may stand in a message.
std::string shown(std::string text) {
  text.resize(std::min<size_t>(text.size(), 40));
  for (char &c : text)
    c = c < 32 || c > 126 ? '?' : c;
  return text;
}

/// The header is a Python dictionary of three keys: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (3, 4), }. This reads exactly such dictionaries.
class HeaderParser {
public:
  HeaderParser(const std::string &text, NpyArray &array) : text(text), array(array) {}

  void parse() {
    expect('{');
    unsigned seen = 0;
    while (!accept('}')) {
      std::string key = quoted();
      expect(':');
      seen |= value(key);
      if (!accept(',') && peek() != '}')
        broken("the header is not a dictionary");
    }
    if (seen != 7)
      broken("the header lacks descr, fortran_order or shape");
  }

private:
  unsigned value(const std::string &key) {
    if (key == "descr") {
      readType(quoted());
      return 1;
    }
    if (key == "fortran_order") {
      if (word() != "False")
        broken("Fortran order is not supported; save it in C order");
      return 2;
    }
    if (key == "shape") {
      shape();
      return 4;
    }
    broken("the header has an unknown key");
  }

  void readType(const std::string &name) {
    for (const TypeName &type : typeNames)
      if (name == type.name) {
        array.type = type.type;
        return;
      }
    broken("values of type '" + shown(name) +
           "' are not supported (f4, f8, i1..i8, u1..u4, b1 in "
           "little-endian order are)");
  }

  void shape() {
    array.shape.clear();
    expect('(');
    while (!accept(')')) {
      array.shape.push_back(number());
      if (array.shape.back() > maxDimension)
        broken("a dimension is too large");
      if (array.shape.size() > 32)
        broken("more than 32 dimensions");
      if (!accept(',') && peek() != ')')
        broken("the shape is not a tuple of numbers");
    }
  }

  uint64_t number() {
    skipSpace();
    uint64_t result = 0;
    size_t first = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
      if (__builtin_mul_overflow(result, 10, &result) ||
          __builtin_add_overflow(result, uint64_t(text[at] - '0'), &result))
        broken("a dimension is too large");
    if (at == first)
      broken("the shape is not a tuple of numbers");
    return result;
  }

  std::string word() {
    skipSpace();
    size_t first = at;
    while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])))
      ++at;
    return text.substr(first, at - first);
  }

  std::string quoted() {
    skipSpace();
    char quote = peek();
    if (quote != '\'' && quote != '"')
      broken("the header is not a dictionary");
    size_t end = text.find(quote, at + 1);
    if (end == std::string::npos)
      broken("the header is not a dictionary");
    std::string result = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return result;
  }

  char peek() {
    skipSpace();
    return at < text.size() ? text[at] : '\0';
  }
  bool accept(char c) {
    if (peek() != c)
      return false;
    ++at;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      broken("the header is not a dictionary of descr, fortran_order and shape");
  }
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }

  const std::string &text;
  NpyArray &array;
  size_t at = 0;
};

template <class T, class Result>
void convert(const NpyArray &array, std::vector<Result> &result) {
  for (uint64_t i = 0; i < result.size(); ++i) {
    T value;
    std::memcpy(&value, array.data.data() + i * sizeof(T), sizeof(T));
    result[i] = Result(value);
  }
}

template <class Result>
std::vector<Result> convertIntegers(const NpyArray &array) {
  std::vector<Result> result(array.elements());
  switch (array.type) {
  case NpyType::i1:
    convert<int8_t>(array, result);
    break;
  case NpyType::i2:
    convert<int16_t>(array, result);
    break;
  case NpyType::i4:
    convert<int32_t>(array, result);
    break;
  case NpyType::i8:
    convert<int64_t>(array, result);
    break;
  case NpyType::u2:
    convert<uint16_t>(array, result);
    break;
  case NpyType::u4:
    convert<uint32_t>(array, result);
    break;
  default:
    convert<uint8_t>(array, result);
  }
  return result;
}

/// Elements of a shape; false on overflow.
bool countElements(const std::vector<uint64_t> &shape, uint64_t &count) {
  count = 1;
  for (uint64_t dimension : shape)
    if (__builtin_mul_overflow(count, dimension, &count))
      return false;
  return true;
}

} // namespace

uint64_t npyTypeBytes(NpyType type) {
  for (const TypeName &name : typeNames)
    if (name.type == type)
      return name.bytes;
  return 0;
}

uint64_t NpyArray::elements() const {
  uint64_t count = 0;
  countElements(shape, count);
  return count;
}

std::vector<float> NpyArray::toFloat() const {
  std::vector<float> result(elements());
  if (type == NpyType::f4)
    convert<float>(*this, result);
  else if (type == NpyType::f8)
    convert<double>(*this, result);
  else
    return convertIntegers<float>(*this);
  return result;
}

std::vector<int64_t> NpyArray::toIntegers() const {
  if (type == NpyType::f4 || type == NpyType::f8)
    broken("integers are expected, found floating-point numbers");
  return convertIntegers<int64_t>(*this);
}

NpyArray NpyArray::fromFloat(std::vector<uint64_t> shape, const std::vector<float> &values) {
  NpyArray array{NpyType::f4, std::move(shape), {}};
  array.data.resize(values.size() * sizeof(float));
  if (!values.empty())
    std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

NpyArray NpyArray::fromIntegers(std::vector<uint64_t> shape, const std::vector<int64_t> &values) {
  NpyArray array{NpyType::i8, std::move(shape), {}};
  array.data.resize(values.size() * sizeof(int64_t));
  if (!values.empty())
    std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

NpyArray readNpy(ByteReader &reader) {
  static constexpr uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  if (reader.remaining() < 10)
    broken("too short");
  uint8_t start[8];
  reader.bytes(start, sizeof start);
  if (std::memcmp(start, magic, sizeof magic) != 0)
    broken("not a .npy file");
  if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    broken("version " + std::to_string(start[6]) + "." + std::to_string(start[7]) +
           "; 1.0 to 3.0 are supported");
  uint64_t size = start[6] == 1 ? reader.value<uint16_t>() : reader.value<uint32_t>();
  if (size > reader.remaining() || size > (1u << 20))
    broken("the header is longer than the file");
  std::string text(size, '\0');
  reader.bytes(text.data(), size);
  NpyArray array;
  HeaderParser(text, array).parse();
  uint64_t count = 0, bytes = 0;
  if (!countElements(array.shape, count) ||
      __builtin_mul_overflow(count, npyTypeBytes(array.type), &bytes) ||
      bytes != reader.remaining())
    broken("the shape does not fit the " + std::to_string(reader.remaining()) + " bytes of values");
  array.data.resize(bytes);
  reader.bytes(array.data.data(), bytes);
  reader.finish();
  return array;
}

void writeNpy(ByteWriter &writer, const NpyArray &array) {
  std::string shape;
  for (uint64_t dimension : array.shape)
    shape += std::to_string(dimension) + (array.shape.size() == 1 ? "," : ", ");
  if (array.shape.size() > 1)
    shape.resize(shape.size() - 2);
  std::string type;
  for (const TypeName &name : typeNames)
    if (name.type == array.type && type.empty())
      type = name.name;
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' '); // Data at multiples of 64.
  header += '\n';
  static constexpr uint8_t start[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  writer.bytes(start, sizeof start);
  writer.value(uint16_t(header.size()));
  writer.bytes(header.data(), header.size());
  writer.bytes(array.data.data(), array.data.size());
}

} // namespace fhe::runtime
