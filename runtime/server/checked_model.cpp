//===- checked_model.cpp - Checks of a model record and its descriptors -------------------===//
#include "runtime/server/checked_model.h"

#include "runtime/server/schedule.h"
#include "runtime/server/window.h"

#include <cmath>
#include <cstring>
#include <set>

namespace fhe::runtime {

/// No slot and no table of a sane model is larger; keeps all later products within 64 bits.
static constexpr uint64_t maxElements = uint64_t(1) << 40;

uint64_t checkedProduct(std::initializer_list<uint64_t> factors) {
  uint64_t product = 1;
  for (uint64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product) || product > maxElements)
      throw Failure(FHE_INVALID_MODEL, "a size of more than 2^40 elements");
  return product;
}

static void check(bool condition, const std::string &message) {
  if (!condition)
    throw Failure(FHE_INVALID_MODEL, message);
}

static uint64_t missing(uint64_t out, uint64_t stride, uint64_t dilation, uint64_t kernel,
                        uint64_t in, uint64_t before) {
  uint64_t needed = (out - 1) * stride + dilation * (kernel - 1) + 1;
  return needed > in + before ? needed - in - before : 0;
}

uint64_t padBottom(const fhe_linear_desc &op) {
  return missing(op.out_h, op.stride_h, op.dilation_h, op.kernel_h, op.in_h, op.pad_top);
}

uint64_t padRight(const fhe_linear_desc &op) {
  return missing(op.out_w, op.stride_w, op.dilation_w, op.kernel_w, op.in_w, op.pad_left);
}

static void checkConvolution(const fhe_linear_desc &op) {
  for (uint32_t number :
       {op.groups, op.in_channels, op.out_channels, op.in_h, op.in_w, op.out_h, op.out_w,
        op.kernel_h, op.kernel_w, op.stride_h, op.stride_w, op.dilation_h, op.dilation_w})
    check(number >= 1 && number <= 1u << 24, "a convolution's size is 0 or above 2^24");
  check(op.pad_top <= 1u << 24 && op.pad_left <= 1u << 24, "a convolution's padding is too large");
  check(op.in_channels % op.groups == 0 && op.out_channels % op.groups == 0,
        "a convolution's channels are not a multiple of its groups");
  // Kernels derive the output's size; it must be the descriptor's.
  uint64_t height = (op.in_h + uint64_t(op.pad_top) + padBottom(op) -
                     uint64_t(op.dilation_h) * (op.kernel_h - 1) - 1) /
                        op.stride_h +
                    1;
  uint64_t width = (op.in_w + uint64_t(op.pad_left) + padRight(op) -
                    uint64_t(op.dilation_w) * (op.kernel_w - 1) - 1) /
                       op.stride_w +
                   1;
  check(height == op.out_h && width == op.out_w,
        "a convolution's output of " + std::to_string(op.out_h) + "x" + std::to_string(op.out_w) +
            " leaves out rows or columns of its input; " + std::to_string(height) + "x" +
            std::to_string(width) + " is the smallest that does not");
  checkedProduct({op.in_channels, op.in_h, op.in_w});
  checkedProduct({op.out_channels, op.out_h, op.out_w});
  checkedProduct({op.out_channels, op.in_channels / op.groups, op.kernel_h, op.kernel_w});
}

static void checkLinear(const fhe_linear_desc &op) {
  check(op.form == FHE_LINEAR_GEMM || op.form == FHE_LINEAR_CONV, "unknown form of linear layer");
  check(op.weight_bits == 8 || op.weight_bits == 16 || op.weight_bits == 32,
        "weights of " + std::to_string(op.weight_bits) + " bits; 8, 16 and 32 are possible");
  check(op.log2_factor < 64, "log2_factor is above 63");
  check(op.weights, "no weights");
  check(reinterpret_cast<uintptr_t>(op.weights) % (op.weight_bits / 8) == 0,
        "the weights are not aligned to their size");
  if (op.form == FHE_LINEAR_CONV)
    return checkConvolution(op);
  check(op.rows >= 1 && op.in_channels >= 1 && op.out_channels >= 1, "a size of 0");
  checkedProduct({op.rows, op.in_channels});
  checkedProduct({op.rows, op.out_channels});
  checkedProduct({op.in_channels, op.out_channels});
}

static void checkLookupConversions(const fhe_lookup_desc &op, const Parameters &parameters) {
  size_t count = parameters.conversions.size();
  check(op.keyswitch < count && op.bootstrap < count, "a conversion that does not exist");
  const fhe_conversion_record &keyswitch = parameters.conversions[op.keyswitch];
  const fhe_conversion_record &bootstrap = parameters.conversions[op.bootstrap];
  check(keyswitch.kind == FHE_CONVERSION_KEYSWITCH && bootstrap.kind == FHE_CONVERSION_BOOTSTRAP,
        "conversions of the wrong kind");
  check(keyswitch.from_key == op.in_key && keyswitch.to_key == bootstrap.from_key &&
            bootstrap.to_key == op.header.key,
        "conversions that do not lead from the operand's key to the result's");
  check(op.log2_delta_out < 64, "log2_delta_out is above 63");
  bool negacyclic = op.realization == FHE_REALIZATION_NEGACYCLIC;
  check(op.log2_factor < 64 && op.log2_delta_in < 64 &&
            op.log2_delta_in + op.log2_factor + op.log2_step + op.width == (negacyclic ? 64 : 63),
        std::string("log2_delta_in + log2_factor + log2_step + width is not ") +
            (negacyclic ? "64" : "63"));
  check(!negacyclic || op.log2_delta_out >= 1, "log2_delta_out is 0 without a padding bit");
  check(op.guard + op.entries <= uint64_t(1) << op.width, "the table does not fit its window");
}

/// Entries of the upper half of the window are what the lower half makes of them.
static void checkRealization(const fhe_lookup_desc &op) {
  check(op.realization == FHE_REALIZATION_DIRECT || op.realization == FHE_REALIZATION_NEGACYCLIC,
        "unknown realization");
  if (op.realization == FHE_REALIZATION_DIRECT)
    return check(!op.offsets, "offsets of a direct lookup");
  check(op.offsets && op.width >= 1, "a negacyclic lookup without offsets");
  for (uint32_t t = 0; t < op.table_count; ++t)
    for (uint32_t r = 0; r < op.results; ++r) {
      int64_t offset = op.offsets[uint64_t(t) * op.results + r];
      check(offset <= int64_t(1) << 33 && offset >= -(int64_t(1) << 33), "an impossible offset");
      for (uint64_t i = 0; i < op.entries; ++i)
        check(slotValue(op, t, r, op.guard + i) == tableOf(op, t, r)[i],
              "table " + std::to_string(t) + " is not negacyclic");
    }
}

static void checkLookup(const fhe_lookup_desc &op, const Parameters &parameters) {
  check(op.width <= 62, "a window of more than 2^62 slots");
  check(op.log2_step <= 24, "steps of more than 2^24 integers");
  check(op.elements >= 1 && op.elements <= maxElements, "an impossible number of elements");
  check(op.entries >= 1 && op.entries <= maxElements && op.guard <= uint64_t(1) << 62,
        "an impossible number of table entries");
  check(op.guard + op.entries <= uint64_t(1) << op.width, "the table does not fit its window");
  check(op.table_count >= 1 && op.results >= 1 && op.results <= 1024, "no tables or no results");
  check(op.tables, "no tables");
  checkedProduct({op.table_count, op.results, op.entries});
  checkRealization(op);
  check(std::isfinite(op.noise_std) && op.noise_std >= 0 && op.noise_std < 1,
        "noise_std is not a number in [0, 1)");
  if (op.table_of_element)
    for (uint64_t e = 0; e < op.elements; ++e)
      check(op.table_of_element[e] < op.table_count,
            "element " + std::to_string(e) + " uses table " +
                std::to_string(op.table_of_element[e]) + " of " + std::to_string(op.table_count));
  if (!parameters.empty())
    checkLookupConversions(op, parameters);
}

static void checkGather(const fhe_gather_desc &op) {
  check(op.elements >= 1 && op.elements <= maxElements && op.in_elements[0] <= maxElements &&
            op.in_elements[1] <= maxElements,
        "an impossible number of elements");
  check(op.source, "no source indices");
  uint64_t total = op.in_elements[0] + op.in_elements[1];
  for (uint64_t e = 0; e < op.elements; ++e)
    check(op.source[e] < 0 || uint64_t(op.source[e]) < total,
          "element " + std::to_string(e) + " has source " + std::to_string(op.source[e]) + " of " +
              std::to_string(total));
}

static void checkCombine(const fhe_combine_desc &op) {
  check(op.operands == 1 || op.operands == 2, "a sum of neither one nor two operands");
  check(op.elements >= 1 && op.elements <= maxElements, "an impossible number of elements");
  check(op.log2_factor[0] < 64 && op.log2_factor[1] < 64, "log2_factor is above 63");
}

static void checkConstant(const fhe_constant_desc &op) {
  check(op.elements >= 1 && op.elements <= maxElements, "an impossible number of elements");
  check(op.values, "no values");
  check(op.log2_delta < 64, "log2_delta is above 63");
}

static void checkConvert(const fhe_convert_desc &op, const Parameters &parameters) {
  check(op.elements >= 1 && op.elements <= maxElements, "an impossible number of elements");
  check(!parameters.empty(), "a model without keys converts between keys");
  check(op.keyswitch < parameters.conversions.size(), "a conversion that does not exist");
  const fhe_conversion_record &keyswitch = parameters.conversions[op.keyswitch];
  check(keyswitch.kind == FHE_CONVERSION_KEYSWITCH, "a conversion of the wrong kind");
  check(keyswitch.from_key == op.in_key && keyswitch.to_key == op.header.key,
        "a conversion that does not lead from the operand's key to the result's");
  check(parameters.keys[op.header.key].kind == FHE_KEY_GLWE,
        "a result that is not under a GLWE key");
}

static void checkOp(const CheckedModel &checked, uint32_t i) {
  const fhe_model &model = *checked.model;
  const fhe_op_header *op = model.ops[i];
  check(op, "null descriptor");
  static const uint32_t sizes[] = {0,
                                   sizeof(fhe_linear_desc),
                                   sizeof(fhe_combine_desc),
                                   sizeof(fhe_gather_desc),
                                   sizeof(fhe_lookup_desc),
                                   sizeof(fhe_constant_desc),
                                   sizeof(fhe_convert_desc)};
  check(op->kind >= FHE_OP_LINEAR && op->kind <= FHE_OP_CONVERT,
        "unknown kind " + std::to_string(op->kind));
  check(op->size == sizes[op->kind], "descriptor of " + std::to_string(op->size) +
                                         " bytes, expected " + std::to_string(sizes[op->kind]));
  check(op->index == i, "descriptor says it is number " + std::to_string(op->index));
  check(op->layer, "no layer name");
  check(op->key < model.arena_count && shapeOf(*op).inKey < model.arena_count,
        "a key without an arena");
  switch (op->kind) {
  case FHE_OP_LINEAR:
    return checkLinear(as<fhe_linear_desc>(*op));
  case FHE_OP_COMBINE:
    return checkCombine(as<fhe_combine_desc>(*op));
  case FHE_OP_GATHER:
    return checkGather(as<fhe_gather_desc>(*op));
  case FHE_OP_LOOKUP:
    return checkLookup(as<fhe_lookup_desc>(*op), checked.parameters);
  case FHE_OP_CONVERT:
    return checkConvert(as<fhe_convert_desc>(*op), checked.parameters);
  default:
    return checkConstant(as<fhe_constant_desc>(*op));
  }
}

OpShape shapeOf(const fhe_op_header &header) {
  OpShape shape;
  shape.inKey = header.key;
  switch (header.kind) {
  case FHE_OP_LINEAR: {
    const auto &op = as<fhe_linear_desc>(header);
    bool gemm = op.form == FHE_LINEAR_GEMM;
    uint64_t inArea = gemm ? op.rows : uint64_t(op.in_h) * op.in_w;
    uint64_t outArea = gemm ? op.rows : uint64_t(op.out_h) * op.out_w;
    shape.in[0] = op.in_channels * inArea;
    shape.out = op.out_channels * outArea;
    break;
  }
  case FHE_OP_COMBINE: {
    const auto &op = as<fhe_combine_desc>(header);
    shape.in[0] = shape.out = op.elements;
    shape.in[1] = op.operands == 2 ? op.elements : 0;
    break;
  }
  case FHE_OP_GATHER: {
    const auto &op = as<fhe_gather_desc>(header);
    shape.in[0] = op.in_elements[0];
    shape.in[1] = op.in_elements[1];
    shape.out = op.elements;
    break;
  }
  case FHE_OP_LOOKUP: {
    const auto &op = as<fhe_lookup_desc>(header);
    shape.in[0] = shape.out = op.elements;
    shape.results = op.results;
    shape.inKey = op.in_key;
    break;
  }
  case FHE_OP_CONVERT: {
    const auto &op = as<fhe_convert_desc>(header);
    shape.in[0] = shape.out = op.elements;
    shape.inKey = op.in_key;
    break;
  }
  default:
    shape.out = as<fhe_constant_desc>(header).elements;
  }
  return shape;
}

static void checkPort(const CheckedModel &checked, const fhe_port &port) {
  const fhe_model &model = *checked.model;
  check(port.name && std::strlen(port.name) <= 4096, "no name, or one of more than 4096 bytes");
  check(port.key < model.arena_count, "a key without an arena");
  check(port.rank <= 64 && (port.shape || port.rank == 0), "an impossible rank or no shape");
  uint64_t elements = 1;
  for (uint32_t d = 0; d < port.rank; ++d)
    elements = checkedProduct({elements, port.shape[d]});
  check(elements == port.elements && elements >= 1,
        "its shape has not as many elements as it says");
  check(port.offset <= model.arena_elements[port.key] &&
            port.elements <= model.arena_elements[port.key] - port.offset,
        "its slot is not within the arena");
  check(port.lo <= port.hi, "an empty range of integers");
  check(port.log2_delta < 64, "log2_delta is above 63");
  check(std::isfinite(port.noise_std) && port.noise_std >= 0 && port.noise_std < 1,
        "noise_std is not a number in [0, 1)");
}

static void checkPorts(const CheckedModel &checked, const char *what, const fhe_port *ports,
                       uint32_t count) {
  check(count >= 1 && count <= 4096 && ports, std::string("impossible number of ") + what + "s");
  std::set<std::string> names;
  for (uint32_t i = 0; i < count; ++i) {
    try {
      checkPort(checked, ports[i]);
      check(names.insert(ports[i].name).second, "another one has the same name");
    } catch (const Failure &failure) {
      throw Failure(failure.status(),
                    std::string(what) + " " + std::to_string(i) + ": " + failure.what());
    }
  }
}

static void readModelParameters(CheckedModel &checked) {
  const fhe_model &model = *checked.model;
  if (!model.parameters) {
    check(model.arena_count == 1, "a clear-only model has one arena");
    return;
  }
  const fhe_parameters &record = *model.parameters;
  if (record.abi_version != FHE_ABI_VERSION || record.size != sizeof(fhe_parameters))
    throw Failure(FHE_UNSUPPORTED, "parameters of another ABI version");
  check(record.key_count >= 1 && record.key_count <= maxKeys && record.keys &&
            record.conversion_count <= maxConversions &&
            (record.conversions || record.conversion_count == 0),
        "impossible number of keys or conversions");
  check(record.key_count == model.arena_count, "not one arena a key");
  checked.parameters.securityBits = record.security_bits;
  checked.parameters.keys.assign(record.keys, record.keys + record.key_count);
  checked.parameters.conversions.assign(record.conversions,
                                        record.conversions + record.conversion_count);
  checkParameters(checked.parameters, FHE_INVALID_MODEL);
  checked.hash = parameterHash(checked.parameters);
}

uint64_t CheckedModel::lookupsPerSample() const {
  uint64_t count = 0;
  for (const Call &call : schedule)
    if (call.op->kind == FHE_OP_LOOKUP)
      count += as<fhe_lookup_desc>(*call.op).elements;
  return count;
}

CheckedModel checkModel(const fhe_model *model) {
  require(model, FHE_INVALID_ARGUMENT, "no model");
  if (model->abi_version != FHE_ABI_VERSION)
    throw Failure(FHE_UNSUPPORTED, "the model has ABI version " +
                                       std::to_string(model->abi_version) + ", this runtime " +
                                       std::to_string(FHE_ABI_VERSION));
  check(model->size == sizeof(fhe_model), "the model record has another size than its version's");
  check(model->name && model->entry, "the model has no name or no code");
  check(model->manifest && std::strlen(model->manifest) == model->manifest_bytes,
        "the model's manifest is absent or has another length than it says");
  check(model->arena_count >= 1 && model->arena_count <= maxKeys && model->arena_elements,
        "the model has no arenas");
  for (uint32_t i = 0; i < model->arena_count; ++i)
    check(model->arena_elements[i] <= maxElements, "an arena of more than 2^40 elements");
  CheckedModel checked;
  checked.model = model;
  readModelParameters(checked);
  checkPorts(checked, "input", model->inputs, model->input_count);
  checkPorts(checked, "output", model->outputs, model->output_count);
  check(model->op_count <= 1u << 20 && (model->ops || model->op_count == 0),
        "impossible number of operations");
  for (uint32_t i = 0; i < model->op_count; ++i) {
    try {
      checkOp(checked, i);
    } catch (const Failure &failure) {
      const fhe_op_header *op = model->ops[i];
      std::string layer = op && op->layer ? " ('" + std::string(op->layer) + "')" : "";
      throw Failure(failure.status(),
                    "operation " + std::to_string(i) + layer + ": " + failure.what());
    }
    if (model->ops[i]->kind == FHE_OP_LOOKUP)
      checked.lookups.push_back(&as<fhe_lookup_desc>(*model->ops[i]));
  }
  checked.schedule = recordSchedule(checked);
  return checked;
}

} // namespace fhe::runtime
