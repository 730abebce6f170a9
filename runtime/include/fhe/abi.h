/* fhe/abi.h: what a generated object file and a runtime agree on. C11, no other header needed.
 *
 * A model object imports no symbol. It exports one `const fhe_model NAME_model`; its `entry` gets
 * an executor (a versioned function table and its state) and calls it once per tensor operation
 * with a constant descriptor and arena offsets. Generated code never sees a ciphertext word, so
 * the same object runs encrypted, in the clear, or simulated.
 *
 * Units. A *slot* is a tensor in an arena. There is one arena a key (fhe_model.arena_elements,
 * indexed like fhe_parameters.keys); offsets and sizes count ciphertexts of one sample. With S
 * samples a slot at offset o with E elements is the S*E ciphertexts from S*o on, sample-major
 * [S][E]. An LWE ciphertext under a GLWE key has live+1 words (mask, then body); in clear and
 * simulated runs it is one int64.
 *
 * Encoding. The integer v is v * 2^log2_delta on the 64-bit torus, centred (no stored offset).
 *
 * Everything here is pinned by runtime/tests/abi_offsets_test.cpp: never reorder; append and
 * raise FHE_ABI_VERSION. Every record the runtime reads through a pointer starts with, or is
 * covered by, a size that it checks.
 */
#ifndef FHE_ABI_H
#define FHE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 2: fhe_convert_desc and the executor's convert. 3: realization and offsets of fhe_lookup_desc.
 * 4: nested_in of fhe_key_record. 5: log2_step of fhe_lookup_desc. */
#define FHE_ABI_VERSION 5u

/* ---- parameters ------------------------------------------------------------------------- */

enum { FHE_KEY_LWE = 1, FHE_KEY_GLWE = 2 };
enum { FHE_DISTRIBUTION_BINARY = 1, FHE_DISTRIBUTION_BLOCK_BINARY = 2, FHE_DISTRIBUTION_SPARSE = 3 };
enum { FHE_NOISE_GAUSSIAN = 1, FHE_NOISE_TUNIFORM = 2 };
enum { FHE_CONVERSION_KEYSWITCH = 1, FHE_CONVERSION_BOOTSTRAP = 2 };
enum { FHE_ENGINE_CLASSIC = 1, FHE_ENGINE_BLOCK_BINARY = 2, FHE_ENGINE_AMORTIZED = 3 };
enum { FHE_SWITCH_PLAIN = 1, FHE_SWITCH_CENTRED = 2 };

/* One secret key: LWE of dimension n, or GLWE of dimension k and degree 2^log2_poly. */
typedef struct fhe_key_record {
  uint32_t kind;         /* FHE_KEY_* */
  uint32_t distribution; /* FHE_DISTRIBUTION_* */
  uint32_t dimension;    /* n of an LWE key, k of a GLWE key */
  uint32_t log2_poly;    /* log2 N of a GLWE key, 0 of an LWE key */
  uint32_t live;         /* coefficients that may be non-zero: n, or k*N unless partial */
  uint32_t word_bits;    /* of ciphertexts: 64, or of an LWE key 32 */
  uint32_t noise_kind;   /* FHE_NOISE_*; TUNIFORM: log2_std is that of an integer bound */
  uint32_t nested_in;    /* of an LWE key: 0, or 1 + index of the GLWE key whose first bits it is */
  double log2_std;       /* log2 of the noise's standard deviation, relative to the torus */
} fhe_key_record;

/* One public conversion: keyswitch (from a GLWE key's extracted LWE to an LWE key, or to another
 * GLWE key's extracted LWE) or bootstrap (from an LWE key to a GLWE key). A keyswitch to a nested key
 * from the GLWE key that it is nested in has rows for the other coefficients only. */
typedef struct fhe_conversion_record {
  uint32_t kind;        /* FHE_CONVERSION_* */
  uint32_t from_key;    /* index into fhe_parameters.keys */
  uint32_t to_key;      /* index into fhe_parameters.keys */
  uint32_t base_log;    /* log2 of the decomposition base */
  uint32_t levels;      /* decomposition levels */
  uint32_t engine;      /* FHE_ENGINE_*, bootstrap only, else 0 */
  uint32_t switch_kind; /* FHE_SWITCH_*, bootstrap only, else 0 */
  uint32_t word_bits;   /* keyswitch: that of to_key; bootstrap: 64 */
} fhe_conversion_record;

typedef struct fhe_parameters {
  uint32_t abi_version;   /* FHE_ABI_VERSION */
  uint32_t size;          /* sizeof(fhe_parameters) of the writer */
  uint32_t security_bits; /* 128 or 132 */
  uint32_t key_count;
  uint32_t conversion_count;
  uint32_t results_per_lookup; /* largest of the model */
  const fhe_key_record *keys;
  const fhe_conversion_record *conversions;
} fhe_parameters;

/* ---- operation descriptors --------------------------------------------------------------- */

enum {
  FHE_OP_LINEAR = 1, FHE_OP_COMBINE = 2, FHE_OP_GATHER = 3, FHE_OP_LOOKUP = 4, FHE_OP_CONSTANT = 5,
  FHE_OP_CONVERT = 6
};

/* Every descriptor starts with this. `index` is its place in fhe_model.ops (an executor keeps
 * what it prepared under that index); `layer` names the ONNX node, for progress and messages. */
typedef struct fhe_op_header {
  uint32_t kind; /* FHE_OP_* */
  uint32_t size; /* sizeof of the whole descriptor */
  uint32_t index;
  uint32_t key; /* key of the result's (and, but for a lookup and a convert, the operands') arena */
  const char *layer;
} fhe_op_header;

/* How a lookup evaluates its tables. */
enum { FHE_REALIZATION_DIRECT = 0, FHE_REALIZATION_NEGACYCLIC = 1 };

enum { FHE_LINEAR_GEMM = 1, FHE_LINEAR_CONV = 2 };

/* Clear integer weights times ciphertexts. No bias: clear constants live in tables or with the
 * client.
 * GEMM: in [rows][in_channels] -> out [rows][out_channels], weights [out_channels][in_channels].
 * CONV: in [in_channels][in_h][in_w] -> out [out_channels][out_h][out_w], weights
 *   [out_channels][in_channels/groups][kernel_h][kernel_w], zero padding. Pools are depthwise.
 *   The padding after the input is what out_h and out_w need; an out_h or out_w that leaves out
 *   input rows or columns which a further step of the stride would reach is refused.
 * Ciphertexts are multiplied by weight * 2^log2_factor, integers (clear runs) by weight. */
typedef struct fhe_linear_desc {
  fhe_op_header header;
  uint32_t form;        /* FHE_LINEAR_* */
  uint32_t weight_bits; /* 8, 16 or 32: int8_t, int16_t or int32_t */
  uint32_t log2_factor;
  uint32_t groups;
  uint32_t rows;
  uint32_t in_channels, out_channels;
  uint32_t in_h, in_w, out_h, out_w;
  uint32_t kernel_h, kernel_w;
  uint32_t stride_h, stride_w;
  uint32_t pad_top, pad_left;
  uint32_t dilation_h, dilation_w;
  uint32_t reserved;
  const void *weights;
} fhe_linear_desc;

/* out[e] = sum over operands k of coefficient[k] * in_k[e]; ciphertexts further times
 * 2^log2_factor[k]. One or two operands. */
typedef struct fhe_combine_desc {
  fhe_op_header header;
  uint64_t elements;
  uint32_t operands; /* 1 or 2 */
  uint32_t log2_factor[2];
  uint32_t reserved;
  int64_t coefficient[2];
} fhe_combine_desc;

/* out[e] = concatenation(in_0, in_1)[source[e]], or the trivial encryption of 0 where source[e]
 * is negative: layout changes, padding, concatenation. in_1 has 0 elements if there is none. */
typedef struct fhe_gather_desc {
  fhe_op_header header;
  uint64_t elements;
  uint64_t in_elements[2];
  const int64_t *source; /* [elements] */
} fhe_gather_desc;

/* Keyswitch and programmable bootstrap of a whole layer.
 * The window: 2^width slots from slot 0; integer v of [lo, lo+entries) sits in slot
 * v - lo + guard, input encoded at 2^log2_delta_in * 2^log2_factor = 2^(63-width) (one padding
 * bit). Slots below and above hold the end values (saturation). Outside the window the table is
 * negacyclic: slot s in [2^width, 2^(width+1)) gives minus the value of slot s - 2^width, slots
 * are counted modulo 2^(width+1). Every executor does exactly this.
 * FHE_REALIZATION_NEGACYCLIC: no padding bit. The input is encoded at 2^(64-width), slots are counted
 * modulo 2^width, the polynomial holds the lower half of the window and slot s of the upper half gives
 * offsets[t][r] minus the value of slot s - 2^(width-1); the table's entries there must be just that.
 * On the torus a result v is bootstrapped as v - offset/2, and offset/2 is added in the clear.
 * log2_step = s above 0: the table is read at u = floor((v + 2^(s-1)) / 2^s), which takes the place of v in
 * all of this (lo, entries, slots); input encoded at 2^log2_delta_in * 2^log2_factor * 2^s = 2^(63-width).
 * Test polynomials are filled at full resolution: the coefficient at position j of N holds the
 * value of the slot whose centre is nearest to j/N of the window (of its lower half where there is no padding bit). Where N exceeds these slots two centres can
 * be equally near: the upper slot has it, and phases move down by half a position before the modulus
 * switch, so that each slot reaches equally far to both sides of its centre. */
typedef struct fhe_lookup_desc {
  fhe_op_header header;    /* header.key: key of the results */
  uint32_t in_key;         /* key of the operand */
  uint32_t keyswitch;      /* conversion used, index into fhe_parameters.conversions */
  uint32_t bootstrap;      /* likewise */
  uint32_t log2_factor;    /* ciphertexts are multiplied by 2^this before the keyswitch */
  uint32_t log2_delta_in;  /* of the operand as stored */
  uint32_t log2_delta_out; /* of the results */
  uint32_t width;          /* log2 of the slots of the window */
  uint32_t rounded_width;  /* P of an approximately rounded table, else = width */
  uint64_t guard;          /* slot of lo */
  uint64_t elements;       /* of the operand, and of each result */
  int64_t lo;              /* first integer the tables cover */
  uint64_t entries;        /* integers the tables cover */
  uint32_t table_count;    /* T */
  uint32_t results;        /* R >= 1 */
  const int32_t *tables;   /* [T][R][entries] */
  const uint32_t *table_of_element; /* [elements], each < T; NULL: table 0 for all */
  double noise_std; /* predicted noise at the table input, modulus switch included, relative to
                       the torus; 0: none (clear-only model) */
  uint32_t realization;   /* FHE_REALIZATION_* */
  uint32_t log2_step;     /* log2 of the integers that share an entry */
  const int64_t *offsets; /* [T][R] of FHE_REALIZATION_NEGACYCLIC, else NULL */
} fhe_lookup_desc;

/* Trivial encryptions of clear integers (rows without non-zero weights, constant outputs). */
typedef struct fhe_constant_desc {
  fhe_op_header header;
  uint64_t elements;
  uint32_t log2_delta;
  uint32_t reserved;
  const int64_t *values; /* [elements] */
} fhe_constant_desc;

/* The same integers, at the same log2_delta, under another GLWE key: values of tables under different
 * keys meet in one sum. Copies in clear and simulated runs: the noise of the keyswitch is in the
 * noise_std of the tables and outputs that it reaches. */
typedef struct fhe_convert_desc {
  fhe_op_header header; /* header.key: key of the result */
  uint32_t in_key;      /* key of the operand */
  uint32_t keyswitch;   /* from in_key to header.key, index into fhe_parameters.conversions */
  uint64_t elements;
} fhe_convert_desc;

/* ---- the executor ------------------------------------------------------------------------ */

/* Each call returns 0, or a non-zero fhe_status that the entry passes on at once. Offsets are
 * arena offsets in ciphertexts of one sample. Results never overlap operands. */
typedef struct fhe_executor_ops {
  uint32_t abi_version;
  uint32_t size;
  int32_t (*linear)(void *state, const fhe_linear_desc *op, uint64_t out, uint64_t in);
  int32_t (*combine)(void *state, const fhe_combine_desc *op, uint64_t out, uint64_t in0,
                     uint64_t in1);
  int32_t (*gather)(void *state, const fhe_gather_desc *op, uint64_t out, uint64_t in0,
                    uint64_t in1);
  /* out: [op->results] offsets, one a result */
  int32_t (*lookup)(void *state, const fhe_lookup_desc *op, const uint64_t *out, uint64_t in);
  int32_t (*constant)(void *state, const fhe_constant_desc *op, uint64_t out);
  int32_t (*convert)(void *state, const fhe_convert_desc *op, uint64_t out, uint64_t in);
} fhe_executor_ops;

typedef struct fhe_executor {
  const fhe_executor_ops *ops;
  void *state;
} fhe_executor;

/* ---- the model --------------------------------------------------------------------------- */

/* An encrypted input or output. Without padding (outputs that are not bootstrapped) the integer is
 * the residue modulo 2^(64-log2_delta) nearest to the middle of [lo, hi]. */
typedef struct fhe_port {
  const char *name;
  uint32_t key;
  uint32_t log2_delta;
  uint32_t padding_bits; /* 1 or 0 */
  uint32_t rank;
  const uint64_t *shape; /* [rank], without the batch dimension */
  uint64_t elements;
  uint64_t offset; /* of its slot */
  int64_t lo, hi;  /* range of the integers */
  double noise_std; /* outputs: predicted noise, relative to the torus; 0 where not predicted */
} fhe_port;

typedef struct fhe_model {
  uint32_t abi_version; /* FHE_ABI_VERSION */
  uint32_t size;        /* sizeof(fhe_model) of the writer */
  const char *name;
  const char *manifest; /* JSON, what a client needs; NUL-terminated */
  uint64_t manifest_bytes; /* without the NUL */
  const fhe_parameters *parameters; /* NULL: compiled with --clear-only, one arena (key 0) */
  const uint64_t *arena_elements;   /* [arena_count] */
  uint32_t arena_count;
  uint32_t input_count;
  uint32_t output_count;
  uint32_t op_count;
  const fhe_port *inputs;
  const fhe_port *outputs;
  const fhe_op_header *const *ops; /* [op_count], every descriptor the entry uses, by index */
  int32_t (*entry)(const fhe_executor *executor);
} fhe_model;

#ifdef __cplusplus
}
#endif

#endif /* FHE_ABI_H */
