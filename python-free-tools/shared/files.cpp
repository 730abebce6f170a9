//===- files.cpp - NumPy files and model objects of the commands
//--------------------------------===//
#include "python-free-tools/shared/files.h"

#include "python-free-tools/shared/temporary_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <filesystem>
#include <fstream>

namespace fhe::tools {

namespace fs = std::filesystem;

static int readStream(void *state, void *data, size_t bytes) {
  auto &stream = *static_cast<std::ifstream *>(state);
  stream.read(static_cast<char *>(data), static_cast<std::streamsize>(bytes));
  return stream ? 0 : 1;
}

static int writeStream(void *state, const void *data, size_t bytes) {
  auto &stream = *static_cast<std::ofstream *>(state);
  stream.write(static_cast<const char *>(data), static_cast<std::streamsize>(bytes));
  return stream ? 0 : 1;
}

runtime::NpyArray readNpyFile(const std::string &path) {
  std::error_code code;
  uint64_t bytes = fs::file_size(path, code);
  std::ifstream stream(path, std::ios::binary);
  if (code || !stream)
    throw FileError(path, code ? code.message() : std::strerror(errno));
  runtime::ByteReader reader(readStream, &stream, bytes);
  try {
    return runtime::readNpy(reader);
  } catch (const runtime::Failure &failure) {
    throw FileError(path, failure.what());
  }
}

void writeNpyFile(const std::string &path, const runtime::NpyArray &array) {
  Temporary temporary(path);
  bool direct = isSpecialFile(path);
  std::ofstream stream(direct ? path : temporary.path(), std::ios::binary);
  std::string failure;
  if (stream) {
    try {
      runtime::ByteWriter writer(writeStream, &stream);
      runtime::writeNpy(writer, array);
    } catch (const runtime::Failure &problem) {
      failure = problem.what();
    }
    stream.close();
  }
  std::error_code code;
  if (failure.empty() && !stream)
    failure = std::string("cannot be written: ") + std::strerror(errno);
  if (failure.empty() && !direct) {
    fs::rename(temporary.path(), path, code);
    if (code)
      failure = code.message();
  }
  if (failure.empty())
    return;
  if (!direct)
    fs::remove(temporary.path(), code);
  throw FileError(path, failure);
}

//===----------------------------------------------------------------------------------------===//
// Model objects
//===----------------------------------------------------------------------------------------===//

/// The bytes of a file and bounded views into them.
namespace {
class Bytes {
public:
  explicit Bytes(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    data.assign(std::istreambuf_iterator<char>(stream), {});
  }
  /// `count` values of type T at `offset`, or NULL where the file is too short.
  template <class T>
  const T *at(uint64_t offset, uint64_t count = 1) const {
    if (offset > data.size() || count > (data.size() - offset) / sizeof(T))
      return nullptr;
    return reinterpret_cast<const T *>(data.data() + offset);
  }

private:
  std::vector<char> data;
};
} // namespace

/// The exported data symbol that ends in "_model": a model may have any name.
static std::string findModelSymbol(const std::string &path) {
  Bytes file(path);
  const auto *header = file.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64)
    throw FileError(path, "is not a 64-bit ELF shared object (compile to a .so)");
  const auto *sections = file.at<Elf64_Shdr>(header->e_shoff, header->e_shnum);
  for (unsigned i = 0; sections && i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_DYNSYM || sections[i].sh_link >= header->e_shnum)
      continue;
    uint64_t count = sections[i].sh_size / sizeof(Elf64_Sym);
    const auto *symbols = file.at<Elf64_Sym>(sections[i].sh_offset, count);
    const Elf64_Shdr &strings = sections[sections[i].sh_link];
    const char *text = file.at<char>(strings.sh_offset, strings.sh_size);
    for (uint64_t s = 0; symbols && text && s < count; ++s) {
      if (symbols[s].st_name >= strings.sh_size || symbols[s].st_shndx == SHN_UNDEF)
        continue;
      std::string name(text + symbols[s].st_name,
                       strnlen(text + symbols[s].st_name, strings.sh_size - symbols[s].st_name));
      if (ELF64_ST_TYPE(symbols[s].st_info) == STT_OBJECT && name.ends_with("_model"))
        return name;
    }
  }
  throw FileError(path, "exports no compiled model");
}

ModelObject::ModelObject(const std::string &path) {
  std::error_code code;
  if (!fs::exists(path, code))
    throw FileError(path, "No such file or directory");
  std::string symbol = findModelSymbol(path);
  // Without a '/' dlopen would search the library path.
  handle = dlopen(fs::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw FileError(path, dlerror());
  model = static_cast<const fhe_model *>(dlsym(handle, symbol.c_str()));
  if (!model)
    throw FileError(path, "exports no compiled model");
  if (model->abi_version != FHE_ABI_VERSION || model->size < sizeof(fhe_model)) {
    std::string found = std::to_string(model->abi_version);
    dlclose(handle);
    throw FileError(path, "was compiled for version " + found +
                              " of the object interface, this command knows version " +
                              std::to_string(FHE_ABI_VERSION) + ": compile it again");
  }
}

ModelObject::~ModelObject() { dlclose(handle); }

uint64_t samplesTogether(const fhe_model &model, uint64_t samples) {
  uint64_t bytes = 0; // of one sample
  uint32_t keys = model.parameters ? std::min(model.arena_count, model.parameters->key_count) : 0;
  for (uint32_t key = 0; key < keys; ++key)
    bytes += model.arena_elements[key] * 8 * (uint64_t(model.parameters->keys[key].live) + 1);
  uint64_t fit = (uint64_t(1) << 30) / std::max<uint64_t>(bytes, 1);
  return std::clamp<uint64_t>(fit, 1, std::max<uint64_t>(samples, 1));
}

} // namespace fhe::tools
